//! The contract of `Sessions`.
use std::{thread, time::Duration};

use huntzen_tenancy::{
    Job, Origin, Scope, StoreError, TenancyError,
    clock::Clock,
    identity::{Device, RefreshRow, Session, SessionState},
    ids::SessionId,
    token::{TokenDigest, fresh_token},
};
use jiff::{SignedDuration, Timestamp};

use super::{at_once, is_refused, undone};
use crate::{
    cast::{Cast, Person, operator},
    world::World,
};

const LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 7);

fn new_session(world: &World, of: &Person) -> (Session, RefreshRow) {
    let now = world.clock.now();
    let session = Session {
        id: SessionId(world.randomness.uuid_v7(now)),
        user: of.id(),
        created_at: now,
        last_used_at: now,
        expires_at: now + LIFETIME,
        revoked_at: None,
        stepped_up_at: None,
        device: Device { user_agent: Some("Firefox".to_owned()), ip: Some("192.0.2.0".to_owned()) },
    };
    let token = refresh_token(world, &session);
    (session, token)
}

fn refresh_token(world: &World, session: &Session) -> RefreshRow {
    RefreshRow {
        digest: TokenDigest::of(&fresh_token(world.randomness.as_ref())),
        session: session.id,
        user: session.user,
        issued_at: world.clock.now(),
        rotated_at: None,
    }
}

/// A session of `of`, begun now, with its first token.
pub fn signed_in(world: &World, of: &Person) -> (Session, RefreshRow) {
    let (session, token) = new_session(world, of);
    world.tenancy.run(&of.scope(), |tx| Ok(tx.add_session(&session, &token)?)).unwrap();
    (session, token)
}

fn state(world: &World, scope: &Scope, id: SessionId) -> Option<SessionState> {
    world.tenancy.run(scope, |tx| Ok(tx.session(id, false)?)).unwrap()
}

fn live(world: &World, of: &Person, now: Timestamp) -> Vec<SessionId> {
    let sessions = world.tenancy.run(&of.scope(), |tx| Ok(tx.sessions_of(of.id(), now)?)).unwrap();
    sessions.into_iter().map(|session| session.id).collect()
}

fn token(world: &World, scope: &Scope, digest: TokenDigest) -> Option<RefreshRow> {
    world.tenancy.run(scope, |tx| Ok(tx.refresh_token(digest)?)).unwrap()
}

/// What was added is found with its account and its token, held or not; nothing is None.
pub fn an_added_session_is_found(world: &World) {
    let person = operator(world);
    let (session, first) = signed_in(world, &person);
    let expected = SessionState { session: session.clone(), user: person.user.clone(), company_active: true };
    for for_update in [false, true] {
        let found = world.tenancy.run(&person.scope(), |tx| Ok(tx.session(session.id, for_update)?)).unwrap();
        assert_eq!(found.as_ref(), Some(&expected));
    }
    assert_eq!(token(world, &person.scope(), first.digest), Some(first));
    assert_eq!(state(world, &person.scope(), SessionId(world.randomness.uuid_v4())), None);
    assert_eq!(token(world, &person.scope(), TokenDigest::of("unknown")), None);
}

/// A session knows whether its account's company is active; no company is none that is not.
pub fn a_session_knows_the_companys_standing(world: &World) {
    let cast = Cast::new(world);
    let (of_hr, _) = signed_in(world, &cast.hr);
    let (of_employee, _) = signed_in(world, &cast.employee.0);
    let (of_practitioner, _) = signed_in(world, &cast.practitioner.0);
    let standing = || {
        [(&cast.hr, of_hr.id), (&cast.employee.0, of_employee.id), (&cast.practitioner.0, of_practitioner.id)]
            .map(|(person, id)| state(world, &person.scope(), id).unwrap().company_active)
    };
    assert_eq!(standing(), [true, true, true]);
    let mut suspended = cast.company.clone();
    suspended.is_active = false;
    world.tenancy.run(&cast.administrator.scope(), |tx| tx.update_company(&suspended)).unwrap();
    assert_eq!(standing(), [false, false, true]);
}

/// Exchanging a token keeps the old one, marked, and prolongs the session.
pub fn a_refresh_token_is_exchanged(world: &World) {
    let person = operator(world);
    let (session, old) = signed_in(world, &person);
    let (other_session, other_token) = signed_in(world, &person);
    world.clock.advance(SignedDuration::from_mins(15));
    let now = world.clock.now();
    let new = refresh_token(world, &session);
    let scope = person.scope();
    world.tenancy.run(&scope, |tx| Ok(tx.rotate_refresh_token(old.digest, &new, now + LIFETIME)?)).unwrap();
    assert_eq!(token(world, &scope, old.digest), Some(RefreshRow { rotated_at: Some(now), ..old }));
    assert_eq!(token(world, &scope, new.digest), Some(new));
    let prolonged = state(world, &scope, session.id).unwrap().session;
    assert_eq!(prolonged, Session { last_used_at: now, expires_at: now + LIFETIME, ..session });
    assert_eq!(state(world, &scope, other_session.id).unwrap().session, other_session);
    assert_eq!(token(world, &scope, other_token.digest), Some(other_token));
}

