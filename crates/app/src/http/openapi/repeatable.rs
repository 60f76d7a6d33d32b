//! Documents `Idempotency-Key` on the operations that take one.
use serde_json::{Map, Value, json};

use super::edit;
use crate::http::idempotency::KEY_NAME;

/// The refusals that are kept.
const REFUSALS: [&str; 3] = ["400", "404", "409"];
/// How the header of a repeated answer is called.
const REPLAYED_NAME: &str = "Idempotency-Replayed";

/// Adds the header, what a repeated answer says of itself, and the refusals.
pub(super) fn describe(entry: &mut Map<String, Value>) {
    let header = json!({
        "name": KEY_NAME,
        "in": "header",
        "required": false,
        "description": "What the client calls this request, in printable ASCII: sent again within 24 hours with the \
            same content, it is done once and answered as the first time. With other content it is refused \
            (`idempotency_key_reused`); while the first goes on, it waits for up to 3 seconds \
            (`request_in_progress`). Answers of 429 and from 500 on are not kept, nor is a `conflict` that chance \
            has brought about. Of one account 32 MiB of answers are kept: beyond that, new keys are refused with \
            429 until some are over.",
        "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$" },
    });
    if let Value::Array(parameters) = entry.entry("parameters").or_insert_with(|| json!([])) {
        parameters.push(header);
    }
    edit(entry, "responses", |responses| {
        for (status, response) in responses {
            let Some(response) = response.as_object_mut() else { continue };
            let is_refusal = REFUSALS.contains(&status.as_str());
            if is_refusal && response.contains_key("$ref") {
                response.insert("$ref".into(), json!(format!("#/components/responses/Repeated{status}")));
            } else if is_refusal || status.starts_with('2') {
                edit(response, "headers", |headers| drop(headers.insert(REPLAYED_NAME.into(), replayed())));
            }
        }
    });
}

/// Says of an answer that it was given before.
fn replayed() -> Value {
    json!({
        "description": "That nothing was done this time: the answer was given before.",
        "schema": { "type": "string", "enum": ["true"] },
    })
}

/// Defines the refusals that may be repeated.
pub(super) fn define(responses: &mut Map<String, Value>) {
    for status in REFUSALS {
        let Some(Value::Object(mut response)) = responses.get(&format!("Problem{status}")).cloned() else { continue };
        edit(&mut response, "headers", |headers| drop(headers.insert(REPLAYED_NAME.into(), replayed())));
        if status == "409" {
            let description = response.get("description").and_then(Value::as_str).unwrap_or_default();
            let description = format!("{description} Or the key was used for something else, or is being used.");
            response.insert("description".into(), description.into());
        }
        responses.insert(format!("Repeated{status}"), response.into());
    }
}
