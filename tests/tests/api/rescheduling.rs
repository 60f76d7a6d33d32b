//! Moving a consultation: what changes with it, and what leaves it where it was.
use huntzen_tests::{
    api::{Played, consultation_at},
    api_suite,
};
use serde_json::{Value, json};

api_suite! {
    a_moved_consultation_keeps_its_id_and_frees_its_slot,
    a_consultation_that_cannot_move_stays_where_it_was,
}

const OLD: &str = "2027-01-05T09:00:00Z";
const NEW: &str = "2027-01-06T14:00:00Z";

async fn a_moved_consultation_keeps_its_id_and_frees_its_slot(play: &Played) {
    let id = play.booked(Played::MARC, OLD).await;
    play.set_clock("2027-01-04T08:10:00Z");
    play.conduct(&id, "confirm").await;
    let before = play.consultation(Played::MARC, &id).await;
    play.empty_mailboxes();
    play.set_clock("2027-01-04T08:30:00Z");

    let moved = play.reschedule(Played::MARC, &id, NEW).await;
    let mut expected = before.clone();
    expected["status"] = json!("SCHEDULED");
    expected["scheduledAt"] = json!(NEW);
    expected["endsAt"] = json!("2027-01-06T14:50:00Z");
    expected["updatedAt"] = json!("2027-01-04T08:30:00Z");
    expected["roomName"] = moved.expect(200)["roomName"].clone();
    assert_eq!(moved.json, expected);
    assert_ne!(moved.json["roomName"], before["roomName"], "whoever knew the old room stays outside");
    assert_eq!(play.consultation(Played::SOPHIE, &id).await, expected);
    for who in [Played::MARC, Played::SOPHIE] {
        assert_eq!(play.inbox_of(who).await.first().unwrap(), "CONSULTATION_RESCHEDULED");
        assert_eq!(play.subjects_to(who), ["Rendez-vous déplacé"]);
    }
    play.book(Played::LEA, NEW).await.refused(409, "slot_taken");
    play.book(Played::LEA, OLD).await.expect(201);

    // Moved by the practitioner, it stays confirmed.
    play.set_clock("2027-01-04T08:40:00Z");
    play.conduct(&id, "confirm").await;
    play.set_clock("2027-01-04T08:50:00Z");
    let path = format!("/consultations/{id}/reschedule");
    let body = json!({ "scheduledAt": "2027-01-07T10:00:00+01:00" });
    let moved = play.put(Played::SOPHIE, &path, body).await;
    assert_eq!(moved.expect(200)["status"], "CONFIRMED");
    assert_eq!(moved.json["scheduledAt"], "2027-01-07T09:00:00Z");
    assert_ne!(moved.json["roomName"], expected["roomName"]);

    let events = play.events(Played::MARC, &id).await;
    assert_eq!(events.each("type"), ["SCHEDULED", "CONFIRMED", "RESCHEDULED", "CONFIRMED", "RESCHEDULED"]);
    assert_eq!(events.each("previousStart"), [Value::Null, Value::Null, json!(OLD), Value::Null, json!(NEW)]);
    let (marc, sophie) = (play.account_of(Played::MARC).await, play.account_of(Played::SOPHIE).await);
    let actors = [&marc, &sophie, &marc, &sophie, &sophie].map(String::as_str);
    assert_eq!(events.each("actorId"), actors);

    // Its reminders are planned for the new start alone.
    for (now, sent) in [("2027-01-06T08:59:59Z", 0), ("2027-01-06T09:00:00Z", 1)] {
        play.set_clock(now);
        let before = play.subjects_to(Played::MARC).len();
        play.services.jobs.send_reminders(100).unwrap();
        assert_eq!(play.subjects_to(Played::MARC).len() - before, sent, "at {now}");
    }
}

async fn a_consultation_that_cannot_move_stays_where_it_was(play: &Played) {
    let id = play.booked(Played::MARC, OLD).await;
    let claires = play.booked(Played::CLAIRE, NEW).await;
    let elsewhere = consultation_at(&play.paul, "2027-01-07T09:00:00Z");
    play.post(Played::MARC, "/consultations", elsewhere).await.expect(201);
    let before = play.consultation(Played::MARC, &id).await;
    play.empty_mailboxes();
    let both = [Played::MARC, Played::SOPHIE];

    for who in both {
        for (start, status, code) in [
            (NEW, 409, "slot_taken"),
            ("2027-01-07T09:00:00Z", 409, "already_booked"),
            ("2027-01-06T08:30:00Z", 400, "not_a_slot"),
            ("2027-01-04T09:00:00Z", 400, "not_a_slot"),
            ("2027-01-01T09:00:00Z", 400, "not_a_slot"),
            ("2027-06-29T08:00:00Z", 400, "not_a_slot"),
        ] {
            let refused = play.reschedule(who, &id, start).await;
            refused.refused(status, code);
            refused.must_not_tell(&claires);
        }
        let path = format!("/consultations/{id}/reschedule");
        play.post(who, &path, json!({})).await.invalid("scheduledAt", "required");
        play.post(who, &path, json!({ "scheduledAt": null })).await.refused(400, "validation_failed");
        let with_reason = json!({ "scheduledAt": "2027-01-06T09:00:00Z", "reason": "" });
        play.post(who, &path, with_reason).await.invalid("reason", "unknown_field");
    }

    // Only what a new booking with them would be refused for.
    let suspend = format!("/practitioners/{}/suspend", play.sophie);
    play.post(Played::ADMIN, &suspend, Value::Null).await.expect(200);
    for who in both {
        let refused = play.reschedule(who, &id, "2027-01-06T09:00:00Z").await;
        refused.refused(409, "practitioner_unavailable");
    }
    let validate = format!("/practitioners/{}/validate", play.sophie);
    play.post(Played::ADMIN, &validate, json!({ "documentsVerified": true })).await.expect(200);
    play.post(Played::HR, &format!("/employees/{}/deactivate", play.marc), Value::Null).await.expect(200);
    play.reschedule(Played::MARC, &id, "2027-01-06T09:00:00Z").await.refused(409, "not_eligible");
    play.post(Played::HR, &format!("/employees/{}/activate", play.marc), Value::Null).await.expect(200);

    // Neither of them lost anything, and nobody was told of anything.
    assert_eq!(play.consultation(Played::MARC, &id).await, before);
    play.book(Played::LEA, OLD).await.refused(409, "slot_taken");
    for who in both {
        assert_eq!(play.subjects_to(who), Vec::<String>::new());
    }
    // Its own time is in nobody's way: half an hour sooner overlaps with itself alone.
    let tuesday = format!("/availability/{}", play.sophie_rules.get(1).unwrap());
    play.patch(Played::SOPHIE, &tuesday, json!({ "startTime": "09:30" })).await.expect(200);
    play.book(Played::LEA, "2027-01-05T08:30:00Z").await.refused(409, "slot_taken");
    let moved = play.reschedule(Played::MARC, &id, "2027-01-05T08:30:00Z").await;
    assert_eq!(moved.expect(200)["scheduledAt"], "2027-01-05T08:30:00Z");
}
