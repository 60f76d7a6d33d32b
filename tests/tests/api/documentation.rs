//! The API's document: true to what is served, bounded, reviewed as a file, and hidden when told so.
use std::{env, fs, path::Path};

use huntzen_app::http::{openapi, operations};
use huntzen_tests::api::{ApiWorld, NOBODY};
use serde_json::{Value, json};

/// The document as `huntzen openapi` prints it.
fn printed() -> String {
    format!("{}\n", serde_json::to_string_pretty(&openapi::assemble(&operations())).unwrap())
}

#[test]
fn the_document_tells_all_that_is_served_and_nothing_else() {
    assert_eq!(openapi::mismatches(&operations()), Vec::<String>::new());
}

#[test]
fn every_text_list_and_number_has_bounds() {
    assert_eq!(openapi::unbounded(&openapi::assemble(&operations())), Vec::<String>::new());
}

#[test]
fn every_schema_can_be_met() {
    let document = openapi::assemble(&operations());
    let mut places = vec![(String::new(), &document)];
    let mut joined = 0;
    while let Some((place, schema)) = places.pop() {
        if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            joined += 1;
            let kind = |part: &Value| {
                let named = part["$ref"].as_str().and_then(|name| document.pointer(name.trim_start_matches('#')));
                named.unwrap_or(part).get("type").cloned()
            };
            let kinds: Vec<Value> = parts.iter().filter_map(kind).collect();
            assert!(kinds.iter().all(|kind| Some(kind) == kinds.first()), "{place}: nothing is all of {kinds:?}");
        }
        let of_object = schema.as_object().into_iter().flatten().map(|(key, value)| (format!("{place}/{key}"), value));
        let of_array = schema.as_array().into_iter().flatten().enumerate();
        places.extend(of_object);
        places.extend(of_array.map(|(index, value)| (format!("{place}/{index}"), value)));
    }
    assert!(joined > 0, "no schema is made of others");
}

#[test]
fn operations_name_the_roles_that_may() {
    let document = openapi::assemble(&operations());
    let mut named = 0;
    for operation in document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values())
    {
        assert_eq!(operation.get("x-permission").is_some(), operation.get("x-roles").is_some(), "{operation}");
        named += usize::from(operation["x-roles"].as_array().is_some_and(|roles| !roles.is_empty()));
    }
    assert!(named > 100, "{named}");
    assert_eq!(document["paths"]["/companies"]["post"]["x-roles"], json!(["ADMIN_HUNTZEN"]));
}

#[test]
fn the_document_is_the_reviewed_one() {
    let snapshot = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    if env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&snapshot, printed()).unwrap();
    }
    let reviewed = fs::read_to_string(&snapshot).unwrap_or_default();
    let differing = printed().lines().zip(reviewed.lines()).position(|(now, then)| now != then);
    let place = differing.map_or(reviewed.lines().count(), |line| line) + 1;
    assert!(printed() == reviewed, "tests/openapi.json differs from line {place}; `make openapi` writes it anew");
}

#[test]
fn aliases_are_deprecated_copies_and_paths_name_their_parameters_alike() {
    let document = openapi::assemble(&operations());
    let at = |pointer: &str| document.pointer(pointer).unwrap_or(&Value::Null).clone();
    for (alias, original) in [
        ("/paths/~1consultations~1{id}~1confirm/put", "/paths/~1consultations~1{id}~1confirm/post"),
        ("/paths/~1companies~1{id}~1activate/post", "/paths/~1companies~1{id}~1validate/post"),
        ("/paths/~1consultations~1my/get", "/paths/~1consultations~1mine/get"),
        ("/paths/~1consultations~1{id}~1room/get", "/paths/~1consultations~1{id}~1room/post"),
    ] {
        assert_eq!(at(&format!("{alias}/deprecated")), true, "{alias}");
        assert_eq!(at(&format!("{original}/deprecated")), Value::Null, "{original}");
        assert_eq!(at(&format!("{alias}/responses/200")), at(&format!("{original}/responses/200")), "{alias}");
        assert_ne!(at(&format!("{original}/responses/200")), Value::Null, "{original}");
    }
    let paths = document["paths"].as_object().unwrap();
    let parameters = paths.keys().flat_map(|path| path.split('/')).filter(|part| part.starts_with('{'));
    assert!(parameters.clone().count() > 20);
    let known = |part: &&str| matches!(*part, "{id}" | "{slugOrId}");
    assert_eq!(parameters.filter(|part| !known(part)).collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn every_operation_that_is_limited_says_so() {
    let document = openapi::assemble(&operations());
    let refusal = &document["components"]["responses"]["Problem429"];
    let headers: Vec<&str> = refusal["headers"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(headers, ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After"]);
    let mut free = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for operation in methods.as_object().unwrap().values() {
            match operation["responses"].get("429") {
                Some(response) => assert_eq!(response["$ref"], "#/components/responses/Problem429", "{path}"),
                None => free.push(path.as_str()),
            }
        }
    }
    assert_eq!(free, ["/crisis", "/health", "/health/live"]);
}

#[actix_web::test]
async fn the_document_is_served_with_a_browser_for_it() {
    let api = ApiWorld::memory().await;
    let answer = api.get(NOBODY, "/api/openapi.json").await;
    assert_eq!(*answer.expect(200), openapi::assemble(&operations()));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.json["info"]["title"], "HuntZen Care API");
    assert_eq!(answer.json["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    let tags: Vec<&Value> = answer.json["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    let expected = [
        "auth",
        "companies",
        "employees",
        "practitioners",
        "availability",
        "consultations",
        "medical",
        "chat",
        "metrics",
        "content",
        "notifications",
        "files",
        "users",
        "operations",
    ];
    assert_eq!(tags, expected.map(|tag| json!(tag)).iter().collect::<Vec<_>>());

    let away = api.get(NOBODY, "/api/docs").await;
    assert_eq!((away.status, away.header("location")), (308, Some("/api/docs/")));
    let browser = api.get(NOBODY, "/api/docs/").await;
    assert_eq!(browser.status, 200);
    assert!(browser.header("content-type").unwrap().starts_with("text/html"));
    assert!(browser.header("content-security-policy").unwrap().contains("default-src 'none'"));
    api.get(NOBODY, "/api/docs/nothing.js").await.refused(404, "not_found");
}

#[actix_web::test]
async fn where_documents_are_disabled_there_are_none() {
    let api = ApiWorld::memory_with(|config| config.http.docs_enabled = false).await;
    for path in ["/api/openapi.json", "/api/docs", "/api/docs/"] {
        api.get(NOBODY, path).await.refused(404, "not_found");
    }
    api.get(NOBODY, "/health").await.expect(200);
}
