//! Reading consultations: participants wholly, administrators redacted, everybody else not at all.
use actix_web::http::Method;
use huntzen_tests::{
    api::{Answer, NOBODY, Played, consultation_at},
    api_suite,
};
use serde_json::{Value, json};

api_suite! {
    a_consultation_is_its_participants_own,
    administrators_see_it_redacted,
    ones_own_consultations_are_listed_by_status_day_and_page,
    what_lies_ahead_and_what_lies_behind,
}

const UNKNOWN: &str = "0198c5a2-7b1e-4c3d-9a4f-112233445566";
const START: &str = "2027-01-05T09:00:00Z";

async fn a_consultation_is_its_participants_own(play: &Played) {
    let id = play.booked(Played::MARC, START).await;
    let nothing = Value::Null;
    let moved = json!({ "scheduledAt": "2027-01-06T09:00:00Z" });
    let for_participants = [
        (Method::GET, "", &nothing),
        (Method::GET, "/events", &nothing),
        (Method::GET, "/calendar.ics", &nothing),
        (Method::GET, "/room", &nothing),
        (Method::POST, "/room", &nothing),
        (Method::POST, "/cancel", &nothing),
        (Method::PUT, "/cancel", &nothing),
        (Method::POST, "/reschedule", &moved),
    ];
    let for_practitioners = ["/confirm", "/start", "/end", "/no-show"].map(|path| (Method::POST, path, &nothing));

    for (method, path, body) in for_participants.iter().chain(&for_practitioners) {
        let ask = async |who: &str, id: &str| {
            play.request(method.clone(), who, &format!("/consultations/{id}{path}"), (*body).clone()).await
        };
        let practitioners_alone = ["/confirm", "/start", "/end", "/no-show"].contains(path);
        for stranger in [Played::CLAIRE, Played::LEA, Played::PAUL] {
            if practitioners_alone && stranger != Played::PAUL {
                ask(stranger, &id).await.refused(403, "forbidden");
                continue;
            }
            let theirs = ask(stranger, &id).await;
            theirs.refused(404, "not_found");
            let none = ask(stranger, UNKNOWN).await;
            none.refused(404, "not_found");
            assert_eq!(theirs.without_request_id(), none.without_request_id(), "{path} as {stranger}");
            ask(stranger, "first").await.refused(404, "not_found");
        }
        // Before any look-up: for every id alike.
        for id in [id.as_str(), UNKNOWN] {
            ask(Played::HR, id).await.refused(403, "forbidden");
            ask(NOBODY, id).await.refused(401, "unauthenticated");
            if !["", "/events"].contains(path) {
                ask(Played::ADMIN, id).await.refused(403, "forbidden");
                ask(Played::OPERATOR, id).await.refused(403, "forbidden");
            }
        }
    }
    // None of it left a trace.
    let seen = play.consultation(Played::MARC, &id).await;
    assert_eq!(seen["status"], "SCHEDULED");
    assert_eq!(seen["scheduledAt"], START);
    assert_eq!(seen["updatedAt"], "2027-01-04T08:00:00Z");
    assert_eq!(play.events(Played::SOPHIE, &id).await.each("type"), ["SCHEDULED"]);
    for stranger in [Played::CLAIRE, Played::LEA, Played::PAUL] {
        for list in ["mine", "my", "upcoming", "history"] {
            let listed = play.get(stranger, &format!("/consultations/{list}")).await;
            assert_eq!(listed.expect(200), &json!({ "items": [], "nextCursor": null }));
        }
    }
    for list in ["mine", "my", "upcoming", "history"] {
        let path = format!("/consultations/{list}");
        play.must_not(&[Played::OPERATOR, Played::ADMIN, Played::HR], &Method::GET, &path, &nothing).await;
    }
    let unknown_method = play.request(Method::DELETE, Played::MARC, &format!("/consultations/{id}"), nothing).await;
    unknown_method.refused(405, "method_not_allowed");
    assert!(unknown_method.header("allow").unwrap().contains("GET"));
}

