//! The journal over HTTP: its owner alone writes, finds, changes and deletes.
use huntzen_tenancy::words::Words;
use huntzen_tests::{
    api::{NOBODY, Played},
    api_suite,
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

api_suite! {
    an_entry_is_written_read_changed_and_deleted,
    entries_are_found_by_day_and_tag,
    a_search_reaches_every_entry_once,
    what_is_no_entry_is_refused,
    nobody_else_opens_a_journal,
    whoever_may_no_longer_book_keeps_the_journal,
    everything_leaves_a_trace_without_its_words,
}

const JOURNAL: &str = "/medical/journal";

async fn written(play: &Played, who: &str, body: Value) -> Value {
    play.post(who, JOURNAL, body).await.expect(201).clone()
}

async fn found(play: &Played, who: &str, query: &str) -> Vec<String> {
    let answer = play.get(who, &format!("{JOURNAL}{query}")).await;
    answer.expect(200);
    answer.each("content").iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

async fn an_entry_is_written_read_changed_and_deleted(play: &Played) {
    let words = "Réveillé à quatre heures.\nEncore. 😴";
    let body = json!({ "content": words, "mood": 3, "tags": [" sommeil ", "Été"] });
    let answer = play.post(Played::MARC, JOURNAL, body).await;
    let entry = answer.expect(201).clone();
    let (id, now) = (entry["id"].as_str().unwrap().to_owned(), play.now());
    assert_eq!(
        entry,
        json!({
            "id": id, "content": words, "mood": 3, "tags": ["sommeil", "Été"], "createdAt": now, "updatedAt": now,
        })
    );
    assert_eq!(id.parse::<Uuid>().unwrap().get_version_num(), 4);
    let path = format!("{JOURNAL}/{id}");
    assert_eq!(answer.header("location"), Some(path.as_str()));
    play.advance(SignedDuration::from_mins(5));
    let later = play.now();
    let changed = play.patch(Played::MARC, &path, json!({ "mood": null, "tags": [] })).await.expect(200).clone();
    assert_eq!((&changed["content"], &changed["mood"], &changed["tags"]), (&json!(words), &Value::Null, &json!([])));
    assert_eq!((&changed["createdAt"], &changed["updatedAt"]), (&json!(now), &json!(later)));
    play.advance(SignedDuration::from_mins(5));
    let unchanged = play.put(Played::MARC, &path, json!({})).await.expect(200).clone();
    assert_eq!(unchanged, changed);
    let again = json!({ "content": "Mieux.", "mood": 10 });
    play.put(Played::MARC, &format!("/journal/{id}"), again).await.expect(200);
    for path in [&path, &format!("/journal/{id}")] {
        let read = play.get(Played::MARC, path).await.expect(200).clone();
        assert_eq!((&read["content"], &read["mood"]), (&json!("Mieux."), &json!(10)));
    }
    play.delete(Played::MARC, &format!("/journal/{id}")).await.expect(204);
    play.get(Played::MARC, &path).await.refused(404, "not_found");
    play.delete(Played::MARC, &path).await.refused(404, "not_found");
    let bare = play.post(Played::MARC, "/journal", json!({ "content": "Rien." })).await.expect(201).clone();
    assert_eq!((&bare["mood"], &bare["tags"]), (&Value::Null, &json!([])));
    assert_eq!(play.get(Played::MARC, "/journal").await.expect(200)["items"], json!([bare]));
}

async fn entries_are_found_by_day_and_tag(play: &Played) {
    // Days are those of the company, whose zone is Paris: the second is written on the 12th there.
    for (at, content, tags) in [
        ("2027-01-11T22:59:00Z", "un", json!(["travail"])),
        ("2027-01-11T23:01:00Z", "deux", json!(["Travail", "sommeil"])),
        ("2027-01-13T12:00:00Z", "trois", json!(["sommeil"])),
        ("2027-01-14T12:00:00Z", "quatre", json!([])),
    ] {
        play.set_clock(at);
        written(play, Played::MARC, json!({ "content": content, "tags": tags })).await;
    }
    written(play, Played::CLAIRE, json!({ "content": "autre", "tags": ["sommeil"] })).await;
    for (query, expected) in [
        ("", vec!["quatre", "trois", "deux", "un"]),
        ("?from=2027-01-12", vec!["quatre", "trois", "deux"]),
        ("?to=2027-01-12", vec!["deux", "un"]),
        ("?from=2027-01-12&to=2027-01-13", vec!["trois", "deux"]),
        ("?from=2027-01-20", vec![]),
        ("?tag=sommeil", vec!["trois", "deux"]),
        ("?tag=TRAVAIL", vec!["deux", "un"]),
        ("?tag=trav", vec![]),
        ("?tag=sommeil&to=2027-01-12", vec!["deux"]),
    ] {
        assert_eq!(found(play, Played::MARC, query).await, expected, "{query}");
    }
    for (query, field, code) in [
        ("?from=2027-01-13&to=2027-01-12", "to", "before_from"),
        ("?from=yesterday", "from", "invalid_date"),
        ("?tag=", "tag", "required"),
        (&format!("?tag={}", "x".repeat(41)), "tag", "too_long"),
        ("?limit=0", "limit", "out_of_range"),
        ("?limit=101", "limit", "out_of_range"),
        ("?cursor=x", "cursor", "invalid_cursor"),
        ("?mood=3", "mood", "unknown_parameter"),
    ] {
        play.get(Played::MARC, &format!("{JOURNAL}{query}")).await.invalid(field, code);
    }
}

async fn a_search_reaches_every_entry_once(play: &Played) {
    for number in 0..9 {
        // Several at one instant.
        play.advance(SignedDuration::from_secs(i64::from(number % 3 == 0)));
        let tags = if number % 2 == 0 { json!(["pair"]) } else { json!([]) };
        written(play, Played::MARC, json!({ "content": format!("{number}"), "tags": tags })).await;
    }
    for (query, expected) in [("?limit=2", 9), ("?limit=2&tag=pair", 5), ("?limit=5&tag=pair", 5)] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let answer = play.get(Played::MARC, &format!("{JOURNAL}{query}{cursor}")).await;
            seen.extend(answer.expect(200)["items"].as_array().unwrap().iter().map(|one| one["id"].clone()));
            match answer.json["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let count = seen.len();
        seen.sort_by_key(Value::to_string);
        seen.dedup();
        assert_eq!((count, seen.len()), (expected, expected), "{query}");
    }
}

async fn what_is_no_entry_is_refused(play: &Played) {
    let entry = written(play, Played::MARC, json!({ "content": "é".repeat(32 * 1024) })).await;
    let path = format!("{JOURNAL}/{}", entry["id"].as_str().unwrap());
    let many: Vec<String> = (0..21).map(|number| format!("t{number}")).collect();
    for (field, value, code) in [
        ("content", json!(" "), "required"),
        ("content", json!("é".repeat(32 * 1024) + "x"), "too_long"),
        ("mood", json!(0), "out_of_range"),
        ("mood", json!(11), "out_of_range"),
        ("mood", json!("3"), "wrong_type"),
        ("tags", json!(many), "too_long"),
        ("tags", json!([" "]), "required"),
        ("tags", json!(["x".repeat(41)]), "too_long"),
        ("tags", json!(["a", " A"]), "duplicate"),
        ("tags", json!(["a\u{7}"]), "invalid_characters"),
    ] {
        let mut body = json!({ "content": "Un." });
        body[field] = value.clone();
        play.post(Played::MARC, JOURNAL, body).await.invalid(field, code);
        play.patch(Played::MARC, &path, json!({ field: value })).await.invalid(field, code);
    }
    play.post(Played::MARC, JOURNAL, json!({})).await.invalid("content", "required");
    play.post(Played::MARC, JOURNAL, json!({ "content": "Un.", "title": "x" })).await.invalid("title", "unknown_field");
    play.patch(Played::MARC, &path, json!({ "content": null })).await.invalid("content", "wrong_type");
    play.patch(Played::MARC, &path, json!({ "tags": null })).await.invalid("tags", "wrong_type");
    assert_eq!(found(play, Played::MARC, "").await.len(), 1);
}

async fn nobody_else_opens_a_journal(play: &Played) {
    let entry = written(play, Played::MARC, json!({ "content": "Un." })).await;
    let path = format!("{JOURNAL}/{}", entry["id"].as_str().unwrap());
    for who in [Played::SOPHIE, Played::HR, Played::ADMIN, Played::OPERATOR] {
        play.get(who, JOURNAL).await.refused(403, "forbidden");
        play.get(who, &path).await.refused(403, "forbidden");
        play.post(who, JOURNAL, json!({ "content": "x" })).await.refused(403, "forbidden");
        play.patch(who, &path, json!({ "mood": 1 })).await.refused(403, "forbidden");
        play.delete(who, &path).await.refused(403, "forbidden");
    }
    play.get(NOBODY, JOURNAL).await.refused(401, "unauthenticated");
    for who in [Played::CLAIRE, Played::LEA] {
        for path in [path.clone(), format!("{JOURNAL}/{}", Uuid::from_u128(7)), format!("{JOURNAL}/none")] {
            play.get(who, &path).await.refused(404, "not_found");
            play.patch(who, &path, json!({ "mood": 1 })).await.refused(404, "not_found");
            play.delete(who, &path).await.refused(404, "not_found");
        }
        assert!(found(play, who, "").await.is_empty());
    }
    assert_eq!(found(play, Played::MARC, "").await, ["Un."]);
}

async fn whoever_may_no_longer_book_keeps_the_journal(play: &Played) {
    written(play, Played::MARC, json!({ "content": "Un." })).await;
    let marc = play.get(Played::MARC, "/employees/me").await.text_at("/id");
    play.post(Played::HR, &format!("/employees/{marc}/deactivate"), json!({})).await.expect(200);
    written(play, Played::MARC, json!({ "content": "Deux." })).await;
    assert_eq!(found(play, Played::MARC, "?from=2027-01-01").await.len(), 2);
}

async fn everything_leaves_a_trace_without_its_words(play: &Played) {
    let marc = play.account_of(Played::MARC).await;
    let entry = written(play, Played::MARC, json!({ "content": "Insomnie.", "tags": ["sommeil"] })).await;
    let id = entry["id"].as_str().unwrap();
    let path = format!("{JOURNAL}/{id}");
    play.advance(SignedDuration::from_secs(1));
    play.get(Played::MARC, &path).await.expect(200);
    play.advance(SignedDuration::from_secs(1));
    play.get(Played::CLAIRE, &path).await.expect(404);
    play.advance(SignedDuration::from_secs(1));
    play.patch(Played::MARC, &path, json!({ "mood": 4 })).await.expect(200);
    play.advance(SignedDuration::from_secs(1));
    play.delete(Played::MARC, &path).await.expect(204);
    let lines = play.trail(id);
    let told: Vec<(&str, &str, bool)> = lines
        .iter()
        .map(|line| {
            let is_about_marc = line.subject.is_some_and(|subject| subject.to_string() == marc);
            (line.action.as_str(), line.outcome.as_str(), is_about_marc)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("CREATE", "SUCCESS", true),
            ("READ", "SUCCESS", true),
            ("READ", "REFUSED", false),
            ("UPDATE", "SUCCESS", true),
            ("DELETE", "SUCCESS", true),
        ]
    );
    let shown = format!("{lines:?}");
    assert!(!shown.contains("nsomnie") && !shown.contains("sommeil"), "{shown}");
}
