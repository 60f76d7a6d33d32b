//! Calls whose node is gone, that Redis has lost, or whose answer was.
use std::{sync::Arc, thread::sleep, time::Duration};

use huntzen_adapter_redis::RedisCalls;
use huntzen_clinical::{
    call::{Begun, Call, Calls, RINGS_FOR, Swept},
    ids::{CallId, ConsultationId},
};
use huntzen_tenancy::ids::{CompanyId, UserId};
use huntzen_tests::{
    contracts::{at_once, calls},
    redis::RedisServer,
};
use jiff::SignedDuration;
use uuid::Uuid;

use super::{Node, SECRET, eventually, now};

const RINGS: Begun = Begun::Rings { instead_of: None };

/// A call of this number, by the device ten times this number.
pub(super) fn call(number: u128) -> Call {
    Call {
        id: CallId(Uuid::from_u128(number)),
        consultation: ConsultationId(Uuid::from_u128(100 + number)),
        company: CompanyId(Uuid::from_u128(0xc0_ffee_0000_0000_0000_0001)),
        employee: UserId(Uuid::from_u128(0xc0_ffee_0000_0000_0000_0002)),
        caller: UserId(Uuid::from_u128(0xc0_ffee_0000_0000_0000_0002)),
        caller_device: Uuid::from_u128(10 * number),
        callee: UserId(Uuid::from_u128(0xc0_ffee_0000_0000_0000_0003)),
        callee_device: None,
        began_at: now(),
    }
}

fn nodes(server: &RedisServer) -> [RedisCalls; 2] {
    [(); 2].map(|()| RedisCalls::new(server.link(SECRET)))
}

fn sweep(calls: &RedisCalls) -> Swept {
    calls.sweep(now(), RINGS_FOR).unwrap()
}

/// The keys whose names end like this.
fn keys(server: &RedisServer, end: &str) -> Vec<String> {
    redis::cmd("KEYS").arg(format!("*:{end}")).query(&mut server.connection()).unwrap()
}

/// Nobody says any more that any node is there.
fn forget_nodes(server: &RedisServer) {
    redis::cmd("DEL").arg(keys(server, "node:*")).exec(&mut server.connection()).unwrap();
}

/// Somebody has asked for so long without a pause.
fn has_watched(server: &RedisServer, seconds: i64) {
    for key in keys(server, "calls:watched") {
        redis::cmd("DECRBY").arg(key).arg(seconds * 1_000_000).exec(&mut server.connection()).unwrap();
    }
}

fn lose_everything(server: &RedisServer) {
    redis::cmd("FLUSHALL").exec(&mut server.connection()).unwrap();
}

#[test]
fn a_missed_call_is_swept_until_it_is_recorded() {
    let server = RedisServer::start();
    let one = RedisCalls::new(server.link(SECRET));
    let lapse = || {
        for key in keys(&server, "calls:missed") {
            let mut connection = server.connection();
            let ids: Vec<String> = redis::cmd("ZRANGE").arg(&key).arg(0).arg(-1).query(&mut connection).unwrap();
            for id in ids {
                redis::cmd("ZINCRBY").arg(&key).arg(-11_000_000).arg(id).exec(&mut connection).unwrap();
            }
        }
    };
    calls::a_missed_call_is_swept_until_it_is_recorded(&one, lapse);
}

#[test]
fn a_missed_call_is_left_to_the_node_that_is_told_of_it() {
    let server = RedisServer::start();
    let [one, other] = nodes(&server);
    assert_eq!(one.begin(&call(1)).unwrap(), RINGS);
    let swept = at_once(8, |number| [&one, &other][number % 2].sweep(now(), SignedDuration::ZERO).unwrap().missed);
    assert_eq!(swept.concat(), [call(1)]);
}

#[test]
fn how_long_a_call_rings_is_told_by_the_clock_of_redis() {
    let server = RedisServer::start();
    let [one, other] = nodes(&server);
    // By a clock that is far behind; another's is far ahead.
    assert_eq!(one.begin(&call(1)).unwrap(), RINGS);
    assert_eq!(other.sweep(now() + SignedDuration::from_hours(24 * 365), RINGS_FOR).unwrap(), Swept::default());
    assert_eq!(one.find(call(1).id).unwrap(), Some(call(1)));
}

#[test]
fn a_call_of_a_node_that_is_gone_makes_room() {
    let server = RedisServer::start();
    let (one, other) = (Node::ready(&server), server.link(SECRET));
    let [gone, left] = [Arc::clone(&one.link), other].map(RedisCalls::new);
    let first = call(1);
    assert_eq!(gone.begin(&first).unwrap(), RINGS);
    let answered = left.answer(first.id, Uuid::from_u128(77)).unwrap().unwrap();
    let second = Call { id: CallId(Uuid::from_u128(2)), ..first.clone() };
    assert_eq!(left.begin(&second).unwrap(), Begun::InProgress, "its node is there");
    drop(one);
    forget_nodes(&server);
    assert_eq!(left.begin(&second).unwrap(), Begun::Rings { instead_of: Some(answered) });
    assert_eq!((left.find(first.id).unwrap(), left.find(second.id).unwrap()), (None, Some(second)));
}

