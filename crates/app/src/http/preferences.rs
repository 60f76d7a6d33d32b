//! What a person decides about how the service treats them, over HTTP.
use actix_web::{Responder, http::Method};
use huntzen_tenancy::{
    policy::Permission,
    preferences::{Alias, PreferenceChange, PreferenceSet, QuietHours, WantedHours},
};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};
use validator::Validate;

use super::{Json, Operations, Patch, Problem, Signed, hours::WallTime, patch};
use crate::state::App;

/// Hours of every day, as clocks in `timezone` show them; over midnight when they end before they start.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct QuietHoursBody {
    /// When they begin.
    #[schema(value_type = String, min_length = 5, max_length = 5, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    start: WallTime,
    /// When they are over.
    #[schema(value_type = String, min_length = 5, max_length = 5, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    end: WallTime,
    /// IANA zone, such as `Europe/Paris`.
    #[schema(min_length = 1, max_length = 64)]
    timezone: String,
}

/// What changes; absent fields stay.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PreferencesPatch {
    /// In which language letters are written: `fr` or `en`.
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(value_type = String, required = false, min_length = 2, max_length = 2, pattern = "^(fr|en)$")]
    language: Option<String>,
    /// What one is called in the room of a consultation: 1 to 40 characters; null for "Participant".
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(value_type = Option<String>, required = false, min_length = 1, max_length = 40)]
    alias: Patch<String>,
    /// Whether HR may see one's usage by name, in months for which the company's is reported so.
    /// Employees alone decide it.
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(value_type = bool, required = false)]
    share_usage_with_employer: Option<bool>,
    /// When letters that can wait do (those about the account and about appointments never do); null for
    /// never.
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(value_type = Option<QuietHoursBody>, required = false)]
    quiet_hours: Patch<QuietHoursBody>,
}

impl From<PreferencesPatch> for PreferenceChange {
    fn from(patch: PreferencesPatch) -> Self {
        let wanted =
            |hours: QuietHoursBody| WantedHours { start: hours.start.0, end: hours.end.0, timezone: hours.timezone };
        Self {
            language: patch.language,
            alias: patch.alias,
            share_usage_with_employer: patch.share_usage_with_employer,
            quiet_hours: patch.quiet_hours.map(|hours| hours.map(wanted)),
        }
    }
}

/// A person's preferences.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PreferencesBody {
    /// In which language letters are written: `fr` or `en`.
    #[schema(min_length = 2, max_length = 2, pattern = "^(fr|en)$")]
    language: String,
    /// What one is called in the room of a consultation; null for "Participant".
    #[schema(min_length = 1, max_length = 40)]
    alias: Option<String>,
    /// Whether HR may see one's usage by name; false until one says otherwise.
    share_usage_with_employer: bool,
    /// When letters that can wait do; null for never.
    quiet_hours: Option<QuietHoursBody>,
}

impl From<PreferenceSet> for PreferencesBody {
    fn from(set: PreferenceSet) -> Self {
        Self {
            language: set.language,
            alias: set.alias.as_ref().map(Alias::as_str).map(str::to_owned),
            share_usage_with_employer: set.share_usage_with_employer,
            quiet_hours: set.quiet_hours.as_ref().map(QuietHoursBody::from),
        }
    }
}

impl From<&QuietHours> for QuietHoursBody {
    fn from(hours: &QuietHours) -> Self {
        let (start, end) = (WallTime(hours.start()), WallTime(hours.end()));
        Self { start, end, timezone: hours.timezone().to_owned() }
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
