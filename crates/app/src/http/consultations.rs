//! Booking consultations and reading them.
use std::sync::Arc;

use actix_web::{HttpResponse, Responder, http::Method, http::header};
use huntzen_booking::{
    availability::ConsultationType,
    consultation::{
        BillingStatus, ConsultationEvent, ConsultationStatus, EventType, NewBooking, OpenConsultation, Starts,
    },
    ids::ConsultationId,
};
use huntzen_tenancy::{
    StoreError,
    idempotency::{Answer, Answered, Repeatable},
    policy::Permission,
    sealing::SecretText,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{
    IntoParams, OpenApi, PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{Schema, SchemaType, Type},
    },
};
use uuid::Uuid;
use validator::Validate;

use super::{
    CursorMark, Items, Json, Limit, OnceJson, Operations, PartQuery, Path, Problem, Query, Signed, SliceBody,
    idempotency::{Reply, answer, once},
    openapi::words_schema,
    times::{CivilDate, Instant},
};
use crate::state::App;

/// Which slot to book, and why.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewConsultationBody {
    practitioner_id: Uuid,
    #[serde(rename = "type")]
    #[schema(schema_with = words_schema::<ConsultationType>)]
    kind: ConsultationType,
    /// The `startTime` of a slot that is available.
    #[schema(value_type = String, format = DateTime)]
    scheduled_at: Instant,
    /// For the two participants alone.
    #[validate(length(max = 2000))]
    #[schema(max_length = 2000)]
    reason: Option<String>,
    /// One's own company, if it is named at all.
    company_id: Option<Uuid>,
}

impl From<NewConsultationBody> for NewBooking {
    fn from(body: NewConsultationBody) -> Self {
        Self {
            practitioner: body.practitioner_id.into(),
            kind: body.kind,
            scheduled_at: body.scheduled_at.0,
            reason: body.reason.map(SecretText::new),
            company: body.company_id.map(Into::into),
        }
    }
}

/// The employee of a consultation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ConsultationEmployeeBody {
    id: Uuid,
    #[schema(max_length = 100)]
    first_name: String,
    #[schema(max_length = 100)]
    last_name: String,
}

/// The practitioner of a consultation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ConsultationPractitionerBody {
    id: Uuid,
    #[schema(max_length = 100)]
    first_name: String,
    #[schema(max_length = 100)]
    last_name: String,
    #[schema(max_length = 120)]
    title: Option<String>,
}

/// A consultation. Administrators and operators see neither the employee, nor reasons, nor the room.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConsultationBody {
    id: Uuid,
    company_id: Uuid,
    employee_id: Option<Uuid>,
    practitioner_id: Uuid,
    employee: Option<ConsultationEmployeeBody>,
    practitioner: ConsultationPractitionerBody,
    #[serde(rename = "type")]
    #[schema(schema_with = words_schema::<ConsultationType>)]
    kind: ConsultationType,
    #[schema(schema_with = words_schema::<ConsultationStatus>)]
    status: ConsultationStatus,
    #[schema(value_type = String, format = DateTime)]
    scheduled_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    ends_at: Timestamp,
    #[schema(max_length = 2000)]
    reason: Option<String>,
    /// Of a video or audio consultation.
    #[schema(max_length = 64)]
    room_name: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    #[schema(minimum = 0, maximum = 2_147_483_647)]
    duration_seconds: Option<u32>,
    /// Whole minutes.
    #[schema(minimum = 0, maximum = 2_147_483_647)]
    actual_duration: Option<u32>,
    #[schema(schema_with = words_schema::<BillingStatus>)]
    billing_status: BillingStatus,
    #[schema(value_type = Option<String>, format = DateTime)]
    cancelled_at: Option<Timestamp>,
    /// A user; null when the system did it.
    cancelled_by: Option<Uuid>,
    #[schema(max_length = 2000)]
    cancel_reason: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    no_show_at: Option<Timestamp>,
    /// A user.
    no_show_by: Option<Uuid>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<OpenConsultation> for ConsultationBody {
    fn from(OpenConsultation { consultation, names, reason, cancel_reason }: OpenConsultation) -> Self {
        let exposed = |text: Option<SecretText>| text.map(|text| text.expose().to_owned());
        let employee = consultation.employee.zip(names.employee);
        Self {
            id: consultation.id.into(),
            company_id: consultation.company.into(),
            employee_id: consultation.employee.map(Into::into),
            practitioner_id: consultation.practitioner.into(),
            employee: employee.map(|(id, (first_name, last_name))| ConsultationEmployeeBody {
                id: id.into(),
                first_name,
                last_name,
            }),
            practitioner: ConsultationPractitionerBody {
                id: consultation.practitioner.into(),
                first_name: names.practitioner_first_name,
                last_name: names.practitioner_last_name,
                title: names.practitioner_title,
            },
            kind: consultation.kind,
            status: consultation.status,
            scheduled_at: consultation.scheduled_at,
            ends_at: consultation.ends_at,
            reason: exposed(reason),
            room_name: consultation.room_name.map(|room| room.as_str().to_owned()),
            started_at: consultation.started_at,
            ended_at: consultation.ended_at,
            duration_seconds: consultation.duration_seconds,
            actual_duration: consultation.actual_duration,
            billing_status: consultation.billing_status,
            cancelled_at: consultation.cancelled_at,
            cancelled_by: consultation.cancelled_by.map(Into::into),
            cancel_reason: exposed(cancel_reason),
            no_show_at: consultation.no_show_at,
            no_show_by: consultation.no_show_by.map(Into::into),
            created_at: consultation.created_at,
            updated_at: consultation.updated_at,
        }
    }
}

