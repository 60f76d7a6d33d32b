//! Two people on two nodes: what they say, do and are told, and what a third party sees of it.
use std::time::Duration;

use huntzen_tests::{server::Server, websocket::WebSocket};
use serde_json::{Value, json};

use super::{Couple, Nodes, eventually, socket};
use crate::{
    crowd::text,
    secrecy::{SONG, Search},
};

/// Opens a socket with a ticket that one server has issued at another.
fn with_ticket(issuer: &Server<'_>, opener: &Server<'_>, path: &str, token: &str) -> WebSocket {
    let ticket = issued(issuer, token);
    let path = format!("{path}?ticket={ticket}");
    let socket = WebSocket::open(opener.address(), &path, &[]).unwrap();
    for server in [issuer, opener] {
        assert_eq!(WebSocket::open(server.address(), &path, &[]).unwrap_err().status, 401, "it was used");
    }
    socket
}

fn issued(server: &Server<'_>, token: &str) -> String {
    let answer = server.client().with_token(token).send("POST", "/auth/ws-ticket", Some(&json!({}))).unwrap();
    text(&answer.json(), "ticket")
}

fn done(socket: &mut WebSocket, event: &str, data: &Value) -> Value {
    let answer = socket.ask(event, data);
    assert_eq!(answer["code"], Value::Null, "{event} {data}: {answer}");
    answer
}

#[test]
fn a_conversation_crosses_nodes_and_redis_reads_none_of_it() {
    let nodes = Nodes::with(&[]);
    let servers = nodes.serve();
    let Couple { employee, practitioner, consultation } = nodes.couple(&servers[0]);
    let overheard = nodes.redis.overhear();
    let room = json!({ "consultationId": consultation });
    // Each is told a ticket by the node that the other is on.
    let mut marc = with_ticket(&servers[1], &servers[0], "/chat", &employee);
    let mut sophie = with_ticket(&servers[0], &servers[1], "/chat", &practitioner.token);
    done(&mut marc, "chat:join", &room);
    marc.event("chat:history");
    let mut client = servers[1].client().with_token(practitioner.token.clone());
    let mut told = || {
        let inbox = client.send("GET", "/notifications?type=MESSAGE_RECEIVED", None).unwrap().json();
        inbox["items"].as_array().unwrap().len()
    };
    let before = told();
    // Each node knows who is in the room on the other.
    eventually("it is known", Duration::from_secs(15), || {
        done(&mut sophie, "chat:join", &room)["otherIsOnline"] == true
    });
    assert_eq!(marc.event("chat:presence")["isOnline"], true);

    done(&mut marc, "chat:typing", &json!({ "consultationId": consultation, "isTyping": true }));
    assert_eq!(sophie.event("chat:typing")["isTyping"], true);
    for number in 1..=3 {
        let content = format!("{SONG}{number}");
        let said = done(&mut marc, "chat:message", &json!({ "consultationId": consultation, "content": content }));
        let heard = sophie.event("chat:message:received");
        assert_eq!((&heard["content"], &heard["seq"]), (&json!(content), &json!(number)));
        assert_eq!((&heard["id"], &heard["createdAt"]), (&said["id"], &said["createdAt"]));
        assert_eq!(marc.event("chat:message:received")["id"], said["id"], "one's own comes once");
    }
    assert_eq!(told(), before, "nobody is told in the inbox of what they have just heard");
    let mut client = servers[1].client().with_token(practitioner.token.clone());
    let said = json!({ "content": format!("{SONG}of another kind") });
    assert_eq!(client.send("POST", &format!("/chat/{consultation}/messages"), Some(&said)).unwrap().status, 201);
    assert_eq!(marc.event("chat:message:received")["seq"], 4);
    done(&mut sophie, "chat:read", &json!({ "consultationId": consultation, "upToSeq": 3 }));
    assert_eq!(marc.event("chat:read:updated")["upToSeq"], 3);
    done(&mut sophie, "chat:leave", &room);
    assert_eq!(marc.event("chat:presence")["isOnline"], false);

    let mut search = Search::new();
    search.look_for(&consultation);
    let seen = [overheard.plain_until_now(), nodes.redis.snapshot()];
    assert!(contains(&seen[0], b"PUBLISH"), "Redis was not asked at all");
    assert_eq!(seen.map(|seen| search.within(&seen)), [Vec::<&str>::new(), Vec::new()], "it was told what, or where");
}

fn contains(text: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(text, needle).is_some()
}

