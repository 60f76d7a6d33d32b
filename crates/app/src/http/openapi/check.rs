//! Where the registry and the document disagree; a test demands that they do not.
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{assemble, entry, key};
use crate::http::route::Operations;

/// Everything about the document that is wrong: operations without documentation or the reverse,
/// operation ids that occur twice, two parameter names at one place of a path, request bodies
/// that take unknown fields, references to nothing, unknown tags.
pub fn mismatches(operations: &Operations) -> Vec<String> {
    let document = assemble(operations);
    let mut found = Vec::new();
    undocumented(operations, &document, &mut found);
    unregistered(operations, &document, &mut found);
    repeated_ids(&document, &mut found);
    differing_parameters(operations, &mut found);
    open_bodies(&document, &mut found);
    dangling("", &document, &document, &mut found);
    found
}

fn undocumented(operations: &Operations, document: &Value, found: &mut Vec<String>) {
    for operation in operations.operations() {
        match entry(document, &operation.method, operation.path) {
            None => found.push(format!("{} {} is not documented", operation.method, operation.path)),
            Some(entry) => {
                let tags = entry.get("tags").and_then(Value::as_array);
                let known = |tag: &Value| super::TAGS.iter().any(|(name, _)| tag == name);
                if !tags.is_some_and(|tags| !tags.is_empty() && tags.iter().all(known)) {
                    found.push(format!("{} {} has no known tag", operation.method, operation.path));
                }
            }
        }
    }
}

fn entries(document: &Value) -> impl Iterator<Item = (&String, &String, &Value)> {
    let paths = document.get("paths").and_then(Value::as_object).into_iter().flatten();
    paths.flat_map(|(path, item)| {
        item.as_object().into_iter().flatten().map(move |(method, entry)| (path, method, entry))
    })
}

fn unregistered(operations: &Operations, document: &Value, found: &mut Vec<String>) {
    let known: BTreeSet<(String, &str)> =
        operations.operations().iter().map(|operation| (key(&operation.method), operation.path)).collect();
    for (path, method, _) in entries(document) {
        if !known.contains(&(method.clone(), path.as_str())) {
            found.push(format!("{method} {path} is documented and not served"));
        }
    }
}

fn repeated_ids(document: &Value, found: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for (path, method, entry) in entries(document) {
        match entry.get("operationId").and_then(Value::as_str) {
            Some(id) if seen.insert(id) => {}
            Some(id) => found.push(format!("{method} {path}: the operation id {id} is used before")),
            None => found.push(format!("{method} {path} has no operation id")),
        }
    }
}

fn differing_parameters(operations: &Operations, found: &mut Vec<String>) {
    let mut templates: BTreeMap<String, &str> = BTreeMap::new();
    for operation in operations.operations() {
        let blank: Vec<&str> =
            operation.path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect();
        let first = templates.entry(blank.join("/")).or_insert(operation.path);
        if *first != operation.path {
            found.push(format!("{} and {first} name one parameter differently", operation.path));
        }
    }
}

fn open_bodies(document: &Value, found: &mut Vec<String>) {
    for (path, method, entry) in entries(document) {
        let Some(schema) = entry.pointer("/requestBody/content/application~1json/schema") else { continue };
        if !is_closed(schema, document) {
            found.push(format!("{method} {path}: the body takes unknown fields"));
        }
    }
}

fn is_closed(schema: &Value, document: &Value) -> bool {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let target = document.pointer(reference.trim_start_matches('#'));
        return target.is_none_or(|target| is_closed(target, document));
    }
    match schema.get("oneOf").and_then(Value::as_array) {
        Some(members) => members.iter().all(|member| is_closed(member, document)),
        None => schema.get("type") == Some(&"null".into()) || schema.get("additionalProperties") == Some(&false.into()),
    }
}

fn dangling(place: &str, value: &Value, document: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref")
                && document.pointer(reference.trim_start_matches('#')).is_none()
            {
                found.push(format!("{place}: {reference} does not exist"));
            }
            fields.iter().for_each(|(key, field)| dangling(&format!("{place}/{key}"), field, document, found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| dangling(&format!("{place}/{at}"), item, document, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
