//! Practitioners: invited, validated and suspended by administrators, described by themselves.
use huntzen_tests::{
    api::{ApiWorld, NOBODY, PASSWORD, Played, consultation_at},
    api_suite,
};
use serde_json::{Value, json};

api_suite! {
    an_invited_practitioner_waits_for_validation,
    who_cannot_be_invited_is_refused_by_field,
    a_suspended_practitioner_finishes_what_is_booked_and_takes_nothing_new,
    practitioners_describe_themselves_and_nothing_more,
}

const UNKNOWN: &str = "0190b6c0-0000-7000-8000-000000000000";

fn omar() -> Value {
    json!({
        "email": "omar@huntzen.example", "firstName": "Omar", "lastName": "Aziz", "profession": "COACH",
        "specialties": ["Carrière"], "languages": ["fr"],
    })
}

async fn total(play: &ApiWorld, path: &str) -> Value {
    play.get(Played::ADMIN, path).await.expect(200)["total"].clone()
}

async fn an_invited_practitioner_waits_for_validation(play: &Played) {
    let invited = play
        .post(
            Played::ADMIN,
            "/practitioners",
            json!({
                "email": "Omar@Huntzen.example", "firstName": " Omar ", "lastName": "Aziz", "profession": "coach",
                "title": "M.", "registrationNumber": " 75-1 ", "specialties": ["Carrière", "Carrière ", "Stress"],
                "languages": ["FR", "ar-ma"], "timezone": "europe/brussels",
            }),
        )
        .await;
    invited.expect(201);
    let (id, user) = (invited.text_at("/id"), invited.text_at("/userId"));
    assert_eq!(invited.header("location"), Some(format!("/practitioners/{id}").as_str()));
    let mut wanted = json!({
        "id": id, "userId": user, "firstName": "Omar", "lastName": "Aziz", "title": "M.", "profession": "COACH",
        "registrationNumber": "75-1", "specialties": ["Carrière", "Stress"], "languages": ["fr", "ar-MA"],
        "bio": null, "yearsOfExperience": null, "offersVideo": true, "offersAudio": true, "offersPhone": true,
        "offersChat": true, "acceptingNewClients": true, "timezone": "Europe/Brussels", "isValidated": false,
        "validatedAt": null, "suspendedAt": null, "documentsVerified": false, "avgRating": null,
        "reviewCount": 0, "avatarUrl": null,
    });
    assert_eq!(invited.json, wanted);

    let pending = play.get(Played::ADMIN, "/practitioners/pending").await;
    assert_eq!(*pending.expect(200), json!({ "items": [wanted], "page": 1, "perPage": 20, "total": 1 }));
    let unknown = play.get(NOBODY, &format!("/practitioners/{UNKNOWN}")).await;
    unknown.refused(404, "not_found");
    let public = format!("/practitioners/{id}");
    play.get(NOBODY, &public).await.must_look_like(&unknown);
    let slot = consultation_at(&id, "2027-01-05T08:00:00Z");
    play.post(Played::MARC, "/consultations", slot).await.refused(409, "practitioner_unavailable");
    play.accept("omar@huntzen.example").await;
    assert_eq!(*play.get("omar@huntzen.example", "/practitioners/me").await.expect(200), wanted);

    play.set_clock("2027-01-04T08:05:00Z");
    let validate = format!("/practitioners/{id}/validate");
    for (body, field, code) in [
        (json!({}), "documentsVerified", "required"),
        (json!({ "documentsVerified": "yes" }), "documentsVerified", "wrong_type"),
        (json!({ "documentsVerified": true, "isValidated": false }), "isValidated", "unknown_field"),
    ] {
        play.post(Played::ADMIN, &validate, body).await.invalid(field, code);
    }
    wanted["isValidated"] = json!(true);
    wanted["validatedAt"] = json!("2027-01-04T08:05:00Z");
    let validated = play.post(Played::ADMIN, &validate, json!({ "documentsVerified": false })).await;
    assert_eq!(*validated.expect(200), wanted);
    play.set_clock("2027-01-04T08:09:00Z");
    wanted["documentsVerified"] = json!(true);
    let again = play.put(Played::ADMIN, &validate, json!({ "documentsVerified": true })).await;
    assert_eq!(*again.expect(200), wanted);
    play.get(NOBODY, &public).await.expect(200);

    assert_eq!(total(play, "/practitioners/pending").await, 0);
    let all = play.get(Played::ADMIN, "/practitioners").await;
    assert_eq!(all.each("lastName"), ["Aziz", "Bernard", "Martin"]);
    let second = play.get(Played::ADMIN, "/practitioners?page=2&perPage=2").await;
    assert_eq!(second.each("id"), [play.sophie.as_str()]);
    assert_eq!([&second.json["page"], &second.json["perPage"], &second.json["total"]], [2, 2, 3]);
    for (query, field, code) in [
        ("perPage=101", "perPage", "out_of_range"),
        ("page=0", "page", "out_of_range"),
        ("q=a", "q", "unknown_parameter"),
    ] {
        for list in ["/practitioners", "/practitioners/pending"] {
            play.get(Played::ADMIN, &format!("{list}?{query}")).await.invalid(field, code);
        }
    }
}

