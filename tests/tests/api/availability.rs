//! A practitioner's own weekly rules, leave and extra hours, and what they do to what is booked.
use actix_web::http::Method;
use huntzen_tests::{
    api::{NOBODY, Played, weekly_rule},
    api_suite,
};
use serde_json::{Value, json};

api_suite! {
    rules_are_kept_changed_and_deleted,
    rules_that_cannot_hold_are_refused,
    leave_and_extra_hours_are_kept_and_deleted,
    what_is_booked_stands_whatever_is_planned,
}

const UNKNOWN: &str = "0198c5a2-7b1e-7c3d-9a4f-112233445566";
const NORA: &str = "nora.petit@huntzen.example";

/// `change` over a rule that is fine.
fn rule_with(change: &Value) -> Value {
    let mut rule = weekly_rule(3, "09:00", "12:00");
    let fields = rule.as_object_mut().unwrap();
    fields.extend(change.as_object().unwrap().clone());
    rule
}

async fn rules_are_kept_changed_and_deleted(play: &Played) {
    play.practitioner(NORA, "Nora", "Petit").await;
    let told = json!({
        "dayOfWeek": 3, "startTime": "09:00", "endTime": "12:30", "slotMinutes": 45, "bufferMinutes": 0,
        "types": ["chat", "VIDEO"], "validFrom": "2027-01-01", "validUntil": "2027-06-30",
    });
    let added = play.post(NORA, "/availability", told).await;
    added.expect(201);
    let id = added.text_at("/id");
    let path = format!("/availability/{id}");
    assert_eq!(added.header("location"), Some(path.as_str()));
    let kept = json!({
        "id": id, "dayOfWeek": 3, "startTime": "09:00", "endTime": "12:30", "slotMinutes": 45, "bufferMinutes": 0,
        "types": ["VIDEO", "CHAT"], "validFrom": "2027-01-01", "validUntil": "2027-06-30",
    });
    let planned = |mut rule: Value| {
        rule.as_object_mut().unwrap().insert("conflicts".to_owned(), json!([]));
        rule
    };
    assert_eq!(added.json, planned(kept.clone()));
    assert_eq!(play.get(NORA, "/availability").await.expect(200), &json!({ "items": [kept] }));

    // Absent is unchanged, null clears.
    let changed = play.patch(NORA, &path, json!({ "slotMinutes": 60, "validUntil": null })).await;
    let mut now = kept;
    now["slotMinutes"] = json!(60);
    now["validUntil"] = Value::Null;
    assert_eq!(changed.expect(200), &planned(now.clone()));
    let put = play.put(NORA, &path, json!({ "types": ["AUDIO"] })).await;
    now["types"] = json!(["AUDIO"]);
    assert_eq!(put.expect(200), &planned(now.clone()));
    assert_eq!(play.patch(NORA, &path, json!({})).await.expect(200), &planned(now.clone()));

    // By day, then by start.
    for (day, start, end) in [(3, "07:00", "08:00"), (1, "18:00", "19:00")] {
        play.post(NORA, "/availability", weekly_rule(day, start, end)).await.expect(201);
    }
    let listed = play.get(NORA, "/availability").await;
    assert_eq!(listed.each("startTime"), ["18:00", "07:00", "09:00"]);
    assert_eq!(play.get(Played::SOPHIE, "/availability").await.each("id").len(), 10);

    // Another practitioner's rule is no rule at all.
    let unknown = format!("/availability/{UNKNOWN}");
    for method in [Method::PATCH, Method::PUT, Method::DELETE] {
        let body = if method == Method::DELETE { Value::Null } else { json!({ "slotMinutes": 30 }) };
        let none = play.request(method.clone(), Played::SOPHIE, &unknown, body.clone()).await;
        none.refused(404, "not_found");
        let theirs = play.request(method.clone(), Played::SOPHIE, &path, body.clone()).await;
        theirs.refused(404, "not_found");
        assert_eq!(theirs.without_request_id(), none.without_request_id());
        play.request(method, NORA, "/availability/monday", body).await.refused(404, "not_found");
    }
    assert_eq!(play.get(NORA, "/availability").await.expect(200)["items"][2], now);

    assert_eq!(play.delete(NORA, &path).await.status, 204);
    play.delete(NORA, &path).await.refused(404, "not_found");
    assert_eq!(play.get(NORA, "/availability").await.each("startTime"), ["18:00", "07:00"]);
}

