//! Employees: HR lists, invites and ends; nothing that HR sees beside a name tells of use.
use huntzen_tests::{
    api::{NOBODY, PASSWORD, Played},
    api_suite,
};
use serde_json::{Value, json};

api_suite! {
    hr_lists_a_person_once_and_invites_them,
    employees_are_found_without_accents_and_by_page,
    nothing_beside_a_name_tells_of_use,
    hr_and_the_person_change_different_things,
    ended_eligibility_closes_booking_and_nothing_else,
    resending_and_withdrawing_say_nothing_of_who_had_accepted,
}

const UNKNOWN: &str = "0190b6c0-0000-7000-8000-000000000000";
const FIELDS: [&str; 9] =
    ["createdAt", "department", "email", "firstName", "id", "lastName", "phone", "position", "status"];

fn person(address: &str, first_name: &str, last_name: &str, department: &str) -> Value {
    json!({ "email": address, "firstName": first_name, "lastName": last_name, "department": department })
}

async fn hr_lists_a_person_once_and_invites_them(play: &Played) {
    let ines = json!({
        "email": " Ines.Roy@Alpha.example", "firstName": " Inès ", "lastName": "Roy", "department": "Ventes",
        "position": "Cheffe",
    });
    let made = play.post(Played::HR, "/employees", ines.clone()).await;
    made.expect(201);
    let id = made.text_at("/id");
    assert_eq!(made.header("location"), Some(format!("/employees/{id}").as_str()));
    let wanted = json!({
        "id": id, "email": "ines.roy@alpha.example", "firstName": "Inès", "lastName": "Roy", "phone": null,
        "department": "Ventes", "position": "Cheffe", "status": "ELIGIBLE", "createdAt": "2027-01-04T08:00:00Z",
    });
    assert_eq!(made.json, wanted);
    let letters = play.letters_to("ines.roy@alpha.example");
    assert_eq!(letters.iter().map(|letter| letter.subject.as_str()).collect::<Vec<_>>(), ["Votre invitation"]);

    play.set_clock("2027-01-04T08:05:00Z");
    let again = play.post(Played::HR, "/employees", person("INES.ROY@alpha.example", "Autre", "Nom", "Autre")).await;
    again.must_look_like(&made);
    assert_eq!(play.letters_to("ines.roy@alpha.example").len(), 1, "a second letter went out");
    play.empty_mailboxes();
    let active = play.post(Played::HR, "/employees", person(Played::MARC, "Autre", "Nom", "Autre")).await;
    assert_eq!(active.expect(201)["id"], play.marc.as_str());
    assert_eq!(active.json["firstName"], "Marc");
    assert!(play.letters_to(Played::MARC).is_empty());

    // The address of HR itself is of the domain, but no employee's.
    play.post(Played::HR, "/employees", person(Played::HR, "Hélène", "R", "RH")).await.refused(409, "email_taken");
    for (field, value, code) in [
        ("email", json!(Played::LEA), "domain_not_allowed"),
        ("email", json!("eve@sub.alpha.example"), "domain_not_allowed"),
        ("email", json!("eve@gmail.com"), "domain_not_allowed"),
        ("email", json!("alpha.example"), "invalid_email"),
        ("firstName", json!("Ève\nCliquez ici"), "invalid_characters"),
        ("firstName", json!(""), "required"),
        ("lastName", json!("n".repeat(101)), "too_long"),
        ("department", json!("d".repeat(121)), "too_long"),
        ("position", json!("a\u{0007}b"), "invalid_characters"),
        ("phone", json!("+33 6"), "unknown_field"),
        ("role", json!("ADMIN_RH"), "unknown_field"),
        ("companyId", json!(play.beta), "unknown_field"),
        ("password", json!(PASSWORD), "unknown_field"),
        ("status", json!("ENDED"), "unknown_field"),
    ] {
        let mut body = person("eve@alpha.example", "Ève", "Roy", "Ventes");
        body[field] = value;
        play.post(Played::HR, "/employees", body).await.invalid(field, code);
    }
    let nameless = play.post(Played::HR, "/employees", json!({ "email": "eve@alpha.example" })).await;
    nameless.invalid("firstName", "required");
    for who in [Played::OPERATOR, Played::ADMIN, Played::SOPHIE, Played::MARC] {
        play.post(who, "/employees", json!({})).await.refused(403, "forbidden");
    }
    play.post(NOBODY, "/employees", ines).await.refused(401, "unauthenticated");
    assert_eq!(play.get(Played::HR, "/employees").await.expect(200)["total"], 3, "a refusal listed somebody");
}

