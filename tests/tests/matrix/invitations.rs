//! Invitations of another company: HR is told the same of every id, and changes nothing.
use actix_web::web::Bytes;
use huntzen_tests::{
    api::{ApiWorld, PASSWORD},
    contracts::waiting_letters,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{table::Who, troupe::Stage};

#[actix_web::test]
async fn another_companys_invitations_are_left_alone_in_memory() {
    left_alone(ApiWorld::memory().await).await;
}

#[actix_web::test]
async fn another_companys_invitations_are_left_alone_over_postgres() {
    left_alone(ApiWorld::postgres().await).await;
}

async fn left_alone(api: ApiWorld) {
    let stage = Stage::new(api);
    let troupe = stage.troupe();
    let (token, invited) = stage.invitation(&troupe);
    let (hr, other_hr) = (troupe.member(Who::Hr), troupe.member(Who::OtherHr));
    let letters = waiting_letters(&stage.api.world);
    for (method, path) in [("POST", "resend-invitation"), ("DELETE", "invitation")] {
        for id in [Uuid::from(invited), Uuid::from_u128(1)] {
            let answer = stage.ask(Some(other_hr), method, &format!("/employees/{id}/{path}"), &Value::Null).await;
            answer.expect(202);
            assert_eq!(answer.bytes, Bytes::new());
        }
    }
    stage.ask(Some(other_hr), "POST", "/employees/resend-invitations", &Value::Null).await.expect(202);
    assert_eq!(waiting_letters(&stage.api.world), letters);
    stage.ask(Some(hr), "POST", &format!("/employees/{invited}/resend-invitation"), &Value::Null).await.expect(202);
    assert_eq!(waiting_letters(&stage.api.world), letters + 1, "one's own is sent");
    let accept = json!({ "token": token, "password": PASSWORD });
    stage.ask(None, "POST", "/employees/activate", &accept).await.refused(404, "not_found");
    let (token, invited) = stage.invitation(&troupe);
    let take_back = format!("/employees/{invited}/invitation");
    stage.ask(Some(other_hr), "DELETE", &take_back, &Value::Null).await.expect(202);
    let accept = json!({ "token": token, "password": PASSWORD });
    stage.ask(None, "POST", "/employees/activate", &accept).await.expect(200);
}
