//! Letters: in the recipient's language, whole in both forms, and discreet.
use std::collections::BTreeSet;

use huntzen_tenancy::mail::Mail;
use huntzen_tests::{
    api::{NOBODY, PASSWORD, Played},
    api_suite,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

api_suite! {
    letters_speak_the_language_of_their_recipient,
    letters_about_accounts_follow_the_same_choice,
    no_letter_says_what_it_is_about,
}

/// What a letter must not tell whoever looks over a shoulder, in lower case.
const UNSPEAKABLE: &[&str] = &[
    "psych",
    "santé",
    "health",
    "mental",
    "thérap",
    "therap",
    "médec",
    "medic",
    "médic",
    "consultation",
    "stress",
    "sommeil",
    "sleep",
    "patient",
    "clini",
    "praticien",
    "practitioner",
    "coach",
    "je dors mal",
    "sophie",
    "martin",
    "alpha",
];

/// What is read of a letter: all of it but the ids and tokens in its link.
fn read(letter: &Mail) -> Vec<String> {
    let parts = [&letter.subject, &letter.text, &letter.html];
    parts.iter().map(|part| part.to_lowercase()).collect()
}

fn subjects(letters: &[Mail]) -> Vec<&str> {
    letters.iter().map(|letter| letter.subject.as_str()).collect()
}

async fn whole_course(play: &Played, who: &str) {
    let moved = play.booked(who, "2027-01-05T08:00:00Z").await;
    play.advance(SignedDuration::from_secs(1));
    play.conduct(&moved, "confirm").await;
    play.advance(SignedDuration::from_secs(1));
    let later = json!({ "scheduledAt": "2027-01-05T09:00:00Z" });
    play.post(Played::SOPHIE, &format!("/consultations/{moved}/reschedule"), later).await.expect(200);
    for reminded_at in ["2027-01-04T09:00:00Z", "2027-01-05T08:00:00Z"] {
        play.set_clock(reminded_at);
        play.services.jobs.send_reminders(100).unwrap();
    }
    play.set_clock("2027-01-05T09:00:00Z");
    play.forget_tokens();
    play.conduct(&moved, "start").await;
    play.advance(SignedDuration::from_mins(50));
    play.conduct(&moved, "end").await;
    play.advance(SignedDuration::from_secs(1));
    let cancelled = play.booked(who, "2027-01-06T13:00:00Z").await;
    play.advance(SignedDuration::from_secs(1));
    play.post(who, &format!("/consultations/{cancelled}/cancel"), json!({ "reason": "Je dors mal." }))
        .await
        .expect(200);
}

async fn letters_speak_the_language_of_their_recipient(play: &Played) {
    play.prefers(Played::MARC, "en");
    whole_course(play, Played::MARC).await;
    let english = play.letters_to(Played::MARC);
    let french = play.letters_to(Played::SOPHIE);
    assert_eq!(
        subjects(&english),
        [
            "An appointment is planned",
            "Appointment confirmed",
            "Appointment moved",
            "Appointment reminder",
            "Appointment reminder",
            "Tell us what you think",
            "An appointment is planned",
            "Appointment cancelled",
        ]
    );
    for subject in ["Un rendez-vous est prévu", "Rendez-vous déplacé", "Rappel de rendez-vous", "Rendez-vous annulé"]
    {
        assert!(subjects(&french).contains(&subject), "{subject} is not among {:?}", subjects(&french));
    }
    assert!(english[0].text.starts_with("Hello Marc,\n"), "{}", english[0].text);
    assert!(french[0].text.starts_with("Bonjour Sophie,\n"), "{}", french[0].text);
    assert!(english[0].html.contains("<html lang=\"en\">") && french[0].html.contains("<html lang=\"fr\">"));
    // In the recipient's own zone.
    assert!(french[0].text.contains("mardi 5 janvier 2027 à 09:00 (Europe/Paris)"), "{}", french[0].text);
    assert!(english[0].text.contains("Tuesday") && english[0].text.contains("(Europe/Paris)"), "{}", english[0].text);
}

async fn letters_about_accounts_follow_the_same_choice(play: &Played) {
    let nina = "nina.roux@alpha.example";
    let body = json!({ "email": nina, "password": PASSWORD, "firstName": "Nina", "lastName": "Roux" });
    play.post(NOBODY, "/auth/register", body).await.expect(201);
    play.prefers(nina, "en");
    play.prefers(Played::HR, "en");
    let token = play.token_from_letter(nina);
    let verify = json!({ "token": token });
    play.post(NOBODY, "/auth/verify-email", verify).await.expect(200);
    play.post(NOBODY, "/auth/forgot-password", json!({ "email": nina })).await.expect(202);
    let reset = json!({ "token": play.token_from_letter(nina), "newPassword": "quite another word" });
    play.post(NOBODY, "/auth/reset-password", reset).await.expect(200);
    let letters = play.letters_to(nina);
    assert_eq!(
        subjects(&letters),
        ["Confirm your e-mail address", "Choose a new password", "Your password has changed"]
    );
    // The language is looked up when the letter leaves, not when it is written.
    assert!(letters[0].text.contains("/verify-email?token="), "{}", letters[0].text);
    assert!(letters[1].text.contains("/reset-password?token="), "{}", letters[1].text);

    play.post(Played::ADMIN, &format!("/companies/{}/suspend", play.alpha), Value::Null).await.expect(200);
    play.post(Played::ADMIN, &format!("/companies/{}/validate", play.alpha), Value::Null).await.expect(200);
    assert_eq!(subjects(&play.letters_to(Played::HR)), ["Your space is open"]);
    let zoe = "zoe@beta.example";
    let body = json!({ "email": zoe, "firstName": "Zoé", "lastName": "Blanc" });
    play.post(Played::OTHER_HR, "/employees", body).await.expect(201);
    assert_eq!(subjects(&play.letters_to(zoe)), ["Votre invitation"]);
}

async fn no_letter_says_what_it_is_about(play: &Played) {
    play.prefers(Played::CLAIRE, "en");
    let marc = play.booked(Played::MARC, "2027-01-07T08:00:00Z").await;
    whole_course(play, Played::CLAIRE).await;
    play.post(NOBODY, "/auth/forgot-password", json!({ "email": Played::MARC })).await.expect(202);
    let zoe = "zoe@alpha.example";
    let body = json!({ "email": zoe, "firstName": "Zoé", "lastName": "Blanc" });
    play.post(Played::HR, "/employees", body).await.expect(201);
    let mut ids = BTreeSet::new();
    let mut count = 0;
    for who in [Played::MARC, Played::CLAIRE, zoe] {
        for letter in play.letters_to(who) {
            count += 1;
            ids.insert(letter.message_id.clone());
            for part in read(&letter) {
                for word in UNSPEAKABLE {
                    assert!(!part.contains(word), "{word} in {part}");
                }
            }
            assert!(letter.subject.chars().count() <= 40 && !letter.subject.contains('\n'), "{}", letter.subject);
            for secret in [&letter.subject, &letter.message_id] {
                assert!(!secret.contains(&marc), "an id in {secret}");
            }
            assert!(!letter.html.contains("<img") && !letter.html.contains("<script"), "{}", letter.html);
            assert!(letter.html.contains("https://") || letter.html.contains("http://localhost:5173/"));
        }
    }
    assert_eq!((count, ids.len()), (11, 11), "each letter has a Message-ID of its own");
    // The practitioner's name the employee by no more than the appointment.
    for letter in play.letters_to(Played::SOPHIE) {
        for part in read(&letter) {
            for word in ["marc", "dupont", "claire", "laurent", "je dors mal", "psych"] {
                assert!(!part.contains(word), "{word} in {part}");
            }
        }
    }
}
