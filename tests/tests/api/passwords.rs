//! Passwords: forgotten, reset by letter, changed by those who know them, and what may be one.
use huntzen_tenancy::{FieldError, TenancyError, identity::FirstOperator};
use huntzen_tests::{
    api::{Answer, NOBODY, PASSWORD, Played},
    api_suite,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

api_suite! {
    a_forgotten_password_is_told_to_the_mailbox_alone,
    a_reset_ends_every_session_and_is_good_once,
    a_reset_token_lasts_an_hour_and_the_newest_counts,
    a_changed_password_ends_the_other_sessions,
    every_new_password_keeps_the_rules,
}

const NEW: &str = "un tout nouveau mot";

async fn forgot(play: &Played, email: &str) -> Answer {
    play.post(NOBODY, "/auth/forgot-password", json!({ "email": email })).await
}

async fn reset(play: &Played, token: &str, password: &str) -> Answer {
    play.post(NOBODY, "/auth/reset-password", json!({ "token": token, "newPassword": password })).await
}

async fn change(play: &Played, who: &str, current: &str, new: &str) -> Answer {
    let body = json!({ "currentPassword": current, "newPassword": new });
    play.post(who, "/auth/change-password", body).await
}

async fn sign_in_with(play: &Played, email: &str, password: &str) -> Answer {
    play.post(NOBODY, "/auth/login", json!({ "email": email, "password": password })).await
}

async fn block(play: &Played, email: &str) {
    let id = play.account(email).id;
    play.post(Played::OPERATOR, &format!("/super-admin/users/{id}/block"), Value::Null).await.expect(200);
}

async fn a_forgotten_password_is_told_to_the_mailbox_alone(play: &Played) {
    let invited = "zoe@alpha.example";
    let body = json!({ "email": invited, "firstName": "Zoé", "lastName": "Blanc" });
    play.post(Played::HR, "/employees", body).await.expect(201);
    block(play, Played::CLAIRE).await;
    play.empty_mailboxes();
    let strangers = ["nobody@alpha.example", "nobody@nowhere.example", invited, Played::CLAIRE];
    for email in [&[Played::MARC][..], &strangers].concat() {
        let answer = forgot(play, email).await;
        answer.expect(202);
        assert!(answer.bytes.is_empty(), "{email}");
    }
    assert_eq!(play.letters_to(Played::MARC).len(), 1);
    for email in strangers {
        assert!(play.letters_to(email).is_empty(), "{email}");
    }
    let trail = play.trail(&play.account(Played::MARC).id.to_string());
    let asked = trail.iter().find(|entry| entry.action.to_string() == "FORGOT_PASSWORD").unwrap();
    assert_eq!(asked.actor, None, "whoever asks has not proved to be the owner");
    // Asking changes nothing yet.
    play.sign_in(Played::MARC).await.expect(200);
    forgot(play, "marc").await.invalid("email", "invalid_email");
    play.post(NOBODY, "/auth/forgot-password", json!({})).await.invalid("email", "required");
}

async fn a_reset_ends_every_session_and_is_good_once(play: &Played) {
    let before = play.sign_in(Played::MARC).await;
    let (access, refresh) = (before.text_at("/accessToken"), before.text_at("/refreshToken"));
    play.get_with(&access, "/auth/me").await.expect(200);
    forgot(play, Played::MARC).await.expect(202);
    let token = play.token_from_letter(Played::MARC);
    // A password that is refused does not use the token up.
    reset(play, &token, "court").await.invalid("newPassword", "too_short");
    reset(play, &token, "moi c'est marc.dupont").await.invalid("newPassword", "contains_email");
    let answer = reset(play, &token, NEW).await;
    answer.expect(200);
    assert!(answer.bytes.is_empty());
    play.get_with(&access, "/auth/me").await.refused(401, "session_ended");
    let body = json!({ "refreshToken": refresh });
    play.post(NOBODY, "/auth/refresh", body).await.refused(401, "invalid_refresh_token");
    play.sign_in(Played::MARC).await.refused(401, "invalid_credentials");
    sign_in_with(play, Played::MARC, NEW).await.expect(200);
    let subjects: Vec<String> = play.letters_to(Played::MARC).into_iter().map(|letter| letter.subject).collect();
    assert_eq!(subjects, ["Choisissez un nouveau mot de passe", "Votre mot de passe a changé"]);
    let done = play.done_to(&play.account(Played::MARC).id.to_string());
    assert!(done.contains(&"RESET_PASSWORD".to_owned()), "{done:?}");

    reset(play, &token, "encore un autre mot").await.refused(404, "not_found");
    reset(play, &"0".repeat(64), NEW).await.refused(404, "not_found");
    // It confirms no address.
    let verify = json!({ "token": token });
    play.post(NOBODY, "/auth/verify-email", verify).await.refused(404, "not_found");
    sign_in_with(play, Played::MARC, NEW).await.expect(200);
}

async fn a_reset_token_lasts_an_hour_and_the_newest_counts(play: &Played) {
    forgot(play, Played::MARC).await.expect(202);
    let first = play.token_from_letter(Played::MARC);
    forgot(play, Played::MARC).await.expect(202);
    let second = play.token_from_letter(Played::MARC);
    assert_ne!(first, second);
    reset(play, &first, NEW).await.refused(404, "not_found");
    play.advance(SignedDuration::from_secs(3599));
    reset(play, &second, NEW).await.expect(200);

    forgot(play, Played::CLAIRE).await.expect(202);
    let late = play.token_from_letter(Played::CLAIRE);
    play.advance(SignedDuration::from_hours(1));
    reset(play, &late, NEW).await.refused(404, "not_found");
    // Nor does a letter help whoever was blocked since.
    forgot(play, Played::CLAIRE).await.expect(202);
    let token = play.token_from_letter(Played::CLAIRE);
    block(play, Played::CLAIRE).await;
    reset(play, &token, NEW).await.refused(404, "not_found");
    // An unconfirmed address stays so, whatever its password.
    let nina = json!({
        "email": "nina@alpha.example", "password": PASSWORD, "firstName": "Nina", "lastName": "Roux",
    });
    play.post(NOBODY, "/auth/register", nina).await.expect(201);
    play.advance(SignedDuration::from_secs(1));
    forgot(play, "nina@alpha.example").await.expect(202);
    let token = play.token_from_letter("nina@alpha.example");
    reset(play, &token, NEW).await.expect(200);
    sign_in_with(play, "nina@alpha.example", NEW).await.refused(401, "email_not_verified");
}

async fn a_changed_password_ends_the_other_sessions(play: &Played) {
    let other = play.sign_in(Played::MARC).await;
    let (access, refresh) = (other.text_at("/accessToken"), other.text_at("/refreshToken"));
    let own = play.token_of(Played::MARC).await;
    for token in [&access, &own] {
        play.get_with(token, "/auth/me").await.expect(200);
    }
    change(play, Played::MARC, "not the password", NEW).await.invalid("currentPassword", "wrong_password");
    change(play, Played::MARC, PASSWORD, "elevenchars").await.invalid("newPassword", "too_short");
    change(play, NOBODY, PASSWORD, NEW).await.refused(401, "unauthenticated");
    play.get_with(&access, "/auth/me").await.expect(200);

    let answer = change(play, Played::MARC, PASSWORD, NEW).await;
    answer.expect(200);
    assert!(answer.bytes.is_empty());
    play.get_with(&access, "/auth/me").await.refused(401, "session_ended");
    let body = json!({ "refreshToken": refresh });
    play.post(NOBODY, "/auth/refresh", body).await.refused(401, "invalid_refresh_token");
    play.get_with(&own, "/auth/me").await.expect(200);
    assert_eq!(play.get_with(&own, "/auth/sessions").await.each("current"), [true]);
    play.sign_in(Played::MARC).await.refused(401, "invalid_credentials");
    sign_in_with(play, Played::MARC, NEW).await.expect(200);
    let letters = play.letters_to(Played::MARC);
    assert_eq!(letters.last().unwrap().subject, "Votre mot de passe a changé");
    let done = play.done_to(&play.account(Played::MARC).id.to_string());
    assert!(done.contains(&"CHANGE_PASSWORD".to_owned()), "{done:?}");
}

async fn every_new_password_keeps_the_rules(play: &Played) {
    let nina = "nina.roux@alpha.example";
    let body = json!({ "email": nina, "firstName": "Nina", "lastName": "Roux" });
    play.post(Played::HR, "/employees", body).await.expect(201);
    let invitation = play.token_from_letter(nina);
    forgot(play, Played::CLAIRE).await.expect(202);
    let token = play.token_from_letter(Played::CLAIRE);
    for (password, code) in [
        ("", "too_short"),
        ("onze signes", "too_short"),
        (&"x".repeat(73), "too_long"),
        (&"é".repeat(37), "too_long"),
        ("PASSWORD1234", "too_common"),
        ("M0t-de-p@sse 2027", "too_common"),
        ("azertyuiop123", "too_common"),
        ("06 12 34 56 78 90", "too_common"),
        ("            ", "too_common"),
        ("Alpha-2027!!!", "too_common"),
        ("nul\u{0} dans le mot", "invalid_characters"),
    ] {
        let accept = json!({ "token": invitation, "password": password });
        play.post(NOBODY, "/employees/activate", accept).await.invalid("password", code);
        reset(play, &token, password).await.invalid("newPassword", code);
        change(play, Played::MARC, PASSWORD, password).await.invalid("newPassword", code);
    }
    change(play, Played::MARC, PASSWORD, "Marc.Dupont 2027!").await.invalid("newPassword", "contains_email");
    let operator = FirstOperator {
        email: "ada@huntzen.example".to_owned(),
        password: "Bienvenue-2027".into(),
        first_name: "Ada".to_owned(),
        last_name: "Exemple".to_owned(),
    };
    let made = play.services.super_administration.create_first(&operator);
    let Err(TenancyError::Invalid(errors)) = made else { panic!("{made:?}") };
    assert_eq!(errors, [FieldError::new("password", "too_common")]);
    // A short local part is in too many words to be refused.
    let short = "luc@alpha.example";
    let body = json!({ "email": short, "password": "luc va au marché", "firstName": "Luc", "lastName": "Roy" });
    play.post(NOBODY, "/auth/register", body).await.expect(201);
    // Twelve bytes and seventy-two are enough and not too many; blanks count.
    for password in ["douze signes", &"éàèùîôêâûëïü".repeat(3), "un mot, ici "] {
        let now = if password.starts_with('d') { PASSWORD } else { "douze signes" };
        change(play, Played::MARC, now, password).await.expect(200);
        change(play, Played::MARC, password, "douze signes").await.expect(200);
    }
}
