//! Notifications: who is told of what, and what a person does with their own inbox.
use actix_web::test::TestRequest;
use huntzen_tests::{
    api::{ApiWorld, NOBODY, Played},
    api_suite,
};
use serde_json::{Value, json};

api_suite! {
    both_participants_are_told_and_nobody_else,
    reminders_go_out_a_day_and_an_hour_before_and_once,
    an_inbox_is_read_filtered_and_emptied_by_its_owner_alone,
    an_inbox_pages_newest_first,
}

const UNKNOWN: &str = "0190b6c0-0000-7000-8000-000000000000";

/// The types in somebody's inbox, newest first.
async fn told(play: &ApiWorld, who: &str) -> Vec<Value> {
    let inbox = play.get(who, "/notifications").await;
    inbox.expect(200);
    inbox.each("type")
}

/// The subjects of the letters that came since the mailboxes were emptied.
fn mailed(play: &ApiWorld, who: &str) -> Vec<String> {
    play.letters_to(who).into_iter().map(|letter| letter.subject).collect()
}

async fn both_participants_are_told_and_nobody_else(play: &Played) {
    let id = play.booked(Played::MARC, "2027-01-05T08:00:00Z").await;
    for who in [Played::MARC, Played::SOPHIE] {
        let inbox = play.get(who, "/notifications").await;
        let item = json!({
            "id": inbox.text_at("/items/0/id"), "type": "CONSULTATION_SCHEDULED", "title": "Nouveau rendez-vous",
            "body": "Un rendez-vous a été pris. Vous le trouverez dans votre agenda.",
            "data": { "consultationId": id, "scheduledAt": "2027-01-05T08:00:00Z" }, "isRead": false, "readAt": null,
            "createdAt": "2027-01-04T08:00:00Z",
        });
        assert_eq!(*inbox.expect(200), json!({ "items": [item], "nextCursor": null, "unreadCount": 1 }));
        assert_eq!(mailed(play, who), ["Un rendez-vous est prévu"]);
    }
    let authorization = ("authorization", format!("Bearer {}", play.token_of(Played::MARC).await));
    let english = TestRequest::with_uri("/notifications").insert_header(authorization);
    let english = play.send(english.insert_header(("accept-language", "en-GB, fr;q=0.5"))).await;
    assert_eq!(english.expect(200)["items"][0]["title"], "New appointment");
    assert_eq!(english.json["items"][0]["body"], "An appointment was made. You will find it in your schedule.");

    play.set_clock("2027-01-04T08:01:00Z");
    play.conduct(&id, "confirm").await;
    play.set_clock("2027-01-04T08:02:00Z");
    let later = json!({ "scheduledAt": "2027-01-06T09:00:00Z" });
    play.post(Played::MARC, &format!("/consultations/{id}/reschedule"), later).await.expect(200);
    for who in [Played::MARC, Played::SOPHIE] {
        let inbox = play.get(who, "/notifications?limit=1").await;
        assert_eq!(inbox.expect(200)["items"][0]["type"], "CONSULTATION_RESCHEDULED");
        assert_eq!(
            inbox.json["items"][0]["data"],
            json!({ "consultationId": id, "scheduledAt": "2027-01-06T09:00:00Z" })
        );
    }
    let dropped = play.booked(Played::MARC, "2027-01-07T08:00:00Z").await;
    play.set_clock("2027-01-04T08:03:00Z");
    let reason = json!({ "reason": "Grève des trains" });
    play.post(Played::SOPHIE, &format!("/consultations/{dropped}/cancel"), reason).await.expect(200);
    play.set_clock("2027-01-06T09:00:00Z");
    play.conduct(&id, "start").await;
    play.set_clock("2027-01-06T09:50:00Z");
    play.conduct(&id, "end").await;

    let mut practitioner = vec![
        "CONSULTATION_CANCELLED",
        "CONSULTATION_SCHEDULED",
        "CONSULTATION_RESCHEDULED",
        "CONSULTATION_CONFIRMED",
        "CONSULTATION_SCHEDULED",
    ];
    assert_eq!(same_minute_sorted(play, Played::SOPHIE).await, sorted(&practitioner));
    practitioner.push("CONSULTATION_COMPLETED");
    assert_eq!(same_minute_sorted(play, Played::MARC).await, sorted(&practitioner));
    assert_eq!(told(play, Played::MARC).await[0], "CONSULTATION_COMPLETED");
    assert_eq!(told(play, Played::SOPHIE).await[0], "CONSULTATION_CANCELLED");
    for who in [Played::CLAIRE, Played::LEA, Played::HR, Played::ADMIN, Played::OPERATOR, Played::PAUL] {
        assert!(told(play, who).await.is_empty(), "{who} was told");
        assert!(mailed(play, who).is_empty(), "{who} was mailed");
    }
    let subjects = mailed(play, Played::MARC);
    assert_eq!(subjects.len(), 6, "{subjects:?}");
    assert_eq!(mailed(play, Played::SOPHIE).len(), 5);
    for letter in play.letters_to(Played::MARC).into_iter().chain(play.letters_to(Played::SOPHIE)) {
        for secret in ["Grève des trains", "Je dors mal", "Stress", "psych"] {
            assert!(!letter.text.contains(secret) && !letter.html.contains(secret), "a letter tells {secret}");
        }
    }
    for who in [Played::MARC, Played::SOPHIE] {
        let inbox = play.get(who, "/notifications").await;
        for secret in ["Grève des trains", "Je dors mal", "Dupont", "Sophie"] {
            inbox.must_not_tell(secret);
        }
    }
    play.get(NOBODY, "/notifications").await.refused(401, "unauthenticated");
}

