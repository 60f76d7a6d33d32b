//! The API's document (OpenAPI 3.1), made from the registry and the operations' own annotations.
mod aliases;
mod bounds;
mod check;
mod repeatable;
mod responses;
mod words;

use actix_web::http::Method;
use huntzen_tenancy::{policy::Permission, words::Words};
use serde_json::{Map, Value, json};

pub use bounds::unbounded;
pub use check::mismatches;
pub use words::{optional_words_schema, words_schema};

use super::{access::Access, route::Operations};

/// The tags, in the order in which the document shows them.
const TAGS: [(&str, &str); 14] = [
    ("auth", "Accounts, sign-in, sessions"),
    ("companies", "Customer companies"),
    ("employees", "A company's beneficiaries"),
    ("practitioners", "Practitioners and their public profiles"),
    ("availability", "Availability rules, exceptions and free slots"),
    ("consultations", "Booking and holding consultations"),
    ("medical", "Clinical notes and the private journal"),
    ("chat", "Messages between the participants of a consultation"),
    ("metrics", "Usage counters, reports and exports"),
    ("content", "Articles and company news"),
    ("notifications", "The in-app inbox"),
    ("files", "Uploaded files"),
    ("users", "One's own data and preferences"),
    ("operations", "Health and supervision"),
];

/// The whole document.
pub fn assemble(operations: &Operations) -> Value {
    let mut document = merged(operations);
    describe(&mut document);
    for operation in operations.operations().iter().filter(|operation| operation.alias_of.is_none()) {
        if let Some(entry) = entry_mut(&mut document, &operation.method, operation.path) {
            secure(entry, operation.access);
            responses::complete(entry, &operation.method, operation.path, operation.access);
            if operation.repeatable {
                repeatable::describe(entry);
            }
        }
    }
    aliases::add(&mut document, &operations.operations());
    bounds::apply(&mut document);
    document
}

fn merged(operations: &Operations) -> Value {
    let mut all = utoipa::openapi::OpenApi::default();
    for document in operations.documents() {
        all.merge(document);
    }
    serde_json::to_value(all).unwrap_or_else(|_| json!({}))
}

fn describe(document: &mut Value) {
    let Some(root) = document.as_object_mut() else { return };
    root.insert("openapi".into(), json!("3.1.0"));
    root.insert(
        "info".into(),
        json!({
            "title": "HuntZen Care API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Workplace mental health under absolute medical secrecy.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        }),
    );
    root.insert("servers".into(), json!([{ "url": "/" }]));
    let tags = TAGS.map(|(name, description)| json!({ "name": name, "description": description }));
    root.insert("tags".into(), tags.to_vec().into());
    let bearer = json!({
        "type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "The access token of a sign-in.",
    });
    edit(root, "components", |components| {
        edit(components, "securitySchemes", |schemes| drop(schemes.insert("bearer".into(), bearer)));
        responses::define(components);
    });
}

fn secure(entry: &mut Map<String, Value>, access: Access) {
    let security = match access {
        Access::Public => json!([]),
        Access::PublicKnowing => json!([{}, { "bearer": [] }]),
        Access::Permission(permission) => {
            hold(entry, permission);
            json!([{ "bearer": [] }])
        }
        Access::Optional(permission) => {
            hold(entry, permission);
            json!([{}, { "bearer": [] }])
        }
    };
    entry.insert("security".into(), security);
}

/// Says what an operation asks for, and who has it.
fn hold(entry: &mut Map<String, Value>, permission: Permission) {
    let roles = permission.roles().iter().map(|role| role.as_str());
    entry.insert("x-permission".into(), json!(permission.as_str()));
    entry.insert("x-roles".into(), roles.collect::<Value>());
}

/// Changes the object under `key`, made when absent.
fn edit(parent: &mut Map<String, Value>, key: &str, change: impl FnOnce(&mut Map<String, Value>)) {
    if let Value::Object(object) = parent.entry(key).or_insert_with(|| json!({})) {
        change(object);
    }
}

fn entry_mut<'a>(document: &'a mut Value, method: &Method, path: &str) -> Option<&'a mut Map<String, Value>> {
    document.get_mut("paths")?.get_mut(path)?.get_mut(key(method))?.as_object_mut()
}

fn entry<'a>(document: &'a Value, method: &Method, path: &str) -> Option<&'a Map<String, Value>> {
    document.get("paths")?.get(path)?.get(key(method))?.as_object()
}

fn key(method: &Method) -> String {
    method.as_str().to_ascii_lowercase()
}