/// The live sessions are those that were neither ended nor outlived, newest first.
pub fn live_sessions_are_listed_newest_first(world: &World) {
    let cast = Cast::new(world);
    let person = &cast.employee.0;
    let (first, _) = signed_in(world, person);
    world.clock.advance(SignedDuration::from_hours(1));
    let (second, _) = signed_in(world, person);
    world.clock.advance(SignedDuration::from_hours(1));
    let (third, _) = signed_in(world, person);
    signed_in(world, &cast.colleague.0);
    let now = world.clock.now();
    assert_eq!(live(world, person, now), [third.id, second.id, first.id]);
    let end = |id, at| world.tenancy.run(&person.scope(), |tx| Ok(tx.revoke_session(person.id(), id, at)?)).unwrap();
    assert!(end(second.id, now));
    assert!(!end(second.id, now));
    assert!(!end(SessionId(world.randomness.uuid_v4()), now));
    assert_eq!(state(world, &person.scope(), second.id).unwrap().session.revoked_at, Some(now));
    assert_eq!(live(world, person, now), [third.id, first.id]);
    assert_eq!(live(world, person, first.expires_at - SignedDuration::from_micros(1)), [third.id, first.id]);
    assert_eq!(live(world, person, first.expires_at), [third.id]);
    assert!(!end(first.id, first.expires_at));
}

/// All sessions but one end together; those of others go on.
pub fn all_sessions_but_one_end_together(world: &World) {
    let cast = Cast::new(world);
    let person = &cast.employee.0;
    let sessions = [signed_in(world, person).0, signed_in(world, person).0, signed_in(world, person).0];
    let (of_colleague, _) = signed_in(world, &cast.colleague.0);
    let now = world.clock.now();
    let end = |kept| world.tenancy.run(&person.scope(), |tx| Ok(tx.revoke_sessions(person.id(), kept, now)?)).unwrap();
    assert_eq!(end(Some(sessions[1].id)), 2);
    assert_eq!(live(world, person, now), [sessions[1].id]);
    assert_eq!((end(None), end(None)), (1, 0));
    assert_eq!(live(world, person, now), []);
    assert_eq!(live(world, &cast.colleague.0, now), [of_colleague.id]);
}

/// A failed unit of work leaves no session, no token, no audit entry and no letter.
pub fn a_failed_unit_of_work_leaves_no_session(world: &World) {
    let person = operator(world);
    let (session, first) = new_session(world, &person);
    undone(world, &person, session.id.0, |tx| Ok(tx.add_session(&session, &first)?));
    assert_eq!(state(world, &person.scope(), session.id), None);
    assert_eq!(token(world, &person.scope(), first.digest), None);
    world.tenancy.run(&person.scope(), |tx| Ok(tx.add_session(&session, &first)?)).unwrap();
    let next = refresh_token(world, &session);
    undone(world, &person, session.id.0, |tx| {
        Ok(tx.rotate_refresh_token(first.digest, &next, session.expires_at + LIFETIME)?)
    });
    assert_eq!(token(world, &person.scope(), next.digest), None);
    assert_eq!(token(world, &person.scope(), first.digest), Some(first));
    assert_eq!(state(world, &person.scope(), session.id).unwrap().session, session);
}

/// Sessions and tokens are their owner's alone; nobody makes or ends another's.
pub fn sessions_are_their_owners_alone(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let (session, first) = signed_in(world, marc);
    let now = world.clock.now();
    for scope in [
        cast.colleague.0.scope(),
        cast.stranger.0.scope(),
        cast.hr.scope(),
        cast.other_hr.scope(),
        cast.administrator.scope(),
        cast.operator.scope(),
        Scope::anonymous(Origin::default()),
        Scope::worker(Job::Outbox),
    ] {
        assert_eq!(state(world, &scope, session.id), None, "{scope:?}");
        assert_eq!(token(world, &scope, first.digest), None, "{scope:?}");
        let touched = world
            .tenancy
            .run(&scope, |tx| {
                Ok((
                    tx.sessions_of(marc.id(), now)?.len(),
                    tx.revoke_session(marc.id(), session.id, now)?,
                    tx.revoke_sessions(marc.id(), None, now)?,
                ))
            })
            .unwrap();
        assert_eq!(touched, (0, false, 0), "{scope:?}");
        let (foreign, foreign_token) = new_session(world, marc);
        let refused = world.tenancy.run(&scope, |tx| Ok(tx.add_session(&foreign, &foreign_token)?));
        assert!(is_refused(&refused), "{scope:?}: {refused:?}");
    }
    assert_eq!(live(world, marc, now), [session.id]);
}