/// Something that happened to a consultation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ConsultationEventBody {
    id: Uuid,
    #[serde(rename = "type")]
    #[schema(schema_with = words_schema::<EventType>)]
    kind: EventType,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// A user; null when the system did it.
    actor_id: Option<Uuid>,
    /// Of a move alone: the start before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    previous_start: Option<Timestamp>,
}

impl From<ConsultationEvent> for ConsultationEventBody {
    fn from(event: ConsultationEvent) -> Self {
        Self {
            id: event.id,
            kind: event.kind,
            at: event.at,
            actor_id: event.actor.map(Into::into),
            previous_start: event.previous_start,
        }
    }
}

/// A calendar file (iCalendar, RFC 5545).
struct CalendarFile(String);

impl PartialSchema for CalendarFile {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).max_length(Some(4096)).into()
    }
}

impl ToSchema for CalendarFile {}

/// Which of one's own consultations to list.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct MineQuery {
    #[param(schema_with = words_schema::<ConsultationStatus>)]
    status: Option<ConsultationStatus>,
    /// Those that start on this day or later.
    #[param(inline)]
    from: Option<CivilDate>,
    /// Those that start on this day or earlier.
    #[param(inline)]
    to: Option<CivilDate>,
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    #[param(inline)]
    cursor: Option<CursorMark>,
}

/// Books a slot.
#[utoipa::path(post, path = "/consultations", tag = "consultations", request_body = NewConsultationBody,
    responses((status = 201, body = ConsultationBody), (status = 404, description = "No such practitioner")))]
async fn book_consultation(
    app: App,
    signed: Signed,
    OnceJson { body, asked }: OnceJson<NewConsultationBody>,
) -> Result<Reply, Problem> {
    let (caller, booking) = (signed.caller, NewBooking::from(body));
    let Some((key, asked)) = asked else {
        let view = app.run(move |s| s.booking.book(&caller, &booking)).await?;
        return Ok(Reply(Answered::first(booked(view)?)));
    };
    let request = Repeatable { name: key.name(&caller), asked };
    let booking = Arc::new(booking);
    once(&app, caller, request, move |s, caller, request| s.booking.book_once(caller, &booking, request, booked)).await
}

fn booked(view: OpenConsultation) -> Result<Answer, StoreError> {
    answer(Some(format!("/consultations/{}", view.consultation.id)), &ConsultationBody::from(view))
}

/// Lists one's own consultations, newest start first. Days are those of one's own zone.
#[utoipa::path(get, path = "/consultations/mine", tag = "consultations", params(MineQuery),
    responses((status = 200, body = SliceBody<ConsultationBody>)))]
async fn list_my_consultations(
    app: App,
    signed: Signed,
    Query(query): Query<MineQuery>,
) -> Result<impl Responder, Problem> {
    let MineQuery { status, from, to, limit, cursor } = query;
    let starts = Starts { from: from.map(|day| day.0), to: to.map(|day| day.0) };
    let cursor = cursor.map(|mark| mark.0);
    let slice = app.run(move |s| s.consultations.mine(&signed.caller, status, starts, cursor, limit.0)).await?;
    Ok(Json(SliceBody::<ConsultationBody>::present(slice)))
}

