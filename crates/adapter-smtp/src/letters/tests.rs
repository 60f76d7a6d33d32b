//! Every letter, in both languages, in all its parts.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
use std::error::Error as _;

use huntzen_tenancy::{
    ids::UserId,
    outbox::{Arguments, OutboxMessage},
    words::Words,
};
use uuid::Uuid;

use super::*;
use crate::message::fixture::sender;

const TOKEN: &str = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
const CONSULTATION: &str = "3f2b8c1e-5d4a-4e6f-9a7b-0c1d2e3f4a5b";

fn letters() -> HandlebarsLetters {
    HandlebarsLetters::new("https://app.huntzen.care/", sender()).unwrap()
}

fn arguments(letter: Letter) -> Value {
    match letter {
        Letter::VerifyEmail | Letter::Invitation | Letter::PractitionerInvitation | Letter::PasswordReset => {
            json!({ "token": TOKEN })
        }
        Letter::PasswordChanged | Letter::CompanyValidated | Letter::EmailTaken => json!({}),
        Letter::MessageUnread => json!({ "consultationId": CONSULTATION }),
        Letter::ConfirmEmail => json!({ "token": TOKEN, "to": "lea@new.example" }),
        Letter::EmailChanged => json!({ "to": "lea@old.example" }),
        Letter::DeletionRequested => json!({ "date": "2027-02-03" }),
        Letter::DeletionDone => {
            json!({ "to": "lea@old.example", "certificate": CONSULTATION, "keysGoneOn": "2027-03-05" })
        }
        Letter::NewSignIn => json!({ "at": "2027-03-08T09:00:00Z", "device": "Firefox", "ip": "203.0.113.0" }),
        Letter::ReportingChanged => json!({ "mode": "NAMED", "from": "2027-02-01" }),
        Letter::ConsultationScheduled
        | Letter::ConsultationConfirmed
        | Letter::ConsultationCancelled
        | Letter::ConsultationRescheduled
        | Letter::ConsultationReminder
        | Letter::ConsultationFollowUp => json!({
            "consultationId": CONSULTATION,
            "scheduledAt": "2027-03-08T09:00:00Z",
            "timezone": "Europe/Paris",
        }),
    }
}

fn due(letter: Letter, language: &str) -> DueLetter {
    DueLetter {
        message: OutboxMessage {
            id: Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0001),
            recipient: UserId(Uuid::nil()),
            letter,
            arguments: Arguments::About(json!({})),
            created_at: Timestamp::UNIX_EPOCH,
        },
        attempts: 0,
        address: Some(recipient()),
        first_name: "Léa".to_owned(),
        language: language.to_owned(),
        quiet_hours: None,
    }
}

fn recipient() -> Email {
    Email::parse("lea.morel@lumiere.example").unwrap()
}

fn rendered(due: &DueLetter) -> Mail {
    letters().render(due, &arguments(due.message.letter), &recipient()).unwrap()
}

/// The innermost reason of a letter that cannot be rendered.
fn refusal(due: &DueLetter, arguments: &Value) -> String {
    let error = letters().render(due, arguments, &recipient()).unwrap_err();
    assert!(matches!(error, MailError::Never(_)), "{error:?}");
    error.source().unwrap().to_string()
}

#[test]
fn the_letter_about_reporting_says_what_changes_and_from_when() {
    let told = |mode: &str, language: &str| {
        let due = due(Letter::ReportingChanged, language);
        letters().render(&due, &json!({ "mode": mode, "from": "2027-02-01" }), &recipient()).unwrap()
    };
    let named = told("NAMED", "fr");
    assert_eq!(named.subject, "Un changement concernant vos données");
    assert!(named.text.contains("À partir du 1er février 2027, votre employeur pourra voir"), "{}", named.text);
    assert!(named.html.contains("https://app.huntzen.care/preferences"), "{}", named.html);
    let aggregated = told("AGGREGATED", "en");
    assert!(aggregated.text.contains("From 1 February 2027 on, your employer sees"), "{}", aggregated.text);
    assert!(!aggregated.text.contains("if you agree"), "{}", aggregated.text);
    let letter = due(Letter::ReportingChanged, "fr");
    for (arguments, reason) in [
        (json!({ "from": "2027-02-01" }), "the argument mode is missing"),
        (json!({ "mode": "SECRETLY", "from": "2027-02-01" }), "the argument mode is not what it should be"),
        (json!({ "mode": "NAMED", "from": "soon" }), "the argument from is not what it should be"),
    ] {
        assert_eq!(refusal(&letter, &arguments), reason);
    }
}

#[test]
fn the_letters_about_a_deletion_say_until_when_and_from_when() {
    let requested = rendered(&due(Letter::DeletionRequested, "fr"));
    assert_eq!(requested.subject, "Suppression de votre compte demandée");
    assert!(requested.text.contains("à partir du 3 février 2027"), "{}", requested.text);
    let done = rendered(&due(Letter::DeletionDone, "en"));
    assert!(done.text.starts_with("Hello,\n"), "nobody is named: {}", done.text);
    for told in [CONSULTATION, "5 March 2027"] {
        assert!(done.text.contains(told) && done.html.contains(told), "{}", done.text);
    }
    let mut nameless = due(Letter::DeletionDone, "fr");
    nameless.first_name = "Utilisateur".to_owned();
    assert!(!rendered(&nameless).text.contains("Utilisateur"));
}

