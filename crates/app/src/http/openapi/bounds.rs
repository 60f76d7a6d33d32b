//! Bounds on every string, array and number of the document.
use serde_json::{Map, Value, json};

/// Gives the known formats their bounds; everything else states its own.
pub(super) fn apply(value: &mut Value) {
    match value {
        Value::Object(schema) => {
            if let Some((least, most)) = schema.get("format").and_then(Value::as_str).and_then(length_of) {
                schema.entry("minLength").or_insert_with(|| json!(least));
                schema.entry("maxLength").or_insert_with(|| json!(most));
            }
            schema.values_mut().for_each(apply);
        }
        Value::Array(items) => items.iter_mut().for_each(apply),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn length_of(format: &str) -> Option<(u32, u32)> {
    match format {
        "uuid" => Some((36, 36)),
        "date" => Some((10, 10)),
        "date-time" => Some((20, 35)),
        "email" => Some((3, 254)),
        _ => None,
    }
}

/// Every schema of the document that allows a string, an array or a number without bounds, or
/// anything at all, by its place.
pub fn unbounded(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    search("", document, &mut found);
    found
}

/// Schemas are whatever stands under these keys, and whatever the components name.
fn search(place: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                let place = format!("{place}/{key}");
                match (key.as_str(), field) {
                    ("schema", _) => check(&place, field, found),
                    ("schemas", Value::Object(named)) => {
                        named.iter().for_each(|(name, schema)| check(&format!("{place}/{name}"), schema, found));
                    }
                    ("example" | "examples", _) => {}
                    _ => search(&place, field, found),
                }
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| search(&format!("{place}/{index}"), item, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn check(place: &str, schema: &Value, found: &mut Vec<String>) {
    let Some(schema) = schema.as_object() else { return };
    let listed = schema.contains_key("enum") || schema.contains_key("const");
    let alternatives = ["oneOf", "anyOf", "allOf"].iter().filter_map(|key| Some((*key, schema.get(*key)?.as_array()?)));
    let mut composed = false;
    for (key, members) in alternatives {
        composed = true;
        for (index, member) in members.iter().enumerate() {
            check(&format!("{place}/{key}/{index}"), member, found);
        }
    }
    let types = types(schema);
    if types.is_empty() && !composed && !listed && !schema.contains_key("$ref") {
        found.push(format!("{place}: anything"));
    }
    for kind in types {
        if !listed && !is_bounded(kind, schema) {
            found.push(format!("{place}: {kind}"));
        }
    }
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        check(&format!("{place}/{name}"), property, found);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(key) {
            check(&format!("{place}/{key}"), inner, found);
        }
    }
}

fn types(schema: &Map<String, Value>) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is_bounded(kind: &str, schema: &Map<String, Value>) -> bool {
    let has = |key: &str| schema.contains_key(key);
    match kind {
        "string" => has("maxLength"),
        "integer" | "number" => {
            (has("minimum") || has("exclusiveMinimum")) && (has("maximum") || has("exclusiveMaximum"))
        }
        "array" => has("maxItems"),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_bounds_is_named() {
        let document = json!({
            "components": { "schemas": { "Thing": { "type": "object", "properties": {
                "id": { "type": "string", "format": "uuid" },
                "word": { "type": "string", "enum": ["A"] },
                "name": { "type": ["string", "null"] },
                "list": { "type": "array", "maxItems": 3, "items": { "type": "integer", "minimum": 0 } },
                "any": {},
            } } } },
            "paths": { "/x": { "get": { "parameters": [{ "name": "q", "schema": { "type": "array", "items": { "$ref": "#/x" } } }] } } },
        });
        let mut bounded = document.clone();
        apply(&mut bounded);
        assert_eq!(
            unbounded(&bounded),
            [
                "/components/schemas/Thing/any: anything",
                "/components/schemas/Thing/list/items: integer",
                "/components/schemas/Thing/name: string",
                "/paths//x/get/parameters/0/schema: array",
            ]
        );
        assert_eq!(unbounded(&document).len(), 5);
    }
}