async fn administrators_see_it_redacted(play: &Played) {
    let by_marc = play.booked(Played::MARC, START).await;
    let by_sophie = play.booked(Played::CLAIRE, "2027-01-05T10:00:00Z").await;
    let reason = json!({ "reason": "Un empêchement." });
    play.set_clock("2027-01-04T08:10:00Z");
    for (who, id) in [(Played::MARC, &by_marc), (Played::SOPHIE, &by_sophie)] {
        play.post(who, &format!("/consultations/{id}/cancel"), reason.clone()).await.expect(200);
    }
    let sophies_account = play.account_of(Played::SOPHIE).await;

    for viewer in [Played::ADMIN, Played::OPERATOR] {
        let mut expected = play.consultation(Played::SOPHIE, &by_marc).await;
        for hidden in ["employeeId", "employee", "reason", "roomName", "cancelledBy", "cancelReason"] {
            assert_ne!(expected[hidden], Value::Null, "{hidden} is not hidden, but absent");
            expected[hidden] = Value::Null;
        }
        let seen = play.get(viewer, &format!("/consultations/{by_marc}")).await;
        assert_eq!(seen.expect(200), &expected);
        let seen = play.get(viewer, &format!("/consultations/{by_sophie}")).await;
        assert_eq!(seen.expect(200)["cancelledBy"], sophies_account.as_str());
        for told in ["Claire", "Laurent", "dors", "empêchement", &play.claire] {
            seen.must_not_tell(told);
        }

        let events = play.events(viewer, &by_marc).await;
        assert_eq!(events.each("type"), ["SCHEDULED", "CANCELLED"]);
        assert_eq!(events.each("actorId"), [Value::Null, Value::Null]);
        let events = play.events(viewer, &by_sophie).await;
        assert_eq!(events.each("actorId"), [Value::Null, json!(sophies_account)]);
        play.get(viewer, &format!("/consultations/{UNKNOWN}")).await.refused(404, "not_found");
        play.get(viewer, &format!("/consultations/{UNKNOWN}/events")).await.refused(404, "not_found");
    }
}

async fn list(play: &Played, who: &str, path: &str) -> Answer {
    let answer = play.get(who, &format!("/consultations/{path}")).await;
    answer.expect(200);
    answer
}

async fn ones_own_consultations_are_listed_by_status_day_and_page(play: &Played) {
    // Shortly after midnight in Paris, so a Thursday there and a Wednesday in London.
    let night = json!({ "startsAt": "2027-01-06T23:10:00Z", "endsAt": "2027-01-07T00:00:00Z", "kind": "EXTRA" });
    play.post(Played::SOPHIE, "/availability/exception", night).await.expect(201);
    let tuesday = play.booked(Played::MARC, "2027-01-05T09:00:00Z").await;
    let wednesday = play.booked(Played::MARC, "2027-01-06T09:00:00Z").await;
    let thursday = play.booked(Played::MARC, "2027-01-06T23:10:00Z").await;
    let friday = play.booked(Played::MARC, "2027-01-08T09:00:00Z").await;
    let lea = play.booked(Played::LEA, "2027-01-07T09:00:00Z").await;
    let with_paul = consultation_at(&play.paul, "2027-01-11T09:00:00Z");
    let monday = play.post(Played::MARC, "/consultations", with_paul).await.text_at("/id");
    play.conduct(&wednesday, "confirm").await;
    play.transition(Played::MARC, &friday, "cancel").await.expect(200);

    let newest_first = [&monday, &friday, &thursday, &wednesday, &tuesday];
    for path in ["mine", "my", "mine?limit=5"] {
        let listed = list(play, Played::MARC, path).await;
        assert_eq!(listed.each("id"), newest_first.map(String::as_str), "{path}");
        assert_eq!(listed.json["nextCursor"], Value::Null);
    }
    let first = list(play, Played::MARC, "mine").await.json["items"][0].clone();
    assert_eq!(first, play.consultation(Played::MARC, &monday).await);

    for (query, expected) in [
        ("status=CONFIRMED", vec![&wednesday]),
        ("status=cancelled", vec![&friday]),
        ("status=NO_SHOW", vec![]),
        ("from=2027-01-07", vec![&monday, &friday, &thursday]),
        ("to=2027-01-06", vec![&wednesday, &tuesday]),
        ("from=2027-01-07&to=2027-01-07", vec![&thursday]),
        ("from=2027-01-05&to=2027-01-08&status=SCHEDULED", vec![&thursday, &tuesday]),
    ] {
        let listed = list(play, Played::MARC, &format!("mine?{query}")).await;
        let expected: Vec<_> = expected.into_iter().map(String::as_str).collect();
        assert_eq!(listed.each("id"), expected, "{query}");
    }
    // Page after page, each once.
    let mut seen = Vec::new();
    let mut path = "mine?limit=2".to_owned();
    for expected in [2, 2, 1] {
        let page = list(play, Played::MARC, &path).await;
        let ids = page.each("id");
        assert_eq!(ids.len(), expected);
        seen.extend(ids);
        path = format!("mine?limit=2&cursor={}", page.json["nextCursor"].as_str().unwrap_or_default());
    }
    assert_eq!(seen, newest_first.map(String::as_str));
    assert!(path.ends_with("cursor="), "the last page says that it is the last");

    // The practitioner's own, of whatever company, with their people's names.
    let sophies = list(play, Played::SOPHIE, "mine?status=SCHEDULED").await;
    assert_eq!(sophies.each("id"), [&lea, &thursday, &tuesday].map(String::as_str));
    assert_eq!(sophies.json["items"][0]["employee"]["lastName"], "Morel");
    assert_eq!(list(play, Played::LEA, "mine").await.each("id"), [lea.as_str()]);

    let refused = async |query: &str| play.get(Played::MARC, &format!("/consultations/mine?{query}")).await;
    refused("from=2027-01-07&to=2027-01-06").await.invalid("to", "before_from");
    refused("status=DONE").await.invalid("status", "unknown_value");
    refused("limit=101").await.invalid("limit", "out_of_range");
    refused("limit=0").await.invalid("limit", "out_of_range");
    refused("cursor=abc").await.invalid("cursor", "invalid_cursor");
    refused("from=today").await.invalid("from", "invalid_date");
    refused("page=1").await.invalid("page", "unknown_parameter");
}