/// Lists one's own consultations that lie ahead or go on, soonest first.
#[utoipa::path(get, path = "/consultations/upcoming", tag = "consultations", params(PartQuery),
    responses((status = 200, body = SliceBody<ConsultationBody>)))]
async fn list_upcoming_consultations(
    app: App,
    signed: Signed,
    Query(query): Query<PartQuery>,
) -> Result<impl Responder, Problem> {
    let slice = app.run(move |s| s.consultations.upcoming(&signed.caller, query.cursor(), query.limit.0)).await?;
    Ok(Json(SliceBody::<ConsultationBody>::present(slice)))
}

/// Lists one's own consultations that neither lie ahead nor go on, newest start first.
#[utoipa::path(get, path = "/consultations/history", tag = "consultations", params(PartQuery),
    responses((status = 200, body = SliceBody<ConsultationBody>)))]
async fn list_past_consultations(
    app: App,
    signed: Signed,
    Query(query): Query<PartQuery>,
) -> Result<impl Responder, Problem> {
    let slice = app.run(move |s| s.consultations.history(&signed.caller, query.cursor(), query.limit.0)).await?;
    Ok(Json(SliceBody::<ConsultationBody>::present(slice)))
}

/// Reads one consultation.
#[utoipa::path(get, path = "/consultations/{id}", tag = "consultations", params(("id" = Uuid, Path)),
    responses((status = 200, body = ConsultationBody)))]
async fn read_consultation(
    app: App,
    signed: Signed,
    Path(id): Path<ConsultationId>,
) -> Result<impl Responder, Problem> {
    let view = app.run(move |s| s.consultations.one(&signed.caller, id)).await?;
    Ok(Json(ConsultationBody::from(view)))
}

/// Lists what happened to a consultation, oldest first.
#[utoipa::path(get, path = "/consultations/{id}/events", tag = "consultations", params(("id" = Uuid, Path)),
    responses((status = 200, body = Items<ConsultationEventBody>)))]
async fn list_consultation_events(
    app: App,
    signed: Signed,
    Path(id): Path<ConsultationId>,
) -> Result<impl Responder, Problem> {
    let events = app.run(move |s| s.consultations.events(&signed.caller, id)).await?;
    Ok(Json(Items::<ConsultationEventBody>::present(events)))
}

/// Downloads the calendar file of one's own consultation.
#[utoipa::path(get, path = "/consultations/{id}/calendar.ics", tag = "consultations", params(("id" = Uuid, Path)),
    responses((status = 200, content_type = "text/calendar", body = CalendarFile)))]
async fn download_calendar_file(
    app: App,
    signed: Signed,
    Path(id): Path<ConsultationId>,
) -> Result<impl Responder, Problem> {
    let CalendarFile(text) = app.run(move |s| s.consultations.calendar(&signed.caller, id).map(CalendarFile)).await?;
    // The file's name, like its content, says nothing about what kind of appointment it is.
    let disposition = (header::CONTENT_DISPOSITION, "attachment; filename=\"rendez-vous.ics\"");
    Ok(HttpResponse::Ok().content_type("text/calendar; charset=utf-8").insert_header(disposition).body(text))
}

#[derive(OpenApi)]
#[openapi(paths(
    book_consultation,
    list_my_consultations,
    list_upcoming_consultations,
    list_past_consultations,
    read_consultation,
    list_consultation_events,
    download_calendar_file
))]
struct Document;

/// Adds the operations of booking and reading consultations.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    drop(ops.route(Method::POST, "/consultations", Permission::BookingCreate, book_consultation).repeatable());
    drop(
        ops.route(Method::GET, "/consultations/mine", Permission::ConsultationsMyRead, list_my_consultations)
            .alias(Method::GET, "/consultations/my"),
    );
    ops.route(Method::GET, "/consultations/upcoming", Permission::ConsultationsMyRead, list_upcoming_consultations);
    ops.route(Method::GET, "/consultations/history", Permission::ConsultationsMyRead, list_past_consultations);
    ops.route(Method::GET, "/consultations/{id}", Permission::ConsultationRead, read_consultation);
    ops.route(Method::GET, "/consultations/{id}/events", Permission::ConsultationRead, list_consultation_events);
    let join = Permission::ConsultationsOwnJoin;
    ops.route(Method::GET, "/consultations/{id}/calendar.ics", join, download_calendar_file);
}
