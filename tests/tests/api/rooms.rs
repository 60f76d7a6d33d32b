//! The rooms of video and audio consultations: when they are open, and what a token says.
use actix_web::http::Method;
use huntzen_tests::{
    api::{Answer, NOBODY, Played},
    api_suite,
};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

api_suite! {
    a_room_token_says_what_the_contract_says,
    whoever_has_an_alias_is_called_so,
    a_room_is_open_around_its_consultation_alone,
}

const START: &str = "2027-01-05T09:00:00Z";

async fn booked_as(play: &Played, kind: &str, start: &str) -> String {
    let body = json!({ "practitionerId": play.sophie, "type": kind, "scheduledAt": start });
    let answer = play.post(Played::MARC, "/consultations", body).await;
    answer.expect(201);
    answer.text_at("/id")
}

async fn enter(play: &Played, who: &str, id: &str) -> Answer {
    play.transition(who, id, "room").await
}

/// The claims of the token in an answer, once its signature was verified as the room server does.
/// What time it is there does not matter: the test's clock stands in another year.
fn claims(play: &Played, answer: &Answer) -> Value {
    let jitsi = &play.config.jitsi;
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_audience(&[&jitsi.app_id]);
    validation.set_issuer(&[&jitsi.app_id]);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    let token = answer.text_at("/jwt");
    let key = DecodingKey::from_secret(jitsi.secret.expose_secret().as_bytes());
    let verified = jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap();
    assert_eq!(verified.header.alg, Algorithm::HS256);
    let wrong = DecodingKey::from_secret(b"the secret of somebody else");
    assert!(jsonwebtoken::decode::<Value>(&token, &wrong, &validation).is_err());
    verified.claims
}

fn seconds(instant: &str) -> i64 {
    instant.parse::<Timestamp>().unwrap().as_second()
}

async fn a_room_token_says_what_the_contract_says(play: &Played) {
    let id = play.booked(Played::MARC, START).await;
    let other = play.booked(Played::MARC, "2027-01-05T10:00:00Z").await;
    let room = play.consultation(Played::MARC, &id).await["roomName"].as_str().unwrap().to_owned();
    play.set_clock("2027-01-05T08:55:00Z");

    let answer = enter(play, Played::MARC, &id).await;
    let body = answer.expect(200);
    assert_eq!(body.as_object().unwrap().len(), 4);
    assert_eq!(body["roomName"], room.as_str());
    assert_eq!(body["domain"], "meet.huntzen.care");
    assert_eq!(body["url"], format!("https://meet.huntzen.care/{room}?jwt={}", answer.text_at("/jwt")));

    let said = claims(play, &answer);
    let expected = |said: &Value, now: &str, affiliation: &str, moderator: &str| {
        json!({
            "iss": "huntzen_app", "aud": "huntzen_app", "sub": "meet.huntzen.care", "room": room,
            "nbf": seconds("2027-01-05T08:50:00Z"), "exp": seconds("2027-01-05T10:20:00Z"),
            "iat": seconds(now), "jti": said["jti"],
            "context": {
                "user": {
                    "id": said["context"]["user"]["id"], "name": "Participant", "affiliation": affiliation,
                    "moderator": moderator,
                },
                "features": {
                    "recording": "false", "livestreaming": "false", "transcription": "false",
                    "outbound-call": "false",
                },
            },
        })
    };
    assert_eq!(said, expected(&said, "2027-01-05T08:55:00Z", "member", "false"));
    play.set_clock("2027-01-05T08:56:00Z");
    let again = play.get(Played::MARC, &format!("/consultations/{id}/room")).await;
    let again = claims(play, &again);
    assert_eq!(again, expected(&again, "2027-01-05T08:56:00Z", "member", "false"));
    play.set_clock("2027-01-05T08:57:00Z");
    let answer = enter(play, Played::SOPHIE, &id).await;
    let practitioner = claims(play, &answer);
    assert_eq!(practitioner, expected(&practitioner, "2027-01-05T08:57:00Z", "owner", "true"));

    // Each token is its own; a person is the same within a consultation, and never beyond it.
    assert_ne!(said["jti"], again["jti"]);
    let pseudonym = |claims: &Value| claims["context"]["user"]["id"].as_str().unwrap().to_owned();
    assert!(pseudonym(&said).len() >= 16);
    assert_eq!(pseudonym(&said), pseudonym(&again));
    assert_ne!(pseudonym(&said), pseudonym(&practitioner));
    play.set_clock("2027-01-05T09:55:00Z");
    let elsewhere = enter(play, Played::MARC, &other).await;
    let elsewhere = claims(play, &elsewhere);
    assert_ne!(pseudonym(&said), pseudonym(&elsewhere));
    assert_ne!(said["room"], elsewhere["room"]);
    for who in [Played::MARC, Played::SOPHIE] {
        assert_ne!(pseudonym(&said), play.account_of(who).await);
    }
    let text = format!("{said}{practitioner}{elsewhere}");
    for name in ["Marc", "Dupont", "Sophie", "Martin", "example", &play.marc, &play.sophie, &id] {
        assert!(!text.contains(name), "{name} in {text}");
    }

    // A participant's first token, and the later ones.
    let events = play.events(Played::SOPHIE, &id).await;
    assert_eq!(events.each("type"), ["SCHEDULED", "ROOM_JOINED", "ROOM_TOKEN_ISSUED", "ROOM_JOINED"]);
    let (marc, sophie) = (play.account_of(Played::MARC).await, play.account_of(Played::SOPHIE).await);
    assert_eq!(events.each("actorId"), [marc.as_str(), marc.as_str(), marc.as_str(), sophie.as_str()]);
}