async fn employees_are_found_without_accents_and_by_page(play: &Played) {
    for (address, first_name, last_name, department) in [
        ("zoe@alpha.example", "Zoé", "Été", "Ventes"),
        ("eric@alpha.example", "Éric", "Noël", "Ventes"),
        ("anna@alpha.example", "Anna", "Zola", "Achats"),
    ] {
        play.post(Played::HR, "/employees", person(address, first_name, last_name, department)).await.expect(201);
    }
    let zoe = play.get(Played::HR, "/employees?q=zoe").await.text_at("/items/0/id");
    play.post(Played::HR, &format!("/employees/{zoe}/deactivate"), Value::Null).await.expect(200);
    for (query, addresses) in [
        ("q=ete", vec!["zoe@alpha.example"]),
        ("q=%C3%A9RIC", vec!["eric@alpha.example"]),
        ("q=marc.dupont%40alpha", vec![Played::MARC]),
        ("q=Marc+Dupont", vec![Played::MARC]),
        ("q=lea", vec![]),
        ("q=%25", vec![]),
        ("q=_", vec![]),
        ("q=+&department=Achats", vec!["anna@alpha.example"]),
        ("department=Achats", vec!["anna@alpha.example"]),
        ("department=Acha", vec![]),
        ("status=ended", vec!["zoe@alpha.example"]),
        ("department=Ventes&status=ELIGIBLE", vec!["eric@alpha.example"]),
        ("page=4", vec![]),
    ] {
        let found = play.get(Played::HR, &format!("/employees?{query}")).await;
        found.expect(200);
        assert_eq!(found.each("email"), addresses, "{query}");
    }
    let all = play.get(Played::HR, "/employees").await;
    let mut names: Vec<String> = all.each("lastName").iter().map(Value::to_string).collect();
    names.sort();
    assert_eq!(names, ["\"Dupont\"", "\"Laurent\"", "\"Noël\"", "\"Zola\"", "\"Été\""]);
    let page = play.get(Played::HR, "/employees?perPage=2&page=2").await;
    assert_eq!([&page.json["page"], &page.json["perPage"], &page.json["total"]], [2, 2, 5]);
    assert_eq!(page.each("id"), all.each("id")[2..4], "pages cut one and the same order");
    let last = play.get(Played::HR, "/employees?perPage=2&page=3").await;
    assert_eq!(last.each("id"), all.each("id")[4..]);
    assert_eq!(play.get(Played::OTHER_HR, "/employees").await.each("id"), [play.lea.as_str()]);

    for (query, field, code) in [
        ("page=0", "page", "out_of_range"),
        ("perPage=101", "perPage", "out_of_range"),
        ("status=GONE", "status", "unknown_value"),
        ("isActive=true", "isActive", "unknown_parameter"),
        ("sort=lastLoginAt", "sort", "unknown_parameter"),
        ("q=a&q=b", "q", "repeated"),
    ] {
        play.get(Played::HR, &format!("/employees?{query}")).await.invalid(field, code);
    }
    play.get(Played::HR, &format!("/employees?q={}", "q".repeat(201))).await.invalid("q", "too_long");
    for who in [Played::OPERATOR, Played::ADMIN, Played::SOPHIE, Played::MARC] {
        play.get(who, "/employees").await.refused(403, "forbidden");
    }
}

