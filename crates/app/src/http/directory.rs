//! The public directory of practitioners; nobody needs to be signed in.
use actix_web::{Responder, http::Method};
use huntzen_booking::{
    availability::ConsultationType,
    ids::PractitionerId,
    practitioner::{DirectoryFilter, DirectorySort, Practitioner, Profession, PublicProfile},
    review::Review,
};
use huntzen_tenancy::files::FileId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::{
    Json, Operations, PageBody, PageNumber, Path, PerPage, Problem, Query,
    access::Access,
    context::Context,
    openapi::words_schema,
    paging::page_request,
    practitioners::{average_rating, languages_schema, specialties_schema},
};
use crate::state::App;

/// A practitioner as everybody sees them.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of the contract with clients")]
pub(super) struct PublicPractitionerBody {
    id: Uuid,
    #[schema(max_length = 100)]
    first_name: String,
    #[schema(max_length = 100)]
    last_name: String,
    #[schema(max_length = 120)]
    title: Option<String>,
    #[schema(schema_with = words_schema::<Profession>)]
    profession: Profession,
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
    /// IANA.
    #[schema(max_length = 64)]
    timezone: String,
    /// To the hundredth; null below five reviews.
    #[schema(minimum = 1, maximum = 5)]
    avg_rating: Option<f64>,
    #[schema(minimum = 0, maximum = 2_147_483_647)]
    review_count: u32,
    /// Where their picture is; null without one.
    #[schema(max_length = 2048)]
    avatar_url: Option<String>,
}

impl From<Practitioner> for PublicPractitionerBody {
    fn from(practitioner: Practitioner) -> Self {
        Self {
            avg_rating: average_rating(&practitioner),
            id: practitioner.id.into(),
            first_name: practitioner.first_name,
            last_name: practitioner.last_name,
            title: practitioner.title,
            profession: practitioner.profession,
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
            review_count: practitioner.review_count,
            avatar_url: practitioner.avatar.map(FileId::url),
        }
    }
}

/// A published review.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PublishedReviewBody {
    #[schema(minimum = 1, maximum = 5)]
    rating: u8,
    #[schema(max_length = 2000)]
    comment: Option<String>,
    /// When it was given, `YYYY-MM`.
    #[schema(min_length = 7, max_length = 7, pattern = "^[0-9]{4}-[0-9]{2}$")]
    month: String,
}

impl From<Review<String>> for PublishedReviewBody {
    fn from(Review { rating, comment, month, .. }: Review<String>) -> Self {
        Self { rating, comment, month }
    }
}

/// A practitioner with what was said of them.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PublicProfileBody {
    #[serde(flatten)]
    practitioner: PublicPractitionerBody,
    /// The latest, newest first.
    #[schema(max_items = 50)]
    reviews: Vec<PublishedReviewBody>,
}

impl From<PublicProfile> for PublicProfileBody {
    fn from(PublicProfile { practitioner, reviews }: PublicProfile) -> Self {
        Self { practitioner: practitioner.into(), reviews: reviews.into_iter().map(Into::into).collect() }
    }
}

/// Which practitioners, in which order.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct SearchQuery {
    /// Case and accents do not matter.
    #[validate(length(max = 200))]
    #[param(max_length = 200)]
    specialty: Option<String>,
    /// BCP 47; a bare language also stands for its regions.
    #[serde(alias = "languages")]
    #[validate(length(min = 2, max = 35))]
    #[param(min_length = 2, max_length = 35)]
    language: Option<String>,
    #[param(schema_with = words_schema::<Profession>)]
    profession: Option<Profession>,
    /// With `true`: only those who offer video.
    offers_video: Option<bool>,
    /// With `true`: only those who offer the telephone.
    offers_phone: Option<bool>,
    /// With `true`: only those who offer audio.
    offers_audio: Option<bool>,
    /// With `true`: only those who offer chat.
    offers_chat: Option<bool>,
    accepting_new_clients: Option<bool>,
    /// Part of a name, a title or a specialty. Case and accents do not matter.
    #[validate(length(max = 200))]
    #[param(max_length = 200)]
    q: Option<String>,
    /// By name when absent; ties by id.
    #[param(schema_with = words_schema::<DirectorySort>)]
    sort: Option<DirectorySort>,
    #[serde(default)]
    #[param(inline)]
    page: PageNumber,
    #[serde(default)]
    #[param(inline)]
    per_page: PerPage,
}

impl From<SearchQuery> for DirectoryFilter {
    fn from(query: SearchQuery) -> Self {
        let offers = [
            (query.offers_video, ConsultationType::Video),
            (query.offers_audio, ConsultationType::Audio),
            (query.offers_phone, ConsultationType::Phone),
            (query.offers_chat, ConsultationType::Chat),
        ];
        let wanted = offers.into_iter().filter(|(wanted, _)| *wanted == Some(true));
        Self {
            specialty: query.specialty,
            language: query.language,
            profession: query.profession,
            offers: wanted.map(|(_, kind)| kind).collect(),
            accepting_new_clients: query.accepting_new_clients,
            text: query.q,
        }
    }
}

/// Searches the practitioners who take bookings.
#[utoipa::path(get, path = "/practitioners/search", tag = "practitioners",
    params(SearchQuery, ("languages" = Option<String>, Query, deprecated, description = "The same as `language`.", min_length = 2, max_length = 35)),
    responses((status = 200, body = PageBody<PublicPractitionerBody>)))]
async fn search_practitioners(
    app: App,
    context: Context,
    Query(query): Query<SearchQuery>,
) -> Result<impl Responder, Problem> {
    let (origin, sort) = (context.origin(), query.sort);
    let request = page_request(query.page, query.per_page);
    let filter = DirectoryFilter::from(query);
    let page = app.run(move |s| s.directory.search(&origin, &filter, sort, request)).await?;
    Ok(Json(PageBody::<PublicPractitionerBody>::present(page, request)))
}

/// Shows a practitioner who takes bookings, with the published reviews.
#[utoipa::path(get, path = "/practitioners/{id}", tag = "practitioners", params(("id" = Uuid, Path)),
    responses((status = 200, body = PublicProfileBody)))]
async fn show_practitioner(
    app: App,
    context: Context,
    Path(id): Path<PractitionerId>,
) -> Result<impl Responder, Problem> {
    let origin = context.origin();
    let profile = app.run(move |s| s.directory.profile(&origin, id)).await?;
    Ok(Json(PublicProfileBody::from(profile)))
}

#[derive(OpenApi)]
#[openapi(paths(search_practitioners, show_practitioner))]
struct Document;

/// Adds the operations of the public directory.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    ops.route(Method::GET, "/practitioners/search", Access::Public, search_practitioners);
    ops.route(Method::GET, "/practitioners/{id}", Access::Public, show_practitioner);
}
