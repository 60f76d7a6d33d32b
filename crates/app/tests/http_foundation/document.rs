//! The document that is made from the registry.
use actix_web::http::{Method, StatusCode};
use huntzen_app::http::{Operations, openapi};
use serde_json::Value;

use crate::{house::House, routes};

#[test]
fn registry_and_document_agree() {
    assert_eq!(openapi::mismatches(&routes::operations()), Vec::<String>::new());
}

#[test]
fn everything_in_it_has_bounds() {
    assert_eq!(openapi::unbounded(&openapi::assemble(&routes::operations())), Vec::<String>::new());
}

#[test]
fn disagreements_are_named() {
    let mut ops = Operations::new();
    ops.route(Method::GET, "/things/{id}", huntzen_app::http::Access::Public, async || "");
    ops.route(Method::GET, "/things/{name}/x", huntzen_app::http::Access::Public, async || "");
    ops.route(Method::POST, "/things/{id}/x", huntzen_app::http::Access::Public, async || "");
    let found = openapi::mismatches(&ops);
    assert_eq!(found.iter().filter(|line| line.ends_with("is not documented")).count(), 3);
    assert!(found.contains(&"/things/{id}/x and /things/{name}/x name one parameter differently".to_owned()));
}

#[test]
fn operations_state_security_and_every_status() {
    let document = openapi::assemble(&routes::operations());
    assert_eq!(document["info"]["title"], "HuntZen Care API");
    let add = &document["paths"]["/books"]["post"];
    assert_eq!(add["security"], serde_json::json!([{ "bearer": [] }]));
    let statuses: Vec<&str> = add["responses"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(statuses, ["201", "400", "401", "403", "406", "408", "409", "413", "415", "429", "500", "503"]);
    let list = &document["paths"]["/books"]["get"];
    assert_eq!(list["security"], serde_json::json!([]));
    let statuses: Vec<&str> = list["responses"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(statuses, ["200", "400", "406", "429", "500", "503"]);
    assert!(document["paths"]["/books/{id}"]["get"]["responses"]["404"].is_object());
}

#[test]
fn aliases_are_deprecated_copies() {
    let document = openapi::assemble(&routes::operations());
    let original = &document["paths"]["/books/{id}/lend"]["post"];
    assert_eq!(original["deprecated"], Value::Null);
    let other_path = &document["paths"]["/shelf/{bookId}/lend"]["post"];
    assert_eq!(other_path["deprecated"], true);
    assert_eq!(other_path["operationId"], "lend_book_post_shelf_lend");
    assert_eq!(other_path["parameters"][0]["name"], "bookId");
    let other_method = &document["paths"]["/books/{id}/lend"]["put"];
    assert_eq!(other_method["operationId"], "lend_book_put");
    assert_eq!(other_method["responses"], original["responses"]);
}

#[test]
fn the_registry_lists_what_the_matrix_needs() {
    let operations = routes::operations().operations();
    assert_eq!(operations.len(), 16);
    let alias = operations.iter().find(|operation| operation.path == "/shelf/{bookId}/lend").unwrap();
    assert_eq!(alias.alias_of, Some((Method::POST, "/books/{id}/lend")));
}

#[actix_web::test]
async fn it_is_served_with_its_browser_only_where_enabled() {
    let house = House::new();
    let served = house.get("/api/openapi.json").await;
    assert_eq!(served.json(), openapi::assemble(&routes::operations()));
    assert_eq!(house.get("/api/docs").await.header("location"), Some("/api/docs/"));
    let page = house.get("/api/docs/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.header("content-security-policy").unwrap().contains("script-src 'self';"));
    let script = house.get("/api/docs/swagger-initializer.js").await;
    assert!(String::from_utf8_lossy(&script.body).contains("/api/openapi.json"));
    assert_eq!(house.get("/api/docs/nothing.js").await.code(), "not_found");
    let house = House::with_docs(false);
    for path in ["/api/openapi.json", "/api/docs", "/api/docs/"] {
        assert_eq!(house.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}
