//! Invitations: whoever is invited chooses a password, once and in time.
use huntzen_tests::{
    api::{Answer, NOBODY, PASSWORD, Played},
    api_suite,
};
use serde_json::{Value, json};

api_suite! {
    everybody_who_is_invited_signs_in_after_accepting,
    an_invitation_is_worth_nothing_once_used_replaced_or_expired,
    a_refused_password_leaves_the_invitation_open,
}

async fn accept(play: &Played, token: &str, password: &str) -> Answer {
    play.post(NOBODY, "/employees/activate", json!({ "token": token, "password": password })).await
}

async fn invite_employee(play: &Played, address: &str) -> String {
    let body = json!({ "email": address, "firstName": "Inès", "lastName": "Roy" });
    let made = play.post(Played::HR, "/employees", body).await;
    made.expect(201);
    made.text_at("/id")
}

async fn everybody_who_is_invited_signs_in_after_accepting(play: &Played) {
    invite_employee(play, "ines@alpha.example").await;
    let colleague = json!({ "email": "rosa@alpha.example", "firstName": "Rosa", "lastName": "Roy" });
    let admins = format!("/companies/{}/admins", play.alpha);
    play.post(Played::HR, &admins, colleague).await.expect(201);
    let practitioner = json!({
        "email": "omar@huntzen.example", "firstName": "Omar", "lastName": "Roy", "profession": "COACH",
        "specialties": [], "languages": ["fr"],
    });
    play.post(Played::ADMIN, "/practitioners", practitioner).await.expect(201);

    for (address, role, subject, home) in [
        ("ines@alpha.example", "EMPLOYEE", "Votre invitation", "/employees/me"),
        ("rosa@alpha.example", "ADMIN_RH", "Votre invitation", "/companies/me"),
        ("omar@huntzen.example", "PRACTITIONER", "Votre invitation à nous rejoindre", "/practitioners/me"),
    ] {
        let company = if role == "PRACTITIONER" { Value::Null } else { json!(play.alpha) };
        play.sign_in(address).await.refused(401, "invalid_credentials");
        let letters = play.letters_to(address);
        assert_eq!(letters.iter().map(|letter| letter.subject.as_str()).collect::<Vec<_>>(), [subject]);
        let token = play.token_from_letter(address);
        assert!(letters[0].html.contains(&token), "the HTML form of the letter has no link");

        let accepted = accept(play, &token, PASSWORD).await;
        accepted.expect(200);
        let user = &accepted.json["user"];
        assert_eq!([&user["email"], &user["role"], &user["companyId"]], [&json!(address), &json!(role), &company]);
        accepted.must_not_tell(&token);
        accepted.must_not_tell(PASSWORD);
        accept(play, &token, PASSWORD).await.refused(404, "not_found");
        let me = play.get(address, "/auth/me").await;
        assert_eq!([&me.expect(200)["isActive"], &me.json["emailVerified"]], [true, true]);
        play.get(address, home).await.expect(200);
    }
}

async fn an_invitation_is_worth_nothing_once_used_replaced_or_expired(play: &Played) {
    let ines = invite_employee(play, "ines@alpha.example").await;
    let replaced = play.token_from_letter("ines@alpha.example");
    play.post(Played::HR, &format!("/employees/{ines}/resend-invitation"), Value::Null).await.expect(202);
    let withdrawn = play.token_from_letter("ines@alpha.example");
    let unknown = accept(play, &"0".repeat(64), PASSWORD).await;
    unknown.refused(404, "not_found");
    accept(play, &replaced, PASSWORD).await.must_look_like(&unknown);
    play.delete(Played::HR, &format!("/employees/{ines}/invitation")).await.expect(202);
    accept(play, &withdrawn, PASSWORD).await.must_look_like(&unknown);

    invite_employee(play, "zoe@alpha.example").await;
    invite_employee(play, "eric@alpha.example").await;
    let (late, in_time) = (play.token_from_letter("zoe@alpha.example"), play.token_from_letter("eric@alpha.example"));
    play.set_clock("2027-01-11T07:59:59Z");
    accept(play, &in_time, PASSWORD).await.expect(200);
    play.set_clock("2027-01-11T08:00:00Z");
    accept(play, &late, PASSWORD).await.must_look_like(&unknown);
    play.sign_in("zoe@alpha.example").await.refused(401, "invalid_credentials");

    // An expired one can be sent again and is good for seven days more.
    play.empty_mailboxes();
    play.post(Played::HR, "/employees/resend-invitations", Value::Null).await.expect(202);
    assert!(play.letters_to("ines@alpha.example").is_empty(), "what was withdrawn came back");
    play.set_clock("2027-01-18T07:59:59Z");
    accept(play, &late, PASSWORD).await.must_look_like(&unknown);
    accept(play, &play.token_from_letter("zoe@alpha.example"), PASSWORD).await.expect(200);
}

async fn a_refused_password_leaves_the_invitation_open(play: &Played) {
    invite_employee(play, "ines.roy@alpha.example").await;
    let token = play.token_from_letter("ines.roy@alpha.example");
    for (password, code) in [
        ("onze lettre", "too_short"),
        ("é".repeat(37).as_str(), "too_long"),
        ("password1234", "too_common"),
        ("moi, Ines.Roy, ici", "contains_email"),
    ] {
        accept(play, &token, password).await.invalid("password", code);
    }
    // Whether a token exists is not to be learnt by a bad password.
    accept(play, &"0".repeat(64), "onze lettre").await.invalid("password", "too_short");
    for (body, field, code) in [
        (json!({ "password": PASSWORD }), "token", "required"),
        (json!({ "token": token }), "password", "required"),
        (json!({ "token": token, "password": PASSWORD, "role": "ADMIN_RH" }), "role", "unknown_field"),
        (json!({ "token": 1, "password": PASSWORD }), "token", "wrong_type"),
    ] {
        play.post(NOBODY, "/employees/activate", body).await.invalid(field, code);
    }
    accept(play, &token, PASSWORD).await.expect(200);
    play.sign_in("ines.roy@alpha.example").await.expect(200);
}
