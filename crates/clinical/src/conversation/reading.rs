//! Reading a conversation, and marking it as read.
use std::collections::BTreeMap;

use huntzen_tenancy::{
    Caller,
    audit::{Action, Resource},
    ids::UserId,
    policy::Permission,
    sealing::{Keeper, KeySubject},
};
use jiff::Timestamp;

use super::{MOST, Message, MessageRange, StoredMessage, key_subject, place};
use crate::{
    ClinicalError, ClinicalPorts, ClinicalTx,
    care::Care,
    guard,
    ids::{ConsultationId, MessageId},
};

/// A part of a conversation, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The messages.
    pub messages: Vec<Message>,
    /// What to ask for next in the same direction; `None` at the end.
    pub next: Option<MessageRange>,
    /// The consultation.
    pub care: Care,
    /// Up to which place the reader has everything now: the last of these messages, or where they were
    /// asked from when there are none, but never further than the conversation goes.
    pub reached: u64,
}

/// Up to where a participant has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadMark {
    /// The conversation.
    pub consultation: ConsultationId,
    /// Who has read.
    pub reader: UserId,
    /// Up to this place.
    pub up_to: u64,
    /// When; what was read before keeps its own instant.
    pub read_at: Timestamp,
    /// How many messages were unread before.
    pub marked: u64,
}

/// The reading use cases. Participants alone; each leaves its trace, a refusal too.
#[derive(Clone)]
pub struct ConversationReading {
    ports: ClinicalPorts,
}

impl ConversationReading {
    /// Over these ports.
    pub fn new(ports: ClinicalPorts) -> Self {
        Self { ports }
    }

    /// Up to `limit` messages of a conversation, 100 at most.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`, also for whoever does not take part.
    pub fn history(
        &self,
        caller: &Caller,
        consultation: ConsultationId,
        range: MessageRange,
        limit: u32,
    ) -> Result<History, ClinicalError> {
        guard::require(&caller.actor, Permission::ChatOwnRead)?;
        let limit = limit.clamp(1, MOST);
        self.within(caller, consultation, Action::Read, |tx, care, _| {
            // One more tells whether the conversation goes on.
            let mut stored = tx.messages(consultation, range, limit + 1)?;
            let goes_on = stored.len() > limit as usize;
            let next = match range {
                MessageRange::After(_) => {
                    stored.truncate(limit as usize);
                    stored.last().map(|last| MessageRange::After(last.seq))
                }
                MessageRange::Last | MessageRange::Before(_) => {
                    let surplus = stored.len().saturating_sub(limit as usize);
                    stored.drain(..surplus);
                    stored.first().map(|first| MessageRange::Before(first.seq))
                }
            };
            let reached = match (stored.last(), range) {
                (Some(last), _) => last.seq,
                // No further than was asked from: what was said since the first look is not read yet.
                (None, MessageRange::After(seq)) => {
                    let last = tx.messages(consultation, MessageRange::Last, 1)?;
                    last.first().map_or(0, |last| last.seq).min(seq)
                }
                (None, MessageRange::Last | MessageRange::Before(_)) => 0,
            };
            let key = match stored.first() {
                Some(_) => self.key(tx, consultation)?,
                None => None,
            };
            let messages = stored.into_iter().map(|one| open(key.as_ref(), one)).collect::<Result<_, _>>()?;
            Ok(History { messages, next: next.filter(|_| goes_on), care: *care, reached })
        })
    }

