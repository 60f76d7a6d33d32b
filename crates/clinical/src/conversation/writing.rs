//! Writing messages: many of many conversations in one unit of work, each for its own sender.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use huntzen_tenancy::{
    Caller, Job, Scope, StoreError,
    audit::{Action, AuditEntry, Resource},
    idempotency::{Answer, KeptRequest, Passage, TAKEN},
    ids::UserId,
    policy::Permission,
    sealing::{DataKey, KeySubject, SecretText},
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    AddedMessage, CONTENT, ConversationRules, ConversationState, HeldConversation, KnownMessage, News, StoredMessage,
    key_subject, place,
};
use crate::{
    ClinicalError, ClinicalPorts, ClinicalTx,
    care::Care,
    guard,
    ids::{ConsultationId, MessageId},
};

/// What somebody says.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// Who, and from where. The sender is never anybody else.
    pub caller: Caller,
    /// In which conversation.
    pub consultation: ConsultationId,
    /// What the sender's device calls it, at most 64 characters: a repeat is answered as the first.
    pub client_id: Option<String>,
    /// What.
    pub content: SecretText,
    /// Where the sender may send the request again that says it: the answer is kept with the message.
    pub once: Option<SaidOnce>,
}

/// What keeps the answer to a message with the message.
#[derive(Clone, Debug)]
pub struct SaidOnce {
    /// What the sender's request let through.
    pub passage: Arc<Passage>,
    /// What the sender is told.
    pub present: fn(&NewMessage, &Written) -> Result<Answer, StoreError>,
}

impl SaidOnce {
    fn name(&self) -> RequestOf {
        self.passage.name()
    }
}

/// Whose request, and its name.
type RequestOf = (UserId, Uuid);

/// A message that is kept: what its sender is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its id.
    pub id: MessageId,
    /// Its place in the conversation.
    pub seq: u64,
    /// When it was written.
    pub created_at: Timestamp,
    /// Whether it was written now; a repeat was before, and the others have it.
    pub is_new: bool,
}

/// Writes messages. One for each node.
#[derive(Clone)]
pub struct MessageWriter {
    ports: ClinicalPorts,
    rules: ConversationRules,
}

/// What became of each message of a batch, in its order.
type Outcomes = Vec<Result<Written, ClinicalError>>;

/// Passes a text that can be a message: not blank, and 8 KiB at most.
///
/// # Errors
/// `Invalid`.
pub fn check_content(content: &SecretText) -> Result<(), ClinicalError> {
    crate::content::check(content, CONTENT)
}

impl MessageWriter {
    /// Over these ports, following `rules`.
    pub fn new(ports: ClinicalPorts, rules: ConversationRules) -> Self {
        Self { ports, rules }
    }

    /// Writes a batch in one unit of work, in its order within each conversation; when that fails,
    /// message by message. `is_away` tells whether a participant has no device in a conversation.
    ///
    /// Each outcome is a message that is kept, or `Forbidden`, `Invalid`, `NotFound` (also for whoever
    /// does not take part), `ChatClosed`, `RequestInProgress` for a request that was answered meanwhile,
    /// or `StoreError`.
    pub fn write(&self, batch: &[NewMessage], is_away: &dyn Fn(ConsultationId, UserId) -> bool) -> Outcomes {
        match self.attempt(batch, is_away) {
            Ok(outcomes) => outcomes,
            Err(error) if batch.len() < 2 => vec![Err(error)],
            Err(_) => batch
                .iter()
                .map(|one| {
                    let outcome = self.attempt(std::slice::from_ref(one), is_away)?;
                    outcome.into_iter().next().unwrap_or(Err(ClinicalError::NotFound))
                })
                .collect(),
        }
    }

    fn attempt(
        &self,
        batch: &[NewMessage],
        is_away: &dyn Fn(ConsultationId, UserId) -> bool,
    ) -> Result<Outcomes, ClinicalError> {
        self.ports.store.run(&Scope::worker(Job::Chat), |tx| {
            let now = self.ports.clock.now();
            let conversations: BTreeSet<ConsultationId> = batch.iter().map(|one| one.consultation).collect();
            let held = tx.hold_conversations(&conversations.into_iter().collect::<Vec<_>>())?;
            let mut round = Round::new(held, known(tx, batch)?, answered(tx, batch)?, now);
            let outcomes: Outcomes = batch.iter().map(|one| self.admit(&mut round, one)).collect();
            let mut subjects: Vec<KeySubject> =
                round.accepted.iter().map(|(one, ..)| key_subject(one.consultation)).collect();
            subjects.dedup();
            if !subjects.is_empty() {
                let keys = self.ports.sealer.keys(tx, &subjects, now)?;
                let sealed = round.accepted.iter().map(|accepted| self.seal(&keys, accepted, now));
                let added = sealed.collect::<Result<Vec<_>, StoreError>>()?;
                tx.add_messages(&added, &round.states(is_away), now)?;
                let requests = round.requests()?;
                if !requests.is_empty() {
                    tx.add_requests(&requests).map_err(in_progress)?;
                }
            }
            tx.record_all(&self.trail(&round, batch, &outcomes))?;
            Ok(outcomes)
        })
    }

