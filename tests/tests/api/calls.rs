//! Calls on real sockets: ringing, answering on one device of many, relaying, hanging up, missing.
use huntzen_app::call::tell_missed;
use huntzen_tenancy::clock::Clock;
use huntzen_tests::{
    api::{Listening, Played},
    api_suite,
    websocket::WebSocket,
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

api_suite! {
    a_call_is_answered_on_one_device,
    what_devices_negotiate_reaches_the_other_alone,
    a_call_is_refused_and_taken_back,
    a_device_that_goes_ends_its_call,
    nobody_answers_and_both_are_told,
    a_consultation_is_called_while_its_room_is_open,
    nobody_else_has_part_in_a_call,
    wrong_events_change_nothing,
    calls_leave_a_trace,
}

const START: &str = "2027-01-05T09:00:00Z";

/// A consultation whose room is open, and a server in front of it.
async fn opened(play: &Played) -> (Listening, String) {
    let id = play.booked(Played::MARC, START).await;
    play.set_clock("2027-01-05T08:55:00Z");
    (play.listen(), id)
}

async fn device(play: &Played, server: &Listening, who: &str) -> WebSocket {
    play.socket(server, who, "/audio-call").await
}

/// Calls from this device; answers the call's id.
fn call(from: &mut WebSocket, consultation: &str) -> String {
    let answer = from.ask("call:initiate", &json!({ "consultationId": consultation }));
    answer["callId"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

fn of(id: &str) -> Value {
    json!({ "callId": id })
}

/// What is done is acknowledged.
fn done(socket: &mut WebSocket, event: &str, data: &Value) {
    let answer = socket.ask(event, data);
    assert_eq!(answer["code"], Value::Null, "{event} {data}: {answer}");
}

fn refusal(socket: &mut WebSocket, event: &str, data: &Value) -> String {
    let answer = socket.ask(event, data);
    answer["code"].as_str().unwrap_or_else(|| panic!("{event} {data} was not refused: {answer}")).to_owned()
}

async fn a_call_is_answered_on_one_device(play: &Played) {
    let (server, id) = opened(play).await;
    let mut marc = device(play, &server, Played::MARC).await;
    let mut other = device(play, &server, Played::MARC).await;
    let mut phone = device(play, &server, Played::SOPHIE).await;
    let mut laptop = device(play, &server, Played::SOPHIE).await;
    let answer = marc.ask("call:initiate", &json!({ "consultationId": id }));
    let named = answer["callId"].as_str().unwrap();
    assert_eq!(named.parse::<Uuid>().unwrap().get_version_num(), 4);
    let servers = &answer["iceServers"];
    assert_eq!(servers[0], json!({ "urls": ["stun:stun.example"] }));
    assert_eq!(servers[1]["urls"], json!(["turn:turn.example"]));
    let (username, credential) = (servers[1]["username"].as_str().unwrap(), servers[1]["credential"].as_str().unwrap());
    let until: i64 = username.split_once(':').unwrap().0.parse().unwrap();
    assert_eq!(until, (play.world.clock.now() + SignedDuration::from_hours(1)).as_second());
    assert_eq!(credential.len(), 28);
    for ringing in [&mut phone, &mut laptop] {
        assert_eq!(ringing.event("call:incoming"), json!({ "callId": named, "consultationId": id }));
    }
    let accepted = laptop.ask("call:accept", &of(named));
    assert_eq!((&accepted["callId"], accepted["iceServers"].as_array().unwrap().len()), (&json!(named), 2));
    assert_eq!(marc.event("call:accepted"), of(named));
    assert_eq!(phone.event("call:taken"), of(named));
    assert_eq!(refusal(&mut phone, "call:accept", &of(named)), "not_found");
    assert_eq!(refusal(&mut phone, "call:reject", &of(named)), "not_found");
    assert_eq!(refusal(&mut other, "call:initiate", &json!({ "consultationId": id })), "call_in_progress");
    done(&mut marc, "call:end", &of(named));
    for told in [&mut laptop, &mut phone, &mut other] {
        assert_eq!(told.event("call:ended"), of(named));
    }
    assert_eq!(refusal(&mut laptop, "call:end", &of(named)), "not_found");
    assert!(marc.events_so_far("call:ended").is_empty(), "whoever hangs up knows");
    // And again, the other way round.
    let again = call(&mut phone, &id);
    assert_eq!(other.event("call:incoming")["callId"], again.as_str());
}

async fn what_devices_negotiate_reaches_the_other_alone(play: &Played) {
    let (server, id) = opened(play).await;
    let mut marc = device(play, &server, Played::MARC).await;
    let mut phone = device(play, &server, Played::SOPHIE).await;
    let mut laptop = device(play, &server, Played::SOPHIE).await;
    let named = call(&mut marc, &id);
    let offer = json!({ "callId": named, "sdp": "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n" });
    assert_eq!(refusal(&mut marc, "webrtc:offer", &offer), "not_found", "nobody has answered yet");
    done(&mut laptop, "call:accept", &of(&named));
    done(&mut marc, "webrtc:offer", &offer);
    assert_eq!(laptop.event("webrtc:offer"), offer);
    done(&mut laptop, "webrtc:answer", &offer);
    assert_eq!(marc.event("webrtc:answer"), offer);
    let candidate = json!({
        "callId": named,
        "candidate": {
            "candidate": "candidate:1 1 UDP 1 192.0.2.1 9 typ host", "sdpMid": "0", "sdpMLineIndex": 0,
            "usernameFragment": "abcd",
        },
    });
    done(&mut laptop, "webrtc:ice-candidate", &candidate);
    assert_eq!(marc.event("webrtc:ice-candidate"), candidate);
    let last = json!({ "callId": named, "candidate": null });
    done(&mut marc, "webrtc:ice-candidate", &last);
    assert_eq!(laptop.event("webrtc:ice-candidate"), last);
    // A third device of a participant is not in the call.
    for event in ["webrtc:offer", "webrtc:answer"] {
        assert_eq!(refusal(&mut phone, event, &offer), "not_found");
        assert!(phone.events_so_far(event).is_empty());
    }
    assert_eq!(refusal(&mut phone, "webrtc:ice-candidate", &last), "not_found");
}

async fn a_call_is_refused_and_taken_back(play: &Played) {
    let (server, id) = opened(play).await;
    let mut marc = device(play, &server, Played::MARC).await;
    let mut phone = device(play, &server, Played::SOPHIE).await;
    let mut laptop = device(play, &server, Played::SOPHIE).await;
    let named = call(&mut marc, &id);
    assert_eq!(refusal(&mut marc, "call:reject", &of(&named)), "not_found", "one does not refuse oneself");
    assert_eq!(refusal(&mut marc, "call:accept", &of(&named)), "not_found");
    done(&mut phone, "call:reject", &of(&named));
    assert_eq!(marc.event("call:rejected"), of(&named));
    assert_eq!(laptop.event("call:rejected"), of(&named));
    let named = call(&mut marc, &id);
    done(&mut marc, "call:end", &of(&named));
    for told in [&mut phone, &mut laptop] {
        assert_eq!(told.event("call:ended"), of(&named));
    }
    assert_eq!(refusal(&mut phone, "call:accept", &of(&named)), "not_found");
}

async fn a_device_that_goes_ends_its_call(play: &Played) {
    let (server, id) = opened(play).await;
    let mut marc = device(play, &server, Played::MARC).await;
    let mut phone = device(play, &server, Played::SOPHIE).await;
    let named = call(&mut marc, &id);
    done(&mut phone, "call:accept", &of(&named));
    drop(phone);
    assert_eq!(marc.event("call:ended"), of(&named));
    let mut laptop = device(play, &server, Played::SOPHIE).await;
    let named = call(&mut marc, &id);
    assert_eq!(laptop.event("call:incoming")["callId"], named.as_str());
    drop(marc);
    // It may have come just before it was told that the first call was over.
    while laptop.event("call:ended") != of(&named) {}
}

async fn nobody_answers_and_both_are_told(play: &Played) {
    let (server, id) = opened(play).await;
    let mut marc = device(play, &server, Played::MARC).await;
    let mut phone = device(play, &server, Played::SOPHIE).await;
    let named = call(&mut marc, &id);
    let sweep = || {
        let missed = play.services.calling.sweep().unwrap().missed;
        for call in &missed {
            tell_missed(&play.edge.hub, call);
        }
        play.services.calling.record_missed(&missed).unwrap();
        missed.len()
    };
    play.advance(SignedDuration::from_secs(45) - SignedDuration::from_millis(1));
    assert_eq!(sweep(), 0);
    play.advance(SignedDuration::from_millis(1));
    assert_eq!(sweep(), 1);
    assert_eq!(sweep(), 0);
    for socket in [&mut marc, &mut phone] {
        assert_eq!(socket.event("call:missed"), json!({ "callId": named, "consultationId": id }));
    }
    assert_eq!(refusal(&mut phone, "call:accept", &of(&named)), "not_found");
    let told = play.get(Played::SOPHIE, "/notifications?type=CALL_MISSED").await;
    assert_eq!(told.expect(200)["items"][0]["data"], json!({ "consultationId": id }));
    let told = play.get(Played::MARC, "/notifications?type=CALL_MISSED").await;
    assert_eq!(told.expect(200)["items"], json!([]));
}

async fn a_consultation_is_called_while_its_room_is_open(play: &Played) {
    let (server, id) = opened(play).await;
    let mut marc = device(play, &server, Played::MARC).await;
    let ask = json!({ "consultationId": id });
    for (at, open) in [
        ("2027-01-05T08:49:59Z", false),
        ("2027-01-05T08:50:00Z", true),
        ("2027-01-05T10:20:00Z", true),
        ("2027-01-05T10:20:01Z", false),
    ] {
        play.set_clock(at);
        if open {
            let named = call(&mut marc, &id);
            done(&mut marc, "call:end", &of(&named));
        } else {
            assert_eq!(refusal(&mut marc, "call:initiate", &ask), "call_closed", "{at}");
        }
    }
    play.set_clock("2027-01-05T08:55:00Z");
    play.post(Played::MARC, &format!("/consultations/{id}/cancel"), json!({})).await.expect(200);
    assert_eq!(refusal(&mut marc, "call:initiate", &ask), "call_closed");
}

async fn nobody_else_has_part_in_a_call(play: &Played) {
    let (server, id) = opened(play).await;
    let mut marc = device(play, &server, Played::MARC).await;
    let mut phone = device(play, &server, Played::SOPHIE).await;
    let named = call(&mut marc, &id);
    done(&mut phone, "call:accept", &of(&named));
    let sdp = json!({ "callId": named, "sdp": "v=0" });
    for who in [Played::CLAIRE, Played::LEA, Played::PAUL] {
        let mut stranger = device(play, &server, who).await;
        assert_eq!(refusal(&mut stranger, "call:initiate", &json!({ "consultationId": id })), "not_found", "{who}");
        for event in ["call:accept", "call:reject", "call:end"] {
            assert_eq!(refusal(&mut stranger, event, &of(&named)), "not_found", "{who} {event}");
        }
        for event in ["webrtc:offer", "webrtc:answer"] {
            assert_eq!(refusal(&mut stranger, event, &sdp), "not_found", "{who} {event}");
        }
        let candidate = json!({ "callId": named, "candidate": null });
        assert_eq!(refusal(&mut stranger, "webrtc:ice-candidate", &candidate), "not_found", "{who}");
    }
    for socket in [&mut marc, &mut phone] {
        for event in ["call:ended", "call:rejected", "webrtc:offer"] {
            assert!(socket.events_so_far(event).is_empty(), "{event}");
        }
    }
}

async fn wrong_events_change_nothing(play: &Played) {
    let (server, id) = opened(play).await;
    let mut marc = device(play, &server, Played::MARC).await;
    let mut phone = device(play, &server, Played::SOPHIE).await;
    let named = call(&mut marc, &id);
    done(&mut phone, "call:accept", &of(&named));
    for (event, data) in [
        ("call:initiate", json!({})),
        ("call:initiate", json!({ "consultationId": id, "senderId": id })),
        ("call:accept", json!({ "callId": "x" })),
        ("call:hold", of(&named)),
        ("webrtc:offer", json!({ "callId": named, "sdp": "" })),
        ("webrtc:offer", json!({ "callId": named, "sdp": "x".repeat(60_001) })),
        ("webrtc:offer", json!({ "callId": named, "sdp": "v=0", "to": id })),
        ("webrtc:ice-candidate", json!({ "callId": named, "candidate": "x" })),
        ("webrtc:ice-candidate", json!({ "callId": named, "candidate": { "candidate": "x".repeat(4097) } })),
        ("webrtc:ice-candidate", json!({ "callId": named, "candidate": { "candidate": "x", "address": "x" } })),
    ] {
        assert_eq!(refusal(&mut marc, event, &data), "invalid_event", "{event} {data}");
    }
    done(&mut marc, "webrtc:offer", &json!({ "callId": named, "sdp": "v=0" }));
    assert_eq!(phone.event("webrtc:offer")["sdp"], "v=0");
}

async fn calls_leave_a_trace(play: &Played) {
    let (server, id) = opened(play).await;
    let mut marc = device(play, &server, Played::MARC).await;
    let mut phone = device(play, &server, Played::SOPHIE).await;
    let named = call(&mut marc, &id);
    done(&mut phone, "call:accept", &of(&named));
    play.advance(SignedDuration::from_secs(1));
    done(&mut marc, "webrtc:offer", &json!({ "callId": named, "sdp": "v=0 secret" }));
    done(&mut phone, "call:end", &of(&named));
    let account = play.account_of(Played::MARC).await;
    let lines = play.trail(&named);
    let told: Vec<String> = lines.iter().map(|line| format!("{} {}", line.action, line.resource)).collect();
    assert_eq!(told, ["CONFIRM CALL", "END CALL"]);
    assert!(lines.iter().all(|line| line.subject.is_some_and(|subject| subject.to_string() == account)));
    assert!(play.trail(&id).iter().any(|line| format!("{} {}", line.action, line.resource) == "CREATE CALL"));
    assert!(!format!("{lines:?}").contains("secret"));
}
