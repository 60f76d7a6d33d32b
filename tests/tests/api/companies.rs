//! Companies: made by administrators, reached by their own HR, validated and suspended.
use huntzen_tests::{
    api::{ApiWorld, NOBODY, Played},
    api_suite,
    cast::siret,
};
use serde_json::{Value, json};

api_suite! {
    a_new_company_starts_inactive_with_a_slug_of_its_own,
    what_no_company_can_be_is_refused_by_field,
    companies_are_listed_by_name_and_found_by_a_part_of_it,
    hr_changes_how_its_own_company_is_reached_and_nothing_else,
    validation_opens_a_company_and_suspension_closes_it,
    hr_colleagues_are_invited_by_administrators_and_by_their_own_hr,
}

const UNKNOWN: &str = "0190b6c0-0000-7000-8000-000000000000";

async fn account(play: &ApiWorld, who: &str) -> String {
    play.get(who, "/auth/me").await.text_at("/id")
}

async fn a_new_company_starts_inactive_with_a_slug_of_its_own(play: &Played) {
    let number = siret(11);
    let spaced = format!("{} {} {} {}", &number[..3], &number[3..6], &number[6..9], &number[9..]);
    let made = play
        .post(
            Played::ADMIN,
            "/companies",
            json!({
                "name": "  Éditions d'Été & Cie ", "legalName": "Éditions d'Été SARL", "siret": spaced,
                "emailDomains": ["Ete.example", "editions.example"], "sector": "Édition", "size": 42,
                "timezone": "europe/lisbon", "contactName": "Inès", "contactEmail": "Ines@Ete.example",
                "phone": "+33 1 23 45 67 89", "address": "1, rue du Four\n75006 Paris",
            }),
        )
        .await;
    made.expect(201);
    let id = made.text_at("/id");
    assert_eq!(made.header("location"), Some(format!("/companies/{id}").as_str()));
    let wanted = json!({
        "id": id, "name": "Éditions d'Été & Cie", "legalName": "Éditions d'Été SARL", "siret": number,
        "emailDomains": ["editions.example", "ete.example"], "sector": "Édition", "size": 42,
        "timezone": "Europe/Lisbon", "slug": "editions-d-ete-cie", "contactName": "Inès",
        "contactEmail": "ines@ete.example", "phone": "+33 1 23 45 67 89",
        "address": "1, rue du Four\n75006 Paris", "isActive": false, "validatedAt": null, "validatedBy": null,
        "hrReporting": "AGGREGATED", "hrReportingNext": null, "createdAt": "2027-01-04T08:00:00Z",
    });
    assert_eq!(made.json, wanted);
    assert_eq!(*play.get(Played::ADMIN, &format!("/companies/{id}")).await.expect(200), wanted);

    let least = json!({ "name": "Éditions d'été, cie", "siret": siret(12), "emailDomains": ["other.example"] });
    let namesake = play.post(Played::ADMIN, "/companies", least).await;
    namesake.expect(201);
    assert_eq!(namesake.json["slug"], "editions-d-ete-cie-2");
    assert_eq!(namesake.json["legalName"], "Éditions d'été, cie");
    assert_eq!(namesake.json["timezone"], "Europe/Paris");
    for field in ["sector", "size", "contactName", "contactEmail", "phone", "address"] {
        assert_eq!(namesake.json[field], Value::Null, "{field}");
    }
}

