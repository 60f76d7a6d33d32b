//! The contract of `Journal`.
use huntzen_clinical::{
    ClinicalError,
    ids::JournalEntryId,
    journal::{StoredEntry, Written},
};
use huntzen_tenancy::{Cursor, Job, Origin, Scope, StoreError, clock::Clock};
use jiff::SignedDuration;

use super::at_once;
use crate::{
    appointments::sealed,
    cast::{Cast, Person},
    world::World,
};

/// An entry of `owner`'s journal that is not added yet.
pub fn unwritten(world: &World, owner: &Person, text: &str) -> StoredEntry {
    let now = world.clock.now();
    StoredEntry {
        id: JournalEntryId(world.randomness.uuid_v4()),
        owner: owner.id(),
        company: owner.user.company.unwrap(),
        version: 1,
        content: sealed(text),
        mood: sealed("07"),
        tags: sealed("sommeil"),
        created_at: now,
        updated_at: now,
    }
}

/// Adds an entry as `by`.
///
/// # Errors
/// Those of the port.
pub fn add(world: &World, by: &Person, entry: &StoredEntry) -> Result<(), ClinicalError> {
    world.clinical.run(&by.scope(), |tx| Ok(tx.add_entry(entry)?))
}

fn found(world: &World, scope: &Scope, id: JournalEntryId) -> Option<StoredEntry> {
    world.clinical.run(scope, |tx| Ok(tx.entry(id, false)?)).unwrap()
}

fn listed(
    world: &World,
    scope: &Scope,
    written: Written,
    cursor: Option<Cursor>,
) -> (Vec<JournalEntryId>, Option<Cursor>) {
    let part = world.clinical.run(scope, |tx| Ok(tx.entries(written, cursor, 2)?)).unwrap();
    (part.items.into_iter().map(|entry| entry.id).collect(), part.next)
}

/// An entry is found by its owner, as it was written, and by nobody else.
pub fn an_entry_is_its_owners_alone(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let entry = unwritten(world, marc, "Nuit blanche.");
    add(world, marc, &entry).unwrap();
    assert_eq!(found(world, &marc.scope(), entry.id), Some(entry.clone()));
    assert_eq!(found(world, &marc.scope(), JournalEntryId(world.randomness.uuid_v4())), None);
    let people = [&cast.colleague.0, &cast.stranger.0, &cast.practitioner.0, &cast.hr, &cast.administrator];
    let mut scopes: Vec<Scope> = people.iter().map(|person| person.scope()).collect();
    scopes.extend([cast.operator.scope(), Scope::anonymous(Origin::default())]);
    scopes.extend([Job::Chat, Job::Audit, Job::Keys].map(Scope::worker));
    for scope in scopes {
        assert_eq!(found(world, &scope, entry.id), None, "{scope:?}");
        assert_eq!(listed(world, &scope, Written::default(), None), (vec![], None), "{scope:?}");
        let changed = StoredEntry { content: sealed("Autre."), version: 2, ..entry.clone() };
        let deleted = world.clinical.run(&scope, |tx| {
            tx.update_entry(&changed)?;
            Ok(tx.delete_entry(entry.id)?)
        });
        assert!(!deleted.unwrap(), "{scope:?}");
    }
    assert_eq!(found(world, &marc.scope(), entry.id), Some(entry));
}

/// Nobody writes into another's journal, nor into another company.
pub fn an_entry_is_written_by_its_owner(world: &World) {
    let cast = Cast::new(world);
    let entry = unwritten(world, &cast.employee.0, "Nuit blanche.");
    let elsewhere = StoredEntry { company: cast.other_company.id, ..entry.clone() };
    for (by, entry) in [
        (&cast.colleague.0, &entry),
        (&cast.practitioner.0, &entry),
        (&cast.hr, &entry),
        (&cast.administrator, &entry),
        (&cast.employee.0, &elsewhere),
    ] {
        let refused = add(world, by, entry);
        assert!(matches!(refused, Err(ClinicalError::Store(StoreError::Refused(_)))), "{refused:?}");
    }
}

