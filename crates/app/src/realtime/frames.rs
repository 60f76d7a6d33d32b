//! The frames: one JSON object each, `{"event", "data", "id"?}`, read strictly.
use std::{fmt, sync::Arc};

use huntzen_tenancy::{live::Signal, words, words::Words};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor},
};
use validator::Validate;

use super::handle::Item;
use crate::http::{
    extract,
    language::Language,
    problem::{Code, Problem},
};

/// The longest id that a client may choose, in characters.
const LONGEST_ID: usize = 64;

/// An event as a client sent it.
#[derive(Clone, Debug)]
pub struct ClientEvent {
    event: String,
    /// What the client calls it; an answer repeats it.
    pub id: Option<String>,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    event: String,
    #[serde(rename = "data")]
    _data: AnyObject,
    #[serde(default, deserialize_with = "present")]
    id: Option<String>,
}

/// The envelope once more, with the data of a known event. The other fields were looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound = "T: DeserializeOwned")]
struct Whole<T> {
    #[serde(rename = "event")]
    _event: IgnoredAny,
    data: T,
    #[serde(default, rename = "id")]
    _id: IgnoredAny,
}

/// A field that may be left out, but is no null.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    String::deserialize(from).map(Some)
}

/// A frame that is no event, with its id where it has a good one: whoever asked is told so.
#[derive(Debug)]
pub struct Unreadable {
    /// Its id.
    pub id: Option<String>,
    /// What is wrong with it.
    pub problem: Problem,
}

fn envelope(text: &str) -> Result<Envelope, Problem> {
    if !text.trim_start().starts_with('{') {
        return Err(Problem::new(Code::InvalidEvent));
    }
    let envelope: Envelope = serde_json::from_str(text).map_err(invalid)?;
    if envelope.id.as_deref().is_none_or(fits) { Ok(envelope) } else { Err(Problem::new(Code::InvalidEvent)) }
}

fn fits(id: &str) -> bool {
    !id.is_empty() && id.chars().count() <= LONGEST_ID && !id.contains('\0')
}

/// The id of a frame that is an object, whatever else is wrong with it.
fn id_within(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        id: String,
    }
    // A list would be read as the fields of one.
    let object = text.trim_start().starts_with('{');
    let named = object.then(|| serde_json::from_str::<Named>(text).ok()).flatten();
    named.map(|named| named.id).filter(|id| fits(id))
}

/// An object, and nothing that serde would take for one.
struct AnyObject;

impl<'de> Deserialize<'de> for AnyObject {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = AnyObject;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<AnyObject, A::Error> {
                while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(AnyObject)
            }
        }
        from.deserialize_map(Fields)
    }
}

impl ClientEvent {
    /// Reads a frame.
    ///
    /// # Errors
    /// `invalid_event` for what is not such an object, has other or repeated fields, or an id that
    /// is empty or too long.
    pub fn parse(text: String) -> Result<Self, Unreadable> {
        match envelope(&text) {
            Ok(envelope) => Ok(Self { event: envelope.event, id: envelope.id, text }),
            Err(problem) => Err(Unreadable { id: id_within(&text), problem }),
        }
    }

    /// Which of a protocol's events it is, to the letter.
    ///
    /// # Errors
    /// `invalid_event` for one that the protocol does not know.
    pub fn name<N: Words>(&self) -> Result<N, Problem> {
        let known = N::ALL.iter().copied().find(|name| name.as_str() == self.event);
        known.ok_or_else(|| Problem::new(Code::InvalidEvent))
    }

    /// The event's data, read as strictly as a body (`deny_unknown_fields`, `Validate`).
    ///
    /// # Errors
    /// `invalid_event`.
    pub fn data<T: DeserializeOwned + Validate>(&self) -> Result<T, Problem> {
        let whole: Whole<T> = serde_json::from_str(&self.text).map_err(invalid)?;
        if extract::nul_within(self.text.as_bytes()).is_some() {
            return Err(Problem::new(Code::InvalidEvent));
        }
        whole.data.validate().map_err(invalid)?;
        Ok(whole.data)
    }

    /// The answer to an event whose fields do not go together.
    pub fn invalid(&self) -> Problem {
        Problem::new(Code::InvalidEvent)
    }
}