async fn what_no_company_can_be_is_refused_by_field(play: &Played) {
    let gamma = json!({ "name": "Gamma", "siret": siret(3), "emailDomains": ["gamma.example"] });
    let with = |field: &str, value: Value| {
        let mut body = gamma.clone();
        body[field] = value;
        play.post(Played::ADMIN, "/companies", body)
    };
    let wrong_check_digit: String = siret(3)[..13].to_owned() + if siret(3).ends_with('0') { "1" } else { "0" };
    for (field, value, code) in [
        ("emailDomains", json!(["gamma.example", "gmail.com"]), "public_mail_domain"),
        ("emailDomains", json!(["LaPoste.net"]), "public_mail_domain"),
        ("emailDomains", json!([]), "required"),
        ("emailDomains", json!(["gamma.example", "GAMMA.example"]), "repeated"),
        ("emailDomains", json!(["gamma"]), "invalid"),
        ("siret", json!(wrong_check_digit), "invalid"),
        ("siret", json!(&siret(3)[..13]), "invalid"),
        ("name", json!("  "), "required"),
        ("name", json!("n".repeat(121)), "too_long"),
        ("size", json!(0), "out_of_range"),
        ("size", json!("many"), "wrong_type"),
        ("timezone", json!("Europe/Atlantis"), "invalid"),
        ("contactEmail", json!("nobody"), "invalid_email"),
        ("isActive", json!(true), "unknown_field"),
        ("slug", json!("gamma"), "unknown_field"),
    ] {
        with(field, value).await.invalid(field, code);
    }
    let nameless = json!({ "siret": siret(3), "emailDomains": ["gamma.example"] });
    play.post(Played::ADMIN, "/companies", nameless).await.invalid("name", "required");
    play.post(Played::ADMIN, "/companies", Value::Null).await.refused(400, "body_required");

    with("emailDomains", json!(["gamma.example", "ALPHA.example"])).await.refused(409, "domain_taken");
    with("siret", json!(siret(1))).await.refused(409, "siret_taken");
    for who in [Played::OPERATOR, Played::HR, Played::SOPHIE, Played::MARC] {
        play.post(who, "/companies", json!({ "nothing": "valid" })).await.refused(403, "forbidden");
    }
    play.post(NOBODY, "/companies", gamma.clone()).await.refused(401, "unauthenticated");
    assert_eq!(play.get(Played::ADMIN, "/companies").await.expect(200)["total"], 2, "a refusal made a company");
    play.post(Played::ADMIN, "/companies", gamma.clone()).await.expect(201);

    let beta = format!("/companies/{}", play.beta);
    let before = play.get(Played::ADMIN, &beta).await.json;
    let change = |body: Value| play.patch(Played::ADMIN, &beta, body);
    change(json!({ "name": "Bis", "emailDomains": ["alpha.example"] })).await.refused(409, "domain_taken");
    change(json!({ "name": "Bis", "siret": siret(1) })).await.refused(409, "siret_taken");
    change(json!({ "emailDomains": ["yahoo.fr"] })).await.invalid("emailDomains", "public_mail_domain");
    change(json!({ "name": null })).await.invalid("name", "wrong_type");
    change(json!({ "isActive": false })).await.invalid("isActive", "unknown_field");
    assert_eq!(play.get(Played::ADMIN, &beta).await.json, before);
}

async fn companies_are_listed_by_name_and_found_by_a_part_of_it(play: &Played) {
    let zeta = json!({ "name": "Zêta", "siret": siret(3), "emailDomains": ["zeta.example"] });
    play.post(Played::ADMIN, "/companies", zeta).await.expect(201);
    for (query, names) in [
        ("", vec!["Alpha", "Bêta", "Zêta"]),
        ("?active=true", vec!["Alpha", "Bêta"]),
        ("?active=false", vec!["Zêta"]),
        ("?q=ETA", vec!["Bêta", "Zêta"]),
        ("?q=zet&active=true", vec![]),
        ("?q=%25", vec![]),
    ] {
        let found = play.get(Played::ADMIN, &format!("/companies{query}")).await;
        assert_eq!(found.expect(200)["total"], names.len(), "{query}");
        assert_eq!(found.each("name"), names, "{query}");
    }
    let second = play.get(Played::ADMIN, "/companies?page=2&perPage=2").await;
    assert_eq!(second.each("name"), ["Zêta"]);
    assert_eq!(second.fields_at(""), ["items", "page", "perPage", "total"]);
    assert_eq!([&second.json["page"], &second.json["perPage"], &second.json["total"]], [2, 2, 3]);
    let beyond = play.get(Played::ADMIN, "/companies?page=9").await;
    assert_eq!(*beyond.expect(200), json!({ "items": [], "page": 9, "perPage": 20, "total": 3 }));

    for (query, field, code) in [
        ("page=0", "page", "out_of_range"),
        ("perPage=101", "perPage", "out_of_range"),
        ("perPage=0", "perPage", "out_of_range"),
        ("name=Alpha", "name", "unknown_parameter"),
        ("page=1&page=2", "page", "repeated"),
    ] {
        play.get(Played::ADMIN, &format!("/companies?{query}")).await.invalid(field, code);
    }
    for query in ["page=one", "active=perhaps"] {
        play.get(Played::ADMIN, &format!("/companies?{query}")).await.refused(400, "validation_failed");
    }
    for who in [Played::OPERATOR, Played::HR, Played::SOPHIE, Played::MARC] {
        play.get(who, "/companies?page=0").await.refused(403, "forbidden");
    }
}