async fn nothing_beside_a_name_tells_of_use(play: &Played) {
    let invited =
        play.post(Played::HR, "/employees", person("ines@alpha.example", "Inès", "Roy", "Développement")).await;
    let ines = invited.text_at("/id");
    play.patch(Played::MARC, "/employees/me", json!({ "phone": "+33 6 12" })).await.expect(200);
    play.held(Played::MARC, "2027-01-05T08:00:00Z", "2027-01-05T08:50:00Z").await;
    let cancelled = play.booked(Played::MARC, "2027-01-06T08:00:00Z").await;
    let cancel = format!("/consultations/{cancelled}/cancel");
    play.post(Played::MARC, &cancel, json!({ "reason": "Empêché" })).await.expect(200);

    let blanked = |mut entry: Value| {
        for field in ["id", "email", "firstName", "lastName", "createdAt"] {
            entry[field] = Value::Null;
        }
        entry
    };
    let answers = async |id: &str| {
        let path = format!("/employees/{id}");
        let mut seen = Vec::new();
        for answer in [
            play.get(Played::HR, &path).await,
            play.patch(Played::HR, &path, json!({ "position": "Testeur" })).await,
            play.put(Played::HR, &path, json!({ "position": null })).await,
            play.post(Played::HR, &format!("{path}/deactivate"), Value::Null).await,
            play.post(Played::HR, &format!("{path}/activate"), Value::Null).await,
        ] {
            answer.expect(200);
            assert_eq!(answer.fields_at(""), FIELDS, "{}", answer.asked);
            answer.must_not_tell("+33 6 12");
            seen.push(blanked(answer.json));
        }
        seen
    };
    assert_eq!(answers(&play.marc).await, answers(&ines).await, "use shows");

    let list = play.get(Played::HR, "/employees").await;
    list.must_not_tell("+33 6 12");
    let entries: Vec<Value> = list.json["items"].as_array().unwrap().iter().cloned().map(blanked).collect();
    assert_eq!(entries.len(), 3);
    assert!(entries.iter().all(|entry| *entry == entries[0]), "{}", list.text());
    assert_eq!(list.fields_at("/items/0"), FIELDS);
    for address in [Played::MARC, "ines@alpha.example"] {
        let again = play.post(Played::HR, "/employees", person(address, "Inès", "Roy", "Développement")).await;
        assert_eq!(again.expect(201)["status"], "ELIGIBLE");
        assert_eq!(again.fields_at(""), FIELDS);
        again.must_not_tell("+33 6 12");
    }
}

