//! Practitioners as administrators and they themselves see and edit them.
use actix_web::{Responder, http::Method};
use huntzen_booking::{
    ids::PractitionerId,
    practitioner::{NewPractitioner, Practitioner, Profession, ProfileChange},
};
use huntzen_tenancy::{files::FileId, policy::Permission};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{
    IntoParams, OpenApi, ToSchema,
    openapi::{
        ArrayBuilder, ObjectBuilder,
        schema::{Array, SchemaType, Type},
    },
};
use uuid::Uuid;
use validator::Validate;

use super::{
    Created, Json, Operations, PageBody, PageNumber, Patch, Path, PerPage, Problem, Query, Signed,
    openapi::words_schema, paging::page_request, patch,
};
use crate::state::App;

/// Whom to invite.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewPractitionerBody {
    #[validate(length(min = 1, max = 320))]
    #[schema(format = "email", min_length = 1, max_length = 320)]
    email: String,
    #[validate(length(min = 1, max = 100))]
    #[schema(min_length = 1, max_length = 100)]
    first_name: String,
    #[validate(length(min = 1, max = 100))]
    #[schema(min_length = 1, max_length = 100)]
    last_name: String,
    #[schema(schema_with = words_schema::<Profession>)]
    profession: Profession,
    /// Such as `Dr.`
    #[validate(length(max = 120))]
    #[schema(max_length = 120)]
    title: Option<String>,
    /// In the professional register.
    #[validate(length(max = 40))]
    #[schema(max_length = 40)]
    registration_number: Option<String>,
    #[schema(schema_with = specialties_schema)]
    specialties: Vec<String>,
    /// BCP 47.
    #[schema(schema_with = languages_schema)]
    languages: Vec<String>,
    /// IANA; `Europe/Paris` when absent.
    #[validate(length(min = 1, max = 64))]
    #[schema(min_length = 1, max_length = 64)]
    timezone: Option<String>,
}

impl From<NewPractitionerBody> for NewPractitioner {
    fn from(body: NewPractitionerBody) -> Self {
        Self {
            email: body.email,
            first_name: body.first_name,
            last_name: body.last_name,
            profession: body.profession,
            title: body.title,
            registration_number: body.registration_number,
            specialties: body.specialties,
            languages: body.languages,
            timezone: body.timezone,
        }
    }
}

/// What an administrator found.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ValidationBody {
    /// Whether the practitioner's documents were checked.
    documents_verified: bool,
}

/// What practitioners may change about themselves.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ProfilePatch {
    #[serde(default, deserialize_with = "patch::required")]
    #[validate(length(min = 1, max = 100))]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100)]
    first_name: Option<String>,
    #[serde(default, deserialize_with = "patch::required")]
    #[validate(length(min = 1, max = 100))]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100)]
    last_name: Option<String>,
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(value_type = Option<String>, max_length = 120)]
    title: Patch<String>,
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(value_type = Option<String>, max_length = 4000)]
    bio: Patch<String>,
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(schema_with = specialties_schema)]
    specialties: Option<Vec<String>>,
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(schema_with = languages_schema)]
    languages: Option<Vec<String>>,
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(value_type = Option<u32>, minimum = 0, maximum = 80)]
    years_of_experience: Patch<u32>,
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(value_type = bool, required = false)]
    offers_video: Option<bool>,
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(value_type = bool, required = false)]
    offers_audio: Option<bool>,
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(value_type = bool, required = false)]
    offers_phone: Option<bool>,
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(value_type = bool, required = false)]
    offers_chat: Option<bool>,
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(value_type = bool, required = false)]
    accepting_new_clients: Option<bool>,
    /// IANA.
    #[serde(default, deserialize_with = "patch::required")]
    #[validate(length(min = 1, max = 64))]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 64)]
    timezone: Option<String>,
}

impl From<ProfilePatch> for ProfileChange {
    fn from(patch: ProfilePatch) -> Self {
        Self {
            first_name: patch.first_name,
            last_name: patch.last_name,
            title: patch.title,
            bio: patch.bio,
            specialties: patch.specialties,
            languages: patch.languages,
            years_of_experience: patch.years_of_experience,
            offers_video: patch.offers_video,
            offers_audio: patch.offers_audio,
            offers_phone: patch.offers_phone,
            offers_chat: patch.offers_chat,
            accepting_new_clients: patch.accepting_new_clients,
            timezone: patch.timezone,
        }
    }
}