async fn hr_changes_how_its_own_company_is_reached_and_nothing_else(play: &Played) {
    let (alpha, beta) = (format!("/companies/{}", play.alpha), format!("/companies/{}", play.beta));
    let own = play.get(Played::HR, "/companies/me").await;
    assert_eq!(own.expect(200)["id"], play.alpha.as_str());
    assert_eq!(play.get(Played::HR, &alpha).await.json, own.json);

    let reached = json!({
        "contactName": "Hélène", "contactEmail": "helene@alpha.example", "phone": "+33 1", "address": "Paris",
        "timezone": "Europe/Lisbon",
    });
    let mut wanted = own.json.clone();
    for (field, value) in reached.as_object().unwrap() {
        wanted[field] = value.clone();
    }
    assert_eq!(*play.patch(Played::HR, &alpha, reached).await.expect(200), wanted);
    for field in ["contactName", "contactEmail", "phone", "address"] {
        wanted[field] = Value::Null;
        let cleared = play.put(Played::HR, &alpha, json!({ field: null })).await;
        assert_eq!(*cleared.expect(200), wanted, "{field}");
    }
    for (field, value) in [
        ("name", json!("Autre")),
        ("legalName", json!("Autre SAS")),
        ("siret", json!(siret(9))),
        ("emailDomains", json!(["autre.example"])),
        ("sector", json!(null)),
        ("size", json!(3)),
    ] {
        let tried = play.patch(Played::HR, &alpha, json!({ field: value, "phone": "+33 9" })).await;
        tried.invalid(field, "not_allowed");
    }
    assert_eq!(play.get(Played::HR, "/companies/me").await.json, wanted, "a refused change left a trace");

    let unknown = play.get(Played::HR, &format!("/companies/{UNKNOWN}")).await;
    unknown.refused(404, "not_found");
    play.get(Played::HR, &beta).await.must_look_like(&unknown);
    play.get(Played::HR, "/companies/beta").await.refused(404, "not_found");
    let phone = json!({ "phone": "+33 6" });
    play.patch(Played::HR, &beta, phone.clone()).await.refused(404, "not_found");
    play.patch(Played::ADMIN, &format!("/companies/{UNKNOWN}"), phone).await.refused(404, "not_found");
    for who in [Played::OPERATOR, Played::SOPHIE, Played::MARC] {
        play.get(who, &alpha).await.refused(403, "forbidden");
        play.get(who, "/companies/me").await.refused(403, "forbidden");
    }
    play.get(Played::ADMIN, "/companies/me").await.refused(403, "forbidden");
    play.delete(Played::ADMIN, &alpha).await.refused(405, "method_not_allowed");

    let all = json!({
        "name": "Alpha Deux", "legalName": "Alpha Deux SA", "siret": siret(9), "sector": "Jeux", "size": 7,
        "emailDomains": ["alpha.example", "alpha-deux.example"],
    });
    for (field, value) in all.as_object().unwrap() {
        wanted[field] = value.clone();
    }
    wanted["emailDomains"] = json!(["alpha-deux.example", "alpha.example"]);
    assert_eq!(*play.patch(Played::ADMIN, &alpha, all).await.expect(200), wanted, "the slug stays");
    assert_eq!(*play.patch(Played::ADMIN, &alpha, json!({})).await.expect(200), wanted);
}