async fn rules_that_cannot_hold_are_refused(play: &Played) {
    for (change, field, code) in [
        (json!({ "dayOfWeek": 0 }), "dayOfWeek", "out_of_range"),
        (json!({ "dayOfWeek": 8 }), "dayOfWeek", "out_of_range"),
        (json!({ "dayOfWeek": "MONDAY" }), "dayOfWeek", "wrong_type"),
        (json!({ "startTime": "9:00" }), "startTime", "invalid_time"),
        (json!({ "endTime": "24:00" }), "endTime", "invalid_time"),
        (json!({ "endTime": "09:00" }), "endTime", "not_after_start"),
        (json!({ "endTime": "09:49" }), "slotMinutes", "does_not_fit"),
        (json!({ "slotMinutes": 4 }), "slotMinutes", "out_of_range"),
        (json!({ "slotMinutes": 481 }), "slotMinutes", "out_of_range"),
        (json!({ "bufferMinutes": 241 }), "bufferMinutes", "out_of_range"),
        (json!({ "types": [] }), "types", "required"),
        (json!({ "validFrom": "2027-02-02", "validUntil": "2027-02-01" }), "validUntil", "before_valid_from"),
        (json!({ "validFrom": "2027-02-30" }), "validFrom", "invalid_date"),
        (json!({ "timezone": "Europe/Paris" }), "timezone", "unknown_field"),
    ] {
        play.post(Played::SOPHIE, "/availability", rule_with(&change)).await.invalid(field, code);
        // A change must not get a rule where creating it could not.
        let kept = format!("/availability/{}", play.sophie_rules.get(2).unwrap());
        play.patch(Played::SOPHIE, &kept, change).await.invalid(field, code);
    }
    play.post(Played::SOPHIE, "/availability", rule_with(&json!({ "types": ["FAX"] })))
        .await
        .refused(400, "validation_failed");
    play.post(Played::SOPHIE, "/availability", json!({})).await.invalid("dayOfWeek", "required");
    let kept = format!("/availability/{}", play.sophie_rules.first().unwrap());
    play.patch(Played::SOPHIE, &kept, json!({ "startTime": null })).await.refused(400, "validation_failed");
    assert_eq!(play.get(Played::SOPHIE, "/availability").await.each("id").len(), 10);

    let barred = [Played::OPERATOR, Played::ADMIN, Played::HR, Played::MARC];
    for (method, path) in [
        (Method::POST, "/availability"),
        (Method::GET, "/availability"),
        (Method::PATCH, kept.as_str()),
        (Method::DELETE, kept.as_str()),
        (Method::POST, "/availability/exception"),
        (Method::GET, "/availability/exceptions"),
        (Method::DELETE, "/availability/exceptions/nonsense"),
    ] {
        play.must_not(&barred, &method, path, &Value::Null).await;
        play.request(method, NOBODY, path, Value::Null).await.refused(401, "unauthenticated");
    }
}

async fn leave_and_extra_hours_are_kept_and_deleted(play: &Played) {
    let path = "/availability/exception";
    let leave = json!({
        "startsAt": "2027-02-01T00:00:00+01:00", "endsAt": "2027-02-08T00:00:00+01:00", "kind": "leave",
        "label": "Congé de maladie",
    });
    let leave = play.post(Played::SOPHIE, path, leave).await;
    leave.expect(201);
    let leave_id = leave.text_at("/id");
    assert_eq!(leave.header("location"), Some(format!("/availability/exceptions/{leave_id}").as_str()));
    let kept_leave = json!({
        "id": leave_id, "startsAt": "2027-01-31T23:00:00Z", "endsAt": "2027-02-07T23:00:00Z", "kind": "LEAVE",
        "slotMinutes": null, "bufferMinutes": null, "types": null, "label": "Congé de maladie",
    });
    let extra = json!({ "startsAt": "2027-01-09T08:00:00Z", "endsAt": "2027-01-09T10:00:00Z", "kind": "EXTRA" });
    let extra = play.post(Played::SOPHIE, path, extra).await;
    extra.expect(201);
    let extra_id = extra.text_at("/id");
    let kept_extra = json!({
        "id": extra_id, "startsAt": "2027-01-09T08:00:00Z", "endsAt": "2027-01-09T10:00:00Z", "kind": "EXTRA",
        "slotMinutes": 50, "bufferMinutes": 0, "types": ["VIDEO", "AUDIO", "PHONE", "CHAT"], "label": null,
    });
    assert_eq!(leave.json["conflicts"], json!([]));
    let listed = play.get(Played::SOPHIE, "/availability/exceptions").await;
    assert_eq!(listed.expect(200), &json!({ "items": [kept_extra, kept_leave] }));
    assert_eq!(play.get(Played::PAUL, "/availability/exceptions").await.expect(200), &json!({ "items": [] }));
    // Why somebody is away is for nobody else.
    play.slots_on(Played::MARC, &play.sophie, "2027-02-02").await.must_not_tell("maladie");

    for (change, field, code) in [
        (json!({ "endsAt": "2027-03-01T08:00:00Z" }), "endsAt", "not_after_start"),
        (json!({ "endsAt": "2027-03-01" }), "endsAt", "invalid_instant"),
        (json!({ "endsAt": "2027-03-01T08:49:00Z" }), "slotMinutes", "does_not_fit"),
        (json!({ "slotMinutes": 4 }), "slotMinutes", "out_of_range"),
        (json!({ "bufferMinutes": 241 }), "bufferMinutes", "out_of_range"),
        (json!({ "types": [] }), "types", "required"),
        (json!({ "kind": "HOLIDAY" }), "kind", "unknown_value"),
        (json!({ "label": "é".repeat(121) }), "label", "too_long"),
        (json!({ "practitionerId": play.paul }), "practitionerId", "unknown_field"),
    ] {
        let mut body = json!({ "startsAt": "2027-03-01T08:00:00Z", "endsAt": "2027-03-01T10:00:00Z", "kind": "EXTRA" });
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        play.post(Played::SOPHIE, path, body).await.invalid(field, code);
    }

    let theirs = play.delete(Played::PAUL, &format!("/availability/exceptions/{leave_id}")).await;
    theirs.refused(404, "not_found");
    let none = play.delete(Played::PAUL, &format!("/availability/exceptions/{UNKNOWN}")).await;
    assert_eq!(theirs.without_request_id(), none.without_request_id());
    let gone = format!("/availability/exceptions/{leave_id}");
    assert_eq!(play.slots_on(Played::MARC, &play.sophie, "2027-02-02").await.starts().len(), 0);
    assert_eq!(play.delete(Played::SOPHIE, &gone).await.status, 204);
    play.delete(Played::SOPHIE, &gone).await.refused(404, "not_found");
    assert_eq!(play.slots_on(Played::MARC, &play.sophie, "2027-02-02").await.starts().len(), 6);
}

