//! No way through the states leaves the documented graph, and each step changes what it should.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
use proptest::{collection::vec, prelude::*, sample::select};
use uuid::Uuid;

use super::*;
use crate::{availability::TypeSet, consultation::a_consultation};
use ConsultationStatus::{Cancelled, Completed, Confirmed, InProgress, NoShow, Scheduled};

const EMPLOYEE: UserId = UserId(Uuid::from_u128(1));
const PRACTITIONER: UserId = UserId(Uuid::from_u128(2));
const EARLY: SignedDuration = SignedDuration::from_mins(15);

/// Every step between two different states, and the move from confirmed back to scheduled.
const GRAPH: [(ConsultationStatus, ConsultationStatus); 9] = [
    (Scheduled, Confirmed),
    (Scheduled, InProgress),
    (Confirmed, InProgress),
    (InProgress, Completed),
    (Scheduled, Cancelled),
    (Confirmed, Cancelled),
    (Scheduled, NoShow),
    (Confirmed, NoShow),
    (Confirmed, Scheduled),
];

fn start() -> Timestamp {
    "2027-03-08T09:00:00Z".parse().unwrap()
}

/// So many minutes after the planned start.
fn at(minutes: i64) -> Timestamp {
    start() + SignedDuration::from_mins(minutes)
}

fn consultation(status: ConsultationStatus) -> Consultation {
    Consultation { status, started_at: (status == InProgress).then(start), ..a_consultation(start()) }
}

fn cancel() -> Transition {
    Transition::Cancel { by: Some(EMPLOYEE), reason: Some(Sealed(vec![1])) }
}

fn miss() -> Transition {
    Transition::NoShow { by: PRACTITIONER, billing: BillingStatus::Excluded }
}

fn reschedule(minutes: i64, by_employee: bool) -> Transition {
    let slot = Slot {
        starts_at: at(minutes),
        ends_at: at(minutes + 30),
        buffer_minutes: 5,
        types: TypeSet::ALL,
        available: true,
    };
    Transition::Reschedule { slot, room: Some(RoomName::from_random([1; 16])), by_employee }
}

fn transitions() -> impl Strategy<Value = Transition> {
    select(vec![
        Transition::Confirm,
        cancel(),
        reschedule(60, true),
        reschedule(1440, false),
        Transition::Start { early: EARLY },
        Transition::End,
        Transition::EndForgotten,
        miss(),
        Transition::Exclude,
    ])
}

proptest! {
    #[test]
    fn no_sequence_of_transitions_leaves_the_graph(
        steps in vec((transitions(), 0_i64..600), 0..24),
        begin in -600_i64..600,
    ) {
        let mut consultation = consultation(Scheduled);
        let mut now = begin;
        for (transition, later) in steps {
            now += later;
            let before = consultation.clone();
            let moves = matches!(transition, Transition::Reschedule { .. });
            let shown = moves || matches!(transition, Transition::Cancel { .. });
            match consultation.apply(transition.clone(), at(now)) {
                Err(_) => prop_assert_eq!(&consultation, &before),
                Ok(event) => {
                    prop_assert_eq!(event, transition.event());
                    let step = (before.status, consultation.status);
                    let stays = step.0 == step.1 && before.is_booked()
                        && (moves || transition == Transition::Exclude);
                    prop_assert!(stays || GRAPH.contains(&step), "{step:?} by {transition:?}");
                    prop_assert!(step != (Confirmed, Scheduled) || moves);
                    prop_assert_eq!(consultation.sequence, before.sequence + u32::from(shown));
                    prop_assert_eq!(consultation.updated_at, at(now));
                }
            }
            prop_assert!(consultation.started_at <= consultation.ended_at
                || consultation.ended_at.is_none());
            prop_assert_eq!(consultation.ended_at.is_some(), consultation.status == Completed);
            prop_assert_eq!(consultation.cancelled_at.is_some(), consultation.status == Cancelled);
            prop_assert_eq!(consultation.no_show_at.is_some(), consultation.status == NoShow);
        }
    }
}

