//! Registration: an account by the domain of an address or by an invitation, and confirming the address.
use huntzen_tests::{
    api::{Answer, NOBODY, PASSWORD, Played},
    api_suite,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

api_suite! {
    an_employee_registers_by_domain_and_confirms_the_address,
    registration_refuses_what_it_must,
    a_verification_token_is_good_once_and_for_a_day,
    verification_letters_are_sent_again_to_those_who_wait_alone,
    an_invited_address_without_its_token_is_invited_again,
    an_invitation_completes_the_account_of_its_address,
    an_invitation_is_good_once_and_for_a_week,
}

const NINA: &str = "nina.roux@alpha.example";

fn new_account(email: &str) -> Value {
    json!({ "email": email, "password": PASSWORD, "firstName": "Nina", "lastName": "Roux" })
}

fn with(mut body: Value, field: &str, value: impl Into<Value>) -> Value {
    body[field] = value.into();
    body
}

async fn register(play: &Played, body: Value) -> Answer {
    play.post(NOBODY, "/auth/register", body).await
}

async fn verify(play: &Played, token: &str) -> Answer {
    play.post(NOBODY, "/auth/verify-email", json!({ "token": token })).await
}

async fn an_employee_registers_by_domain_and_confirms_the_address(play: &Played) {
    let answer = register(play, new_account(" Nina.Roux@ALPHA.example ")).await;
    answer.expect(201);
    assert_eq!(answer.header("location"), Some("/auth/me"));
    let id = answer.text_at("/user/id");
    let user = json!({
        "id": id, "email": NINA, "firstName": "Nina", "lastName": "Roux", "role": "EMPLOYEE", "companyId": play.alpha,
    });
    let message = "Un courriel vient de vous être envoyé : suivez son lien pour continuer.";
    assert_eq!(answer.json, json!({ "user": user, "message": message }));
    play.advance(SignedDuration::from_secs(1));
    play.sign_in(NINA).await.refused(401, "email_not_verified");
    play.advance(SignedDuration::from_secs(1));
    register(play, new_account(NINA)).await.refused(409, "email_taken");

    let letters = play.letters_to(NINA);
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].subject, "Confirmez votre adresse e-mail");
    let token = play.token_from_letter(NINA);
    answer.must_not_tell(&token);
    let verified = verify(play, &token).await;
    assert_eq!(*verified.expect(200), json!({ "user": user }));
    play.advance(SignedDuration::from_secs(1));
    let me = play.get(NINA, "/auth/me").await;
    assert_eq!((&me.json["emailVerified"], &me.json["isActive"]), (&json!(true), &json!(true)));
    assert_eq!(play.done_to(&id), ["REGISTER", "LOGIN_FAILED!", "VERIFY_EMAIL", "LOGIN"]);
    // An employee of the company like any other.
    assert_eq!(play.get(NINA, "/employees/me").await.expect(200)["status"], "ELIGIBLE");
    let listed = play.get(Played::HR, "/employees?q=nina").await;
    assert_eq!(listed.each("email"), [NINA]);
}

async fn registration_refuses_what_it_must(play: &Played) {
    for stranger in ["nina@nowhere.example", "nina@mail.alpha.example", "nina@alpha.example.org", "nina@gmail.com"] {
        register(play, new_account(stranger)).await.refused(400, "no_eligible_company");
    }
    for (field, value) in [
        ("role", json!("SUPER_ADMIN")),
        ("roleId", json!("R1_PSG_SUPER")),
        ("companyId", json!(play.alpha)),
        ("isActive", json!(true)),
    ] {
        register(play, with(new_account(NINA), field, value)).await.invalid(field, "unknown_field");
    }
    for (field, value, code) in [
        ("email", "nina", "invalid_email"),
        ("email", "nina@alpha@example", "invalid_email"),
        ("email", "", "too_short"),
        ("firstName", "", "too_short"),
        ("firstName", "   ", "required"),
        ("lastName", &"x".repeat(101), "too_long"),
        ("lastName", "a\u{7}b", "invalid_characters"),
        ("firstName", "Léa\nVotre compte est fermé : https://evil.example", "invalid_characters"),
        ("password", "elevenchars", "too_short"),
        ("password", &"é".repeat(37), "too_long"),
        ("password", "Motdepasse123", "too_common"),
        ("password", "je suis NINA.ROUX", "contains_email"),
    ] {
        register(play, with(new_account(NINA), field, value)).await.invalid(field, code);
    }
    register(play, json!({ "email": NINA })).await.refused(400, "validation_failed");
    register(play, new_account(Played::SOPHIE)).await.refused(409, "email_taken");
    play.post(Played::ADMIN, &format!("/companies/{}/suspend", play.beta), Value::Null).await.expect(200);
    register(play, new_account("nina@beta.example")).await.refused(400, "no_eligible_company");
    assert!(play.letters_to("nina@beta.example").is_empty());
    // Nothing of all that made an account; 72 bytes are a password.
    let longest = "éàèùîôêâûëïü".repeat(3);
    register(play, with(new_account(NINA), "password", longest.clone())).await.expect(201);
    verify(play, &play.token_from_letter(NINA)).await.expect(200);
    play.post(NOBODY, "/auth/login", json!({ "email": NINA, "password": longest })).await.expect(200);
}

