//! Conversations over HTTP: who reads and writes, when, and what is kept of it.
use huntzen_tests::{
    api::{Answer, ApiWorld, NOBODY, Played},
    api_suite,
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

api_suite! {
    what_is_said_is_read_by_both,
    a_conversation_is_walked_in_both_directions,
    what_cannot_be_said_is_refused,
    a_conversation_is_open_around_its_consultation,
    nobody_else_has_part_in_it,
    reading_is_marked_once,
    everything_leaves_a_trace_without_its_words,
    whoever_is_away_is_told,
}

const START: &str = "2027-01-05T09:00:00Z";

async fn say(play: &Played, who: &str, id: &str, content: &str) -> Answer {
    play.post(who, &format!("/chat/{id}/messages"), json!({ "content": content })).await
}

async fn read(play: &Played, who: &str, id: &str, query: &str) -> Answer {
    play.get(who, &format!("/chat/{id}/messages{query}")).await
}

fn places(answer: &Answer) -> Vec<u64> {
    answer.expect(200);
    answer.each("seq").iter().map(|seq| seq.as_u64().unwrap()).collect()
}

async fn what_is_said_is_read_by_both(play: &Played) {
    let id = play.booked(Played::MARC, START).await;
    play.set_clock("2027-01-05T08:00:00Z");
    let (marc, sophie) = (play.account_of(Played::MARC).await, play.account_of(Played::SOPHIE).await);
    let words = "Je n'arrive plus à dormir. 😴\n\"Depuis lundi\"";
    let first = say(play, Played::MARC, &id, words).await;
    let body = first.expect(201).clone();
    assert_eq!(
        body,
        json!({
            "id": body["id"], "seq": 1, "consultationId": id, "senderId": marc, "content": words,
            "isRead": false, "readAt": null, "createdAt": "2027-01-05T08:00:00Z",
        })
    );
    let named: Uuid = body["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(named.get_version_num(), 4);
    assert_eq!(first.header("location"), Some(format!("/chat/{id}/messages?afterSeq=0&limit=1").as_str()));
    let found = play.get(Played::MARC, first.header("location").unwrap()).await;
    assert_eq!(found.expect(200)["items"], json!([body]));
    let second = say(play, Played::SOPHIE, &id, "Je vous écoute.").await.expect(201).clone();
    assert_eq!((&second["seq"], &second["senderId"]), (&json!(2), &json!(sophie)));
    for who in [Played::MARC, Played::SOPHIE] {
        let answer = read(play, who, &id, "").await;
        assert_eq!(answer.expect(200), &json!({ "items": [body, second], "nextCursor": null }));
    }
}

async fn a_conversation_is_walked_in_both_directions(play: &Played) {
    let id = play.booked(Played::MARC, START).await;
    play.set_clock("2027-01-05T08:00:00Z");
    for number in 1..=7 {
        say(play, Played::MARC, &id, &format!("Message {number}")).await.expect(201);
    }
    assert_eq!(places(&read(play, Played::SOPHIE, &id, "").await), [1, 2, 3, 4, 5, 6, 7]);
    let last = read(play, Played::SOPHIE, &id, "?limit=3").await;
    assert_eq!(places(&last), [5, 6, 7]);
    let older = read(play, Played::SOPHIE, &id, &format!("?limit=3&cursor={}", last.text_at("/nextCursor"))).await;
    assert_eq!(places(&older), [2, 3, 4]);
    let oldest = read(play, Played::SOPHIE, &id, &format!("?limit=3&cursor={}", older.text_at("/nextCursor"))).await;
    assert_eq!(places(&oldest), [1]);
    assert_eq!(oldest.json["nextCursor"], Value::Null);
    let next = read(play, Played::SOPHIE, &id, "?afterSeq=2&limit=3").await;
    assert_eq!(places(&next), [3, 4, 5]);
    let newest = read(play, Played::SOPHIE, &id, &format!("?limit=3&cursor={}", next.text_at("/nextCursor"))).await;
    assert_eq!(places(&newest), [6, 7]);
    assert_eq!(newest.json["nextCursor"], Value::Null);
    assert!(places(&read(play, Played::SOPHIE, &id, "?afterSeq=7").await).is_empty());
    for (query, field) in [
        ("?limit=0", "limit"),
        ("?limit=101", "limit"),
        ("?afterSeq=-1", "afterSeq"),
        ("?cursor=x", "cursor"),
        ("?afterSeq=1&cursor=AAAAAAAAAAAB", "cursor"),
        ("?page=1", "page"),
    ] {
        let refused = read(play, Played::SOPHIE, &id, query).await;
        let named = refused.refused(400, "validation_failed")["errors"][0]["field"].clone();
        assert_eq!(named, field, "{query}");
    }
}

async fn what_cannot_be_said_is_refused(play: &Played) {
    let id = play.booked(Played::MARC, START).await;
    play.set_clock("2027-01-05T08:00:00Z");
    say(play, Played::MARC, &id, "").await.invalid("content", "required");
    say(play, Played::MARC, &id, " \n\t ").await.invalid("content", "required");
    say(play, Played::MARC, &id, &"é".repeat(4_097)).await.invalid("content", "too_long");
    let path = format!("/chat/{id}/messages");
    for body in [
        json!({}),
        json!({ "content": 7 }),
        json!({ "content": "a", "senderId": play.sophie }),
        json!({ "content": null }),
        json!(["a"]),
    ] {
        play.post(Played::MARC, &path, body).await.refused(400, "validation_failed");
    }
    assert!(places(&read(play, Played::MARC, &id, "").await).is_empty(), "a refusal has changed something");
    say(play, Played::MARC, &id, &"é".repeat(4_096)).await.expect(201);
    play.request(actix_web::http::Method::DELETE, Played::MARC, &path, Value::Null)
        .await
        .refused(405, "method_not_allowed");
}

async fn a_conversation_is_open_around_its_consultation(play: &Played) {
    let id = play.booked(Played::MARC, START).await;
    for (now, open) in [
        ("2027-01-04T08:59:59Z", false),
        ("2027-01-04T09:00:00Z", true),
        ("2027-01-12T09:50:00Z", true),
        ("2027-01-12T09:50:01Z", false),
    ] {
        play.set_clock(now);
        play.forget_tokens();
        let answer = say(play, Played::MARC, &id, "Bonjour.").await;
        if open {
            answer.expect(201);
        } else {
            answer.refused(409, "chat_closed");
        }
    }
    assert_eq!(places(&read(play, Played::MARC, &id, "").await), [1, 2], "it stays readable");
    play.set_clock("2027-01-11T08:00:00Z");
    play.forget_tokens();
    let cancelled = play.booked(Played::MARC, "2027-01-12T09:00:00Z").await;
    play.advance(SignedDuration::from_hours(2));
    say(play, Played::MARC, &cancelled, "Bonjour.").await.expect(201);
    play.transition(Played::MARC, &cancelled, "cancel").await.expect(200);
    say(play, Played::SOPHIE, &cancelled, "Trop tard.").await.refused(409, "chat_closed");
    assert_eq!(places(&read(play, Played::SOPHIE, &cancelled, "").await), [1]);
}

async fn nobody_else_has_part_in_it(play: &Played) {
    let id = play.booked(Played::MARC, START).await;
    play.set_clock("2027-01-05T08:00:00Z");
    let message = say(play, Played::MARC, &id, "Un secret.").await.text_at("/id");
    let path = format!("/chat/{id}/messages");
    let unknown = play.world.randomness.uuid_v4();
    let absent = read(play, Played::CLAIRE, &unknown.to_string(), "").await.without_request_id();
    for who in [Played::CLAIRE, Played::LEA, Played::PAUL] {
        let refused = play.get(who, &path).await;
        refused.refused(404, "not_found");
        assert_eq!(refused.without_request_id(), absent, "{who} learns that there is one");
        say(play, who, &id, "Bonjour.").await.refused(404, "not_found");
        play.put(who, &format!("/chat/messages/{message}/read"), Value::Null).await.refused(404, "not_found");
        refused.must_not_tell("secret");
    }
    for who in [Played::OPERATOR, Played::ADMIN, Played::HR, Played::OTHER_HR] {
        play.get(who, &path).await.refused(403, "forbidden");
        play.get(who, &format!("/chat/{unknown}/messages")).await.refused(403, "forbidden");
        say(play, who, &id, "Bonjour.").await.refused(403, "forbidden");
        play.put(who, &format!("/chat/messages/{message}/read"), Value::Null).await.refused(403, "forbidden");
    }
    play.get(NOBODY, &path).await.refused(401, "unauthenticated");
    play.get(Played::MARC, "/chat/not-an-id/messages").await.refused(404, "not_found");
    assert_eq!(places(&read(play, Played::MARC, &id, "").await), [1]);
}

async fn reading_is_marked_once(play: &Played) {
    let id = play.booked(Played::MARC, START).await;
    play.set_clock("2027-01-05T08:00:00Z");
    let mut messages = Vec::new();
    for who in [Played::MARC, Played::SOPHIE, Played::MARC] {
        messages.push(say(play, who, &id, "Bonjour.").await.text_at("/id"));
    }
    let mark = |message: String| format!("/chat/messages/{message}/read");
    play.advance(SignedDuration::from_mins(1));
    let answer = play.put(Played::SOPHIE, &mark(messages[2].clone()), Value::Null).await;
    assert_eq!((&answer.expect(200)["isRead"], &answer.json["readAt"]), (&json!(true), &json!("2027-01-05T08:01:00Z")));
    let all = read(play, Played::MARC, &id, "").await;
    assert_eq!(all.each("isRead"), [json!(true), json!(false), json!(true)]);
    play.advance(SignedDuration::from_mins(1));
    let again = play.post(Played::SOPHIE, &mark(messages[2].clone()), Value::Null).await;
    assert_eq!(again.expect(200)["readAt"], "2027-01-05T08:01:00Z");
    let own = play.put(Played::MARC, &mark(messages[0].clone()), Value::Null).await;
    assert_eq!(own.expect(200)["readAt"], "2027-01-05T08:01:00Z", "one's own message is read by the other alone");
    play.put(Played::MARC, &mark(play.world.randomness.uuid_v4().to_string()), Value::Null)
        .await
        .refused(404, "not_found");
}

async fn everything_leaves_a_trace_without_its_words(play: &Played) {
    let id = play.booked(Played::MARC, START).await;
    play.set_clock("2027-01-05T08:00:00Z");
    let before = play.done_to(&id);
    let message = say(play, Played::MARC, &id, "Un secret.").await.text_at("/id");
    play.advance(SignedDuration::from_secs(1));
    read(play, Played::SOPHIE, &id, "").await.expect(200);
    play.advance(SignedDuration::from_secs(1));
    play.put(Played::SOPHIE, &format!("/chat/messages/{message}/read"), Value::Null).await.expect(200);
    play.advance(SignedDuration::from_secs(1));
    say(play, Played::CLAIRE, &id, "Bonjour.").await.refused(404, "not_found");
    play.advance(SignedDuration::from_secs(1));
    read(play, Played::PAUL, &id, "").await.refused(404, "not_found");
    let done = play.done_to(&id);
    assert_eq!(done[before.len()..], ["CREATE", "READ", "UPDATE", "CREATE!", "READ!"]);
    let (marc, sophie) = (play.account_of(Played::MARC).await, play.account_of(Played::SOPHIE).await);
    let trail = play.trail(&id);
    let told = &trail[before.len()..];
    let actors: Vec<_> = told.iter().take(3).map(|entry| entry.actor.unwrap().to_string()).collect();
    assert_eq!(actors, [marc.clone(), sophie.clone(), sophie]);
    assert!(told.iter().take(3).all(|entry| entry.subject.is_some_and(|subject| subject.to_string() == marc)));
    assert!(told.iter().all(|entry| !entry.request_id.is_empty()));
    assert!(!format!("{told:?}").contains("secret"));
}

async fn whoever_is_away_is_told(play: &Played) {
    let id = play.booked(Played::MARC, START).await;
    play.set_clock("2027-01-05T08:00:00Z");
    play.empty_mailboxes();
    say(play, Played::MARC, &id, "Un secret.").await.expect(201);
    say(play, Played::MARC, &id, "Un autre.").await.expect(201);
    let news = play.get(Played::SOPHIE, "/notifications?type=MESSAGE_RECEIVED").await;
    assert_eq!(news.each("data"), [json!({ "consultationId": id })]);
    news.must_not_tell("secret");
    assert_eq!(play.services.unread.send(100).unwrap(), 0);
    play.advance(SignedDuration::from_mins(31));
    assert_eq!(play.services.unread.send(100).unwrap(), 1);
    assert_eq!(play.services.unread.send(100).unwrap(), 0);
    let letters = play.letters_to(Played::SOPHIE);
    assert_eq!(letters.len(), 1);
    let letter = format!("{} {} {}", letters[0].subject, letters[0].text, letters[0].html);
    for word in ["secret", "Marc", "Dupont", "psych", "santé", "consult"] {
        assert!(!letter.to_lowercase().contains(&word.to_lowercase()), "{word} in {letter}");
    }
    assert!(play.letters_to(Played::MARC).is_empty());
}

/// Nothing in the program destroys a key yet, so that this is tried where the owner can.
#[actix_web::test]
async fn a_destroyed_key_leaves_the_shape_alone() {
    let play = &Played::new(ApiWorld::postgres().await).await;
    let id = play.booked(Played::MARC, START).await;
    play.set_clock("2027-01-05T08:00:00Z");
    say(play, Played::MARC, &id, "Un secret.").await.expect(201);
    let database = play.world.database.as_ref().unwrap();
    let destroy = format!("DELETE FROM keys.data_keys WHERE subject_id = '{id}'");
    diesel::connection::SimpleConnection::batch_execute(&mut database.owner(), &destroy).unwrap();
    let answer = read(play, Played::MARC, &id, "").await;
    assert_eq!(places(&answer), [1]);
    assert_eq!(answer.each("content"), [Value::Null]);
}
