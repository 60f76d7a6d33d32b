//! What happens to a booked consultation: every way that is allowed, and every one that is not.
use actix_web::http::Method;
use huntzen_tests::{api::Played, api_suite};
use serde_json::{Value, json};

api_suite! {
    a_consultation_is_confirmed_started_and_ended,
    a_consultation_that_is_called_off_frees_its_slot_at_once,
    a_consultation_that_was_missed_counts_nowhere,
    what_was_forgotten_is_ended_or_given_up,
    far_consultations_of_those_who_left_are_called_off,
}

const START: &str = "2027-01-05T09:00:00Z";
const EVERY: [&str; 5] = ["confirm", "start", "end", "no-show", "cancel"];

/// Tries every transition but these, which must all be refused.
async fn only(play: &Played, id: &str, allowed: &[&str]) {
    for transition in EVERY.iter().filter(|one| !allowed.contains(*one)) {
        play.transition(Played::SOPHIE, id, transition).await.refused(409, "invalid_transition");
    }
    if !allowed.contains(&"cancel") {
        play.reschedule(Played::SOPHIE, id, "2027-01-08T09:00:00Z").await.refused(409, "invalid_transition");
        play.reschedule(Played::MARC, id, "2027-01-08T09:00:00Z").await.refused(409, "invalid_transition");
        play.transition(Played::MARC, id, "cancel").await.refused(409, "invalid_transition");
    }
}

async fn put(play: &Played, who: &str, id: &str, transition: &str) -> Value {
    let path = format!("/consultations/{id}/{transition}");
    play.request(Method::PUT, who, &path, Value::Null).await.expect(200).clone()
}

async fn counted(play: &Played) -> Value {
    let path = format!("/metrics/practitioners/{}?from=2027-01-01&to=2027-12-31", play.sophie);
    play.get(Played::SOPHIE, &path).await.expect(200).clone()
}

async fn a_consultation_is_confirmed_started_and_ended(play: &Played) {
    let id = play.booked(Played::MARC, START).await;
    let late = play.booked(Played::MARC, "2027-01-05T13:00:00Z").await;
    only(play, &id, &["confirm", "start", "cancel"]).await;
    play.transition(Played::SOPHIE, &id, "start").await.refused(409, "too_early");
    for transition in ["confirm", "start", "end", "no-show"] {
        play.transition(Played::MARC, &id, transition).await.refused(403, "forbidden");
    }
    play.set_clock("2027-01-04T08:10:00Z");
    assert_eq!(put(play, Played::SOPHIE, &id, "confirm").await["status"], "CONFIRMED");
    only(play, &id, &["start", "cancel"]).await;

    play.set_clock("2027-01-05T08:44:59Z");
    play.transition(Played::SOPHIE, &id, "start").await.refused(409, "too_early");
    play.set_clock("2027-01-05T08:45:00Z");
    let started = put(play, Played::SOPHIE, &id, "start").await;
    assert_eq!(started["status"], "IN_PROGRESS");
    assert_eq!(started["startedAt"], "2027-01-05T08:45:00Z");
    only(play, &id, &["end"]).await;

    play.set_clock("2027-01-05T09:44:30Z");
    let ended = put(play, Played::SOPHIE, &id, "end").await;
    assert_eq!(ended["status"], "COMPLETED");
    assert_eq!(ended["durationSeconds"], 59 * 60 + 30);
    assert_eq!(ended["actualDuration"], 59);
    assert_eq!(ended["billingStatus"], "VALIDATED");
    assert_eq!(ended["updatedAt"], "2027-01-05T09:44:30Z");
    only(play, &id, &[]).await;

    // From SCHEDULED at once; what goes on half an hour beyond the planned end counts no longer.
    play.set_clock("2027-01-05T13:10:00Z");
    play.conduct(&late, "start").await;
    play.set_clock("2027-01-05T16:00:00Z");
    play.conduct(&late, "end").await;
    let ended = play.consultation(Played::MARC, &late).await;
    assert_eq!(ended["endedAt"], "2027-01-05T16:00:00Z");
    assert_eq!(ended["durationSeconds"], 70 * 60);
    assert_eq!(ended["actualDuration"], 70);
    let figures = counted(play).await;
    assert_eq!(figures["consultations"], 2);
    assert_eq!(figures["totalDurationSeconds"], 59 * 60 + 30 + 70 * 60);
    assert_eq!(figures["totalDurationMinutes"], 59 + 70);
    assert_eq!(figures["averageDurationMinutes"], 64);
    assert_eq!(figures["activeDays"], 1);

    let events = play.events(Played::MARC, &id).await;
    assert_eq!(events.each("type"), ["SCHEDULED", "CONFIRMED", "STARTED", "ENDED"]);
    let (marc, sophie) = (play.account_of(Played::MARC).await, play.account_of(Played::SOPHIE).await);
    assert_eq!(events.each("actorId"), [marc.as_str(), sophie.as_str(), sophie.as_str(), sophie.as_str()]);
    let at = ["2027-01-04T08:00:00Z", "2027-01-04T08:10:00Z", "2027-01-05T08:45:00Z", "2027-01-05T09:44:30Z"];
    assert_eq!(events.each("at"), at);
}

