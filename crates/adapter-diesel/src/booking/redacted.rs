//! What administrators and operators may know of a consultation: row security hides rows and not
//! columns, so that definer functions answer instead of the tables.
use diesel::{
    prelude::*,
    sql_types::{Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid},
};
use huntzen_booking::{
    consultation::{Consultation, ConsultationView, ParticipantNames},
    ids::{ConsultationId, PractitionerId},
};
use huntzen_tenancy::{
    StoreError,
    ids::{CompanyId, UserId},
};
use uuid::Uuid;

use super::events::EventRow;
use crate::{
    statement::statement,
    stored::{StoredTimestamp, instant, number, optional_number, word},
};

statement! {
    /// One consultation without the employee and without reasons.
    FindRedacted { id: Uuid } -> (
        (
            SqlUuid, SqlUuid, SqlUuid, SqlUuid, Text, Text, Timestamptz, Timestamptz, SmallInt,
            Nullable<Timestamptz>, Nullable<Timestamptz>, Nullable<Integer>, Nullable<Integer>, Text,
            Nullable<Timestamptz>, Nullable<SqlUuid>, Nullable<Timestamptz>, Nullable<SqlUuid>,
            Timestamptz, Timestamptz,
        ),
        (Text, Text, Nullable<Text>),
    );
    "SELECT id, company_id, practitioner_id, practitioner_user_id, type, status, scheduled_at, ends_at, \
     buffer_minutes, started_at, ended_at, duration_seconds, actual_duration, billing_status, cancelled_at, \
     cancelled_by, no_show_at, no_show_by, created_at, updated_at, \
     practitioner_first_name, practitioner_last_name, practitioner_title \
     FROM redacted_consultation(", id as SqlUuid; ")"
}

#[derive(Queryable)]
pub(super) struct RedactedRow {
    id: Uuid,
    company_id: Uuid,
    practitioner_id: Uuid,
    practitioner_user_id: Uuid,
    kind: String,
    status: String,
    scheduled_at: StoredTimestamp,
    ends_at: StoredTimestamp,
    buffer_minutes: i16,
    started_at: Option<StoredTimestamp>,
    ended_at: Option<StoredTimestamp>,
    duration_seconds: Option<i32>,
    actual_duration: Option<i32>,
    billing_status: String,
    cancelled_at: Option<StoredTimestamp>,
    cancelled_by: Option<Uuid>,
    no_show_at: Option<StoredTimestamp>,
    no_show_by: Option<Uuid>,
    created_at: StoredTimestamp,
    updated_at: StoredTimestamp,
}

/// A redacted consultation with the practitioner's names and title.
pub(super) type RedactedViewRow = (RedactedRow, (String, String, Option<String>));

/// Finds the redacted consultation.
pub(super) fn consultation(connection: &mut PgConnection, id: ConsultationId) -> QueryResult<Option<RedactedViewRow>> {
    FindRedacted { id: id.0 }.get_result(connection).optional()
}

/// Reads a redacted consultation back. What only calendars and jobs need is not told either.
pub(super) fn view((row, names): RedactedViewRow) -> Result<ConsultationView, StoreError> {
    let (practitioner_first_name, practitioner_last_name, practitioner_title) = names;
    let consultation = Consultation {
        id: ConsultationId(row.id),
        company: CompanyId(row.company_id),
        employee: None,
        employee_user: None,
        practitioner: PractitionerId(row.practitioner_id),
        practitioner_user: UserId(row.practitioner_user_id),
        kind: word(&row.kind, "consultations.type")?,
        status: word(&row.status, "consultations.status")?,
        scheduled_at: row.scheduled_at.to_jiff(),
        ends_at: row.ends_at.to_jiff(),
        buffer_minutes: number(row.buffer_minutes, "consultations.buffer_minutes")?,
        reason: None,
        room_name: None,
        started_at: instant(row.started_at),
        ended_at: instant(row.ended_at),
        duration_seconds: optional_number(row.duration_seconds, "consultations.duration_seconds")?,
        actual_duration: optional_number(row.actual_duration, "consultations.actual_duration")?,
        billing_status: word(&row.billing_status, "consultations.billing_status")?,
        cancelled_at: instant(row.cancelled_at),
        cancelled_by: row.cancelled_by.map(UserId),
        cancel_reason: None,
        no_show_at: instant(row.no_show_at),
        no_show_by: row.no_show_by.map(UserId),
        sequence: 0,
        planned_at: row.created_at.to_jiff(),
        created_at: row.created_at.to_jiff(),
        updated_at: row.updated_at.to_jiff(),
    };
    let names =
        ParticipantNames { employee: None, practitioner_first_name, practitioner_last_name, practitioner_title };
    Ok(ConsultationView { consultation, names })
}

statement! {
    /// What happened to one consultation, the employee's hand unnamed.
    FindRedactedEvents { id: Uuid } ->
        (SqlUuid, Text, Timestamptz, Nullable<SqlUuid>, Nullable<Timestamptz>);
    "SELECT id, type, at, actor_user_id, previous_start FROM redacted_consultation_events(", id as SqlUuid;
    ") ORDER BY at, id"
}

/// Finds the redacted events, oldest first.
pub(super) fn events(connection: &mut PgConnection, id: ConsultationId) -> QueryResult<Vec<EventRow>> {
    FindRedactedEvents { id: id.0 }.load(connection)
}
