//! The contract of `Reminders`.
use huntzen_booking::{
    BookingError,
    consultation::{ConsultationStatus, EventType},
    reminders::{DueReminder, ReminderKind},
};
use huntzen_tenancy::{
    Job, Origin, Scope, StoreError,
    clock::Clock,
    notifications::{NotificationFilter, NotificationType},
    outbox::Letter,
};
use jiff::{SignedDuration, Timestamp};

use super::{at_once, notifications::inbox};
use crate::{
    appointments::{begun, booked, cancelled, change},
    cast::{Cast, Person},
    clock::at,
    world::World,
};

const START: &str = "2027-01-06T14:00:00Z";
const DAY_BEFORE: &str = "2027-01-05T14:00:00Z";

fn job() -> Scope {
    Scope::worker(Job::Reminders)
}

fn due(world: &World, scope: &Scope, kind: ReminderKind, now: Timestamp, limit: u32) -> Vec<DueReminder> {
    world.booking.run(scope, |tx| Ok(tx.due_reminders(kind, now, limit)?)).unwrap()
}

fn send(world: &World, reminder: &DueReminder) -> bool {
    let now = world.clock.now();
    world.booking.run(&job(), |tx| Ok(tx.send_reminder(reminder, now)?)).unwrap()
}

fn reminded(world: &World, of: &Person) -> usize {
    let filter = NotificationFilter { kind: Some(NotificationType::ConsultationReminder), unread: None };
    inbox(world, &of.scope(), of.id(), filter, 100).len()
}

/// A reminder is due from its lead on until the start, the soonest start first.
pub fn a_reminder_is_due_from_its_lead_to_the_start(world: &World) {
    let cast = Cast::new(world);
    let later = booked(world, &cast.stranger, &cast.practitioner, "2027-01-06T16:00:00Z");
    let consultation = booked(world, &cast.employee, &cast.practitioner, START);
    let reminder = |kind| DueReminder { consultation: consultation.id, kind, starts_at: consultation.scheduled_at };
    for (kind, now, expected) in [
        (ReminderKind::DayBefore, "2027-01-05T13:59:59.999999Z", false),
        (ReminderKind::DayBefore, DAY_BEFORE, true),
        (ReminderKind::DayBefore, "2027-01-06T13:59:59Z", true),
        (ReminderKind::DayBefore, START, false),
        (ReminderKind::HourBefore, "2027-01-06T12:59:59Z", false),
        (ReminderKind::HourBefore, "2027-01-06T13:00:00Z", true),
        (ReminderKind::HourBefore, "2027-01-06T13:59:59Z", true),
        (ReminderKind::HourBefore, START, false),
    ] {
        let found = due(world, &job(), kind, at(now), 10);
        assert_eq!(found.contains(&reminder(kind)), expected, "{kind} at {now}");
    }
    let both = due(world, &job(), ReminderKind::DayBefore, at("2027-01-05T18:00:00Z"), 10);
    let starts: Vec<_> = both.iter().map(|one| one.starts_at).collect();
    assert_eq!(starts, [consultation.scheduled_at, later.scheduled_at]);
    assert_eq!(
        due(world, &job(), ReminderKind::DayBefore, at("2027-01-05T18:00:00Z"), 1),
        [reminder(ReminderKind::DayBefore)]
    );
}

/// A time that was chosen when the reminder was due already is not announced by it.
pub fn a_time_chosen_late_has_no_reminder(world: &World) {
    let cast = Cast::new(world);
    world.clock.set(at("2027-01-05T13:59:59Z"));
    booked(world, &cast.employee, &cast.practitioner, START);
    world.clock.set(at("2027-01-05T15:30:00Z"));
    let late = booked(world, &cast.colleague, &cast.practitioner, "2027-01-06T15:00:00Z");
    let now = at("2027-01-06T13:30:00Z");
    let days = due(world, &job(), ReminderKind::DayBefore, now, 10);
    assert_eq!(days.iter().map(|one| one.starts_at).collect::<Vec<_>>(), [at(START)]);
    // The hour before was still ahead when it was booked.
    let hours = due(world, &job(), ReminderKind::HourBefore, at("2027-01-06T14:30:00Z"), 10);
    assert_eq!(hours.iter().map(|one| one.consultation).collect::<Vec<_>>(), [late.id]);
    let mut moved = late.clone();
    moved.scheduled_at = at("2027-01-06T16:00:00Z");
    moved.ends_at = at("2027-01-06T16:50:00Z");
    moved.planned_at = at("2027-01-06T15:30:00Z");
    change(world, &cast.colleague.0.scope(), &moved, Some(EventType::Rescheduled)).unwrap();
    assert_eq!(due(world, &job(), ReminderKind::HourBefore, at("2027-01-06T15:45:00Z"), 10), []);
}

/// Only what is booked is announced.
pub fn what_will_not_take_place_is_not_announced(world: &World) {
    let cast = Cast::new(world);
    let mut confirmed = booked(world, &cast.employee, &cast.practitioner, START);
    confirmed.status = ConsultationStatus::Confirmed;
    change(world, &cast.practitioner.0.scope(), &confirmed, Some(EventType::Confirmed)).unwrap();
    cancelled(world, &cast.employee.0, booked(world, &cast.employee, &cast.practitioner, "2027-01-06T10:00:00Z"));
    let early = booked(world, &cast.employee, &cast.practitioner, "2027-01-06T12:00:00Z");
    begun(world, &cast.practitioner.0, early, "2027-01-06T09:00:00Z");
    let found = due(world, &job(), ReminderKind::DayBefore, at("2027-01-06T09:30:00Z"), 10);
    assert_eq!(found.iter().map(|one| one.consultation).collect::<Vec<_>>(), [confirmed.id]);
}