/// An entry changes in all its parts, and no more than those.
pub fn an_entry_changes(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let entry = unwritten(world, marc, "Nuit blanche.");
    add(world, marc, &entry).unwrap();
    world.clock.advance(SignedDuration::from_hours(1));
    let changed = StoredEntry {
        version: 2,
        content: sealed("Mieux."),
        mood: sealed("09"),
        tags: sealed("repos"),
        updated_at: world.clock.now(),
        ..entry.clone()
    };
    world.clinical.run(&marc.scope(), |tx| Ok(tx.update_entry(&changed)?)).unwrap();
    assert_eq!(found(world, &marc.scope(), entry.id), Some(changed));
}

/// Entries come newest first, in parts, and within instants of which the end is not included.
pub fn entries_are_listed(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let mut entries = Vec::new();
    for number in 0..5 {
        // Two at the same instant: the greater id comes first.
        world.clock.advance(SignedDuration::from_mins(i64::from(number != 2)));
        let entry = unwritten(world, marc, "Nuit blanche.");
        add(world, marc, &entry).unwrap();
        entries.push(entry);
    }
    add(world, &cast.colleague.0, &unwritten(world, &cast.colleague.0, "Une autre.")).unwrap();
    let mut expected: Vec<_> = entries.iter().map(|entry| (entry.created_at, entry.id)).collect();
    expected.sort_unstable();
    expected.reverse();
    let scope = marc.scope();
    let (mut walked, mut cursor) = (Vec::new(), None);
    loop {
        let (ids, next) = listed(world, &scope, Written::default(), cursor);
        walked.extend(ids);
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(walked, expected.iter().map(|(_, id)| *id).collect::<Vec<_>>());
    let (newest, oldest) = (expected.first().unwrap(), expected.last().unwrap());
    let from_newest = Written { from: Some(newest.0), until: None };
    assert_eq!(listed(world, &scope, from_newest, None), (vec![newest.1], None));
    let before_second = Written { from: None, until: Some(oldest.0 + SignedDuration::from_micros(1)) };
    assert_eq!(listed(world, &scope, before_second, None), (vec![oldest.1], None));
    let before_oldest = Written { from: None, until: Some(oldest.0) };
    assert_eq!(listed(world, &scope, before_oldest, None), (vec![], None));
}

/// A deleted entry is gone; a failed unit of work leaves none.
pub fn a_deleted_entry_is_gone(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let entry = unwritten(world, marc, "Nuit blanche.");
    let failed = world.clinical.run(&marc.scope(), |tx| {
        tx.add_entry(&entry)?;
        Err::<(), _>(ClinicalError::NotFound)
    });
    assert!(matches!(failed, Err(ClinicalError::NotFound)));
    assert_eq!(found(world, &marc.scope(), entry.id), None);
    add(world, marc, &entry).unwrap();
    let delete = || world.clinical.run(&marc.scope(), |tx| Ok(tx.delete_entry(entry.id)?)).unwrap();
    assert!(delete());
    assert!(!delete());
    assert_eq!(found(world, &marc.scope(), entry.id), None);
}

/// Of many who change a held entry at once, none overwrites another.
pub fn a_held_entry_loses_no_change(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let entry = unwritten(world, marc, "Nuit blanche.");
    add(world, marc, &entry).unwrap();
    at_once(6, |_| {
        world
            .clinical
            .run(&marc.scope(), |tx| {
                let mut held = tx.entry(entry.id, true)?.ok_or(ClinicalError::NotFound)?;
                held.version += 1;
                Ok(tx.update_entry(&held)?)
            })
            .unwrap();
    });
    assert_eq!(found(world, &marc.scope(), entry.id).unwrap().version, 7);
}