async fn same_minute_sorted(play: &ApiWorld, who: &str) -> Vec<String> {
    let mut kinds: Vec<String> = told(play, who).await.iter().map(|kind| kind.as_str().unwrap().to_owned()).collect();
    kinds.sort_unstable();
    kinds
}

fn sorted(kinds: &[&str]) -> Vec<String> {
    let mut kinds: Vec<String> = kinds.iter().map(|&kind| kind.to_owned()).collect();
    kinds.sort_unstable();
    kinds
}

async fn reminders_go_out_a_day_and_an_hour_before_and_once(play: &Played) {
    let id = play.booked(Played::MARC, "2027-01-06T08:00:00Z").await;
    let cancelled = play.booked(Played::CLAIRE, "2027-01-06T09:00:00Z").await;
    play.conduct(&cancelled, "cancel").await;
    let remind = || play.services.jobs.send_reminders(100).unwrap();
    let reminders = async |who: &str| {
        let inbox = play.get(who, "/notifications?type=CONSULTATION_REMINDER").await;
        inbox.expect(200);
        inbox.each("data")
    };
    let about = json!({ "consultationId": id, "scheduledAt": "2027-01-06T08:00:00Z" });
    play.empty_mailboxes();
    for (now, sent) in [
        ("2027-01-05T07:59:59Z", 0),
        ("2027-01-05T08:00:00Z", 1),
        ("2027-01-06T06:59:59Z", 1),
        ("2027-01-06T07:00:00Z", 2),
        ("2027-01-06T07:30:00Z", 2),
    ] {
        play.set_clock(now);
        remind();
        assert_eq!(remind(), 0, "{now}: sent twice");
        for who in [Played::MARC, Played::SOPHIE] {
            assert_eq!(reminders(who).await, vec![about.clone(); sent], "{now} {who}");
            assert_eq!(mailed(play, who).len(), sent, "{now} {who}");
        }
        assert!(reminders(Played::CLAIRE).await.is_empty());
        assert!(mailed(play, Played::CLAIRE).is_empty());
    }
    // Moved to another day: the new start is announced anew.
    let later = json!({ "scheduledAt": "2027-01-08T08:00:00Z" });
    play.post(Played::MARC, &format!("/consultations/{id}/reschedule"), later).await.expect(200);
    play.set_clock("2027-01-07T08:00:00Z");
    assert_eq!(remind(), 1);
    assert_eq!(reminders(Played::MARC).await.len(), 3);
    assert_eq!(reminders(Played::MARC).await[0]["scheduledAt"], "2027-01-08T08:00:00Z");
}