fn status_after(
    mut consultation: Consultation,
    transition: Transition,
    minutes: i64,
) -> Result<ConsultationStatus, &'static str> {
    match consultation.apply(transition, at(minutes)) {
        Ok(_) => Ok(consultation.status),
        Err(BookingError::InvalidTransition(_)) => Err("invalid"),
        Err(BookingError::TooEarly) => Err("early"),
        Err(_) => Err("other"),
    }
}

#[test]
fn a_consultation_starts_from_a_quarter_of_an_hour_before_until_a_day_after() {
    for (minutes, outcome) in
        [(-16, Err("early")), (-15, Ok(InProgress)), (1440, Ok(InProgress)), (1441, Err("invalid"))]
    {
        for status in [Scheduled, Confirmed] {
            let start = Transition::Start { early: EARLY };
            assert_eq!(status_after(consultation(status), start, minutes), outcome, "{minutes}");
        }
    }
    for status in [InProgress, Completed, Cancelled, NoShow] {
        let start = Transition::Start { early: EARLY };
        assert_eq!(status_after(consultation(status), start, -60), Err("invalid"), "{status}");
    }
}

#[test]
fn only_a_start_that_has_passed_is_missed() {
    for (minutes, outcome) in [(-1, Err("invalid")), (0, Ok(NoShow)), (1440, Ok(NoShow)), (1441, Err("invalid"))] {
        assert_eq!(status_after(consultation(Confirmed), miss(), minutes), outcome, "{minutes}");
    }
}

#[test]
fn what_the_job_excluded_is_neither_started_nor_missed_but_may_be_moved() {
    assert_eq!(status_after(consultation(Scheduled), Transition::Exclude, 1440), Err("invalid"));
    let mut excluded = consultation(Scheduled);
    assert_eq!(excluded.apply(Transition::Exclude, at(1441)).unwrap(), None);
    assert_eq!((excluded.status, excluded.billing_status), (Scheduled, BillingStatus::Excluded));
    assert_eq!(status_after(excluded.clone(), Transition::Exclude, 1442), Err("invalid"));
    // Even seen from a clock that runs behind.
    let start = Transition::Start { early: EARLY };
    assert_eq!(status_after(excluded.clone(), start, 0), Err("invalid"));
    assert_eq!(status_after(excluded.clone(), miss(), 0), Err("invalid"));
    excluded.apply(reschedule(4000, true), at(1500)).unwrap();
    assert_eq!(excluded.billing_status, BillingStatus::Pending);
    let start = Transition::Start { early: EARLY };
    assert_eq!(status_after(excluded, start, 4000), Ok(InProgress));
}

#[test]
fn a_move_takes_the_new_slot_and_a_new_room() {
    for (by_employee, status) in [(true, Scheduled), (false, Confirmed)] {
        let mut moved = consultation(Confirmed);
        let event = moved.apply(reschedule(1440, by_employee), at(-100)).unwrap();
        assert_eq!(event, Some(EventType::Rescheduled));
        assert_eq!(moved.status, status);
        assert_eq!((moved.scheduled_at, moved.ends_at), (at(1440), at(1470)));
        assert_eq!((moved.buffer_minutes, moved.planned_at), (5, at(-100)));
        assert_eq!(moved.room_name, Some(RoomName::from_random([1; 16])));
    }
}

#[test]
fn a_cancellation_says_who_and_why_and_is_not_billed() {
    let mut cancelled = consultation(Confirmed);
    cancelled.apply(cancel(), at(-30)).unwrap();
    assert_eq!(cancelled.cancelled_by, Some(EMPLOYEE));
    assert_eq!(cancelled.cancel_reason, Some(Sealed(vec![1])));
    assert_eq!(cancelled.billing_status, BillingStatus::Excluded);
}

#[test]
fn a_forgotten_consultation_ended_as_planned_or_when_it_began() {
    let forgotten = |started: i64, now: i64| {
        let mut consultation = consultation(InProgress);
        consultation.started_at = Some(at(started));
        let outcome = consultation.apply(Transition::EndForgotten, at(now));
        outcome.map(|_| (consultation.ended_at.unwrap(), consultation.billing_status))
    };
    assert!(forgotten(0, 110).is_err());
    assert_eq!(forgotten(0, 111).unwrap(), (at(50), BillingStatus::Validated));
    assert_eq!(forgotten(70, 111).unwrap(), (at(70), BillingStatus::Validated));
}