#[test]
fn what_a_node_leaves_behind_is_swept_by_another() {
    let server = RedisServer::start();
    let [gone, left] = nodes(&server);
    assert_eq!(gone.begin(&call(1)).unwrap(), RINGS);
    let answered = left.answer(call(1).id, Uuid::from_u128(77)).unwrap().unwrap();
    assert_eq!(left.begin(&call(2)).unwrap(), RINGS);
    assert_eq!(sweep(&left), Swept::default());
    has_watched(&server, 6);
    assert_eq!(sweep(&left), Swept::default(), "both are there");
    forget_nodes(&server);
    assert_eq!(left.begin(&call(3)).unwrap(), RINGS, "this one says so again");
    let swept = at_once(8, |_| sweep(&left).left_behind);
    assert_eq!(swept.concat(), [answered]);
    assert_eq!(left.find(call(1).id).unwrap(), None);
    assert!(left.find(call(2).id).unwrap().is_some());
}

#[test]
fn nobody_is_taken_for_gone_while_nobody_could_say_that_they_are_there() {
    let server = RedisServer::start();
    let [one, other] = nodes(&server);
    assert_eq!(one.begin(&call(1)).unwrap(), RINGS);
    sweep(&other);
    has_watched(&server, 6);
    // As after Redis has not answered for a while.
    for end in ["node:*", "calls:watched"] {
        redis::cmd("DEL").arg(keys(&server, end)).exec(&mut server.connection()).unwrap();
    }
    assert_eq!(sweep(&other), Swept::default());
    assert_eq!(sweep(&other), Swept::default());
    assert!(one.find(call(1).id).unwrap().is_some());
}

#[test]
fn a_call_that_redis_has_lost_is_ended_once_by_the_node_that_is_in_it() {
    let server = RedisServer::start();
    let [one, other] = nodes(&server);
    for number in 1..=3 {
        assert_eq!(one.begin(&call(number)).unwrap(), RINGS);
    }
    let answered = other.answer(call(3).id, Uuid::from_u128(77)).unwrap().unwrap();
    lose_everything(&server);
    assert_eq!(other.find(call(1).id).unwrap(), None);
    assert_eq!(other.end(call(1).id).unwrap(), None, "it has no part in it");
    assert_eq!(one.find(call(1).id).unwrap(), Some(call(1)));
    assert_eq!(at_once(8, |_| one.end(call(1).id).unwrap()).into_iter().flatten().collect::<Vec<_>>(), [call(1)]);
    assert_eq!(one.find(call(1).id).unwrap(), None);
    assert_eq!(one.end_of_device(call(2).caller_device).unwrap(), [call(2)]);
    assert_eq!(one.end_of_device(call(2).caller_device).unwrap(), []);
    assert_eq!(other.end_ringing(call(3).id).unwrap(), None, "it was answered");
    assert_eq!(other.end(call(3).id).unwrap(), Some(answered));
}

#[test]
fn a_call_that_redis_knows_no_more_is_found_to_be_over() {
    let server = RedisServer::start();
    let [one, other] = nodes(&server);
    for number in 1..=3 {
        assert_eq!(one.begin(&call(number)).unwrap(), RINGS);
    }
    // One was ended, and it was told so here; of another the telling was lost; the third goes on.
    other.end(call(1).id).unwrap().unwrap();
    one.is_over(call(1).id);
    other.end(call(2).id).unwrap().unwrap();
    assert_eq!(sweep(&one), Swept::default(), "it may be told in a moment");
    let mut over = Vec::new();
    let begun = std::time::Instant::now();
    while over.is_empty() && begun.elapsed() < Duration::from_secs(15) {
        sleep(Duration::from_millis(100));
        over = sweep(&one).left_behind;
    }
    assert_eq!(over, [call(2)]);
    sleep(Duration::from_secs(4));
    assert_eq!(sweep(&one), Swept::default());
    assert!(one.find(call(3).id).unwrap().is_some());
}

#[test]
fn what_could_not_be_tried_leaves_nothing_behind() {
    let mut server = RedisServer::start();
    let node = Node::ready(&server);
    let calls = RedisCalls::new(Arc::clone(&node.link));
    server.kill();
    eventually("it is noticed", || !calls.is_in_reach());
    assert!(calls.begin(&call(1)).is_err());
    assert_eq!(calls.end_of_device(call(1).caller_device).unwrap(), [], "nobody is asked about a device without calls");
    server.start_again();
    eventually("it is found again", || calls.is_in_reach());
    assert_eq!(calls.find(call(1).id).unwrap(), None);
}
