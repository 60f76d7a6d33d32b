//! The document of the sockets: whole in itself, and true to what is said on them. (Every frame that
//! any test hears is held against it too.)
use std::collections::BTreeSet;

use huntzen_app::{
    call::tell_missed,
    http::{docs::LIVE_DOCUMENT, openapi, operations},
    realtime::{Closing, watch::Watch},
};
use huntzen_tenancy::clock::Clock;
use huntzen_tests::{
    api::{ApiWorld, NOBODY, Played},
    api_suite,
    asyncapi::{Message, live_document},
    websocket::{Frame, WebSocket},
};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

api_suite! {
    what_the_document_takes_is_taken_and_nothing_else,
    whatever_can_be_told_is_told_as_the_document_says,
}

/// Every value of the document, with what leads to it.
fn everything<'a>(value: &'a Value, place: &str, found: &mut Vec<(String, &'a Value)>) {
    found.push((place.to_owned(), value));
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                everything(field, &format!("{place}/{}", name.replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                everything(item, &format!("{place}/{number}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_part_of_the_live_document_is_used_and_every_object_is_closed() {
    let document = &live_document().whole;
    assert_eq!(document["asyncapi"], "3.0.0");
    let mut all = Vec::new();
    everything(document, "#", &mut all);
    let references: BTreeSet<&str> = all.iter().filter_map(|(_, value)| value["$ref"].as_str()).collect();
    for reference in &references {
        assert!(document.pointer(&reference[1..]).is_some(), "{reference} leads nowhere");
    }
    let parts = all.iter().filter(|(place, _)| {
        let steps: Vec<&str> = place.split('/').skip(1).collect();
        matches!(
            steps[..],
            ["components", "messages" | "schemas" | "securitySchemes", _] | ["channels", _, "messages", _]
        )
    });
    let mut counted = 0;
    for (place, _) in parts {
        assert!(references.contains(place.as_str()), "{place} is used nowhere");
        counted += 1;
    }
    assert!(counted > 60);
    for (place, value) in all.iter().filter(|(place, _)| place.starts_with("#/components/")) {
        let of_type = |name: &str| types(value).contains(&name);
        assert!(!of_type("object") || value.get("additionalProperties").is_some(), "{place} is open");
        let is_text = of_type("string") && !place.ends_with("/type/0");
        let bounded = ["maxLength", "enum", "format", "pattern"].iter().any(|bound| value.get(*bound).is_some());
        assert!(!is_text || bounded, "{place} has no bound");
        assert!(!of_type("array") || value.get("maxItems").is_some(), "{place} has no bound");
    }
}

#[test]
fn the_live_document_names_the_events_of_the_code_and_no_others() {
    let document = live_document();
    let sockets = operations().sockets();
    assert_eq!(document.addresses(), sockets.iter().map(|socket| socket.path).collect());
    for socket in sockets {
        let named = |messages: Vec<&'static Message>| -> BTreeSet<&str> {
            messages.into_iter().map(|message| message.event.as_str()).collect()
        };
        assert_eq!(named(document.asked(socket.path)), socket.asked.into_iter().collect(), "{}", socket.path);
        let mut told = named(document.told(socket.path));
        told.remove("error");
        assert_eq!(told, socket.told.into_iter().collect(), "{}", socket.path);
    }
    assert_eq!(document.whole["info"]["version"], openapi::assemble(&operations())["info"]["version"]);
    let notification =
        |document: &Value| document.pointer("/components/schemas/notification/properties/type/enum").cloned();
    let in_http = openapi::assemble(&operations());
    let in_http = in_http.pointer("/components/schemas/NotificationBody/properties/type/enum").cloned();
    assert_eq!(notification(&document.whole), in_http);
    assert!(in_http.is_some());
}

#[test]
fn the_live_document_tells_why_the_server_closes() {
    let chosen = [
        Closing::GoingAway,
        Closing::ProtocolError,
        Closing::Unsupported,
        Closing::InvalidText,
        Closing::TooManyEvents,
        Closing::TooBig,
        Closing::Defect,
        Closing::TooSlow,
        Closing::SignedOut,
        Closing::Barred,
    ];
    let codes: BTreeSet<String> = chosen.iter().map(|why| why.code().unwrap().to_string()).collect();
    let told = live_document().whole["x-close-codes"].as_object().unwrap();
    assert_eq!(codes, told.keys().cloned().collect());
}

#[actix_web::test]
async fn the_live_document_is_served_where_documents_are() {
    let answer = ApiWorld::memory().await.get(NOBODY, "/api/asyncapi.yaml").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/yaml")));
    assert_eq!(answer.bytes, LIVE_DOCUMENT.as_bytes());
    let api = ApiWorld::memory_with(|config| config.http.docs_enabled = false).await;
    api.get(NOBODY, "/api/asyncapi.yaml").await.refused(404, "not_found");
}

/// How much of what may be left out or null a sample has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fill {
    Least,
    Most,
    Nulls,
}

/// Schemas that stand for `schema`: what is one of several is each of them.
fn alternatives(schema: &Value) -> Vec<&Value> {
    let schema = live_document().resolved(schema);
    match schema["oneOf"].as_array() {
        Some(several) => several.iter().collect(),
        None => vec![schema],
    }
}

fn types(schema: &Value) -> Vec<&str> {
    let kind = &schema["type"];
    kind.as_array().map_or_else(
        || kind.as_str().into_iter().collect(),
        |several| several.iter().filter_map(Value::as_str).collect(),
    )
}

/// Values that the schema takes.
fn samples(schema: &Value, fill: Fill) -> Vec<Value> {
    alternatives(schema).into_iter().map(|schema| sample(schema, fill)).collect()
}

fn sample(schema: &Value, fill: Fill) -> Value {
    if let Some(only) = schema.get("const") {
        return only.clone();
    }
    let types = types(schema);
    if fill == Fill::Nulls && types.contains(&"null") {
        return Value::Null;
    }
    match types[0] {
        "string" if schema["format"] == "uuid" => json!("01900000-0000-7000-8000-000000000001"),
        "string" => json!("x"),
        "integer" => schema.get("minimum").cloned().unwrap_or(json!(7)),
        "boolean" => json!(true),
        "null" => Value::Null,
        "object" => Value::Object(fields(schema, fill)),
        other => panic!("no sample of {other}"),
    }
}

fn fields(schema: &Value, fill: Fill) -> Map<String, Value> {
    let required = schema["required"].as_array().unwrap();
    let fields = schema["properties"].as_object().unwrap().iter();
    // Every sample has an id, so that it is answered.
    let taken =
        fields.filter(|(name, _)| fill != Fill::Least || name.as_str() == "id" || required.contains(&json!(name)));
    taken.map(|(name, field)| (name.clone(), samples(field, fill).remove(0))).collect()
}

/// Values that an object's schema does not take, each wrong in one place.
fn spoiled(schema: &Value) -> Vec<Value> {
    let whole = fields(schema, Fill::Most);
    let mut wrong = Vec::new();
    for name in schema["required"].as_array().unwrap() {
        let mut fields = whole.clone();
        fields.remove(name.as_str().unwrap());
        wrong.push(fields);
    }
    wrong.push(whole.clone().into_iter().chain([("more".to_owned(), json!(1))]).collect());
    for (name, field) in schema["properties"].as_object().unwrap() {
        for value in alternatives(field).into_iter().flat_map(wrong_values) {
            wrong.push(whole.clone().into_iter().chain([(name.clone(), value)]).collect());
        }
    }
    wrong.into_iter().map(Value::Object).collect()
}

fn wrong_values(schema: &Value) -> Vec<Value> {
    let types = types(schema);
    let mut wrong = if types.contains(&"null") { vec![] } else { vec![Value::Null] };
    let text = |length: &Value, change: i64| {
        let length = length.as_i64().map(|length| length + change).filter(|length| *length >= 0);
        length.map(|length| json!("x".repeat(usize::try_from(length).unwrap())))
    };
    if schema.get("const").is_some() {
        return vec![json!("nothing:known"), json!(7)];
    }
    match types[0] {
        "string" => {
            wrong.push(json!(7));
            wrong.extend(text(&schema["maxLength"], 1));
            wrong.extend(text(&schema["minLength"], -1));
            wrong.extend((schema["format"] == "uuid").then(|| json!("no-id")));
        }
        "integer" => {
            wrong.extend([json!("1"), json!(1.5)]);
            wrong.extend(schema["minimum"].as_i64().map(|least| json!(least - 1)));
            wrong.extend(schema["maximum"].as_i64().map(|most| json!(most + 1)));
        }
        "boolean" => wrong.extend([json!("true"), json!(1)]),
        "null" => wrong.push(json!(true)),
        "object" => {
            wrong.extend([json!([]), json!("x")]);
            wrong.extend(spoiled(schema));
        }
        other => panic!("no wrong value for {other}"),
    }
    wrong
}

/// Closes a socket, and waits until its place is free.
fn put_away(mut socket: WebSocket) {
    socket.send_frame(0x88, &1000_u16.to_be_bytes()).unwrap();
    assert_eq!(socket.closing(), Some(1000));
    assert_eq!(socket.hear(), Frame::End);
}

async fn what_the_document_takes_is_taken_and_nothing_else(play: &Played) {
    let (document, server) = (live_document(), play.listen());
    let mut tried = 0;
    for address in document.addresses() {
        for message in document.asked(address) {
            let schema = document.payload(message);
            let fills = [Fill::Least, Fill::Most, Fill::Nulls];
            let good = fills.into_iter().flat_map(|fill| {
                let data = samples(&schema["properties"]["data"], fill);
                data.into_iter().map(move |data| json!({ "event": message.event, "id": "x", "data": data }))
            });
            let bad = spoiled(schema);
            let all = good.map(|frame| (true, frame)).chain(bad.into_iter().map(|frame| (false, frame)));
            let all: Vec<_> = all.collect();
            tried += all.len();
            // As many at a time as may come at once.
            for some in all.chunks(30) {
                let mut socket = play.socket(&server, Played::MARC, address).await;
                for (is_good, frame) in some {
                    let shown = frame.to_string();
                    assert_eq!(document.is_valid(message, frame), *is_good, "{shown:.300}");
                    socket.send_text(&shown).unwrap();
                    let code = socket.answered()["data"]["code"].clone();
                    assert_eq!(code != "invalid_event", *is_good, "{code}: {shown:.300}");
                }
                put_away(socket);
            }
        }
    }
    assert!(tried > 200, "{tried}");
}

/// Hears this event on each of the sockets.
fn heard(event: &str, sockets: &mut [&mut WebSocket]) {
    for socket in sockets {
        socket.event(event);
    }
}

async fn whatever_can_be_told_is_told_as_the_document_says(play: &Played) {
    let server = play.listen();
    let (mut watch, live) = (Watch::default(), &play.services.live);
    let mut look = || watch.look(live, &play.edge.hub, play.world.clock.now()).unwrap();
    look();
    let mut inbox = play.socket(&server, Played::SOPHIE, "/notifications/live").await;
    let id = play.booked(Played::MARC, "2027-01-05T09:00:00Z").await;
    look();
    inbox.event("notification:new");
    play.put(Played::SOPHIE, "/notifications/read-all", Value::Null).await.expect(200);
    inbox.event("notification:read");
    inbox.ask("notification:new", &json!({}));
    let mut told = vec![inbox.told()];

    play.set_clock("2027-01-05T08:55:00Z");
    let of = |id: &str| json!({ "consultationId": id });
    let mut marc = play.socket(&server, Played::MARC, "/chat").await;
    let mut sophie = play.socket(&server, Played::SOPHIE, "/chat").await;
    for socket in [&mut marc, &mut sophie] {
        socket.ask("chat:join", &of(&id));
        socket.event("chat:history");
    }
    marc.ask("chat:message", &json!({ "consultationId": id, "content": "Bonjour" }));
    heard("chat:message:received", &mut [&mut marc, &mut sophie]);
    marc.ask("chat:typing", &json!({ "consultationId": id, "isTyping": true }));
    sophie.event("chat:typing");
    sophie.ask("chat:read", &json!({ "consultationId": id, "upToSeq": 1 }));
    marc.event("chat:read:updated");
    sophie.ask("chat:leave", &of(&id));
    marc.event("chat:presence");
    sophie.ask("chat:join", &json!({ "consultationId": id, "afterSeq": 0 }));
    sophie.event("chat:history");
    sophie.ask("chat:join", &of("01900000-0000-7000-8000-000000000001"));
    told.extend([marc.told(), sophie.told()]);

    let mut marc = play.socket(&server, Played::MARC, "/audio-call").await;
    let mut phone = play.socket(&server, Played::SOPHIE, "/audio-call").await;
    let mut laptop = play.socket(&server, Played::SOPHIE, "/audio-call").await;
    let ring = |marc: &mut WebSocket, phone: &mut WebSocket| {
        let call = json!({ "callId": marc.ask("call:initiate", &of(&id))["callId"] });
        assert_eq!(phone.event("call:incoming")["callId"], call["callId"]);
        call
    };
    let call = ring(&mut marc, &mut phone);
    phone.ask("call:accept", &call);
    marc.event("call:accepted");
    laptop.event("call:taken");
    for (event, name, content) in [
        ("webrtc:offer", "sdp", json!("v=0")),
        ("webrtc:answer", "sdp", json!("v=0")),
        (
            "webrtc:ice-candidate",
            "candidate",
            json!({ "candidate": "candidate:1 1 udp 1 192.0.2.1 9 typ host", "sdpMid": "0" }),
        ),
        ("webrtc:ice-candidate", "candidate", Value::Null),
    ] {
        phone.ask(event, &json!({ "callId": call["callId"], name: content }));
        marc.event(event);
    }
    marc.ask("call:end", &call);
    phone.event("call:ended");
    let call = ring(&mut marc, &mut phone);
    phone.ask("call:reject", &call);
    marc.event("call:rejected");
    ring(&mut marc, &mut phone);
    play.advance(SignedDuration::from_secs(46));
    for missed in play.services.calling.sweep().unwrap().missed {
        tell_missed(&play.edge.hub, &missed);
    }
    heard("call:missed", &mut [&mut marc, &mut phone, &mut laptop]);
    told.extend([marc.told(), phone.told(), laptop.told()]);

    let told: BTreeSet<(String, String)> = told.into_iter().flatten().collect();
    let document = live_document();
    for address in document.addresses() {
        for message in document.told(address) {
            let pair = (address.to_owned(), message.event.clone());
            assert!(told.contains(&pair), "{pair:?} was never told");
        }
    }
}
