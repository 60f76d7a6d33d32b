//! The contract of `SecondFactors`.
use huntzen_tenancy::{
    Scope, TenancyError,
    clock::Clock,
    identity::{SecondFactor, WINDOW},
    token::TokenDigest,
};
use jiff::SignedDuration;

use super::{at_once, is_refused, undone};
use crate::{
    appointments::sealed,
    cast::{Cast, Person},
    world::World,
};

fn factor(world: &World, of: &Person, secret: &str) -> SecondFactor {
    let created_at = world.clock.now();
    SecondFactor { user: of.id(), secret: sealed(secret), created_at, failures: 0, failing_since: None }
}

fn codes(words: &[&str]) -> Vec<TokenDigest> {
    words.iter().map(|word| TokenDigest::of(word)).collect()
}

/// Gives somebody a second factor with these backup codes.
///
/// # Errors
/// Those of the store.
pub fn set(world: &World, scope: &Scope, of: &Person, words: &[&str]) -> Result<SecondFactor, TenancyError> {
    let factor = factor(world, of, "GEZDGNBVGY3TQOJQ");
    world.tenancy.run(scope, |tx| Ok(tx.set_second_factor(&factor, &codes(words))?))?;
    Ok(factor)
}

fn found(world: &World, scope: &Scope, of: &Person) -> Option<SecondFactor> {
    world.tenancy.run(scope, |tx| Ok(tx.second_factor(of.id())?)).unwrap()
}

fn uses_step(world: &World, scope: &Scope, of: &Person, step: i64) -> bool {
    world.tenancy.run(scope, |tx| Ok(tx.use_step(of.id(), step)?)).unwrap()
}

fn uses_code(world: &World, scope: &Scope, of: &Person, code: &str) -> bool {
    let now = world.clock.now();
    world.tenancy.run(scope, |tx| Ok(tx.use_backup_code(of.id(), TokenDigest::of(code), now)?)).unwrap()
}

/// What was set is found, and another one takes its place, codes and steps included; removed, nothing is
/// left.
pub fn a_second_factor_is_set_and_replaced(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let scope = marc.scope();
    assert_eq!(found(world, &scope, marc), None);
    assert!(!world.tenancy.run(&scope, |tx| Ok(tx.remove_second_factor(marc.id())?)).unwrap());
    let first = set(world, &scope, marc, &["un", "deux"]).unwrap();
    assert_eq!(found(world, &scope, marc), Some(first));
    assert!(uses_step(world, &scope, marc, 40));
    world.clock.advance(SignedDuration::from_hours(1));
    let second = set(world, &scope, marc, &["trois"]).unwrap();
    assert_eq!(found(world, &scope, marc), Some(second));
    assert!(!uses_code(world, &scope, marc, "un"), "the codes before are worth nothing");
    assert!(uses_step(world, &scope, marc, 40), "it is another secret");
    assert!(world.tenancy.run(&scope, |tx| Ok(tx.remove_second_factor(marc.id())?)).unwrap());
    assert_eq!(found(world, &scope, marc), None);
    assert!(!uses_step(world, &scope, marc, 41) && !uses_code(world, &scope, marc, "trois"));
}

/// A step is accepted once, and none after a later one; a backup code is accepted once.
pub fn codes_are_accepted_once(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let scope = marc.scope();
    set(world, &scope, marc, &["un", "deux"]).unwrap();
    for (step, accepted) in [(40, true), (40, false), (39, false), (41, true), (40, false), (60, true)] {
        assert_eq!(uses_step(world, &scope, marc, step), accepted, "{step}");
    }
    for (word, accepted) in [("un", true), ("un", false), ("trois", false), ("deux", true)] {
        assert_eq!(uses_code(world, &scope, marc, word), accepted, "{word}");
    }
}

/// Wrong codes are counted together for a while, until one is right.
pub fn wrong_codes_are_counted(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let scope = marc.scope();
    set(world, &scope, marc, &[]).unwrap();
    let wrong = |by: &Scope| {
        let now = world.clock.now();
        world.tenancy.run(by, |tx| Ok(tx.note_wrong_code(marc.id(), now)?)).unwrap();
    };
    let counted = || {
        let factor = found(world, &scope, marc).unwrap();
        (factor.failures, factor.failing_since)
    };
    let first = world.clock.now();
    wrong(&scope);
    world.clock.advance(WINDOW - SignedDuration::from_secs(1));
    wrong(&scope);
    wrong(&cast.hr.scope());
    assert_eq!(counted(), (2, Some(first)));
    world.clock.advance(SignedDuration::from_secs(1));
    wrong(&scope);
    assert_eq!(counted(), (1, Some(world.clock.now())), "a window later it is the first again");
    assert!(uses_step(world, &scope, marc, 40));
    assert_eq!(counted(), (0, None));
}

/// Of many at once exactly one uses a step, and exactly one a backup code.
pub fn of_many_at_once_one_uses_a_code(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let scope = marc.scope();
    set(world, &scope, marc, &["un"]).unwrap();
    let steps = at_once(12, |_| uses_step(world, &scope, marc, 40));
    assert_eq!(steps.into_iter().filter(|used| *used).count(), 1);
    let codes = at_once(12, |_| uses_code(world, &scope, marc, "un"));
    assert_eq!(codes.into_iter().filter(|used| *used).count(), 1);
}

/// Nobody sees, sets, uses or removes another person's.
pub fn second_factors_are_their_owners_alone(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let own = set(world, &marc.scope(), marc, &["un"]).unwrap();
    for other in [&cast.colleague.0, &cast.hr, &cast.administrator, &cast.operator, &cast.stranger.0] {
        let scope = other.scope();
        assert_eq!(found(world, &scope, marc), None, "{}", other.user.role);
        let refused = set(world, &scope, marc, &["deux"]);
        assert!(is_refused(&refused), "{}: {refused:?}", other.user.role);
        assert!(!uses_step(world, &scope, marc, 40) && !uses_code(world, &scope, marc, "un"));
        assert!(!world.tenancy.run(&scope, |tx| Ok(tx.remove_second_factor(marc.id())?)).unwrap());
    }
    assert_eq!(found(world, &marc.scope(), marc), Some(own));
}

/// A failed unit of work leaves no second factor, and uses no code up.
pub fn a_failed_unit_of_work_leaves_no_second_factor(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let new = factor(world, marc, "MFRGGZDFMZTWQ2LK");
    undone(world, marc, marc.id(), |tx| Ok(tx.set_second_factor(&new, &codes(&["un"]))?));
    assert_eq!(found(world, &marc.scope(), marc), None);
    set(world, &marc.scope(), marc, &["un"]).unwrap();
    let now = world.clock.now();
    undone(world, marc, marc.id(), |tx| {
        assert!(tx.use_step(marc.id(), 40)?);
        assert!(tx.use_backup_code(marc.id(), TokenDigest::of("un"), now)?);
        Ok(())
    });
    assert!(uses_step(world, &marc.scope(), marc, 40) && uses_code(world, &marc.scope(), marc, "un"));
}
