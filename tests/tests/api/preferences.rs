//! What a person decides about how the service treats them.
use huntzen_tenancy::audit::Resource;
use huntzen_tests::{
    api::{NOBODY, Played},
    api_suite,
};
use serde_json::json;

api_suite! {
    preferences_start_out_discreet,
    what_is_chosen_is_kept,
    nobody_without_an_employer_shares_with_one,
    what_is_no_preference_is_refused,
}

const PATH: &str = "/users/me/preferences";

async fn preferences_start_out_discreet(play: &Played) {
    for who in [Played::OPERATOR, Played::ADMIN, Played::HR, Played::SOPHIE, Played::MARC] {
        let answer = play.get(who, PATH).await;
        assert_eq!(*answer.expect(200), json!({ "language": "fr", "shareUsageWithEmployer": false }), "{who}");
    }
    play.get(NOBODY, PATH).await.refused(401, "unauthenticated");
}

async fn what_is_chosen_is_kept(play: &Played) {
    let chosen = json!({ "language": "en", "shareUsageWithEmployer": true });
    assert_eq!(*play.patch(Played::MARC, PATH, chosen.clone()).await.expect(200), chosen);
    assert_eq!(*play.patch(Played::MARC, PATH, json!({})).await.expect(200), chosen);
    let silent = json!({ "language": "en", "shareUsageWithEmployer": false });
    assert_eq!(*play.put(Played::MARC, PATH, json!({ "shareUsageWithEmployer": false })).await.expect(200), silent);
    assert_eq!(*play.get(Played::MARC, PATH).await.expect(200), silent);
    let of_claire = play.get(Played::CLAIRE, PATH).await;
    assert_eq!(*of_claire.expect(200), json!({ "language": "fr", "shareUsageWithEmployer": false }));
    // Twice decided, and twice recorded: what changes nothing is not.
    let account = play.account_of(Played::MARC).await;
    let decided = play.trail(&account).into_iter().filter(|entry| entry.resource == Resource::Preferences);
    assert_eq!(decided.count(), 2);
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
        (json!({ "theme": "dark" }), "theme", "unknown_field"),
    ] {
        play.patch(Played::MARC, PATH, body).await.invalid(field, code);
    }
}
