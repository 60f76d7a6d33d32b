//! Feedback after a consultation, and its moderation.
use actix_web::{Responder, http::Method};
use huntzen_booking::{
    ids::{ConsultationId, ReviewId},
    review::{GivenFeedback, OpenReview, ReviewStatus},
};
use huntzen_tenancy::{policy::Permission, sealing::SecretText};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::{
    Created, Json, Operations, PageBody, PageNumber, Path, PerPage, Problem, Query, Signed, openapi::words_schema,
    paging::page_request,
};
use crate::state::App;

/// What one says of a consultation.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FeedbackBody {
    #[validate(range(min = 1, max = 5))]
    #[schema(minimum = 1, maximum = 5)]
    rating: u8,
    /// Shown without a name, once an administrator has read it.
    #[validate(length(max = 2000))]
    #[schema(max_length = 2000)]
    comment: Option<String>,
}

/// A review: never who gave it, nor of which consultation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ReviewBody {
    id: Uuid,
    practitioner_id: Uuid,
    #[schema(minimum = 1, maximum = 5)]
    rating: u8,
    #[schema(max_length = 2000)]
    comment: Option<String>,
    /// When it was given, `YYYY-MM`.
    #[schema(min_length = 7, max_length = 7, pattern = "^[0-9]{4}-[0-9]{2}$")]
    month: String,
    #[schema(schema_with = words_schema::<ReviewStatus>)]
    status: ReviewStatus,
}

impl From<OpenReview> for ReviewBody {
    fn from(review: OpenReview) -> Self {
        Self {
            id: review.id.into(),
            practitioner_id: review.practitioner.into(),
            rating: review.rating,
            comment: review.comment.map(|comment| comment.expose().to_owned()),
            month: review.month,
            status: review.status,
        }
    }
}

/// Which page of the reviews.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct ReviewQuery {
    #[serde(default)]
    #[param(inline)]
    page: PageNumber,
    #[serde(default)]
    #[param(inline)]
    per_page: PerPage,
}

/// Gives feedback on one's own completed consultation, once.
#[utoipa::path(post, path = "/consultations/{id}/feedback", tag = "consultations", params(("id" = Uuid, Path)),
    request_body = FeedbackBody, responses((status = 201, body = ReviewBody)))]
async fn give_feedback(
    app: App,
    signed: Signed,
    Path(id): Path<ConsultationId>,
    Json(body): Json<FeedbackBody>,
) -> Result<impl Responder, Problem> {
    let FeedbackBody { rating, comment } = body;
    let feedback = GivenFeedback { rating, comment: comment.map(SecretText::new) };
    let review = app.run(move |s| s.reviews.give(&signed.caller, id, &feedback)).await?;
    Ok(Created::at(format!("/consultations/{id}"), ReviewBody::from(review)))
}

/// Lists the reviews that wait for moderation, oldest first.
#[utoipa::path(get, path = "/reviews/pending", tag = "practitioners", params(ReviewQuery),
    responses((status = 200, body = PageBody<ReviewBody>)))]
async fn list_pending_reviews(
    app: App,
    signed: Signed,
    Query(query): Query<ReviewQuery>,
) -> Result<impl Responder, Problem> {
    let request = page_request(query.page, query.per_page);
    let page = app.run(move |s| s.reviews.pending(&signed.caller, request)).await?;
    Ok(Json(PageBody::<ReviewBody>::present(page, request)))
}

/// Shows a review.
#[utoipa::path(post, path = "/reviews/{id}/publish", tag = "practitioners", params(("id" = Uuid, Path)),
    responses((status = 200, body = ReviewBody)))]
async fn publish_review(app: App, signed: Signed, Path(id): Path<ReviewId>) -> Result<impl Responder, Problem> {
    let review = app.run(move |s| s.reviews.publish(&signed.caller, id)).await?;
    Ok(Json(ReviewBody::from(review)))
}

/// Keeps a review from being shown.
#[utoipa::path(post, path = "/reviews/{id}/reject", tag = "practitioners", params(("id" = Uuid, Path)),
    responses((status = 200, body = ReviewBody)))]
async fn reject_review(app: App, signed: Signed, Path(id): Path<ReviewId>) -> Result<impl Responder, Problem> {
    let review = app.run(move |s| s.reviews.reject(&signed.caller, id)).await?;
    Ok(Json(ReviewBody::from(review)))
}

#[derive(OpenApi)]
#[openapi(paths(give_feedback, list_pending_reviews, publish_review, reject_review))]
struct Document;

/// Adds the operations on feedback and reviews.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    ops.route(Method::POST, "/consultations/{id}/feedback", Permission::FeedbackGive, give_feedback);
    ops.route(Method::GET, "/reviews/pending", Permission::ReviewsModerate, list_pending_reviews);
    ops.route(Method::POST, "/reviews/{id}/publish", Permission::ReviewsModerate, publish_review).or_put();
    ops.route(Method::POST, "/reviews/{id}/reject", Permission::ReviewsModerate, reject_review).or_put();
}
