//! Taking one's own data away.
use std::io::Read as _;

use actix_web::test::TestRequest;
use data_encoding::HEXLOWER;
use huntzen_tests::{
    api::{Answer, NOBODY, PASSWORD, Played},
    api_suite,
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

api_suite! {
    an_employee_takes_everything_away,
    it_takes_a_proof_that_it_is_you,
    the_archive_is_whole,
    a_practitioner_takes_what_is_theirs,
    every_role_has_data,
    long_lists_are_whole,
}

const PATH: &str = "/users/me/export";

async fn step_up(play: &Played, who: &str) {
    play.post(who, "/auth/step-up", json!({ "password": PASSWORD })).await.expect(200);
}

/// The JSON of somebody who has just proved to be there.
async fn json_of(play: &Played, who: &str) -> Answer {
    step_up(play, who).await;
    let token = format!("Bearer {}", play.token_of(who).await);
    let request = TestRequest::with_uri(PATH).insert_header(("authorization", token));
    let answer = play.send(request.insert_header(("accept", "application/json"))).await;
    answer.expect(200);
    answer
}

/// Everything that Marc can say: in a consultation that was held, and in his journal.
async fn confide(play: &Played) -> String {
    let held = play.held(Played::MARC, "2027-01-05T08:00:00Z", "2027-01-05T08:45:00Z").await;
    let feedback = json!({ "rating": 4, "comment": "Très bien." });
    play.post(Played::MARC, &format!("/consultations/{held}/feedback"), feedback).await.expect(201);
    let note = json!({ "consultationId": held, "content": "Secret du praticien." });
    play.post(Played::SOPHIE, "/medical/clinical-notes", note).await.expect(201);
    for (who, text) in [(Played::MARC, "Bonjour docteur."), (Played::SOPHIE, "Bonjour Marc.")] {
        play.post(who, &format!("/chat/{held}/messages"), json!({ "content": text })).await.expect(201);
    }
    let entry = json!({ "content": "Nuit <b>blanche</b>.", "mood": 3, "tags": ["sommeil"] });
    play.post(Played::MARC, "/journal", entry).await.expect(201);
    held
}

async fn an_employee_takes_everything_away(play: &Played) {
    let held = confide(play).await;
    let answer = json_of(play, Played::MARC).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"huntzen-export-2027-01-05.json\""));
    assert!(answer.header("cache-control").unwrap().contains("no-store"));
    let body = &answer.json;
    assert_eq!(body["account"]["email"], Played::MARC);
    assert_eq!(body["employee"]["department"], "Développement");
    assert_eq!(body["preferences"]["shareUsageWithEmployer"], false);
    assert_eq!(body["consultations"][0]["id"], held.as_str());
    assert_eq!(body["consultations"][0]["reason"], "Je dors mal.");
    assert_eq!(body["consultations"][0]["practitioner"], "Sophie Martin");
    let said = |of: &Value| of["content"].as_str().unwrap().to_owned();
    let messages: Vec<_> = body["messages"].as_array().unwrap().iter().map(said).collect();
    assert_eq!(messages, ["Bonjour docteur.", "Bonjour Marc."]);
    let journal = &body["journal"][0];
    assert_eq!(
        (&journal["content"], &journal["mood"], &journal["tags"]),
        (&json!("Nuit <b>blanche</b>."), &json!(3), &json!(["sommeil"]))
    );
    assert_eq!((&body["reviews"][0]["rating"], &body["reviews"][0]["comment"]), (&json!(4), &json!("Très bien.")));
    assert_eq!(body["activity"][0]["totalDurationSeconds"], 2_700);
    assert_eq!(body["employment"][0]["department"], "Développement");
    for list in ["sessions", "invitations", "letters", "notifications", "consultationEvents", "accessLog"] {
        assert!(!body[list].as_array().unwrap().is_empty(), "{list}");
    }
    answer.must_not_tell("Secret du praticien");
    let account = play.account_of(Played::MARC).await;
    assert!(play.done_to(&account).contains(&"EXPORT".to_owned()));
}

