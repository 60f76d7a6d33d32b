//! The conversation of a consultation: sealed messages in one order, for its two participants.
use huntzen_tenancy::{
    StoreError,
    ids::{CompanyId, UserId},
    sealing::{KeySubject, Place, Sealed, SecretText},
};
use jiff::Timestamp;

use crate::{
    care::Care,
    ids::{ConsultationId, MessageId},
};

mod reading;
mod rules;
mod telling;
mod writing;
pub use reading::{ConversationReading, History, ReadMark};
pub use rules::ConversationRules;
pub use telling::{RoomFeed, UnreadMail};
pub use writing::{MessageWriter, NewMessage, SaidOnce, Written, check_content};

/// The most bytes of a message, in UTF-8.
pub const CONTENT: usize = 8 * 1024;
/// The most messages that are read at once.
pub const MOST: u32 = 100;

/// A message as its participants read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Its place in the conversation, from 1, without a hole.
    pub seq: u64,
    /// The conversation.
    pub consultation: ConsultationId,
    /// Who wrote it.
    pub sender: UserId,
    /// What it says; `None` once its key was destroyed.
    pub content: Option<SecretText>,
    /// When the other participant read it.
    pub read_at: Option<Timestamp>,
    /// When it was written.
    pub created_at: Timestamp,
}

/// A message as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessage {
    /// Its id.
    pub id: MessageId,
    /// Its place in the conversation.
    pub seq: u64,
    /// The conversation.
    pub consultation: ConsultationId,
    /// The tenant.
    pub company: CompanyId,
    /// Who wrote it.
    pub sender: UserId,
    /// What it says, sealed.
    pub content: Sealed,
    /// When the other participant read it.
    pub read_at: Option<Timestamp>,
    /// When it was written.
    pub created_at: Timestamp,
}

/// A message that is about to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedMessage {
    /// The message; nobody has read it.
    pub message: StoredMessage,
    /// The consultation that it belongs to.
    pub care: Care,
    /// What the sender's device called it.
    pub client_id: Option<String>,
}

/// A message that is kept already, found by what its sender's device called it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownMessage {
    /// The conversation.
    pub consultation: ConsultationId,
    /// Who wrote it.
    pub sender: UserId,
    /// What the sender's device called it.
    pub client_id: String,
    /// Its id.
    pub id: MessageId,
    /// Its place in the conversation.
    pub seq: u64,
    /// When it was written.
    pub created_at: Timestamp,
}

/// A conversation that the writer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldConversation {
    /// The consultation.
    pub care: Care,
    /// The place of its last message; 0 before the first.
    pub last_seq: u64,
}

/// What changes of a conversation when messages are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConversationState {
    /// Which.
    pub consultation: ConsultationId,
    /// The place of its last message now.
    pub last_seq: u64,
    /// What is new to the employee.
    pub for_employee: News,
    /// What is new to the practitioner.
    pub for_practitioner: News,
}

/// What is new to a participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Nothing.
    Nothing,
    /// Something to read.
    Unread,
    /// Something to read while no device of theirs is there: they are told in the inbox.
    UnreadWhileAway,
}

impl ConversationState {
    /// Nothing yet.
    pub const fn of(consultation: ConsultationId) -> Self {
        Self { consultation, last_seq: 0, for_employee: News::Nothing, for_practitioner: News::Nothing }
    }
}

/// Which messages of a conversation are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageRange {
    /// The last ones.
    Last,
    /// The last ones before this place.
    Before(u64),
    /// The first ones after this place.
    After(u64),
}

/// Conversations. Participants read; the messages of both are written by `Job::Chat` alone.
pub trait Conversations {
    /// Up to `limit` messages, by place, ascending. Participants alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn messages(
        &mut self,
        consultation: ConsultationId,
        range: MessageRange,
        limit: u32,
    ) -> Result<Vec<StoredMessage>, StoreError>;

    /// Up to `limit` messages of these consultations, by consultation and place, ascending, after this
    /// place of one of them. Participants alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn messages_of(
        &mut self,
        consultations: &[ConsultationId],
        after: Option<(ConsultationId, u64)>,
        limit: u32,
    ) -> Result<Vec<StoredMessage>, StoreError>;

    /// One message. Participants alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn message(&mut self, id: MessageId) -> Result<Option<StoredMessage>, StoreError>;

    /// Marks what the other participant wrote, up to this place, as read at `at`; answers how many
    /// messages were unread before. What is read stays read since then.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn mark_messages_read(
        &mut self,
        consultation: ConsultationId,
        up_to: u64,
        at: Timestamp,
    ) -> Result<u64, StoreError>;

    /// Holds these conversations until the unit of work ends, whichever of them exist, in the order
    /// of their ids; one without messages begins. `Job::Chat` alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn hold_conversations(&mut self, consultations: &[ConsultationId]) -> Result<Vec<HeldConversation>, StoreError>;

    /// Those of these messages that are kept already. `Job::Chat` alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn known_messages(&mut self, named: &[(ConsultationId, UserId, String)]) -> Result<Vec<KnownMessage>, StoreError>;

    /// Adds messages, and brings their conversations up to date: the place of the last message, who
    /// has something unread since now, and whom the store tells of it, at most every 15 minutes.
    /// `Job::Chat` alone.
    ///
    /// # Errors
    /// `Refused` when a sender does not take part, or a place or an id is taken.
    fn add_messages(
        &mut self,
        messages: &[AddedMessage],
        conversations: &[ConversationState],
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// The place of the last message of each of these conversations that has begun. `Job::Chat` alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn last_places(&mut self, consultations: &[ConsultationId]) -> Result<Vec<(ConsultationId, u64)>, StoreError>;

    /// Writes a letter to each of up to `limit` participants with something unread since before
    /// `unread_before` who got none for it yet; answers how many. `Job::Unread` alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn mail_unread(&mut self, unread_before: Timestamp, now: Timestamp, limit: u32) -> Result<u64, StoreError>;
}

/// The key of a consultation's conversation.
pub fn key_subject(consultation: ConsultationId) -> KeySubject {
    KeySubject::Consultation(consultation.0)
}

/// Where a message's text stands: in its row, at its place of the conversation, in its tenant.
pub(crate) fn place(id: MessageId, seq: u64, company: CompanyId) -> Place {
    // No conversation has so many messages that two of them share what is bound.
    let position = u32::try_from(seq).unwrap_or(u32::MAX);
    Place::new("messages", "content", id.0).within(company).at_version(position)
}
