//! Consultations as rows.
use diesel::prelude::*;
use huntzen_booking::{
    consultation::{BillingStatus, Consultation, ConsultationView, ParticipantNames},
    ids::{ConsultationId, PractitionerId},
    room::RoomName,
};
use huntzen_tenancy::{
    StoreError,
    ids::{CompanyId, EmployeeId, UserId},
    sealing::Sealed,
    words::Words,
};
use uuid::Uuid;

use crate::{
    schema::consultations,
    stored::{StoredTimestamp, ToDiesel, instant, number, optional_number, readable, word},
};

/// A consultation as a participant or a job reads it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = consultations)]
pub(super) struct ConsultationRow {
    id: Uuid,
    company_id: Uuid,
    employee_id: Uuid,
    employee_user_id: Uuid,
    practitioner_id: Uuid,
    practitioner_user_id: Uuid,
    kind: String,
    status: String,
    scheduled_at: StoredTimestamp,
    ends_at: StoredTimestamp,
    buffer_minutes: i16,
    reason: Option<Vec<u8>>,
    room_name: Option<String>,
    started_at: Option<StoredTimestamp>,
    ended_at: Option<StoredTimestamp>,
    duration_seconds: Option<i32>,
    actual_duration: Option<i32>,
    billing_status: String,
    cancelled_at: Option<StoredTimestamp>,
    cancelled_by: Option<Uuid>,
    cancel_reason: Option<Vec<u8>>,
    no_show_at: Option<StoredTimestamp>,
    no_show_by: Option<Uuid>,
    sequence: i32,
    planned_at: StoredTimestamp,
    created_at: StoredTimestamp,
    updated_at: StoredTimestamp,
}

impl TryFrom<ConsultationRow> for Consultation {
    type Error = StoreError;

    fn try_from(row: ConsultationRow) -> Result<Self, StoreError> {
        let room = row.room_name.map(|name| readable(RoomName::parse(&name), "consultations.room_name"));
        Ok(Self {
            id: ConsultationId(row.id),
            company: CompanyId(row.company_id),
            employee: Some(EmployeeId(row.employee_id)),
            employee_user: Some(UserId(row.employee_user_id)),
            practitioner: PractitionerId(row.practitioner_id),
            practitioner_user: UserId(row.practitioner_user_id),
            kind: word(&row.kind, "consultations.type")?,
            status: word(&row.status, "consultations.status")?,
            scheduled_at: row.scheduled_at.to_jiff(),
            ends_at: row.ends_at.to_jiff(),
            buffer_minutes: number(row.buffer_minutes, "consultations.buffer_minutes")?,
            reason: row.reason.map(Sealed),
            room_name: room.transpose()?,
            started_at: instant(row.started_at),
            ended_at: instant(row.ended_at),
            duration_seconds: optional_number(row.duration_seconds, "consultations.duration_seconds")?,
            actual_duration: optional_number(row.actual_duration, "consultations.actual_duration")?,
            billing_status: word::<BillingStatus>(&row.billing_status, "consultations.billing_status")?,
            cancelled_at: instant(row.cancelled_at),
            cancelled_by: row.cancelled_by.map(UserId),
            cancel_reason: row.cancel_reason.map(Sealed),
            no_show_at: instant(row.no_show_at),
            no_show_by: row.no_show_by.map(UserId),
            sequence: number(row.sequence, "consultations.sequence")?,
            planned_at: row.planned_at.to_jiff(),
            created_at: row.created_at.to_jiff(),
            updated_at: row.updated_at.to_jiff(),
        })
    }
}

/// A consultation with its names, as the definer function tells them to a participant.
pub(super) type ViewRow = (ConsultationRow, (String, String, String, String, Option<String>));

/// Reads a consultation with its names back.
pub(super) fn view((row, names): ViewRow) -> Result<ConsultationView, StoreError> {
    let (employee_first, employee_last, practitioner_first_name, practitioner_last_name, practitioner_title) = names;
    Ok(ConsultationView {
        consultation: row.try_into()?,
        names: ParticipantNames {
            employee: Some((employee_first, employee_last)),
            practitioner_first_name,
            practitioner_last_name,
            practitioner_title,
        },
    })
}

/// What can change of a consultation. Its measures follow from these by trigger.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = consultations, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(super) struct ConsultationState<'a> {
    status: &'static str,
    scheduled_at: StoredTimestamp,
    ends_at: StoredTimestamp,
    buffer_minutes: i16,
    reason: Option<&'a [u8]>,
    room_name: Option<&'a str>,
    started_at: Option<StoredTimestamp>,
    ended_at: Option<StoredTimestamp>,
    billing_status: &'static str,
    cancelled_at: Option<StoredTimestamp>,
    cancelled_by: Option<Uuid>,
    cancel_reason: Option<&'a [u8]>,
    no_show_at: Option<StoredTimestamp>,
    no_show_by: Option<Uuid>,
    sequence: i32,
    planned_at: StoredTimestamp,
    updated_at: StoredTimestamp,
}

impl<'a> TryFrom<&'a Consultation> for ConsultationState<'a> {
    type Error = StoreError;

    fn try_from(consultation: &'a Consultation) -> Result<Self, StoreError> {
        Ok(Self {
            status: consultation.status.as_str(),
            scheduled_at: consultation.scheduled_at.to_diesel(),
            ends_at: consultation.ends_at.to_diesel(),
            buffer_minutes: number(consultation.buffer_minutes, "consultations.buffer_minutes")?,
            reason: consultation.reason.as_ref().map(|sealed| sealed.0.as_slice()),
            room_name: consultation.room_name.as_ref().map(RoomName::as_str),
            started_at: consultation.started_at.map(ToDiesel::to_diesel),
            ended_at: consultation.ended_at.map(ToDiesel::to_diesel),
            billing_status: consultation.billing_status.as_str(),
            cancelled_at: consultation.cancelled_at.map(ToDiesel::to_diesel),
            cancelled_by: consultation.cancelled_by.map(|user| user.0),
            cancel_reason: consultation.cancel_reason.as_ref().map(|sealed| sealed.0.as_slice()),
            no_show_at: consultation.no_show_at.map(ToDiesel::to_diesel),
            no_show_by: consultation.no_show_by.map(|user| user.0),
            sequence: number(consultation.sequence, "consultations.sequence")?,
            planned_at: consultation.planned_at.to_diesel(),
            updated_at: consultation.updated_at.to_diesel(),
        })
    }
}
