//! What the participants do with a booked consultation.
use actix_web::{Responder, http::Method};
use huntzen_booking::{BookingError, consultation::OpenConsultation, ids::ConsultationId, room::RoomAccess};
use huntzen_tenancy::{
    Caller, StoreError,
    idempotency::{Answer, Answered, Repeatable},
    policy::Permission,
    sealing::SecretText,
};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};
use validator::Validate;

use super::{
    Json, OnceJson, Operations, OptionalJson, Path, Problem, Signed,
    consultations::ConsultationBody,
    idempotency::{Reply, answer, once},
    times::Instant,
};
use crate::{services::Services, state::App};

/// Why a consultation is called off.
#[derive(Default, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CancellationBody {
    /// For the two participants alone.
    #[validate(length(max = 2000))]
    #[schema(max_length = 2000)]
    reason: Option<String>,
}

/// Where to move a consultation.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RescheduleBody {
    /// The `startTime` of a slot that is available.
    #[schema(value_type = String, format = DateTime)]
    scheduled_at: Instant,
}

/// What a participant enters a room with.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RoomBody {
    #[schema(max_length = 64)]
    room_name: String,
    /// Good until the room closes.
    #[schema(max_length = 4096)]
    jwt: String,
    #[schema(max_length = 253)]
    domain: String,
    /// Opens the room with the token.
    #[schema(max_length = 8192)]
    url: String,
}

impl From<RoomAccess> for RoomBody {
    fn from(access: RoomAccess) -> Self {
        let RoomAccess { room_name, jwt, domain, url } = access;
        Self { room_name, jwt, domain, url }
    }
}

/// Runs a transition and presents the consultation after it.
async fn conduct(
    app: &App,
    signed: Signed,
    transition: impl FnOnce(&Services, &Caller) -> Result<OpenConsultation, BookingError> + Send + 'static,
) -> Result<Json<ConsultationBody>, Problem> {
    let view = app.run(move |s| transition(s, &signed.caller)).await?;
    Ok(Json(view.into()))
}

/// Confirms a consultation.
#[utoipa::path(post, path = "/consultations/{id}/confirm", tag = "consultations", params(("id" = Uuid, Path)),
    responses((status = 200, body = ConsultationBody)))]
async fn confirm_consultation(
    app: App,
    signed: Signed,
    Path(id): Path<ConsultationId>,
) -> Result<impl Responder, Problem> {
    conduct(&app, signed, move |s, caller| s.booking.confirm(caller, id)).await
}

/// Calls a consultation off; its slot is free again at once.
#[utoipa::path(post, path = "/consultations/{id}/cancel", tag = "consultations", params(("id" = Uuid, Path)),
    request_body = Option<CancellationBody>, responses((status = 200, body = ConsultationBody)))]
async fn cancel_consultation(
    app: App,
    signed: Signed,
    Path(id): Path<ConsultationId>,
    OptionalJson(body): OptionalJson<CancellationBody>,
) -> Result<impl Responder, Problem> {
    let reason = body.unwrap_or_default().reason.map(SecretText::new);
    conduct(&app, signed, move |s, caller| s.booking.cancel(caller, id, reason.as_ref())).await
}

/// Moves a consultation to another slot; the old one is freed only if the new one is won.
#[utoipa::path(post, path = "/consultations/{id}/reschedule", tag = "consultations", params(("id" = Uuid, Path)),
    request_body = RescheduleBody, responses((status = 200, body = ConsultationBody)))]
async fn reschedule_consultation(
    app: App,
    signed: Signed,
    Path(id): Path<ConsultationId>,
    OnceJson { body, asked }: OnceJson<RescheduleBody>,
) -> Result<Reply, Problem> {
    let (caller, move_to) = (signed.caller, (id, body.scheduled_at.0));
    let Some((key, asked)) = asked else {
        let view = app.run(move |s| s.booking.reschedule(&caller, move_to.0, move_to.1)).await?;
        return Ok(Reply(Answered::first(moved(view)?)));
    };
    let request = Repeatable { name: key.name(&caller), asked };
    once(&app, caller, request, move |s, caller, request| s.booking.reschedule_once(caller, move_to, request, moved))
        .await
}

fn moved(view: OpenConsultation) -> Result<Answer, StoreError> {
    answer(None, &ConsultationBody::from(view))
}

/// Starts a consultation.
#[utoipa::path(post, path = "/consultations/{id}/start", tag = "consultations", params(("id" = Uuid, Path)),
    responses((status = 200, body = ConsultationBody)))]
async fn start_consultation(
    app: App,
    signed: Signed,
    Path(id): Path<ConsultationId>,
) -> Result<impl Responder, Problem> {
    conduct(&app, signed, move |s, caller| s.booking.start(caller, id)).await
}

/// Ends a consultation; it counts from now on.
#[utoipa::path(post, path = "/consultations/{id}/end", tag = "consultations", params(("id" = Uuid, Path)),
    responses((status = 200, body = ConsultationBody)))]
async fn end_consultation(app: App, signed: Signed, Path(id): Path<ConsultationId>) -> Result<impl Responder, Problem> {
    conduct(&app, signed, move |s, caller| s.booking.end(caller, id)).await
}

/// Marks a consultation as missed by the employee.
#[utoipa::path(post, path = "/consultations/{id}/no-show", tag = "consultations", params(("id" = Uuid, Path)),
    responses((status = 200, body = ConsultationBody)))]
async fn mark_no_show(app: App, signed: Signed, Path(id): Path<ConsultationId>) -> Result<impl Responder, Problem> {
    conduct(&app, signed, move |s, caller| s.booking.no_show(caller, id)).await
}

/// Gives a token to the room of a video or audio consultation.
#[utoipa::path(post, path = "/consultations/{id}/room", tag = "consultations", params(("id" = Uuid, Path)),
    responses((status = 200, body = RoomBody)))]
async fn enter_room(app: App, signed: Signed, Path(id): Path<ConsultationId>) -> Result<impl Responder, Problem> {
    let access = app.run(move |s| s.rooms.enter(&signed.caller, id)).await?;
    Ok(Json(RoomBody::from(access)))
}

#[derive(OpenApi)]
#[openapi(paths(
    confirm_consultation,
    cancel_consultation,
    reschedule_consultation,
    start_consultation,
    end_consultation,
    mark_no_show,
    enter_room
))]
struct Document;

/// Adds the transitions of consultations, and their room.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    let write = Permission::ConsultationsOwnWrite;
    ops.route(Method::POST, "/consultations/{id}/confirm", write, confirm_consultation).or_put();
    ops.route(Method::POST, "/consultations/{id}/start", write, start_consultation).or_put();
    ops.route(Method::POST, "/consultations/{id}/end", write, end_consultation).or_put();
    ops.route(Method::POST, "/consultations/{id}/no-show", write, mark_no_show).or_put();
    let cancel = Permission::BookingCancelOwn;
    ops.route(Method::POST, "/consultations/{id}/cancel", cancel, cancel_consultation).or_put();
    let reschedule = Permission::BookingRescheduleOwn;
    ops.route(Method::POST, "/consultations/{id}/reschedule", reschedule, reschedule_consultation)
        .repeatable()
        .or_put();
    let join = Permission::ConsultationsOwnJoin;
    drop(
        ops.route(Method::POST, "/consultations/{id}/room", join, enter_room)
            .alias(Method::GET, "/consultations/{id}/room"),
    );
}
