//! Clinical notes over HTTP: for their author alone, kept in every version, locked after 72 hours.
use huntzen_tenancy::words::Words;
use huntzen_tests::{
    api::{Answer, NOBODY, Played},
    api_suite,
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

api_suite! {
    a_note_is_written_and_read_by_its_author,
    a_note_is_rewritten_until_it_locks_and_amended_then,
    a_note_is_deleted_until_it_locks,
    what_is_no_note_is_refused,
    nobody_else_comes_near_a_note,
    every_name_of_an_operation_does_the_same,
    everything_leaves_a_trace_without_its_words,
}

const START: &str = "2027-01-05T09:00:00Z";
const NOTES: &str = "/medical/clinical-notes";

async fn written(play: &Played, consultation: &str, content: &str) -> Answer {
    play.post(Played::SOPHIE, NOTES, json!({ "consultationId": consultation, "content": content })).await
}

async fn listed(play: &Played, consultation: &str) -> Value {
    play.get(Played::SOPHIE, &format!("{NOTES}/consultation/{consultation}")).await.expect(200)["items"].clone()
}

async fn a_note_is_written_and_read_by_its_author(play: &Played) {
    let id = play.booked(Played::MARC, START).await;
    let words = "Insomnie depuis lundi.\n« Je rumine. » 😴";
    let answer = written(play, &id, words).await;
    let note = answer.expect(201).clone();
    let now = play.now();
    assert_eq!(
        note,
        json!({
            "id": note["id"], "consultationId": id, "kind": "RECORD", "content": words, "version": 1,
            "lockedAt": null, "createdAt": now, "updatedAt": now,
        })
    );
    let named: Uuid = note["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(named.get_version_num(), 4);
    assert_eq!(answer.header("location"), Some(format!("{NOTES}/consultation/{id}").as_str()));
    play.advance(SignedDuration::from_mins(1));
    let body = json!({ "consultationId": id, "content": "Pour moi.", "kind": "personal" });
    let personal = play.post(Played::SOPHIE, NOTES, body).await.expect(201).clone();
    assert_eq!(personal["kind"], "PERSONAL");
    assert_eq!(listed(play, &id).await, json!([note, personal]));
    // Each consultation has its own; one may note what has not begun, or never will.
    let other = play.booked(Played::MARC, "2027-01-12T09:00:00Z").await;
    assert_eq!(listed(play, &other).await, json!([]));
    play.post(Played::MARC, &format!("/consultations/{other}/cancel"), json!({})).await.expect(200);
    written(play, &other, "Annulé.").await.expect(201);
}

async fn a_note_is_rewritten_until_it_locks_and_amended_then(play: &Played) {
    let id = play.booked(Played::MARC, START).await;
    let note = written(play, &id, "Un.").await.expect(201).clone();
    let path = format!("{NOTES}/{}", note["id"].as_str().unwrap());
    let first = play.now();
    play.advance(SignedDuration::from_hours(72) - SignedDuration::from_secs(1));
    let changed = play.patch(Played::SOPHIE, &path, json!({ "content": "Deux.", "kind": "PERSONAL" })).await;
    let changed = changed.expect(200).clone();
    let second = play.now();
    assert_eq!((&changed["version"], &changed["kind"]), (&json!(2), &json!("PERSONAL")));
    assert_eq!((&changed["content"], &changed["lockedAt"]), (&json!("Deux."), &Value::Null));
    assert_eq!((&changed["createdAt"], &changed["updatedAt"]), (&json!(first), &json!(second)));
    play.advance(SignedDuration::from_secs(1));
    let locked = play.now();
    assert_eq!(listed(play, &id).await[0]["lockedAt"], json!(locked));
    // An empty change, and the kind that it has, are no change.
    for body in [json!({}), json!({ "kind": "PERSONAL" })] {
        assert_eq!(play.patch(Played::SOPHIE, &path, body).await.expect(200)["version"], 2);
    }
    play.patch(Played::SOPHIE, &path, json!({ "kind": "RECORD" })).await.refused(409, "note_locked");
    let both = json!({ "kind": "RECORD", "content": "Trois." });
    play.patch(Played::SOPHIE, &path, both).await.refused(409, "note_locked");
    let amended = play.patch(Played::SOPHIE, &path, json!({ "content": "Trois." })).await.expect(200).clone();
    assert_eq!((&amended["version"], &amended["content"]), (&json!(3), &json!("Trois.")));
    let versions = play.get(Played::SOPHIE, &format!("{path}/versions")).await.expect(200)["items"].clone();
    let version = |number: u32, content: &str, is_amendment: bool, at: &str| json!({ "version": number, "content": content, "isAmendment": is_amendment, "createdAt": at });
    assert_eq!(
        versions,
        json!([
            version(1, "Un.", false, &first),
            version(2, "Deux.", false, &second),
            version(3, "Trois.", true, &locked),
        ])
    );
}

async fn a_note_is_deleted_until_it_locks(play: &Played) {
    let id = play.booked(Played::MARC, START).await;
    let note = written(play, &id, "Un.").await.text_at("/id");
    let path = format!("{NOTES}/{note}");
    play.patch(Played::SOPHIE, &path, json!({ "content": "Deux." })).await.expect(200);
    play.delete(Played::SOPHIE, &path).await.expect(204);
    assert_eq!(listed(play, &id).await, json!([]));
    play.delete(Played::SOPHIE, &path).await.refused(404, "not_found");
    play.get(Played::SOPHIE, &format!("{path}/versions")).await.refused(404, "not_found");
    let kept = written(play, &id, "Un.").await.text_at("/id");
    play.advance(SignedDuration::from_hours(72));
    play.delete(Played::SOPHIE, &format!("{NOTES}/{kept}")).await.refused(409, "note_locked");
    assert_eq!(listed(play, &id).await[0]["content"], "Un.");
}

async fn what_is_no_note_is_refused(play: &Played) {
    let id = play.booked(Played::MARC, START).await;
    let note = written(play, &id, &"é".repeat(32 * 1024)).await.text_at("/id");
    let path = format!("{NOTES}/{note}");
    for (content, code) in [(json!(" \n"), "required"), (json!("é".repeat(32 * 1024) + "x"), "too_long")] {
        written(play, &id, content.as_str().unwrap()).await.invalid("content", code);
        play.patch(Played::SOPHIE, &path, json!({ "content": content })).await.invalid("content", code);
    }
    for (body, field, code) in [
        (json!({ "content": "Un." }), "consultationId", "required"),
        (json!({ "consultationId": id }), "content", "required"),
        (json!({ "consultationId": id, "content": "Un.", "kind": "SECRET" }), "kind", "unknown_value"),
        (json!({ "consultationId": id, "content": "Un.", "author": "x" }), "author", "unknown_field"),
    ] {
        play.post(Played::SOPHIE, NOTES, body).await.invalid(field, code);
    }
    for (body, field, code) in [
        (json!({ "content": null }), "content", "wrong_type"),
        (json!({ "kind": null }), "kind", "wrong_type"),
        (json!({ "version": 3 }), "version", "unknown_field"),
    ] {
        play.patch(Played::SOPHIE, &path, body).await.invalid(field, code);
    }
    assert_eq!(listed(play, &id).await.as_array().unwrap().len(), 1);
}

async fn nobody_else_comes_near_a_note(play: &Played) {
    let id = play.booked(Played::MARC, START).await;
    let note = written(play, &id, "Un.").await.text_at("/id");
    let (path, of) = (format!("{NOTES}/{note}"), format!("{NOTES}/consultation/{id}"));
    let body = json!({ "consultationId": id, "content": "Autre." });
    // The patient and administrators lack the permission, whatever they name.
    for who in [Played::MARC, Played::LEA, Played::HR, Played::ADMIN, Played::OPERATOR] {
        for path in [of.clone(), format!("{path}/versions"), format!("{NOTES}/consultation/none")] {
            play.get(who, &path).await.refused(403, "forbidden");
        }
        play.post(who, NOTES, body.clone()).await.refused(403, "forbidden");
        play.patch(who, &path, json!({ "content": "x" })).await.refused(403, "forbidden");
        play.delete(who, &path).await.refused(403, "forbidden");
    }
    play.get(NOBODY, &of).await.refused(401, "unauthenticated");
    // Another practitioner is told what an unknown id is told.
    for (path, versions) in [(of.clone(), path.clone()), {
        let unknown = Uuid::from_u128(7);
        (format!("{NOTES}/consultation/{unknown}"), format!("{NOTES}/{unknown}"))
    }] {
        play.get(Played::PAUL, &path).await.refused(404, "not_found");
        play.get(Played::PAUL, &format!("{versions}/versions")).await.refused(404, "not_found");
        play.patch(Played::PAUL, &versions, json!({ "content": "x" })).await.refused(404, "not_found");
        play.delete(Played::PAUL, &versions).await.refused(404, "not_found");
    }
    play.post(Played::PAUL, NOTES, body).await.refused(404, "not_found");
    assert_eq!(listed(play, &id).await[0]["content"], "Un.");
}

async fn every_name_of_an_operation_does_the_same(play: &Played) {
    let id = play.booked(Played::MARC, START).await;
    let body = json!({ "consultationId": id, "content": "Un." });
    let note = play.post(Played::SOPHIE, "/clinical-notes", body).await.expect(201)["id"].clone();
    let note = note.as_str().unwrap();
    for (number, path) in [format!("/clinical-notes/{note}"), format!("{NOTES}/{note}")].into_iter().enumerate() {
        let body = |text: &str| json!({ "content": text });
        play.put(Played::SOPHIE, &path, body("Deux.")).await.expect(200);
        play.patch(Played::SOPHIE, &path, body("Trois.")).await.expect(200);
        let versions = play.get(Played::SOPHIE, &format!("{path}/versions")).await;
        assert_eq!(versions.expect(200)["items"].as_array().unwrap().len(), 3 + 2 * number);
    }
    let expected = listed(play, &id).await;
    for path in [format!("{NOTES}/{id}"), format!("/clinical-notes/consultation/{id}")] {
        assert_eq!(play.get(Played::SOPHIE, &path).await.expect(200)["items"], expected, "{path}");
    }
    play.delete(Played::SOPHIE, &format!("/clinical-notes/{note}")).await.expect(204);
}

/// The trail tells the order of instants alone.
fn tick(play: &Played) {
    play.advance(SignedDuration::from_secs(1));
}

async fn everything_leaves_a_trace_without_its_words(play: &Played) {
    let id = play.booked(Played::MARC, START).await;
    let note = written(play, &id, "Insomnie.").await.text_at("/id");
    let path = format!("{NOTES}/{note}");
    tick(play);
    play.patch(Played::SOPHIE, &path, json!({ "content": "Mieux." })).await.expect(200);
    tick(play);
    play.get(Played::SOPHIE, &format!("{path}/versions")).await.expect(200);
    tick(play);
    play.delete(Played::PAUL, &path).await.expect(404);
    play.advance(SignedDuration::from_hours(72));
    play.delete(Played::SOPHIE, &path).await.expect(409);
    let (marc, lines) = (play.account_of(Played::MARC).await, play.trail(&note));
    let told: Vec<(&str, &str)> = lines.iter().map(|line| (line.action.as_str(), line.outcome.as_str())).collect();
    assert_eq!(
        told,
        [
            ("CREATE", "SUCCESS"),
            ("UPDATE", "SUCCESS"),
            ("READ", "SUCCESS"),
            ("DELETE", "REFUSED"),
            ("DELETE", "REFUSED"),
        ]
    );
    for (place, line) in lines.iter().enumerate() {
        // Whose note it is, is nothing that another practitioner's attempt finds out.
        let expected = (place != 3).then(|| marc.clone());
        assert_eq!(line.subject.map(|subject| subject.to_string()), expected);
        assert!(!format!("{line:?}").contains("nsomnie"), "{line:?}");
    }
    play.get(Played::SOPHIE, &format!("{NOTES}/consultation/{id}")).await.expect(200);
    let read = play.trail(&id);
    assert!(read.iter().any(|line| line.action.as_str() == "READ" && line.resource.as_str() == "CLINICAL_NOTE"));
}
