//! What clients read of a conversation, the same over HTTP and on the socket.
use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use huntzen_clinical::{
    conversation::{Message, MessageRange, NewMessage, ReadMark, Written},
    ids::ConsultationId,
};
use huntzen_tenancy::{
    ids::UserId,
    live::{Signal, Topic},
    words,
};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{Schema, SchemaType, Type},
    },
};
use uuid::Uuid;

use crate::{http::Problem, realtime::frame};

words! {
    /// What a client is told on `/chat`.
    ChatTold {
        /// A part of the conversation, after joining it.
        History = "chat:history",
        /// Somebody said something.
        Received = "chat:message:received",
        /// Somebody came or went.
        Presence = "chat:presence",
        /// Somebody types, or stopped.
        Typing = "chat:typing",
        /// Somebody has read.
        ReadUpdated = "chat:read:updated",
    }
}

/// A message of a conversation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageBody {
    id: Uuid,
    /// Its place in the conversation, from 1, without a hole.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_u64)]
    seq: u64,
    consultation_id: Uuid,
    sender_id: Uuid,
    /// At most 8 KiB in UTF-8; null once it was erased.
    #[schema(max_length = 8192)]
    content: Option<String>,
    is_read: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    read_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<Message> for MessageBody {
    fn from(message: Message) -> Self {
        Self {
            id: message.id.into(),
            seq: message.seq,
            consultation_id: message.consultation.into(),
            sender_id: message.sender.into(),
            content: message.content.map(|content| content.expose().to_owned()),
            is_read: message.read_at.is_some(),
            read_at: message.read_at,
            created_at: message.created_at,
        }
    }
}

impl MessageBody {
    /// A message that was written just now.
    pub fn written(message: &NewMessage, written: &Written) -> Self {
        Self {
            id: written.id.into(),
            seq: written.seq,
            consultation_id: message.consultation.into(),
            sender_id: message.caller.actor.user.into(),
            content: Some(message.content.expose().to_owned()),
            is_read: false,
            read_at: None,
            created_at: written.created_at,
        }
    }
}

/// `chat:message:received`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Received<'a> {
    id: Uuid,
    seq: u64,
    consultation_id: Uuid,
    sender_id: Uuid,
    content: Option<&'a str>,
    created_at: Timestamp,
}

/// The frame that brings a message which was read from the store.
///
/// # Errors
/// `internal` when it has no JSON.
pub(super) fn received(message: &Message) -> Result<Arc<str>, Problem> {
    let data = Received {
        id: message.id.into(),
        seq: message.seq,
        consultation_id: message.consultation.into(),
        sender_id: message.sender.into(),
        content: message.content.as_ref().map(huntzen_tenancy::sealing::SecretText::expose),
        created_at: message.created_at,
    };
    frame(ChatTold::Received, &data)
}

/// Tells a room of a message that was kept just now.
///
/// # Errors
/// `internal` when it has no JSON.
pub(super) fn announced(message: &NewMessage, written: &Written) -> Result<Signal, Problem> {
    let data = Received {
        id: written.id.into(),
        seq: written.seq,
        consultation_id: message.consultation.into(),
        sender_id: message.caller.actor.user.into(),
        content: Some(message.content.expose()),
        created_at: written.created_at,
    };
    let text = frame(ChatTold::Received, &data)?;
    Ok(Signal { seq: Some(written.seq), ..Signal::new(room(message.consultation), text) })
}

/// Tells a room that there is a message at `seq`, without what it says: whoever lacks it reads it from
/// the store.
pub(crate) fn kept_before(consultation: ConsultationId, seq: u64) -> Signal {
    Signal { seq: Some(seq), ..Signal::new(room(consultation), "") }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReadUpdated {
    consultation_id: Uuid,
    reader_id: Uuid,
    up_to_seq: u64,
    read_at: Timestamp,
}

/// Tells a room up to where somebody has read; `None` when nothing was unread.
///
/// # Errors
/// `internal` when it has no JSON.
pub fn read_updated(mark: &ReadMark) -> Result<Option<Signal>, Problem> {
    if mark.marked == 0 {
        return Ok(None);
    }
    let data = ReadUpdated {
        consultation_id: mark.consultation.into(),
        reader_id: mark.reader.into(),
        up_to_seq: mark.up_to,
        read_at: mark.read_at,
    };
    Ok(Some(Signal::new(room(mark.consultation), frame(ChatTold::ReadUpdated, &data)?)))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PresenceData {
    consultation_id: Uuid,
    user_id: Uuid,
    is_online: bool,
}

/// Tells a room who came or went.
///
/// # Errors
/// `internal` when it has no JSON.
pub(crate) fn presence(consultation: ConsultationId, user: UserId, is_online: bool) -> Result<Signal, Problem> {
    let data = PresenceData { consultation_id: consultation.into(), user_id: user.into(), is_online };
    Ok(Signal::new(room(consultation), frame(ChatTold::Presence, &data)?))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TypingData {
    consultation_id: Uuid,
    user_id: Uuid,
    is_typing: bool,
}

/// Tells a room who types.
///
/// # Errors
/// `internal` when it has no JSON.
pub(super) fn typing(consultation: ConsultationId, user: UserId, is_typing: bool) -> Result<Signal, Problem> {
    let data = TypingData { consultation_id: consultation.into(), user_id: user.into(), is_typing };
    Ok(Signal::new(room(consultation), frame(ChatTold::Typing, &data)?))
}

/// The topic of a conversation.
pub(super) fn room(consultation: ConsultationId) -> Topic {
    Topic::Room(consultation.into())
}

/// `cursor`: where a conversation goes on, opaque to clients. 12 characters of base64url (RFC 4648
/// §5): the direction, then the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageCursor(pub MessageRange);

const OLDER: u8 = 0;
const NEWER: u8 = 1;

impl MessageCursor {
    /// The text that clients send back; `None` for the end that has no place.
    pub fn encode(self) -> Option<String> {
        let (direction, seq) = match self.0 {
            MessageRange::Last => return None,
            MessageRange::Before(seq) => (OLDER, seq),
            MessageRange::After(seq) => (NEWER, seq),
        };
        let mut bytes = vec![direction];
        bytes.extend_from_slice(&seq.to_be_bytes());
        Some(BASE64URL_NOPAD.encode(&bytes))
    }

    /// Reads a text made by `encode`.
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let (direction, seq) = bytes.split_first()?;
        let seq = u64::from_be_bytes(seq.try_into().ok()?);
        match *direction {
            OLDER => Some(Self(MessageRange::Before(seq))),
            NEWER => Some(Self(MessageRange::After(seq))),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for MessageCursor {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::decode(&text).ok_or_else(|| D::Error::custom("invalid_cursor"))
    }
}

impl PartialSchema for MessageCursor {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::String))
            .pattern(Some("^[A-Za-z0-9_-]{12}$"))
            .min_length(Some(12))
            .max_length(Some(12))
            .into()
    }
}

impl ToSchema for MessageCursor {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_went() {
        for range in [MessageRange::Before(1), MessageRange::After(0), MessageRange::After(u64::MAX)] {
            let text = MessageCursor(range).encode().unwrap_or_default();
            assert_eq!(text.len(), 12);
            assert_eq!(MessageCursor::decode(&text), Some(MessageCursor(range)));
        }
        assert_eq!(MessageCursor(MessageRange::Last).encode(), None);
        for text in ["", "AAAAAAAAAAA", "AgAAAAAAAAAB", "AAAAAAAAAAAA=", "!AAAAAAAAAAA"] {
            assert_eq!(MessageCursor::decode(text), None, "{text}");
        }
    }
}