/// A practitioner as administrators and they themselves see them.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of the contract with clients")]
struct PractitionerBody {
    id: Uuid,
    user_id: Uuid,
    #[schema(max_length = 100)]
    first_name: String,
    #[schema(max_length = 100)]
    last_name: String,
    #[schema(max_length = 120)]
    title: Option<String>,
    #[schema(schema_with = words_schema::<Profession>)]
    profession: Profession,
    #[schema(max_length = 40)]
    registration_number: Option<String>,
    #[schema(schema_with = specialties_schema)]
    specialties: Vec<String>,
    #[schema(schema_with = languages_schema)]
    languages: Vec<String>,
    #[schema(max_length = 4000)]
    bio: Option<String>,
    #[schema(minimum = 0, maximum = 80)]
    years_of_experience: Option<u32>,
    offers_video: bool,
    offers_audio: bool,
    offers_phone: bool,
    offers_chat: bool,
    accepting_new_clients: bool,
    /// IANA: availability rules are wall times of it.
    #[schema(max_length = 64)]
    timezone: String,
    is_validated: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    validated_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    suspended_at: Option<Timestamp>,
    documents_verified: bool,
    /// To the hundredth; null below five reviews.
    #[schema(minimum = 1, maximum = 5)]
    avg_rating: Option<f64>,
    #[schema(minimum = 0, maximum = 2_147_483_647)]
    review_count: u32,
    /// Where their picture is; null without one.
    #[schema(max_length = 2048)]
    avatar_url: Option<String>,
}

impl From<Practitioner> for PractitionerBody {
    fn from(practitioner: Practitioner) -> Self {
        Self {
            avg_rating: average_rating(&practitioner),
            id: practitioner.id.into(),
            user_id: practitioner.user.into(),
            first_name: practitioner.first_name,
            last_name: practitioner.last_name,
            title: practitioner.title,
            profession: practitioner.profession,
            registration_number: practitioner.registration_number,
            specialties: practitioner.specialties,
            languages: practitioner.languages,
            bio: practitioner.bio,
            years_of_experience: practitioner.years_of_experience,
            offers_video: practitioner.offers_video,
            offers_audio: practitioner.offers_audio,
            offers_phone: practitioner.offers_phone,
            offers_chat: practitioner.offers_chat,
            accepting_new_clients: practitioner.accepting_new_clients,
            timezone: practitioner.timezone,
            is_validated: practitioner.is_validated,
            validated_at: practitioner.validated_at,
            suspended_at: practitioner.suspended_at,
            documents_verified: practitioner.documents_verified,
            review_count: practitioner.review_count,
            avatar_url: practitioner.avatar.map(FileId::url),
        }
    }
}

/// The average rating as clients read it: to the hundredth.
pub(super) fn average_rating(practitioner: &Practitioner) -> Option<f64> {
    practitioner.average_rating_hundredths().map(|hundredths| f64::from(hundredths) / 100.0)
}

/// What a practitioner knows best: up to 20 texts of up to 120 characters.
pub(super) fn specialties_schema() -> Array {
    texts_schema(20, 1, 120)
}

/// The languages of a practitioner: up to 10 tags (BCP 47).
pub(super) fn languages_schema() -> Array {
    texts_schema(10, 2, 35)
}

fn texts_schema(most: usize, shortest: usize, longest: usize) -> Array {
    let text = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
    let text = text.min_length(Some(shortest)).max_length(Some(longest));
    ArrayBuilder::new().items(text).max_items(Some(most)).build()
}

/// Which page of the practitioners.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct PractitionerQuery {
    #[serde(default)]
    #[param(inline)]
    page: PageNumber,
    #[serde(default)]
    #[param(inline)]
    per_page: PerPage,
}

/// Invites a practitioner.
#[utoipa::path(post, path = "/practitioners", tag = "practitioners", request_body = NewPractitionerBody,
    responses((status = 201, body = PractitionerBody)))]
async fn invite_practitioner(
    app: App,
    signed: Signed,
    Json(body): Json<NewPractitionerBody>,
) -> Result<impl Responder, Problem> {
    let new = NewPractitioner::from(body);
    let practitioner = app.run(move |s| s.practitioners.invite(&signed.caller, &new)).await?;
    Ok(Created::at(format!("/practitioners/{}", practitioner.id), PractitionerBody::from(practitioner)))
}

/// Lists all practitioners, by name.
#[utoipa::path(get, path = "/practitioners", tag = "practitioners", params(PractitionerQuery),
    responses((status = 200, body = PageBody<PractitionerBody>)))]
