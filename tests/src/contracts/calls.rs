//! The contracts of `Calls` and of `MissedCalls`.
use huntzen_clinical::{
    call::{Begun, Call, Calls, Swept},
    ids::{CallId, ConsultationId},
};
use huntzen_tenancy::{
    Job, Scope,
    clock::Clock,
    ids::{CompanyId, UserId},
    notifications::{NotificationFilter, NotificationType},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use super::at_once;
use crate::{
    appointments::booked,
    cast::{Cast, Person},
    world::World,
};

/// A call of this number that rings since so many seconds after 1970.
fn call(number: u128, began: i64) -> Call {
    Call {
        id: CallId(Uuid::from_u128(number)),
        consultation: ConsultationId(Uuid::from_u128(1000 + number)),
        company: CompanyId(Uuid::nil()),
        employee: UserId(Uuid::from_u128(1)),
        caller: UserId(Uuid::from_u128(1)),
        caller_device: Uuid::from_u128(10 * number),
        callee: UserId(Uuid::from_u128(2)),
        callee_device: None,
        began_at: Timestamp::UNIX_EPOCH + SignedDuration::from_secs(began),
    }
}

const RINGS: Begun = Begun::Rings { instead_of: None };

fn ids(calls: Vec<Call>) -> Vec<u128> {
    let mut ids: Vec<_> = calls.into_iter().map(|call| call.id.0.as_u128()).collect();
    ids.sort_unstable();
    ids
}

/// A call is found until it is over; a consultation has one at a time.
pub fn a_consultation_has_one_call(calls: &dyn Calls) {
    let first = call(1, 0);
    assert_eq!(calls.find(first.id).unwrap(), None);
    assert!(calls.is_in_reach());
    assert_eq!(calls.begin(&first).unwrap(), RINGS);
    assert_eq!(calls.find(first.id).unwrap(), Some(first.clone()));
    let second = Call { id: CallId(Uuid::from_u128(2)), ..first.clone() };
    assert_eq!(calls.begin(&second).unwrap(), Begun::InProgress);
    assert_eq!(calls.begin(&call(3, 0)).unwrap(), RINGS);
    assert_eq!(calls.end(first.id).unwrap(), Some(first.clone()));
    assert_eq!(calls.end(first.id).unwrap(), None);
    assert_eq!(calls.find(first.id).unwrap(), None);
    assert_eq!(calls.begin(&second).unwrap(), RINGS);
}

/// Of many devices that answer at once one wins, of many that end at once one ends; of many calls of
/// one consultation at once one begins.
pub fn of_many_at_once_one_wins(calls: &(dyn Calls + Sync)) {
    let ringing = call(1, 0);
    let begun = at_once(8, |number| {
        let id = CallId(Uuid::from_u128(100 + number as u128));
        (calls.begin(&Call { id, ..ringing.clone() }).unwrap() == RINGS).then_some(id)
    });
    let [id] = begun.into_iter().flatten().collect::<Vec<_>>()[..] else { panic!("one call begins") };
    let devices = at_once(8, |number| calls.answer(id, Uuid::from_u128(500 + number as u128)).unwrap());
    let answered: Vec<_> = devices.into_iter().flatten().collect();
    let [answered] = answered.as_slice() else { panic!("{answered:?}") };
    assert_eq!(calls.find(id).unwrap().unwrap().callee_device, answered.callee_device);
    let ended = at_once(8, |_| calls.end(id).unwrap());
    assert_eq!(ended.iter().flatten().count(), 1);
}

/// The device that has answered may ask again, and alone takes it back; then the call rings on.
pub fn an_answer_is_told_again_and_taken_back(calls: &dyn Calls) {
    let ringing = call(1, 0);
    let [first, second] = [7, 8].map(Uuid::from_u128);
    assert_eq!(calls.begin(&ringing).unwrap(), RINGS);
    assert!(!calls.take_back(ringing.id, first).unwrap());
    let answered = Call { callee_device: Some(first), ..ringing.clone() };
    for _ in 0..2 {
        assert_eq!(calls.answer(ringing.id, first).unwrap(), Some(answered.clone()));
    }
    assert_eq!(calls.answer(ringing.id, second).unwrap(), None);
    assert!(!calls.take_back(ringing.id, second).unwrap());
    assert_eq!(calls.end_ringing(ringing.id).unwrap(), None);
    assert!(calls.take_back(ringing.id, first).unwrap());
    assert_eq!(calls.find(ringing.id).unwrap(), Some(ringing.clone()));
    assert_eq!(calls.end_ringing(ringing.id).unwrap(), Some(ringing.clone()));
    assert_eq!(calls.end_ringing(ringing.id).unwrap(), None);
}

/// Only what rings is missed, once it has rung for long enough, and then it is over.
pub fn what_rings_too_long_is_missed(calls: &dyn Calls) {
    for number in 1..=3 {
        assert_eq!(calls.begin(&call(number, 0)).unwrap(), RINGS);
    }
    calls.answer(CallId(Uuid::from_u128(1)), Uuid::from_u128(7)).unwrap().unwrap();
    let sweep = |rings_for| calls.sweep(Timestamp::UNIX_EPOCH, rings_for).unwrap();
    assert_eq!(sweep(SignedDuration::from_hours(1)), Swept::default());
    let Swept { missed, left_behind } = sweep(SignedDuration::ZERO);
    assert_eq!(left_behind, []);
    assert!(missed.contains(&call(2, 0)), "it is what it was: {missed:?}");
    assert_eq!(ids(missed), [2, 3]);
    let second = CallId(Uuid::from_u128(2));
    assert_eq!(calls.answer(second, Uuid::from_u128(8)).unwrap(), None);
    assert_eq!((calls.find(second).unwrap(), calls.end(second).unwrap()), (None, None));
    assert_eq!(calls.begin(&Call { id: CallId(Uuid::from_u128(4)), ..call(2, 0) }).unwrap(), RINGS);
    assert!(calls.find(CallId(Uuid::from_u128(1))).unwrap().is_some());
}

/// A missed call is answered again until it is recorded: at once, or after what `later` does.
pub fn a_missed_call_is_swept_until_it_is_recorded(calls: &dyn Calls, later: impl Fn()) {
    for number in 1..=2 {
        assert_eq!(calls.begin(&call(number, 0)).unwrap(), RINGS);
    }
    let sweep = |rings_for| {
        later();
        ids(calls.sweep(Timestamp::UNIX_EPOCH, rings_for).unwrap().missed)
    };
    assert_eq!(sweep(SignedDuration::ZERO), [1, 2]);
    assert_eq!(sweep(SignedDuration::from_hours(1)), [1, 2]);
    calls.recorded(&[CallId(Uuid::from_u128(1))]).unwrap();
    assert_eq!(sweep(SignedDuration::from_hours(1)), [2]);
    calls.recorded(&[1, 2].map(|number| CallId(Uuid::from_u128(number)))).unwrap();
    assert_eq!(sweep(SignedDuration::from_hours(1)), [0; 0]);
}

/// A device that is gone ends its calls, whichever end it was at, and no others.
pub fn a_device_takes_its_calls_along(calls: &dyn Calls) {
    for number in 1..=3 {
        assert_eq!(calls.begin(&call(number, 0)).unwrap(), RINGS);
    }
    let device = Uuid::from_u128(10);
    calls.answer(CallId(Uuid::from_u128(2)), device).unwrap().unwrap();
    assert_eq!(ids(calls.end_of_device(device).unwrap()), [1, 2]);
    assert_eq!(calls.end_of_device(device).unwrap(), []);
    assert!(calls.find(CallId(Uuid::from_u128(3))).unwrap().is_some());
}

/// A participant who did not answer finds a line in the inbox; nobody else does, and nobody but the
/// job writes it.
pub fn a_missed_call_is_told_to_a_participant(world: &World) {
    let cast = Cast::new(world);
    let (marc, sophie) = (&cast.employee.0, &cast.practitioner.0);
    let booked = booked(world, &cast.employee, &cast.practitioner, "2027-01-04T14:00:00Z");
    let consultation = ConsultationId(booked.id.0);
    let now = world.clock.now();
    let tell =
        |scope: &Scope, whom| world.clinical.run(scope, |tx| Ok(tx.tell_missed(consultation, whom, now)?)).unwrap();
    let missed = |of: &Person| {
        let filter = NotificationFilter { kind: Some(NotificationType::CallMissed), unread: None };
        let part = world.tenancy.run(&of.scope(), |tx| Ok(tx.inbox(of.id(), filter, None, 100)?));
        part.unwrap().items
    };
    let job = Scope::worker(Job::Calls);
    assert!(tell(&job, sophie.id()));
    let told = missed(sophie);
    let [told] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((&told.data, told.created_at), (&json!({ "consultationId": booked.id }), now));
    assert!(missed(marc).is_empty());
    assert!(!tell(&job, cast.colleague.0.id()));
    for scope in [marc.scope(), cast.administrator.scope(), Scope::worker(Job::Chat)] {
        assert!(!tell(&scope, marc.id()), "{scope:?}");
    }
    assert!(missed(marc).is_empty());
}
