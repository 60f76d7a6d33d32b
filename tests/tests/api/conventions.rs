//! What every route has in common: how requests are read, in which order they are refused, how lists page.
use actix_web::{http::Method, test::TestRequest};
use huntzen_tests::{
    api::{Answer, NOBODY, PASSWORD, Played},
    api_suite,
};
use serde_json::{Value, json};

api_suite! {
    problems_are_told_in_the_language_of_the_client,
    bodies_are_read_strictly,
    only_known_parameters_are_taken_and_each_once,
    paths_and_methods_that_are_not_there,
    checks_come_in_one_order,
    the_absent_and_the_foreign_look_the_same,
    other_names_of_an_operation_answer_alike,
    catalogue_lists_page_by_number,
    growing_lists_page_by_cursor,
}

/// No resource has this id.
const UNKNOWN: &str = "018f0000-0000-7000-8000-000000000000";

/// A request whose body is sent as it is written.
async fn raw(play: &Played, method: Method, who: &str, path: &str, media_type: Option<&str>, body: &str) -> Answer {
    let mut request = TestRequest::with_uri(path).method(method).set_payload(body.to_owned());
    if let Some(media_type) = media_type {
        request = request.insert_header(("content-type", media_type));
    }
    if who != NOBODY {
        request = request.insert_header(("authorization", format!("Bearer {}", play.token_of(who).await)));
    }
    play.send(request).await
}

/// The bytes of a problem without the one part that differs each time.
fn but_for_the_request_id(answer: &Answer) -> String {
    answer.text().replace(answer.json["requestId"].as_str().unwrap(), "")
}

fn company(name: &str, domain: &str, siret: &str) -> Value {
    json!({ "name": name, "siret": siret, "emailDomains": [domain] })
}

