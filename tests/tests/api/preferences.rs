//! What a person decides about how the service treats them.
use huntzen_tenancy::audit::Resource;
use huntzen_tests::{
    api::{NOBODY, Played},
    api_suite,
};
use serde_json::{Value, json};

api_suite! {
    preferences_start_out_discreet,
    what_is_chosen_is_kept,
    quiet_hours_hold_what_can_wait,
    nobody_without_an_employer_shares_with_one,
    what_is_no_preference_is_refused,
}

const PATH: &str = "/users/me/preferences";

/// What holds for whoever decided nothing.
fn discreet() -> Value {
    json!({ "language": "fr", "alias": null, "shareUsageWithEmployer": false, "quietHours": null })
}

async fn preferences_start_out_discreet(play: &Played) {
    for who in [Played::OPERATOR, Played::ADMIN, Played::HR, Played::SOPHIE, Played::MARC] {
        let answer = play.get(who, PATH).await;
        assert_eq!(*answer.expect(200), discreet(), "{who}");
    }
    play.get(NOBODY, PATH).await.refused(401, "unauthenticated");
}

async fn what_is_chosen_is_kept(play: &Played) {
    let night = json!({ "start": "22:00", "end": "07:30", "timezone": "Europe/Paris" });
    let chosen = json!({ "language": "en", "alias": "Camille", "shareUsageWithEmployer": true, "quietHours": night });
    assert_eq!(*play.patch(Played::MARC, PATH, chosen.clone()).await.expect(200), chosen);
    assert_eq!(*play.patch(Played::MARC, PATH, json!({})).await.expect(200), chosen);
    let silent = json!({ "language": "en", "alias": null, "shareUsageWithEmployer": false, "quietHours": night });
    let change = json!({ "alias": null, "shareUsageWithEmployer": false });
    assert_eq!(*play.put(Played::MARC, PATH, change).await.expect(200), silent);
    assert_eq!(*play.get(Played::MARC, PATH).await.expect(200), silent);
    let trimmed = play.patch(Played::MARC, PATH, json!({ "alias": "  Dominique " })).await;
    assert_eq!(trimmed.expect(200)["alias"], "Dominique");
    let loud = play.patch(Played::MARC, PATH, json!({ "quietHours": null })).await;
    assert_eq!(loud.expect(200)["quietHours"], Value::Null);
    let of_claire = play.get(Played::CLAIRE, PATH).await;
    assert_eq!(*of_claire.expect(200), discreet());
    // What changes nothing is not recorded.
    let account = play.account_of(Played::MARC).await;
    let decided = play.trail(&account).into_iter().filter(|entry| entry.resource == Resource::Preferences);
    assert_eq!(decided.count(), 4);
}

async fn quiet_hours_hold_what_can_wait(play: &Played) {
    let nearly_always = json!({ "start": "00:00", "end": "23:59", "timezone": "Europe/Paris" });
    play.patch(Played::MARC, PATH, json!({ "quietHours": nearly_always })).await.expect(200);
    play.held(Played::MARC, "2027-01-05T09:00:00Z", "2027-01-05T09:50:00Z").await;
    assert_eq!(play.subjects_to(Played::MARC), ["Un rendez-vous est prévu"], "an appointment is told at once");
    play.set_clock("2027-01-05T22:58:59Z");
    assert_eq!(play.subjects_to(Played::MARC).len(), 1);
    play.set_clock("2027-01-05T22:59:00Z");
    assert_eq!(play.subjects_to(Played::MARC).get(1).map(String::as_str), Some("Votre avis nous intéresse"));
    assert_eq!(play.subjects_to(Played::MARC).len(), 2, "and once");
}

async fn nobody_without_an_employer_shares_with_one(play: &Played) {
    for who in [Played::OPERATOR, Played::ADMIN, Played::HR, Played::SOPHIE] {
        let answer = play.patch(who, PATH, json!({ "language": "en", "shareUsageWithEmployer": true })).await;
        answer.invalid("shareUsageWithEmployer", "not_allowed");
        assert_eq!(play.get(who, PATH).await.expect(200)["language"], "fr", "nothing is changed");
    }
}

async fn what_is_no_preference_is_refused(play: &Played) {
    for (body, field, code) in [
        (json!({ "language": "de" }), "language", "invalid"),
        (json!({ "language": null }), "language", "wrong_type"),
        (json!({ "shareUsageWithEmployer": "yes" }), "shareUsageWithEmployer", "wrong_type"),
        (json!({ "alias": "" }), "alias", "required"),
        (json!({ "alias": "é".repeat(41) }), "alias", "too_long"),
        (json!({ "alias": "Cam\u{202e}ille" }), "alias", "invalid_characters"),
        (json!({ "quietHours": { "start": "22:00", "end": "22:00", "timezone": "UTC" } }), "quietHours.end", "invalid"),
        (
            json!({ "quietHours": { "start": "22:00", "end": "07:00", "timezone": "Europe/Atlantis" } }),
            "quietHours.timezone",
            "invalid",
        ),
        (
            json!({ "quietHours": { "start": "24:00", "end": "07:00", "timezone": "UTC" } }),
            "quietHours.start",
            "invalid_time",
        ),
        (json!({ "quietHours": { "start": "22:00", "end": "07:00" } }), "quietHours.timezone", "required"),
        (json!({ "theme": "dark" }), "theme", "unknown_field"),
    ] {
        play.patch(Played::MARC, PATH, body).await.invalid(field, code);
    }
}
