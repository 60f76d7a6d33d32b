//! Another address for one's own account.
use huntzen_tests::{
    api::{NOBODY, PASSWORD, Played},
    api_suite,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

api_suite! {
    an_address_changes_once_it_is_confirmed,
    it_takes_a_proof_that_it_is_you,
    another_accounts_address_is_told_to_its_owner_alone,
    a_token_is_good_once_and_for_a_day,
    an_address_that_was_taken_meanwhile_stays_theirs,
    a_new_password_voids_what_was_asked_for,
    nothing_tells_whether_an_address_has_an_account,
    a_work_address_stays_its_employees,
}

const NEW: &str = "marc@maison.example";

async fn ask(play: &Played, who: &str, new_email: &str) {
    play.post(who, "/auth/step-up", json!({ "password": PASSWORD })).await.expect(200);
    play.post(who, "/users/me/email", json!({ "newEmail": new_email })).await.expect(202);
}

async fn confirm(play: &Played, token: &str) -> huntzen_tests::api::Answer {
    play.post(NOBODY, "/users/me/email/confirm", json!({ "token": token })).await
}

async fn an_address_changes_once_it_is_confirmed(play: &Played) {
    let listed = play.get(Played::HR, &format!("/employees/{}", play.marc)).await;
    ask(play, Played::MARC, " Marc@Maison.example ").await;
    assert_eq!(play.subjects_to(Played::MARC), Vec::<String>::new());
    assert_eq!(play.subjects_to(NEW), ["Confirmez votre nouvelle adresse"]);
    assert_eq!(play.get(Played::MARC, "/auth/me").await.json["email"], Played::MARC, "nothing has changed yet");
    let token = play.token_of(Played::MARC).await;
    confirm(play, &play.token_from_letter(NEW)).await.expect(200);
    assert_eq!(play.get_with(&token, "/auth/me").await.json["email"], NEW, "at once");
    assert_eq!(play.subjects_to(Played::MARC), ["L'adresse de votre compte a changé"]);
    let login =
        async |email: &str| play.post(NOBODY, "/auth/login", json!({ "email": email, "password": PASSWORD })).await;
    login(Played::MARC).await.refused(401, "invalid_credentials");
    login(NEW).await.expect(200);
    assert_eq!(play.inbox_of(NEW).await, ["ACCOUNT_SECURITY"]);
    // HR knows the person as before, and learns of nothing.
    let still = play.get(Played::HR, &format!("/employees/{}", play.marc)).await;
    still.must_look_like(&listed);
    still.must_not_tell("maison");
    let account = play.account_of(NEW).await;
    let done = play.done_to(&account);
    assert!(done.contains(&"ASK_EMAIL_CHANGE".to_owned()) && done.contains(&"CHANGE_EMAIL".to_owned()), "{done:?}");
}

async fn it_takes_a_proof_that_it_is_you(play: &Played) {
    let path = "/users/me/email";
    play.post(Played::MARC, path, json!({ "newEmail": NEW })).await.refused(401, "step_up_required");
    play.post(Played::MARC, "/auth/step-up", json!({ "password": PASSWORD })).await.expect(200);
    for (body, code) in [
        (json!({ "newEmail": "nowhere" }), "invalid_email"),
        (json!({ "newEmail": Played::MARC }), "unchanged"),
        (json!({}), "required"),
        (json!({ "newEmail": Value::Null }), "wrong_type"),
    ] {
        play.post(Played::MARC, path, body).await.invalid("newEmail", code);
    }
    play.advance(SignedDuration::from_secs(301));
    play.post(Played::MARC, path, json!({ "newEmail": NEW })).await.refused(401, "step_up_required");
    play.post(NOBODY, path, json!({ "newEmail": NEW })).await.refused(401, "unauthenticated");
    assert_eq!(play.subjects_to(NEW), Vec::<String>::new());
}

async fn another_accounts_address_is_told_to_its_owner_alone(play: &Played) {
    ask(play, Played::MARC, Played::LEA).await;
    assert_eq!(play.subjects_to(Played::LEA), ["Votre adresse a été demandée"]);
    assert_eq!(play.subjects_to(Played::MARC), Vec::<String>::new());
    assert_eq!(play.get(Played::MARC, "/auth/me").await.json["email"], Played::MARC);
}

async fn a_token_is_good_once_and_for_a_day(play: &Played) {
    ask(play, Played::MARC, "premiere@maison.example").await;
    let first = play.token_from_letter("premiere@maison.example");
    play.advance(SignedDuration::from_secs(1));
    ask(play, Played::MARC, NEW).await;
    confirm(play, &first).await.refused(404, "not_found");
    let second = play.token_from_letter(NEW);
    play.advance(SignedDuration::from_hours(24));
    confirm(play, &second).await.refused(404, "not_found");
    play.forget_tokens();
    ask(play, Played::MARC, NEW).await;
    let third = play.token_from_letter(NEW);
    // It is no token of any other kind.
    let reset = json!({ "token": third, "newPassword": "cinq mots pour rentrer ici" });
    play.post(NOBODY, "/auth/reset-password", reset).await.refused(404, "not_found");
    play.post(NOBODY, "/auth/verify-email", json!({ "token": third })).await.refused(404, "not_found");
    confirm(play, &third).await.expect(200);
    confirm(play, &third).await.refused(404, "not_found");
    confirm(play, &"0".repeat(64)).await.refused(404, "not_found");
}

async fn an_address_that_was_taken_meanwhile_stays_theirs(play: &Played) {
    ask(play, Played::MARC, NEW).await;
    play.advance(SignedDuration::from_secs(1));
    ask(play, Played::CLAIRE, NEW).await;
    let letters = play.letters_to(NEW);
    let token = |at: usize| {
        let (_, rest) = letters[at].text.split_once("token=").unwrap();
        rest.chars().take_while(char::is_ascii_alphanumeric).collect::<String>()
    };
    confirm(play, &token(0)).await.expect(200);
    confirm(play, &token(1)).await.refused(409, "email_taken");
    play.forget_tokens();
    assert_eq!(play.get(Played::CLAIRE, "/auth/me").await.json["email"], Played::CLAIRE);
}

async fn a_new_password_voids_what_was_asked_for(play: &Played) {
    ask(play, Played::MARC, NEW).await;
    let token = play.token_from_letter(NEW);
    play.post(NOBODY, "/auth/forgot-password", json!({ "email": Played::MARC })).await.expect(202);
    let reset = json!({ "token": play.token_from_letter(Played::MARC), "newPassword": PASSWORD });
    play.post(NOBODY, "/auth/reset-password", reset).await.expect(200);
    confirm(play, &token).await.refused(404, "not_found");
    // And a link that went to an address is void once the account has another.
    play.forget_tokens();
    ask(play, Played::MARC, NEW).await;
    let token = play.token_from_letter(NEW);
    play.post(NOBODY, "/auth/forgot-password", json!({ "email": Played::MARC })).await.expect(202);
    let reset = json!({ "token": play.token_from_letter(Played::MARC), "newPassword": PASSWORD });
    confirm(play, &token).await.expect(200);
    play.post(NOBODY, "/auth/reset-password", reset).await.refused(404, "not_found");
}

async fn nothing_tells_whether_an_address_has_an_account(play: &Played) {
    for asked_then in [Played::LEA, "personne@maison.example"] {
        ask(play, Played::MARC, NEW).await;
        let token = play.token_from_letter(NEW);
        play.advance(SignedDuration::from_secs(1));
        ask(play, Played::MARC, asked_then).await;
        confirm(play, &token).await.refused(404, "not_found");
        play.empty_mailboxes();
    }
}

async fn a_work_address_stays_its_employees(play: &Played) {
    let colleague = json!({ "email": Played::MARC, "firstName": "Marc", "lastName": "Dupont" });
    let path = format!("/companies/{}/admins", play.alpha);
    let before = play.post(Played::HR, &path, colleague.clone()).await;
    before.refused(409, "email_taken");
    ask(play, Played::MARC, NEW).await;
    confirm(play, &play.token_from_letter(NEW)).await.expect(200);
    play.post(Played::HR, &path, colleague.clone()).await.must_look_like(&before);
    // No invitation of any kind makes a second account of it, whoever asks, and all hear the same.
    play.post(Played::ADMIN, &path, colleague).await.must_look_like(&before);
    let practitioner = json!({
        "email": Played::MARC, "firstName": "Marc", "lastName": "Dupont", "profession": "PSYCHOLOGIST",
        "registrationNumber": "759312346", "specialties": [], "languages": ["fr"],
    });
    play.post(Played::ADMIN, "/practitioners", practitioner).await.must_look_like(&before);
    let operator = json!({ "email": Played::MARC, "firstName": "Marc", "lastName": "Dupont", "role": "ADMIN_HUNTZEN" });
    play.post(Played::OPERATOR, "/super-admin/admins", operator).await.must_look_like(&before);
    // The company that lists them lists them as before.
    let again = json!({ "email": Played::MARC, "firstName": "Marc", "lastName": "Dupont" });
    assert_eq!(play.post(Played::HR, "/employees", again).await.expect(201)["id"], json!(play.marc));
}
