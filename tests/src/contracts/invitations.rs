//! The contract of `Invitations`.
use huntzen_tenancy::{
    Job, Origin, Scope,
    clock::Clock,
    identity::Invitation,
    ids::UserId,
    policy::Role,
    token::{TokenDigest, fresh_token},
};
use jiff::{SignedDuration, Timestamp};

use super::{at_once, is_refused, undone};
use crate::{
    cast::{Cast, Person, added},
    world::World,
};

/// An invitation of `to` that nobody has added yet, good for an hour.
pub fn new_invitation(world: &World, by: &Person, to: &Person) -> Invitation {
    let now = world.clock.now();
    Invitation {
        id: world.randomness.uuid_v7(now),
        user: to.id(),
        company: to.user.company,
        digest: TokenDigest::of(&fresh_token(world.randomness.as_ref())),
        invited_by: by.id(),
        created_at: now,
        expires_at: now + SignedDuration::from_hours(1),
        accepted_at: None,
    }
}

/// An invitation of `to` by `by`.
pub fn invited(world: &World, by: &Person, to: &Person) -> Invitation {
    let invitation = new_invitation(world, by, to);
    world.tenancy.run(&by.scope(), |tx| Ok(tx.add_invitation(&invitation)?)).unwrap();
    invitation
}

fn found(world: &World, scope: &Scope, digest: TokenDigest) -> Option<Invitation> {
    world.tenancy.run(scope, |tx| Ok(tx.invitation(digest)?)).unwrap()
}

fn is_invited(world: &World, scope: &Scope, user: UserId) -> bool {
    world.tenancy.run(scope, |tx| Ok(tx.is_invited(user)?)).unwrap()
}

fn accept(world: &World, by: &Person, digest: TokenDigest, now: Timestamp) -> bool {
    world.tenancy.run(&by.scope(), |tx| Ok(tx.accept_invitation(digest, now)?)).unwrap()
}

/// What was added is found by whom it invites and by whoever may invite; nothing is None.
pub fn an_added_invitation_is_found(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let invitation = invited(world, &cast.hr, marc);
    for scope in [cast.hr.scope(), marc.scope(), cast.administrator.scope()] {
        assert_eq!(found(world, &scope, invitation.digest), Some(invitation.clone()), "{scope:?}");
        assert!(is_invited(world, &scope, marc.id()), "{scope:?}");
    }
    assert_eq!(found(world, &cast.hr.scope(), TokenDigest::of("unknown")), None);
    assert!(!is_invited(world, &cast.hr.scope(), cast.colleague.0.id()));
}

/// A later invitation makes the earlier ones of the same account worth nothing, and no other's.
pub fn a_later_invitation_voids_earlier_ones(world: &World) {
    let cast = Cast::new(world);
    let (marc, claire) = (&cast.employee.0, &cast.colleague.0);
    let now = world.clock.now();
    let first = invited(world, &cast.hr, marc);
    let of_another = invited(world, &cast.hr, claire);
    let second = invited(world, &cast.hr, marc);
    assert!(!accept(world, marc, first.digest, now));
    assert!(accept(world, marc, second.digest, now));
    assert!(accept(world, claire, of_another.digest, now));
    let third = invited(world, &cast.hr, marc);
    let kept = found(world, &cast.hr.scope(), second.digest).unwrap();
    assert_eq!(kept.accepted_at, Some(now));
    assert!(accept(world, marc, third.digest, now));
}

/// An invitation is accepted once, before it ends; one that has ended still waits.
pub fn an_invitation_is_accepted_once_in_time(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let invitation = invited(world, &cast.hr, marc);
    assert!(!accept(world, marc, TokenDigest::of("unknown"), invitation.created_at));
    assert!(!accept(world, marc, invitation.digest, invitation.expires_at));
    assert!(is_invited(world, &cast.hr.scope(), marc.id()));
    let last = invitation.expires_at - SignedDuration::from_micros(1);
    assert!(accept(world, marc, invitation.digest, last));
    assert!(!accept(world, marc, invitation.digest, last));
    assert!(!is_invited(world, &cast.hr.scope(), marc.id()));
    let accepted = found(world, &marc.scope(), invitation.digest).unwrap();
    assert_eq!(accepted, Invitation { accepted_at: Some(last), ..invitation });
}

/// Many are invited at once, each as alone.
pub fn many_are_invited_at_once(world: &World) {
    let cast = Cast::new(world);
    let many = [&cast.employee.0, &cast.colleague.0].map(|to| new_invitation(world, &cast.hr, to));
    world.tenancy.run(&cast.hr.scope(), |tx| Ok(tx.add_invitations(&many)?)).unwrap();
    for invitation in &many {
        assert_eq!(found(world, &cast.hr.scope(), invitation.digest).as_ref(), Some(invitation));
    }
    let elsewhere = new_invitation(world, &cast.hr, &cast.stranger.0);
    let refused = world.tenancy.run(&cast.hr.scope(), |tx| Ok(tx.add_invitations(&[elsewhere])?));
    assert!(is_refused(&refused), "{refused:?}");
}

