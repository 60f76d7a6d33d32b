//! What an answer looks like: which fields it has, and whether another answer differs from it.
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Answer;

impl Answer {
    /// The names of the fields of the object at `pointer` (RFC 6901), sorted.
    #[track_caller]
    pub fn fields_at(&self, pointer: &str) -> Vec<&str> {
        let object = self.json.pointer(pointer).and_then(Value::as_object);
        let object = object.unwrap_or_else(|| panic!("{}: no object at {pointer} in {}", self.asked, self.json));
        let mut names: Vec<&str> = object.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// Whether a client could not tell the two answers apart but by the ids of their requests.
    #[track_caller]
    pub fn must_look_like(&self, other: &Self) {
        assert_eq!(self.status, other.status, "{} and {}", self.asked, other.asked);
        assert_eq!(self.lasting_body(), other.lasting_body(), "{} and {}", self.asked, other.asked);
        assert_eq!(self.lasting_headers(), other.lasting_headers(), "{} and {}", self.asked, other.asked);
    }

    /// The JSON body without the request's id, or the bytes of another body.
    fn lasting_body(&self) -> Result<Map<String, Value>, &[u8]> {
        let Some(object) = self.json.as_object() else { return Err(&self.bytes) };
        let mut object = object.clone();
        object.remove("requestId");
        Ok(object)
    }

    fn lasting_headers(&self) -> BTreeMap<&str, &[u8]> {
        // The last is a set, which each application writes in an order of its own.
        let of_this_one = ["x-request-id", "date", "access-control-expose-headers"];
        let lasting = self.headers.iter().filter(|(name, _)| !of_this_one.contains(&name.as_str()));
        lasting.map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
    }
}
