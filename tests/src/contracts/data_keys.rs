//! The contract of `DataKeys` and `DataKeyRotation`.
use std::{collections::BTreeSet, sync::Arc};

use huntzen_booking::consultation::Consultation;
use huntzen_tenancy::{
    Job, Origin, Scope, StoreError, TenancyError,
    clock::Clock,
    sealing::{DataKey, KeyRotation, KeySubject, MasterKeyId, Place, Rotated, SecretText},
};

use super::at_once;
use crate::{
    appointments::booked,
    cast::{Cast, Person},
    clock::TestClock,
    world::{RING, World, vault},
};

const START: &str = "2027-01-04T14:00:00Z";

/// The world's ring with a second, higher key.
fn longer_ring() -> String {
    format!("{RING},2:{}", "02".repeat(32))
}

fn fresh(world: &World, subject: KeySubject) -> DataKey {
    world.vault.generate(world.randomness.uuid_v7(world.clock.now()), subject).unwrap()
}

fn add(world: &World, scope: &Scope, key: &DataKey) -> Result<(), TenancyError> {
    world.tenancy.run(scope, |tx| Ok(tx.add_data_keys(std::slice::from_ref(key))?))
}

fn found(world: &World, scope: &Scope, subjects: &[KeySubject]) -> Vec<DataKey> {
    let mut keys = world.tenancy.run(scope, |tx| Ok(tx.data_keys(subjects)?)).unwrap();
    keys.sort_by_key(|key| key.id);
    keys
}

fn is_refused(outcome: &Result<(), TenancyError>) -> bool {
    matches!(outcome, Err(TenancyError::Store(StoreError::Refused(_))))
}

/// Every kind of key about one consultation, each added by somebody who may.
fn all_kinds(world: &World, cast: &Cast, consultation: &Consultation) -> [(KeySubject, DataKey); 5] {
    let (marc, sophie) = (&cast.employee.0, &cast.practitioner.0);
    [
        (KeySubject::Person(marc.id()), marc),
        (KeySubject::Files(marc.id()), marc),
        (KeySubject::Consultation(consultation.id.0), marc),
        (KeySubject::Notes { author: sophie.id(), patient: marc.id() }, sophie),
        (KeySubject::Platform, &cast.hr),
    ]
    .map(|(subject, by)| {
        let key = fresh(world, subject);
        add(world, &by.scope(), &key).unwrap();
        (subject, key)
    })
}

/// A key is found by those whom it serves and by nobody else; an absent one is not found.
pub fn a_key_serves_its_own_alone(world: &World) {
    let cast = Cast::new(world);
    let consultation = booked(world, &cast.employee, &cast.practitioner, START);
    let keys = all_kinds(world, &cast, &consultation);
    let subjects = keys.each_ref().map(|(subject, _)| *subject);
    // Of the person, their files, the consultation, the notes, the platform.
    let readers: [(Scope, [bool; 5]); 11] = [
        (cast.employee.0.scope(), [true, true, true, false, true]),
        (cast.practitioner.0.scope(), [false, false, true, true, true]),
        (cast.colleague.0.scope(), [false, false, false, false, true]),
        (cast.stranger.0.scope(), [false, false, false, false, true]),
        (cast.other_practitioner.0.scope(), [false, false, false, false, true]),
        (cast.hr.scope(), [false, false, false, false, true]),
        (cast.administrator.scope(), [false, false, false, false, true]),
        (cast.operator.scope(), [false, false, false, false, true]),
        (Scope::worker(Job::Chat), [false, false, true, false, true]),
        (Scope::worker(Job::Outbox), [false, false, false, false, true]),
        (Scope::anonymous(Origin::default()), [false, false, false, false, true]),
    ];
    for (scope, sees) in readers {
        for ((subject, key), sees) in keys.iter().zip(sees) {
            let expected: Vec<DataKey> = sees.then(|| key.clone()).into_iter().collect();
            assert_eq!(found(world, &scope, &[*subject]), expected, "{scope:?} {subject:?}");
        }
        assert_eq!(found(world, &scope, &subjects).len(), sees.iter().filter(|sees| **sees).count(), "{scope:?}");
    }
    let marc = cast.employee.0.scope();
    assert_eq!(found(world, &marc, &[]), []);
    // The employee's id names the person and the notes; each is asked for by its kind.
    assert_eq!(found(world, &marc, &[KeySubject::Person(cast.practitioner.0.id())]), []);
}

/// Nobody adds a key that is not theirs; notes need a consultation that the two have had.
pub fn nobody_adds_a_key_for_others(world: &World) {
    let cast = Cast::new(world);
    let (marc, sophie) = (&cast.employee.0, &cast.practitioner.0);
    let consultation = booked(world, &cast.employee, &cast.practitioner, START);
    let shared = KeySubject::Consultation(consultation.id.0);
    let notes = |author: &Person| KeySubject::Notes { author: author.id(), patient: marc.id() };
    let paul = &cast.other_practitioner.0;
    let attempts = [
        (sophie, KeySubject::Person(marc.id())),
        (&cast.administrator, KeySubject::Person(marc.id())),
        (sophie, KeySubject::Files(marc.id())),
        (&cast.colleague.0, shared),
        (paul, shared),
        (&cast.hr, shared),
        (marc, notes(sophie)),
        (paul, notes(sophie)),
        // Who never met.
        (paul, notes(paul)),
        (marc, KeySubject::Consultation(world.randomness.uuid_v4())),
    ];
    for (by, subject) in attempts {
        let outcome = add(world, &by.scope(), &fresh(world, subject));
        let is_constraint = matches!(outcome, Err(TenancyError::Store(StoreError::Defect(_))));
        assert!(is_refused(&outcome) || is_constraint, "{} {subject:?}: {outcome:?}", by.user.role);
        assert_eq!(found(world, &marc.scope(), &[subject]), []);
        assert_eq!(found(world, &sophie.scope(), &[subject]), []);
    }
}

