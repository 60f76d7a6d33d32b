//! Consultations as contracts make them: planned, booked, changed, carried out.
use huntzen_booking::{
    BookingError,
    availability::ConsultationType,
    consultation::{BillingStatus, Consultation, ConsultationEvent, ConsultationStatus, EventType},
    ids::{ConsultationId, PractitionerId},
    practitioner::Practitioner,
    room::RoomName,
};
use huntzen_tenancy::{Scope, clock::Clock, employee::Employee, ids::UserId, sealing::Sealed};
use jiff::SignedDuration;

use crate::{cast::Person, clock::at, world::World};

/// How long a planned consultation lasts.
pub const LENGTH: SignedDuration = SignedDuration::from_mins(50);
/// The practitioner's pause after it, in minutes.
pub const BUFFER_MINUTES: u16 = 10;

/// What stands where a sealed text belongs: stores never look into one.
pub fn sealed(text: &str) -> Sealed {
    Sealed([&[1; 57], text.as_bytes()].concat())
}

/// A video consultation of fifty minutes and a pause of ten that nobody has booked yet.
pub fn planned(world: &World, who: &(Person, Employee), with: &(Person, Practitioner), start: &str) -> Consultation {
    let (now, start) = (world.clock.now(), at(start));
    let mut room = [0; 16];
    world.randomness.fill(&mut room);
    Consultation {
        id: ConsultationId(world.randomness.uuid_v4()),
        company: who.1.company,
        employee: Some(who.1.id),
        employee_user: Some(who.0.id()),
        practitioner: with.1.id,
        practitioner_user: with.0.id(),
        kind: ConsultationType::Video,
        status: ConsultationStatus::Scheduled,
        scheduled_at: start,
        ends_at: start + LENGTH,
        buffer_minutes: BUFFER_MINUTES,
        reason: None,
        room_name: Some(RoomName::from_random(room)),
        started_at: None,
        ended_at: None,
        duration_seconds: None,
        actual_duration: None,
        billing_status: BillingStatus::Pending,
        cancelled_at: None,
        cancelled_by: None,
        cancel_reason: None,
        no_show_at: None,
        no_show_by: None,
        sequence: 0,
        planned_at: now,
        created_at: now,
        updated_at: now,
    }
}

/// An event of now.
pub fn happened(world: &World, kind: EventType, actor: Option<UserId>) -> ConsultationEvent {
    let now = world.clock.now();
    ConsultationEvent { id: world.randomness.uuid_v7(now), kind, at: now, actor, previous_start: None }
}

/// Books as its employee does: both calendars held first.
///
/// # Errors
/// Those of the store.
pub fn book(world: &World, consultation: &Consultation, by: &Person) -> Result<(), BookingError> {
    let event = happened(world, EventType::Scheduled, Some(by.id()));
    world.booking.run(&by.scope(), |tx| {
        tx.hold_calendars(consultation.practitioner, consultation.employee.unwrap())?;
        tx.add_consultation(consultation, &event)
    })
}

/// A consultation that its employee has booked.
pub fn booked(world: &World, who: &(Person, Employee), with: &(Person, Practitioner), start: &str) -> Consultation {
    let consultation = planned(world, who, with, start);
    book(world, &consultation, &who.0).unwrap();
    consultation
}

/// Writes a consultation again, with an event when one tells of it.
///
/// # Errors
/// Those of the store.
pub fn change(
    world: &World,
    scope: &Scope,
    consultation: &Consultation,
    why: Option<EventType>,
) -> Result<(), BookingError> {
    let actor = scope.actor().map(|actor| actor.user);
    let event = why.map(|kind| happened(world, kind, actor));
    world.booking.run(scope, |tx| tx.update_consultation(consultation, event.as_ref()))
}

/// The same, called off by `by`.
pub fn cancelled(world: &World, by: &Person, mut consultation: Consultation) -> Consultation {
    consultation.status = ConsultationStatus::Cancelled;
    consultation.billing_status = BillingStatus::Excluded;
    consultation.cancelled_at = Some(world.clock.now());
    consultation.cancelled_by = Some(by.id());
    consultation.cancel_reason = Some(sealed("Empêchement."));
    change(world, &by.scope(), &consultation, Some(EventType::Cancelled)).unwrap();
    consultation
}

/// The same, going on since `started`.
pub fn begun(world: &World, by: &Person, mut consultation: Consultation, started: &str) -> Consultation {
    consultation.status = ConsultationStatus::InProgress;
    consultation.started_at = Some(at(started));
    change(world, &by.scope(), &consultation, Some(EventType::Started)).unwrap();
    consultation
}

/// The same, carried out from `started` to `ended`, as the practitioner then reads it.
pub fn carried_out(world: &World, by: &Person, consultation: Consultation, started: &str, ended: &str) -> Consultation {
    let mut consultation = begun(world, by, consultation, started);
    consultation.status = ConsultationStatus::Completed;
    consultation.billing_status = BillingStatus::Validated;
    consultation.ended_at = Some(at(ended));
    change(world, &by.scope(), &consultation, Some(EventType::Ended)).unwrap();
    found(world, &by.scope(), consultation.id).unwrap()
}

/// The consultation as `scope` sees it.
pub fn found(world: &World, scope: &Scope, id: ConsultationId) -> Option<Consultation> {
    world.booking.run(scope, |tx| Ok(tx.consultation(id, false)?)).unwrap()
}

/// The starts of the times at which everybody sees the practitioner taken, from the clock's now on.
pub fn busy_starts(world: &World, scope: &Scope, practitioner: PractitionerId) -> Vec<jiff::Timestamp> {
    let now = world.clock.now();
    let span = huntzen_booking::timetable::Span { from: now, until: now + SignedDuration::from_hours(24 * 365) };
    let time = world.booking.run(scope, |tx| Ok(tx.time_of(practitioner, span)?)).unwrap();
    let mut starts: Vec<_> = time.into_iter().flat_map(|time| time.busy).map(|busy| busy.starts_at).collect();
    starts.sort_unstable();
    starts
}