#[test]
fn the_letter_that_confirms_an_address() {
    let mail = rendered(&due(Letter::VerifyEmail, "fr"));
    assert_eq!(mail.message_id, "01980000-0000-7000-8000-000000000001@huntzen.care");
    assert_eq!(mail.to, recipient());
    assert_eq!(mail.subject, "Confirmez votre adresse e-mail");
    assert_eq!(
        mail.text,
        format!(
            "Bonjour Léa,\n\n\
             Confirmez votre adresse e-mail en ouvrant ce lien, valable 24 heures :\n\
             https://app.huntzen.care/verify-email?token={TOKEN}\n\n\
             Si vous n'avez rien demandé, ignorez ce message.\n\n\
             HuntZen Care\n\
             Message automatique : merci de ne pas y répondre.\n"
        )
    );
    let mail = rendered(&due(Letter::VerifyEmail, "en"));
    assert_eq!(mail.subject, "Confirm your e-mail address");
    assert_eq!(
        mail.text,
        format!(
            "Hello Léa,\n\n\
             Confirm your e-mail address by opening this link, valid for 24 hours:\n\
             https://app.huntzen.care/verify-email?token={TOKEN}\n\n\
             If you did not ask for this, ignore this message.\n\n\
             HuntZen Care\n\
             Automatic message: please do not reply.\n"
        )
    );
}

#[test]
fn the_letter_of_an_appointment() {
    let mail = rendered(&due(Letter::ConsultationScheduled, "fr"));
    assert_eq!(mail.subject, "Un rendez-vous est prévu");
    assert_eq!(
        mail.text,
        format!(
            "Bonjour Léa,\n\n\
             Un rendez-vous est prévu le lundi 8 mars 2027 à 10:00 (Europe/Paris).\n\n\
             Pour le voir ou le modifier :\n\
             https://app.huntzen.care/appointments/{CONSULTATION}\n\n\
             HuntZen Care\n\
             Message automatique : merci de ne pas y répondre.\n"
        )
    );
    assert_eq!(
        mail.html,
        format!(
            "<!doctype html>\n<html lang=\"fr\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>HuntZen Care</title>\n</head>\n\
             <body style=\"margin:0 auto;max-width:36em;padding:1.5em;font-family:sans-serif;\
             line-height:1.5;color:#222\">\n\
             <p>Bonjour Léa,</p>\n\
             <p>Un rendez-vous est prévu le lundi 8 mars 2027 à 10:00 (Europe/Paris).</p>\n\
             <p>Pour le voir ou le modifier :</p>\n\
             <p><a href=\"https://app.huntzen.care/appointments/{CONSULTATION}\">Voir le rendez-vous</a></p>\n\
             <p>HuntZen Care</p>\n\
             <p style=\"font-size:0.85em;color:#666\">Message automatique : merci de ne pas y répondre.</p>\n\
             </body>\n</html>\n"
        )
    );
    let mail = rendered(&due(Letter::ConsultationScheduled, "en"));
    assert_eq!(mail.subject, "An appointment is planned");
    assert_eq!(
        mail.text,
        format!(
            "Hello Léa,\n\n\
             An appointment is planned on Monday 8 March 2027 at 10:00 (Europe/Paris).\n\n\
             To see or change it:\n\
             https://app.huntzen.care/appointments/{CONSULTATION}\n\n\
             HuntZen Care\n\
             Automatic message: please do not reply.\n"
        )
    );
}

#[test]
fn every_letter_looks_as_it_was_reviewed() {
    for letter in Letter::ALL {
        for language in ["fr", "en"] {
            let mail = rendered(&due(*letter, language));
            let name = format!("{}.{language}", letter.as_str().to_lowercase());
            let whole = format!("{}\n\n{}\n{}", mail.subject, mail.text, mail.html);
            insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(name, whole);
            });
        }
    }
}

#[test]
fn every_letter_renders_in_both_languages_and_they_differ() {
    for letter in Letter::ALL {
        let french = rendered(&due(*letter, "fr"));
        let english = rendered(&due(*letter, "en"));
        for mail in [&french, &english] {
            assert!(!mail.subject.is_empty() && !mail.subject.contains('\n'), "{letter}: {:?}", mail.subject);
            assert!(mail.subject.chars().count() <= 60, "{letter}: {}", mail.subject);
            // Whose account is gone is led nowhere.
            let has_link = *letter != Letter::DeletionDone;
            assert_eq!(mail.text.contains("https://app.huntzen.care/"), has_link, "{letter}: {}", mail.text);
            assert_eq!(mail.html.contains("href=\"https://app.huntzen.care/"), has_link, "{letter}: {}", mail.html);
            for part in [&mail.subject, &mail.text, &mail.html] {
                assert!(!part.contains("{{") && !part.contains("}}"), "{letter}: {part}");
            }
        }
        assert_ne!(french.subject, english.subject, "{letter}");
        assert_ne!(french.text, english.text, "{letter}");
        assert_ne!(french.html, english.html, "{letter}");
    }
}

