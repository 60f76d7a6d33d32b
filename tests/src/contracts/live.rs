//! The contracts of what reaches connected people: the live worker's questions, tickets, broadcast.
use std::sync::{Arc, Mutex};

use huntzen_tenancy::{
    Job, Origin, Scope,
    clock::Clock,
    identity::SessionState,
    ids::SessionId,
    live::{Broadcast, Signal, Tickets, Topic},
    notifications::NotificationType,
    token::TokenDigest,
};
use jiff::SignedDuration;
use uuid::Uuid;

use super::{at_once, notifications::notified, sessions::signed_in};
use crate::{cast::Cast, world::World};

fn job() -> Scope {
    Scope::worker(Job::Live)
}

/// The news of those who are asked for, oldest first, with what is unread; nobody else sees any.
pub fn news_are_of_whom_they_are_asked_for(world: &World) {
    let cast = Cast::new(world);
    let (marc, claire) = (&cast.employee.0, &cast.colleague.0);
    let since = world.clock.now();
    let old = notified(world, marc, NotificationType::AccountSecurity);
    world.clock.advance(SignedDuration::from_secs(60));
    let first = notified(world, marc, NotificationType::MessageReceived);
    world.clock.advance(SignedDuration::from_secs(1));
    let second = notified(world, claire, NotificationType::MessageReceived);
    notified(world, &cast.stranger.0, NotificationType::MessageReceived);
    let asked = [marc.id(), claire.id()];
    let news = |scope: &Scope, since| world.tenancy.run(scope, |tx| Ok(tx.news(&asked, since)?)).unwrap();
    let found = news(&job(), since + SignedDuration::from_secs(60));
    let told: Vec<_> = found.iter().map(|one| (one.notification.id, one.unread)).collect();
    assert_eq!(told, [(first.id, 2), (second.id, 1)]);
    assert_eq!(found[0].notification, first);
    let all: Vec<_> = news(&job(), since).into_iter().map(|one| one.notification.id).collect();
    assert_eq!(all, [old.id, first.id, second.id]);
    for scope in [cast.operator.scope(), Scope::worker(Job::Outbox), Scope::anonymous(Origin::default())] {
        assert_eq!(news(&scope, since), [], "{scope:?}");
    }
}

/// A session ends for the worker when it ends for its owner, and one that never was has ended.
pub fn ended_sessions_are_told(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let [kept, revoked] = [(); 2].map(|()| signed_in(world, marc).0.id);
    let unknown = SessionId(Uuid::from_u128(7));
    let now = world.clock.now();
    let ended = |scope: &Scope, at| {
        world.tenancy.run(scope, |tx| Ok(tx.ended_sessions(&[kept, unknown, revoked], at)?)).unwrap()
    };
    let is_live = |state: Option<SessionState>| state.is_some_and(|state| state.is_live(now));
    let live = |id| is_live(world.tenancy.run(&marc.scope(), |tx| Ok(tx.session(id, false)?)).unwrap());
    assert!(!live(kept), "an invited account may not act yet");
    assert_eq!(ended(&job(), now), [kept, unknown, revoked]);
    let mut user = marc.user.clone();
    user.is_active = true;
    world.tenancy.run(&marc.scope(), |tx| tx.update_user(&user)).unwrap();
    assert!(live(kept) && live(revoked));
    assert_eq!(ended(&job(), now), [unknown]);
    world.tenancy.run(&marc.scope(), |tx| Ok(tx.revoke_session(marc.id(), revoked, now)?)).unwrap();
    assert_eq!(ended(&job(), now), [unknown, revoked]);
    assert_eq!(ended(&job(), now + SignedDuration::from_hours(24 * 365)), [kept, unknown, revoked], "expired");
    assert_eq!(ended(&marc.scope(), now), [], "it is the worker's question");
    user.blocked_at = Some(now);
    world.tenancy.run(&cast.operator.scope(), |tx| tx.update_user(&user)).unwrap();
    assert_eq!(ended(&job(), now), [kept, unknown, revoked], "blocked");
}

/// A ticket is taken once, in time, by whoever has it.
pub fn a_ticket_is_taken_once(tickets: &dyn Tickets) {
    let world = World::memory();
    let actor = Cast::new(&world).employee.0.actor();
    let digest = |text: &str| TokenDigest::of(text);
    let (now, later) = (world.clock.now(), world.clock.now() + SignedDuration::from_secs(30));
    tickets.issue(digest("a"), actor, now, later).unwrap();
    assert_eq!(tickets.take(digest("b"), now).unwrap(), None);
    let taken = at_once(16, |_| tickets.take(digest("a"), now).unwrap());
    assert_eq!(taken.into_iter().flatten().collect::<Vec<_>>(), [actor]);
    tickets.issue(digest("b"), actor, now, later).unwrap();
    assert_eq!(tickets.take(digest("b"), later).unwrap(), None, "expired");
    // Whoever has no company has a ticket too.
    let operator = Cast::new(&World::memory()).operator.actor();
    tickets.issue(digest("c"), operator, now, later).unwrap();
    assert_eq!(tickets.take(digest("c"), now).unwrap(), Some(operator));
}

/// A process holds so many at most, here two: expired ones make room.
pub fn tickets_do_not_grow_without_end(tickets: &dyn Tickets) {
    let world = World::memory();
    let actor = Cast::new(&world).employee.0.actor();
    let digest = |text: &str| TokenDigest::of(text);
    let (now, later) = (world.clock.now(), world.clock.now() + SignedDuration::from_secs(30));
    tickets.issue(digest("c"), actor, now, later).unwrap();
    tickets.issue(digest("d"), actor, now, later).unwrap();
    assert!(tickets.issue(digest("e"), actor, now, later).is_err(), "no more than it may hold");
    tickets.issue(digest("e"), actor, later, later + SignedDuration::from_secs(30)).unwrap();
    assert_eq!(tickets.take(digest("e"), later).unwrap(), Some(actor), "expired ones make room");
}

/// Every sink gets every signal, those of one publisher in their order.
pub fn a_broadcast_reaches_every_sink_in_order(broadcast: &dyn Broadcast) {
    let heard: [Arc<Mutex<Vec<Signal>>>; 2] = Default::default();
    for heard in &heard {
        let heard = Arc::clone(heard);
        broadcast.subscribe(Arc::new(move |signal| heard.lock().unwrap().push(signal)));
    }
    let signal =
        |number: u64| Signal { seq: Some(number), ..Signal::new(Topic::Room(Uuid::from_u128(1)), number.to_string()) };
    (0..10).for_each(|number| broadcast.publish(signal(number)));
    for heard in &heard {
        assert_eq!(*heard.lock().unwrap(), (0..10).map(signal).collect::<Vec<_>>());
    }
}
