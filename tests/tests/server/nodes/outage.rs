//! Many who talk over two nodes while Redis is gone for a minute: nothing is lost, nothing comes twice, and all is in
//! its order, for those who stay connected and for those who come back.
use std::{
    net::SocketAddr,
    thread::{scope, sleep},
    time::{Duration, Instant},
};

use huntzen_tests::{
    redis::RedisServer,
    scale,
    websocket::{Frame, WebSocket},
};
use serde_json::{Value, json};

use super::{Nodes, booked};
use crate::crowd::text;

/// Conversations at once, each of two people.
const ROOMS: usize = 8;
/// From one message of somebody to the next: far below the twenty events a second that a socket may send.
const PACE: Duration = Duration::from_millis(150);
/// How long it may take until everybody has everything, once all is said.
const PATIENCE: Duration = Duration::from_mins(1);

/// Somebody who stays connected, and takes what comes and nothing else.
struct Talker {
    socket: WebSocket,
    consultation: String,
    name: String,
    /// What came, by place.
    held: Vec<(u64, String)>,
}

impl Talker {
    fn joined(address: SocketAddr, token: &str, consultation: &str, name: String) -> Self {
        let mut socket = WebSocket::signed_in(address, "/chat", token);
        let answer = socket.ask("chat:join", &json!({ "consultationId": consultation }));
        assert_eq!(answer["code"], Value::Null, "{answer}");
        assert_eq!(socket.event("chat:history")["messages"], json!([]));
        Self { socket, consultation: consultation.to_owned(), name, held: Vec::new() }
    }

    /// Takes a frame; answers what it acknowledges.
    fn hear(&mut self) -> Option<String> {
        let frame: Value = match self.socket.hear() {
            Frame::Text(text) => serde_json::from_str(&text).unwrap(),
            Frame::Ping(content) => {
                self.socket.send_frame(0x8a, &content).unwrap();
                return None;
            }
            Frame::Pong(_) => return None,
            end @ (Frame::Close(_) | Frame::End) => panic!("{} is cut off: {end:?}", self.name),
        };
        match frame["event"].as_str().unwrap() {
            "chat:message:received" => {
                let seq = frame["data"]["seq"].as_u64().unwrap();
                let last = self.held.last().map_or(0, |(seq, _)| *seq);
                assert_eq!(seq, last + 1, "{} gets {seq} after {last}", self.name);
                self.held.push((seq, text(&frame["data"], "content")));
                None
            }
            "ack" => Some(text(&frame, "id")),
            "error" => panic!("{}: {frame}", self.name),
            _ => None,
        }
    }

    /// Says so many messages, each once the one before is acknowledged.
    fn talk(&mut self, count: usize) {
        for number in 1..=count {
            let id = format!("{} {number}", self.name);
            let message = json!({ "consultationId": self.consultation, "content": id });
            self.socket.send_event("chat:message", &id, &message).unwrap();
            let said = Instant::now();
            while self.hear().is_none_or(|acknowledged| acknowledged != id) {}
            sleep(PACE.saturating_sub(said.elapsed()));
        }
    }

    fn wait_for(&mut self, count: usize) {
        let begun = Instant::now();
        while self.held.len() < count {
            assert!(begun.elapsed() < PATIENCE, "{} has {} of {count}", self.name, self.held.len());
            self.hear();
        }
    }
}

/// Somebody who comes and goes, each time at the other node, and resumes where they were, until they hold so many.
fn visit(addresses: [SocketAddr; 2], token: &str, consultation: &str, count: usize) -> Vec<(u64, String)> {
    let mut held: Vec<(u64, String)> = Vec::new();
    let mut visits = 0;
    while held.len() < count {
        let mut socket = WebSocket::signed_in(addresses[visits % 2], "/chat", token);
        visits += 1;
        let after = held.last().map_or(0, |(seq, _)| *seq);
        let join = json!({ "consultationId": consultation, "afterSeq": after });
        socket.send_event("chat:join", "join", &join).unwrap();
        // A few messages after the history, then they go again without a word.
        let mut left = 8;
        while left > 0 && held.len() < count {
            let frame: Value = match socket.hear() {
                Frame::Text(text) => serde_json::from_str(&text).unwrap(),
                Frame::Ping(_) | Frame::Pong(_) => continue,
                end @ (Frame::Close(_) | Frame::End) => panic!("the visitor is cut off: {end:?}"),
            };
            let messages = match frame["event"].as_str().unwrap() {
                "chat:history" => frame["data"]["messages"].as_array().unwrap().clone(),
                "chat:message:received" => {
                    left -= 1;
                    vec![frame["data"].clone()]
                }
                "error" => panic!("the visitor: {frame}"),
                _ => Vec::new(),
            };
            for message in messages {
                let (seq, last) = (message["seq"].as_u64().unwrap(), held.last().map_or(0, |(seq, _)| *seq));
                assert_eq!(seq, last + 1, "the visitor gets {seq} after {last}");
                held.push((seq, text(&message, "content")));
            }
        }
    }
    assert!(visits > 2, "they stayed");
    held
}

#[test]
fn nothing_is_lost_nothing_comes_twice_and_all_is_in_order() {
    let mut nodes = Nodes::with(&[]);
    let mut redis = std::mem::replace(&mut nodes.redis, RedisServer::stopped());
    let servers = nodes.serve();
    let each = scale::rounds(10_000).div_ceil(2 * ROOMS);
    let outage = Duration::from_secs(scale::rounds(60).try_into().unwrap());
    let employees = nodes.employees(&servers[0], ROOMS / 2);
    let practitioners = nodes.practitioners(&servers[1], 2);
    let addresses = [servers[0].address(), servers[1].address()];
    let mut rooms = Vec::new();
    for number in 0..ROOMS {
        let (employee, practitioner) = (&employees[number / 2], &practitioners[number % 2]);
        // Far apart, so that nobody is in two places.
        let consultation = booked(&servers[0], employee, practitioner, 6 * number);
        let [marc, sophie] = [(0, employee, "employee"), (1, &practitioner.token, "practitioner")].map(
            |(node, token, name): (usize, &String, &str)| {
                Talker::joined(addresses[node], token, &consultation, format!("{name} of room {number}"))
            },
        );
        rooms.push([marc, sophie]);
    }
    let (visited, token) = (rooms[0][0].consultation.clone(), practitioners[0].token.clone());
    let seen = scope(|scope| {
        for talker in rooms.iter_mut().flatten() {
            scope.spawn(move || {
                talker.talk(each);
                talker.wait_for(2 * each);
            });
        }
        let visitor = scope.spawn(|| visit(addresses, &token, &visited, 2 * each));
        sleep(outage / 4);
        redis.kill();
        sleep(outage);
        redis.start_again();
        visitor.join().unwrap()
    });
    assert_eq!(seen, rooms[0][0].held, "whoever comes back misses nothing");
    let mut total = 0;
    for [employee, practitioner] in &rooms {
        assert_eq!(employee.held, practitioner.held);
        for talker in [employee, practitioner] {
            let theirs = employee.held.iter().filter(|(_, text)| text.starts_with(&talker.name));
            let said = (1..=each).map(|number| format!("{} {number}", talker.name));
            assert!(theirs.map(|(_, text)| text.clone()).eq(said), "{}: lost, twice or out of order", talker.name);
        }
        total += employee.held.len();
    }
    assert_eq!(total, 2 * ROOMS * each);
    assert!(total >= scale::rounds(10_000));
}
