//! Booking a slot: what is answered, and the order in which it is refused.
use actix_web::http::Method;
use huntzen_tests::{
    api::{Answer, NOBODY, Played, consultation_at, weekly_rule},
    api_suite,
};
use serde_json::{Value, json};

api_suite! {
    a_booking_is_answered_in_full,
    a_booking_that_is_malformed_or_not_allowed_is_refused,
    bookings_are_refused_in_the_order_of_the_contract,
    what_is_taken_is_taken_for_everybody,
}

const NORA: &str = "nora.petit@huntzen.example";
const UNKNOWN: &str = "0198c5a2-7b1e-7c3d-9a4f-112233445566";
const FREE: &str = "2027-01-05T09:00:00Z";
/// Between two slots.
const NO_START: &str = "2027-01-05T08:30:00Z";

async fn book(play: &Played, who: &str, practitioner: &str, start: &str) -> Answer {
    play.post(who, "/consultations", consultation_at(practitioner, start)).await
}

async fn suspend(play: &Played, practitioner: &str) {
    play.post(Played::ADMIN, &format!("/practitioners/{practitioner}/suspend"), Value::Null).await.expect(200);
}

async fn a_booking_is_answered_in_full(play: &Played) {
    let body = json!({
        "practitionerId": play.sophie, "type": "video", "scheduledAt": "2027-01-05T10:00:00+01:00",
        "reason": "  Je dors mal.  ", "companyId": play.alpha,
    });
    let answer = play.post(Played::MARC, "/consultations", body).await;
    answer.expect(201);
    let (id, room) = (answer.text_at("/id"), answer.text_at("/roomName"));
    let expected = json!({
        "id": id, "companyId": play.alpha, "employeeId": play.marc, "practitionerId": play.sophie,
        "employee": { "id": play.marc, "firstName": "Marc", "lastName": "Dupont" },
        "practitioner": { "id": play.sophie, "firstName": "Sophie", "lastName": "Martin", "title": "Dr." },
        "type": "VIDEO", "status": "SCHEDULED",
        "scheduledAt": "2027-01-05T09:00:00Z", "endsAt": "2027-01-05T09:50:00Z",
        "reason": "Je dors mal.", "roomName": room,
        "startedAt": null, "endedAt": null, "durationSeconds": null, "actualDuration": null,
        "billingStatus": "PENDING", "cancelledAt": null, "cancelledBy": null, "cancelReason": null,
        "noShowAt": null, "noShowBy": null,
        "createdAt": "2027-01-04T08:00:00Z", "updatedAt": "2027-01-04T08:00:00Z",
    });
    assert_eq!(answer.json, expected);
    assert_eq!(answer.header("location"), Some(format!("/consultations/{id}").as_str()));
    assert_eq!(id.as_bytes().get(14), Some(&b'4'), "the id must not tell when it was made");
    let drawn = room.strip_prefix("huntzen-").unwrap();
    assert!(drawn.len() == 26 && drawn.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7')), "{room}");
    for who in [Played::MARC, Played::SOPHIE] {
        assert_eq!(play.consultation(who, &id).await, expected, "as {who}");
    }
    // The reason leaves the two participants nowhere else.
    for who in [Played::MARC, Played::SOPHIE] {
        play.get(who, "/notifications").await.must_not_tell("dors");
        assert!(play.letters_to(who).iter().all(|letter| !letter.text.contains("dors")));
    }

    for (kind, start, has_room) in [
        ("AUDIO", "2027-01-05T13:00:00Z", true),
        ("PHONE", "2027-01-05T14:00:00Z", false),
        ("CHAT", "2027-01-05T15:00:00Z", false),
    ] {
        let body = json!({ "practitionerId": play.sophie, "type": kind, "scheduledAt": start });
        let answer = play.post(Played::MARC, "/consultations", body).await;
        assert_eq!(answer.expect(201)["type"], kind);
        assert_eq!(answer.json["roomName"].is_string(), has_room, "{kind}");
        assert_eq!(answer.json["reason"], Value::Null);
    }
}

async fn a_booking_that_is_malformed_or_not_allowed_is_refused(play: &Played) {
    let with = |field: &str, value: Value| {
        let mut body = consultation_at(&play.sophie, FREE);
        body.as_object_mut().unwrap().insert(field.to_owned(), value);
        body
    };
    let asked = async |body: Value| play.post(Played::MARC, "/consultations", body).await;
    for (field, value, code) in [
        ("companyId", json!(play.beta), "not_yours"),
        ("reason", json!("é".repeat(2001)), "too_long"),
        ("type", json!("FAX"), "unknown_value"),
        ("type", Value::Null, "wrong_type"),
        ("scheduledAt", json!("2027-01-05T09:00:00"), "invalid_instant"),
        ("scheduledAt", json!("2027-01-05"), "invalid_instant"),
        ("status", json!("CONFIRMED"), "unknown_field"),
        ("employeeId", json!(play.claire), "unknown_field"),
    ] {
        asked(with(field, value)).await.invalid(field, code);
    }
    asked(with("practitionerId", json!("sophie"))).await.refused(400, "validation_failed");
    asked(with("reason", json!("é".repeat(2000)))).await.expect(201);
    for field in ["practitionerId", "type", "scheduledAt"] {
        let mut body = consultation_at(&play.sophie, FREE);
        body.as_object_mut().unwrap().remove(field);
        asked(body).await.invalid(field, "required");
    }

    let body = consultation_at(&play.sophie, "2027-01-05T10:00:00Z");
    play.post(NOBODY, "/consultations", body.clone()).await.refused(401, "unauthenticated");
    let barred = [Played::OPERATOR, Played::ADMIN, Played::HR, Played::SOPHIE];
    play.must_not(&barred, &Method::POST, "/consultations", &body).await;
    play.must_not(&barred, &Method::POST, "/consultations", &json!({ "nonsense": 1 })).await;
}

async fn bookings_are_refused_in_the_order_of_the_contract(play: &Played) {
    // Another practitioner offers chat alone on Saturdays, and waits for validation.
    let invited = json!({
        "email": NORA, "firstName": "Nora", "lastName": "Petit", "profession": "COACH", "specialties": [],
        "languages": ["fr"],
    });
    let nora = play.post(Played::ADMIN, "/practitioners", invited).await.text_at("/id");
    play.accept(NORA).await;
    let held = play.held(Played::MARC, "2027-01-04T10:00:00Z", "2027-01-04T10:50:00Z").await;
    play.set_clock("2027-01-04T11:00:00Z");

    // Claire may book no longer, which is said before anything of practitioner and slot.
    let deactivate = format!("/employees/{}/deactivate", play.claire);
    play.post(Played::HR, &deactivate, Value::Null).await.expect(200);
    for who in [Played::MARC, Played::CLAIRE] {
        book(play, who, UNKNOWN, NO_START).await.refused(404, "not_found");
    }
    for (practitioner, start) in [(&play.sophie, FREE), (&play.sophie, NO_START), (&nora, NO_START)] {
        book(play, Played::CLAIRE, practitioner, start).await.refused(409, "not_eligible");
    }
    play.post(Played::ADMIN, &format!("/companies/{}/suspend", play.beta), Value::Null).await.expect(200);
    book(play, Played::LEA, &play.sophie, FREE).await.refused(409, "not_eligible");
    play.post(Played::ADMIN, &format!("/companies/{}/validate", play.beta), Value::Null).await.expect(200);

    // Not validated, suspended, closed to new clients: each before anything of the slot.
    suspend(play, &play.paul).await;
    let closed = json!({ "acceptingNewClients": false });
    play.patch(Played::SOPHIE, "/practitioners/me", closed).await.expect(200);
    for practitioner in [&nora, &play.paul, &play.sophie] {
        for start in [FREE, NO_START] {
            book(play, Played::LEA, practitioner, start).await.refused(409, "practitioner_unavailable");
        }
    }
    // Who was there before may come again.
    assert_eq!(play.consultation(Played::MARC, &held).await["status"], "COMPLETED");
    let again = book(play, Played::MARC, &play.sophie, FREE).await;
    again.expect(201);
    let open = json!({ "acceptingNewClients": true });
    play.patch(Played::SOPHIE, "/practitioners/me", open).await.expect(200);
    play.post(Played::ADMIN, &format!("/practitioners/{}/validate", play.paul), json!({ "documentsVerified": true }))
        .await
        .expect(200);

    // No such start, past, too near, too far.
    for start in [
        NO_START,
        "2027-01-09T09:00:00Z",
        "2027-01-01T09:00:00Z",
        "2027-01-04T10:00:00Z",
        "2027-01-04T12:59:59Z",
        "2027-04-05T07:00:00Z",
    ] {
        book(play, Played::LEA, &play.sophie, start).await.refused(400, "not_a_slot");
    }
    play.set_clock("2027-01-04T11:00:01Z");
    book(play, Played::LEA, &play.sophie, "2027-01-04T13:00:00Z").await.refused(400, "not_a_slot");
    // A wrong type is said before that the slot is taken.
    let chat = json!({ "types": ["CHAT"] });
    let tuesday = format!("/availability/{}", play.sophie_rules.get(1).unwrap());
    play.patch(Played::SOPHIE, &tuesday, chat).await.expect(200);
    book(play, Played::LEA, &play.sophie, FREE).await.refused(400, "not_a_slot");
    let videos = json!({ "types": ["VIDEO"] });
    play.patch(Played::SOPHIE, &tuesday, videos).await.expect(200);

    // That it is taken is said before that one has an appointment oneself.
    book(play, Played::LEA, &play.sophie, FREE).await.refused(409, "slot_taken");
    book(play, Played::MARC, &play.sophie, FREE).await.refused(409, "slot_taken");
    book(play, Played::MARC, &play.paul, FREE).await.refused(409, "already_booked");
    book(play, Played::LEA, &play.paul, FREE).await.expect(201);
}

async fn what_is_taken_is_taken_for_everybody(play: &Played) {
    let first = play.booked(Played::MARC, FREE).await;
    for who in [Played::CLAIRE, Played::LEA] {
        let refused = play.book(who, FREE).await;
        refused.refused(409, "slot_taken");
        refused.must_not_tell("Dupont");
        refused.must_not_tell(&first);
    }
    // An own appointment that only overlaps is in the way, too; one that ends before is not.
    let afternoon = weekly_rule(2, "10:20", "11:10");
    let nora = play.practitioner(NORA, "Nora", "Petit").await;
    play.post(NORA, "/availability", afternoon).await.expect(201);
    play.post(NORA, "/availability", weekly_rule(2, "11:10", "12:00")).await.expect(201);
    book(play, Played::MARC, &nora, "2027-01-05T09:20:00Z").await.refused(409, "already_booked");
    book(play, Played::CLAIRE, &nora, "2027-01-05T09:20:00Z").await.expect(201);

    // The refused ones left nothing behind.
    let mine = play.get(Played::MARC, "/consultations/mine").await;
    assert_eq!(mine.each("id"), [first.as_str()]);
    assert_eq!(play.inbox_of(Played::LEA).await, Vec::<Value>::new());
    assert!(play.letters_to(Played::LEA).is_empty());
}
