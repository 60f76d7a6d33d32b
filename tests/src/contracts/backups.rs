//! The contract of `Backups`.
use huntzen_tenancy::{Job, Origin, Scope, TenancyError, backups::Backup, clock::Clock};
use jiff::{SignedDuration, Timestamp};

use super::{at_once, is_refused};
use crate::{
    cast::{Cast, Person},
    world::World,
};

fn job() -> Scope {
    Scope::worker(Job::Backup)
}

/// A backup of now that nobody has recorded yet.
pub fn unrecorded(world: &World) -> Backup {
    Backup { id: world.randomness.uuid_v4(), at: world.clock.now(), bytes: 123_456 }
}

/// Records it.
///
/// # Errors
/// Those of the store.
pub fn keep(world: &World, scope: &Scope, made: &Backup) -> Result<(), TenancyError> {
    world.tenancy.run(scope, |tx| Ok(tx.keep_backup(made)?))
}

fn last(world: &World, scope: &Scope) -> Option<Timestamp> {
    world.tenancy.run(scope, |tx| Ok(tx.last_backup()?)).unwrap()
}

/// The newest backup is told, in whatever order they were recorded; before the first there is none.
pub fn the_newest_backup_is_told(world: &World) {
    assert_eq!(last(world, &job()), None);
    let older = unrecorded(world);
    world.clock.advance(SignedDuration::from_hours(24));
    let newer = unrecorded(world);
    keep(world, &job(), &newer).unwrap();
    keep(world, &job(), &older).unwrap();
    assert_eq!(last(world, &job()), Some(newer.at));
    assert!(is_refused(&keep(world, &job(), &newer)), "it was recorded before");
    let none = Backup { id: world.randomness.uuid_v4(), bytes: 0, ..newer };
    keep(world, &job(), &none).unwrap();
}

/// Nobody but the job sees or records any.
pub fn backups_are_the_jobs_alone(world: &World) {
    let cast = Cast::new(world);
    keep(world, &job(), &unrecorded(world)).unwrap();
    let mut others = vec![Scope::anonymous(Origin::default()), Scope::worker(Job::Audit)];
    others.extend([&cast.operator, &cast.administrator, &cast.hr, &cast.employee.0].map(Person::scope));
    for scope in others {
        assert_eq!(last(world, &scope), None, "{scope:?}");
        assert!(is_refused(&keep(world, &scope, &unrecorded(world))), "{scope:?}");
    }
}

/// A failed unit of work records nothing.
pub fn a_failed_unit_of_work_leaves_no_backup(world: &World) {
    let made = unrecorded(world);
    let failed: Result<(), _> = world.tenancy.run(&job(), |tx| {
        tx.keep_backup(&made)?;
        Err(TenancyError::NotFound)
    });
    assert!(matches!(failed, Err(TenancyError::NotFound)), "{failed:?}");
    assert_eq!(last(world, &job()), None);
}

/// Of many who record one backup at once exactly one does.
pub fn of_many_at_once_one_records_a_backup(world: &World) {
    let made = unrecorded(world);
    let done = at_once(8, |_| keep(world, &job(), &made));
    assert_eq!(done.iter().filter(|one| one.is_ok()).count(), 1, "{done:?}");
}