fn invalid(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Problem {
    Problem::new(Code::InvalidEvent).because(cause)
}

words! {
    /// How an event is answered, on every socket.
    Answer {
        /// It was done.
        Ack = "ack",
        /// It was refused.
        Error = "error",
    }
}

/// The answer to an event: the acknowledgement's data, then what follows it.
#[derive(Debug)]
pub struct Reply {
    acknowledgement: serde_json::Value,
    further: Vec<Item>,
}

impl Reply {
    /// Acknowledges with this data.
    ///
    /// # Errors
    /// `internal` when it has no JSON.
    pub fn new(data: impl Serialize) -> Result<Self, Problem> {
        let acknowledgement = serde_json::to_value(data).map_err(Problem::internal)?;
        Ok(Self { acknowledgement, further: Vec::new() })
    }

    /// Acknowledges with nothing to add.
    pub fn done() -> Self {
        Self { acknowledgement: serde_json::Value::Object(serde_json::Map::new()), further: Vec::new() }
    }

    /// Then sends this frame.
    #[must_use]
    pub fn then(mut self, frame: Arc<str>) -> Self {
        self.further.push(Item::Text(frame));
        self
    }

    /// Then hands this signal to the protocol of the socket itself: behind the answer, and before
    /// whatever the hub brings from now on.
    #[must_use]
    pub fn then_signal(mut self, signal: Signal) -> Self {
        self.further.push(Item::Signal(Arc::new(signal)));
        self
    }

    /// What answers the event with this id; without one nothing is acknowledged.
    pub(super) fn items(self, id: Option<&str>) -> Result<Vec<Item>, Problem> {
        let mut items = Vec::with_capacity(1 + self.further.len());
        if let Some(id) = id {
            items.push(Item::Text(written(Answer::Ack, Some(id), &self.acknowledgement)?));
        }
        items.extend(self.further);
        Ok(items)
    }
}

#[derive(Serialize)]
struct Frame<'a, T> {
    event: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    data: &'a T,
}

#[derive(Serialize)]
struct ErrorData {
    code: &'static str,
    message: &'static str,
}

/// The frame that tells clients of `event`.
///
/// # Errors
/// `internal` when the data has no JSON.
pub fn frame<T: Serialize>(event: impl Words, data: &T) -> Result<Arc<str>, Problem> {
    written(event, None, data)
}

fn written<T: Serialize>(event: impl Words, id: Option<&str>, data: &T) -> Result<Arc<str>, Problem> {
    let text = serde_json::to_string(&Frame { event: event.as_str(), id, data }).map_err(Problem::internal)?;
    Ok(text.into())
}