    /// Gives a message its place, or refuses it.
    fn admit<'a>(&self, round: &mut Round<'a>, one: &'a NewMessage) -> Result<Written, ClinicalError> {
        let actor = &one.caller.actor;
        guard::require(actor, Permission::ChatOwnWrite)?;
        check_content(&one.content)?;
        let name = one.client_id.clone().map(|client_id| (one.consultation, actor.user, client_id));
        let held = round.held.get_mut(&one.consultation).filter(|held| held.care.has_participant(actor.user));
        let held = held.ok_or(ClinicalError::NotFound)?;
        if let Some(known) = name.as_ref().and_then(|name| round.named.get(name)) {
            return Ok(*known);
        }
        let request = one.once.as_ref().map(SaidOnce::name);
        if request.is_some_and(|request| round.answered.contains(&request)) {
            return Err(ClinicalError::RequestInProgress);
        }
        let Care { scheduled_at, ends_at, is_cancelled, .. } = held.care;
        if !self.rules.is_open(scheduled_at, ends_at, is_cancelled, round.now) {
            return Err(ClinicalError::ChatClosed);
        }
        held.last_seq += 1;
        let id = MessageId(self.ports.randomness.uuid_v4());
        let written = Written { id, seq: held.last_seq, created_at: round.now, is_new: true };
        round.accepted.push((one, held.care, written));
        round.answered.extend(request);
        if let Some(name) = name {
            round.named.insert(name, Written { is_new: false, ..written });
        }
        Ok(written)
    }

    fn seal(
        &self,
        keys: &BTreeMap<KeySubject, DataKey>,
        (one, care, written): &Accepted<'_>,
        now: Timestamp,
    ) -> Result<AddedMessage, StoreError> {
        let key = keys.get(&key_subject(one.consultation));
        let key = key.ok_or_else(|| StoreError::Refused("data_keys".to_owned()))?;
        let message = StoredMessage {
            id: written.id,
            seq: written.seq,
            consultation: one.consultation,
            company: care.company,
            sender: one.caller.actor.user,
            content: self.ports.sealer.seal(key, &place(written.id, written.seq, care.company), &one.content)?,
            read_at: None,
            created_at: now,
        };
        Ok(AddedMessage { message, care: *care, client_id: one.client_id.clone() })
    }

    /// One entry for each conversation and sender of the batch, and one for each refusal.
    fn trail(&self, round: &Round<'_>, batch: &[NewMessage], outcomes: &Outcomes) -> Vec<AuditEntry> {
        let mut told = BTreeSet::new();
        let entries = batch.iter().zip(outcomes).filter_map(|(one, outcome)| {
            let entry = self
                .ports
                .entry(&one.caller.scope(), round.now, Action::Create, Resource::Conversation)
                .on(one.consultation);
            let care = round.held.get(&one.consultation).map(|held| &held.care);
            let care = care.filter(|care| care.has_participant(one.caller.actor.user));
            let entry = match care {
                Some(care) => entry.about(care.employee_user).within(Some(care.company)),
                None => entry,
            };
            match outcome {
                Ok(_) => told.insert((one.consultation, one.caller.actor.user)).then_some(entry),
                // The message itself has its entry, from when it was written.
                Err(ClinicalError::RequestInProgress) => None,
                Err(_) => Some(entry.refused()),
            }
        });
        entries.collect()
    }
}

/// Those of a batch that are kept already.
fn known(tx: &mut dyn ClinicalTx, batch: &[NewMessage]) -> Result<Vec<KnownMessage>, StoreError> {
    let named = batch.iter().filter_map(|one| {
        let client_id = one.client_id.clone()?;
        Some((one.consultation, one.caller.actor.user, client_id))
    });
    let named: Vec<_> = named.collect();
    if named.is_empty() { Ok(Vec::new()) } else { tx.known_messages(&named) }
}

/// Requests of a batch that were answered already.
fn answered(tx: &mut dyn ClinicalTx, batch: &[NewMessage]) -> Result<Vec<RequestOf>, StoreError> {
    let requests: Vec<RequestOf> = batch.iter().filter_map(|one| Some(one.once.as_ref()?.name())).collect();
    if requests.is_empty() { Ok(Vec::new()) } else { tx.known_requests(&requests) }
}

/// Another node was faster with a request of this batch.
fn in_progress(error: StoreError) -> ClinicalError {
    match error {
        StoreError::Refused(rule) if rule == TAKEN => ClinicalError::RequestInProgress,
        other @ (StoreError::Refused(_) | StoreError::Unavailable(_) | StoreError::Defect(_)) => other.into(),
    }
}

/// A message with its consultation and its place.
type Accepted<'a> = (&'a NewMessage, Care, Written);

