//! The audit trail over HTTP: operators learn nothing of who consults, a person learns who read what.
use data_encoding::BASE64URL_NOPAD;
use huntzen_tenancy::audit::ChainLinking;
use huntzen_tests::{
    api::{NOBODY, Played},
    api_suite,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

api_suite! {
    operators_read_what_was_administered,
    nobody_who_consults_is_told_to_operators,
    filters_by_person_and_company_tell_nothing_of_care,
    the_trail_is_walked_from_end_to_end_once,
    what_cannot_be_asked_is_refused,
    the_trail_is_verified,
    a_person_sees_who_touched_their_data,
}

const LOGS: &str = "/super-admin/audit-logs";

async fn logs(play: &Played, query: &str) -> Vec<Value> {
    let answer = play.get(Played::OPERATOR, &format!("{LOGS}{query}")).await;
    answer.expect(200)["items"].as_array().unwrap().clone()
}

async fn operators_read_what_was_administered(play: &Played) {
    let marc = play.account_of(Played::MARC).await;
    play.advance(SignedDuration::from_secs(1));
    play.post(Played::OPERATOR, &format!("/super-admin/users/{marc}/block"), json!({})).await.expect(200);
    let (at, operator) = (play.now(), play.account_of(Played::OPERATOR).await);
    play.advance(SignedDuration::from_secs(1));
    let blocked = logs(play, "?action=BLOCK").await;
    let [entry] = blocked.as_slice() else { panic!("{blocked:?}") };
    assert_eq!(
        entry,
        &json!({
            "id": entry["id"], "at": at, "actor": { "id": operator, "pseudonym": null, "role": "SUPER_ADMIN" },
            "action": "BLOCK", "resource": "USER", "resourceId": marc, "companyId": entry["companyId"],
            "outcome": "SUCCESS", "requestId": entry["requestId"], "ip": entry["ip"],
        })
    );
    assert!(entry["requestId"].is_string());
    // Whoever reads the trail stands in it.
    let read = logs(play, "?resource=AUDIT_TRAIL").await;
    assert!(read.len() >= 2 && read.iter().all(|one| one["actor"]["id"] == operator.as_str()), "{read:?}");
}

async fn nobody_who_consults_is_told_to_operators(play: &Played) {
    play.set_clock("2027-01-04T09:30:15Z");
    let id = play.booked(Played::MARC, "2027-01-05T09:00:00Z").await;
    let body = json!({ "consultationId": id, "content": "Insomnie." });
    let note = play.post(Played::SOPHIE, "/medical/clinical-notes", body).await.text_at("/id");
    play.post(Played::MARC, "/medical/journal", json!({ "content": "Un." })).await.expect(201);
    play.set_clock("2027-01-05T08:00:00Z");
    play.post(Played::MARC, &format!("/chat/{id}/messages"), json!({ "content": "Bonjour." })).await.expect(201);
    let (marc, sophie) = (play.account_of(Played::MARC).await, play.account_of(Played::SOPHIE).await);
    let company = play.get(Played::HR, "/companies/me").await.text_at("/id");
    // Not on the day itself: whoever looked every second would see when somebody writes.
    let conversations = "?resource=CONVERSATION";
    assert_eq!(logs(play, conversations).await, Vec::<Value>::new());
    let count = async || {
        let linking = ChainLinking::new(play.world.chain_ports());
        while linking.link(1000).unwrap() > 0 {}
        play.get(Played::OPERATOR, &format!("{LOGS}/verify")).await.expect(200)["checkedEntries"].as_u64().unwrap()
    };
    let before = count().await;
    play.get(Played::MARC, &format!("/chat/{id}/messages")).await.expect(200);
    assert_eq!(count().await, before + 1, "the question itself, and nothing of Marc's");
    play.set_clock("2027-01-06T08:00:00Z");
    play.forget_tokens();
    assert!(!logs(play, conversations).await.is_empty());
    let all = logs(play, "?limit=100").await;
    let about_care = ["CONSULTATION", "REVIEW", "CLINICAL_NOTE", "JOURNAL_ENTRY", "CONVERSATION", "METRICS"];
    let hidden: Vec<&Value> =
        all.iter().filter(|one| about_care.iter().any(|resource| one["resource"] == *resource)).collect();
    let of = |resource: &str| hidden.iter().filter(|one| one["resource"] == resource).count();
    for resource in ["CONSULTATION", "CLINICAL_NOTE", "JOURNAL_ENTRY", "CONVERSATION"] {
        assert!(of(resource) > 0, "{resource} is not among {all:?}");
    }
    for one in &hidden {
        let text = one.to_string();
        for secret in [&marc, &sophie, &id, &note, &company] {
            assert!(!text.contains(secret.as_str()), "{one}");
        }
        for field in ["resourceId", "companyId", "requestId", "ip"] {
            assert_eq!(one[field], Value::Null, "{one}");
        }
        assert!(one["at"].as_str().unwrap().ends_with("T00:00:00Z"), "{one}");
        assert_eq!(one["actor"]["pseudonym"].as_str().unwrap().len(), 16, "{one}");
    }
    // One pseudonym a person and day, told by what each role does.
    let of_employee = |day: &str| {
        let theirs = hidden.iter().filter(|one| one["actor"]["role"] == "EMPLOYEE");
        let mut names: Vec<&str> = theirs
            .filter(|one| one["at"].as_str().unwrap().starts_with(day))
            .map(|one| one["actor"]["pseudonym"].as_str().unwrap())
            .collect();
        names.dedup();
        names
    };
    let (first, second) = (of_employee("2027-01-04"), of_employee("2027-01-05"));
    assert_eq!((first.len(), second.len()), (1, 1));
    assert_ne!(first, second);
}

async fn filters_by_person_and_company_tell_nothing_of_care(play: &Played) {
    play.booked(Played::MARC, "2027-01-05T09:00:00Z").await;
    let marc = play.account_of(Played::MARC).await;
    play.set_clock("2027-01-05T08:00:00Z");
    let company = play.get(Played::HR, "/companies/me").await.text_at("/id");
    assert!(!logs(play, "?resource=CONSULTATION").await.is_empty());
    for filter in [format!("userId={marc}"), format!("companyId={company}")] {
        let all = logs(play, &format!("?limit=100&{filter}")).await;
        assert!(!all.is_empty());
        assert!(all.iter().all(|one| one["actor"]["pseudonym"].is_null()), "{all:?}");
        for care in ["resource=CONSULTATION", "action=BOOK"] {
            assert!(logs(play, &format!("?{filter}&{care}")).await.is_empty());
        }
    }
}

async fn the_trail_is_walked_from_end_to_end_once(play: &Played) {
    for start in ["2027-01-05T09:00:00Z", "2027-01-05T10:00:00Z", "2027-01-12T09:00:00Z"] {
        play.advance(SignedDuration::from_hours(30));
        play.set_clock(if start.starts_with("2027-01-12") { "2027-01-06T08:00:00Z" } else { "2027-01-04T08:30:00Z" });
        play.booked(Played::MARC, start).await;
    }
    play.set_clock("2027-03-20T08:00:00Z");
    for query in ["", "&resource=CONSULTATION", "&resource=USER", "&startDate=2027-01-05&endDate=2027-01-31"] {
        let (mut walked, mut cursor) = (Vec::new(), String::new());
        for turn in 0.. {
            assert!(turn < 200, "{query} has no end");
            let answer = play.get(Played::OPERATOR, &format!("{LOGS}?limit=3{query}{cursor}")).await;
            let items = answer.expect(200)["items"].as_array().unwrap().clone();
            walked.extend(items);
            match answer.json["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let mut ids: Vec<String> = walked.iter().map(|one| one["id"].to_string()).collect();
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert!(count > 0, "{query}");
        assert_eq!(ids.len(), count, "{query}: an entry comes twice");
        let days: Vec<&str> = walked.iter().map(|one| &one["at"].as_str().unwrap()[..10]).collect();
        assert!(days.is_sorted_by(|one, other| one >= other), "{query}: {days:?}");
        if query.contains("resource=CONSULTATION") {
            assert!(count >= 3, "{walked:?}");
        }
        if query.contains("startDate") {
            assert!(days.iter().all(|day| ("2027-01-05"..="2027-01-31").contains(day)), "{days:?}");
        }
    }
}

async fn what_cannot_be_asked_is_refused(play: &Played) {
    let last: Timestamp = "9999-12-30T22:00:00Z".parse().unwrap();
    // Whoever makes a cursor up is answered something, at either end of time.
    for at in [0_i64, last.as_microsecond()] {
        for id in [[0; 16], [7; 16], [0xff; 16]] {
            let cursor = BASE64URL_NOPAD.encode(&[&at.to_be_bytes()[..], &id].concat());
            for path in [LOGS, "/users/me/access-log"] {
                play.get(Played::OPERATOR, &format!("{path}?cursor={cursor}")).await.expect(200);
            }
        }
    }
    for (query, field, code) in [
        ("?action=NOTHING", "action", "unknown_value"),
        ("?resource=NOTHING", "resource", "unknown_value"),
        ("?userId=x", "userId", "invalid"),
        ("?startDate=2027-02-01&endDate=2027-01-01", "endDate", "before_from"),
        ("?startDate=now", "startDate", "invalid_date"),
        ("?startDate=9999-12-30", "startDate", "out_of_range"),
        ("?limit=101", "limit", "out_of_range"),
        ("?cursor=x", "cursor", "invalid_cursor"),
        ("?q=x", "q", "unknown_parameter"),
    ] {
        play.get(Played::OPERATOR, &format!("{LOGS}{query}")).await.invalid(field, code);
    }
    for path in [LOGS.to_owned(), format!("{LOGS}/verify")] {
        play.get(NOBODY, &path).await.refused(401, "unauthenticated");
        for who in [Played::ADMIN, Played::HR, Played::SOPHIE, Played::MARC] {
            play.get(who, &path).await.refused(403, "forbidden");
        }
    }
    play.get(NOBODY, "/users/me/access-log").await.refused(401, "unauthenticated");
    play.get(Played::MARC, "/users/me/access-log?userId=x").await.invalid("userId", "unknown_parameter");
}

async fn the_trail_is_verified(play: &Played) {
    let linking = ChainLinking::new(play.world.chain_ports());
    while linking.link(1000).unwrap() > 0 {}
    linking.checkpoint().unwrap();
    let verdict = play.get(Played::OPERATOR, &format!("{LOGS}/verify")).await.expect(200).clone();
    assert_eq!((&verdict["valid"], &verdict["firstBroken"]), (&json!(true), &Value::Null));
    assert!(verdict["checkedEntries"].as_u64().unwrap() > 5, "{verdict}");
    play.world.checkpoints.tamper(|lines| lines[0].as_mut().unwrap().heads[0].hash[0] ^= 1);
    let verdict = play.get(Played::OPERATOR, &format!("{LOGS}/verify")).await.expect(200).clone();
    assert_eq!(verdict["valid"], false);
    assert_eq!(verdict["firstBroken"], "checkpoint 1: was not signed as it is");
}

async fn a_person_sees_who_touched_their_data(play: &Played) {
    let id = play.booked(Played::MARC, "2027-01-05T09:00:00Z").await;
    for (who, path) in
        [(Played::ADMIN, format!("/consultations/{id}")), (Played::OPERATOR, format!("/consultations/{id}/events"))]
    {
        play.advance(SignedDuration::from_secs(1));
        play.get(who, &path).await.expect(200);
    }
    play.advance(SignedDuration::from_secs(1));
    let note = json!({ "consultationId": id, "content": "Insomnie." });
    play.post(Played::SOPHIE, "/medical/clinical-notes", note).await.expect(201);
    let at = play.now();
    let log = play.get(Played::MARC, "/users/me/access-log?limit=3").await;
    let items = log.expect(200)["items"].clone();
    let line = |place: usize, role: &str, name: Value, action: &str, resource: &str| {
        json!({
            "id": items[place]["id"], "at": items[place]["at"], "actor": { "role": role, "name": name },
            "action": action, "resource": resource,
        })
    };
    assert_eq!(
        items,
        json!([
            line(0, "PRACTITIONER", json!("Sophie Martin"), "CREATE", "CLINICAL_NOTE"),
            line(1, "SUPER_ADMIN", Value::Null, "READ", "CONSULTATION"),
            line(2, "ADMIN_HUNTZEN", Value::Null, "READ", "CONSULTATION"),
        ])
    );
    assert_eq!(items[0]["at"], at.as_str());
    let next = log.text_at("/nextCursor");
    let rest = play.get(Played::MARC, &format!("/users/me/access-log?cursor={next}")).await;
    let items = rest.expect(200)["items"].as_array().unwrap().clone();
    let booked = items.iter().find(|one| one["action"] == "BOOK").unwrap();
    assert_eq!(booked["actor"], json!({ "role": "EMPLOYEE", "name": "Marc Dupont" }));
    // Nothing of it is anybody else's to see.
    let others = play.get(Played::CLAIRE, "/users/me/access-log?limit=100").await;
    assert!(others.expect(200)["items"].as_array().unwrap().iter().all(|one| one["resource"] != "CONSULTATION"));
}