async fn validation_opens_a_company_and_suspension_closes_it(play: &Played) {
    let body = json!({ "name": "Gamma", "siret": siret(3), "emailDomains": ["gamma.example"] });
    let gamma = format!("/companies/{}", play.post(Played::ADMIN, "/companies", body).await.text_at("/id"));
    let hr = json!({ "email": "rh@gamma.example", "firstName": "Rosa", "lastName": "Gamma" });
    play.post(Played::ADMIN, &format!("{gamma}/admins"), hr).await.expect(201);
    play.accept("rh@gamma.example").await;
    play.sign_in("rh@gamma.example").await.refused(401, "company_inactive");

    play.empty_mailboxes();
    let validated = play.put(Played::ADMIN, &format!("{gamma}/activate"), Value::Null).await;
    validated.expect(200);
    assert_eq!(validated.json["isActive"], true);
    assert_eq!(validated.json["validatedAt"], "2027-01-04T08:00:00Z");
    assert_eq!(validated.json["validatedBy"], account(play, Played::ADMIN).await);
    let letters = play.letters_to("rh@gamma.example");
    assert_eq!(letters.iter().map(|letter| letter.subject.as_str()).collect::<Vec<_>>(), ["Votre espace est ouvert"]);
    play.sign_in("rh@gamma.example").await.expect(200);

    play.set_clock("2027-01-04T08:30:00Z");
    for path in ["validate", "activate"] {
        let again = play.post(Played::ADMIN, &format!("{gamma}/{path}"), Value::Null).await;
        assert_eq!(*again.expect(200), validated.json);
    }
    play.empty_mailboxes();
    assert!(play.letters_to("rh@gamma.example").is_empty());

    let booked = play.booked(Played::MARC, "2027-01-05T08:00:00Z").await;
    let token = play.token_of(Played::HR).await;
    let suspend = format!("/companies/{}/suspend", play.alpha);
    let suspended = play.put(Played::ADMIN, &suspend, Value::Null).await;
    assert_eq!(suspended.expect(200)["isActive"], false);
    assert_eq!(*play.post(Played::ADMIN, &suspend, Value::Null).await.expect(200), suspended.json);
    play.get_with(&token, "/companies/me").await.refused(401, "session_ended");
    play.sign_in(Played::HR).await.refused(401, "company_inactive");
    play.sign_in(Played::MARC).await.expect(200);
    play.book(Played::MARC, "2027-01-06T08:00:00Z").await.refused(409, "not_eligible");
    let kept = play.get(Played::MARC, &format!("/consultations/{booked}")).await;
    assert_eq!(kept.expect(200)["status"], "SCHEDULED");
    play.booked(Played::LEA, "2027-01-06T08:00:00Z").await;

    let reopened = play.post(Played::ADMIN, &format!("/companies/{}/validate", play.alpha), Value::Null).await;
    assert_eq!(reopened.expect(200)["isActive"], true);
    play.forget_tokens();
    play.get(Played::HR, "/companies/me").await.expect(200);
    play.booked(Played::MARC, "2027-01-07T08:00:00Z").await;

    for transition in ["validate", "activate", "suspend"] {
        let unknown = format!("/companies/{UNKNOWN}/{transition}");
        play.post(Played::ADMIN, &unknown, Value::Null).await.refused(404, "not_found");
        for who in [Played::OPERATOR, Played::HR, Played::SOPHIE, Played::MARC] {
            let own = format!("/companies/{}/{transition}", play.alpha);
            play.post(who, &own, Value::Null).await.refused(403, "forbidden");
        }
    }
}

async fn hr_colleagues_are_invited_by_administrators_and_by_their_own_hr(play: &Played) {
    let admins = format!("/companies/{}/admins", play.alpha);
    // HR is not bound to the company's domains: some are paid by a service provider.
    let ines = json!({ "email": "Ines@Paie.example", "firstName": " Inès ", "lastName": "Paie" });
    let invited = play.post(Played::HR, &admins, ines.clone()).await;
    invited.expect(201);
    let id = invited.text_at("/id");
    assert_eq!(
        invited.json,
        json!({
            "id": id, "email": "ines@paie.example", "firstName": "Inès", "lastName": "Paie", "role": "ADMIN_RH",
            "companyId": play.alpha, "isActive": false, "blockedAt": null,
        })
    );
    play.accept("ines@paie.example").await;
    assert_eq!(play.get("ines@paie.example", "/companies/me").await.expect(200)["id"], play.alpha.as_str());

    play.post(Played::HR, &admins, ines).await.refused(409, "email_taken");
    let taken = json!({ "email": Played::MARC, "firstName": "Marc", "lastName": "Dupont" });
    play.post(Played::ADMIN, &admins, taken).await.refused(409, "email_taken");
    let with = |field: &str, value: Value| {
        let mut body = json!({ "email": "eve@alpha.example", "firstName": "Ève", "lastName": "Alpha" });
        body[field] = value;
        body
    };
    for (field, value, code) in [
        ("email", json!("eve"), "invalid_email"),
        ("firstName", json!(" "), "required"),
        ("lastName", json!("n".repeat(101)), "too_long"),
        ("role", json!("SUPER_ADMIN"), "unknown_field"),
        ("companyId", json!(play.beta), "unknown_field"),
    ] {
        play.post(Played::HR, &admins, with(field, value)).await.invalid(field, code);
    }
    let eve = with("lastName", json!("Alpha"));
    let elsewhere = play.post(Played::HR, &format!("/companies/{}/admins", play.beta), eve.clone()).await;
    elsewhere.refused(404, "not_found");
    let nowhere = play.post(Played::ADMIN, &format!("/companies/{UNKNOWN}/admins"), eve.clone()).await;
    nowhere.refused(404, "not_found");
    for who in [Played::OPERATOR, Played::SOPHIE, Played::MARC] {
        play.post(who, &admins, eve.clone()).await.refused(403, "forbidden");
    }
    assert!(play.letters_to("eve@alpha.example").is_empty(), "a refusal sent a letter");
}