async fn what_is_booked_stands_whatever_is_planned(play: &Played) {
    let tuesday = play.booked(Played::MARC, "2027-01-05T09:00:00Z").await;
    let wednesday = play.booked(Played::CLAIRE, "2027-01-06T09:00:00Z").await;
    let thursday = play.booked(Played::LEA, "2027-01-07T08:00:00Z").await;
    let friday = play.booked(Played::MARC, "2027-01-08T13:00:00Z").await;
    let cancelled = play.booked(Played::MARC, "2027-01-05T14:00:00Z").await;
    play.transition(Played::MARC, &cancelled, "cancel").await.expect(200);
    let booked =
        [(Played::MARC, &tuesday), (Played::CLAIRE, &wednesday), (Played::LEA, &thursday), (Played::MARC, &friday)];
    let mut before = Vec::new();
    for (who, id) in booked {
        before.push(play.consultation(who, id).await);
    }
    play.empty_mailboxes();
    let conflict =
        |id: &str, start: &str, end: &str| json!([{ "consultationId": id, "scheduledAt": start, "endsAt": end }]);

    // Leave of a whole day.
    let leave = json!({ "startsAt": "2027-01-05T00:00:00Z", "endsAt": "2027-01-06T00:00:00Z", "kind": "LEAVE" });
    let leave = play.post(Played::SOPHIE, "/availability/exception", leave).await;
    let expected = conflict(&tuesday, "2027-01-05T09:00:00Z", "2027-01-05T09:50:00Z");
    assert_eq!(leave.expect(201)["conflicts"], expected);
    leave.must_not_tell("Marc");
    // A rule that begins later.
    let rule = format!("/availability/{}", play.sophie_rules.get(2).unwrap());
    let later = play.patch(Played::SOPHIE, &rule, json!({ "startTime": "09:30" })).await;
    let expected = conflict(&wednesday, "2027-01-06T09:00:00Z", "2027-01-06T09:50:00Z");
    assert_eq!(later.expect(200)["conflicts"], expected);
    // A new rule that comes before another.
    let sooner = play.post(Played::SOPHIE, "/availability", weekly_rule(4, "08:30", "09:20")).await;
    let expected = conflict(&thursday, "2027-01-07T08:00:00Z", "2027-01-07T08:50:00Z");
    assert_eq!(sooner.expect(201)["conflicts"], expected);
    // Extra hours that do.
    let extra = json!({ "startsAt": "2027-01-08T12:30:00Z", "endsAt": "2027-01-08T13:20:00Z", "kind": "EXTRA" });
    let extra = play.post(Played::SOPHIE, "/availability/exception", extra).await;
    let expected = conflict(&friday, "2027-01-08T13:00:00Z", "2027-01-08T13:50:00Z");
    assert_eq!(extra.expect(201)["conflicts"], expected);
    // What has no slot any more does not lose it again.
    let narrower = play.patch(Played::SOPHIE, &rule, json!({ "types": ["CHAT"] })).await;
    assert_eq!(narrower.expect(200)["conflicts"], json!([]));
    assert_eq!(play.delete(Played::SOPHIE, &rule).await.status, 204);

    for ((who, id), before) in booked.iter().zip(&before) {
        assert_eq!(&play.consultation(who, id).await, before);
        assert!(play.letters_to(who).is_empty(), "nothing happened to {who}");
    }
    // They can be held as if nothing had changed.
    play.conduct(&tuesday, "confirm").await;
    assert_eq!(play.slots_on(Played::LEA, &play.sophie, "2027-01-05").await.starts(), []);
}