async fn an_inbox_is_read_filtered_and_emptied_by_its_owner_alone(play: &Played) {
    let id = play.booked(Played::MARC, "2027-01-05T08:00:00Z").await;
    play.set_clock("2027-01-04T08:01:00Z");
    play.conduct(&id, "confirm").await;
    play.set_clock("2027-01-04T08:02:00Z");
    play.conduct(&id, "cancel").await;
    let inbox = play.get(Played::MARC, "/notifications").await;
    let kinds = ["CONSULTATION_CANCELLED", "CONSULTATION_CONFIRMED", "CONSULTATION_SCHEDULED"];
    assert_eq!(inbox.each("type"), kinds);
    let confirmed = inbox.text_at("/items/1/id");
    let read = format!("/notifications/{confirmed}/read");

    let unknown = play.put(Played::MARC, &format!("/notifications/{UNKNOWN}/read"), Value::Null).await;
    unknown.refused(404, "not_found");
    for stranger in [Played::SOPHIE, Played::CLAIRE, Played::HR, Played::ADMIN, Played::OPERATOR] {
        play.put(stranger, &read, Value::Null).await.must_look_like(&unknown);
        let deletion = play.delete(stranger, &format!("/notifications/{confirmed}")).await;
        deletion.must_look_like(&unknown);
    }
    play.put(Played::MARC, "/notifications/first/read", Value::Null).await.refused(404, "not_found");

    let once = play.put(Played::MARC, &read, Value::Null).await;
    let mut wanted = inbox.json["items"][1].clone();
    wanted["isRead"] = json!(true);
    wanted["readAt"] = json!("2027-01-04T08:02:00Z");
    assert_eq!(*once.expect(200), wanted);
    play.set_clock("2027-01-04T08:05:00Z");
    assert_eq!(*play.post(Played::MARC, &read, Value::Null).await.expect(200), wanted, "the first reading counts");

    for (query, found) in [
        ("unread=true", vec![kinds[0], kinds[2]]),
        ("unread=false", vec![kinds[1]]),
        ("type=consultation_cancelled", vec![kinds[0]]),
        ("type=CONSULTATION_CONFIRMED&unread=true", vec![]),
        ("type=MESSAGE_RECEIVED", vec![]),
    ] {
        let answer = play.get(Played::MARC, &format!("/notifications?{query}")).await;
        assert_eq!(answer.expect(200)["unreadCount"], 2, "{query}: of the whole inbox");
        assert_eq!(answer.each("type"), found, "{query}");
    }
    let all = play.put(Played::MARC, "/notifications/read-all", Value::Null).await;
    assert_eq!(*all.expect(200), json!({ "updated": 2 }));
    let again = play.post(Played::MARC, "/notifications/read-all", Value::Null).await;
    assert_eq!(*again.expect(200), json!({ "updated": 0 }));
    let inbox = play.get(Played::MARC, "/notifications").await;
    assert_eq!(inbox.json["unreadCount"], 0);
    let (late, early) = (json!("2027-01-04T08:05:00Z"), json!("2027-01-04T08:02:00Z"));
    assert_eq!(inbox.each("readAt"), [late.clone(), early, late]);
    assert_eq!(play.get(Played::SOPHIE, "/notifications").await.expect(200)["unreadCount"], 3);

    let deletion = format!("/notifications/{confirmed}");
    let deleted = play.delete(Played::MARC, &deletion).await;
    deleted.expect(204);
    assert_eq!(deleted.text(), "");
    play.delete(Played::MARC, &deletion).await.must_look_like(&unknown);
    play.put(Played::MARC, &read, Value::Null).await.must_look_like(&unknown);
    assert_eq!(told(play, Played::MARC).await, [kinds[0], kinds[2]]);
    assert_eq!(told(play, Played::SOPHIE).await, kinds);
}

async fn an_inbox_pages_newest_first(play: &Played) {
    for (minute, start) in ["08", "09", "10", "13", "14"].into_iter().enumerate() {
        play.set_clock(&format!("2027-01-04T08:0{minute}:00Z"));
        play.booked(Played::MARC, &format!("2027-01-05T{start}:00:00Z")).await;
    }
    let whole = play.get(Played::MARC, "/notifications").await;
    let starts: Vec<&str> =
        whole.json["items"].as_array().unwrap().iter().filter_map(|one| one["data"]["scheduledAt"].as_str()).collect();
    assert_eq!(starts, ["14", "13", "10", "09", "08"].map(|hour| format!("2027-01-05T{hour}:00:00Z")));

    let (mut path, mut ids, mut sizes) = ("/notifications?limit=2".to_owned(), Vec::new(), Vec::new());
    let first_mark = loop {
        let part = play.get(Played::MARC, &path).await;
        part.expect(200);
        assert_eq!(part.fields_at(""), ["items", "nextCursor", "unreadCount"]);
        assert_eq!(part.json["unreadCount"], 5);
        ids.extend(part.each("id"));
        sizes.push(part.each("id").len());
        let Some(mark) = part.json["nextCursor"].as_str() else { break path };
        path = format!("/notifications?limit=2&cursor={mark}");
        if sizes.len() == 1 {
            // Whoever is told something new meanwhile goes on where they were.
            play.booked(Played::CLAIRE, "2027-01-06T08:00:00Z").await;
        }
    };
    assert_eq!(sizes, [2, 2, 1]);
    assert_eq!(ids, whole.each("id"));
    // A cursor is a place in time and not a right: in another inbox it shows that inbox alone.
    let elsewhere = play.get(Played::LEA, &first_mark).await;
    assert_eq!(elsewhere.expect(200)["items"], json!([]));
    for (query, field, code) in [
        ("limit=0", "limit", "out_of_range"),
        ("limit=101", "limit", "out_of_range"),
        ("cursor=abc", "cursor", "invalid_cursor"),
        ("type=GOSSIP", "type", "unknown_value"),
        ("page=1", "page", "unknown_parameter"),
        ("limit=1&limit=2", "limit", "repeated"),
    ] {
        play.get(Played::MARC, &format!("/notifications?{query}")).await.invalid(field, code);
    }
    play.get(Played::MARC, "/notifications?unread=perhaps").await.refused(400, "validation_failed");
}