async fn whoever_has_an_alias_is_called_so(play: &Played) {
    let id = play.booked(Played::MARC, START).await;
    play.patch(Played::SOPHIE, "/users/me/preferences", json!({ "alias": "Camille" })).await.expect(200);
    play.set_clock("2027-01-05T08:55:00Z");
    for (who, name) in [(Played::SOPHIE, "Camille"), (Played::MARC, "Participant")] {
        let said = claims(play, &enter(play, who, &id).await);
        assert_eq!(said["context"]["user"]["name"], name, "an alias is its owner's alone");
    }
}

async fn a_room_is_open_around_its_consultation_alone(play: &Played) {
    let video = booked_as(play, "VIDEO", START).await;
    let audio = booked_as(play, "AUDIO", "2027-01-05T10:00:00Z").await;
    let phone = booked_as(play, "PHONE", "2027-01-05T13:00:00Z").await;
    let chat = booked_as(play, "CHAT", "2027-01-05T14:00:00Z").await;
    let cancelled = booked_as(play, "VIDEO", "2027-01-05T15:00:00Z").await;
    play.transition(Played::MARC, &cancelled, "cancel").await.expect(200);

    for (now, id, open) in [
        ("2027-01-05T08:49:59Z", &video, false),
        ("2027-01-05T08:50:00Z", &video, true),
        ("2027-01-05T09:49:59Z", &audio, false),
        ("2027-01-05T09:50:00Z", &audio, true),
        ("2027-01-05T10:19:59Z", &video, true),
        ("2027-01-05T10:20:01Z", &video, false),
        ("2027-01-05T13:00:00Z", &phone, false),
        ("2027-01-05T14:00:00Z", &chat, false),
        ("2027-01-05T15:00:00Z", &cancelled, false),
    ] {
        play.set_clock(now);
        for who in [Played::MARC, Played::SOPHIE] {
            let answer = enter(play, who, id).await;
            if open {
                answer.expect(200);
            } else {
                answer.refused(409, "room_closed");
            }
        }
    }

    let path = format!("/consultations/{video}/room");
    let barred = [Played::OPERATOR, Played::ADMIN, Played::HR];
    for method in [Method::POST, Method::GET] {
        play.must_not(&barred, &method, &path, &Value::Null).await;
        play.request(method, NOBODY, &path, Value::Null).await.refused(401, "unauthenticated");
    }
    // That a room is closed is for its participants to know.
    for stranger in [Played::CLAIRE, Played::LEA, Played::PAUL] {
        enter(play, stranger, &video).await.refused(404, "not_found");
    }
}
