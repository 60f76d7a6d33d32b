//! Who opens which socket, who may say what on it, and who is told what.
//!
//! Two tables in the columns of the matrix. In the first a cell is the status of a refused upgrade;
//! 200 where the socket opens and the event is acknowledged, 404 where the answer is `not_found`. In
//! the second it is 1 for whoever is told, 0 for whoever listens and is not.
use std::collections::{BTreeMap, BTreeSet};

use huntzen_app::{call::tell_missed, http::operations, realtime::watch::Watch};
use huntzen_tenancy::{clock::Clock, notifications::NotificationType};
use huntzen_tests::{
    api::{ApiWorld, Listening},
    contracts::notifications::notified,
    websocket::WebSocket,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    table::{COLUMNS, Row, Who, rows_of},
    troupe::{Stage, Troupe},
};

/// Who may say what. A typist has tried to join before. A call rings from the one who is named, on a
/// socket of theirs; an answered one has been answered on a socket of the practitioner's.
const SAID: &str = "
#                                         |                          |  -    S   A   H   H2  H*  P   P*  E   E2  E*
/chat               opening              | -                        | 401 403 403 403 403 403 200 200 200 200 200
/chat               chat:join            | conversation             | 401 403 403 403 403 403 200 404 200 404 404
/chat               chat:leave           | conversation             | 401 403 403 403 403 403 200 200 200 200 200
/chat               chat:message         | conversation             | 401 403 403 403 403 403 200 404 200 404 404
/chat               chat:typing          | conversation             | 401 403 403 403 403 403 200 404 200 404 404
/chat               chat:read            | conversation             | 401 403 403 403 403 403 200 404 200 404 404
/audio-call         opening              | -                        | 401 403 403 403 403 403 200 200 200 200 200
/audio-call         call:initiate        | consultation             | 401 403 403 403 403 403 200 404 200 404 404
/audio-call         call:accept          | call of the employee     | 401 403 403 403 403 403 200 404 404 404 404
/audio-call         call:accept          | call of the practitioner | 401 403 403 403 403 403 404 404 200 404 404
/audio-call         call:reject          | call of the employee     | 401 403 403 403 403 403 200 404 404 404 404
/audio-call         call:reject          | call of the practitioner | 401 403 403 403 403 403 404 404 200 404 404
/audio-call         call:end             | call of the employee     | 401 403 403 403 403 403 200 404 200 404 404
/audio-call         webrtc:offer         | call of the employee     | 401 403 403 403 403 403 404 404 404 404 404
/audio-call         webrtc:offer         | answered call            | 401 403 403 403 403 403 200 404 200 404 404
/audio-call         webrtc:answer        | answered call            | 401 403 403 403 403 403 200 404 200 404 404
/audio-call         webrtc:ice-candidate | answered call            | 401 403 403 403 403 403 200 404 200 404 404
/notifications/live opening              | -                        | 401 200 200 200 200 200 200 200 200 200 200
";

/// Who is told what, when the employee acts and the practitioner answers on one of two devices.
const TOLD: &str = "
#                                          |         |  - S A H H2 H* P P* E E2 E*
/chat               chat:history          | joining | 0 0 0 0 0 0 1 0 1 0 0
/chat               chat:presence         | joining | 0 0 0 0 0 0 1 0 0 0 0
/chat               chat:message:received | speech  | 0 0 0 0 0 0 1 0 1 0 0
/chat               chat:typing           | typing  | 0 0 0 0 0 0 1 0 0 0 0
/chat               chat:read:updated     | reading | 0 0 0 0 0 0 1 0 1 0 0
/audio-call         call:incoming         | call    | 0 0 0 0 0 0 1 0 0 0 0
/audio-call         call:taken            | answer  | 0 0 0 0 0 0 1 0 0 0 0
/audio-call         call:accepted         | answer  | 0 0 0 0 0 0 0 0 1 0 0
/audio-call         call:rejected         | refusal | 0 0 0 0 0 0 1 0 1 0 0
/audio-call         call:ended            | end     | 0 0 0 0 0 0 1 0 0 0 0
/audio-call         call:missed           | silence | 0 0 0 0 0 0 1 0 1 0 0
/audio-call         webrtc:offer          | offer   | 0 0 0 0 0 0 1 0 0 0 0
/audio-call         webrtc:answer         | answer  | 0 0 0 0 0 0 1 0 0 0 0
/audio-call         webrtc:ice-candidate  | offer   | 0 0 0 0 0 0 1 0 0 0 0
/notifications/live notification:new      | news    | 0 0 0 0 0 0 1 0 0 0 0
/notifications/live notification:read     | reading | 0 0 0 0 0 0 1 0 0 0 0
";

#[test]
fn every_event_has_a_row_and_every_row_an_event() {
    let sockets = operations().sockets();
    let listed = |table: &'static str| -> BTreeSet<(&str, &str)> {
        rows_of(table).into_iter().map(|row| (row.method, row.path)).collect()
    };
    let said = sockets.iter().flat_map(|socket| {
        let events = socket.asked.iter().copied().chain(["opening"]);
        events.map(|event| (socket.path, event)).collect::<Vec<_>>()
    });
    assert_eq!(listed(SAID), said.collect());
    let told = sockets.iter().flat_map(|socket| socket.told.iter().map(|event| (socket.path, *event)));
    assert_eq!(listed(TOLD), told.collect());
}