async fn what_lies_ahead_and_what_lies_behind(play: &Played) {
    let held = play.held(Played::MARC, "2027-01-05T08:00:00Z", "2027-01-05T08:50:00Z").await;
    let missed = play.booked(Played::MARC, "2027-01-05T13:00:00Z").await;
    let going_on = play.booked(Played::MARC, "2027-01-06T09:00:00Z").await;
    let next = play.booked(Played::MARC, "2027-01-07T09:00:00Z").await;
    let last = play.booked(Played::MARC, "2027-01-08T09:00:00Z").await;
    let cancelled = play.booked(Played::MARC, "2027-01-08T10:00:00Z").await;
    play.transition(Played::MARC, &cancelled, "cancel").await.expect(200);
    play.conduct(&next, "confirm").await;
    play.set_clock("2027-01-06T09:00:00Z");
    play.conduct(&going_on, "start").await;

    play.set_clock("2027-01-06T09:49:59Z");
    for who in [Played::MARC, Played::SOPHIE] {
        let ahead = list(play, who, "upcoming").await;
        assert_eq!(ahead.each("id"), [&going_on, &next, &last].map(String::as_str));
        assert_eq!(ahead.each("status"), ["IN_PROGRESS", "CONFIRMED", "SCHEDULED"]);
        let behind = list(play, who, "history").await;
        assert_eq!(behind.each("id"), [&cancelled, &missed, &held].map(String::as_str));
    }
    let page = list(play, Played::MARC, "upcoming?limit=2").await;
    assert_eq!(page.each("id"), [&going_on, &next].map(String::as_str));
    let rest = format!("upcoming?limit=2&cursor={}", page.text_at("/nextCursor"));
    assert_eq!(list(play, Played::MARC, &rest).await.each("id"), [last.as_str()]);
    let page = list(play, Played::MARC, "history?limit=1").await;
    let rest = format!("history?limit=5&cursor={}", page.text_at("/nextCursor"));
    assert_eq!(list(play, Played::MARC, &rest).await.each("id"), [&missed, &held].map(String::as_str));

    // Once its end has passed, nothing lies ahead of it, ended or not.
    play.set_clock("2027-01-06T09:50:01Z");
    let ahead = list(play, Played::MARC, "upcoming").await;
    assert_eq!(ahead.each("id"), [&next, &last].map(String::as_str));
    let behind = list(play, Played::MARC, "history").await;
    assert_eq!(behind.each("id"), [&cancelled, &going_on, &missed, &held].map(String::as_str));
}