async fn a_verification_token_is_good_once_and_for_a_day(play: &Played) {
    register(play, new_account(NINA)).await.expect(201);
    let token = play.token_from_letter(NINA);
    for nonsense in ["x", &"0".repeat(64), &token[1..], &token.to_uppercase()] {
        verify(play, nonsense).await.refused(404, "not_found");
    }
    // It is for this alone.
    let reset = json!({ "token": token, "newPassword": "un tout autre mot" });
    play.post(NOBODY, "/auth/reset-password", reset).await.refused(404, "not_found");
    let accept = json!({ "token": token, "password": "un tout autre mot" });
    play.post(NOBODY, "/employees/activate", accept).await.refused(404, "not_found");
    play.advance(SignedDuration::from_secs(24 * 3600 - 1));
    verify(play, &token).await.expect(200);
    verify(play, &token).await.refused(404, "not_found");

    let late = "late.riser@alpha.example";
    register(play, new_account(late)).await.expect(201);
    let token = play.token_from_letter(late);
    play.advance(SignedDuration::from_hours(24));
    verify(play, &token).await.refused(404, "not_found");
    play.sign_in(late).await.refused(401, "email_not_verified");
    play.post(NOBODY, "/auth/verify-email", json!({ "token": "" })).await.invalid("token", "too_short");
}

async fn verification_letters_are_sent_again_to_those_who_wait_alone(play: &Played) {
    register(play, new_account(NINA)).await.expect(201);
    let first = play.token_from_letter(NINA);
    play.empty_mailboxes();
    let invited = "zoe@alpha.example";
    let body = json!({ "email": invited, "firstName": "Zoé", "lastName": "Blanc" });
    play.post(Played::HR, "/employees", body).await.expect(201);
    play.empty_mailboxes();
    for email in [NINA, Played::MARC, invited, "nobody@alpha.example", "nobody@nowhere.example"] {
        let answer = play.post(NOBODY, "/auth/resend-verification", json!({ "email": email })).await;
        answer.expect(202);
        assert!(answer.bytes.is_empty(), "{email}");
    }
    assert_eq!(play.letters_to(NINA).len(), 1);
    for silent in [Played::MARC, invited, "nobody@alpha.example"] {
        assert!(play.letters_to(silent).is_empty(), "{silent}");
    }
    verify(play, &first).await.refused(404, "not_found");
    verify(play, &play.token_from_letter(NINA)).await.expect(200);
    play.post(NOBODY, "/auth/resend-verification", json!({ "email": "x" })).await.invalid("email", "invalid_email");
}

async fn an_invited_address_without_its_token_is_invited_again(play: &Played) {
    let body = json!({ "email": NINA, "firstName": "Ninon", "lastName": "Rousse", "department": "Ventes" });
    play.post(Played::HR, "/employees", body).await.expect(201);
    let first = play.token_from_letter(NINA);
    play.empty_mailboxes();

    let answer = register(play, new_account(NINA)).await;
    answer.expect(201);
    let user = json!({
        "id": answer.json["user"]["id"], "email": NINA, "firstName": "Nina", "lastName": "Roux",
        "role": "EMPLOYEE", "companyId": play.alpha,
    });
    let message = "Un courriel vient de vous être envoyé : suivez son lien pour continuer.";
    assert_eq!(answer.json, json!({ "user": user, "message": message }));
    assert!(play.account(NINA).password.is_none());
    play.sign_in(NINA).await.refused(401, "invalid_credentials");
    assert_eq!(play.letters_to(NINA).len(), 1);
    assert_eq!(play.letters_to(NINA)[0].subject, "Votre invitation");
    // The letter that came first is void, and the names are still those that HR gave.
    let second = play.token_from_letter(NINA);
    let accept = |token: &str| json!({ "token": token, "password": PASSWORD });
    play.post(NOBODY, "/employees/activate", accept(&first)).await.refused(404, "not_found");
    let accepted = play.post(NOBODY, "/employees/activate", accept(&second)).await;
    assert_eq!(accepted.expect(200)["user"]["firstName"], "Ninon");
    play.sign_in(NINA).await.expect(200);

    // Of an invited administrator it tells neither role nor name.
    let admin = json!({ "email": "ada@huntzen.example", "firstName": "Ada", "lastName": "L", "role": "SUPER_ADMIN" });
    play.post(Played::OPERATOR, "/super-admin/admins", admin).await.expect(201);
    let answer = register(play, new_account("ada@huntzen.example")).await;
    assert_eq!(answer.expect(201)["user"]["role"], "EMPLOYEE");
    answer.must_not_tell("Ada");
    assert_eq!(play.letters_to("ada@huntzen.example").len(), 2);
}

