//! Signing in: what opens a session, what is said to those it is refused to, and how sessions end.
use actix_web::{http::Method, test::TestRequest};
use huntzen_tests::{
    api::{Answer, NOBODY, PASSWORD, Played},
    api_suite,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

api_suite! {
    a_sign_in_answers_a_pair_of_tokens_and_the_account,
    wrong_credentials_are_refused_alike,
    what_is_wrong_with_the_account_is_said_to_its_owner_alone,
    a_refresh_token_is_exchanged_once,
    a_stolen_refresh_token_ends_its_family_at_once,
    tokens_and_sessions_end_by_themselves,
    sessions_are_listed_and_revoked_by_their_owner,
    a_logout_ends_one_session_or_all,
    bad_tokens_are_refused_before_anything_else,
}

async fn refresh(play: &Played, token: &str) -> Answer {
    play.post(NOBODY, "/auth/refresh", json!({ "refreshToken": token })).await
}

async fn logout(play: &Played, token: &str, body: Option<Value>) -> Answer {
    let mut request = TestRequest::with_uri("/auth/logout").method(Method::POST);
    request = request.insert_header(("authorization", format!("Bearer {token}")));
    if let Some(body) = body {
        request = request.insert_header(("content-type", "application/json")).set_payload(body.to_string());
    }
    play.send(request).await
}

async fn current_session(play: &Played, token: &str) -> String {
    let answer = play.get_with(token, "/auth/sessions").await;
    let sessions = answer.expect(200)["items"].as_array().unwrap();
    let current = sessions.iter().find(|session| session["current"] == true);
    current.unwrap()["id"].as_str().unwrap().to_owned()
}

async fn a_sign_in_answers_a_pair_of_tokens_and_the_account(play: &Played) {
    play.advance(SignedDuration::from_secs(1));
    let credentials = json!({ "email": " Marc.DUPONT@alpha.example", "password": PASSWORD });
    let answer = play.post(NOBODY, "/auth/login", credentials).await;
    answer.expect(200);
    let token = answer.text_at("/accessToken");
    let user = play.account(Played::MARC).id.to_string();
    let expected = json!({
        "accessToken": token, "refreshToken": answer.json["refreshToken"], "expiresIn": 900,
        "user": {
            "id": user, "email": Played::MARC, "firstName": "Marc", "lastName": "Dupont",
            "role": "EMPLOYEE", "companyId": play.alpha,
        },
    });
    assert_eq!(answer.json, expected);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.text_at("/refreshToken").len() >= 43, "256 bits take 43 characters of base64");

    let me = play.get_with(&token, "/auth/me").await;
    let expected = json!({
        "id": user, "email": Played::MARC, "firstName": "Marc", "lastName": "Dupont", "role": "EMPLOYEE",
        "companyId": play.alpha, "avatarUrl": null, "isActive": true, "emailVerified": true,
        "twoFactorEnabled": false, "lastLoginAt": "2027-01-04T08:00:01Z",
    });
    assert_eq!(*me.expect(200), expected);
    assert_eq!(play.done_to(&user).last().unwrap(), "LOGIN");

    let practitioner = play.sign_in(Played::SOPHIE).await;
    assert_eq!(practitioner.expect(200)["user"]["companyId"], Value::Null);
    assert_eq!(practitioner.json["user"]["role"], "PRACTITIONER");
}

async fn wrong_credentials_are_refused_alike(play: &Played) {
    let login = |email: &str, password: &str| {
        let body = json!({ "email": email, "password": password }).to_string();
        TestRequest::with_uri("/auth/login")
            .method(Method::POST)
            .insert_header(("content-type", "application/json"))
            .insert_header(("x-request-id", "probe"))
            .set_payload(body)
    };
    let known = play.send(login(Played::MARC, "not the password")).await;
    known.refused(401, "invalid_credentials");
    for (email, password) in [
        ("nobody@alpha.example", "not the password"),
        ("nobody@nowhere.example", PASSWORD),
        ("no address at all", PASSWORD),
        // bcrypt reads no further than 72 bytes: what follows must not be ignored.
        (Played::MARC, &format!("{PASSWORD}{}", "x".repeat(60))),
    ] {
        let unknown = play.send(login(email, password)).await;
        assert_eq!(unknown.bytes, known.bytes, "{email}");
        let names = |answer: &Answer| {
            let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
            names.sort();
            names
        };
        assert_eq!(names(&unknown), names(&known), "{email}");
    }
    let user = play.account(Played::MARC).id.to_string();
    assert_eq!(play.done_to(&user).iter().filter(|done| *done == "LOGIN_FAILED!").count(), 2);
    // Nothing was opened, and the right password still opens.
    play.sign_in(Played::MARC).await.expect(200);

    play.post(NOBODY, "/auth/login", json!({ "email": Played::MARC })).await.invalid("password", "required");
    let both = json!({ "email": "", "password": "" });
    play.post(NOBODY, "/auth/login", both.clone()).await.invalid("email", "too_short");
    play.post(NOBODY, "/auth/login", both).await.invalid("password", "too_short");
}

