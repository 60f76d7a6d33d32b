//! Calls over two nodes of which one is killed, and over a Redis that stops, comes back, or forgets.
use std::{thread::sleep, time::Duration};

use huntzen_tests::{redis::RedisServer, server::Server, websocket::WebSocket};
use serde_json::{Value, json};

use super::{Couple, Nodes, eventually, socket};

/// How soon somebody hears that a call is over whose node, or Redis, had to be missed first.
const SOON: Duration = Duration::from_secs(40);

/// Two people on two nodes, in whose consultation it is time to talk.
struct Talk {
    marc: WebSocket,
    phone: WebSocket,
    couple: Couple,
}

impl Talk {
    fn on(nodes: &Nodes, [one, other]: [&Server<'_>; 2]) -> Self {
        let couple = nodes.couple(one);
        nodes.begin(&couple.consultation);
        let marc = socket(one, "/audio-call", &couple.employee);
        let phone = socket(other, "/audio-call", &couple.practitioner.token);
        Self { marc, phone, couple }
    }

    /// What is asked to call.
    fn consultation(&self) -> Value {
        json!({ "consultationId": self.couple.consultation })
    }

    /// The employee calls.
    fn ring(&mut self) -> Value {
        let consultation = self.consultation();
        let call = done(&mut self.marc, "call:initiate", &consultation);
        assert_eq!(self.phone.event("call:incoming")["callId"], call["callId"]);
        json!({ "callId": call["callId"] })
    }

    /// A call that goes on.
    fn talk(&mut self) -> Value {
        let call = self.ring();
        done(&mut self.phone, "call:accept", &call);
        assert_eq!(self.marc.event("call:accepted"), call);
        call
    }

    /// They call each other as if nothing had been.
    fn can_call_again(&mut self) {
        let call = self.talk();
        done(&mut self.marc, "call:end", &call);
        assert_eq!(self.phone.event("call:ended"), call);
    }
}

fn done(socket: &mut WebSocket, event: &str, data: &Value) -> Value {
    let answer = socket.ask(event, data);
    assert_eq!(answer["code"], Value::Null, "{event} {data}: {answer}");
    answer
}

/// A device is told that this call is over, and of no other one.
fn is_told(device: &mut WebSocket, call: &Value) {
    let mut told = Vec::new();
    eventually("it is told", SOON, || {
        told = device.events_so_far("call:ended");
        !told.is_empty()
    });
    // Both nodes look every few seconds; when they do at the same moment, it is told by both.
    sleep(Duration::from_secs(7));
    told.extend(device.events_so_far("call:ended"));
    assert!(told.len() <= 2 && told.iter().all(|told| told == call), "{told:?}");
}

#[test]
fn who_talks_to_a_node_that_is_killed_is_told() {
    let nodes = Nodes::with(&[]);
    let [first, second] = nodes.serve();
    let mut talk = Talk::on(&nodes, [&first, &second]);
    let call = talk.talk();
    first.kill();
    let again = talk.consultation();
    assert_eq!(talk.phone.ask("call:initiate", &again)["code"], "call_in_progress", "nobody knows yet");
    is_told(&mut talk.phone, &call);
    assert_eq!(talk.phone.ask("call:end", &call)["code"], "not_found");
    talk.marc = socket(&second, "/audio-call", &talk.couple.employee);
    talk.can_call_again();
}

#[test]
fn a_device_that_goes_while_redis_answers_nothing_ends_its_call_afterwards() {
    let nodes = Nodes::with(&[]);
    let servers = nodes.serve();
    let mut talk = Talk::on(&nodes, [&servers[0], &servers[1]]);
    let call = talk.talk();
    nodes.redis.freeze();
    let gone = std::mem::replace(&mut talk.marc, socket(&servers[0], "/audio-call", &talk.couple.employee));
    drop(gone);
    sleep(Duration::from_secs(4));
    assert!(talk.phone.events_so_far("call:ended").is_empty(), "nobody can tell it");
    nodes.redis.thaw();
    is_told(&mut talk.phone, &call);
    talk.can_call_again();
}

#[test]
fn a_call_that_may_have_begun_when_redis_stopped_is_none() {
    let nodes = Nodes::with(&[]);
    let servers = nodes.serve();
    let mut talk = Talk::on(&nodes, [&servers[0], &servers[1]]);
    nodes.redis.freeze();
    // It arrives where it is carried out once Redis goes on; nobody waits for that.
    let consultation = talk.consultation();
    let code = talk.marc.ask("call:initiate", &consultation)["code"].clone();
    assert!(code == "unavailable" || code == "overloaded", "{code}");
    nodes.redis.thaw();
    eventually("the consultation can be called", Duration::from_secs(15), || {
        talk.phone.ask("call:initiate", &consultation)["code"] == Value::Null
    });
    talk.phone.events_so_far("call:missed");
    let call = talk.marc.event("call:incoming");
    done(&mut talk.marc, "call:accept", &json!({ "callId": call["callId"] }));
    assert!(talk.phone.events_so_far("call:incoming").is_empty(), "it never rang");
}

#[test]
fn a_call_goes_on_through_a_redis_that_answers_nothing_for_long() {
    let nodes = Nodes::with(&[]);
    let servers = nodes.serve();
    let mut talk = Talk::on(&nodes, [&servers[0], &servers[1]]);
    let call = talk.talk();
    nodes.redis.freeze();
    // No node has said for so long that it is there.
    sleep(Duration::from_secs(17));
    nodes.redis.thaw();
    sleep(Duration::from_secs(10));
    for device in [&mut talk.marc, &mut talk.phone] {
        assert_eq!(device.events_so_far("call:ended"), Vec::<Value>::new());
    }
    let offer = json!({ "callId": call["callId"], "sdp": "v=0" });
    done(&mut talk.marc, "webrtc:offer", &offer);
    assert_eq!(talk.phone.event("webrtc:offer"), offer);
    done(&mut talk.marc, "call:end", &call);
    assert_eq!(talk.phone.event("call:ended"), call);
}

#[test]
fn what_a_redis_forgets_that_starts_again_is_over_and_told() {
    let mut nodes = Nodes::with(&[]);
    let mut redis = std::mem::replace(&mut nodes.redis, RedisServer::stopped());
    let servers = nodes.serve();
    let mut talk = Talk::on(&nodes, [&servers[0], &servers[1]]);
    let mut forget = || {
        redis.kill();
        redis.start_again();
    };
    // One that rings, of which nobody says anything any more.
    let call = talk.ring();
    forget();
    for device in [&mut talk.marc, &mut talk.phone] {
        is_told(device, &call);
    }
    // One that goes on.
    let call = talk.talk();
    forget();
    for device in [&mut talk.marc, &mut talk.phone] {
        is_told(device, &call);
    }
    // And one that is ended before anybody has looked.
    let call = talk.talk();
    forget();
    eventually("redis is found", Duration::from_secs(10), || {
        let code = talk.marc.ask("call:end", &call)["code"].clone();
        assert_ne!(code, "not_found");
        code == Value::Null
    });
    is_told(&mut talk.phone, &call);
    talk.can_call_again();
}
