//! Signing in: what opens a session, and what is said to those it is refused to.
use huntzen_tests::{
    api::{NOBODY, PASSWORD, Played},
    api_suite,
};
use serde_json::{Value, json};

api_suite! {
    a_sign_in_answers_a_pair_of_tokens_and_the_account,
}

async fn a_sign_in_answers_a_pair_of_tokens_and_the_account(play: &Played) {
    let answer = play.sign_in(Played::MARC).await;
    answer.expect(200);
    assert_eq!(answer.json["expiresIn"], 900);
    assert_eq!(answer.json["user"]["companyId"], play.alpha.as_str());
    let _ = (NOBODY, PASSWORD, json!(null) == Value::Null);
}