async fn what_is_wrong_with_the_account_is_said_to_its_owner_alone(play: &Played) {
    let newcomer = "nina.roux@alpha.example";
    let body = json!({ "email": newcomer, "password": PASSWORD, "firstName": "Nina", "lastName": "Roux" });
    play.post(NOBODY, "/auth/register", body).await.expect(201);
    let wrong = |email: &'static str| json!({ "email": email, "password": "not the password" });
    play.sign_in(newcomer).await.refused(401, "email_not_verified");
    play.post(NOBODY, "/auth/login", wrong(newcomer)).await.refused(401, "invalid_credentials");

    play.post(Played::ADMIN, &format!("/companies/{}/suspend", play.alpha), Value::Null).await.expect(200);
    play.sign_in(Played::HR).await.refused(401, "company_inactive");
    play.post(NOBODY, "/auth/login", wrong(Played::HR)).await.refused(401, "invalid_credentials");
    // Eligibility is not sign-in: the employees of the company still come in.
    play.sign_in(Played::MARC).await.expect(200);

    // Blocked comes before unverified, and before the company.
    for blocked in [newcomer, Played::HR] {
        let id = play.account(blocked).id;
        play.post(Played::OPERATOR, &format!("/super-admin/users/{id}/block"), Value::Null).await.expect(200);
        play.sign_in(blocked).await.refused(401, "account_inactive");
        play.post(NOBODY, "/auth/login", wrong(blocked)).await.refused(401, "invalid_credentials");
    }
    // A company that was never validated keeps its HR out as well.
    let body = json!({ "name": "Gamma", "siret": "73282932000074", "emailDomains": ["gamma.example"] });
    let gamma = play.post(Played::ADMIN, "/companies", body).await.text_at("/id");
    let hr = json!({ "email": "rh@gamma.example", "firstName": "Gaëlle", "lastName": "Petit" });
    play.post(Played::ADMIN, &format!("/companies/{gamma}/admins"), hr).await.expect(201);
    play.accept("rh@gamma.example").await;
    play.sign_in("rh@gamma.example").await.refused(401, "company_inactive");
    // Invited, but without a password yet: nobody can know it.
    let invited = json!({ "email": "zoe@beta.example", "firstName": "Zoé", "lastName": "Blanc" });
    play.post(Played::OTHER_HR, "/employees", invited).await.expect(201);
    play.sign_in("zoe@beta.example").await.refused(401, "invalid_credentials");
}

async fn a_refresh_token_is_exchanged_once(play: &Played) {
    let first = play.sign_in(Played::MARC).await.text_at("/refreshToken");
    play.advance(SignedDuration::from_mins(5));
    let answer = refresh(play, &first).await;
    answer.expect(200);
    let second = answer.text_at("/refreshToken");
    assert_ne!(second, first);
    assert_eq!(answer.json["expiresIn"], 900);
    assert_eq!(answer.json["user"]["email"], Played::MARC);
    let access = answer.text_at("/accessToken");
    play.get_with(&access, "/auth/me").await.expect(200);

    // The answer was lost: within ten seconds the same successor comes again.
    play.advance(SignedDuration::from_secs(10));
    assert_eq!(refresh(play, &first).await.text_at("/refreshToken"), second);
    let third = refresh(play, &second).await.text_at("/refreshToken");
    assert_eq!(refresh(play, &second).await.text_at("/refreshToken"), third);
    play.get_with(&access, "/auth/me").await.expect(200);

    for nonsense in ["x", "no token of ours", &"A".repeat(256), &access] {
        let sent = refresh(play, nonsense).await;
        if nonsense.len() <= 256 {
            sent.refused(401, "invalid_refresh_token")
        } else {
            sent.expect(400)
        };
    }
    play.post(NOBODY, "/auth/refresh", json!({ "refreshToken": "" })).await.invalid("refreshToken", "too_short");
    play.post(NOBODY, "/auth/refresh", json!({})).await.invalid("refreshToken", "required");
}