/// The `error` frame that tells why an event failed.
///
/// # Errors
/// `internal`, never seen: an id and two texts always have JSON.
pub(super) fn error_frame(problem: &Problem, id: Option<&str>, language: Language) -> Result<Arc<str>, Problem> {
    // A use case that refuses a field refuses a field of the event.
    let of_a_field = problem.code() == Code::ValidationFailed;
    let code = if of_a_field { Code::InvalidEvent } else { problem.code() };
    written(Answer::Error, id, &ErrorData { code: code.as_str(), message: code.texts(language).1 })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[derive(Deserialize, Validate, Debug, PartialEq)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Typing {
        #[validate(length(max = 5))]
        room: String,
        is_typing: bool,
    }

    fn parsed(text: &str) -> Result<ClientEvent, Code> {
        ClientEvent::parse(text.to_owned()).map_err(|unreadable| unreadable.problem.code())
    }

    #[test]
    fn a_whole_event_is_read() {
        let event = parsed(r#" {"id":"é1","data":{"room":"a","isTyping":true},"event":"chat:typing"}"#).unwrap();
        assert_eq!((event.event.as_str(), event.id.as_deref()), ("chat:typing", Some("é1")));
        assert_eq!(event.name::<Answer>().unwrap_err().code(), Code::InvalidEvent);
        assert_eq!(parsed(r#"{"event":"ack","data":{}}"#).unwrap().name::<Answer>().unwrap(), Answer::Ack);
        let shouted = parsed(r#"{"event":"ACK","data":{}}"#).unwrap();
        assert_eq!(shouted.name::<Answer>().unwrap_err().code(), Code::InvalidEvent);
        assert_eq!(event.data::<Typing>().unwrap(), Typing { room: "a".to_owned(), is_typing: true });
        assert_eq!(parsed(r#"{"event":"x","data":{}}"#).unwrap().id, None);
        assert!(parsed(&format!(r#"{{"event":"x","data":{{}},"id":"{}"}}"#, "é".repeat(64))).is_ok());
    }

    #[test]
    fn an_envelope_is_read_strictly() {
        for text in [
            "",
            "x",
            "null",
            "[]",
            r#"["chat:typing",{}]"#,
            "{}",
            r#"{"event":"x"}"#,
            r#"{"data":{}}"#,
            r#"{"event":1,"data":{}}"#,
            r#"{"event":"x","data":null}"#,
            r#"{"event":"x","data":[]}"#,
            r#"{"event":"x","data":{},"more":1}"#,
            r#"{"event":"x","event":"x","data":{}}"#,
            r#"{"event":"x","data":{},"data":{}}"#,
            r#"{"event":"x","data":{},"id":"1","id":"1"}"#,
            r#"{"event":"x","data":{},"id":""}"#,
            r#"{"event":"x","data":{},"id":null}"#,
            r#"{"event":"x","data":{},"id":7}"#,
            r#"{"event":"x","data":{}} {}"#,
        ] {
            assert_eq!(parsed(text).unwrap_err(), Code::InvalidEvent, "{text}");
        }
        let long = format!(r#"{{"event":"x","data":{{}},"id":"{}"}}"#, "x".repeat(65));
        assert_eq!(parsed(&long).unwrap_err(), Code::InvalidEvent);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_id() {
        for (text, id) in [
            (r#"{"event":"x","data":null,"id":"7"}"#, Some("7")),
            (r#"{"id":"7","event":"x","data":{},"more":1}"#, Some("7")),
            (r#"{"id":"7"}"#, Some("7")),
            (r#"{"event":"x","data":[],"id":""}"#, None),
            (r#"{"event":"x","data":[],"id":7}"#, None),
            (r#"{"event":"x","id":"1","id":"2"}"#, None),
            (r#"{"id":"7""#, None),
            (r#"["7"]"#, None),
        ] {
            assert_eq!(ClientEvent::parse(text.to_owned()).unwrap_err().id.as_deref(), id, "{text}");
        }
    }

    #[test]
    fn data_are_read_strictly() {
        for data in [
            r#"{"room":"a"}"#,
            r#"{"room":"a","isTyping":1}"#,
            r#"{"room":"a","isTyping":true,"more":1}"#,
            r#"{"room":"a","room":"a","isTyping":true}"#,
            r#"{"room":"too long","isTyping":true}"#,
            r#"{"room":"\u0000","isTyping":true}"#,
        ] {
            let event = parsed(&format!(r#"{{"event":"x","data":{data}}}"#)).unwrap();
            assert_eq!(event.data::<Typing>().unwrap_err().code(), Code::InvalidEvent, "{data}");
        }
    }

    #[test]
    fn answers_have_the_ids_of_their_events() {
        let reply = || Reply::new(serde_json::json!({ "seq": 1 })).unwrap().then("more".into());
        let text = |item: &Item| match item {
            Item::Text(text) => text.to_string(),
            Item::Signal(_) | Item::Pong(_) => panic!("no frame"),
        };
        let items = reply().items(Some("a\"b")).unwrap();
        let texts: Vec<String> = items.iter().map(text).collect();
        assert_eq!(texts, [r#"{"event":"ack","id":"a\"b","data":{"seq":1}}"#, "more"]);
        assert_eq!(reply().items(None).unwrap().len(), 1);
        let problem = Problem::new(Code::NotFound);
        let error = error_frame(&problem, Some("7"), Language::English).unwrap();
        assert_eq!(
            &*error,
            r#"{"event":"error","id":"7","data":{"code":"not_found","message":"Nothing was found at this address."}}"#
        );
        let wrong = error_frame(&Problem::invalid_field("content", "too_long"), None, Language::French).unwrap();
        assert!(wrong.starts_with(r#"{"event":"error","data":{"code":"invalid_event","message":""#), "{wrong}");
    }
}