async fn a_consultation_that_is_called_off_frees_its_slot_at_once(play: &Played) {
    let id = play.booked(Played::MARC, START).await;
    play.conduct(&id, "confirm").await;
    play.book(Played::LEA, START).await.refused(409, "slot_taken");
    play.empty_mailboxes();
    let path = format!("/consultations/{id}/cancel");
    play.post(Played::MARC, &path, json!({ "reason": "é".repeat(2001) })).await.invalid("reason", "too_long");
    play.post(Played::MARC, &path, json!({ "because": "" })).await.invalid("because", "unknown_field");

    play.set_clock("2027-01-04T08:10:00Z");
    let cancelled = play.post(Played::MARC, &path, json!({ "reason": "Je vais mieux." })).await;
    cancelled.expect(200);
    for (field, value) in [
        ("status", json!("CANCELLED")),
        ("cancelledAt", json!("2027-01-04T08:10:00Z")),
        ("cancelledBy", json!(play.account_of(Played::MARC).await)),
        ("cancelReason", json!("Je vais mieux.")),
        ("scheduledAt", json!(START)),
    ] {
        assert_eq!(cancelled.json[field], value, "{field}");
    }
    only(play, &id, &[]).await;
    for who in [Played::MARC, Played::SOPHIE] {
        assert_eq!(play.inbox_of(who).await.first().unwrap(), "CONSULTATION_CANCELLED");
        assert_eq!(play.subjects_to(who), ["Rendez-vous annulé"]);
        assert!(play.letters_to(who).iter().all(|letter| !letter.text.contains("mieux")));
    }
    assert!(play.free_starts(Played::LEA, "2027-01-05").await.contains(&START.parse().unwrap()));
    let taken_over = play.booked(Played::LEA, START).await;

    // By the practitioner, without a word, after it should have begun.
    play.set_clock("2027-01-05T09:30:00Z");
    let cancelled = put(play, Played::SOPHIE, &taken_over, "cancel").await;
    assert_eq!(cancelled["cancelReason"], Value::Null);
    assert_eq!(cancelled["cancelledBy"], play.account_of(Played::SOPHIE).await);
    assert_eq!(play.inbox_of(Played::LEA).await.first().unwrap(), "CONSULTATION_CANCELLED");
    assert_eq!(counted(play).await["consultations"], 0);
}

async fn a_consultation_that_was_missed_counts_nowhere(play: &Played) {
    let scheduled = play.booked(Played::MARC, START).await;
    let confirmed = play.booked(Played::MARC, "2027-01-05T10:00:00Z").await;
    play.conduct(&confirmed, "confirm").await;
    play.set_clock("2027-01-05T08:59:59Z");
    play.transition(Played::SOPHIE, &scheduled, "no-show").await.refused(409, "invalid_transition");

    play.set_clock("2027-01-05T10:00:00Z");
    let missed = put(play, Played::SOPHIE, &scheduled, "no-show").await;
    for (field, value) in [
        ("status", json!("NO_SHOW")),
        ("billingStatus", json!("EXCLUDED")),
        ("noShowAt", json!("2027-01-05T10:00:00Z")),
        ("noShowBy", json!(play.account_of(Played::SOPHIE).await)),
        ("durationSeconds", Value::Null),
        ("startedAt", Value::Null),
    ] {
        assert_eq!(missed[field], value, "{field}");
    }
    play.conduct(&confirmed, "no-show").await;
    for id in [&scheduled, &confirmed] {
        only(play, id, &[]).await;
    }
    assert_eq!(play.events(Played::MARC, &scheduled).await.each("type"), ["SCHEDULED", "NO_SHOW"]);
    assert_eq!(counted(play).await["consultations"], 0);
}