#[test]
fn every_token_leads_to_its_page() {
    for (letter, page) in [
        (Letter::VerifyEmail, "verify-email"),
        (Letter::Invitation, "activate"),
        (Letter::PractitionerInvitation, "activate"),
        (Letter::PasswordReset, "reset-password"),
    ] {
        for language in ["fr", "en"] {
            let link = format!("https://app.huntzen.care/{page}?token={TOKEN}");
            assert!(rendered(&due(letter, language)).text.lines().any(|line| line == link), "{letter}");
        }
    }
}

#[test]
fn no_letter_speaks_of_health() {
    for letter in Letter::ALL {
        for language in ["fr", "en"] {
            let mail = rendered(&due(*letter, language));
            let shown = format!("{} {} {}", mail.subject, mail.text, mail.html).to_lowercase();
            for word in [
                "santé",
                "health",
                "psy",
                "thérap",
                "therap",
                "mental",
                "médec",
                "medic",
                "médic",
                "doctor",
                "docteur",
                "soin",
                "patient",
                "praticien",
                "practitioner",
                "consultation",
                "coach",
                "burn",
                "séance",
                "session de",
            ] {
                assert!(!shown.contains(word), "{letter} in {language} says {word}");
            }
        }
    }
}

#[test]
fn a_missing_argument_is_an_error() {
    for letter in Letter::ALL {
        let arguments = arguments(*letter);
        for name in arguments.as_object().unwrap().keys() {
            for language in ["fr", "en"] {
                let mut given = arguments.clone();
                given.as_object_mut().unwrap().remove(name).unwrap();
                assert_eq!(
                    refusal(&due(*letter, language), &given),
                    format!("the argument {name} is missing"),
                    "{letter}"
                );
            }
        }
    }
}

#[test]
fn a_template_that_asks_for_more_than_it_gets_is_an_error() {
    for letter in Letter::ALL {
        for language in [Language::French, Language::English] {
            let error = Edition::read(language).unwrap().fill(*letter, &json!({ "firstName": "", "sender": "" }));
            assert!(error.unwrap_err().to_string().contains("strict mode"), "{letter}");
        }
    }
}

#[test]
fn a_malformed_argument_is_an_error_that_shows_no_value() {
    for (letter, name, value) in [
        (Letter::PasswordReset, "token", json!("a b")),
        (Letter::PasswordReset, "token", json!("")),
        (Letter::PasswordReset, "token", json!("x&next=https://evil.example")),
        (Letter::PasswordReset, "token", json!(7)),
        (Letter::ConsultationReminder, "consultationId", json!("../x")),
        (Letter::ConsultationReminder, "scheduledAt", json!("tomorrow")),
        (Letter::ConsultationReminder, "timezone", json!("Europe/Atlantis")),
    ] {
        let mut given = arguments(letter);
        given.as_object_mut().unwrap().insert(name.to_owned(), value);
        assert_eq!(refusal(&due(letter, "fr"), &given), format!("the argument {name} is not what it should be"));
    }
}

#[test]
fn names_are_escaped_in_html_and_written_as_they_are_in_text() {
    for language in ["fr", "en"] {
        let mut due = due(Letter::Invitation, language);
        due.first_name = "<b>L'\"&éa</b>".to_owned();
        let mail = rendered(&due);
        assert!(mail.text.contains("<b>L'\"&éa</b>,"), "{}", mail.text);
        assert!(mail.html.contains("&lt;b&gt;L&#x27;&quot;&amp;éa&lt;/b&gt;,"), "{}", mail.html);
        assert!(!mail.html.contains("<b>"), "{}", mail.html);
    }
}

#[test]
fn a_template_in_a_name_stays_a_name() {
    let mut due = due(Letter::Invitation, "fr");
    due.first_name = "{{link}}".to_owned();
    assert!(rendered(&due).text.starts_with("Bonjour {{link}},\n"));
}

#[test]
fn nobody_writes_to_an_address_that_they_have_not_proved_to_own() {
    for language in ["fr", "en"] {
        let mut due = due(Letter::ConfirmEmail, language);
        due.first_name = "Your account is closed, see https://evil.example".to_owned();
        let mail = rendered(&due);
        for part in [&mail.subject, &mail.text, &mail.html] {
            assert!(!part.contains("evil.example"), "{part}");
        }
    }
}

#[test]
fn a_letter_to_nobody_in_particular_has_no_gap() {
    let mut due = due(Letter::Invitation, "fr");
    due.first_name = String::new();
    assert!(rendered(&due).text.starts_with("Bonjour,\n"));
}

#[test]
fn an_unknown_language_is_written_in_french() {
    for (language, french) in [("fr", true), ("de", true), ("", true), ("en", false), ("en-GB", false), ("EN", false)] {
        assert_eq!(rendered(&due(Letter::Invitation, language)).subject == "Votre invitation", french, "{language}");
    }
}