async fn problems_are_told_in_the_language_of_the_client(play: &Played) {
    let ask = |language: Option<&'static str>| {
        let mut request = TestRequest::with_uri("/auth/login")
            .method(Method::POST)
            .insert_header(("content-type", "application/json"))
            .insert_header(("x-request-id", "a.request-7"))
            .set_payload(r#"{"email":"marc","password":"x","remember":true}"#);
        if let Some(language) = language {
            request = request.insert_header(("accept-language", language));
        }
        play.send(request)
    };
    let french = json!({
        "type": "urn:huntzen:problem:validation_failed", "title": "Données refusées", "status": 400,
        "detail": "Certaines valeurs ne peuvent pas être acceptées.", "code": "validation_failed",
        "requestId": "a.request-7",
        "errors": [{ "field": "remember", "code": "unknown_field", "message": "Ce champ n'existe pas." }],
    });
    for language in [None, Some("fr-CA"), Some("de"), Some("en;q=0.3, fr;q=0.9")] {
        let answer = ask(language).await;
        assert_eq!(answer.json, french, "{language:?}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert_eq!(answer.header("content-language"), Some("fr"));
        assert_eq!(answer.header("x-request-id"), Some("a.request-7"));
    }
    let english = ask(Some("en-GB, fr;q=0.5")).await;
    assert_eq!(english.header("content-language"), Some("en"));
    assert_eq!(english.json["title"], "Invalid values");
    assert_eq!(english.json["errors"][0]["message"], "There is no such field.");
    assert_eq!(english.json["code"], "validation_failed");
    // A problem without refused fields has no list of them.
    let absent = play.get(NOBODY, "/nowhere").await;
    assert_eq!(absent.refused(404, "not_found").get("errors"), None);
    assert!(absent.header("vary").is_some());
}

async fn bodies_are_read_strictly(play: &Played) {
    let json_type = Some("application/json");
    let login = |media_type: Option<&'static str>, body: String| async move {
        raw(play, Method::POST, NOBODY, "/auth/login", media_type, &body).await
    };
    for (body, field, code) in [
        (r#"{"email":"a@b.example","password":"x","admin":true}"#, "admin", "unknown_field"),
        (r#"{"email":"a@b.example","email":"c@d.example","password":"x"}"#, "email", "duplicate_field"),
        (r#"{"email":["a@b.example"],"password":"x"}"#, "email", "wrong_type"),
        (r#"{"email":"a@b.example","password":12345678}"#, "password", "wrong_type"),
        (r#"{"email":null,"password":"x"}"#, "email", "wrong_type"),
        (r#"{"Email":"a@b.example","password":"x"}"#, "Email", "unknown_field"),
        (r#"{"email":"a@b.example"}"#, "password", "required"),
        (r#"["a@b.example","x"]"#, "", "wrong_type"),
        ("\"text\"", "", "wrong_type"),
    ] {
        login(json_type, body.to_owned()).await.invalid(field, code);
    }
    for body in ["{", "}", "{'email':'a'}", r#"{"email":"a@b.example","password":"x"} {}"#, "{\"email\":\"\u{1}\"}"] {
        login(json_type, body.to_owned()).await.refused(400, "malformed_json");
    }
    login(json_type, String::new()).await.refused(400, "body_required");
    let right = json!({ "email": Played::MARC, "password": PASSWORD }).to_string();
    for media_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("multipart/form-data")]
    {
        login(media_type, right.clone()).await.refused(415, "unsupported_media_type");
    }
    login(Some("application/json; charset=utf-8"), right.clone()).await.expect(200);
    let limit = 256 * 1024;
    let padded = |length: usize| format!("{right}{}", " ".repeat(length - right.len()));
    login(json_type, padded(limit)).await.expect(200);
    login(json_type, padded(limit + 1)).await.refused(413, "payload_too_large");

    // Deep within, and on changes as well.
    let body = json!({ "profession": "PLUMBER" });
    play.patch(Played::SOPHIE, "/practitioners/me", body).await.invalid("profession", "unknown_field");
    let body = json!({ "languages": ["fr", 7] });
    play.patch(Played::SOPHIE, "/practitioners/me", body).await.invalid("languages[1]", "wrong_type");
    let path = format!("/companies/{}/validate", play.alpha);
    play.post(Played::ADMIN, &path, json!({ "force": true })).await.refused(400, "unexpected_body");
    // Words are taken in lower case, and nothing near them.
    let mut rule = huntzen_tests::api::weekly_rule(6, "09:00", "12:00");
    rule["types"] = json!(["video", "Audio"]);
    play.post(Played::SOPHIE, "/availability", rule.clone()).await.expect(201);
    rule["types"] = json!(["FAX"]);
    play.post(Played::SOPHIE, "/availability", rule).await.invalid("types[0]", "unknown_value");
}

async fn only_known_parameters_are_taken_and_each_once(play: &Played) {
    for path in ["/health?verbose=1", "/health/live?x", "/practitioners/search?foo=1", "/practitioners/search?Page=1"] {
        let name = path.split_once('?').unwrap().1.split('=').next().unwrap();
        play.get(NOBODY, path).await.invalid(name, "unknown_parameter");
    }
    play.get(NOBODY, &format!("/practitioners/{}?full=1", play.sophie)).await.invalid("full", "unknown_parameter");
    let credentials = json!({ "email": Played::MARC, "password": PASSWORD });
    play.post(NOBODY, "/auth/login?next=/", credentials).await.invalid("next", "unknown_parameter");
    play.get(NOBODY, "/practitioners/search?page=1&page=2").await.invalid("page", "repeated");
    play.get(NOBODY, "/practitioners/search?language=fr&languages=fr").await.refused(400, "validation_failed");
    play.get(NOBODY, "/practitioners/search?profession=PLUMBER").await.invalid("profession", "unknown_value");
    play.get(NOBODY, "/practitioners/search?offersVideo=maybe").await.refused(400, "validation_failed");
    play.get(NOBODY, "/practitioners/search?q=a%00b").await.invalid("q", "invalid_characters");
    play.get(NOBODY, &format!("/practitioners/search?q={}", "x".repeat(201))).await.invalid("q", "too_long");
    play.get(NOBODY, "/practitioners/search?profession=psychologist&languages=fr").await.expect(200);

    play.get(Played::MARC, "/auth/me?full=1").await.invalid("full", "unknown_parameter");
    play.get(Played::MARC, "/consultations/mine?status=BOOKED").await.invalid("status", "unknown_value");
    play.get(Played::MARC, "/consultations/mine?from=2027-02-30").await.invalid("from", "invalid_date");
    play.get(Played::MARC, "/consultations/mine?from=2027-01-01T00:00:00Z").await.invalid("from", "invalid_date");
    play.delete(Played::SOPHIE, &format!("/availability/{}?force=1", play.sophie_rules[0])).await.expect(400);
    // It was not removed all the same.
    assert!(play.get(Played::SOPHIE, "/availability").await.each("id").contains(&json!(play.sophie_rules[0])));
}

async fn paths_and_methods_that_are_not_there(play: &Played) {
    for path in ["/", "/nowhere", "/auth", "/auth/me/", "/consultations/x/y/z", "/%00", "/auth/login/../me"] {
        play.get(NOBODY, path).await.refused(404, "not_found");
    }
    for (method, path, allowed) in [
        (Method::GET, "/auth/login", "POST"),
        (Method::DELETE, "/auth/me", "GET, HEAD"),
        (Method::POST, "/health", "GET, HEAD"),
        (Method::DELETE, "/companies/x", "GET, HEAD, PATCH, PUT"),
        (Method::GET, "/consultations/x/confirm", "POST, PUT"),
        (Method::PATCH, "/consultations/x/room", "GET, HEAD, POST"),
        (Method::TRACE, "/availability", "GET, HEAD, POST"),
    ] {
        let answer = play.request(method, NOBODY, path, Value::Null).await;
        answer.refused(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some(allowed), "{path}");
    }
    // What is no id names nothing.
    for (method, who, path) in [
        (Method::GET, Played::ADMIN, "/companies/alpha"),
        (Method::GET, NOBODY, "/practitioners/sophie"),
        (Method::GET, Played::HR, "/employees/1"),
        (Method::DELETE, Played::SOPHIE, "/availability/x"),
        (Method::GET, Played::MARC, "/consultations/018f0000000070008000000000000000"),
        (Method::POST, Played::SOPHIE, "/consultations/{018f0000-0000-7000-8000-000000000000}/confirm"),
        (Method::POST, Played::ADMIN, "/reviews/x/publish"),
        (Method::DELETE, Played::MARC, "/notifications/x"),
    ] {
        play.request(method, who, path, Value::Null).await.refused(404, "not_found");
    }
}

async fn checks_come_in_one_order(play: &Played) {
    let path = format!("/companies/{UNKNOWN}?x=1");
    let broken = |who: &'static str, path: String| async move {
        raw(play, Method::PATCH, who, &path, Some("application/json"), "{").await
    };
    // 401 before all else, even before the size and the type of the body.
    broken(NOBODY, path.clone()).await.refused(401, "unauthenticated");
    let large = "x".repeat(300 * 1024);
    raw(play, Method::PATCH, NOBODY, &path, Some("text/plain"), &large).await.refused(401, "unauthenticated");
    // 403 before any look-up, for any id.
    for id in [play.alpha.as_str(), play.beta.as_str(), UNKNOWN, "x"] {
        for who in [Played::OPERATOR, Played::SOPHIE, Played::MARC] {
            broken(who, format!("/companies/{id}?x=1")).await.refused(403, "forbidden");
        }
    }
    raw(play, Method::PATCH, Played::MARC, &path, Some("text/plain"), &large).await.refused(403, "forbidden");
    // 400 before 404.
    let unknown_field = json!({ "motto": "x" });
    for id in [play.beta.as_str(), UNKNOWN] {
        play.patch(Played::HR, &format!("/companies/{id}"), unknown_field.clone())
            .await
            .invalid("motto", "unknown_field");
    }
    broken(Played::HR, format!("/companies/{UNKNOWN}")).await.refused(400, "malformed_json");
    let phone = json!({ "phone": "+33 1 02 03 04 05" });
    for id in [play.beta.as_str(), UNKNOWN] {
        play.patch(Played::HR, &format!("/companies/{id}"), phone.clone()).await.refused(404, "not_found");
    }
    // 400 before 409, and 404 before 409.
    let mut taken = company("Autre", "alpha.example", "73282932000075");
    play.post(Played::ADMIN, "/companies", taken.clone()).await.invalid("siret", "invalid");
    taken["siret"] = "73282932000074".into();
    play.post(Played::ADMIN, "/companies", taken).await.refused(409, "domain_taken");
    let consultation = play.booked(Played::CLAIRE, "2027-01-05T08:00:00Z").await;
    let cancel = format!("/consultations/{consultation}/cancel");
    play.post(Played::CLAIRE, &cancel, Value::Null).await.expect(200);
    play.post(Played::LEA, &cancel, json!({ "why": "x" })).await.invalid("why", "unknown_field");
    play.post(Played::LEA, &cancel, Value::Null).await.refused(404, "not_found");
    play.post(Played::PAUL, &cancel, Value::Null).await.refused(404, "not_found");
    play.post(Played::CLAIRE, &cancel, Value::Null).await.refused(409, "invalid_transition");
}

async fn the_absent_and_the_foreign_look_the_same(play: &Played) {
    let consultation = play.booked(Played::CLAIRE, "2027-01-05T08:00:00Z").await;
    let notification = play.get(Played::CLAIRE, "/notifications").await.text_at("/items/0/id");
    for (method, who, template, foreign) in [
        (Method::GET, Played::HR, "/companies/{}", &play.beta),
        (Method::GET, Played::HR, "/employees/{}", &play.lea),
        (Method::GET, Played::MARC, "/employees/{}", &play.claire),
        (Method::POST, Played::HR, "/employees/{}/deactivate", &play.lea),
        (Method::GET, Played::MARC, "/consultations/{}", &consultation),
        (Method::GET, Played::PAUL, "/consultations/{}", &consultation),
        (Method::GET, Played::LEA, "/consultations/{}/events", &consultation),
        (Method::GET, Played::MARC, "/consultations/{}/calendar.ics", &consultation),
        (Method::POST, Played::MARC, "/consultations/{}/room", &consultation),
        (Method::POST, Played::PAUL, "/consultations/{}/confirm", &consultation),
        (Method::DELETE, Played::MARC, "/notifications/{}", &notification),
        (Method::PUT, Played::MARC, "/notifications/{}/read", &notification),
        (Method::DELETE, Played::PAUL, "/availability/{}", &play.sophie_rules[0]),
        (Method::GET, Played::PAUL, "/metrics/practitioners/{}?from=2027-01-01&to=2027-01-31", &play.sophie),
    ] {
        let (there, nowhere) = (template.replace("{}", foreign), template.replace("{}", UNKNOWN));
        let theirs = play.request(method.clone(), who, &there, Value::Null).await;
        theirs.refused(404, "not_found");
        let absent = play.request(method, who, &nowhere, Value::Null).await;
        absent.refused(404, "not_found");
        assert_eq!(but_for_the_request_id(&theirs), but_for_the_request_id(&absent), "{template}");
    }
    // The participants see what the others do not.
    play.get(Played::CLAIRE, &format!("/consultations/{consultation}")).await.expect(200);
    play.get(Played::SOPHIE, &format!("/consultations/{consultation}")).await.expect(200);
}

async fn other_names_of_an_operation_answer_alike(play: &Played) {
    let consultation = play.booked(Played::MARC, "2027-01-05T08:00:00Z").await;
    let confirm = format!("/consultations/{consultation}/confirm");
    let confirmed = play.put(Played::SOPHIE, &confirm, Value::Null).await;
    assert_eq!(confirmed.expect(200)["status"], "CONFIRMED");
    // A refusal by either name is the same refusal.
    let by_post = play.post(Played::SOPHIE, &confirm, Value::Null).await;
    by_post.refused(409, "invalid_transition");
    let by_put = play.put(Played::SOPHIE, &confirm, Value::Null).await;
    assert_eq!(but_for_the_request_id(&by_put), but_for_the_request_id(&by_post));
    play.put(Played::MARC, &confirm, Value::Null).await.refused(403, "forbidden");
    play.put(NOBODY, &confirm, Value::Null).await.refused(401, "unauthenticated");

    for (who, name, other) in [
        (Played::MARC, "/consultations/mine", "/consultations/my"),
        (NOBODY, "/practitioners/search?language=fr", "/practitioners/search?languages=fr"),
    ] {
        let (one, another) = (play.get(who, name).await, play.get(who, other).await);
        assert_eq!((one.status, &one.bytes), (200, &another.bytes), "{name}");
    }
    let company = |step: &str| format!("/companies/{}/{step}", play.alpha);
    let validated = play.post(Played::ADMIN, &company("validate"), Value::Null).await;
    validated.expect(200);
    for (method, step) in [(Method::PUT, "validate"), (Method::POST, "activate"), (Method::PUT, "activate")] {
        let answer = play.request(method.clone(), Played::ADMIN, &company(step), Value::Null).await;
        assert_eq!(answer.bytes, validated.bytes, "{method} {step}");
    }
    // PUT changes what it names and nothing else; null clears.
    let path = format!("/companies/{}", play.alpha);
    let filled = json!({ "phone": "+33 1 02 03 04 05", "address": "1 rue Haute, Lyon" });
    play.put(Played::HR, &path, filled).await.expect(200);
    let changed = play.put(Played::HR, &path, json!({ "phone": null })).await;
    let company = changed.expect(200);
    assert_eq!((&company["phone"], &company["address"]), (&Value::Null, &json!("1 rue Haute, Lyon")));
    assert_eq!(company["name"], "Alpha");
    let unchanged = play.patch(Played::HR, &path, json!({})).await;
    assert_eq!(unchanged.bytes, changed.bytes);
    let read = play.post(Played::MARC, "/notifications/read-all", Value::Null).await;
    assert_eq!(read.expect(200), play.put(Played::SOPHIE, "/notifications/read-all", Value::Null).await.expect(200));
}

async fn catalogue_lists_page_by_number(play: &Played) {
    for (who, path) in [
        (Played::ADMIN, "/companies"),
        (Played::HR, "/employees"),
        (Played::ADMIN, "/practitioners"),
        (Played::ADMIN, "/reviews/pending"),
        (NOBODY, "/practitioners/search"),
    ] {
        let whole = play.get(who, path).await;
        let keys: Vec<&String> = whole.expect(200).as_object().unwrap().keys().collect();
        assert_eq!(keys, ["items", "page", "perPage", "total"], "{path}");
        assert_eq!((&whole.json["page"], &whole.json["perPage"]), (&json!(1), &json!(20)), "{path}");
        for (parameter, refused) in [
            ("page", ["0", "-1", "1000001", "1.5", "one", "", "4294967296", "1e1"]),
            ("perPage", ["0", "-1", "101", "1.5", "one", "", "4294967296", "0x10"]),
        ] {
            for value in refused {
                let answer = play.get(who, &format!("{path}?{parameter}={value}")).await;
                assert_eq!(answer.refused(400, "validation_failed")["errors"][0]["field"], parameter, "{value}");
            }
        }
        play.get(who, &format!("{path}?page=1&perPage=100")).await.expect(200);
        let beyond = play.get(who, &format!("{path}?page=1000000&perPage=100")).await;
        assert_eq!((&beyond.expect(200)["items"], &beyond.json["total"]), (&json!([]), &whole.json["total"]));
        play.get(who, &format!("{path}?limit=5")).await.invalid("limit", "unknown_parameter");
    }
    // Page by page, all of them once.
    let whole = play.get(Played::HR, "/employees").await;
    assert_eq!(whole.json["total"], 2);
    let mut pages = Vec::new();
    for page in 1..=2 {
        let answer = play.get(Played::HR, &format!("/employees?page={page}&perPage=1")).await;
        assert_eq!(
            (&answer.json["page"], &answer.json["perPage"], &answer.json["total"]),
            (&json!(page), &json!(1), &json!(2))
        );
        pages.extend(answer.each("id"));
    }
    assert_eq!(pages, whole.each("id"));
}

async fn growing_lists_page_by_cursor(play: &Played) {
    for (day, hour) in [(5, 8), (5, 9), (6, 8), (6, 9), (7, 8)] {
        play.booked(Played::MARC, &format!("2027-01-{day:02}T{hour:02}:00:00Z")).await;
    }
    for path in ["/consultations/mine", "/consultations/upcoming", "/consultations/history", "/notifications"] {
        let whole = play.get(Played::MARC, path).await;
        assert_eq!(whole.expect(200)["nextCursor"], Value::Null, "{path}");
        for (parameter, refused, code) in [
            ("limit", "0", "out_of_range"),
            ("limit", "101", "out_of_range"),
            ("cursor", "", "invalid_cursor"),
            ("cursor", "nonsense", "invalid_cursor"),
            ("cursor", UNKNOWN, "invalid_cursor"),
            ("cursor", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "invalid_cursor"),
            ("cursor", "_______________________________-", "invalid_cursor"),
        ] {
            play.get(Played::MARC, &format!("{path}?{parameter}={refused}")).await.invalid(parameter, code);
        }
        play.get(Played::MARC, &format!("{path}?limit=x")).await.expect(400);
        play.get(Played::MARC, &format!("{path}?page=2")).await.invalid("page", "unknown_parameter");
        play.get(Played::MARC, &format!("{path}?limit=100")).await.expect(200);

        let (mut parts, mut next) = (Vec::new(), String::new());
        for _ in 0..whole.each("id").len().div_ceil(2) {
            let answer = play.get(Played::MARC, &format!("{path}?limit=2{next}")).await;
            answer.expect(200);
            parts.extend(answer.each("id"));
            next = answer.json["nextCursor"].as_str().map_or_else(String::new, |next| format!("&cursor={next}"));
        }
        assert_eq!((parts, next.as_str()), (whole.each("id"), ""), "{path}");
    }
    assert_eq!(play.get(Played::MARC, "/consultations/mine").await.each("id").len(), 5);
}
