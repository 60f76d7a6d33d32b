//! The second factor of an account, step-up, and what is told of sign-ins.
use actix_web::test::TestRequest;
use data_encoding::BASE64;
use huntzen_tests::{
    api::{Answer, NOBODY, PASSWORD, Played},
    api_suite, totp,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

api_suite! {
    a_device_is_set_up_and_asked_for,
    a_code_is_taken_once_by_any_door,
    a_backup_code_opens_once,
    a_backup_code_turns_it_off,
    setting_up_counts_only_once_verified,
    turning_it_off_takes_everything,
    stepping_up_lasts_five_minutes_of_one_session,
    a_reset_does_not_skip_it,
    a_new_device_is_told_of,
    who_guesses_is_shut_out_for_a_while,
}

async fn set_up(play: &Played, who: &str) -> Answer {
    let setup = play.post(who, "/auth/2fa/setup", Value::Null).await;
    setup.expect(200);
    setup
}

fn code(play: &Played, secret: &str) -> String {
    totp::code(secret, play.now().parse().unwrap())
}

/// Turns the second factor of somebody on; answers the secret and the backup codes.
async fn turned_on(play: &Played, who: &str) -> (String, Vec<String>) {
    let setup = set_up(play, who).await;
    let secret = setup.text_at("/secret");
    play.post(who, "/auth/2fa/verify", json!({ "code": code(play, &secret) })).await.expect(200);
    // The code is used up; another one is shown half a minute later.
    play.advance(SignedDuration::from_secs(30));
    let codes = setup.json["backupCodes"].as_array().unwrap().iter();
    (secret, codes.map(|code| code.as_str().unwrap().to_owned()).collect())
}

async fn login(play: &Played, who: &str, extra: Value) -> Answer {
    let mut body = json!({ "email": who, "password": PASSWORD });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    play.post(NOBODY, "/auth/login", body).await
}

async fn a_device_is_set_up_and_asked_for(play: &Played) {
    let setup = set_up(play, Played::MARC).await;
    assert_eq!(setup.fields_at(""), ["backupCodes", "otpauthUrl", "qrCodeUrl", "secret"]);
    let secret = setup.text_at("/secret");
    let url = setup.text_at("/otpauthUrl");
    assert!(url.starts_with("otpauth://totp/HuntZen%20Care:marc.dupont%40alpha.example?"), "{url}");
    assert!(url.contains(&secret), "{url}");
    let picture = setup.text_at("/qrCodeUrl");
    let picture = BASE64.decode(picture.strip_prefix("data:image/png;base64,").unwrap().as_bytes()).unwrap();
    assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n"));
    let codes = setup.json["backupCodes"].as_array().unwrap();
    assert_eq!((codes.len(), codes[0].as_str().unwrap().len()), (10, 19));
    let right = code(play, &secret);
    let wrong = if right == "000000" { "111111" } else { "000000" };
    play.post(Played::MARC, "/auth/2fa/verify", json!({ "code": wrong })).await.refused(401, "invalid_code");
    assert_eq!(play.get(Played::MARC, "/auth/me").await.json["twoFactorEnabled"], false);
    play.post(Played::MARC, "/auth/2fa/verify", json!({ "code": right })).await.expect(200);
    assert_eq!(play.get(Played::MARC, "/auth/me").await.json["twoFactorEnabled"], true);
    play.post(Played::MARC, "/auth/2fa/setup", Value::Null).await.refused(409, "two_factor_enabled");
    play.post(Played::MARC, "/auth/2fa/verify", json!({ "code": right })).await.refused(409, "two_factor_enabled");
    assert_eq!(play.inbox_of(Played::MARC).await, ["ACCOUNT_SECURITY"]);
    play.advance(SignedDuration::from_secs(30));
    login(play, Played::MARC, json!({})).await.refused(401, "two_factor_required");
    login(play, Played::MARC, json!({ "code": wrong })).await.refused(401, "invalid_code");
    login(play, Played::MARC, json!({ "code": code(play, &secret) })).await.expect(200);
    let wrong_password = json!({ "email": Played::MARC, "password": "cinq mots pour sortir", "code": "000000" });
    play.post(NOBODY, "/auth/login", wrong_password).await.refused(401, "invalid_credentials");
    login(play, Played::CLAIRE, json!({ "code": "000000" })).await.expect(200);
}

async fn a_code_is_taken_once_by_any_door(play: &Played) {
    let (secret, _) = turned_on(play, Played::MARC).await;
    let now = code(play, &secret);
    login(play, Played::MARC, json!({ "code": now })).await.expect(200);
    login(play, Played::MARC, json!({ "code": now })).await.refused(401, "invalid_code");
    play.post(Played::MARC, "/auth/step-up", json!({ "code": now })).await.refused(401, "invalid_code");
    // A step late it is taken, two steps late it is not.
    play.advance(SignedDuration::from_secs(30));
    let shown = code(play, &secret);
    play.advance(SignedDuration::from_secs(30));
    login(play, Played::MARC, json!({ "code": shown })).await.expect(200);
    play.advance(SignedDuration::from_secs(30));
    let shown = code(play, &secret);
    play.advance(SignedDuration::from_secs(60));
    login(play, Played::MARC, json!({ "code": shown })).await.refused(401, "invalid_code");
}

async fn a_backup_code_opens_once(play: &Played) {
    let (_, codes) = turned_on(play, Played::MARC).await;
    for (at, backup) in codes.iter().enumerate() {
        let typed = if at % 2 == 0 { backup.clone() } else { backup.to_lowercase().replace('-', " ") };
        login(play, Played::MARC, json!({ "backupCode": typed })).await.expect(200);
        login(play, Played::MARC, json!({ "backupCode": backup })).await.refused(401, "invalid_code");
    }
    login(play, Played::MARC, json!({ "backupCode": "AAAA-AAAA-AAAA-AAAA" })).await.refused(401, "invalid_code");
}

async fn setting_up_counts_only_once_verified(play: &Played) {
    play.post(Played::MARC, "/auth/2fa/verify", json!({ "code": "000000" })).await.refused(409, "two_factor_off");
    let first = set_up(play, Played::MARC).await.text_at("/secret");
    login(play, Played::MARC, json!({})).await.expect(200);
    let second = set_up(play, Played::MARC).await.text_at("/secret");
    assert_ne!(first, second);
    let old = json!({ "code": code(play, &first) });
    play.post(Played::MARC, "/auth/2fa/verify", old).await.refused(401, "invalid_code");
    play.post(Played::MARC, "/auth/2fa/verify", json!({ "code": code(play, &second) })).await.expect(200);
    for (body, field, code) in [
        (json!({}), "code", "required"),
        (json!({ "code": "" }), "code", "too_short"),
        (json!({ "code": 123_456 }), "code", "wrong_type"),
    ] {
        play.post(Played::CLAIRE, "/auth/2fa/verify", body).await.invalid(field, code);
    }
}

async fn turning_it_off_takes_everything(play: &Played) {
    let off = |password: &str, code: &str| json!({ "password": password, "code": code });
    let (secret, codes) = turned_on(play, Played::MARC).await;
    let path = "/auth/2fa/disable";
    // The session of before the second factor still acts.
    play.post(Played::MARC, path, off(PASSWORD, &code(play, &secret))).await.refused(401, "step_up_required");
    play.post(Played::MARC, "/auth/step-up", json!({ "password": PASSWORD })).await.expect(200);
    let wrong = "cinq mots pour sortir";
    play.post(Played::MARC, path, off(wrong, &code(play, &secret))).await.refused(401, "invalid_credentials");
    play.post(Played::MARC, path, off(PASSWORD, "000000")).await.refused(401, "invalid_code");
    play.post(Played::MARC, path, off(PASSWORD, &code(play, &secret))).await.expect(200);
    assert_eq!(play.get(Played::MARC, "/auth/me").await.json["twoFactorEnabled"], false);
    login(play, Played::MARC, json!({})).await.expect(200);
    play.post(Played::MARC, path, off(PASSWORD, "000000")).await.refused(409, "two_factor_off");
    // On again, it is another secret with other codes.
    turned_on(play, Played::MARC).await;
    login(play, Played::MARC, json!({ "code": code(play, &secret) })).await.refused(401, "invalid_code");
    login(play, Played::MARC, json!({ "backupCode": codes[0] })).await.refused(401, "invalid_code");
}

/// Whoever has lost the device is not held to it for ever.
async fn a_backup_code_turns_it_off(play: &Played) {
    let (_, codes) = turned_on(play, Played::MARC).await;
    let off = |code: &str| json!({ "password": PASSWORD, "code": code });
    // Until the second factor is off, one code is good for one thing, however it is typed.
    let typed = codes[0].to_lowercase().replace('-', " ");
    let proved = play.post(Played::MARC, "/auth/step-up", json!({ "code": typed })).await;
    assert_eq!(*proved.expect(200), json!({ "expiresIn": 300 }));
    for path in ["/auth/step-up", "/auth/2fa/disable"] {
        let body = if path == "/auth/step-up" { json!({ "code": codes[0] }) } else { off(&codes[0]) };
        play.post(Played::MARC, path, body).await.refused(401, "invalid_code");
    }
    login(play, Played::MARC, json!({ "backupCode": codes[0] })).await.refused(401, "invalid_code");
    let wrong = json!({ "password": "cinq mots pour sortir", "code": codes[1] });
    play.post(Played::MARC, "/auth/2fa/disable", wrong).await.refused(401, "invalid_credentials");
    play.post(Played::MARC, "/auth/2fa/disable", off("AAAA-AAAA-AAAA-AAAA")).await.refused(401, "invalid_code");
    play.post(Played::MARC, "/auth/2fa/disable", off(&"A".repeat(65))).await.invalid("code", "too_long");
    // A code that a wrong password came with is not used up.
    play.post(Played::MARC, "/auth/2fa/disable", off(&codes[1])).await.expect(200);
    login(play, Played::MARC, json!({})).await.expect(200);
    // Somebody without a second factor has no code at all.
    play.post(Played::MARC, "/auth/step-up", json!({ "code": codes[2] })).await.refused(401, "invalid_code");
    let done = play.done_to(&play.account_of(Played::MARC).await);
    let wanted = |action: &&String| action.starts_with("STEP_UP") || action.starts_with("DISABLE_TWO_FACTOR");
    let mut kept: Vec<&str> = done.iter().filter(wanted).map(String::as_str).collect();
    kept.sort_unstable();
    let (off, refused) = ("DISABLE_TWO_FACTOR", "DISABLE_TWO_FACTOR!");
    assert_eq!(kept, [off, refused, refused, refused, "STEP_UP", "STEP_UP!", "STEP_UP!"], "each leaves a trace");
}

async fn stepping_up_lasts_five_minutes_of_one_session(play: &Played) {
    let (secret, _) = turned_on(play, Played::MARC).await;
    let path = "/auth/step-up";
    for (body, field, code) in [
        (json!({}), "password", "required"),
        (json!({ "password": PASSWORD, "code": "000000" }), "code", "not_allowed"),
        (json!({ "pin": "0000" }), "pin", "unknown_field"),
    ] {
        play.post(Played::MARC, path, body).await.invalid(field, code);
    }
    let wrong = json!({ "password": "cinq mots pour sortir" });
    play.post(Played::MARC, path, wrong).await.refused(401, "invalid_credentials");
    play.post(Played::CLAIRE, path, json!({ "code": "000000" })).await.refused(401, "invalid_code");
    play.advance(SignedDuration::from_secs(1));
    let proved = play.post(Played::MARC, path, json!({ "code": code(play, &secret) })).await;
    assert_eq!(*proved.expect(200), json!({ "expiresIn": 300 }));
    let off = json!({ "password": PASSWORD, "code": "000000" });
    play.advance(SignedDuration::from_secs(300));
    play.post(Played::MARC, "/auth/2fa/disable", off.clone()).await.refused(401, "invalid_code");
    // Another session has not proved anything.
    let other = login(play, Played::MARC, json!({ "code": code(play, &secret) })).await.text_at("/accessToken");
    let request =
        TestRequest::post().uri("/auth/2fa/disable").insert_header(("authorization", format!("Bearer {other}")));
    play.send(request.set_json(&off)).await.refused(401, "step_up_required");
    play.advance(SignedDuration::from_secs(1));
    play.post(Played::MARC, "/auth/2fa/disable", off).await.refused(401, "step_up_required");
    let account = play.account_of(Played::MARC).await;
    let done = play.done_to(&account);
    let proofs: Vec<_> = done.iter().filter(|action| action.starts_with("STEP_UP")).collect();
    assert_eq!(proofs, ["STEP_UP!", "STEP_UP"]);
    let refused = done.iter().filter(|action| *action == "DISABLE_TWO_FACTOR!").count();
    assert_eq!(refused, 3, "each leaves a trace");
}

async fn a_reset_does_not_skip_it(play: &Played) {
    let (secret, _) = turned_on(play, Played::MARC).await;
    play.empty_mailboxes();
    play.post(NOBODY, "/auth/forgot-password", json!({ "email": Played::MARC })).await.expect(202);
    let token = play.token_from_letter(Played::MARC);
    play.post(NOBODY, "/auth/reset-password", json!({ "token": token, "newPassword": PASSWORD })).await.expect(200);
    login(play, Played::MARC, json!({})).await.refused(401, "two_factor_required");
    login(play, Played::MARC, json!({ "code": code(play, &secret) })).await.expect(200);
}

async fn a_new_device_is_told_of(play: &Played) {
    let from = async |agent: &str| {
        let body = json!({ "email": Played::MARC, "password": PASSWORD });
        let request = TestRequest::post().uri("/auth/login").insert_header(("user-agent", agent.to_owned()));
        play.send(request.set_json(body)).await.text_at("/accessToken")
    };
    from("Firefox").await;
    let token = from("Firefox").await;
    assert_eq!(play.subjects_to(Played::MARC), Vec::<String>::new(), "the first device is no news");
    from("Safari <b>").await;
    from("Safari <b>").await;
    let letters = play.letters_to(Played::MARC);
    assert_eq!(
        letters.iter().map(|letter| letter.subject.as_str()).collect::<Vec<_>>(),
        ["Nouvelle connexion à votre compte"]
    );
    assert!(letters[0].text.contains("Safari <b>") && letters[0].text.contains("203.0.113.0"), "{}", letters[0].text);
    assert!(letters[0].html.contains("Safari &lt;b&gt;"), "{}", letters[0].html);
    let told = play.get_with(&token, "/notifications").await;
    assert_eq!(told.each("data"), [json!({ "event": "NEW_SIGN_IN" })]);
}

async fn who_guesses_is_shut_out_for_a_while(play: &Played) {
    let (secret, codes) = turned_on(play, Played::MARC).await;
    let wrong = || if code(play, &secret) == "000000" { "111111" } else { "000000" };
    for door in 0..10 {
        let body = json!({ "code": wrong() });
        let answer = if door % 2 == 0 {
            login(play, Played::MARC, body).await
        } else {
            play.post(Played::MARC, "/auth/step-up", body).await
        };
        answer.refused(401, "invalid_code");
    }
    let right = json!({ "code": code(play, &secret) });
    login(play, Played::MARC, right.clone()).await.refused(401, "invalid_code");
    play.post(Played::MARC, "/auth/step-up", right).await.refused(401, "invalid_code");
    // Nobody guesses a backup code.
    login(play, Played::MARC, json!({ "backupCode": codes[0] })).await.expect(200);
    play.advance(SignedDuration::from_mins(15));
    login(play, Played::MARC, json!({ "code": code(play, &secret) })).await.expect(200);
}