/// A batch while it is being placed.
struct Round<'a> {
    held: BTreeMap<ConsultationId, HeldConversation>,
    /// Messages by what their senders' devices called them, those of this batch included.
    named: BTreeMap<(ConsultationId, UserId, String), Written>,
    accepted: Vec<Accepted<'a>>,
    /// Requests that have their answer, those of this batch included.
    answered: BTreeSet<RequestOf>,
    now: Timestamp,
}

impl Round<'_> {
    fn new(held: Vec<HeldConversation>, known: Vec<KnownMessage>, answered: Vec<RequestOf>, now: Timestamp) -> Self {
        let named = known.into_iter().map(|one| {
            let written = Written { id: one.id, seq: one.seq, created_at: one.created_at, is_new: false };
            ((one.consultation, one.sender, one.client_id), written)
        });
        Self {
            held: held.into_iter().map(|held| (held.care.consultation, held)).collect(),
            named: named.collect(),
            accepted: Vec::new(),
            answered: answered.into_iter().collect(),
            now,
        }
    }

    /// The answers to be kept with the messages.
    fn requests(&self) -> Result<Vec<KeptRequest>, StoreError> {
        let asked = self.accepted.iter().filter_map(|(one, _, written)| Some((one, one.once.as_ref()?, written)));
        asked.map(|(one, once, written)| once.passage.record(&(once.present)(one, written)?, self.now)).collect()
    }

    /// What changes of each conversation that took messages.
    fn states(&self, is_away: &dyn Fn(ConsultationId, UserId) -> bool) -> Vec<ConversationState> {
        let mut states = BTreeMap::<ConsultationId, ConversationState>::new();
        for (one, care, written) in &self.accepted {
            let state = states.entry(one.consultation).or_insert(ConversationState::of(one.consultation));
            state.last_seq = state.last_seq.max(written.seq);
            let (news, reader) = if one.caller.actor.user == care.employee_user {
                (&mut state.for_practitioner, care.practitioner_user)
            } else {
                (&mut state.for_employee, care.employee_user)
            };
            if *news == News::Nothing {
                let away = is_away(one.consultation, reader);
                *news = if away { News::UnreadWhileAway } else { News::Unread };
            }
        }
        states.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use huntzen_tenancy::{Actor, Origin, ids::CompanyId, policy::Role};
    use uuid::Uuid;

    use super::*;

    const EMPLOYEE: UserId = UserId(Uuid::from_u128(1));
    const PRACTITIONER: UserId = UserId(Uuid::from_u128(2));

    fn care(number: u128) -> Care {
        Care {
            consultation: ConsultationId(Uuid::from_u128(number)),
            company: CompanyId(Uuid::from_u128(3)),
            employee_user: EMPLOYEE,
            practitioner_user: PRACTITIONER,
            scheduled_at: Timestamp::UNIX_EPOCH,
            ends_at: Timestamp::UNIX_EPOCH,
            has_room: false,
            is_cancelled: false,
            is_live: true,
        }
    }

    fn said(by: UserId, care: &Care) -> NewMessage {
        let role = if by == EMPLOYEE { Role::Employee } else { Role::Practitioner };
        NewMessage {
            caller: Caller { actor: Actor { user: by, role, company: None, session: None }, origin: Origin::default() },
            consultation: care.consultation,
            client_id: None,
            content: SecretText::new("bonjour"),
            once: None,
        }
    }

    #[test]
    fn a_conversation_is_brought_up_to_date_once_a_batch() {
        let (one, other) = (care(10), care(11));
        let batch = [said(EMPLOYEE, &one), said(PRACTITIONER, &one), said(EMPLOYEE, &other)];
        let held = [one, other].map(|care| HeldConversation { care, last_seq: 4 });
        let mut round = Round::new(held.to_vec(), Vec::new(), Vec::new(), Timestamp::UNIX_EPOCH);
        let written = |seq| Written {
            id: MessageId(Uuid::from_u128(seq)),
            seq: u64::try_from(seq).unwrap_or_default(),
            created_at: Timestamp::UNIX_EPOCH,
            is_new: true,
        };
        for ((message, care), seq) in batch.iter().zip([one, one, other]).zip([5, 6, 5]) {
            round.accepted.push((message, care, written(seq)));
        }
        let away = |consultation: ConsultationId, user: UserId| consultation == other.consultation || user == EMPLOYEE;
        let states = round.states(&away);
        let expected = [
            ConversationState {
                last_seq: 6,
                for_employee: News::UnreadWhileAway,
                for_practitioner: News::Unread,
                ..ConversationState::of(one.consultation)
            },
            ConversationState {
                last_seq: 5,
                for_practitioner: News::UnreadWhileAway,
                ..ConversationState::of(other.consultation)
            },
        ];
        assert_eq!(states, expected);
    }

    #[test]
    fn a_message_says_something_and_is_bounded_in_bytes() {
        assert!(check_content(&SecretText::new("é".repeat(CONTENT / 2))).is_ok());
        for refused in [String::new(), " \n\t ".to_owned(), format!("{}e", "é".repeat(CONTENT / 2))] {
            assert!(matches!(check_content(&SecretText::new(refused)), Err(ClinicalError::Invalid(_))));
        }
    }
}
