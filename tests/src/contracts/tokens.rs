//! The contract of `OneTimeTokens`.
use huntzen_tenancy::{
    Job, Origin, Scope,
    clock::Clock,
    identity::{OneTimePurpose, OneTimeToken, TokenOwner},
    token::{TokenDigest, fresh_token},
};
use jiff::{SignedDuration, Timestamp};

use super::{at_once, invitations::invited, is_refused, sessions::signed_in, undone};
use crate::{
    cast::{Cast, Person, email, operator},
    world::World,
};

fn new_token(world: &World, of: &Person, purpose: OneTimePurpose) -> OneTimeToken {
    let now = world.clock.now();
    OneTimeToken {
        digest: TokenDigest::of(&fresh_token(world.randomness.as_ref())),
        user: of.id(),
        purpose,
        email: (purpose == OneTimePurpose::ChangeEmail).then(|| email("marc@new.example")),
        created_at: now,
        expires_at: now + purpose.validity(),
    }
}

/// A token that was mailed to `of`.
pub fn mailed(world: &World, of: &Person, purpose: OneTimePurpose) -> OneTimeToken {
    let token = new_token(world, of, purpose);
    world.tenancy.run(&of.scope(), |tx| Ok(tx.add_one_time_token(&token)?)).unwrap();
    token
}

fn owner(world: &World, scope: &Scope, digest: TokenDigest) -> Option<TokenOwner> {
    world.tenancy.run(scope, |tx| Ok(tx.token_owner(digest)?)).unwrap()
}

fn holder(digest: TokenDigest) -> Scope {
    Scope::token(digest, Origin::default())
}

fn uses(world: &World, scope: &Scope, token: &OneTimeToken, now: Timestamp) -> bool {
    world.tenancy.run(scope, |tx| Ok(tx.use_one_time_token(token.digest, token.purpose, now)?)).unwrap()
}

/// Whoever holds a token of any kind learns whose it is, even of one that is used or has ended.
pub fn a_token_knows_its_owner(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let expected = TokenOwner { user: marc.id(), role: marc.user.role, company: marc.user.company, session: None };
    let (session, refresh) = signed_in(world, marc);
    let in_session = TokenOwner { session: Some(session.id), ..expected };
    assert_eq!(owner(world, &holder(refresh.digest), refresh.digest), Some(in_session));
    let reset = mailed(world, marc, OneTimePurpose::ResetPassword);
    assert_eq!(owner(world, &holder(reset.digest), reset.digest), Some(expected));
    assert!(uses(world, &marc.scope(), &reset, reset.created_at));
    world.clock.advance(SignedDuration::from_hours(48));
    assert_eq!(owner(world, &holder(reset.digest), reset.digest), Some(expected));
    let invitation = invited(world, &cast.hr, marc);
    assert_eq!(owner(world, &holder(invitation.digest), invitation.digest), Some(expected));
    let unknown = TokenDigest::of("unknown");
    assert_eq!(owner(world, &holder(unknown), unknown), None);
    let sophie = &cast.practitioner.0;
    let (_, of_practitioner) = signed_in(world, sophie);
    let found = owner(world, &holder(of_practitioner.digest), of_practitioner.digest).unwrap();
    assert_eq!((found.user, found.company), (sophie.id(), None));
}

/// Nobody learns whose a token is but by holding it.
pub fn only_its_holder_learns_whose_a_token_is(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let (_, refresh) = signed_in(world, marc);
    let (_, of_colleague) = signed_in(world, &cast.colleague.0);
    for scope in [
        holder(of_colleague.digest),
        marc.scope(),
        cast.hr.scope(),
        cast.operator.scope(),
        cast.administrator.scope(),
        Scope::anonymous(Origin::default()),
        Scope::sign_in(marc.user.email.clone(), Origin::default()),
        Scope::worker(Job::Outbox),
    ] {
        assert_eq!(owner(world, &scope, refresh.digest), None, "{scope:?}");
    }
}

/// A token is used once, for what it was made for, before it ends.
pub fn a_token_is_used_once(world: &World) {
    let person = operator(world);
    let token = mailed(world, &person, OneTimePurpose::VerifyEmail);
    let scope = person.scope();
    let last = token.expires_at - SignedDuration::from_micros(1);
    let for_another = OneTimeToken { purpose: OneTimePurpose::ResetPassword, ..token.clone() };
    assert!(!uses(world, &scope, &for_another, token.created_at));
    let unknown = OneTimeToken { digest: TokenDigest::of("unknown"), ..token.clone() };
    assert!(!uses(world, &scope, &unknown, token.created_at));
    assert!(!uses(world, &scope, &token, token.expires_at));
    assert!(uses(world, &scope, &token, last));
    assert!(!uses(world, &scope, &token, last));
}