/// A sent reminder tells both once; each kind and each new start is another reminder.
pub fn a_reminder_is_sent_once(world: &World) {
    let cast = Cast::new(world);
    let (marc, sophie) = (&cast.employee.0, &cast.practitioner.0);
    let consultation = booked(world, &cast.employee, &cast.practitioner, START);
    world.clock.set(at(DAY_BEFORE));
    let found = due(world, &job(), ReminderKind::DayBefore, at(DAY_BEFORE), 10);
    let [reminder] = found.as_slice() else { panic!("{found:?}") };
    assert!(send(world, reminder));
    assert!(!send(world, reminder));
    assert_eq!(due(world, &job(), ReminderKind::DayBefore, at(DAY_BEFORE), 10), []);
    assert_eq!((reminded(world, marc), reminded(world, sophie)), (1, 1));
    let now = world.clock.now();
    let letters = world.tenancy.run(&Scope::worker(Job::Outbox), |tx| Ok(tx.take_due(now, now, 100)?)).unwrap();
    let mut recipients: Vec<_> = letters
        .iter()
        .filter(|due| due.message.letter == Letter::ConsultationReminder)
        .map(|due| due.message.recipient)
        .collect();
    recipients.sort_unstable();
    let mut both = [marc.id(), sophie.id()];
    both.sort_unstable();
    assert_eq!(recipients, both);
    assert!(send(world, &DueReminder { kind: ReminderKind::HourBefore, ..*reminder }));
    let mut moved = consultation;
    moved.scheduled_at += SignedDuration::from_hours(48);
    moved.ends_at += SignedDuration::from_hours(48);
    change(world, &marc.scope(), &moved, Some(EventType::Rescheduled)).unwrap();
    let again = due(world, &job(), ReminderKind::DayBefore, at("2027-01-07T14:00:00Z"), 10);
    assert_eq!(again.iter().map(|one| one.starts_at).collect::<Vec<_>>(), [moved.scheduled_at]);
}

/// What was called off after it was found to be due is not announced any more.
pub fn what_was_called_off_meanwhile_is_not_announced(world: &World) {
    let cast = Cast::new(world);
    let consultation = booked(world, &cast.employee, &cast.practitioner, START);
    let found = due(world, &job(), ReminderKind::DayBefore, at(DAY_BEFORE), 10);
    assert_eq!(found.len(), 1);
    cancelled(world, &cast.employee.0, consultation);
    assert!(!send(world, &found[0]));
    assert_eq!(reminded(world, &cast.employee.0), 0);
}

/// A failed unit of work leaves no reminder: it is due again, and nobody was told.
pub fn a_failed_unit_of_work_leaves_no_reminder(world: &World) {
    let cast = Cast::new(world);
    booked(world, &cast.employee, &cast.practitioner, START);
    let found = due(world, &job(), ReminderKind::DayBefore, at(DAY_BEFORE), 10);
    let reminder = *found.first().unwrap();
    let letters = super::waiting_letters(world);
    let failed: Result<(), _> = world.booking.run(&job(), |tx| {
        assert!(tx.send_reminder(&reminder, at(DAY_BEFORE))?);
        Err(BookingError::NotFound)
    });
    assert!(matches!(failed, Err(BookingError::NotFound)));
    assert_eq!(due(world, &job(), ReminderKind::DayBefore, at(DAY_BEFORE), 10), found);
    assert_eq!((reminded(world, &cast.employee.0), super::waiting_letters(world)), (0, letters));
}

/// Nobody else finds reminders or sends any.
pub fn reminders_are_their_jobs_alone(world: &World) {
    let cast = Cast::new(world);
    booked(world, &cast.employee, &cast.practitioner, START);
    let found = due(world, &job(), ReminderKind::DayBefore, at(DAY_BEFORE), 10);
    let reminder = *found.first().unwrap();
    for scope in [
        cast.employee.0.scope(),
        cast.practitioner.0.scope(),
        cast.hr.scope(),
        cast.administrator.scope(),
        cast.stranger.0.scope(),
        Scope::anonymous(Origin::default()),
        Scope::worker(Job::Outbox),
        Scope::worker(Job::EndForgotten),
    ] {
        assert_eq!(due(world, &scope, ReminderKind::DayBefore, at(DAY_BEFORE), 10), [], "{scope:?}");
        let sent = world.booking.run(&scope, |tx| Ok(tx.send_reminder(&reminder, at(DAY_BEFORE))?));
        let nothing_came_of_it = matches!(sent, Ok(false) | Err(BookingError::Store(StoreError::Refused(_))));
        assert!(nothing_came_of_it, "{scope:?}: {sent:?}");
    }
    assert_eq!(reminded(world, &cast.employee.0), 0);
}

/// Of many nodes at once, exactly one sends a reminder.
pub fn of_many_at_once_one_sends(world: &World) {
    let cast = Cast::new(world);
    booked(world, &cast.employee, &cast.practitioner, START);
    world.clock.set(at(DAY_BEFORE));
    let found = due(world, &job(), ReminderKind::DayBefore, at(DAY_BEFORE), 10);
    let reminder = *found.first().unwrap();
    let sent = at_once(6, |_| send(world, &reminder));
    assert_eq!(sent.into_iter().filter(|sent| *sent).count(), 1);
    assert_eq!((reminded(world, &cast.employee.0), reminded(world, &cast.practitioner.0)), (1, 1));
}
