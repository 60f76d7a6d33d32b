//! The contract of `Consultations`: nobody is booked twice, however many try at once.
use huntzen_booking::{
    BookingError,
    consultation::{Consultation, ConsultationStatus, EventType},
    timetable::Span,
};

use super::at_once;
use crate::{
    appointments::{begun, book, booked, busy_starts, cancelled, carried_out, change, planned},
    cast::{Cast, employee, practitioner},
    clock::at,
    world::World,
};

const START: &str = "2027-01-05T14:00:00Z";

fn moved(mut consultation: Consultation, start: &str) -> Consultation {
    let length = consultation.scheduled_at.duration_until(consultation.ends_at);
    consultation.scheduled_at = at(start);
    consultation.ends_at = consultation.scheduled_at + length;
    consultation
}

/// The practitioner's time is taken to the end of the pause, for people of every company.
pub fn a_taken_time_is_refused_with_its_pause(world: &World) {
    let cast = Cast::new(world);
    booked(world, &cast.employee, &cast.practitioner, START);
    for (who, start) in [
        (&cast.colleague, START),
        (&cast.stranger, "2027-01-05T14:30:00Z"),
        // It ends at 13:59 and its pause does at 14:09.
        (&cast.colleague, "2027-01-05T13:09:00Z"),
        // The other one's pause ends at 15:00.
        (&cast.colleague, "2027-01-05T14:59:59Z"),
    ] {
        let refused = book(world, &planned(world, who, &cast.practitioner, start), &who.0);
        assert!(matches!(refused, Err(BookingError::SlotTaken)), "{start}: {refused:?}");
    }
    assert_eq!(busy_starts(world, &cast.employee.0.scope(), cast.practitioner.1.id), [at(START)]);
}

/// One consultation may begin at the instant at which the other's pause ends.
pub fn times_that_only_touch_are_both_free(world: &World) {
    let cast = Cast::new(world);
    booked(world, &cast.employee, &cast.practitioner, START);
    booked(world, &cast.colleague, &cast.practitioner, "2027-01-05T15:00:00Z");
    booked(world, &cast.stranger, &cast.practitioner, "2027-01-05T13:00:00Z");
    // The employee makes no pause: from one straight to another practitioner's.
    booked(world, &cast.employee, &cast.other_practitioner, "2027-01-05T14:50:00Z");
}

/// An employee has one consultation at a time, with whomever.
pub fn an_employee_is_booked_once_at_a_time(world: &World) {
    let cast = Cast::new(world);
    booked(world, &cast.employee, &cast.practitioner, START);
    for start in [START, "2027-01-05T14:49:59Z", "2027-01-05T13:11:00Z"] {
        let refused = book(world, &planned(world, &cast.employee, &cast.other_practitioner, start), &cast.employee.0);
        assert!(matches!(refused, Err(BookingError::AlreadyBooked)), "{start}: {refused:?}");
    }
    assert_eq!(busy_starts(world, &cast.employee.0.scope(), cast.other_practitioner.1.id), []);
    booked(world, &cast.colleague, &cast.other_practitioner, START);
}

/// What is called off, missed or over takes nobody's time; what goes on does.
pub fn a_time_is_freed_when_nothing_happens_in_it(world: &World) {
    let cast = Cast::new(world);
    let sophie = &cast.practitioner.0;
    let called_off = booked(world, &cast.employee, &cast.practitioner, START);
    cancelled(world, &cast.employee.0, called_off);
    let mut missed = booked(world, &cast.employee, &cast.practitioner, START);
    missed.status = ConsultationStatus::NoShow;
    change(world, &sophie.scope(), &missed, Some(EventType::NoShow)).unwrap();
    let over = booked(world, &cast.employee, &cast.practitioner, START);
    carried_out(world, sophie, over, START, "2027-01-05T14:40:00Z");
    assert_eq!(busy_starts(world, &sophie.scope(), cast.practitioner.1.id), []);
    let going_on = booked(world, &cast.employee, &cast.practitioner, START);
    begun(world, sophie, going_on, START);
    let refused = book(world, &planned(world, &cast.colleague, &cast.practitioner, START), &cast.colleague.0);
    assert!(matches!(refused, Err(BookingError::SlotTaken)), "{refused:?}");
    let refused = book(world, &planned(world, &cast.employee, &cast.other_practitioner, START), &cast.employee.0);
    assert!(matches!(refused, Err(BookingError::AlreadyBooked)), "{refused:?}");
}

