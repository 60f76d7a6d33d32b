//! The main job from one end to the other: somebody joins, books, meets, and it is counted.
use huntzen_tests::{
    api::{NOBODY, PASSWORD, Played},
    api_suite,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

api_suite! {
    somebody_joins_books_meets_and_is_counted,
}

const NINA: &str = "nina.faure@alpha.example";

async fn somebody_joins_books_meets_and_is_counted(play: &Played) {
    join(play).await;
    let id = book_the_earliest(play).await;
    confirm(play, &id).await;
    be_reminded(play).await;
    meet(play, &id).await;
    count(play).await;
}

/// By the domain of the address, which a letter proves.
async fn join(play: &Played) {
    let account = json!({ "email": NINA, "password": PASSWORD, "firstName": "Nina", "lastName": "Faure" });
    let answer = play.post(NOBODY, "/auth/register", account).await;
    answer.expect(201);
    assert!(!answer.text_at("/message").is_empty());
    assert_eq!(answer.json["user"]["email"], NINA);
    answer.must_not_tell(PASSWORD);
    play.sign_in(NINA).await.refused(401, "email_not_verified");

    let token = play.token_from_letter(NINA);
    play.post(NOBODY, "/auth/verify-email", json!({ "token": token })).await.expect(200);
    play.post(NOBODY, "/auth/verify-email", json!({ "token": token })).await.refused(404, "not_found");
    let signed_in = play.sign_in(NINA).await;
    assert_eq!(signed_in.expect(200)["user"]["role"], "EMPLOYEE");
    assert_eq!(signed_in.json["user"]["companyId"], play.alpha.as_str());
    play.empty_mailboxes();
}

/// The first slot of the day after tomorrow, exactly as it is offered.
async fn book_the_earliest(play: &Played) -> String {
    let offered = play.get(NINA, "/availability/earliest?from=2027-01-06T00:00:00Z&language=fr").await;
    let offers = offered.expect(200).as_array().unwrap();
    assert_eq!(offers.len(), 2);
    let offer = offers.iter().find(|offer| offer["practitionerId"] == play.sophie.as_str()).unwrap();
    assert_eq!(offer["startTime"], "2027-01-06T08:00:00Z");
    assert_eq!(offer["endTime"], "2027-01-06T08:50:00Z");

    let booking = json!({
        "practitionerId": offer["practitionerId"], "type": "VIDEO", "scheduledAt": offer["startTime"],
        "reason": "Je dors mal.",
    });
    let answer = play.post(NINA, "/consultations", booking).await;
    assert_eq!(answer.expect(201)["status"], "SCHEDULED");
    assert_eq!(answer.json["billingStatus"], "PENDING");
    let id = answer.text_at("/id");

    for (who, others_name) in [(NINA, "Martin"), (Played::SOPHIE, "Nina")] {
        let inbox = play.get(who, "/notifications").await;
        let news = &inbox.expect(200)["items"][0];
        assert_eq!(news["type"], "CONSULTATION_SCHEDULED");
        assert_eq!(news["data"], json!({ "consultationId": id, "scheduledAt": "2027-01-06T08:00:00Z" }));
        assert_eq!(news["isRead"], false);
        assert_eq!(inbox.json["unreadCount"], 1);
        assert_eq!(play.subjects_to(who), ["Un rendez-vous est prévu"]);
        let letter = play.letters_to(who).pop().unwrap();
        for told in [others_name, "dors", "psycho", "Stress", "Alpha"] {
            assert!(!letter.text.contains(told) && !letter.html.contains(told), "{told}: {}", letter.text);
        }
        assert!(letter.text.contains("mercredi 6 janvier 2027 à 09:00 (Europe/Paris)"), "{}", letter.text);
    }
    id
}

async fn confirm(play: &Played, id: &str) {
    play.advance(SignedDuration::from_mins(1));
    let confirmed = play.transition(Played::SOPHIE, id, "confirm").await;
    assert_eq!(confirmed.expect(200)["status"], "CONFIRMED");
    assert_eq!(confirmed.json["employee"]["firstName"], "Nina");
    assert_eq!(play.consultation(NINA, id).await["status"], "CONFIRMED");
    for who in [NINA, Played::SOPHIE] {
        assert_eq!(play.inbox_of(who).await, ["CONSULTATION_CONFIRMED", "CONSULTATION_SCHEDULED"]);
        assert_eq!(play.subjects_to(who), ["Un rendez-vous est prévu", "Rendez-vous confirmé"]);
    }
    play.empty_mailboxes();
}

/// A day before and an hour before, once each.
async fn be_reminded(play: &Played) {
    for (now, sent) in [
        ("2027-01-05T07:59:59Z", 0),
        ("2027-01-05T08:00:00Z", 1),
        ("2027-01-05T08:01:00Z", 0),
        ("2027-01-06T06:59:59Z", 0),
        ("2027-01-06T07:00:00Z", 1),
        ("2027-01-06T07:01:00Z", 0),
    ] {
        play.set_clock(now);
        assert_eq!(play.services.jobs.send_reminders(100).unwrap(), sent, "at {now}");
    }
    for who in [NINA, Played::SOPHIE] {
        assert_eq!(play.subjects_to(who), ["Rappel de rendez-vous", "Rappel de rendez-vous"]);
        let reminders = play.get(who, "/notifications?type=CONSULTATION_REMINDER").await;
        assert_eq!(reminders.expect(200)["items"].as_array().unwrap().len(), 2);
    }
    play.empty_mailboxes();
}

/// From five minutes late for 47 minutes and 59 seconds.
async fn meet(play: &Played, id: &str) {
    play.set_clock("2027-01-06T08:05:00Z");
    let started = play.transition(Played::SOPHIE, id, "start").await;
    assert_eq!(started.expect(200)["status"], "IN_PROGRESS");
    assert_eq!(started.json["startedAt"], "2027-01-06T08:05:00Z");
    assert_eq!(started.json["durationSeconds"], Value::Null);

    play.advance(SignedDuration::from_secs(47 * 60 + 59));
    let ended = play.transition(Played::SOPHIE, id, "end").await;
    ended.expect(200);
    for (field, value) in [
        ("status", json!("COMPLETED")),
        ("startedAt", json!("2027-01-06T08:05:00Z")),
        ("endedAt", json!("2027-01-06T08:52:59Z")),
        ("durationSeconds", json!(2879)),
        ("actualDuration", json!(47)),
        ("billingStatus", json!("VALIDATED")),
    ] {
        assert_eq!(ended.json[field], value, "{field}");
    }
    assert_eq!(play.consultation(NINA, id).await, ended.json);
    let events = play.events(NINA, id).await;
    assert_eq!(events.each("type"), ["SCHEDULED", "CONFIRMED", "STARTED", "ENDED"]);

    assert_eq!(play.inbox_of(NINA).await.first().unwrap(), "CONSULTATION_COMPLETED");
    assert_eq!(play.subjects_to(NINA), ["Votre avis nous intéresse"]);
    assert!(play.subjects_to(Played::SOPHIE).is_empty(), "who conducted it needs no follow-up");
}

async fn count(play: &Played) {
    let path = |from: &str, to: &str| format!("/metrics/practitioners/{}?from={from}&to={to}", play.sophie);
    let counted = play.get(Played::SOPHIE, &path("2027-01-06", "2027-01-06")).await;
    let expected = json!({
        "practitionerId": play.sophie, "period": { "from": "2027-01-06", "to": "2027-01-06" },
        "consultations": 1, "totalDurationSeconds": 2879, "totalDurationMinutes": 47,
        "averageDurationMinutes": 47, "activeDays": 1,
    });
    assert_eq!(counted.expect(200), &expected);
    let by_admin = play.get(Played::ADMIN, &path("2027-01-06", "2027-01-06")).await;
    assert_eq!(by_admin.expect(200), &expected);
    let before = play.get(Played::SOPHIE, &path("2027-01-01", "2027-01-05")).await;
    assert_eq!(before.expect(200)["consultations"], 0);
    assert_eq!(before.json["averageDurationMinutes"], 0);
    play.get(Played::PAUL, &path("2027-01-06", "2027-01-06")).await.refused(404, "not_found");
}