/// A subject keeps the first of its keys, also when many are added at the same moment.
pub fn a_subject_has_one_key(world: &World) {
    let cast = Cast::new(world);
    let consultation = booked(world, &cast.employee, &cast.practitioner, START);
    let subject = KeySubject::Consultation(consultation.id.0);
    let people = [&cast.employee.0, &cast.practitioner.0];
    at_once(6, |number| {
        let by = people.get(number % 2).unwrap();
        add(world, &by.scope(), &fresh(world, subject)).unwrap();
    });
    let kept = found(world, &people[0].scope(), &[subject]);
    assert_eq!(kept.len(), 1);
    assert_eq!(found(world, &people[1].scope(), &[subject]), kept);
    add(world, &people[0].scope(), &fresh(world, subject)).unwrap();
    assert_eq!(found(world, &people[0].scope(), &[subject]), kept);
}

/// A failed unit of work leaves no key.
pub fn a_failed_unit_of_work_leaves_no_key(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let subject = KeySubject::Person(marc.id());
    super::undone(world, marc, cast.company.id, |tx| Ok(tx.add_data_keys(&[fresh(world, subject)])?));
    assert_eq!(found(world, &marc.scope(), &[subject]), []);
}

fn rotate(world: &World, ring: &str, batch: u32) -> Result<Rotated, StoreError> {
    let clock = Arc::<TestClock>::clone(&world.clock);
    KeyRotation::new(Arc::clone(&world.rotation), vault(ring), clock, Arc::clone(&world.randomness)).run(batch)
}

/// A rotation wraps every key by the highest master key; what was sealed before opens as before,
/// and the old master key is needed no more.
pub fn a_rotation_changes_the_wrapping_alone(world: &World) {
    let cast = Cast::new(world);
    let consultation = booked(world, &cast.employee, &cast.practitioner, START);
    let keys = all_kinds(world, &cast, &consultation);
    let place = Place::new("tests", "text", consultation.id.0);
    let text = SecretText::new("Je dors mal.");
    let sealed = keys.each_ref().map(|(_, key)| world.vault.seal(key, &place, text.expose().as_bytes()).unwrap());
    let lacking = format!("2:{}", "02".repeat(32));
    assert!(matches!(rotate(world, &lacking, 10), Err(StoreError::Defect(_))));
    let rotated = rotate(world, &longer_ring(), 3).unwrap();
    // Others may have written letters: the platform has one key all the same.
    assert_eq!((rotated.rewrapped, rotated.unused, rotated.in_use), (5, vec![MasterKeyId(1)], vec![]));
    assert_eq!(rotate(world, &longer_ring(), 3).unwrap().rewrapped, 0);
    let (marc, sophie) = (cast.employee.0.scope(), cast.practitioner.0.scope());
    let scopes = [marc.clone(), marc.clone(), marc, sophie, cast.hr.scope()];
    let only_new = vault(&lacking);
    for (((subject, before), sealed), scope) in keys.iter().zip(&sealed).zip(scopes) {
        let after = found(world, &scope, &[*subject]);
        let [after] = after.as_slice() else { panic!("{subject:?}: {after:?}") };
        assert_eq!((after.id, after.subject, after.master), (before.id, *subject, MasterKeyId(2)));
        assert_eq!(only_new.open(after, &place, sealed).unwrap().as_slice(), text.expose().as_bytes());
    }
}

/// Only the job of the keys sees them all, or wraps them anew.
pub fn wrapping_is_the_jobs_alone(world: &World) {
    let cast = Cast::new(world);
    let consultation = booked(world, &cast.employee, &cast.practitioner, START);
    let keys = all_kinds(world, &cast, &consultation);
    let moved = keys.each_ref().map(|(_, key)| vault(&longer_ring()).rewrap(key).unwrap());
    let everybody = [cast.employee.0.scope(), cast.practitioner.0.scope(), cast.operator.scope()];
    for scope in everybody.into_iter().chain([Scope::worker(Job::Chat), Scope::worker(Job::Outbox)]) {
        let mut tx = world.rotation.begin(&scope).unwrap();
        assert_eq!(tx.keys_to_rewrap(MasterKeyId(2), 10).unwrap(), [], "{scope:?}");
        assert_eq!(tx.master_key_uses().unwrap(), [], "{scope:?}");
        assert_eq!(tx.key_wrapped_by(MasterKeyId(1)).unwrap(), None, "{scope:?}");
        tx.rewrap_keys(&moved).unwrap();
        tx.commit().unwrap();
    }
    let mut tx = world.rotation.begin(&Scope::worker(Job::Keys)).unwrap();
    assert_eq!(tx.master_key_uses().unwrap(), [(MasterKeyId(1), 5)]);
    let wanted: BTreeSet<_> = keys.iter().map(|(_, key)| key.id).collect();
    let listed = tx.keys_to_rewrap(MasterKeyId(2), 10).unwrap();
    assert_eq!(listed.iter().map(|key| key.id).collect::<BTreeSet<_>>(), wanted);
    assert_eq!(tx.keys_to_rewrap(MasterKeyId(2), 3).unwrap().len(), 3);
    assert_eq!(tx.keys_to_rewrap(MasterKeyId(1), 10).unwrap(), []);
    let one = tx.key_wrapped_by(MasterKeyId(1)).unwrap().unwrap();
    assert!(keys.iter().any(|(_, key)| *key == one), "{one:?}");
    assert_eq!(tx.key_wrapped_by(MasterKeyId(2)).unwrap(), None);
}