async fn hr_and_the_person_change_different_things(play: &Played) {
    let (marc, lea) = (format!("/employees/{}", play.marc), format!("/employees/{}", play.lea));
    let placed = json!({ "department": "Ventes", "position": "Chef", "firstName": "Marco", "lastName": "Dupond" });
    let changed = play.patch(Played::HR, &marc, placed.clone()).await;
    changed.expect(200);
    for (field, value) in placed.as_object().unwrap() {
        assert_eq!(changed.json[field], *value);
    }
    assert_eq!(play.get(Played::MARC, "/auth/me").await.expect(200)["firstName"], "Marco");
    let cleared = play.put(Played::HR, &marc, json!({ "department": null })).await;
    assert_eq!([&cleared.expect(200)["department"], &cleared.json["position"]], [&Value::Null, &json!("Chef")]);
    for (field, value, code) in [
        ("email", json!("rh+marc@alpha.example"), "unknown_field"),
        ("password", json!(PASSWORD), "unknown_field"),
        ("status", json!("ENDED"), "unknown_field"),
        ("userId", json!(UNKNOWN), "unknown_field"),
        ("phone", json!("+33 7"), "not_allowed"),
        ("firstName", json!(""), "required"),
        ("lastName", json!(null), "wrong_type"),
    ] {
        for path in [&marc, &lea] {
            let tried = play.patch(Played::HR, path, json!({ "position": "Autre", field: value })).await;
            tried.invalid(field, code);
        }
    }

    let own = play.get(Played::MARC, "/employees/me").await;
    assert_eq!([&own.expect(200)["position"], &own.json["email"]], ["Chef", Played::MARC]);
    let phoned = play.put(Played::MARC, "/employees/me", json!({ "phone": " +33 6 12 ", "lastName": "Dupont" })).await;
    assert_eq!([&phoned.expect(200)["phone"], &phoned.json["lastName"]], ["+33 6 12", "Dupont"]);
    assert_eq!(play.get(Played::MARC, &marc).await.expect(200)["phone"], "+33 6 12");
    assert_eq!(play.get(Played::HR, &marc).await.expect(200)["phone"], Value::Null);
    for (path, field) in [("/employees/me", "department"), (marc.as_str(), "position")] {
        play.patch(Played::MARC, path, json!({ field: "RH" })).await.invalid(field, "not_allowed");
    }
    play.patch(Played::MARC, "/employees/me", json!({ "email": "x@y.example" }))
        .await
        .invalid("email", "unknown_field");
    let silent = play.patch(Played::MARC, &marc, json!({ "phone": null })).await;
    assert_eq!(silent.expect(200)["phone"], Value::Null);

    let unknown = play.get(Played::HR, &format!("/employees/{UNKNOWN}")).await;
    unknown.refused(404, "not_found");
    play.get(Played::HR, &lea).await.must_look_like(&unknown);
    play.get(Played::MARC, &format!("/employees/{}", play.claire)).await.must_look_like(&unknown);
    play.get(Played::HR, "/employees/marc").await.refused(404, "not_found");
    play.patch(Played::HR, &lea, json!({ "position": "Chef" })).await.refused(404, "not_found");
    let claire = format!("/employees/{}", play.claire);
    play.patch(Played::MARC, &claire, json!({ "firstName": "Clara" })).await.refused(404, "not_found");
    for who in [Played::OPERATOR, Played::ADMIN, Played::SOPHIE] {
        play.get(who, &marc).await.refused(403, "forbidden");
        play.patch(who, &marc, json!({ "email": "x" })).await.refused(403, "forbidden");
        play.get(who, "/employees/me").await.refused(403, "forbidden");
    }
    play.get(Played::HR, "/employees/me").await.refused(403, "forbidden");
    assert_eq!(play.get(Played::LEA, "/employees/me").await.expect(200)["position"], Value::Null);
}

async fn ended_eligibility_closes_booking_and_nothing_else(play: &Played) {
    let near = play.booked(Played::MARC, "2027-01-06T08:00:00Z").await;
    let far = play.booked(Played::MARC, "2027-03-02T08:00:00Z").await;
    let claires = play.booked(Played::CLAIRE, "2027-03-02T09:00:00Z").await;
    let (end, restore) = (format!("/employees/{}/deactivate", play.marc), format!("/employees/{}/activate", play.marc));
    let ended = play.post(Played::HR, &end, Value::Null).await;
    assert_eq!(ended.expect(200)["status"], "ENDED");
    assert_eq!(*play.put(Played::HR, &end, Value::Null).await.expect(200), ended.json);

    play.forget_tokens();
    play.sign_in(Played::MARC).await.expect(200);
    assert_eq!(play.get(Played::MARC, "/employees/me").await.expect(200)["status"], "ENDED");
    play.book(Played::MARC, "2027-01-07T08:00:00Z").await.refused(409, "not_eligible");
    assert_eq!(play.services.jobs.cancel_ineligible(100).unwrap(), 1);
    for (who, id, status) in
        [(Played::MARC, &near, "SCHEDULED"), (Played::MARC, &far, "CANCELLED"), (Played::CLAIRE, &claires, "SCHEDULED")]
    {
        let consultation = play.get(who, &format!("/consultations/{id}")).await;
        assert_eq!(consultation.expect(200)["status"], status);
        assert_eq!([&consultation.json["cancelledBy"], &consultation.json["cancelReason"]], [&Value::Null; 2]);
    }
    for transition in ["confirm", "cancel"] {
        play.conduct(&near, transition).await;
    }

    assert_eq!(play.put(Played::HR, &restore, Value::Null).await.expect(200)["status"], "ELIGIBLE");
    play.post(Played::HR, &restore, Value::Null).await.expect(200);
    play.booked(Played::MARC, "2027-01-07T08:00:00Z").await;
    for transition in ["activate", "deactivate"] {
        let unknown = play.post(Played::HR, &format!("/employees/{UNKNOWN}/{transition}"), Value::Null).await;
        unknown.refused(404, "not_found");
        let elsewhere = play.post(Played::HR, &format!("/employees/{}/{transition}", play.lea), Value::Null).await;
        elsewhere.must_look_like(&unknown);
        for who in [Played::OPERATOR, Played::ADMIN, Played::SOPHIE, Played::MARC] {
            let own = format!("/employees/{}/{transition}", play.marc);
            play.post(who, &own, Value::Null).await.refused(403, "forbidden");
        }
    }
    play.booked(Played::LEA, "2027-01-08T08:00:00Z").await;
}

