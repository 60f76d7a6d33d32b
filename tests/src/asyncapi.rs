//! The document of the sockets (`AsyncAPI` 3.0), read as a client reads it: every frame that a test
//! hears is held against it.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use huntzen_app::http::docs::LIVE_DOCUMENT;
use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

static DOCUMENT: LazyLock<LiveDocument> = LazyLock::new(LiveDocument::read);

/// The document.
pub fn live_document() -> &'static LiveDocument {
    &DOCUMENT
}

/// The document and what its messages look like.
pub struct LiveDocument {
    /// The whole of it.
    pub whole: Value,
    operations: Vec<Operation>,
    payloads: BTreeMap<String, Validator>,
}

struct Operation {
    address: String,
    is_asked: bool,
    messages: Vec<Message>,
    replies: Vec<Message>,
}

/// A message as an operation names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Message {
    /// Its event.
    pub event: String,
    key: String,
}

impl LiveDocument {
    fn read() -> Self {
        let whole: Value = serde_saphyr::from_str(LIVE_DOCUMENT).unwrap();
        let messages = whole["components"]["messages"].as_object().unwrap();
        let payload = |key: &String| {
            let schema = json!({
                "$ref": format!("#/components/messages/{key}/payload"),
                "components": whole["components"],
            });
            let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
            (key.clone(), options.build(&schema).unwrap())
        };
        let payloads = messages.keys().map(payload).collect();
        let operations = whole["operations"].as_object().unwrap().values().map(|one| operation(&whole, one)).collect();
        Self { whole, operations, payloads }
    }

    /// What `schema` is, wherever it says that this stands.
    pub fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        resolved(&self.whole, schema)
    }

    /// The addresses of the channels.
    pub fn addresses(&self) -> BTreeSet<&str> {
        let channels = self.whole["channels"].as_object().unwrap().values();
        channels.map(|channel| channel["address"].as_str().unwrap()).collect()
    }

    /// What clients say at `address`.
    pub fn asked(&self, address: &str) -> Vec<&Message> {
        let asked = self.at(address).filter(|operation| operation.is_asked);
        asked.flat_map(|operation| &operation.messages).collect()
    }

    /// What clients are told at `address` beside the answers.
    pub fn told(&self, address: &str) -> Vec<&Message> {
        let told = self.at(address).filter(|operation| !operation.is_asked);
        told.flat_map(|operation| &operation.messages).collect()
    }

    fn at(&self, address: &str) -> impl Iterator<Item = &Operation> {
        self.operations.iter().filter(move |operation| operation.address == address)
    }

    /// The schema of a message's frames.
    pub fn payload(&self, message: &Message) -> &Value {
        &self.whole["components"]["messages"][&message.key]["payload"]
    }

    /// Whether `frame` is one of this message.
    pub fn is_valid(&self, message: &Message, frame: &Value) -> bool {
        self.payloads[&message.key].is_valid(frame)
    }

    /// Why `frame`, which came at `address`, is none that the document knows; `None` for one that
    /// it knows. Nothing is asked of sockets that the document does not speak of.
    pub fn objection(&self, address: &str, frame: &Value) -> Option<String> {
        let replies = self.at(address).flat_map(|operation| &operation.replies);
        let known: BTreeSet<&Message> = self.told(address).into_iter().chain(replies).collect();
        self.objection_of(known, frame)
    }

    /// Why `frame` is no answer to `event`; any event that the document does not know is refused.
    pub fn objection_to_answer(&self, address: &str, event: &str, frame: &Value) -> Option<String> {
        let asked = self
            .at(address)
            .find(|operation| operation.is_asked && operation.messages.iter().any(|message| message.event == event));
        match asked {
            Some(operation) => self.objection_of(operation.replies.iter().collect(), frame),
            None if frame["event"] == "error" => self.objection(address, frame),
            None => Some(format!("{event} is not in the document, and was answered by {frame}")),
        }
    }

    fn objection_of(&self, known: BTreeSet<&Message>, frame: &Value) -> Option<String> {
        let named: Vec<&Message> = known.into_iter().filter(|message| frame["event"] == message.event).collect();
        if named.iter().any(|message| self.is_valid(message, frame)) {
            return None;
        }
        let why = |message: &&Message| {
            let errors = self.payloads[&message.key].iter_errors(frame);
            errors.map(|error| format!("{}: {error} at {}", message.key, error.instance_path())).collect::<Vec<_>>()
        };
        let whys: Vec<String> = named.iter().flat_map(why).collect();
        Some(format!("{frame} is no frame of the document: {}", whys.join("; ")))
    }
}

fn operation(whole: &Value, operation: &Value) -> Operation {
    let message = |reference: &Value| {
        let in_channel = &resolved_once(whole, reference)["$ref"];
        let key = in_channel.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let event = resolved(whole, reference)["name"].as_str().unwrap().to_owned();
        Message { event, key }
    };
    let messages = |list: &Value| list.as_array().into_iter().flatten().map(message).collect();
    Operation {
        address: resolved(whole, &operation["channel"])["address"].as_str().unwrap().to_owned(),
        is_asked: operation["action"] == "receive",
        messages: messages(&operation["messages"]),
        replies: messages(&operation["reply"]["messages"]),
    }
}

fn resolved<'a>(whole: &'a Value, mut schema: &'a Value) -> &'a Value {
    while schema.get("$ref").is_some() {
        schema = resolved_once(whole, schema);
    }
    schema
}

fn resolved_once<'a>(whole: &'a Value, schema: &Value) -> &'a Value {
    let pointer = schema["$ref"].as_str().unwrap();
    whole.pointer(pointer.trim_start_matches('#')).unwrap_or_else(|| panic!("{pointer} leads nowhere"))
}
