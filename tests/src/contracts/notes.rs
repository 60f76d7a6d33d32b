//! The contract of `ClinicalNotes`.
use huntzen_clinical::{
    ClinicalError,
    ids::{ConsultationId, NoteId},
    note::{NoteKind, StoredNote, StoredVersion},
};
use huntzen_tenancy::{Job, Origin, Scope, StoreError, clock::Clock};
use jiff::SignedDuration;

use super::at_once;
use crate::{
    appointments::{booked, sealed},
    cast::{Cast, Person},
    world::World,
};

const START: &str = "2027-01-04T14:00:00Z";

/// A note of the practitioner about a consultation with the employee, not added yet.
pub fn unwritten(world: &World, cast: &Cast, consultation: ConsultationId, text: &str) -> StoredNote {
    let now = world.clock.now();
    StoredNote {
        id: NoteId(world.randomness.uuid_v4()),
        consultation,
        company: cast.company.id,
        author: cast.practitioner.0.id(),
        patient: cast.employee.0.id(),
        kind: NoteKind::Record,
        version: 1,
        content: sealed(text),
        created_at: now,
        updated_at: now,
    }
}

/// Adds a note as `by`.
///
/// # Errors
/// Those of the port.
pub fn add(world: &World, by: &Person, note: &StoredNote) -> Result<(), ClinicalError> {
    world.clinical.run(&by.scope(), |tx| Ok(tx.add_note(note)?))
}

fn consultation(world: &World, cast: &Cast) -> ConsultationId {
    ConsultationId(booked(world, &cast.employee, &cast.practitioner, START).id.0)
}

fn found(world: &World, scope: &Scope, id: NoteId) -> Option<StoredNote> {
    world.clinical.run(scope, |tx| Ok(tx.note(id, false)?)).unwrap()
}

fn versions(world: &World, scope: &Scope, id: NoteId) -> Vec<StoredVersion> {
    world.clinical.run(scope, |tx| Ok(tx.note_versions(id)?)).unwrap()
}

fn listed(world: &World, scope: &Scope, id: ConsultationId) -> Vec<StoredNote> {
    world.clinical.run(scope, |tx| Ok(tx.notes_of(id)?)).unwrap()
}

fn others(cast: &Cast) -> Vec<Scope> {
    let people = [&cast.employee.0, &cast.colleague.0, &cast.other_practitioner.0, &cast.hr];
    let mut scopes: Vec<Scope> = people.iter().map(|person| person.scope()).collect();
    scopes.extend([&cast.administrator, &cast.operator].map(Person::scope));
    scopes.push(Scope::anonymous(Origin::default()));
    scopes.extend([Job::Chat, Job::Audit, Job::Keys].map(Scope::worker));
    scopes
}

/// A note is found by its author, as it was written, and by nobody else, not even its patient.
pub fn a_note_is_its_authors_alone(world: &World) {
    let cast = Cast::new(world);
    let consultation = consultation(world, &cast);
    let (sophie, note) = (&cast.practitioner.0, unwritten(world, &cast, consultation, "Insomnie."));
    add(world, sophie, &note).unwrap();
    world.clock.advance(SignedDuration::from_mins(1));
    let personal = StoredNote { kind: NoteKind::Personal, ..unwritten(world, &cast, consultation, "À revoir.") };
    add(world, sophie, &personal).unwrap();
    assert_eq!(found(world, &sophie.scope(), note.id), Some(note.clone()));
    assert_eq!(listed(world, &sophie.scope(), consultation), [note.clone(), personal]);
    assert_eq!(listed(world, &sophie.scope(), ConsultationId(world.randomness.uuid_v4())), []);
    assert_eq!(found(world, &sophie.scope(), NoteId(world.randomness.uuid_v4())), None);
    for scope in others(&cast) {
        assert_eq!(found(world, &scope, note.id), None, "{scope:?}");
        assert_eq!(listed(world, &scope, consultation), [], "{scope:?}");
        assert_eq!(versions(world, &scope, note.id), [], "{scope:?}");
        let deleted = world.clinical.run(&scope, |tx| {
            tx.set_note_kind(note.id, NoteKind::Personal, world.clock.now())?;
            Ok(tx.delete_note(note.id)?)
        });
        assert!(!deleted.unwrap_or(false), "{scope:?}");
    }
    assert_eq!(found(world, &sophie.scope(), note.id), Some(note));
}

/// Nobody writes a note for somebody else, nor about whom they never met.
pub fn a_note_is_written_by_its_author(world: &World) {
    let cast = Cast::new(world);
    let consultation = consultation(world, &cast);
    let note = unwritten(world, &cast, consultation, "Insomnie.");
    let paul = StoredNote { author: cast.other_practitioner.0.id(), ..note.clone() };
    let about_another = StoredNote { patient: cast.colleague.0.id(), ..note.clone() };
    let nowhere = StoredNote { consultation: ConsultationId(world.randomness.uuid_v4()), ..note.clone() };
    let elsewhere = StoredNote { company: cast.other_company.id, ..note.clone() };
    for (by, note) in [
        (&cast.employee.0, &note),
        (&cast.other_practitioner.0, &note),
        (&cast.administrator, &note),
        (&cast.other_practitioner.0, &paul),
        (&cast.practitioner.0, &about_another),
        (&cast.practitioner.0, &nowhere),
        (&cast.practitioner.0, &elsewhere),
    ] {
        let refused = add(world, by, note);
        assert!(matches!(refused, Err(ClinicalError::Store(StoreError::Refused(_)))), "{note:?}: {refused:?}");
    }
    assert_eq!(listed(world, &cast.practitioner.0.scope(), consultation), []);
}