async fn list_practitioners(
    app: App,
    signed: Signed,
    Query(query): Query<PractitionerQuery>,
) -> Result<impl Responder, Problem> {
    let request = page_request(query.page, query.per_page);
    let page = app.run(move |s| s.practitioners.list(&signed.caller, request)).await?;
    Ok(Json(PageBody::<PractitionerBody>::present(page, request)))
}

/// Lists the practitioners who were never validated, by name.
#[utoipa::path(get, path = "/practitioners/pending", tag = "practitioners", params(PractitionerQuery),
    responses((status = 200, body = PageBody<PractitionerBody>)))]
async fn list_pending_practitioners(
    app: App,
    signed: Signed,
    Query(query): Query<PractitionerQuery>,
) -> Result<impl Responder, Problem> {
    let request = page_request(query.page, query.per_page);
    let page = app.run(move |s| s.practitioners.pending(&signed.caller, request)).await?;
    Ok(Json(PageBody::<PractitionerBody>::present(page, request)))
}

/// Lets a practitioner take bookings, and lifts a suspension.
#[utoipa::path(post, path = "/practitioners/{id}/validate", tag = "practitioners", params(("id" = Uuid, Path)),
    request_body = ValidationBody, responses((status = 200, body = PractitionerBody)))]
async fn validate_practitioner(
    app: App,
    signed: Signed,
    Path(id): Path<PractitionerId>,
    Json(body): Json<ValidationBody>,
) -> Result<impl Responder, Problem> {
    let practitioner = app.run(move |s| s.practitioners.validate(&signed.caller, id, body.documents_verified)).await?;
    Ok(Json(PractitionerBody::from(practitioner)))
}

/// Keeps a practitioner from taking anything new; what is booked stands.
#[utoipa::path(post, path = "/practitioners/{id}/suspend", tag = "practitioners", params(("id" = Uuid, Path)),
    responses((status = 200, body = PractitionerBody)))]
async fn suspend_practitioner(
    app: App,
    signed: Signed,
    Path(id): Path<PractitionerId>,
) -> Result<impl Responder, Problem> {
    let practitioner = app.run(move |s| s.practitioners.suspend(&signed.caller, id)).await?;
    Ok(Json(PractitionerBody::from(practitioner)))
}

/// Shows one's own entry in the directory.
#[utoipa::path(get, path = "/practitioners/me", tag = "practitioners",
    responses((status = 200, body = PractitionerBody)))]
async fn read_own_profile(app: App, signed: Signed) -> Result<impl Responder, Problem> {
    let practitioner = app.run(move |s| s.own_profile.get(&signed.caller)).await?;
    Ok(Json(PractitionerBody::from(practitioner)))
}

/// Changes one's own entry in the directory.
#[utoipa::path(patch, path = "/practitioners/me", tag = "practitioners", request_body = ProfilePatch,
    responses((status = 200, body = PractitionerBody)))]
async fn change_own_profile(
    app: App,
    signed: Signed,
    Json(patch): Json<ProfilePatch>,
) -> Result<impl Responder, Problem> {
    let (user, change) = (signed.caller.actor.user, ProfileChange::from(patch));
    let practitioner = app.run(move |s| s.own_profile.change(&signed.caller, &change)).await?;
    // The account carries the names too: who asks who is signed in must not read the old ones.
    app.sessions().forget_user(user);
    Ok(Json(PractitionerBody::from(practitioner)))
}

#[derive(OpenApi)]
#[openapi(paths(
    invite_practitioner,
    list_practitioners,
    list_pending_practitioners,
    validate_practitioner,
    suspend_practitioner,
    read_own_profile,
    change_own_profile
))]
struct Document;

/// Adds the operations of administrators on practitioners, and of practitioners on themselves.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    let manage = Permission::PractitionersManage;
    ops.route(Method::POST, "/practitioners", manage, invite_practitioner);
    ops.route(Method::GET, "/practitioners", manage, list_practitioners);
    ops.route(Method::GET, "/practitioners/pending", manage, list_pending_practitioners);
    ops.route(Method::POST, "/practitioners/{id}/validate", manage, validate_practitioner).or_put();
    ops.route(Method::POST, "/practitioners/{id}/suspend", manage, suspend_practitioner).or_put();
    ops.route(Method::GET, "/practitioners/me", Permission::PractitionerOwn, read_own_profile);
    ops.route(Method::PATCH, "/practitioners/me", Permission::PractitionerOwn, change_own_profile).or_put();
}
