//! Two people who talk while the server is killed again and again.
use std::{
    net::SocketAddr,
    thread::{scope, sleep},
    time::Duration,
};

use huntzen_tests::{
    client::Client,
    scale::rounds,
    server::DataFolder,
    websocket::{Frame, WebSocket},
};
use serde_json::{Value, json};

use crate::crowd::{Dice, book, employees, free_slots, practitioners, text};

/// Messages that each says in a round.
const SAID: usize = 8;

/// One side of a conversation: what it holds, and what it has said without an answer so far.
struct Speaker {
    token: String,
    name: &'static str,
    consultation: String,
    /// What it holds, by place.
    held: Vec<(u64, String)>,
    /// What is not acknowledged yet, by the id that its device gave it.
    unanswered: Vec<(String, String)>,
    said: usize,
}

impl Speaker {
    fn last(&self) -> u64 {
        self.held.last().map_or(0, |(seq, _)| *seq)
    }

    /// Takes a message that comes: the next one, or one that it never should get.
    fn take(&mut self, message: &Value) {
        let seq = message["seq"].as_u64().unwrap();
        assert_eq!(seq, self.last() + 1, "{} gets {message} after {}", self.name, self.last());
        self.held.push((seq, text(message, "content")));
    }

    /// Takes a frame; answers whether the history has come with it.
    fn hear(&mut self, frame: &Value) -> bool {
        let data = &frame["data"];
        match frame["event"].as_str().unwrap() {
            "chat:history" => {
                for message in data["messages"].as_array().unwrap() {
                    self.take(message);
                }
                assert_eq!(data["nextCursor"], Value::Null, "a round has less than a hundred messages");
                return true;
            }
            "chat:message:received" => self.take(data),
            "ack" => self.unanswered.retain(|(id, _)| *id != frame["id"]),
            "error" => panic!("{}: {frame}", self.name),
            _ => {}
        }
        false
    }

    /// Joins, says again what was not answered, goes on saying, until the connection dies or all is
    /// said and answered.
    fn talk(&mut self, address: SocketAddr, until: usize) {
        let Ok(mut socket) = std::panic::catch_unwind(|| WebSocket::signed_in(address, "/chat", &self.token)) else {
            return;
        };
        let join = json!({ "consultationId": self.consultation, "afterSeq": self.last() });
        if socket.send_event("chat:join", "join", &join).is_err() {
            return;
        }
        let mut has_joined = false;
        loop {
            if has_joined && self.unanswered.is_empty() {
                if self.said == until {
                    return;
                }
                self.said += 1;
                let id = format!("{}-{}", self.name, self.said);
                self.unanswered.push((id, format!("{} {}", self.name, self.said)));
                if self.say(&mut socket).is_err() {
                    return;
                }
            }
            match socket.hear() {
                Frame::Text(text) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    if self.hear(&frame) {
                        has_joined = true;
                        if self.say(&mut socket).is_err() {
                            return;
                        }
                    }
                }
                Frame::Ping(_) | Frame::Pong(_) => {}
                Frame::Close(_) | Frame::End => return,
            }
        }
    }

    fn say(&self, socket: &mut WebSocket) -> std::io::Result<()> {
        self.unanswered.iter().try_for_each(|(id, content)| {
            let message = json!({ "consultationId": self.consultation, "content": content });
            socket.send_event("chat:message", id, &message)
        })
    }

    /// Reads what it misses, and nothing else.
    fn catch_up(&mut self, address: SocketAddr) {
        let mut socket = WebSocket::signed_in(address, "/chat", &self.token);
        loop {
            socket.ask("chat:join", &json!({ "consultationId": self.consultation, "afterSeq": self.last() }));
            let history = socket.event("chat:history");
            let messages = history["messages"].as_array().unwrap();
            for message in messages {
                self.take(message);
            }
            if messages.len() < 100 {
                return;
            }
        }
    }
}

#[test]
fn two_who_talk_while_the_server_is_killed_hold_the_same_in_the_end() {
    let folder = DataFolder::seeded().with("HUNTZEN__CHAT__OPEN_HOURS_BEFORE", "2160");
    let mut server = folder.serve();
    let employee = employees(&folder, &server, 1).remove(0);
    let practitioner = practitioners(&folder, &server, 1).remove(0);
    let mut client = Client::new(server.address()).with_token(employee.clone());
    let start = free_slots(&mut client, &practitioner.id, 30).remove(0);
    let consultation = text(&book(&mut client, &practitioner.id, &start).unwrap().json(), "id");
    let mut speakers = [("employee", employee), ("practitioner", practitioner.token)].map(|(name, token)| Speaker {
        token,
        name,
        consultation: consultation.clone(),
        held: Vec::new(),
        unanswered: Vec::new(),
        said: 0,
    });
    let mut dice = Dice::new(11);
    let kills = rounds(20).max(3);
    for round in 1..=kills {
        scope(|scope| {
            let address = server.address();
            for speaker in &mut speakers {
                scope.spawn(move || speaker.talk(address, round * SAID));
            }
            sleep(Duration::from_millis(20 + u64::try_from(dice.below(180)).unwrap()));
            server.kill();
        });
        server = folder.serve();
    }
    let address = server.address();
    // Whoever was cut short says the rest, and again what was not answered; then both catch up.
    for speaker in &mut speakers {
        // A device has an allowance of events; the next one has another.
        while speaker.said < kills * SAID || !speaker.unanswered.is_empty() {
            speaker.catch_up(address);
            speaker.talk(address, kills * SAID);
        }
    }
    for speaker in &mut speakers {
        speaker.catch_up(address);
    }
    let [employee, practitioner] = &speakers;
    assert_eq!(employee.held, practitioner.held);
    let places: Vec<u64> = employee.held.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(places, (1..=places.len() as u64).collect::<Vec<_>>());
    for speaker in &speakers {
        let theirs: Vec<&str> =
            employee.held.iter().map(|(_, text)| text.as_str()).filter(|text| text.starts_with(speaker.name)).collect();
        let said: Vec<String> = (1..=kills * SAID).map(|number| format!("{} {number}", speaker.name)).collect();
        assert_eq!(theirs, said, "none lost, none twice, in order");
    }
}