async fn what_was_forgotten_is_ended_or_given_up(play: &Played) {
    let going_on = play.booked(Played::MARC, START).await;
    let waiting = play.booked(Played::MARC, "2027-01-05T10:00:00Z").await;
    let confirmed = play.booked(Played::MARC, "2027-01-05T13:00:00Z").await;
    play.conduct(&confirmed, "confirm").await;
    play.set_clock("2027-01-05T09:05:00Z");
    play.conduct(&going_on, "start").await;
    let run = |now: &str| {
        play.set_clock(now);
        play.services.jobs.end_forgotten(100).unwrap()
    };

    assert_eq!(run("2027-01-05T10:49:59Z"), 0);
    assert_eq!(run("2027-01-05T10:50:01Z"), 1);
    let ended = play.consultation(Played::MARC, &going_on).await;
    for (field, value) in [
        ("status", json!("COMPLETED")),
        ("endedAt", json!("2027-01-05T09:50:00Z")),
        ("durationSeconds", json!(45 * 60)),
        ("actualDuration", json!(45)),
        ("billingStatus", json!("VALIDATED")),
    ] {
        assert_eq!(ended[field], value, "{field}");
    }
    let events = play.events(Played::MARC, &going_on).await;
    assert_eq!(events.each("type"), ["SCHEDULED", "STARTED", "ENDED"]);
    assert_eq!(events.each("actorId").last().unwrap(), &Value::Null);
    assert_eq!(counted(play).await["totalDurationMinutes"], 45);
    assert_eq!(play.subjects_to(Played::MARC).last().unwrap(), "Votre avis nous intéresse");

    assert_eq!(run("2027-01-06T09:59:59Z"), 0);
    assert_eq!(run("2027-01-06T13:00:01Z"), 2);
    assert_eq!(run("2027-01-06T13:05:00Z"), 0, "once is enough");
    for (id, status) in [(&waiting, "SCHEDULED"), (&confirmed, "CONFIRMED")] {
        let given_up = play.consultation(Played::MARC, id).await;
        assert_eq!(given_up["status"], status);
        assert_eq!(given_up["billingStatus"], "EXCLUDED");
        for transition in ["start", "no-show"] {
            play.transition(Played::SOPHIE, id, transition).await.refused(409, "invalid_transition");
        }
    }
    assert_eq!(counted(play).await["consultations"], 1);
}

async fn far_consultations_of_those_who_left_are_called_off(play: &Played) {
    let near = play.booked(Played::MARC, START).await;
    let far = play.booked(Played::MARC, "2027-02-09T09:00:00Z").await;
    let claires = play.booked(Played::CLAIRE, "2027-02-10T09:00:00Z").await;
    let leas = play.booked(Played::LEA, "2027-02-11T09:00:00Z").await;
    let run = || play.services.jobs.cancel_ineligible(100).unwrap();
    assert_eq!(run(), 0);
    play.post(Played::HR, &format!("/employees/{}/deactivate", play.marc), Value::Null).await.expect(200);
    play.post(Played::ADMIN, &format!("/companies/{}/suspend", play.beta), Value::Null).await.expect(200);
    play.empty_mailboxes();
    play.set_clock("2027-01-04T08:10:00Z");
    assert_eq!(run(), 2);
    assert_eq!(run(), 0);

    // The account is still its owner's: what was near stands, what was far says why not.
    for (who, id) in [(Played::MARC, &far), (Played::LEA, &leas)] {
        let cancelled = play.consultation(who, id).await;
        assert_eq!(cancelled["status"], "CANCELLED");
        assert_eq!(cancelled["cancelledAt"], "2027-01-04T08:10:00Z");
        assert_eq!(cancelled["cancelledBy"], Value::Null);
        assert_eq!(cancelled["cancelReason"], Value::Null);
        assert_eq!(play.subjects_to(who), ["Rendez-vous annulé"]);
        assert_eq!(play.inbox_of(who).await.first().unwrap(), "CONSULTATION_CANCELLED");
    }
    assert_eq!(play.subjects_to(Played::SOPHIE), ["Rendez-vous annulé", "Rendez-vous annulé"]);
    assert_eq!(play.consultation(Played::MARC, &near).await["status"], "SCHEDULED");
    assert_eq!(play.consultation(Played::CLAIRE, &claires).await["status"], "SCHEDULED");
    play.booked(Played::CLAIRE, "2027-02-09T09:00:00Z").await;
    play.set_clock(START);
    play.conduct(&near, "start").await;
}
