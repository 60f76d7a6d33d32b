//! What nodes share in Redis: the same contracts as within a process, and what becomes of them when it is gone.
mod lost_calls;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use huntzen_adapter_memory::{LocalBroadcast, MemoryTallies, MemoryTickets};
use huntzen_adapter_redis::{Link, RedisBroadcast, RedisCalls, RedisTallies, RedisTickets};
use huntzen_clinical::call::Calls;
use huntzen_tenancy::{
    Actor, StoreError,
    ids::UserId,
    limits::{Bound, SharedTallies, Taken, Tallies, TallyKey},
    live::{Broadcast, Gap, Signal, Tickets, Topic},
    policy::Role,
    token::TokenDigest,
};
use huntzen_tests::{
    contracts::{at_once, calls, live, tallies},
    redis::RedisServer,
};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use lost_calls::call;

const SECRET: &str = "the secret of an installation";
const WINDOW: SignedDuration = SignedDuration::from_secs(60);
/// How long something may take that happens by itself.
const PATIENCE: Duration = Duration::from_secs(20);

fn tickets(link: &Arc<Link>) -> RedisTickets {
    RedisTickets::new(Arc::clone(link), Arc::new(MemoryTickets::default()))
}

/// A contract over a Redis of its own.
macro_rules! over_redis {
    ($($(#[$meta:meta])* $name:ident: $suite:path, $port:expr;)*) => {
        $($(#[$meta])*
        #[test]
        fn $name() {
            let server = RedisServer::start();
            $suite(&($port)(server.link(SECRET)));
        })*
    };
}

over_redis! {
    a_consultation_has_one_call: calls::a_consultation_has_one_call, RedisCalls::new;
    of_many_at_once_one_wins: calls::of_many_at_once_one_wins, RedisCalls::new;
    an_answer_is_told_again_and_taken_back: calls::an_answer_is_told_again_and_taken_back, RedisCalls::new;
    what_rings_too_long_is_missed: calls::what_rings_too_long_is_missed, RedisCalls::new;
    a_device_takes_its_calls_along: calls::a_device_takes_its_calls_along, RedisCalls::new;
    a_window_has_so_many_and_no_more: tallies::a_window_has_so_many_and_no_more, RedisTallies::new;
    several_are_taken_from_together: tallies::several_are_taken_from_together_or_not_at_all, RedisTallies::new;
    what_is_given_back: tallies::what_is_given_back_may_be_taken_again, RedisTallies::new;
    a_clock_a_little_behind: tallies::a_clock_a_little_behind_gives_back, RedisTallies::new;
    what_is_forgotten: tallies::what_is_forgotten_begins_anew, RedisTallies::new;
    of_many_at_once_exactly_as_many: tallies::of_many_at_once_exactly_as_many_are_granted, RedisTallies::new;
    a_ticket_is_taken_once: live::a_ticket_is_taken_once, |link| tickets(&link);
    a_broadcast_reaches_every_sink_in_order: live::a_broadcast_reaches_every_sink_in_order, |link| Node::on(link).broadcast;
}

/// A node as far as signals are concerned: what it has heard, and what it was told that it missed.
struct Node {
    link: Arc<Link>,
    broadcast: RedisBroadcast,
    heard: Arc<Mutex<Vec<Signal>>>,
    gaps: Arc<Mutex<Vec<Gap>>>,
}

impl Node {
    fn on(link: Arc<Link>) -> Self {
        let broadcast = RedisBroadcast::start(Arc::clone(&link), Arc::new(LocalBroadcast::default())).unwrap();
        let (heard, gaps): (Arc<Mutex<Vec<_>>>, Arc<Mutex<Vec<_>>>) = Default::default();
        let (hearing, missing) = (Arc::clone(&heard), Arc::clone(&gaps));
        broadcast.subscribe(Arc::new(move |signal| hearing.lock().unwrap().push(signal)));
        broadcast.when_missed(Arc::new(move |gap| missing.lock().unwrap().push(gap)));
        Self { link, broadcast, heard, gaps }
    }

    /// One that hears others.
    fn ready(server: &RedisServer) -> Self {
        Self::ready_on(server.link(SECRET))
    }

    fn ready_on(link: Arc<Link>) -> Self {
        let node = Self::on(link);
        eventually("a node hears others", || node.link.ping().is_ok());
        node
    }

    fn heard(&self) -> Vec<Signal> {
        self.heard.lock().unwrap().clone()
    }

    fn gaps(&self) -> Vec<Gap> {
        self.gaps.lock().unwrap().clone()
    }
}

fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "it takes too long until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn signal(number: u64) -> Signal {
    let except = number.is_multiple_of(2).then(|| Uuid::from_u128(4));
    Signal { seq: Some(number), except, ..Signal::new(Topic::Room(Uuid::from_u128(1)), format!("é {number}")) }
}

fn signals(numbers: std::ops::Range<u64>) -> Vec<Signal> {
    numbers.map(signal).collect()
}

#[test]
fn signals_reach_other_nodes_once_and_in_order() {
    let server = RedisServer::start();
    let [one, other] = [(); 2].map(|()| Node::ready(&server));
    let stranger = Node::on(server.link("the secret of another installation"));
    eventually("another installation listens", || stranger.link.ping().is_ok());
    for signal in signals(0..2_000) {
        one.broadcast.publish(signal);
    }
    assert_eq!(one.heard(), signals(0..2_000), "at once on its own node");
    eventually("the other node has heard all", || other.heard().len() >= 2_000);
    other.broadcast.publish(signal(2_000));
    eventually("it is answered", || one.heard().len() > 2_000);
    // What one has said oneself came back before the answer did, and was not heard again.
    assert_eq!((one.heard(), other.heard()), (signals(0..2_001), signals(0..2_001)));
    assert!(stranger.heard().is_empty(), "two installations do not meet");
}

#[test]
fn what_is_lost_while_redis_is_gone_is_noticed_by_everybody_afterwards() {
    let mut server = RedisServer::start();
    let [one, other] = [(); 2].map(|()| Node::ready(&server));
    one.broadcast.publish(signal(0));
    eventually("the other node hears it", || other.heard().len() == 1);
    let before = other.gaps().len();
    server.kill();
    eventually("it is noticed", || other.gaps().len() > before + 1);
    assert!(other.gaps().split_off(before).iter().all(|gap| *gap == Gap::Lasts));
    assert!(matches!(other.link.ping(), Err(StoreError::Unavailable(_))));
    let begun = Instant::now();
    for signal in signals(1..20_000) {
        one.broadcast.publish(signal);
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "nobody waits: {:?}", begun.elapsed());
    assert_eq!(one.heard().len(), 20_000, "the own node hears all");
    server.start_again();
    eventually("both hear each other again", || one.link.ping().is_ok() && other.link.ping().is_ok());
    eventually("they know that they may have missed something", || other.gaps().last() == Some(&Gap::Over));
    let begun = Instant::now();
    one.broadcast.publish(signal(20_000));
    eventually("what is said now arrives", || other.heard().last() == Some(&signal(20_000)));
    assert!(begun.elapsed() < Duration::from_secs(3));
    assert!(other.heard().len() < 20_000, "most of it was lost");
}

#[test]
fn a_node_that_cannot_be_heard_is_missed_by_those_who_hear_themselves() {
    let server = RedisServer::start();
    let (relay, url) = server.relay();
    let [far, near] = [server.link_at(url, SECRET), server.link(SECRET)].map(Node::ready_on);
    far.broadcast.publish(signal(0));
    eventually("the other node hears it", || near.heard().len() == 1);
    let before = near.gaps().len();
    relay.cut();
    far.broadcast.publish(signal(1));
    eventually("it is missed", || near.gaps().len() > before + 2);
    assert!(near.gaps().split_off(before).iter().all(|gap| *gap == Gap::Lasts), "{:?}", near.gaps());
    assert!(near.link.ping().is_ok() && far.link.ping().is_err(), "one of both has lost its link");
    relay.mend();
    eventually("both hear each other again", || far.link.ping().is_ok() && near.gaps().last() == Some(&Gap::Over));
    far.broadcast.publish(signal(2));
    eventually("what is said now arrives", || near.heard().last() == Some(&signal(2)));
    assert_eq!(near.heard(), [signal(0), signal(2)]);
}

#[test]
fn whoever_listens_late_is_told_that_there_are_others() {
    let server = RedisServer::start();
    let node = Node::ready(&server);
    let told = Arc::new(Mutex::new(Vec::new()));
    let telling = Arc::clone(&told);
    node.broadcast.when_missed(Arc::new(move |gap| telling.lock().unwrap().push(gap)));
    assert_eq!(*told.lock().unwrap(), [Gap::Over]);
}

#[test]
fn a_hole_is_noticed_by_whoever_hears_the_next_parcel() {
    let server = RedisServer::start();
    let [one, other] = [Node::ready_on(server.link_of("one", SECRET)), Node::ready(&server)];
    one.broadcast.publish(signal(0));
    eventually("the other node hears it", || other.heard().len() == 1);
    let before = other.gaps();
    // What it says now is lost, though both are connected all along.
    server.allow("one", "-publish");
    for signal in signals(1..4) {
        one.broadcast.publish(signal);
    }
    let failed = one.gaps().len();
    eventually("it was tried, and something after it", || one.gaps().len() > failed + 1);
    assert_eq!((other.heard().len(), other.gaps()), (1, before.clone()), "nothing shows the hole yet");
    server.allow("one", "+publish");
    eventually("it is noticed", || other.gaps().len() > before.len());
    assert_eq!(other.gaps()[before.len()], Gap::Over);
    one.broadcast.publish(signal(4));
    eventually("what is said now arrives", || other.heard().len() == 2);
    assert_eq!(other.heard(), [signal(0), signal(4)]);
    assert_eq!(other.gaps().len(), before.len() + 1, "once");
}

#[test]
fn what_cannot_be_read_is_told_once_a_second_at_most() {
    let server = RedisServer::start();
    let node = Node::ready(&server);
    let mut connection = server.connection();
    let channel: Vec<String> = redis::cmd("PUBSUB").arg("CHANNELS").query(&mut connection).unwrap();
    let mut flood = |first: u8, wanted: Gap| {
        let (begun, before) = (Instant::now(), node.gaps().len());
        while begun.elapsed() < Duration::from_millis(2_500) {
            redis::cmd("PUBLISH").arg(&channel[0]).arg(&[first, 7, 7]).exec(&mut connection).unwrap();
        }
        let told = node.gaps().split_off(before);
        assert!((1..5).contains(&told.iter().filter(|gap| **gap == wanted).count()), "{told:?}");
        told
    };
    // What nobody of the installation has sealed is a hole.
    assert!(flood(1, Gap::Over).iter().all(|gap| *gap == Gap::Over));
    // What another release says is read from the database for as long as it speaks.
    flood(2, Gap::Lasts);
    assert_eq!(node.gaps().last(), Some(&Gap::Lasts));
    eventually("it says nothing any more", || node.gaps().last() == Some(&Gap::Over));
}

fn actor() -> Actor {
    Actor { user: UserId(Uuid::from_u128(1)), role: Role::Employee, company: None, session: None }
}

fn bound(number: u8, most: u32) -> Bound {
    Bound { key: TallyKey([number; 16]), most }
}

fn now() -> Timestamp {
    "2027-01-04T09:00:00Z".parse().unwrap()
}

#[test]
fn what_one_node_keeps_another_finds() {
    let server = RedisServer::start();
    let [one, other] = [(); 2].map(|()| server.link(SECRET));
    let (digest, later) = (TokenDigest::of("ticket"), now() + SignedDuration::from_secs(30));
    tickets(&one).issue(digest, actor(), now(), later).unwrap();
    let stranger = server.link("the secret of another installation");
    assert_eq!(tickets(&stranger).take(digest, now()).unwrap(), None);
    let nodes = [&one, &other];
    let taken = at_once(16, |number| tickets(nodes[number % 2]).take(digest, now()).unwrap());
    assert_eq!(taken.into_iter().flatten().count(), 1);
    let counted = at_once(16, |number| {
        RedisTallies::new(Arc::clone(nodes[number % 2])).take(&[bound(1, 5)], WINDOW, now()).unwrap()
    });
    assert_eq!(counted.iter().filter(|taken| matches!(taken, Taken::Granted(..))).count(), 5);
}

#[test]
fn a_step_is_one_round_trip_and_nothing_is_kept_for_ever() {
    let server = RedisServer::start();
    let link = server.link(SECRET);
    let (tallies, tickets, calls) =
        (RedisTallies::new(Arc::clone(&link)), tickets(&link), RedisCalls::new(Arc::clone(&link)));
    let bounds = [bound(1, 9), bound(2, 9), bound(3, 9)];
    tallies.take(&bounds, WINDOW, now()).unwrap();
    let before = server.calls("evalsha");
    for _ in 0..5 {
        tallies.take(&bounds, WINDOW, now()).unwrap();
    }
    assert_eq!(server.calls("evalsha") - before, 5);
    // Releases before 7 count what `SCRIPT` is asked for together.
    assert_eq!(server.calls("script|load") + server.calls("script"), 1, "a script is sent once");
    let later = now() + SignedDuration::from_secs(30);
    tickets.issue(TokenDigest::of("ticket"), actor(), now(), later).unwrap();
    calls.begin(&call(1)).unwrap();
    calls.answer(call(1).id, Uuid::from_u128(77)).unwrap().unwrap();
    calls.begin(&call(2)).unwrap();
    calls.sweep(now(), SignedDuration::ZERO).unwrap();
    calls.begin(&call(3)).unwrap();
    let mut connection = server.connection();
    let found = server.dump();
    assert!(found.len() > 12, "{found:?}");
    for (key, content) in found {
        let left: i64 = redis::cmd("PTTL").arg(&key).query(&mut connection).unwrap();
        assert!(left > 0, "{key} is kept for ever");
        for person in [call(1).caller.0, call(1).callee.0, call(1).company.0] {
            let (id, text) = (person.as_bytes().as_slice(), person.to_string());
            let is_within = |needle: &[u8]| content.windows(needle.len()).any(|window| window == needle);
            assert!(!is_within(id) && !is_within(text.as_bytes()), "{key} says who");
        }
    }
}

#[test]
fn without_redis_a_node_does_what_it_can_alone() {
    let mut server = RedisServer::start();
    let link = server.link(SECRET);
    let tickets = tickets(&link);
    let shared = RedisTallies::new(Arc::clone(&link));
    let tallies = or_own(shared.clone());
    let (digest, later) = (TokenDigest::of("ticket"), now() + SignedDuration::from_secs(30));
    assert!(!tallies.is_at_hand());
    tickets.issue(digest, actor(), now(), later).unwrap();
    server.kill();
    // The first that asks finds out, the others do not wait.
    assert!(tickets.take(digest, now()).is_err());
    let begun = Instant::now();
    for _ in 0..1_000 {
        assert!(shared.take(&[bound(1, 3)], WINDOW, now()).is_err());
    }
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(tallies.is_at_hand(), "the node's own");
    let granted = (0..9).filter(|_| matches!(tallies.take(&[bound(1, 3)], WINDOW, now()), Ok((_, Taken::Granted(..)))));
    assert_eq!(granted.count(), 3, "nobody is refused for that, and nobody let through without end");
    tickets.issue(digest, actor(), now(), later).unwrap();
    assert_eq!(tickets.take(digest, now()).unwrap(), Some(actor()));
    assert!(matches!(RedisCalls::new(link).begin(&call(1)), Err(StoreError::Unavailable(_))));
}

#[test]
fn a_redis_that_answers_nothing_is_waited_for_once() {
    let server = RedisServer::start();
    let node = Node::ready(&server);
    let tallies = or_own(RedisTallies::new(Arc::clone(&node.link)));
    assert!(tallies.take(&[bound(1, 9)], WINDOW, now()).is_ok());
    server.freeze();
    let begun = Instant::now();
    for _ in 0..100 {
        assert!(tallies.take(&[bound(1, 9_999)], WINDOW, now()).is_ok());
    }
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    eventually("it is noticed", || node.gaps().last() == Some(&Gap::Lasts));
    server.thaw();
    eventually("it is found again", || node.link.ping().is_ok() && !tallies.is_at_hand());
}

/// The tallies of all nodes, or those of a node of its own.
fn or_own(shared: RedisTallies) -> SharedTallies {
    SharedTallies { of_all_nodes: Arc::new(shared), of_this_node: Arc::new(MemoryTallies::default()) }
}

#[test]
fn tallies_do_not_wait_for_a_redis_that_limps() {
    let server = RedisServer::start();
    let link = server.link(SECRET);
    let tallies = or_own(RedisTallies::new(Arc::clone(&link)));
    let take = || tallies.take(&[bound(1, 9)], WINDOW, now()).unwrap();
    let left = |taken: &Taken| match taken {
        Taken::Granted(standing, _) => standing.left,
        Taken::Refused(_) => panic!("it is not full"),
    };
    assert_eq!((left(&take().1), left(&take().1)), (8, 7));
    server.freeze();
    let begun = Instant::now();
    assert_eq!(left(&take().1), 8, "the node's own");
    assert!(tallies.is_at_hand(), "nobody waits for it any more");
    assert_eq!(left(&take().1), 7);
    assert!(begun.elapsed() < Duration::from_millis(600), "{:?}", begun.elapsed());
    server.thaw();
    link.ping_once().unwrap();
    assert!(tallies.is_at_hand(), "only tallies do without it, and for a while");
    eventually("it had its rest", || !tallies.is_at_hand());
    // What was asked of it when it stood still it may have done since.
    assert!(left(&take().1) < 7, "those of all nodes");
}
