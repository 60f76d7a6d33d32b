//! The effective configuration as a person may see it.

use std::fmt::Write as _;

use serde_json::Value;

use super::{Config, ConfigError, Problem};

impl Config {
    /// Every key with its effective value, one a line, secrets masked.
    ///
    /// # Errors
    /// When a value cannot be shown, which no loaded configuration can bring about.
    pub fn masked(&self) -> Result<String, ConfigError> {
        let mut text = String::new();
        for (key, value) in self.entries()? {
            if writeln!(text, "{key} = {value}").is_err() {
                break;
            }
        }
        Ok(text)
    }

    /// Every key with its effective value, secrets masked.
    pub(super) fn entries(&self) -> Result<Vec<(String, String)>, ConfigError> {
        match serde_json::to_value(self) {
            Ok(tree) => {
                let mut entries = Vec::new();
                flatten("", &tree, &mut entries);
                Ok(entries)
            }
            Err(error) => Err(Problem::at("the configuration", error.to_string()).into()),
        }
    }
}

fn flatten(key: &str, value: &Value, entries: &mut Vec<(String, String)>) {
    match value {
        Value::Object(section) => {
            for (name, inner) in section {
                let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                flatten(&key, inner, entries);
            }
        }
        Value::Null => entries.push((key.to_owned(), "(not set)".to_owned())),
        Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Array(_) => {
            entries.push((key.to_owned(), value.to_string()));
        }
    }
}