/// A token is one session's.
pub fn a_refresh_token_is_one_sessions(world: &World) {
    let person = operator(world);
    let (_, first) = signed_in(world, &person);
    let (session, mut twin) = new_session(world, &person);
    twin.digest = first.digest;
    let refused = world.tenancy.run(&person.scope(), |tx| Ok(tx.add_session(&session, &twin)?));
    let Err(TenancyError::Store(StoreError::Refused(rule))) = refused else { panic!("{refused:?}") };
    assert_eq!(rule, "refresh_tokens_pkey");
    assert_eq!(state(world, &person.scope(), session.id), None);
}

/// Whoever proves to be there holds the account, and then writes the session; whoever exchanges a token
/// holds the session alone. So neither waits for the other in a circle.
pub fn a_held_session_leaves_its_account_to_others(world: &World) {
    let person = operator(world);
    let (session, _) = signed_in(world, &person);
    let is_held = thread::scope(|scope| {
        let holding = world.tenancy.run(&person.scope(), |tx| {
            tx.user_for_update(person.id())?.unwrap();
            let hold = || world.tenancy.run(&person.scope(), |tx| Ok(tx.session(session.id, true)?.is_some()));
            let holding = scope.spawn(hold);
            // By then the other holds whatever it takes.
            thread::sleep(Duration::from_millis(300));
            assert!(tx.step_up(person.id(), session.id, world.clock.now())?);
            Ok(holding)
        });
        holding.unwrap().join().unwrap().unwrap()
    });
    assert!(is_held);
    assert_eq!(state(world, &person.scope(), session.id).unwrap().session.stepped_up_at, Some(world.clock.now()));
}

/// Of many who exchange one token at once, exactly one does: the session is held meanwhile.
pub fn of_many_at_once_one_exchanges_the_token(world: &World) {
    let person = operator(world);
    let (session, old) = signed_in(world, &person);
    let won = at_once(6, |_| {
        let new = refresh_token(world, &session);
        let exchanged = world.tenancy.run(&person.scope(), |tx| {
            tx.session(session.id, true)?.unwrap();
            let is_fresh = tx.refresh_token(old.digest)?.unwrap().rotated_at.is_none();
            if is_fresh {
                tx.rotate_refresh_token(old.digest, &new, session.expires_at)?;
            }
            Ok(is_fresh)
        });
        exchanged.unwrap()
    });
    assert_eq!(won.into_iter().filter(|won| *won).count(), 1);
    let ended = at_once(6, |_| {
        let now = world.clock.now();
        world.tenancy.run(&person.scope(), |tx| Ok(tx.revoke_session(person.id(), session.id, now)?)).unwrap()
    });
    assert_eq!(ended.into_iter().filter(|ended| *ended).count(), 1);
}

/// The first device of an account is no news, another one is, and only once; other people's count for
/// nothing.
pub fn a_new_device_is_known_from_then_on(world: &World) {
    let cast = Cast::new(world);
    let (marc, claire) = (&cast.employee.0, &cast.colleague.0);
    let device = |agent: Option<&str>| Device { user_agent: agent.map(str::to_owned), ip: None };
    let is_new = |of: &Person, agent: Option<&str>| {
        world.tenancy.run(&of.scope(), |tx| Ok(tx.is_new_device(of.id(), &device(agent))?)).unwrap()
    };
    assert!(!is_new(marc, Some("Firefox")), "there was none before");
    let (session, _) = signed_in(world, marc);
    assert_eq!(session.device.user_agent.as_deref(), Some("Firefox"));
    assert!(!is_new(marc, Some("Firefox")));
    assert!(is_new(marc, Some("Safari")) && is_new(marc, None));
    world.tenancy.run(&marc.scope(), |tx| Ok(tx.revoke_session(marc.id(), session.id, world.clock.now())?)).unwrap();
    assert!(!is_new(marc, Some("Firefox")), "a session that has ended is known too");
    assert!(!is_new(claire, Some("Safari")));
}

/// That the owner of a session proved to be there is noted of that session, by the owner alone.
pub fn a_step_up_is_noted_of_one_session(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let ((one, _), (other, _)) = (signed_in(world, marc), signed_in(world, marc));
    world.clock.advance(SignedDuration::from_mins(1));
    let now = world.clock.now();
    let step_up = |by: &Person, id| world.tenancy.run(&by.scope(), |tx| Ok(tx.step_up(marc.id(), id, now)?)).unwrap();
    assert!(!step_up(&cast.colleague.0, one.id));
    assert!(step_up(marc, one.id));
    assert!(!step_up(marc, SessionId(world.randomness.uuid_v4())));
    let noted = |id| state(world, &marc.scope(), id).unwrap().session.stepped_up_at;
    assert_eq!((noted(one.id), noted(other.id)), (Some(now), None));
}