/// HR sees which of its employees were invited and have not come yet: no HR colleague, nobody else's.
pub fn invited_employees_are_the_companys(world: &World) {
    let cast = Cast::new(world);
    let colleague_of_hr = added(world, &cast.hr, "rh2@alpha.example", Role::AdminRh, cast.hr.user.company);
    let of_claire = invited(world, &cast.hr, &cast.colleague.0);
    invited(world, &cast.hr, &cast.employee.0);
    invited(world, &cast.hr, &colleague_of_hr);
    invited(world, &cast.other_hr, &cast.stranger.0);
    assert!(accept(world, &cast.colleague.0, of_claire.digest, world.clock.now()));
    let waiting = |scope: &Scope| world.tenancy.run(scope, |tx| Ok(tx.invited_employees(cast.company.id)?)).unwrap();
    assert_eq!(waiting(&cast.hr.scope()), [cast.employee.0.id()]);
    for scope in [cast.other_hr.scope(), cast.stranger.0.scope(), Scope::anonymous(Origin::default())] {
        assert_eq!(waiting(&scope), [], "{scope:?}");
    }
}

/// Withdrawing removes what was not accepted, and says whether there was any.
pub fn invitations_are_withdrawn(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let withdraw = |by: &Person| world.tenancy.run(&by.scope(), |tx| Ok(tx.withdraw_invitations(marc.id())?)).unwrap();
    let invitation = invited(world, &cast.hr, marc);
    for person in [&cast.other_hr, &cast.colleague.0, &cast.practitioner.0] {
        assert!(!withdraw(person), "{}", person.user.role);
    }
    assert!(withdraw(&cast.hr));
    assert!(!withdraw(&cast.hr));
    assert!(!is_invited(world, &cast.hr.scope(), marc.id()));
    assert!(!accept(world, marc, invitation.digest, invitation.created_at));
    let accepted = invited(world, &cast.hr, marc);
    assert!(accept(world, marc, accepted.digest, accepted.created_at));
    assert!(!withdraw(&cast.hr));
    assert!(found(world, &cast.hr.scope(), accepted.digest).is_some());
}

/// A failed unit of work leaves no invitation, no audit entry and no letter, and voids nothing.
pub fn a_failed_unit_of_work_leaves_no_invitation(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let earlier = invited(world, &cast.hr, marc);
    let later = new_invitation(world, &cast.hr, marc);
    undone(world, &cast.hr, later.id, |tx| Ok(tx.add_invitation(&later)?));
    assert_eq!(found(world, &cast.hr.scope(), later.digest), None);
    undone(world, marc, earlier.id, |tx| {
        assert!(tx.accept_invitation(earlier.digest, earlier.created_at)?);
        Ok(())
    });
    assert_eq!(found(world, &cast.hr.scope(), earlier.digest), Some(earlier));
}

/// Another company, another person, a job: none sees an invitation, uses it up or makes one.
pub fn another_tenant_sees_no_invitation(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let invitation = invited(world, &cast.hr, marc);
    for person in [&cast.other_hr, &cast.stranger.0, &cast.colleague.0, &cast.practitioner.0, &cast.operator] {
        assert_eq!(found(world, &person.scope(), invitation.digest), None, "{}", person.user.role);
        assert!(!is_invited(world, &person.scope(), marc.id()), "{}", person.user.role);
        assert!(!accept(world, person, invitation.digest, invitation.created_at), "{}", person.user.role);
        let foreign = new_invitation(world, person, marc);
        let refused = world.tenancy.run(&person.scope(), |tx| Ok(tx.add_invitation(&foreign)?));
        assert!(is_refused(&refused), "{}: {refused:?}", person.user.role);
    }
    for scope in [Scope::anonymous(Origin::default()), Scope::worker(Job::Outbox)] {
        assert_eq!(found(world, &scope, invitation.digest), None, "{scope:?}");
    }
}

/// Operators invite administrators, administrators practitioners: both without a company.
pub fn people_without_a_company_are_invited_too(world: &World) {
    let cast = Cast::new(world);
    let of_administrator = invited(world, &cast.operator, &cast.administrator);
    assert!(accept(world, &cast.administrator, of_administrator.digest, of_administrator.created_at));
    let sophie = &cast.practitioner.0;
    let of_practitioner = invited(world, &cast.administrator, sophie);
    assert_eq!(found(world, &sophie.scope(), of_practitioner.digest), Some(of_practitioner.clone()));
    assert_eq!(found(world, &cast.other_practitioner.0.scope(), of_practitioner.digest), None);
}

/// Of many who accept at once, exactly one does.
pub fn of_many_at_once_one_accepts(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let invitation = invited(world, &cast.hr, marc);
    let outcomes = at_once(6, |_| accept(world, marc, invitation.digest, invitation.created_at));
    assert_eq!(outcomes.into_iter().filter(|won| *won).count(), 1);
}
