//! Who comes in, in which order it is decided, and what is remembered of sessions.
use std::sync::atomic::Ordering;

use actix_web::{
    http::{Method, StatusCode},
    test::TestRequest,
};
use huntzen_tenancy::policy::Role;
use jiff::SignedDuration;

use crate::house::{House, session_of, signed, user_of, with_json};

const ID: &str = "/books/00000000-0000-0000-0000-000000000007";

#[actix_web::test]
async fn identity_then_permission_then_the_request_itself() {
    let house = House::new();
    let garbage = || with_json(TestRequest::with_uri("/books/nonsense?what=1").method(Method::PATCH), "{garbage");
    let anonymous = house.send(garbage()).await;
    assert_eq!((anonymous.status, anonymous.code().as_str()), (StatusCode::UNAUTHORIZED, "unauthenticated"));
    assert_eq!(anonymous.header("www-authenticate"), Some("Bearer"));
    for token in ["Bearer nonsense", "Basic EMPLOYEE", "Bearer", "Bearer ", "EMPLOYEE", "Bearer EMPLOYEE x"] {
        let bad = house.send(garbage().insert_header(("authorization", token))).await;
        assert_eq!((bad.status, bad.code().as_str()), (StatusCode::UNAUTHORIZED, "invalid_token"), "{token}");
        assert_eq!(bad.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    }
    for role in [Role::Employee, Role::AdminRh, Role::AdminHuntzen, Role::SuperAdmin] {
        let forbidden = house.send(garbage().insert_header(("authorization", format!("Bearer {role}")))).await;
        assert_eq!((forbidden.status, forbidden.code().as_str()), (StatusCode::FORBIDDEN, "forbidden"));
    }
    let absent = house.send(signed(Role::Practitioner, Method::GET, "/books/nonsense")).await;
    assert_eq!((absent.status, absent.code().as_str()), (StatusCode::NOT_FOUND, "not_found"));
    let invalid = house.send(with_json(signed(Role::Practitioner, Method::PATCH, ID), "{garbage")).await;
    assert_eq!((invalid.status, invalid.code().as_str()), (StatusCode::BAD_REQUEST, "malformed_json"));
    let fine = house.send(with_json(signed(Role::Practitioner, Method::PATCH, ID), "{}")).await;
    assert_eq!(fine.status, StatusCode::OK);
    let scheme = TestRequest::with_uri(ID).insert_header(("authorization", "bEARER practitioner"));
    assert_eq!(house.send(scheme).await.status, StatusCode::OK);
}

#[actix_web::test]
async fn a_session_is_read_once_a_minute_and_forgotten_when_told() {
    let house = House::new();
    let read = async || house.send(signed(Role::Employee, Method::GET, ID)).await.status;
    let asked = || house.accounts.asked.load(Ordering::SeqCst);
    for _ in 0..3 {
        assert_eq!(read().await, StatusCode::OK);
    }
    assert_eq!(asked(), 1);
    house.accounts.ended.lock().unwrap().push(session_of(Role::Employee));
    house.clock.forward(SignedDuration::from_secs(59));
    assert_eq!(read().await, StatusCode::OK);
    house.edge.sessions.forget(session_of(Role::Employee));
    let ended = house.send(signed(Role::Employee, Method::GET, ID)).await;
    assert_eq!((ended.status, ended.code().as_str()), (StatusCode::UNAUTHORIZED, "session_ended"));
    assert_eq!(asked(), 2);
}

#[actix_web::test]
async fn whoever_goes_on_with_an_ended_session_asks_the_store_now_and_then() {
    let house = House::new();
    let asked = || house.accounts.asked.load(Ordering::SeqCst);
    let refused = async || {
        for _ in 0..5 {
            let ended = house.send(signed(Role::Employee, Method::GET, ID)).await;
            assert_eq!((ended.status, ended.code().as_str()), (StatusCode::UNAUTHORIZED, "session_ended"));
        }
    };
    house.accounts.ended.lock().unwrap().push(session_of(Role::Employee));
    refused().await;
    assert_eq!(asked(), 1);
    house.clock.forward(SignedDuration::from_secs(10));
    refused().await;
    assert_eq!(asked(), 2);
    assert_eq!(house.send(signed(Role::Practitioner, Method::GET, ID)).await.status, StatusCode::OK);
    // Whose standing has changed may be let in again at once.
    house.accounts.ended.lock().unwrap().clear();
    house.edge.sessions.forget_user(user_of(Role::Employee));
    assert_eq!(house.send(signed(Role::Employee, Method::GET, ID)).await.status, StatusCode::OK);
}

#[actix_web::test]
async fn what_is_known_of_a_session_lasts_a_minute() {
    let house = House::new();
    let read = async || house.send(signed(Role::Employee, Method::GET, ID)).await.status;
    assert_eq!(read().await, StatusCode::OK);
    house.accounts.ended.lock().unwrap().push(session_of(Role::Employee));
    house.clock.forward(SignedDuration::from_secs(60));
    assert_eq!(read().await, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn a_whole_account_is_forgotten_at_once() {
    let house = House::new();
    assert_eq!(house.send(signed(Role::Employee, Method::GET, ID)).await.status, StatusCode::OK);
    assert_eq!(house.send(signed(Role::Practitioner, Method::GET, ID)).await.status, StatusCode::OK);
    house.edge.sessions.forget_user(user_of(Role::Employee));
    let now = "2027-01-15T09:00:00Z".parse().unwrap();
    assert!(house.edge.sessions.get(session_of(Role::Employee), now).is_none());
    assert!(house.edge.sessions.get(session_of(Role::Practitioner), now).is_some());
}

#[actix_web::test]
async fn refusals_leave_a_trace_and_missing_tokens_do_not() {
    let house = House::new();
    house.get(ID).await;
    house.send(TestRequest::with_uri(ID).insert_header(("authorization", "Bearer x"))).await;
    house.send(signed(Role::Employee, Method::DELETE, ID)).await;
    let recorded = || house.refusals.0.lock().unwrap().clone();
    while recorded().len() < 2 {
        tokio::task::yield_now().await;
    }
    let mut recorded = recorded();
    recorded.sort();
    assert_eq!(recorded, [None, Some(user_of(Role::Employee))]);
}