/// A later token voids the earlier ones of the same person and purpose, and no others.
pub fn a_later_token_voids_earlier_ones(world: &World) {
    let cast = Cast::new(world);
    let (marc, claire) = (&cast.employee.0, &cast.colleague.0);
    let first = mailed(world, marc, OneTimePurpose::ResetPassword);
    let for_another_purpose = mailed(world, marc, OneTimePurpose::VerifyEmail);
    let of_another = mailed(world, claire, OneTimePurpose::ResetPassword);
    let second = mailed(world, marc, OneTimePurpose::ResetPassword);
    let now = world.clock.now();
    assert!(!uses(world, &marc.scope(), &first, now));
    assert!(uses(world, &marc.scope(), &second, now));
    assert!(uses(world, &marc.scope(), &for_another_purpose, now));
    assert!(uses(world, &claire.scope(), &of_another, now));
}

/// A failed unit of work leaves no token, uses none up, and leaves no audit entry and no letter.
pub fn a_failed_unit_of_work_leaves_no_token(world: &World) {
    let person = operator(world);
    let earlier = mailed(world, &person, OneTimePurpose::ResetPassword);
    let later = new_token(world, &person, OneTimePurpose::ResetPassword);
    undone(world, &person, person.id(), |tx| Ok(tx.add_one_time_token(&later)?));
    assert_eq!(owner(world, &holder(later.digest), later.digest), None);
    let now = world.clock.now();
    undone(world, &person, person.id(), |tx| {
        assert!(tx.use_one_time_token(earlier.digest, earlier.purpose, now)?);
        Ok(())
    });
    assert!(uses(world, &person.scope(), &earlier, now));
}

/// Nobody makes or uses a token of another's, in their tenant or not; holding it is not enough.
pub fn tokens_are_their_owners_alone(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let token = mailed(world, marc, OneTimePurpose::ResetPassword);
    let now = world.clock.now();
    for scope in [
        cast.colleague.0.scope(),
        cast.stranger.0.scope(),
        cast.hr.scope(),
        cast.other_hr.scope(),
        cast.operator.scope(),
        Scope::anonymous(Origin::default()),
        holder(token.digest),
    ] {
        assert!(!uses(world, &scope, &token, now), "{scope:?}");
        let foreign = new_token(world, marc, OneTimePurpose::ResetPassword);
        let refused = world.tenancy.run(&scope, |tx| Ok(tx.add_one_time_token(&foreign)?));
        assert!(is_refused(&refused), "{scope:?}: {refused:?}");
    }
    assert!(uses(world, &marc.scope(), &token, now));
}

/// Of many who use a token at once, exactly one does.
pub fn of_many_at_once_one_uses_the_token(world: &World) {
    let person = operator(world);
    let token = mailed(world, &person, OneTimePurpose::ResetPassword);
    let now = world.clock.now();
    let outcomes = at_once(6, |_| uses(world, &person.scope(), &token, now));
    assert_eq!(outcomes.into_iter().filter(|won| *won).count(), 1);
}

/// A token that changes an address knows which, for its owner alone; all others know none.
pub fn a_token_knows_the_address_that_it_confirms(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let (change, reset) =
        (mailed(world, marc, OneTimePurpose::ChangeEmail), mailed(world, marc, OneTimePurpose::ResetPassword));
    let told =
        |scope: &Scope, of: &OneTimeToken| world.tenancy.run(scope, |tx| Ok(tx.token_email(of.digest)?)).unwrap();
    assert_eq!(told(&marc.scope(), &change), Some(email("marc@new.example")));
    assert_eq!(told(&marc.scope(), &reset), None);
    assert!(uses(world, &marc.scope(), &change, change.created_at));
    assert_eq!(told(&marc.scope(), &change), change.email);
    for other in [&cast.colleague.0, &cast.hr, &cast.operator] {
        assert_eq!(told(&other.scope(), &change), None, "{}", other.user.role);
    }
}

/// A person's open tokens of some purposes are voided together; all others stay good.
pub fn tokens_are_voided_by_purpose(world: &World) {
    let cast = Cast::new(world);
    let (marc, claire) = (&cast.employee.0, &cast.colleague.0);
    let all = [OneTimePurpose::VerifyEmail, OneTimePurpose::ResetPassword, OneTimePurpose::ChangeEmail];
    let [verify, reset, change] = all.map(|purpose| mailed(world, marc, purpose));
    let of_claire = mailed(world, claire, OneTimePurpose::ResetPassword);
    let now = world.clock.now();
    let void = |by: &Person, purposes: &[OneTimePurpose]| {
        world.tenancy.run(&by.scope(), |tx| Ok(tx.void_one_time_tokens(marc.id(), purposes, now)?)).unwrap();
    };
    void(claire, &all);
    void(marc, &all[1..]);
    for (token, by, is_good) in
        [(&verify, marc, true), (&reset, marc, false), (&change, marc, false), (&of_claire, claire, true)]
    {
        assert_eq!(uses(world, &by.scope(), token, now), is_good, "{:?}", token.purpose);
    }
}
