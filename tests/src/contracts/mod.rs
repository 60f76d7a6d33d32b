//! What every store must do, port by port; the suite runs each function over each store.
pub mod accounts;
pub mod article_visits;
pub mod articles;
pub mod audit;
pub mod audit_chains;
pub mod backups;
pub mod calls;
pub mod companies;
pub mod company_news;
pub mod consultation_ends;
pub mod consultation_lists;
pub mod consultation_news;
pub mod consultation_times;
pub mod consultations;
pub mod conversations;
pub mod counters;
pub mod data_keys;
pub mod employees;
pub mod erasure;
pub mod files;
pub mod housekeeping;
pub mod idempotency;
pub mod invitations;
pub mod journal;
pub mod letters;
pub mod live;
pub mod notes;
pub mod notifications;
pub mod practitioners;
pub mod preferences;
pub mod reconciliation;
pub mod releases;
pub mod reminders;
pub mod retention;
pub mod reviews;
pub mod second_factors;
pub mod sessions;
pub mod statements;
pub mod storages;
pub mod tallies;
pub mod timetables;
pub mod tokens;

use std::sync::Barrier;

use huntzen_booking::{BookingError, BookingTx};
use huntzen_tenancy::{Job, Scope, StoreError, TenancyError, TenancyTx, clock::Clock};
use uuid::Uuid;

use crate::{
    cast::{Person, entry},
    world::World,
};

/// Runs `attempt` on `threads` threads at the same moment and answers what each came to.
pub fn at_once<T: Send>(threads: usize, attempt: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let gate = Barrier::new(threads);
    std::thread::scope(|scope| {
        let tries: Vec<_> = (0..threads)
            .map(|number| {
                let (gate, attempt) = (&gate, &attempt);
                scope.spawn(move || {
                    gate.wait();
                    attempt(number)
                })
            })
            .collect();
        tries.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

/// Does `write` with an audit entry about `resource` and a letter, in a unit of work that fails;
/// neither is left of it. What else must not be left, the caller checks.
pub fn undone(
    world: &World,
    by: &Person,
    resource: impl Into<Uuid>,
    write: impl FnOnce(&mut dyn TenancyTx) -> Result<(), TenancyError>,
) {
    let resource = resource.into();
    let (line, letter) = (entry(world, &by.scope(), resource), letters::letter(world, by.id()));
    let before = waiting_letters(world);
    let failed: Result<(), _> = world.tenancy.run(&by.scope(), |tx| {
        write(tx)?;
        tx.record(&line)?;
        tx.enqueue(&letter)?;
        Err(TenancyError::NotFound)
    });
    assert!(matches!(failed, Err(TenancyError::NotFound)), "{failed:?}");
    check_no_trace(world, resource, before);
}

/// The same over what booking may touch.
pub fn booking_undone(
    world: &World,
    by: &Person,
    resource: impl Into<Uuid>,
    write: impl FnOnce(&mut dyn BookingTx) -> Result<(), BookingError>,
) {
    let resource = resource.into();
    let (line, letter) = (entry(world, &by.scope(), resource), letters::letter(world, by.id()));
    let before = waiting_letters(world);
    let failed: Result<(), _> = world.booking.run(&by.scope(), |tx| {
        write(tx)?;
        tx.record(&line)?;
        tx.enqueue(&letter)?;
        Err(BookingError::NotFound)
    });
    assert!(matches!(failed, Err(BookingError::NotFound)), "{failed:?}");
    check_no_trace(world, resource, before);
}

fn check_no_trace(world: &World, resource: Uuid, letters_before: u64) {
    let trail = world.tenancy.run(&Scope::worker(Job::Audit), |tx| Ok(tx.trail(resource)?)).unwrap();
    assert_eq!(trail, []);
    assert_eq!(waiting_letters(world), letters_before);
}

/// How many letters wait to be sent.
pub fn waiting_letters(world: &World) -> u64 {
    let now = world.clock.now();
    world.tenancy.run(&Scope::worker(Job::Outbox), |tx| Ok(tx.backlog(now)?)).unwrap().waiting
}

/// Whether the store refused for a reason of its own: a policy or a constraint.
pub fn is_refused<T>(outcome: &Result<T, TenancyError>) -> bool {
    matches!(outcome, Err(TenancyError::Store(StoreError::Refused(_))))
}

/// The same of what booking does.
pub fn is_booking_refused<T>(outcome: &Result<T, BookingError>) -> bool {
    matches!(outcome, Err(BookingError::Store(StoreError::Refused(_))))
}
