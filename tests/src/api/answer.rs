//! What the application answered, and what a demanding client expects of it.
use actix_web::{http::header::HeaderMap, web::Bytes};
use serde_json::Value;

/// What the application answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The request that it answers, for messages.
    pub asked: String,
    /// The status code.
    pub status: u16,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body as it came.
    pub bytes: Bytes,
    /// The body as JSON; `Null` when it is none.
    pub json: Value,
}

impl Answer {
    /// The first value of a header field.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.bytes.to_vec()).unwrap()
    }

    /// The JSON body of an answer with this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> &Value {
        assert_eq!(self.status, status, "{}: {}", self.asked, String::from_utf8_lossy(&self.bytes));
        &self.json
    }

    /// A refusal with this status and code, and everything that every refusal has (RFC 9457).
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> &Value {
        let problem = self.expect(status);
        assert_eq!(problem["code"], code, "{}: {problem}", self.asked);
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.asked);
        assert_eq!(problem["status"], status);
        assert_eq!(problem["requestId"].as_str(), self.header("x-request-id"));
        for field in ["type", "title", "detail"] {
            assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{}: no {field}", self.asked);
        }
        problem
    }

    /// A refusal of one field or parameter.
    #[track_caller]
    pub fn invalid(&self, field: &str, code: &str) {
        let problem = self.refused(400, "validation_failed");
        let errors = problem["errors"].as_array().unwrap();
        let named = errors.iter().find(|error| error["field"] == field);
        let named = named.unwrap_or_else(|| panic!("{}: {field} is not refused in {problem}", self.asked));
        assert_eq!(named["code"], code, "{}: {problem}", self.asked);
        assert!(named["message"].as_str().is_some_and(|text| !text.is_empty()));
    }

    /// A text at `pointer` (RFC 6901) of the body.
    #[track_caller]
    pub fn text_at(&self, pointer: &str) -> String {
        let found = self.json.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("{}: no text at {pointer} in {}", self.asked, self.json)).to_owned()
    }

    /// What each of the listed items has at `field`.
    #[track_caller]
    pub fn each(&self, field: &str) -> Vec<Value> {
        let items = self.json.get("items").unwrap_or(&self.json).as_array();
        let items = items.unwrap_or_else(|| panic!("{}: no list in {}", self.asked, self.json));
        items.iter().map(|item| item[field].clone()).collect()
    }

    /// Whether the answer nowhere contains `text`.
    #[track_caller]
    pub fn must_not_tell(&self, text: &str) {
        assert!(!self.text().contains(text), "{} tells {text}: {}", self.asked, self.text());
    }
}
