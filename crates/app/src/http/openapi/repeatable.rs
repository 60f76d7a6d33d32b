//! Documents `Idempotency-Key` on the operations that take one.
use serde_json::{Map, Value, json};

use super::edit;
use crate::http::idempotency::KEY_NAME;

/// Adds the header, what a repeated answer says of itself, and the refusals.
pub(super) fn describe(entry: &mut Map<String, Value>) {
    let header = json!({
        "name": KEY_NAME,
        "in": "header",
        "required": false,
        "description": "What the client calls this request, in visible ASCII: sent again within 24 hours with the \
            same content, it is done once and answered as the first time. With other content it is refused \
            (`idempotency_key_reused`); while the first goes on, it waits for up to 3 seconds \
            (`request_in_progress`). Answers of 429 and from 500 on are not kept.",
        "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" },
    });
    if let Value::Array(parameters) = entry.entry("parameters").or_insert_with(|| json!([])) {
        parameters.push(header);
    }
    let replayed = json!({
        "description": "That nothing was done this time: the answer was given before.",
        "schema": { "type": "string", "enum": ["true"] },
    });
    edit(entry, "responses", |responses| {
        for (status, response) in responses.iter_mut() {
            if let Some(response) = response.as_object_mut().filter(|_| status.starts_with('2')) {
                edit(response, "headers", |headers| {
                    headers.insert("Idempotency-Replayed".into(), replayed.clone());
                });
            }
        }
        for status in
            ["400", "404", "409"].into_iter().filter(|status| responses.contains_key(*status)).collect::<Vec<_>>()
        {
            responses.insert(status.into(), json!({ "$ref": format!("#/components/responses/Repeated{status}") }));
        }
    });
}

/// Defines the refusals that may be repeated.
pub(super) fn define(responses: &mut Map<String, Value>) {
    for (status, more) in [("400", ""), ("404", ""), ("409", " Or the key was used for something else.")] {
        let Some(Value::Object(mut response)) = responses.get(&format!("Problem{status}")).cloned() else { continue };
        let description = response.get("description").and_then(Value::as_str).unwrap_or_default();
        let description = format!("{description}{more}");
        response.insert("description".into(), description.into());
        let header = json!({ "description": "That the refusal was given before.",
            "schema": { "type": "string", "enum": ["true"] } });
        edit(&mut response, "headers", |headers| drop(headers.insert("Idempotency-Replayed".into(), header)));
        responses.insert(format!("Repeated{status}"), response.into());
    }
}