async fn a_stolen_refresh_token_ends_its_family_at_once(play: &Played) {
    let other = play.sign_in(Played::MARC).await.text_at("/accessToken");
    // Late: eleven seconds after the exchange.
    let answer = play.sign_in(Played::MARC).await;
    let (first, access) = (answer.text_at("/refreshToken"), answer.text_at("/accessToken"));
    let session = current_session(play, &access).await;
    let second = refresh(play, &first).await.text_at("/refreshToken");
    play.get_with(&access, "/auth/me").await.expect(200);
    play.advance(SignedDuration::from_secs(11));
    refresh(play, &first).await.refused(401, "invalid_refresh_token");
    assert_eq!(play.done_to(&session).last().unwrap(), "REFRESH_REUSE!");
    play.get_with(&access, "/auth/me").await.refused(401, "session_ended");
    refresh(play, &second).await.refused(401, "invalid_refresh_token");
    let entries = play.trail(&session);
    let reuse = entries.iter().find(|entry| entry.action.to_string() == "REFRESH_REUSE").unwrap();
    assert_eq!(reuse.subject, Some(play.account(Played::MARC).id));
    assert_eq!(reuse.ip.as_deref(), Some("203.0.113.0"));

    // At once, but after the successor was used.
    let answer = play.sign_in(Played::MARC).await;
    let (first, access) = (answer.text_at("/refreshToken"), answer.text_at("/accessToken"));
    let second = refresh(play, &first).await.text_at("/refreshToken");
    let third = refresh(play, &second).await.text_at("/refreshToken");
    refresh(play, &first).await.refused(401, "invalid_refresh_token");
    refresh(play, &third).await.refused(401, "invalid_refresh_token");
    play.get_with(&access, "/auth/me").await.refused(401, "session_ended");
    // The other device is another family.
    play.get_with(&other, "/auth/me").await.expect(200);
}

async fn tokens_and_sessions_end_by_themselves(play: &Played) {
    let answer = play.sign_in(Played::MARC).await;
    let (access, token) = (answer.text_at("/accessToken"), answer.text_at("/refreshToken"));
    play.advance(SignedDuration::from_secs(15 * 60 - 1));
    play.get_with(&access, "/auth/me").await.expect(200);
    play.advance(SignedDuration::from_secs(1));
    play.get_with(&access, "/auth/me").await.refused(401, "invalid_token");
    // Each exchange keeps the session for seven more days; then it is over.
    play.advance(SignedDuration::from_hours(6 * 24));
    let next = refresh(play, &token).await.text_at("/refreshToken");
    play.advance(SignedDuration::from_hours(6 * 24));
    let next = refresh(play, &next).await.text_at("/refreshToken");
    play.advance(SignedDuration::from_hours(7 * 24));
    refresh(play, &next).await.refused(401, "invalid_refresh_token");
    play.forget_tokens();
    assert_eq!(play.get(Played::MARC, "/auth/sessions").await.each("current"), [true]);
}