async fn who_cannot_be_invited_is_refused_by_field(play: &Played) {
    for (field, value, code) in [
        ("email", json!("omar"), "invalid_email"),
        ("firstName", json!(" "), "required"),
        ("lastName", json!("n".repeat(101)), "too_long"),
        ("profession", json!("WIZARD"), "unknown_value"),
        ("languages", json!(["fr", "klingon!"]), "invalid_language"),
        ("languages", json!("fr"), "wrong_type"),
        ("specialties", json!(vec!["Stress"; 21]), "too_many"),
        ("specialties", json!([" "]), "required"),
        ("timezone", json!("Europe/Atlantis"), "unknown_timezone"),
        ("registrationNumber", json!("7".repeat(41)), "too_long"),
        ("isValidated", json!(true), "unknown_field"),
        ("companyId", json!(play.alpha), "unknown_field"),
        ("lastName", json!("Roy\rBcc"), "invalid_characters"),
    ] {
        let mut body = omar();
        body[field] = value;
        play.post(Played::ADMIN, "/practitioners", body).await.invalid(field, code);
    }
    for field in ["email", "firstName", "lastName", "profession", "specialties", "languages"] {
        let mut body = omar();
        body.as_object_mut().unwrap().remove(field);
        play.post(Played::ADMIN, "/practitioners", body).await.invalid(field, "required");
    }
    for address in [Played::SOPHIE, Played::MARC, "MARC.DUPONT@alpha.example"] {
        let mut body = omar();
        body["email"] = json!(address);
        play.post(Played::ADMIN, "/practitioners", body).await.refused(409, "email_taken");
    }
    assert_eq!(total(play, "/practitioners").await, 2, "a refusal invited somebody");
    for who in [Played::OPERATOR, Played::HR, Played::SOPHIE, Played::MARC] {
        play.post(who, "/practitioners", json!({})).await.refused(403, "forbidden");
        for list in ["/practitioners", "/practitioners/pending"] {
            play.get(who, list).await.refused(403, "forbidden");
        }
        for transition in ["validate", "suspend"] {
            let path = format!("/practitioners/{UNKNOWN}/{transition}");
            play.post(who, &path, Value::Null).await.refused(403, "forbidden");
        }
    }
    let verified = json!({ "documentsVerified": true });
    for id in [UNKNOWN, "sophie"] {
        let validate = format!("/practitioners/{id}/validate");
        play.post(Played::ADMIN, &validate, verified.clone()).await.refused(404, "not_found");
        play.post(Played::ADMIN, &format!("/practitioners/{id}/suspend"), Value::Null).await.refused(404, "not_found");
    }
}

