//! Documents the other names of operations as deprecated copies.
use serde_json::{Map, Value, json};

use super::{edit, entry, key};
use crate::http::route::Operation;

/// Adds a copy of each aliased operation under its alias.
pub(super) fn add(document: &mut Value, operations: &[Operation]) {
    for alias in operations {
        let Some((method, path)) = &alias.alias_of else { continue };
        let Some(original) = entry(document, method, path) else { continue };
        let copy = copy(original, alias, path);
        let Some(root) = document.as_object_mut() else { return };
        edit(root, "paths", |paths| {
            edit(paths, alias.path, |item| drop(item.insert(key(&alias.method), Value::Object(copy))));
        });
    }
}

fn copy(original: &Map<String, Value>, alias: &Operation, original_path: &str) -> Map<String, Value> {
    let mut copy = original.clone();
    let id = original.get("operationId").and_then(Value::as_str).unwrap_or("operation");
    copy.insert("operationId".into(), json!(alias_id(id, alias, original_path)));
    copy.insert("deprecated".into(), json!(true));
    let renamed: Vec<(&str, &str)> = parameters(original_path).zip(parameters(alias.path)).collect();
    for parameter in copy.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        let new = renamed
            .iter()
            .find(|(old, _)| parameter.get("in") == Some(&json!("path")) && parameter.get("name") == Some(&json!(old)))
            .map(|(_, new)| json!(new));
        if let (Some(new), Some(parameter)) = (new, parameter.as_object_mut()) {
            parameter.insert("name".into(), new);
        }
    }
    copy
}

/// `confirm_put` for another method, `confirm_put_my` for another path as well.
fn alias_id(id: &str, alias: &Operation, original_path: &str) -> String {
    let method = key(&alias.method);
    if alias.path == original_path {
        return format!("{id}_{method}");
    }
    let words: Vec<&str> = alias.path.split('/').filter(|part| !part.is_empty() && !part.starts_with('{')).collect();
    format!("{id}_{method}_{}", words.join("_").replace('-', "_"))
}

fn parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}