#[test]
fn a_call_crosses_nodes() {
    let nodes = Nodes::with(&[]);
    let servers = nodes.serve();
    let Couple { employee, practitioner, consultation } = nodes.couple(&servers[0]);
    nodes.begin(&consultation);
    let [one, other] = [&servers[0], &servers[1]];
    let mut marc = socket(one, "/audio-call", &employee);
    let [mut phone, mut laptop] = [other, one].map(|server| socket(server, "/audio-call", &practitioner.token));
    let begun = done(&mut marc, "call:initiate", &json!({ "consultationId": consultation }));
    let id = json!({ "callId": begun["callId"] });
    for device in [&mut phone, &mut laptop] {
        assert_eq!(device.event("call:incoming")["callId"], begun["callId"]);
    }
    let again = marc.ask("call:initiate", &json!({ "consultationId": consultation }));
    assert_eq!(again["code"], "call_in_progress");
    // The first device wins, whichever node it is on.
    done(&mut phone, "call:accept", &id);
    assert_eq!(laptop.event("call:taken"), id);
    assert_eq!(marc.event("call:accepted"), id);
    assert_eq!(laptop.ask("call:accept", &id)["code"], "not_found");
    let overheard = nodes.redis.overhear();
    let offer = json!({ "callId": begun["callId"], "sdp": format!("v=0 {SONG}") });
    done(&mut marc, "webrtc:offer", &offer);
    assert_eq!(phone.event("webrtc:offer"), offer);
    done(&mut phone, "webrtc:answer", &offer);
    assert_eq!(marc.event("webrtc:answer"), offer);
    let candidate = json!({ "callId": begun["callId"], "candidate": null });
    done(&mut phone, "webrtc:ice-candidate", &candidate);
    assert_eq!(marc.event("webrtc:ice-candidate"), candidate);
    assert_eq!(laptop.ask("webrtc:offer", &offer)["code"], "not_found", "a third device has no part in it");
    let seen = overheard.plain_until_now();
    assert!(contains(&seen, b"PUBLISH") && Search::new().within(&seen).is_empty(), "Redis was told how they call");
    done(&mut phone, "call:end", &id);
    assert_eq!(marc.event("call:ended"), id);

    // A device that goes ends its call, whichever node the other is on.
    let begun = done(&mut marc, "call:initiate", &json!({ "consultationId": consultation }));
    assert_eq!(phone.event("call:incoming")["callId"], begun["callId"]);
    drop(marc);
    assert_eq!(phone.event("call:ended")["callId"], begun["callId"]);
}

#[test]
fn a_call_that_nobody_answers_is_told_once() {
    let nodes = Nodes::with(&[]);
    let servers = nodes.serve();
    let Couple { employee, practitioner, consultation } = nodes.couple(&servers[0]);
    nodes.begin(&consultation);
    let mut marc = socket(&servers[0], "/audio-call", &employee);
    let [mut phone, mut laptop] =
        [&servers[1], &servers[0]].map(|server| socket(server, "/audio-call", &practitioner.token));
    let begun = done(&mut marc, "call:initiate", &json!({ "consultationId": consultation }));
    // Both nodes look every second.
    std::thread::sleep(Duration::from_secs(3));
    assert!(marc.events_so_far("call:missed").is_empty(), "it rings");
    nodes.has_rung(46);
    let mut told = Vec::new();
    eventually("it is missed", Duration::from_secs(10), || {
        told = marc.events_so_far("call:missed");
        !told.is_empty()
    });
    // Another look of each node.
    std::thread::sleep(Duration::from_secs(3));
    told.extend(marc.events_so_far("call:missed"));
    assert_eq!(told.len(), 1, "{told:?}");
    for device in [&mut phone, &mut laptop] {
        let told = device.events_so_far("call:missed");
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0]["callId"], begun["callId"]);
    }
    let mut client = servers[1].client().with_token(practitioner.token.clone());
    let inbox = client.send("GET", "/notifications?type=CALL_MISSED", None).unwrap().json();
    assert_eq!(inbox["items"].as_array().unwrap().len(), 1, "{inbox}");
}

#[test]
fn an_inbox_is_in_step_on_both_nodes() {
    let nodes = Nodes::with(&[]);
    let servers = nodes.serve();
    let Couple { practitioner, employee, .. } = nodes.couple(&servers[0]);
    let mut devices =
        [&servers[0], &servers[1]].map(|server| socket(server, "/notifications/live", &practitioner.token));
    // Both listen before something is new.
    for device in &mut devices {
        device.events_so_far("notification:new");
    }
    let consultation = super::booked(&servers[0], &employee, &practitioner, 3);
    let ids = devices.each_mut().map(|device| {
        loop {
            let told = device.event("notification:new");
            if told["notification"]["data"]["consultationId"] == json!(consultation) {
                break text(&told["notification"], "id");
            }
        }
    });
    assert_eq!(ids[0], ids[1]);
    let mut client = servers[0].client().with_token(practitioner.token.clone());
    let path = format!("/notifications/{}/read", ids[0]);
    assert!(client.send("PUT", &path, Some(&json!({}))).unwrap().status < 300);
    for device in &mut devices {
        assert_eq!(device.event("notification:read")["id"], json!(ids[0]));
    }
}
