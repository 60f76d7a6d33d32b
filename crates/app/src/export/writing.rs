//! The two documents of an export: one for machines, one for people.
use serde_json::{Map, Value};

use super::{labels::label, sections::Section};
use crate::http::language::Language;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Document {
    /// For machines.
    Json,
    /// For people.
    Html,
}

impl Document {
    /// Its name in the archive.
    pub(super) fn file_name(self) -> &'static str {
        match self {
            Self::Json => "export.json",
            Self::Html => "export.html",
        }
    }

    /// What it ends with.
    pub(super) fn end(self) -> &'static str {
        match self {
            Self::Json => "}\n",
            Self::Html => "</body></html>\n",
        }
    }
}

/// Writes both, in this language.
#[derive(Clone, Copy)]
pub(super) struct Written(pub(super) Language);

const STYLE: &str = "body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
dl{display:grid;grid-template-columns:14rem 1fr;gap:.2rem 1rem;border-top:1px solid #ccc;padding-top:.6rem}\
dt{color:#555}dd{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}";

impl Written {
    /// The beginning, with what stands in few rows.
    pub(super) fn beginning(self, document: Document, head: &Value) -> String {
        let fields = head.as_object().into_iter().flatten();
        match document {
            Document::Json => {
                let mut text = "{".to_owned();
                for (name, value) in fields {
                    text.extend([
                        Value::from(name.as_str()).to_string(),
                        ":".to_owned(),
                        value.to_string(),
                        ",".to_owned(),
                    ]);
                }
                // The first section follows.
                text.pop();
                text
            }
            Document::Html => {
                let (tag, title) = (self.0.tag(), self.heading());
                let mut text = format!(
                    "<!DOCTYPE html>\n<html lang=\"{tag}\"><head><meta charset=\"utf-8\"><title>{title}</title>\
                     <style>{STYLE}</style></head><body><h1>{title}</h1>\n<p>{}</p>\n",
                    self.what_is_not_in_it()
                );
                for (name, value) in fields {
                    text.extend(["<h2>", &escaped(label(name, self.0)), "</h2>\n"]);
                    match value {
                        Value::Null => text.push_str(self.nothing()),
                        Value::Array(items) if items.is_empty() => text.push_str(self.nothing()),
                        Value::Array(items) => items.iter().for_each(|item| self.list(item, &mut text)),
                        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                            self.list(value, &mut text);
                        }
                    }
                }
                text
            }
        }
    }

    /// The beginning of a section.
    pub(super) fn section(self, document: Document, section: Section) -> String {
        match document {
            Document::Json => format!(",\n\"{}\":[", section.key()),
            Document::Html => format!("<h2>{}</h2>\n", escaped(section.title(self.0))),
        }
    }

    /// A record of a section.
    pub(super) fn record(self, document: Document, record: &Value, is_first: bool, text: &mut String) {
        match document {
            Document::Json => {
                text.push_str(if is_first { "\n" } else { ",\n" });
                text.push_str(&record.to_string());
            }
            Document::Html => self.list(record, text),
        }
    }

    /// The end of a section.
    pub(super) fn section_end(self, document: Document, is_empty: bool) -> &'static str {
        match document {
            Document::Json => "]",
            Document::Html if is_empty => self.nothing(),
            Document::Html => "",
        }
    }

    fn heading(self) -> &'static str {
        match self.0 {
            Language::French => "Vos données",
            Language::English => "Your data",
        }
    }

    fn nothing(self) -> &'static str {
        match self.0 {
            Language::French => "<p>Rien.</p>\n",
            Language::English => "<p>Nothing.</p>\n",
        }
    }

    fn what_is_not_in_it(self) -> &'static str {
        match self.0 {
            Language::French => {
                "Les notes d'un praticien ne figurent pas ici : demandez-lui la copie de votre dossier. \
                 Les mots de passe et les codes ne sont conservés que sous une forme illisible."
            }
            Language::English => {
                "A practitioner's notes are not in here: ask the practitioner for a copy of your record. \
                 Passwords and codes are only kept in a form that nobody can read."
            }
        }
    }

    /// The fields of a record, one below the other.
    fn list(self, record: &Value, text: &mut String) {
        let none = Map::new();
        text.push_str("<dl>");
        for (name, value) in record.as_object().unwrap_or(&none).iter().filter(|(_, value)| !value.is_null()) {
            text.extend(["<dt>", &escaped(label(name, self.0)), "</dt><dd>", &self.shown(value), "</dd>"]);
        }
        text.push_str("</dl>\n");
    }

    fn shown(self, value: &Value) -> String {
        match value {
            Value::String(text) => escaped(text),
            Value::Bool(yes) => match (self.0, yes) {
                (Language::French, true) => "oui".to_owned(),
                (Language::French, false) => "non".to_owned(),
                (Language::English, true) => "yes".to_owned(),
                (Language::English, false) => "no".to_owned(),
            },
            Value::Array(items) => items.iter().map(|item| self.shown(item)).collect::<Vec<_>>().join(", "),
            Value::Object(fields) => fields.values().map(|field| self.shown(field)).collect::<Vec<_>>().join(", "),
            Value::Null | Value::Number(_) => escaped(&value.to_string()),
        }
    }
}

/// The text with everything that HTML would read as its own (HTML Living Standard, §13.3).
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_that_people_write_is_read_as_html() {
        let mut text = String::new();
        let record = json!({ "content": "<script>alert(\"x\")</script> & 'y'", "<b>": 1 });
        Written(Language::French).record(Document::Html, &record, true, &mut text);
        assert!(!text.contains("<script") && !text.contains("<b>"), "{text}");
        assert!(text.contains("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;y&#39;"), "{text}");
    }
}