async fn a_suspended_practitioner_finishes_what_is_booked_and_takes_nothing_new(play: &Played) {
    let kept = play.booked(Played::MARC, "2027-01-05T08:00:00Z").await;
    let dropped = play.booked(Played::CLAIRE, "2027-01-05T09:00:00Z").await;
    let suspend = format!("/practitioners/{}/suspend", play.sophie);
    let suspended = play.put(Played::ADMIN, &suspend, Value::Null).await;
    assert_eq!(suspended.expect(200)["suspendedAt"], "2027-01-04T08:00:00Z");
    assert_eq!(suspended.json["isValidated"], true);
    play.set_clock("2027-01-04T08:05:00Z");
    assert_eq!(*play.post(Played::ADMIN, &suspend, Value::Null).await.expect(200), suspended.json);
    assert_eq!(total(play, "/practitioners/pending").await, 0);
    assert_eq!(total(play, "/practitioners").await, 2);

    let unknown = play.get(NOBODY, &format!("/practitioners/{UNKNOWN}")).await;
    play.get(NOBODY, &format!("/practitioners/{}", play.sophie)).await.must_look_like(&unknown);
    assert_eq!(play.get(NOBODY, "/practitioners/search").await.each("id"), [play.paul.as_str()]);
    let earliest = play.get(Played::MARC, "/availability/earliest").await;
    assert_eq!(earliest.each("practitionerId"), [play.paul.as_str()]);
    play.book(Played::MARC, "2027-01-06T08:00:00Z").await.refused(409, "practitioner_unavailable");
    let moved = json!({ "scheduledAt": "2027-01-06T08:00:00Z" });
    let reschedule = format!("/consultations/{kept}/reschedule");
    play.post(Played::MARC, &reschedule, moved).await.refused(409, "practitioner_unavailable");

    play.forget_tokens();
    play.sign_in(Played::SOPHIE).await.expect(200);
    let me = play.get(Played::SOPHIE, "/practitioners/me").await;
    assert_eq!(me.expect(200)["suspendedAt"], "2027-01-04T08:00:00Z");
    play.conduct(&dropped, "cancel").await;
    play.conduct(&kept, "confirm").await;
    play.set_clock("2027-01-05T08:00:00Z");
    play.conduct(&kept, "start").await;
    play.set_clock("2027-01-05T08:50:00Z");
    play.conduct(&kept, "end").await;

    let validate = format!("/practitioners/{}/validate", play.sophie);
    let lifted = play.post(Played::ADMIN, &validate, json!({ "documentsVerified": true })).await;
    assert_eq!(lifted.expect(200)["suspendedAt"], Value::Null);
    assert_eq!(lifted.json["validatedAt"], "2027-01-04T08:00:00Z", "the first validation stands");
    play.get(NOBODY, &format!("/practitioners/{}", play.sophie)).await.expect(200);
    play.booked(Played::MARC, "2027-01-06T08:00:00Z").await;
}

async fn practitioners_describe_themselves_and_nothing_more(play: &Played) {
    let mut wanted = play.get(Played::SOPHIE, "/practitioners/me").await.expect(200).clone();
    let described = json!({
        "firstName": "Sofia", "lastName": "Martín", "title": "Pr.", "bio": "Vingt ans\nde pratique.",
        "specialties": ["Deuil"], "languages": ["es", "FR-ca"], "yearsOfExperience": 20, "offersVideo": false,
        "offersAudio": false, "offersPhone": false, "offersChat": false, "acceptingNewClients": false,
        "timezone": "Europe/Madrid",
    });
    for (field, value) in described.as_object().unwrap() {
        wanted[field] = value.clone();
    }
    wanted["languages"] = json!(["es", "fr-CA"]);
    assert_eq!(*play.patch(Played::SOPHIE, "/practitioners/me", described).await.expect(200), wanted);
    assert_eq!(play.get(Played::SOPHIE, "/auth/me").await.expect(200)["firstName"], "Sofia");
    for field in ["title", "bio", "yearsOfExperience"] {
        wanted[field] = Value::Null;
        let cleared = play.put(Played::SOPHIE, "/practitioners/me", json!({ field: null })).await;
        assert_eq!(*cleared.expect(200), wanted, "{field}");
    }
    for (field, value, code) in [
        ("email", json!("sofia@huntzen.example"), "unknown_field"),
        ("password", json!(PASSWORD), "unknown_field"),
        ("registrationNumber", json!("1"), "unknown_field"),
        ("profession", json!("PHYSICIAN"), "unknown_field"),
        ("isValidated", json!(true), "unknown_field"),
        ("documentsVerified", json!(true), "unknown_field"),
        ("avgRating", json!(5), "unknown_field"),
        ("firstName", json!(null), "wrong_type"),
        ("offersVideo", json!(null), "wrong_type"),
        ("specialties", json!(null), "wrong_type"),
        ("lastName", json!("  "), "required"),
        ("bio", json!("b".repeat(4001)), "too_long"),
        ("yearsOfExperience", json!(81), "out_of_range"),
        ("languages", json!(["f"]), "invalid_language"),
        ("timezone", json!("Mars/Olympus"), "unknown_timezone"),
    ] {
        let tried = play.patch(Played::SOPHIE, "/practitioners/me", json!({ "offersChat": true, field: value })).await;
        tried.invalid(field, code);
    }
    assert_eq!(*play.get(Played::SOPHIE, "/practitioners/me").await.expect(200), wanted);
    assert_eq!(play.get(Played::PAUL, "/practitioners/me").await.expect(200)["lastName"], "Bernard");
    for who in [Played::OPERATOR, Played::ADMIN, Played::HR, Played::MARC] {
        play.get(who, "/practitioners/me").await.refused(403, "forbidden");
        play.patch(who, "/practitioners/me", json!({ "email": 1 })).await.refused(403, "forbidden");
    }
    play.get(NOBODY, "/practitioners/me").await.refused(401, "unauthenticated");
}
