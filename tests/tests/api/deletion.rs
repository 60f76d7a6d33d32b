//! Asking to be erased, taking that back, and being erased.
use huntzen_tests::{
    api::{Answer, NOBODY, PASSWORD, Played},
    api_suite,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

api_suite! {
    a_deletion_is_asked_for_and_told,
    it_takes_a_proof_that_it_is_you,
    one_is_pending_at_a_time,
    taking_it_back_restores_everything,
    the_last_operator_stays,
    what_is_no_reason_is_refused,
    after_thirty_days_the_account_is_gone,
    a_practitioner_is_told_of_what_falls_away,
    nobody_is_erased_before_the_day,
}

const REQUEST: &str = "/users/me/delete-request";
const CANCEL: &str = "/users/me/delete-request/cancel";

async fn step_up(play: &Played, who: &str) {
    play.post(who, "/auth/step-up", json!({ "password": PASSWORD })).await.expect(200);
}

/// Asks for the erasure of somebody who has just proved to be there.
pub async fn ask(play: &Played, who: &str) -> Answer {
    step_up(play, who).await;
    play.post(who, REQUEST, Value::Null).await
}

/// Runs both parts of the job until nothing is left to do; answers how many were erased.
pub fn erase(play: &Played) -> usize {
    while play.services.jobs.cancel_departing(100).unwrap() > 0 {}
    play.services.erasing.run(100).erased.len()
}

async fn a_deletion_is_asked_for_and_told(play: &Played) {
    let roles = [Played::MARC, Played::SOPHIE, Played::HR, Played::ADMIN];
    for who in roles {
        step_up(play, who).await;
        let answer = play.post(who, REQUEST, json!({ "reason": "Je change de vie." })).await;
        let body = answer.expect(201);
        assert_eq!(answer.fields_at(""), ["cancellableUntil", "createdAt", "deletionDate", "id", "status"]);
        assert_eq!(body["status"], "PENDING");
        assert_eq!(play.get(who, answer.header("location").unwrap()).await.expect(200), body);
        let day: jiff::Timestamp = body["deletionDate"].as_str().unwrap().parse().unwrap();
        assert_eq!(day, play.now().parse::<jiff::Timestamp>().unwrap() + SignedDuration::from_hours(720));
        assert_eq!(body["cancellableUntil"], body["deletionDate"]);
        assert_eq!(play.inbox_of(who).await[0], "DELETION_REQUESTED", "{who}");
        let letters = play.letters_to(who);
        let letter = letters.last().unwrap();
        assert_eq!(letter.subject, "Suppression de votre compte demandée");
        assert!(letter.text.contains("3 février 2027"), "{}", letter.text);
        let account = play.account_of(who).await;
        assert!(play.done_to(&account).contains(&"REQUEST_DELETION".to_owned()));
    }
    play.get(Played::CLAIRE, REQUEST).await.refused(404, "not_found");
    // Everybody goes on as before.
    play.get(Played::MARC, "/auth/me").await.expect(200);
    play.post(NOBODY, REQUEST, Value::Null).await.refused(401, "unauthenticated");
}

async fn it_takes_a_proof_that_it_is_you(play: &Played) {
    play.post(Played::MARC, REQUEST, Value::Null).await.refused(401, "step_up_required");
    play.post(Played::MARC, CANCEL, Value::Null).await.refused(401, "step_up_required");
    let account = play.account_of(Played::MARC).await;
    assert!(play.done_to(&account).contains(&"REQUEST_DELETION!".to_owned()));
    step_up(play, Played::MARC).await;
    play.advance(SignedDuration::from_secs(301));
    play.post(Played::MARC, REQUEST, Value::Null).await.refused(401, "step_up_required");
}

async fn one_is_pending_at_a_time(play: &Played) {
    ask(play, Played::MARC).await.expect(201);
    ask(play, Played::MARC).await.refused(409, "deletion_pending");
    play.post(Played::MARC, CANCEL, Value::Null).await.expect(200);
    play.put(Played::MARC, CANCEL, Value::Null).await.refused(409, "no_pending_deletion");
    ask(play, Played::MARC).await.expect(201);
    ask(play, Played::CLAIRE).await.expect(201);
}

async fn taking_it_back_restores_everything(play: &Played) {
    let entry = json!({ "content": "Nuit blanche.", "mood": 3, "tags": ["sommeil"] });
    play.post(Played::MARC, "/journal", entry).await.expect(201);
    let booked = play.booked(Played::MARC, "2027-02-10T08:00:00Z").await;
    ask(play, Played::MARC).await.expect(201);
    play.advance(SignedDuration::from_hours(29 * 24));
    step_up(play, Played::MARC).await;
    let answer = play.put(Played::MARC, CANCEL, Value::Null).await;
    let body = answer.expect(200);
    assert_eq!((&body["status"], &body["cancellableUntil"]), (&json!("CANCELLED"), &Value::Null));
    play.advance(SignedDuration::from_hours(5 * 24));
    assert_eq!(erase(play), 0);
    let journal = play.get(Played::MARC, "/journal").await;
    assert_eq!(journal.expect(200)["items"][0]["content"], "Nuit blanche.");
    assert_eq!(play.consultation(Played::MARC, &booked).await["status"], "SCHEDULED");
    assert_eq!(play.consultation(Played::MARC, &booked).await["reason"], "Je dors mal.");
}

async fn the_last_operator_stays(play: &Played) {
    ask(play, Played::OPERATOR).await.refused(409, "last_operator");
    let second =
        json!({ "email": "second@huntzen.example", "firstName": "Zoé", "lastName": "Seconde", "role": "SUPER_ADMIN" });
    play.post(Played::OPERATOR, "/super-admin/admins", second).await.expect(201);
    ask(play, Played::OPERATOR).await.refused(409, "last_operator");
    play.accept("second@huntzen.example").await;
    ask(play, Played::OPERATOR).await.expect(201);
    // Both may ask; one of them stays all the same.
    ask(play, "second@huntzen.example").await.expect(201);
    play.advance(SignedDuration::from_hours(24 * 31));
    assert_eq!(erase(play), 1);
    assert_eq!(erase(play), 0);
}

async fn what_is_no_reason_is_refused(play: &Played) {
    step_up(play, Played::MARC).await;
    for (body, field, code) in [
        (json!({ "reason": "x".repeat(2001) }), "reason", "too_long"),
        (json!({ "reason": 1 }), "reason", "wrong_type"),
        (json!({ "why": "x" }), "why", "unknown_field"),
    ] {
        play.post(Played::MARC, REQUEST, body).await.invalid(field, code);
    }
    play.post(Played::MARC, REQUEST, json!({ "reason": "é".repeat(2000) })).await.expect(201);
}

async fn after_thirty_days_the_account_is_gone(play: &Played) {
    let held = play.held(Played::MARC, "2027-01-05T08:00:00Z", "2027-01-05T08:45:00Z").await;
    let feedback = json!({ "rating": 5, "comment": "Merci beaucoup." });
    play.post(Played::MARC, &format!("/consultations/{held}/feedback"), feedback).await.expect(201);
    let note = json!({ "consultationId": held, "content": "Insomnie." });
    play.post(Played::SOPHIE, "/medical/clinical-notes", note).await.expect(201);
    play.post(Played::MARC, &format!("/chat/{held}/messages"), json!({ "content": "Bonjour." })).await.expect(201);
    let account = play.account_of(Played::MARC).await;
    ask(play, Played::MARC).await.expect(201);
    let waiting = play.get(Played::ADMIN, "/reviews/pending").await;
    assert_eq!(waiting.each("comment"), ["Merci beaucoup."]);
    let token = play.token_of(Played::MARC).await;
    play.advance(SignedDuration::from_hours(24 * 31));
    play.empty_mailboxes();
    assert_eq!(erase(play), 1);
    assert_eq!(erase(play), 0, "twice is once");

    let letters = play.letters_to(Played::MARC);
    assert_eq!(letters.len(), 1, "the certificate goes to the address of before");
    assert_eq!(letters[0].subject, "Votre compte a été supprimé");
    assert!(letters[0].text.contains("Numéro de certificat") && !letters[0].text.contains("Marc"));
    assert!(letters[0].text.contains("mars 2027"), "{}", letters[0].text);
    assert_eq!(play.done_to(&account).last().unwrap(), "ERASE", "a month after all else");
    let refused = play.sign_in(Played::MARC).await;
    refused.refused(401, "invalid_credentials");
    assert_eq!(play.get_with(&token, "/auth/me").await.status, 401);

    // The practitioner keeps what was held and noted, and reads no word of anybody.
    let shown = play.consultation(Played::SOPHIE, &held).await;
    assert_eq!((&shown["status"], &shown["reason"]), (&json!("COMPLETED"), &Value::Null));
    assert_eq!(shown["employee"]["firstName"], "Utilisateur");
    let notes = play.get(Played::SOPHIE, &format!("/medical/clinical-notes/consultation/{held}")).await;
    assert_eq!(notes.each("content"), ["Insomnie."]);
    let said = play.get(Played::SOPHIE, &format!("/chat/{held}/messages")).await;
    assert_eq!(said.expect(200)["items"], json!([]));
    let waiting = play.get(Played::ADMIN, "/reviews/pending").await;
    assert_eq!((waiting.each("rating"), waiting.each("comment")), (vec![json!(5)], vec![Value::Null]));

    // HR sees nobody, and hears nothing when it lists the address anew.
    let listed = play.get(Played::HR, "/employees").await;
    listed.must_not_tell("Utilisateur");
    listed.must_not_tell("Dupont");
    assert_eq!(listed.expect(200)["total"], 1);
    play.get(Played::HR, &format!("/employees/{}", play.marc)).await.refused(404, "not_found");
    let again = json!({ "email": Played::MARC, "firstName": "Marc", "lastName": "Dupont" });
    let anew = play.post(Played::HR, "/employees", again).await;
    anew.expect(201);
    assert_ne!(anew.text_at("/id"), play.marc);
    play.accept(Played::MARC).await;
    play.forget_tokens();
    assert_eq!(play.get(Played::MARC, "/consultations/mine").await.expect(200)["items"], json!([]));
}

async fn a_practitioner_is_told_of_what_falls_away(play: &Played) {
    play.set_clock("2027-02-01T08:00:00Z");
    let ahead = play.booked(Played::MARC, "2027-03-15T08:00:00Z").await;
    ask(play, Played::MARC).await.expect(201);
    play.advance(SignedDuration::from_hours(24 * 31));
    play.empty_mailboxes();
    assert_eq!(erase(play), 1);
    let shown = play.consultation(Played::SOPHIE, &ahead).await;
    assert_eq!((&shown["status"], &shown["cancelledBy"]), (&json!("CANCELLED"), &Value::Null));
    assert_eq!(play.inbox_of(Played::SOPHIE).await[0], "CONSULTATION_CANCELLED");
    assert_eq!(play.subjects_to(Played::MARC), ["Votre compte a été supprimé"], "all else went with the person");
    let free = play.free_starts(Played::CLAIRE, "2027-03-15").await;
    assert!(free.contains(&"2027-03-15T08:00:00Z".parse().unwrap()), "the slot is free again");
}

async fn nobody_is_erased_before_the_day(play: &Played) {
    ask(play, Played::MARC).await.expect(201);
    play.advance(SignedDuration::from_hours(24 * 30) - SignedDuration::from_secs(1));
    assert_eq!(erase(play), 0);
    play.advance(SignedDuration::from_secs(1));
    step_up(play, Played::MARC).await;
    play.post(Played::MARC, CANCEL, Value::Null).await.refused(409, "no_pending_deletion");
    assert_eq!(erase(play), 1);
}
