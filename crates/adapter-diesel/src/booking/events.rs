//! What happened to consultations, as rows.
use diesel::prelude::*;
use huntzen_booking::consultation::{Consultation, ConsultationEvent, EventType};
use huntzen_tenancy::{StoreError, ids::UserId, words::Words};
use uuid::Uuid;

use crate::{
    schema::consultation_events,
    stored::{StoredTimestamp, ToDiesel, instant, readable, word},
};

/// An event as it is read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = consultation_events)]
pub(super) struct EventRow {
    id: Uuid,
    kind: String,
    at: StoredTimestamp,
    actor_user_id: Option<Uuid>,
    previous_start: Option<StoredTimestamp>,
}

impl TryFrom<EventRow> for ConsultationEvent {
    type Error = StoreError;

    fn try_from(row: EventRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            kind: word(&row.kind, "consultation_events.type")?,
            at: row.at.to_jiff(),
            actor: row.actor_user_id.map(UserId),
            previous_start: instant(row.previous_start),
        })
    }
}

/// An event as it is written: with the participants, whom row security goes by.
#[derive(Insertable)]
#[diesel(table_name = consultation_events, treat_none_as_default_value = false)]
pub(super) struct NewEvent {
    id: Uuid,
    consultation_id: Uuid,
    company_id: Uuid,
    employee_user_id: Uuid,
    practitioner_user_id: Uuid,
    kind: &'static str,
    at: StoredTimestamp,
    actor_user_id: Option<Uuid>,
    previous_start: Option<StoredTimestamp>,
}

impl NewEvent {
    /// That `event`, taken for one of `kind`, happened to `consultation`.
    pub(super) fn of(
        consultation: &Consultation,
        event: &ConsultationEvent,
        kind: EventType,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            id: event.id,
            consultation_id: consultation.id.0,
            company_id: consultation.company.0,
            employee_user_id: readable(consultation.employee_user, "consultation_events.employee_user_id")?.0,
            practitioner_user_id: consultation.practitioner_user.0,
            kind: kind.as_str(),
            at: event.at.to_diesel(),
            actor_user_id: event.actor.map(|user| user.0),
            previous_start: event.previous_start.map(ToDiesel::to_diesel),
        })
    }
}