async fn sessions_are_listed_and_revoked_by_their_owner(play: &Played) {
    let agent = format!("Firefox {}", "é".repeat(300));
    let login = TestRequest::with_uri("/auth/login")
        .method(Method::POST)
        .insert_header(("content-type", "application/json"))
        .insert_header(("user-agent", "Firefox 140"))
        .set_payload(json!({ "email": Played::CLAIRE, "password": PASSWORD }).to_string());
    let phone = play.send(login).await;
    let (phone, phone_refresh) = (phone.text_at("/accessToken"), phone.text_at("/refreshToken"));
    play.advance(SignedDuration::from_mins(1));
    let login = TestRequest::with_uri("/auth/login")
        .method(Method::POST)
        .insert_header(("content-type", "application/json"))
        .insert_header(("user-agent", agent))
        .set_payload(json!({ "email": Played::CLAIRE, "password": PASSWORD }).to_string());
    let desk = play.send(login).await.text_at("/accessToken");

    let answer = play.get_with(&desk, "/auth/sessions").await;
    let items = answer.expect(200)["items"].as_array().unwrap();
    assert_eq!(answer.each("current"), [json!(true), json!(false)], "newest first");
    let listed = items.last().unwrap();
    let id = listed["id"].as_str().unwrap();
    let expected = json!({
        "id": id, "createdAt": "2027-01-04T08:00:00Z", "lastUsedAt": "2027-01-04T08:00:00Z",
        "userAgent": "Firefox 140", "ip": "203.0.113.0", "current": false,
    });
    assert_eq!(*listed, expected);
    let kept = answer.json["items"][0]["userAgent"].as_str();
    assert!(kept.is_none_or(|agent| agent.chars().count() <= 256), "{kept:?}");

    // Somebody else's session is not there to be ended.
    play.delete(Played::MARC, &format!("/auth/sessions/{id}")).await.refused(404, "not_found");
    play.get_with(&phone, "/auth/me").await.expect(200);
    let revoke = |id: &str| {
        let request = TestRequest::with_uri(&format!("/auth/sessions/{id}")).method(Method::DELETE);
        play.send(request.insert_header(("authorization", format!("Bearer {desk}"))))
    };
    let gone = revoke(id).await;
    assert_eq!((gone.status, gone.bytes.len()), (204, 0));
    play.get_with(&phone, "/auth/me").await.refused(401, "session_ended");
    refresh(play, &phone_refresh).await.refused(401, "invalid_refresh_token");
    assert_eq!(play.done_to(id).last().unwrap(), "REVOKE_SESSION");
    revoke(id).await.refused(404, "not_found");
    revoke("x").await.refused(404, "not_found");
    assert_eq!(play.get_with(&desk, "/auth/sessions").await.each("current"), [true]);
}

async fn a_logout_ends_one_session_or_all(play: &Played) {
    let mut pairs = Vec::new();
    for _ in 0..3 {
        let answer = play.sign_in(Played::MARC).await;
        pairs.push((answer.text_at("/accessToken"), answer.text_at("/refreshToken")));
    }
    let [(first, _), (second, second_refresh), (third, third_refresh)] = pairs.try_into().unwrap();
    let second_session = current_session(play, &second).await;
    // Of the three it ends the named one, and it may name another than its own.
    logout(play, &first, Some(json!({ "refreshToken": second_refresh }))).await.expect(204);
    play.get_with(&second, "/auth/me").await.refused(401, "session_ended");
    refresh(play, &second_refresh).await.refused(401, "invalid_refresh_token");
    assert_eq!(play.done_to(&second_session).last().unwrap(), "LOGOUT");
    play.get_with(&first, "/auth/me").await.expect(200);

    // Somebody else's token ends nothing.
    let claire = play.token_of(Played::CLAIRE).await;
    logout(play, &claire, Some(json!({ "refreshToken": third_refresh }))).await.expect(204);
    play.get_with(&third, "/auth/me").await.expect(200);
    play.get_with(&claire, "/auth/me").await.expect(200);

    let strange = logout(play, &first, Some(json!({ "refreshToken": third_refresh, "all": true }))).await;
    strange.invalid("all", "unknown_field");
    assert_eq!(logout(play, &first, None).await.expect(204), &Value::Null);
    for ended in [&first, &third] {
        play.get_with(ended, "/auth/me").await.refused(401, "session_ended");
    }
    logout(play, &first, None).await.refused(401, "session_ended");
    logout(play, &claire, Some(json!({}))).await.expect(204);
    play.get_with(&claire, "/auth/me").await.refused(401, "session_ended");
}

async fn bad_tokens_are_refused_before_anything_else(play: &Played) {
    let token = play.token_of(Played::MARC).await;
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let reversed: String = signature.chars().rev().collect();
    let with = |value: String| play.send(TestRequest::with_uri("/auth/me?x=1").insert_header(("authorization", value)));
    for value in [
        format!("Bearer {signed}.{reversed}"),
        format!("Bearer {signed}."),
        format!("Bearer {signed}"),
        format!("Basic {token}"),
        format!("Bearer {}", "x".repeat(5000)),
        "Bearer".to_owned(),
        token.clone(),
    ] {
        let answer = with(value).await;
        answer.refused(401, "invalid_token");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    }
    let without = play.get(NOBODY, "/auth/me?x=1").await;
    without.refused(401, "unauthenticated");
    assert_eq!(without.header("www-authenticate"), Some("Bearer"));
    with(format!("bearer {token}")).await.invalid("x", "unknown_parameter");
}