async fn resending_and_withdrawing_say_nothing_of_who_had_accepted(play: &Played) {
    let invited = play.post(Played::HR, "/employees", person("ines@alpha.example", "Inès", "Roy", "Ventes")).await;
    let ines = invited.text_at("/id");
    let elsewhere = person("zoe@beta.example", "Zoé", "Bêta", "Ventes");
    let zoe = play.post(Played::OTHER_HR, "/employees", elsewhere).await.text_at("/id");
    let first = play.token_from_letter("ines@alpha.example");
    play.empty_mailboxes();

    let resent = play.post(Played::HR, &format!("/employees/{ines}/resend-invitation"), Value::Null).await;
    resent.expect(202);
    assert_eq!(resent.text(), "");
    for id in [play.marc.as_str(), zoe.as_str(), UNKNOWN] {
        let other = play.post(Played::HR, &format!("/employees/{id}/resend-invitation"), Value::Null).await;
        other.must_look_like(&resent);
    }
    assert_eq!(play.letters_to("ines@alpha.example").len(), 1);
    play.post(Played::HR, "/employees/resend-invitations", Value::Null).await.must_look_like(&resent);
    assert_eq!(play.letters_to("ines@alpha.example").len(), 2);
    for address in [Played::MARC, Played::CLAIRE, "zoe@beta.example"] {
        assert!(play.letters_to(address).is_empty(), "{address}");
    }
    let latest = play.token_from_letter("ines@alpha.example");
    let accept =
        |token: &str| play.post(NOBODY, "/employees/activate", json!({ "token": token, "password": PASSWORD }));
    accept(&first).await.refused(404, "not_found");

    let withdrawn = play.delete(Played::HR, &format!("/employees/{ines}/invitation")).await;
    withdrawn.expect(202);
    assert_eq!(withdrawn.text(), "");
    for id in [ines.as_str(), play.marc.as_str(), zoe.as_str(), UNKNOWN] {
        play.delete(Played::HR, &format!("/employees/{id}/invitation")).await.must_look_like(&withdrawn);
    }
    accept(&latest).await.refused(404, "not_found");
    assert_eq!(play.get(Played::HR, &format!("/employees/{ines}")).await.expect(200)["status"], "ELIGIBLE");
    play.sign_in(Played::MARC).await.expect(200);
    // What another company's HR has sent still holds.
    play.post(Played::OTHER_HR, &format!("/employees/{zoe}/resend-invitation"), Value::Null).await.expect(202);
    play.accept("zoe@beta.example").await;

    play.delete(Played::HR, "/employees/ines/invitation").await.refused(404, "not_found");
    for who in [Played::OPERATOR, Played::ADMIN, Played::SOPHIE, Played::MARC] {
        play.delete(who, &format!("/employees/{ines}/invitation")).await.refused(403, "forbidden");
        play.post(who, "/employees/resend-invitations", Value::Null).await.refused(403, "forbidden");
        let letter_again = format!("/employees/{ines}/resend-invitation");
        play.post(who, &letter_again, Value::Null).await.refused(403, "forbidden");
    }
}
