//! The problems that every operation may answer with, documented on each.
use actix_web::http::Method;
use serde_json::{Map, Value, json};

use super::{edit, repeatable};
use crate::http::{
    access::Access,
    limits::{self, Counted},
    problem::MEDIA_TYPE,
};

const PROBLEMS: [(&str, &str); 13] = [
    ("400", "The request is not valid."),
    ("401", "No valid token, or a refused sign-in."),
    ("403", "The role lacks the permission."),
    ("404", "Absent, or not the caller's to see."),
    ("406", "No acceptable encoding."),
    ("408", "The body did not arrive in time."),
    ("409", "The state of the resource or a rule of uniqueness refuses it."),
    ("413", "The body is too large."),
    ("415", "The body is not of an accepted type."),
    (
        "429",
        "Too many requests, or too many attempts that failed; the header fields are those of the limit that refused.",
    ),
    ("500", "A defect on our side."),
    ("503", "Overloaded, or a dependency is down."),
    ("405", "The path takes other methods."),
];

/// Defines the problem schema and one response for each status.
pub(super) fn define(components: &mut Map<String, Value>) {
    edit(components, "schemas", |schemas| drop(schemas.insert("Problem".into(), schema())));
    edit(components, "responses", |responses| {
        for (status, description) in PROBLEMS {
            responses.insert(format!("Problem{status}"), response(status, description));
        }
        repeatable::define(responses);
    });
}

fn response(status: &str, description: &str) -> Value {
    let seconds = json!({ "type": "integer", "minimum": 0, "maximum": 86_400 });
    let mut headers = json!({ "Retry-After": { "description": "Seconds to wait.", "schema": seconds } });
    match status {
        "429" => {
            for (name, says) in limits::FIELDS {
                let number = json!({ "type": "integer", "minimum": 0, "maximum": 1_000_000 });
                if let Some(headers) = headers.as_object_mut() {
                    headers.insert(name.to_owned(), json!({ "description": says, "schema": number }));
                }
            }
            json!({ "description": description, "headers": headers, "content": content() })
        }
        "503" => json!({ "description": description, "headers": headers, "content": content() }),
        _ => json!({ "description": description, "content": content() }),
    }
}

fn content() -> Value {
    json!({ MEDIA_TYPE: { "schema": { "$ref": "#/components/schemas/Problem" } } })
}

fn schema() -> Value {
    json!({
        "type": "object",
        "description": "Problem details (RFC 9457).",
        "required": ["type", "title", "status", "detail", "code", "requestId"],
        "properties": {
            "type": { "type": "string", "maxLength": 100 },
            "title": { "type": "string", "maxLength": 100 },
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": { "type": "string", "maxLength": 300 },
            "code": { "type": "string", "maxLength": 40, "pattern": "^[a-z_]+$" },
            "requestId": { "type": "string", "maxLength": 64 },
            "errors": {
                "type": "array",
                "maxItems": 1000,
                "items": {
                    "type": "object",
                    "required": ["field", "code", "message"],
                    "properties": {
                        "field": { "type": "string", "maxLength": 200 },
                        "code": { "type": "string", "maxLength": 40 },
                        "message": { "type": "string", "maxLength": 200 },
                    },
                },
            },
        },
    })
}

/// Adds the problems that apply to an operation, and a body to those that it declares itself.
pub(super) fn complete(entry: &mut Map<String, Value>, method: &Method, path: &str, access: Access) {
    let writes = *method != Method::GET;
    let sends = entry.contains_key("requestBody");
    let protected = matches!(access, Access::Permission(_) | Access::Optional(_));
    let takes_body = [Method::POST, Method::PUT, Method::PATCH].contains(method);
    let applying = PROBLEMS.iter().map(|(status, _)| *status).filter(|status| match *status {
        "401" => protected || access == Access::PublicKnowing,
        "403" => protected,
        "404" => path.contains('{'),
        "409" => writes,
        "408" | "413" => takes_body,
        "415" => sends,
        "405" => false,
        "429" => limits::counted(path) != Counted::None,
        _ => true,
    });
    edit(entry, "responses", |responses| {
        for (status, response) in responses.iter_mut() {
            give_body(status, response);
            describe(status, response);
        }
        for status in applying {
            let shared = || json!({ "$ref": format!("#/components/responses/Problem{status}") });
            responses.entry(status).or_insert_with(shared);
        }
    });
}

/// Every response needs a description (OpenAPI 3.1 §4.8.17); what the status says will do.
fn describe(status: &str, response: &mut Value) {
    let text = match status {
        "200" => "Done.",
        "201" => "Made; `Location` says where it is.",
        "202" => "Accepted, whatever became of it.",
        "204" => "Done; there is nothing to say.",
        _ => "The answer.",
    };
    if let Some(response) = response.as_object_mut()
        && !response.contains_key("$ref")
        && response.get("description").and_then(Value::as_str).is_none_or(str::is_empty)
    {
        response.insert("description".into(), text.into());
    }
}

fn give_body(status: &str, response: &mut Value) {
    let refusal = status.starts_with('4') || status.starts_with('5');
    if let Some(response) = response.as_object_mut()
        && refusal
        && !response.contains_key("$ref")
    {
        response.entry("content").or_insert_with(content);
    }
}
