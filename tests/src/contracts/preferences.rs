//! The contract of `Preferences`.
use huntzen_tenancy::{
    Scope, TenancyError,
    clock::Clock,
    preferences::{Alias, PreferenceSet, QuietHours},
};
use jiff::{SignedDuration, civil::time};

use super::{is_refused, releases::released, undone};
use crate::{
    cast::{Cast, Person},
    world::World,
};

fn read(world: &World, scope: &Scope, of: &Person) -> Option<PreferenceSet> {
    world.tenancy.run(scope, |tx| Ok(tx.preferences(of.id())?)).unwrap()
}

fn chosen(language: &str, share_usage_with_employer: bool) -> PreferenceSet {
    PreferenceSet { language: language.to_owned(), alias: None, share_usage_with_employer, quiet_hours: None }
}

/// Has somebody decide.
///
/// # Errors
/// Those of the store.
pub fn decide(world: &World, scope: &Scope, of: &Person, set: &PreferenceSet) -> Result<(), TenancyError> {
    let now = world.clock.now();
    world.tenancy.run(scope, |tx| Ok(tx.set_preferences(of.id(), set, now)?))
}

/// Has an employee agree to be named, or no longer.
pub fn agrees(world: &World, who: &Person, agrees: bool) {
    decide(world, &who.scope(), who, &chosen("fr", agrees)).unwrap();
}

/// Whoever never decided writes French and shares nothing; what was decided is found, and the account
/// has its language.
pub fn decisions_are_found(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    assert_eq!(read(world, &marc.scope(), marc), Some(chosen("fr", false)));
    world.clock.advance(SignedDuration::from_hours(1));
    let called = |alias: &str| PreferenceSet { alias: Alias::parse(alias), ..chosen("en", true) };
    let quiet = |start: i8, end: i8| {
        let hours = QuietHours::new(time(start, 30, 0, 0), time(end, 59, 0, 0), "Europe/Lisbon").unwrap();
        PreferenceSet { quiet_hours: Some(hours), ..called("Camille") }
    };
    for set in [
        chosen("en", true),
        called("Camille"),
        called("Dominique"),
        quiet(22, 6),
        quiet(0, 23),
        chosen("en", false),
        chosen("fr", true),
    ] {
        decide(world, &marc.scope(), marc, &set).unwrap();
        assert_eq!(read(world, &marc.scope(), marc), Some(set.clone()));
        let account = world.tenancy.run(&marc.scope(), |tx| Ok(tx.user(marc.id())?)).unwrap().unwrap();
        assert_eq!((account.language, account.updated_at), (set.language, world.clock.now()));
    }
}

/// Nobody sees what another decided, nor decides for another: not HR, no administrator, no operator.
pub fn decisions_are_ones_own_alone(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    agrees(world, marc, true);
    for other in [&cast.colleague.0, &cast.hr, &cast.stranger.0, &cast.administrator, &cast.operator] {
        assert_eq!(read(world, &other.scope(), marc), None, "{}", other.user.role);
        let refused = decide(world, &other.scope(), marc, &chosen("en", false));
        assert!(is_refused(&refused), "{}: {refused:?}", other.user.role);
    }
    assert_eq!(read(world, &marc.scope(), marc), Some(chosen("fr", true)));
}

/// A failed unit of work leaves no decision.
pub fn a_failed_unit_of_work_leaves_no_decision(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let now = world.clock.now();
    undone(world, marc, marc.id(), |tx| Ok(tx.set_preferences(marc.id(), &chosen("en", true), now)?));
    assert_eq!(read(world, &marc.scope(), marc), Some(chosen("fr", false)));
}

/// Who no longer agrees is no longer named, not in months that are over either; others still are.
pub fn who_no_longer_agrees_is_no_longer_named(world: &World) {
    let cast = Cast::new(world);
    let (marc, claire) = (&cast.employee, &cast.colleague);
    agrees(world, &marc.0, true);
    agrees(world, &claire.0, true);
    let release = released(world, &cast, "2027-01", &[marc, claire]);
    let named = || {
        let month = release.month;
        let rows = world.metrics.run(&cast.hr.scope(), |tx| Ok(tx.released_people(release.company, month, month)?));
        rows.unwrap().into_iter().map(|row| row.usage.user).collect::<Vec<_>>()
    };
    assert_eq!(named(), [claire.0.id(), marc.0.id()], "by name");
    agrees(world, &marc.0, false);
    assert_eq!(named(), [claire.0.id()]);
    agrees(world, &marc.0, true);
    assert_eq!(named(), [claire.0.id()], "what was taken back does not come back");
}
