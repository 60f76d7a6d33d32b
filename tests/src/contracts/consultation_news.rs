//! The contract of `Consultations`: whom an event tells, in the inbox and by letter.
use huntzen_booking::consultation::{Consultation, EventType};
use huntzen_tenancy::{
    Job, Scope,
    clock::Clock,
    notifications::{Notification, NotificationFilter, NotificationType},
    outbox::{Arguments, Letter},
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    appointments::{booked, change, happened},
    cast::{Cast, Person},
    world::World,
};

const START: &str = "2027-01-05T14:00:00Z";

fn inbox(world: &World, of: &Person) -> Vec<Notification> {
    let part = world.tenancy.run(&of.scope(), |tx| Ok(tx.inbox(of.id(), NotificationFilter::default(), None, 100)?));
    part.unwrap().items
}

/// The letters that wait for one person, with what their texts need; they are taken by this.
fn letters(world: &World, of: &Person) -> Vec<(Letter, Arguments)> {
    let now = world.clock.now();
    let taken = world.tenancy.run(&Scope::worker(Job::Outbox), |tx| Ok(tx.take_due(now, now, 100)?)).unwrap();
    let theirs = taken.into_iter().filter(|due| due.message.recipient == of.id());
    theirs.map(|due| (due.message.letter, due.message.arguments)).collect()
}

fn about(consultation: &Consultation, start: &str) -> Value {
    json!({ "consultationId": consultation.id, "scheduledAt": start })
}

fn letter_about(consultation: &Consultation, start: &str, zone: &str) -> Arguments {
    Arguments::About(json!({ "consultationId": consultation.id, "scheduledAt": start, "timezone": zone }))
}

/// A booking tells both, each letter in the zone of its reader: the company's, the practitioner's.
pub fn a_booking_tells_both_participants(world: &World) {
    let cast = Cast::new(world);
    let mut overseas = cast.practitioner.1.clone();
    overseas.timezone = "America/Martinique".to_owned();
    world.booking.run(&cast.practitioner.0.scope(), |tx| tx.update_practitioner(&overseas)).unwrap();
    let consultation = booked(world, &cast.employee, &cast.practitioner, START);
    for (person, zone) in [(&cast.employee.0, "Europe/Paris"), (&cast.practitioner.0, "America/Martinique")] {
        let told = inbox(world, person);
        assert_eq!(told.len(), 1);
        let told = told.first().unwrap();
        assert_eq!((told.kind, told.read_at), (NotificationType::ConsultationScheduled, None));
        assert_eq!((&told.data, told.created_at), (&about(&consultation, START), world.clock.now()));
        let expected = (Letter::ConsultationScheduled, letter_about(&consultation, START, zone));
        assert_eq!(letters(world, person), [expected]);
    }
    for person in [&cast.colleague.0, &cast.hr, &cast.other_practitioner.0, &cast.administrator] {
        assert_eq!(inbox(world, person), []);
        assert_eq!(letters(world, person), []);
    }
}

/// Each kind of event tells those whom it concerns, and some tell nobody.
pub fn each_event_tells_whom_it_concerns(world: &World) {
    let cast = Cast::new(world);
    let (marc, sophie) = (&cast.employee.0, &cast.practitioner.0);
    let consultation = booked(world, &cast.employee, &cast.practitioner, START);
    let count = |person| (inbox(world, person).len(), letters(world, person).len());
    let mut before = (count(marc), count(sophie));
    for (kind, notification, letter, to_practitioner) in [
        (EventType::Confirmed, Some(NotificationType::ConsultationConfirmed), Letter::ConsultationConfirmed, true),
        (
            EventType::Rescheduled,
            Some(NotificationType::ConsultationRescheduled),
            Letter::ConsultationRescheduled,
            true,
        ),
        (EventType::Cancelled, Some(NotificationType::ConsultationCancelled), Letter::ConsultationCancelled, true),
        (EventType::Ended, Some(NotificationType::ConsultationCompleted), Letter::ConsultationFollowUp, false),
        (EventType::Started, None, Letter::ConsultationFollowUp, false),
        (EventType::NoShow, None, Letter::ConsultationFollowUp, false),
    ] {
        world.clock.advance(SignedDuration::from_secs(1));
        change(world, &sophie.scope(), &consultation, Some(kind)).unwrap();
        let after = (count(marc), count(sophie));
        let told = |before: (usize, usize), after: (usize, usize)| (after.0 - before.0, after.1 - before.1);
        let employee = usize::from(notification.is_some());
        let practitioner = usize::from(to_practitioner);
        assert_eq!(told(before.0, after.0), (employee, employee), "{kind}");
        assert_eq!(told(before.1, after.1), (practitioner, practitioner), "{kind}");
        if let Some(expected) = notification {
            assert_eq!(inbox(world, marc).first().unwrap().kind, expected);
            assert!(letters(world, marc).iter().any(|(written, _)| *written == letter), "{kind}");
        }
        before = after;
    }
}

/// A move tells the new time.
pub fn a_move_tells_the_new_time(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let mut consultation = booked(world, &cast.employee, &cast.practitioner, START);
    world.clock.advance(SignedDuration::from_secs(1));
    let later = SignedDuration::from_hours(24);
    let mut event = happened(world, EventType::Rescheduled, Some(marc.id()));
    event.previous_start = Some(consultation.scheduled_at);
    consultation.scheduled_at += later;
    consultation.ends_at += later;
    world.booking.run(&marc.scope(), |tx| tx.update_consultation(&consultation, Some(&event))).unwrap();
    for person in [marc, &cast.practitioner.0] {
        assert_eq!(inbox(world, person).first().unwrap().data, about(&consultation, "2027-01-06T14:00:00Z"));
        let expected =
            (Letter::ConsultationRescheduled, letter_about(&consultation, "2027-01-06T14:00:00Z", "Europe/Paris"));
        assert!(letters(world, person).contains(&expected));
    }
}

/// What a job does tells both like anybody's doing.
pub fn what_a_job_does_is_told_too(world: &World) {
    let cast = Cast::new(world);
    let consultation = booked(world, &cast.employee, &cast.practitioner, START);
    world.clock.advance(SignedDuration::from_secs(1));
    change(world, &Scope::worker(Job::Eligibility), &consultation, Some(EventType::Cancelled)).unwrap();
    for person in [&cast.employee.0, &cast.practitioner.0] {
        assert_eq!(inbox(world, person).first().unwrap().kind, NotificationType::ConsultationCancelled);
    }
    let events = world.booking.run(&cast.employee.0.scope(), |tx| Ok(tx.events(consultation.id)?)).unwrap();
    assert_eq!(events.last().map(|event| (event.kind, event.actor)), Some((EventType::Cancelled, None)));
}