/// Moving takes the new time and frees the old one, or changes nothing at all.
pub fn moving_frees_the_old_time(world: &World) {
    let cast = Cast::new(world);
    let marc = cast.employee.0.scope();
    let consultation = booked(world, &cast.employee, &cast.practitioner, START);
    booked(world, &cast.colleague, &cast.practitioner, "2027-01-05T16:00:00Z");
    booked(world, &cast.employee, &cast.other_practitioner, "2027-01-05T18:00:00Z");
    let refused =
        change(world, &marc, &moved(consultation.clone(), "2027-01-05T16:30:00Z"), Some(EventType::Rescheduled));
    assert!(matches!(refused, Err(BookingError::SlotTaken)), "{refused:?}");
    let refused =
        change(world, &marc, &moved(consultation.clone(), "2027-01-05T18:30:00Z"), Some(EventType::Rescheduled));
    assert!(matches!(refused, Err(BookingError::AlreadyBooked)), "{refused:?}");
    let starts = |times: &[&str]| times.iter().map(|time| at(time)).collect::<Vec<_>>();
    let busy = || busy_starts(world, &marc, cast.practitioner.1.id);
    assert_eq!(busy(), starts(&[START, "2027-01-05T16:00:00Z"]));
    // It may overlap itself.
    change(world, &marc, &moved(consultation.clone(), "2027-01-05T14:20:00Z"), Some(EventType::Rescheduled)).unwrap();
    assert_eq!(busy(), starts(&["2027-01-05T14:20:00Z", "2027-01-05T16:00:00Z"]));
    change(world, &marc, &moved(consultation, "2027-01-05T20:00:00Z"), Some(EventType::Rescheduled)).unwrap();
    booked(world, &cast.colleague, &cast.practitioner, START);
    assert_eq!(busy(), starts(&[START, "2027-01-05T16:00:00Z", "2027-01-05T20:00:00Z"]));
}

/// A longer pause is refused when it reaches into the next consultation.
pub fn a_longer_pause_is_refused_like_a_longer_time(world: &World) {
    let cast = Cast::new(world);
    let mut consultation = booked(world, &cast.employee, &cast.practitioner, START);
    booked(world, &cast.colleague, &cast.practitioner, "2027-01-05T15:00:00Z");
    consultation.buffer_minutes = 11;
    let refused = change(world, &cast.employee.0.scope(), &consultation, None);
    assert!(matches!(refused, Err(BookingError::SlotTaken)), "{refused:?}");
    consultation.buffer_minutes = 0;
    change(world, &cast.employee.0.scope(), &consultation, None).unwrap();
    let third = employee(world, &cast.hr, "third@alpha.example", "Tierce");
    let mut short = planned(world, &third, &cast.practitioner, "2027-01-05T14:50:00Z");
    short.ends_at = at("2027-01-05T15:00:00Z");
    short.buffer_minutes = 0;
    book(world, &short, &third.0).unwrap();
}

/// Of many who book one slot at once, exactly one does.
pub fn of_many_at_once_one_books_the_slot(world: &World) {
    let cast = Cast::new(world);
    let people: Vec<_> =
        (0..6).map(|n| employee(world, &cast.hr, &format!("p{n}@alpha.example"), "Personne")).collect();
    for round in 0..3 {
        let start = format!("2027-01-0{}T14:00:00Z", round + 5);
        let outcomes = at_once(people.len(), |number| {
            let who = people.get(number).unwrap();
            book(world, &planned(world, who, &cast.practitioner, &start), &who.0)
        });
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
        assert!(
            outcomes.iter().all(|outcome| matches!(outcome, Ok(()) | Err(BookingError::SlotTaken))),
            "{outcomes:?}"
        );
    }
    assert_eq!(busy_starts(world, &cast.employee.0.scope(), cast.practitioner.1.id).len(), 3);
}

/// Of many bookings of one person for one time at once, exactly one is made.
pub fn of_many_at_once_one_is_the_employees(world: &World) {
    let cast = Cast::new(world);
    let practitioners: Vec<_> = (0..6)
        .map(|n| practitioner(world, &cast.administrator, &format!("s{n}@huntzen.example"), "Soignante"))
        .collect();
    let outcomes = at_once(practitioners.len(), |number| {
        let consultation = planned(world, &cast.employee, practitioners.get(number).unwrap(), START);
        book(world, &consultation, &cast.employee.0)
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert!(
        outcomes.iter().all(|outcome| matches!(outcome, Ok(()) | Err(BookingError::AlreadyBooked))),
        "{outcomes:?}"
    );
}

/// A practitioner sees the live consultations that meet a span, soonest first.
pub fn a_practitioner_sees_what_is_live(world: &World) {
    let cast = Cast::new(world);
    let later = booked(world, &cast.stranger, &cast.practitioner, "2027-01-05T16:00:00Z");
    let sooner = booked(world, &cast.employee, &cast.practitioner, START);
    let gone = booked(world, &cast.employee, &cast.practitioner, "2027-01-05T18:00:00Z");
    cancelled(world, &cast.employee.0, gone);
    booked(world, &cast.colleague, &cast.other_practitioner, START);
    let sophie = &cast.practitioner.0;
    let live = |scope, from: &str, until: &str| {
        let span = Span { from: at(from), until: at(until) };
        world.booking.run(&scope, |tx| Ok(tx.live_between(sophie.id(), span)?)).unwrap()
    };
    assert_eq!(live(sophie.scope(), "2027-01-05T00:00:00Z", "2027-01-06T00:00:00Z"), [sooner.clone(), later.clone()]);
    assert_eq!(live(sophie.scope(), "2027-01-05T14:30:00Z", "2027-01-05T16:00:00Z"), [sooner]);
    assert_eq!(live(sophie.scope(), "2027-01-05T15:00:00Z", "2027-01-05T16:00:01Z"), [later]);
    for scope in [cast.other_practitioner.0.scope(), cast.hr.scope(), cast.administrator.scope()] {
        assert_eq!(live(scope, "2027-01-05T00:00:00Z", "2027-01-06T00:00:00Z"), []);
    }
}
