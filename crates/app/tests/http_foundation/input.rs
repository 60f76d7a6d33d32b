//! What clients may send, and what they are told when they send something else.
use actix_web::{
    http::{Method, StatusCode},
    test::TestRequest,
};
use huntzen_tenancy::policy::Role;

use crate::house::{Answer, House, signed, with_json};

const ID: &str = "/books/00000000-0000-0000-0000-000000000007";
const BOOK: &str = r#"{"title":"Emma","pageCount":400,"reader":"employee"}"#;

fn adding() -> TestRequest {
    signed(Role::Practitioner, Method::POST, "/books")
}

async fn add(body: &str) -> Answer {
    House::new().send(with_json(adding(), body)).await
}

fn named(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(field, code)| ((*field).to_owned(), (*code).to_owned())).collect()
}

#[actix_web::test]
async fn a_valid_body_is_taken() {
    let answer = add(BOOK).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(answer.header("location"), Some("/books/00000000-0000-0000-0000-000000000009"));
    assert_eq!(answer.json()["pageCount"], 400);
    let charset = adding().insert_header(("content-type", "Application/JSON; charset=utf-8")).set_payload(BOOK);
    assert_eq!(House::new().send(charset).await.status, StatusCode::CREATED);
}

#[actix_web::test]
async fn a_refused_field_is_named_with_its_reason() {
    for (body, expected) in [
        (r#"{"pageCount":4,"reader":"EMPLOYEE"}"#, [("title", "required")]),
        (r#"{"title":"E","title":"F","pageCount":4,"reader":"EMPLOYEE"}"#, [("title", "duplicate_field")]),
        (r#"{"title":"E","pageCount":"4","reader":"EMPLOYEE"}"#, [("pageCount", "wrong_type")]),
        (r#"{"title":"E","pageCount":-4,"reader":"EMPLOYEE"}"#, [("pageCount", "invalid")]),
        (r#"{"title":null,"pageCount":4,"reader":"EMPLOYEE"}"#, [("title", "wrong_type")]),
        (r#"{"title":"E","pageCount":4,"reader":"OWNER"}"#, [("reader", "unknown_value")]),
        (r#"{"title":"E","pageCount":4,"reader":"EMPLOYEE","x":1}"#, [("x", "unknown_field")]),
        (r#"{"title":"E","pageCount":4,"reader":"EMPLOYEE","leaves":[{"y":1}]}"#, [("leaves[0].y", "unknown_field")]),
        (r#"{"title":"E","pageCount":4,"reader":"EMPLOYEE","leaves":[{}]}"#, [("leaves[0].firstLine", "required")]),
        (r#"{"title":"a\u0000b","pageCount":4,"reader":"EMPLOYEE"}"#, [("title", "invalid_characters")]),
        (r#"{"title":"","pageCount":4,"reader":"EMPLOYEE"}"#, [("title", "too_short")]),
        (r#"{"title":"E","pageCount":0,"reader":"EMPLOYEE"}"#, [("pageCount", "out_of_range")]),
        (r#"{"title":"E","pageCount":4,"reader":"EMPLOYEE","authorEmail":"e"}"#, [("authorEmail", "invalid_email")]),
        (
            r#"{"title":"E","pageCount":4,"reader":"EMPLOYEE","leaves":[{"firstLine":"x"}]}"#,
            [("leaves[0].firstLine", "too_short")],
        ),
        ("[]", [("", "wrong_type")]),
        ("[[[[", [("", "wrong_type")]),
        (r#"["Emma",400,"EMPLOYEE",null,[]]"#, [("", "wrong_type")]),
        ("null", [("", "wrong_type")]),
    ] {
        let answer = add(body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(answer.refused(), named(&expected), "{body}");
    }
    let several = add(r#"{"title":"","pageCount":0,"reader":"EMPLOYEE"}"#).await;
    assert_eq!(several.refused(), named(&[("pageCount", "out_of_range"), ("title", "too_short")]));
}

#[actix_web::test]
async fn what_is_no_json_is_refused_as_such() {
    for body in ["{", "x", &format!("{BOOK}}}"), "{\"title\":\"\u{1}\"}", r#"{"title":"\ud800"}"#] {
        let answer = add(body).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::BAD_REQUEST, "malformed_json"), "{body}");
    }
    let house = House::new();
    let latin = adding().insert_header(("content-type", "application/json")).set_payload(&b"{\"title\":\"\xe9\"}"[..]);
    assert_eq!(house.send(latin).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(house.send(adding()).await.code(), "body_required");
    assert_eq!(house.send(with_json(adding(), "")).await.code(), "body_required");
    for media in ["text/plain", "application/x-www-form-urlencoded", "application/json5", "nonsense"] {
        let answer = house.send(adding().insert_header(("content-type", media)).set_payload(BOOK)).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{media}");
        assert_eq!(answer.code(), "unsupported_media_type");
    }
    assert_eq!(house.send(adding().set_payload(BOOK)).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[actix_web::test]
async fn a_body_over_the_limit_is_refused() {
    let long = format!("{{\"title\":\"{}\"}}", "x".repeat(5000));
    let answer = add(&long).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large"));
}

#[actix_web::test]
async fn a_route_without_a_body_takes_none() {
    let house = House::new();
    let lending = || signed(Role::Practitioner, Method::POST, &format!("{ID}/lend"));
    assert_eq!(house.send(lending()).await.status, StatusCode::OK);
    assert_eq!(house.send(with_json(lending(), " {} ")).await.status, StatusCode::OK);
    let answer = house.send(with_json(lending(), r#"{"to":"me"}"#)).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::BAD_REQUEST, "unexpected_body"));
    let answer = house.send(with_json(lending(), &"x".repeat(5000))).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[actix_web::test]
async fn an_optional_body_may_be_left_out() {
    let house = House::new();
    let request = || TestRequest::with_uri("/auth/long").method(Method::POST);
    assert_eq!(house.send(request()).await.status, StatusCode::OK);
    assert_eq!(house.send(with_json(request(), "null")).await.status, StatusCode::OK);
    assert_eq!(house.send(with_json(request(), r#"{"firstLine":"once"}"#)).await.json()["said"], "once");
    assert_eq!(house.send(with_json(request(), r#"{"first":"once"}"#)).await.status, StatusCode::BAD_REQUEST);
}

#[actix_web::test]
async fn a_partial_update_tells_absent_null_and_value_apart() {
    let house = House::new();
    for (body, expected) in [
        ("{}", "None None"),
        (r#"{"subtitle":null}"#, "None Some(None)"),
        (r#"{"title":"T","subtitle":"S"}"#, "Some(\"T\") Some(Some(\"S\"))"),
    ] {
        for method in [Method::PATCH, Method::PUT] {
            let answer = house.send(with_json(signed(Role::Practitioner, method, ID), body)).await;
            assert!(answer.json()["said"].as_str().unwrap().ends_with(expected), "{body}");
        }
    }
    let null = house.send(with_json(signed(Role::Practitioner, Method::PATCH, ID), r#"{"title":null}"#)).await;
    assert_eq!(null.refused(), named(&[("title", "wrong_type")]));
}

#[actix_web::test]
async fn parameters_are_known_and_given_once() {
    let house = House::new();
    let plain = house.get("/books").await;
    assert_eq!((&plain.json()["page"], &plain.json()["perPage"]), (&1.into(), &20.into()));
    let full = house.get("/books?titleLike=a%20b&reader=r5_employee&page=3&perPage=100").await;
    assert_eq!(full.json()["items"][0]["title"], r#"Some("a b") Some("EMPLOYEE")"#);
    assert_eq!(full.json()["page"], 3);
    for (query, expected) in [
        ("x=1", [("x", "unknown_parameter")]),
        ("title_like=1", [("title_like", "unknown_parameter")]),
        ("page=1&page=2", [("page", "repeated")]),
        ("page=0", [("page", "out_of_range")]),
        ("perPage=101", [("perPage", "out_of_range")]),
        ("page=one", [("page", "invalid")]),
        ("page=", [("page", "invalid")]),
        ("reader=OWNER", [("reader", "unknown_value")]),
        ("titleLike=%00", [("titleLike", "invalid_characters")]),
        ("titleLike=12345678901", [("titleLike", "too_long")]),
    ] {
        let answer = house.get(&format!("/books?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(answer.refused(), named(&expected), "{query}");
    }
    let none = house.get("/books/newest?x=1").await;
    assert_eq!(none.refused(), named(&[("x", "unknown_parameter")]));
}

#[actix_web::test]
async fn one_thing_has_one_address() {
    let house = House::new();
    let read = async |id: &str| house.send(signed(Role::Employee, Method::GET, &format!("/books/{id}"))).await;
    assert_eq!(read("0190b9a0-0000-7000-8000-00000000000A").await.status, StatusCode::OK);
    for id in ["7", "0190b9a0000070008000000000000001", "%7B0190b9a0-0000-7000-8000-000000000001%7D", "%00", "a%2Fb"] {
        let answer = read(id).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::NOT_FOUND, "not_found"), "{id}");
    }
}

#[actix_web::test]
async fn unknown_paths_and_other_methods() {
    let house = House::new();
    for path in ["/nowhere", "/books/", "//books", "/books/newest/x"] {
        let answer = house.get(path).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::NOT_FOUND, "not_found"), "{path}");
    }
    for (path, method, allow) in [
        (ID, Method::POST, "DELETE, GET, HEAD, PATCH, PUT"),
        ("/books", Method::OPTIONS, "GET, HEAD, POST"),
        ("/books/newest", Method::DELETE, "GET, HEAD"),
        ("/shelf/1/lend", Method::GET, "POST"),
    ] {
        let answer = house.send(TestRequest::with_uri(path).method(method)).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"));
        assert_eq!(answer.header("allow"), Some(allow), "{path}");
    }
    assert_eq!(house.get("/books/newest").await.status, StatusCode::OK);
    let head = house.send(TestRequest::with_uri("/books/newest").method(Method::HEAD)).await;
    assert_eq!(head.status, StatusCode::OK);
}
