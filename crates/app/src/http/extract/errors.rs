//! Turns what serde and validator say about an input into named fields with stable codes.
use std::{borrow::Cow, collections::HashMap};

use validator::{ValidationError, ValidationErrors, ValidationErrorsKind};

use crate::http::problem::FieldProblem;

/// The field problem that a serde error at `path` stands for. serde's errors are texts alone, so
/// their stable beginnings decide; the texts themselves are never shown.
pub(super) fn from_serde(path: &serde_path_to_error::Path, message: &str) -> FieldProblem {
    let message = message.split(" at line ").next().unwrap_or_default();
    let path = match path.to_string() {
        root if root == "." => String::new(),
        path => path,
    };
    let named = |code: &'static str| {
        let name = message.split('`').nth(1).unwrap_or_default();
        FieldProblem::new(joined(&path, name), code)
    };
    if message.starts_with("missing field") {
        named("required")
    } else if message.starts_with("unknown field") {
        named("unknown_field")
    } else if message.starts_with("duplicate field") {
        named("duplicate_field")
    } else {
        FieldProblem::new(path, code_of(message))
    }
}

fn code_of(message: &str) -> Cow<'static, str> {
    if message.starts_with("invalid type") || message.starts_with("invalid length") {
        "wrong_type".into()
    } else if message.starts_with("unknown variant") || message.starts_with("not one of the words") {
        "unknown_value".into()
    } else if is_code(message) {
        // Our own types refuse with a code for a message.
        message.to_owned().into()
    } else {
        "invalid".into()
    }
}

fn is_code(message: &str) -> bool {
    !message.is_empty() && message.len() <= 40 && message.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// `path` and the `name` within it, which the path may already end with.
fn joined(path: &str, name: &str) -> String {
    if path.is_empty() || path == name {
        name.to_owned()
    } else if path.strip_suffix(name).is_some_and(|rest| rest.ends_with('.')) {
        path.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// Every refusal of `errors`, by JSON name, in a stable order.
pub(super) fn from_validator(errors: &ValidationErrors) -> Vec<FieldProblem> {
    let mut found = Vec::new();
    collect("", errors, &mut found);
    found.sort_by(|one, other| (&one.field, &one.code).cmp(&(&other.field, &other.code)));
    found
}

fn collect(prefix: &str, errors: &ValidationErrors, found: &mut Vec<FieldProblem>) {
    for (field, kind) in errors.errors() {
        let name = match (field.as_ref(), prefix) {
            ("__all__", prefix) => prefix.to_owned(),
            (field, "") => camel_case(field),
            (field, prefix) => format!("{prefix}.{}", camel_case(field)),
        };
        match kind {
            ValidationErrorsKind::Field(refusals) => {
                found.extend(refusals.iter().map(|refusal| FieldProblem::new(name.clone(), code(refusal))));
            }
            ValidationErrorsKind::Struct(inner) => collect(&name, inner, found),
            ValidationErrorsKind::List(items) => {
                for (index, inner) in items {
                    collect(&format!("{name}[{index}]"), inner, found);
                }
            }
        }
    }
}

fn code(refusal: &ValidationError) -> Cow<'static, str> {
    match refusal.code.as_ref() {
        "length" => length_code(&refusal.params).into(),
        "range" => "out_of_range".into(),
        "email" => "invalid_email".into(),
        _ => refusal.code.clone(),
    }
}

fn length_code(params: &HashMap<Cow<'static, str>, serde_json::Value>) -> &'static str {
    let length = match params.get("value") {
        Some(serde_json::Value::String(text)) => Some(text.chars().count()),
        Some(serde_json::Value::Array(items)) => Some(items.len()),
        _ => None,
    };
    let least = params.get("min").and_then(serde_json::Value::as_u64).and_then(|least| usize::try_from(least).ok());
    match (length, least) {
        (Some(length), Some(least)) if length < least => "too_short",
        _ => "too_long",
    }
}

/// `first_name` as JSON has it: `firstName`.
fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let mut text = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        text.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        text.push_str(letters.as_str());
    }
    text
}
