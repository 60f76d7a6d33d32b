//! What a person decides about how the service treats them, over HTTP.
use actix_web::{Responder, http::Method};
use huntzen_tenancy::{
    policy::Permission,
    preferences::{PreferenceChange, PreferenceSet},
};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};
use validator::Validate;

use super::{Json, Operations, Problem, Signed, patch};
use crate::state::App;

/// What changes; absent fields stay.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PreferencesPatch {
    /// In which language letters are written: `fr` or `en`.
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(value_type = String, required = false, min_length = 2, max_length = 2)]
    language: Option<String>,
    /// Whether HR may see one's usage by name, in months for which the company's is reported so.
    /// Employees alone decide it.
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(value_type = bool, required = false)]
    share_usage_with_employer: Option<bool>,
}

impl From<PreferencesPatch> for PreferenceChange {
    fn from(patch: PreferencesPatch) -> Self {
        Self { language: patch.language, share_usage_with_employer: patch.share_usage_with_employer }
    }
}

/// A person's preferences.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PreferencesBody {
    /// In which language letters are written: `fr` or `en`.
    #[schema(min_length = 2, max_length = 2)]
    language: String,
    /// Whether HR may see one's usage by name; false until one says otherwise.
    share_usage_with_employer: bool,
}

impl From<PreferenceSet> for PreferencesBody {
    fn from(set: PreferenceSet) -> Self {
        Self { language: set.language, share_usage_with_employer: set.share_usage_with_employer }
    }
}

/// Shows one's own preferences.
#[utoipa::path(get, path = "/users/me/preferences", tag = "users",
    responses((status = 200, body = PreferencesBody)))]
async fn read_preferences(app: App, signed: Signed) -> Result<impl Responder, Problem> {
    let chosen = app.run(move |s| s.preferences.read(&signed.caller)).await?;
    Ok(Json(PreferencesBody::from(chosen)))
}

/// Changes one's own preferences.
#[utoipa::path(patch, path = "/users/me/preferences", tag = "users", request_body = PreferencesPatch,
    responses((status = 200, body = PreferencesBody)))]
async fn change_preferences(
    app: App,
    signed: Signed,
    Json(patch): Json<PreferencesPatch>,
) -> Result<impl Responder, Problem> {
    let chosen = app.run(move |s| s.preferences.change(&signed.caller, &patch.into())).await?;
    Ok(Json(PreferencesBody::from(chosen)))
}

#[derive(OpenApi)]
#[openapi(paths(read_preferences, change_preferences))]
struct Document;

/// Adds the operations on preferences.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    let own = Permission::PreferencesOwn;
    ops.route(Method::GET, "/users/me/preferences", own, read_preferences);
    ops.route(Method::PATCH, "/users/me/preferences", own, change_preferences).or_put();
}
