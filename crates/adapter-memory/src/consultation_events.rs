//! What happened to consultations.
use huntzen_booking::{
    consultation::{Consultation, ConsultationEvent, EventType},
    ids::ConsultationId,
};
use huntzen_tenancy::StoreError;

use crate::{
    refusal::{allow, defect, require},
    state::{ConsultationRow, EventRow, State},
    telling,
    time::micros,
    visibility::Viewer,
};

/// The events of one consultation that `show` lets through, oldest first.
pub(crate) fn of(
    state: &State,
    id: ConsultationId,
    show: impl Fn(&EventRow) -> Option<ConsultationEvent>,
) -> Vec<ConsultationEvent> {
    let theirs = state.consultation_events.rows().filter(|row| row.consultation == id);
    let mut events: Vec<ConsultationEvent> = theirs.filter_map(show).collect();
    events.sort_by_key(|event| (event.at, event.id));
    events
}

/// Adds an event of a consultation and tells those whom it concerns.
pub(crate) fn add(
    viewer: &Viewer,
    state: &mut State,
    row: &ConsultationRow,
    event: &ConsultationEvent,
) -> Result<(), StoreError> {
    let event = EventRow {
        consultation: row.consultation.id,
        employee_user: row.employee_user,
        practitioner_user: row.consultation.practitioner_user,
        event: ConsultationEvent {
            at: micros(event.at),
            previous_start: event.previous_start.map(micros),
            ..event.clone()
        },
    };
    insert(viewer, state, event)
}

/// Adds the event of a participant who got a room token: another one from the second time on.
pub(crate) fn add_room_event(
    viewer: &Viewer,
    state: &mut State,
    consultation: &Consultation,
    event: &ConsultationEvent,
) -> Result<(), StoreError> {
    let has_joined = state.consultation_events.rows().any(|row| {
        row.consultation == consultation.id
            && row.event.kind == EventType::RoomJoined
            && row.event.actor == event.actor
            && event.actor.is_some()
    });
    let kind = if has_joined { EventType::RoomTokenIssued } else { EventType::RoomJoined };
    let employee_user = consultation.employee_user.ok_or_else(|| defect("a room without its employee"))?;
    let row = EventRow {
        consultation: consultation.id,
        employee_user,
        practitioner_user: consultation.practitioner_user,
        event: ConsultationEvent { kind, at: micros(event.at), ..event.clone() },
    };
    insert(viewer, state, row)
}

fn insert(viewer: &Viewer, state: &mut State, row: EventRow) -> Result<(), StoreError> {
    allow(viewer.adds_event(&row))?;
    require(!state.consultation_events.contains(&row.event.id), "consultation_events_pkey")?;
    let consultation = state.consultations.get(&row.consultation);
    require(consultation.is_some(), "consultation_events_consultation_fkey")?;
    let are_its_own = consultation.is_some_and(|one| {
        one.employee_user == row.employee_user && one.consultation.practitioner_user == row.practitioner_user
    });
    require(are_its_own, "consultation_events_participants")?;
    telling::event(state, &row)?;
    state.consultation_events.put(row.event.id, row);
    Ok(())
}