    /// Up to `limit` messages of these consultations, in order, after this place of one of them, for a
    /// participant who takes their data away; that leaves its own trace.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn of_all(
        &self,
        caller: &Caller,
        consultations: &[ConsultationId],
        after: Option<(ConsultationId, u64)>,
        limit: u32,
    ) -> Result<Vec<Message>, ClinicalError> {
        guard::require(&caller.actor, Permission::ChatOwnRead)?;
        self.ports.store.run(&caller.scope(), |tx| {
            let stored = tx.messages_of(consultations, after, limit)?;
            let mut subjects: Vec<KeySubject> = stored.iter().map(|one| key_subject(one.consultation)).collect();
            subjects.dedup();
            let keys = self.ports.sealer.known_keys(tx, &subjects)?;
            let mut keepers = BTreeMap::new();
            for (subject, key) in &keys {
                keepers.insert(*subject, self.ports.sealer.keeper(key)?);
            }
            stored.into_iter().map(|one| open(keepers.get(&key_subject(one.consultation)), one)).collect()
        })
    }

    /// Marks the other's messages up to this place as read, or up to the last when it lies behind that.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn read_up_to(
        &self,
        caller: &Caller,
        consultation: ConsultationId,
        up_to: u64,
    ) -> Result<ReadMark, ClinicalError> {
        guard::require(&caller.actor, Permission::ChatOwnWrite)?;
        self.within(caller, consultation, Action::Update, |tx, _, now| {
            let last = tx.messages(consultation, MessageRange::Last, 1)?;
            let up_to = last.first().map_or(0, |last| last.seq).min(up_to);
            let marked = tx.mark_messages_read(consultation, up_to, now)?;
            Ok(ReadMark { consultation, reader: caller.actor.user, up_to, read_at: now, marked })
        })
    }

    /// Marks the other's messages up to this one as read; answers it as it stands then. A client
    /// may say of which conversation it is.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`, also for a message of another conversation.
    pub fn read_message(
        &self,
        caller: &Caller,
        id: MessageId,
        said_of: Option<ConsultationId>,
    ) -> Result<(Message, ReadMark), ClinicalError> {
        guard::require(&caller.actor, Permission::ChatOwnWrite)?;
        self.ports.traced(caller, (Action::Update, Resource::Conversation), |tx, trace, now| {
            let found = tx.message(id)?.filter(|one| said_of.is_none_or(|said| said == one.consultation));
            let message = found.ok_or(ClinicalError::NotFound)?;
            let consultation = message.consultation;
            trace.on(consultation);
            let care = tx.care(consultation)?.ok_or(ClinicalError::NotFound)?;
            trace.about(care.employee_user, care.company);
            let marked = tx.mark_messages_read(consultation, message.seq, now)?;
            let message = tx.message(id)?.ok_or(ClinicalError::NotFound)?;
            let key = self.key(tx, consultation)?;
            let mark = ReadMark { consultation, reader: caller.actor.user, up_to: message.seq, read_at: now, marked };
            Ok((open(key.as_ref(), message)?, mark))
        })
    }

    /// Passes the consultation on to `work` when the caller takes part in it; the trace is kept
    /// either way.
    fn within<T>(
        &self,
        caller: &Caller,
        consultation: ConsultationId,
        action: Action,
        work: impl FnOnce(&mut dyn ClinicalTx, &Care, Timestamp) -> Result<T, ClinicalError>,
    ) -> Result<T, ClinicalError> {
        self.ports.traced(caller, (action, Resource::Conversation), |tx, trace, now| {
            trace.on(consultation);
            let care = tx.care(consultation)?.ok_or(ClinicalError::NotFound)?;
            trace.about(care.employee_user, care.company);
            work(tx, &care, now)
        })
    }

    /// The conversation's key; none once it was destroyed.
    fn key(&self, tx: &mut dyn ClinicalTx, consultation: ConsultationId) -> Result<Option<Keeper>, ClinicalError> {
        let key = self.ports.sealer.known_keys(tx, &[key_subject(consultation)])?.into_values().next();
        Ok(key.map(|key| self.ports.sealer.keeper(&key)).transpose()?)
    }
}

fn open(key: Option<&Keeper>, stored: StoredMessage) -> Result<Message, ClinicalError> {
    let StoredMessage { id, seq, consultation, company, sender, content, read_at, created_at } = stored;
    let content = key.map(|key| key.open(&place(id, seq, company), &content)).transpose()?;
    Ok(Message { id, seq, consultation, sender, content, read_at, created_at })
}