/// Every version is kept as it was, and the note says what the last one says.
pub fn versions_are_kept(world: &World) {
    let cast = Cast::new(world);
    let (sophie, consultation) = (&cast.practitioner.0, consultation(world, &cast));
    let mut note = unwritten(world, &cast, consultation, "Un.");
    add(world, sophie, &note).unwrap();
    let mut expected =
        vec![StoredVersion { version: 1, content: sealed("Un."), is_amendment: false, created_at: note.created_at }];
    for (version, text, is_amendment) in [(2, "Deux.", false), (3, "Trois.", true)] {
        world.clock.advance(SignedDuration::from_hours(1));
        (note.version, note.content, note.updated_at) = (version, sealed(text), world.clock.now());
        world.clinical.run(&sophie.scope(), |tx| Ok(tx.add_note_version(&note, is_amendment)?)).unwrap();
        expected.push(StoredVersion { version, content: sealed(text), is_amendment, created_at: note.updated_at });
    }
    assert_eq!(versions(world, &sophie.scope(), note.id), expected);
    assert_eq!(found(world, &sophie.scope(), note.id), Some(note.clone()));
    assert_eq!(listed(world, &sophie.scope(), consultation), [note.clone()]);
    let at = world.clock.now() + SignedDuration::from_mins(1);
    world.clinical.run(&sophie.scope(), |tx| Ok(tx.set_note_kind(note.id, NoteKind::Personal, at)?)).unwrap();
    let changed = StoredNote { kind: NoteKind::Personal, updated_at: at, ..note.clone() };
    assert_eq!(found(world, &sophie.scope(), note.id), Some(changed));
    assert_eq!(versions(world, &sophie.scope(), note.id).len(), 3);
    let again = world.clinical.run(&sophie.scope(), |tx| Ok(tx.add_note_version(&note, false)?));
    assert!(matches!(again, Err(ClinicalError::Store(StoreError::Refused(_)))), "{again:?}");
}

/// A deleted note is gone with all its versions.
pub fn a_deleted_note_is_gone(world: &World) {
    let cast = Cast::new(world);
    let (sophie, consultation) = (&cast.practitioner.0, consultation(world, &cast));
    let mut note = unwritten(world, &cast, consultation, "Un.");
    add(world, sophie, &note).unwrap();
    let kept = unwritten(world, &cast, consultation, "Reste.");
    add(world, sophie, &kept).unwrap();
    note.version = 2;
    world.clinical.run(&sophie.scope(), |tx| Ok(tx.add_note_version(&note, false)?)).unwrap();
    let delete = || world.clinical.run(&sophie.scope(), |tx| Ok(tx.delete_note(note.id)?)).unwrap();
    assert!(delete());
    assert!(!delete());
    assert_eq!(versions(world, &sophie.scope(), note.id), []);
    assert_eq!(listed(world, &sophie.scope(), consultation), std::slice::from_ref(&kept));
    assert_eq!(versions(world, &sophie.scope(), kept.id).len(), 1);
}

/// A failed unit of work leaves no note and no version.
pub fn a_failed_unit_of_work_leaves_no_note(world: &World) {
    let cast = Cast::new(world);
    let (sophie, consultation) = (&cast.practitioner.0, consultation(world, &cast));
    let note = unwritten(world, &cast, consultation, "Un.");
    let failed = world.clinical.run(&sophie.scope(), |tx| {
        tx.add_note(&note)?;
        Err::<(), _>(ClinicalError::NotFound)
    });
    assert!(matches!(failed, Err(ClinicalError::NotFound)));
    assert_eq!(found(world, &sophie.scope(), note.id), None);
    assert_eq!(versions(world, &sophie.scope(), note.id), []);
}

/// Of many who rewrite a held note at once, none overwrites another.
pub fn a_held_note_loses_no_version(world: &World) {
    let cast = Cast::new(world);
    let (sophie, consultation) = (&cast.practitioner.0, consultation(world, &cast));
    let note = unwritten(world, &cast, consultation, "Un.");
    add(world, sophie, &note).unwrap();
    at_once(6, |_| {
        world
            .clinical
            .run(&sophie.scope(), |tx| {
                let mut held = tx.note(note.id, true)?.ok_or(ClinicalError::NotFound)?;
                held.version += 1;
                Ok(tx.add_note_version(&held, false)?)
            })
            .unwrap();
    });
    let numbers: Vec<u32> = versions(world, &sophie.scope(), note.id).iter().map(|one| one.version).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(found(world, &sophie.scope(), note.id).unwrap().version, 7);
}
