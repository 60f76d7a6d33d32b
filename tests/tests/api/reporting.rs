//! How a company is reported: decided by an administrator, announced to everybody, begun with a month.
use huntzen_tests::{
    api::{ApiWorld, Played},
    api_suite,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

api_suite! {
    a_mode_begins_with_the_next_month,
    everybody_is_told_before,
    hr_does_not_decide,
}

async fn reporting_of(play: &Played, who: &str) -> (Value, Value) {
    let company = play.get(who, &format!("/companies/{}", play.alpha)).await;
    let company = company.expect(200);
    (company["hrReporting"].clone(), company["hrReportingNext"].clone())
}

async fn plan(play: &Played, mode: &str) -> (Value, Value) {
    let path = format!("/companies/{}", play.alpha);
    let company = play.patch(Played::ADMIN, &path, json!({ "hrReporting": mode })).await;
    let company = company.expect(200);
    (company["hrReporting"].clone(), company["hrReportingNext"].clone())
}

async fn a_mode_begins_with_the_next_month(play: &Played) {
    assert_eq!(reporting_of(play, Played::HR).await, (json!("AGGREGATED"), Value::Null));
    let planned = (json!("AGGREGATED"), json!({ "mode": "NAMED", "from": "2027-02-01" }));
    assert_eq!(plan(play, "NAMED").await, planned);
    assert_eq!(reporting_of(play, Played::HR).await, planned);
    // Paris is an hour ahead of UTC in winter.
    play.set_clock("2027-01-31T22:59:59Z");
    play.forget_tokens();
    assert_eq!(reporting_of(play, Played::ADMIN).await, planned);
    play.set_clock("2027-01-31T23:00:00Z");
    assert_eq!(reporting_of(play, Played::ADMIN).await, (json!("NAMED"), Value::Null));
    assert_eq!(plan(play, "named").await, (json!("NAMED"), Value::Null), "it is so already");
    assert_eq!(plan(play, "AGGREGATED").await, (json!("NAMED"), json!({ "mode": "AGGREGATED", "from": "2027-03-01" })));
    assert_eq!(plan(play, "NAMED").await, (json!("NAMED"), Value::Null), "taken back in time");
    let listed = play.get(Played::ADMIN, "/companies?q=alpha").await;
    assert_eq!(listed.expect(200)["items"][0]["hrReporting"], "NAMED");
    let other = play.get(Played::OTHER_HR, "/companies/me").await;
    assert_eq!(other.expect(200)["hrReporting"], "AGGREGATED");
}

async fn everybody_is_told_before(play: &Played) {
    play.prefers(Played::CLAIRE, "en");
    plan(play, "NAMED").await;
    for (who, subject, day) in [
        (Played::MARC, "Un changement concernant vos données", "1er février 2027"),
        (Played::CLAIRE, "A change about your data", "1 February 2027"),
    ] {
        let told = play.get(who, "/notifications?type=REPORTING_CHANGED").await;
        assert_eq!(told.each("data"), [json!({ "mode": "NAMED", "from": "2027-02-01" })]);
        let letters = play.letters_to(who);
        let letter = letters.iter().find(|letter| letter.subject == subject).unwrap();
        for text in [&letter.text, &letter.html] {
            assert!(text.contains(day) && text.contains("/preferences"), "{text}");
        }
    }
    for who in [Played::LEA, Played::HR, Played::SOPHIE] {
        assert_eq!(play.get(who, "/notifications").await.each("type"), Vec::<Value>::new(), "{who}");
        assert_eq!(play.subjects_to(who), Vec::<String>::new(), "{who}");
    }
    // Asked for again, it is planned already; taken back, everybody learns of that as well.
    plan(play, "NAMED").await;
    play.advance(SignedDuration::from_mins(1));
    plan(play, "AGGREGATED").await;
    let told = play.get(Played::MARC, "/notifications?type=REPORTING_CHANGED").await;
    assert_eq!(told.each("data").len(), 2);
    assert_eq!(told.each("data")[0]["mode"], "AGGREGATED");
}

async fn hr_does_not_decide(play: &Played) {
    let path = format!("/companies/{}", play.alpha);
    let answer = play.patch(Played::HR, &path, json!({ "hrReporting": "NAMED", "phone": "+33 1" })).await;
    answer.invalid("hrReporting", "not_allowed");
    assert_eq!(play.get(Played::HR, &path).await.expect(200)["phone"], Value::Null, "nothing is changed");
    let answer = play.patch(Played::ADMIN, &path, json!({ "hrReporting": "SECRETLY" })).await;
    answer.invalid("hrReporting", "unknown_value");
    play.patch(Played::ADMIN, &path, json!({ "hrReporting": null })).await.invalid("hrReporting", "wrong_type");
    assert_eq!(play.get(Played::MARC, "/notifications").await.each("type"), Vec::<Value>::new());
}

#[actix_web::test]
async fn names_need_the_operators_consent() {
    let play = Played::new(ApiWorld::memory_with(|config| config.privacy.allow_named = false).await).await;
    let path = format!("/companies/{}", play.alpha);
    let named = json!({ "hrReporting": "NAMED", "phone": "+33 1" });
    play.patch(Played::ADMIN, &path, named).await.refused(409, "named_reporting_off");
    let company = play.get(Played::ADMIN, &path).await;
    assert_eq!((&company.json["hrReportingNext"], &company.json["phone"]), (&Value::Null, &Value::Null));
    play.patch(Played::ADMIN, &path, json!({ "hrReporting": "AGGREGATED" })).await.expect(200);
}