async fn it_takes_a_proof_that_it_is_you(play: &Played) {
    play.get(NOBODY, PATH).await.refused(401, "unauthenticated");
    play.get(Played::MARC, PATH).await.refused(401, "step_up_required");
    step_up(play, Played::MARC).await;
    assert_eq!(play.get(Played::MARC, PATH).await.status, 200);
    play.advance(SignedDuration::from_secs(301));
    play.get(Played::MARC, PATH).await.refused(401, "step_up_required");
    play.get(Played::CLAIRE, PATH).await.refused(401, "step_up_required");
    let account = play.account_of(Played::MARC).await;
    let done = play.done_to(&account);
    assert_eq!(done.iter().filter(|one| *one == "EXPORT!").count(), 2);
    assert_eq!(done.iter().filter(|one| *one == "EXPORT").count(), 1);
}

async fn the_archive_is_whole(play: &Played) {
    confide(play).await;
    step_up(play, Played::MARC).await;
    let answer = play.get(Played::MARC, PATH).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/zip")));
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"huntzen-export-2027-01-05.zip\""));
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(answer.bytes.to_vec())).unwrap();
    let names: Vec<_> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    assert_eq!(names, ["export.json", "export.html", "SHA256SUMS"]);
    let mut read = |name: &str| {
        let mut text = String::new();
        archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    };
    let (data, page, sums) = (read("export.json"), read("export.html"), read("SHA256SUMS"));
    let sum = |text: &str| HEXLOWER.encode(&Sha256::digest(text.as_bytes()));
    assert_eq!(sums, format!("{}  export.json\n{}  export.html\n", sum(&data), sum(&page)));
    let data: Value = serde_json::from_str(&data).unwrap();
    assert_eq!(data["journal"][0]["content"], "Nuit <b>blanche</b>.");
    assert!(page.contains("<html lang=\"fr\">") && page.contains("Vos données"), "{page}");
    assert!(page.contains("Nuit &lt;b&gt;blanche&lt;/b&gt;.") && !page.contains("<b>blanche"), "{page}");
    assert!(page.contains("Bonjour docteur.") && !page.contains("Secret du praticien"), "{page}");
}

async fn a_practitioner_takes_what_is_theirs(play: &Played) {
    confide(play).await;
    let answer = json_of(play, Played::SOPHIE).await;
    let body = &answer.json;
    assert_eq!(body["practitioner"][0]["profession"], "PSYCHOLOGIST");
    assert_eq!(body["availability"].as_array().unwrap().len(), 10);
    assert_eq!(body["consultations"].as_array().unwrap().len(), 1);
    let messages: Vec<_> = body["messages"].as_array().unwrap().iter().map(|one| one["content"].clone()).collect();
    assert_eq!(messages, ["Bonjour Marc."]);
    // What is the client's is not in it.
    for text in ["Dupont", "Je dors mal", "Bonjour docteur", "Secret du praticien", Played::MARC] {
        answer.must_not_tell(text);
    }
}

async fn every_role_has_data(play: &Played) {
    for who in [Played::OPERATOR, Played::ADMIN, Played::HR, Played::LEA, Played::PAUL] {
        let answer = json_of(play, who).await;
        assert_eq!(answer.json["account"]["email"], who);
        assert!(!answer.json["sessions"].as_array().unwrap().is_empty(), "{who}");
    }
}

async fn long_lists_are_whole(play: &Played) {
    // More than a page of entries, each of a length of its own.
    for number in 0..230 {
        let entry = json!({ "content": format!("Jour {number}.{}", "x".repeat(number)) });
        play.post(Played::MARC, "/journal", entry).await.expect(201);
        play.advance(SignedDuration::from_secs(1));
    }
    let answer = json_of(play, Played::MARC).await;
    let entries = answer.json["journal"].as_array().unwrap();
    assert_eq!(entries.len(), 230);
    for (place, entry) in entries.iter().enumerate() {
        let number = 229 - place;
        assert_eq!(entry["content"], format!("Jour {number}.{}", "x".repeat(number)));
    }
}