#[actix_web::test]
async fn every_cell_of_what_is_said_holds_in_memory() {
    everybody_says_everything(ApiWorld::memory().await).await;
}

#[actix_web::test]
async fn every_cell_of_what_is_said_holds_over_postgres() {
    everybody_says_everything(ApiWorld::postgres().await).await;
}

async fn everybody_says_everything(api: ApiWorld) {
    let stage = Stage::new(api);
    let server = stage.api.listen();
    let mut wrong = Vec::new();
    for row in rows_of(SAID) {
        let cells = || COLUMNS.into_iter().zip(row.expected.iter().copied());
        // What is refused is refused of one and the same thing, which can still be had afterwards.
        let mut scene = Scene::set(&stage, &server, &row).await;
        let mut is_fresh = true;
        let refused = cells().filter(|(_, expected)| *expected != 200);
        for (who, expected) in refused.chain(cells().filter(|(_, expected)| *expected == 200)) {
            if expected == 200 && !std::mem::take(&mut is_fresh) {
                scene = Scene::set(&stage, &server, &row).await;
            }
            let got = scene.say(&server, &row, who);
            if got != expected {
                wrong.push(format!(
                    "{who:?} {} {} ({}): {got} instead of {expected}",
                    row.method, row.path, row.subject
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} cells are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// What a row of [`SAID`] is about, with the devices of a call.
struct Scene {
    troupe: Troupe,
    consultation: String,
    call: Value,
    devices: Vec<(Who, WebSocket)>,
}

impl Scene {
    async fn set(stage: &Stage, server: &Listening, row: &Row) -> Self {
        let troupe = stage.troupe();
        let consultation = stage.subject(&troupe, Who::Nobody, "due consultation").await.unwrap().to_string();
        let mut scene = Self { troupe, consultation, call: Value::Null, devices: Vec::new() };
        match row.subject {
            "call of the employee" => scene.ring(server, Who::Employee),
            "call of the practitioner" => scene.ring(server, Who::Practitioner),
            "answered call" => {
                scene.ring(server, Who::Employee);
                let mut device = open(server, &scene.troupe, row.method, Who::Practitioner).unwrap();
                device.ask("call:accept", &json!({ "callId": scene.call }));
                scene.devices.push((Who::Practitioner, device));
            }
            "-" | "conversation" | "consultation" => {}
            unknown => panic!("the table speaks of {unknown:?}"),
        }
        scene
    }

    fn ring(&mut self, server: &Listening, who: Who) {
        let mut device = open(server, &self.troupe, "/audio-call", who).unwrap();
        self.call = device.ask("call:initiate", &json!({ "consultationId": self.consultation }))["callId"].clone();
        assert!(self.call.is_string());
        self.devices.push((who, device));
    }

    /// What comes of it when `who` says what the row is about.
    fn say(&mut self, server: &Listening, row: &Row, who: Who) -> u16 {
        let mut fresh;
        let at = self.devices.iter().position(|(column, _)| *column == who);
        let socket = match at {
            Some(at) => &mut self.devices[at].1,
            None => match open(server, &self.troupe, row.method, who) {
                Ok(socket) => {
                    fresh = socket;
                    &mut fresh
                }
                Err(status) => return status,
            },
        };
        if row.path == "opening" {
            return 200;
        }
        let consultation = json!({ "consultationId": self.consultation });
        if row.path == "chat:typing" {
            socket.ask("chat:join", &consultation);
        }
        let call = json!({ "callId": self.call });
        let (mut data, more) = match row.path {
            "chat:join" | "chat:leave" | "call:initiate" => (consultation, None),
            "chat:message" => (consultation, Some(("content", json!("Bonjour.")))),
            "chat:typing" => (consultation, Some(("isTyping", json!(true)))),
            "chat:read" => (consultation, Some(("upToSeq", json!(1)))),
            "webrtc:offer" | "webrtc:answer" => (call, Some(("sdp", json!("v=0")))),
            "webrtc:ice-candidate" => (call, Some(("candidate", Value::Null))),
            _ => (call, None),
        };
        if let Some((name, value)) = more {
            data[name] = value;
        }
        let answer = socket.ask(row.path, &data);
        match answer["code"].as_str() {
            None => 200,
            Some("not_found") => 404,
            Some(other) => panic!("{who:?} {} {}: {other}", row.method, row.path),
        }
    }
}

/// A socket of this column, or the status of the refusal.
fn open(server: &Listening, troupe: &Troupe, path: &str, who: Who) -> Result<WebSocket, u16> {
    let authorization = troupe.find(who).map(|member| format!("Bearer {}", member.token));
    let headers: Vec<(&str, &str)> = authorization.iter().map(|value| ("Authorization", value.as_str())).collect();
    WebSocket::open(server.address, path, &headers).map_err(|refused| refused.status)
}

#[actix_web::test]
async fn every_cell_of_what_is_told_holds_in_memory() {
    everybody_listens(ApiWorld::memory().await).await;
}

#[actix_web::test]
async fn every_cell_of_what_is_told_holds_over_postgres() {
    everybody_listens(ApiWorld::postgres().await).await;
}

async fn everybody_listens(api: ApiWorld) {
    let stage = Stage::new(api);
    let server = stage.api.listen();
    let (troupe, stranger) = (stage.troupe(), stage.troupe());
    let consultation = stage.subject(&troupe, Who::Nobody, "due consultation").await.unwrap();
    let of = json!({ "consultationId": consultation });

    let mut listeners = Listeners::at("/chat", &server, &troupe, &stranger);
    for who in [Who::Practitioner, Who::OtherPractitioner, Who::Colleague, Who::Stranger, Who::Employee] {
        listeners.of(who).ask("chat:join", &of);
    }
    let employee = listeners.of(Who::Employee);
    employee.ask("chat:message", &json!({ "consultationId": consultation, "content": "Bonjour." }));
    employee.ask("chat:typing", &json!({ "consultationId": consultation, "isTyping": true }));
    listeners.of(Who::Practitioner).ask("chat:read", &json!({ "consultationId": consultation, "upToSeq": 1 }));
    let mut told = listeners.told();

    let mut listeners = Listeners::at("/audio-call", &server, &troupe, &stranger);
    let mut second = open(&server, &troupe, "/audio-call", Who::Practitioner).unwrap();
    let ring = |listeners: &mut Listeners| json!({ "callId": listeners.of(Who::Employee).ask("call:initiate", &of)["callId"] });
    let call = ring(&mut listeners);
    second.ask("call:accept", &call);
    let employee = listeners.of(Who::Employee);
    for event in ["webrtc:offer", "webrtc:answer"] {
        employee.ask(event, &json!({ "callId": call["callId"], "sdp": "v=0" }));
    }
    employee.ask("webrtc:ice-candidate", &json!({ "callId": call["callId"], "candidate": null }));
    employee.ask("call:end", &call);
    let call = ring(&mut listeners);
    second.ask("call:reject", &call);
    ring(&mut listeners);
    stage.api.advance(SignedDuration::from_secs(46));
    for missed in stage.api.services.calling.sweep().unwrap().missed {
        tell_missed(&stage.api.edge.hub, &missed);
    }
    listeners.sockets.push((Who::Practitioner, second));
    told.append(&mut listeners.told());

    let mut listeners = Listeners::at("/notifications/live", &server, &troupe, &stranger);
    let mut watch = Watch::default();
    let mut look = || watch.look(&stage.api.services.live, &stage.api.edge.hub, stage.api.world.clock.now()).unwrap();
    look();
    let practitioner = troupe.member(Who::Practitioner);
    let news = notified(&stage.api.world, &practitioner.person, NotificationType::AccountSecurity);
    look();
    let path = format!("/notifications/{}/read", news.id);
    stage.ask(Some(practitioner), "PUT", &path, &Value::Null).await.expect(200);
    told.append(&mut listeners.told());

    let expected: BTreeMap<(String, String), Vec<Who>> = rows_of(TOLD)
        .into_iter()
        .map(|row| {
            let heard = COLUMNS.into_iter().zip(&row.expected).filter(|(_, cell)| **cell == 1);
            ((row.method.to_owned(), row.path.to_owned()), heard.map(|(who, _)| who).collect())
        })
        .collect();
    assert_eq!(told, expected);
}

/// A socket of each column that may have one at a path, and those of another troupe.
struct Listeners {
    sockets: Vec<(Who, WebSocket)>,
    strangers: Vec<WebSocket>,
}

impl Listeners {
    fn at(path: &str, server: &Listening, troupe: &Troupe, stranger: &Troupe) -> Self {
        let of = |troupe: &Troupe| -> Vec<(Who, WebSocket)> {
            COLUMNS.into_iter().filter_map(|who| Some((who, open(server, troupe, path, who).ok()?))).collect()
        };
        let strangers = of(stranger).into_iter().map(|(_, socket)| socket).collect();
        Self { sockets: of(troupe), strangers }
    }

    fn of(&mut self, who: Who) -> &mut WebSocket {
        let found = self.sockets.iter_mut().find(|(column, _)| *column == who);
        &mut found.unwrap().1
    }

    /// Who has heard of which events by now.
    fn told(&mut self) -> BTreeMap<(String, String), Vec<Who>> {
        let mut told: BTreeMap<(String, String), Vec<Who>> = BTreeMap::new();
        for (who, socket) in &mut self.sockets {
            for event in heard(socket) {
                let heard = told.entry(event).or_default();
                if !heard.contains(who) {
                    heard.push(*who);
                }
            }
        }
        for socket in &mut self.strangers {
            assert_eq!(heard(socket), BTreeSet::new());
        }
        told
    }
}

/// The events that a socket has heard by now, without answers.
fn heard(socket: &mut WebSocket) -> BTreeSet<(String, String)> {
    socket.events_so_far("nothing");
    socket.told().into_iter().filter(|(_, event)| event != "ack" && event != "error").collect()
}