async fn an_invitation_completes_the_account_of_its_address(play: &Played) {
    // The domain of an invited practitioner is no company's.
    let paula = "paula.petit@huntzen.example";
    let body = json!({
        "email": paula, "firstName": "Paula", "lastName": "Petit", "profession": "COACH",
        "specialties": ["Stress"], "languages": ["fr"],
    });
    play.post(Played::ADMIN, "/practitioners", body).await.expect(201);
    let token = play.token_from_letter(paula);
    let asked = with(new_account(paula), "invitationToken", token.clone());
    let other = with(asked.clone(), "email", NINA);
    register(play, other).await.invalid("email", "invitation_mismatch");
    register(play, with(asked.clone(), "password", "court")).await.invalid("password", "too_short");
    register(play, with(asked.clone(), "invitationToken", "0".repeat(64))).await.refused(404, "not_found");
    register(play, with(asked.clone(), "role", "SUPER_ADMIN")).await.invalid("role", "unknown_field");

    let answer = register(play, asked.clone()).await;
    let user = &answer.expect(201)["user"];
    assert_eq!((&user["role"], &user["companyId"]), (&json!("PRACTITIONER"), &Value::Null));
    assert_eq!(answer.json["message"], "Votre compte est prêt : vous pouvez vous connecter.");
    answer.must_not_tell(&token);
    play.sign_in(paula).await.expect(200);
    let done = play.done_to(&answer.text_at("/user/id"));
    assert!(done.contains(&"ACCEPT_INVITATION".to_owned()), "{done:?}");
    register(play, asked).await.refused(404, "not_found");

    // An employee's own names win.
    let body = json!({ "email": NINA, "firstName": "Ninon", "lastName": "Rousse" });
    play.post(Played::HR, "/employees", body).await.expect(201);
    let token = play.token_from_letter(NINA);
    register(play, with(new_account(NINA), "invitationToken", token)).await.expect(201);
    let me = play.get(NINA, "/employees/me").await;
    assert_eq!((&me.expect(200)["firstName"], &me.json["lastName"]), (&json!("Nina"), &json!("Roux")));
}

async fn an_invitation_is_good_once_and_for_a_week(play: &Played) {
    let body = json!({ "email": NINA, "firstName": "Nina", "lastName": "Roux" });
    play.post(Played::HR, "/employees", body).await.expect(201);
    let token = play.token_from_letter(NINA);
    let accept = |token: &str, password: &str| json!({ "token": token, "password": password });
    let refused = play.post(NOBODY, "/employees/activate", accept(&token, "moi, nina.roux!")).await;
    refused.invalid("password", "contains_email");
    // It chooses a first password; it resets none.
    let reset = json!({ "token": token, "newPassword": PASSWORD });
    play.post(NOBODY, "/auth/reset-password", reset).await.refused(404, "not_found");
    play.advance(SignedDuration::from_secs(7 * 24 * 3600 - 1));
    let answer = play.post(NOBODY, "/employees/activate", accept(&token, PASSWORD)).await;
    assert_eq!(answer.expect(200)["user"]["email"], NINA);
    assert_eq!(answer.json.as_object().unwrap().len(), 1);
    play.post(NOBODY, "/employees/activate", accept(&token, "un autre mot de passe")).await.refused(404, "not_found");
    play.sign_in(NINA).await.expect(200);

    let late = "late.riser@alpha.example";
    let body = json!({ "email": late, "firstName": "Luc", "lastName": "Tard" });
    play.post(Played::HR, "/employees", body).await.expect(201);
    let token = play.token_from_letter(late);
    play.advance(SignedDuration::from_hours(7 * 24));
    play.post(NOBODY, "/employees/activate", accept(&token, PASSWORD)).await.refused(404, "not_found");
    let asked = with(new_account(late), "invitationToken", token);
    register(play, asked).await.refused(404, "not_found");
    play.sign_in(late).await.refused(401, "invalid_credentials");
}
