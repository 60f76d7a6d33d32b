//! Conversations and their sealed messages.
use huntzen_booking::ids::ConsultationId as BookingConsultation;
use huntzen_clinical::{
    care::Care,
    conversation::{
        AddedMessage, ConversationState, Conversations, HeldConversation, KnownMessage, MessageRange, News,
        StoredMessage,
    },
    ids::{ConsultationId, MessageId},
};
use huntzen_tenancy::{
    Job, StoreError,
    ids::{NotificationId, UserId},
    notifications::{Notification, NotificationType},
    outbox::{Arguments, Letter, OutboxMessage},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::{
    refusal::{allow, require},
    state::{ConversationRow, MessageRow, Side, State},
    store::MemoryTx,
    time::micros,
    visibility::Viewer,
};

/// How often an inbox is told of one conversation.
const TOLD_EVERY: SignedDuration = SignedDuration::from_mins(15);

impl Conversations for MemoryTx {
    fn messages(
        &mut self,
        consultation: ConsultationId,
        range: MessageRange,
        limit: u32,
    ) -> Result<Vec<StoredMessage>, StoreError> {
        let limit = limit as usize;
        self.read(|viewer, state| {
            let (after, before) = match range {
                MessageRange::Last => (0, u64::MAX),
                MessageRange::Before(seq) => (0, seq),
                MessageRange::After(seq) => (seq, u64::MAX),
            };
            let wanted = |row: &&MessageRow| {
                let message = &row.added.message;
                message.consultation == consultation
                    && (after < message.seq && message.seq < before)
                    && viewer.takes_part(&row.added.care)
            };
            let mut rows: Vec<StoredMessage> =
                state.messages.rows().filter(wanted).map(|row| row.added.message.clone()).collect();
            if matches!(range, MessageRange::After(_)) {
                rows.truncate(limit);
            } else {
                rows.drain(..rows.len().saturating_sub(limit));
            }
            rows
        })
    }

    fn messages_of(
        &mut self,
        consultations: &[ConsultationId],
        after: Option<(ConsultationId, u64)>,
        limit: u32,
    ) -> Result<Vec<StoredMessage>, StoreError> {
        self.read(|viewer, state| {
            let wanted = state.messages.entries().filter(|((consultation, seq), row)| {
                consultations.contains(consultation)
                    && after.is_none_or(|after| (*consultation, *seq) > after)
                    && viewer.takes_part(&row.added.care)
            });
            wanted.take(limit as usize).map(|(_, row)| row.added.message.clone()).collect()
        })
    }

    fn message(&mut self, id: MessageId) -> Result<Option<StoredMessage>, StoreError> {
        self.read(|viewer, state| {
            let mut rows = state.messages.rows();
            let row = rows.find(|row| row.added.message.id == id && viewer.takes_part(&row.added.care));
            row.map(|row| row.added.message.clone())
        })
    }

    fn mark_messages_read(
        &mut self,
        consultation: ConsultationId,
        up_to: u64,
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        let at = micros(at);
        self.write(|viewer, state| {
            let Some(mut conversation) = state.conversations.get(&consultation).cloned() else { return Ok(0) };
            let Some(reader) = viewer.user().filter(|_| viewer.takes_part(&conversation.care)) else { return Ok(0) };
            let unread = |row: &MessageRow| {
                let message = &row.added.message;
                message.consultation == consultation && message.sender != reader && message.read_at.is_none()
            };
            let marked = state.messages.change(
                |row| unread(row) && row.added.message.seq <= up_to,
                |row| row.added.message.read_at = Some(at),
            );
            if marked > 0 {
                let since = state.messages.rows().filter(|row| unread(row)).map(|row| row.added.message.created_at);
                conversation.side(reader).unread_since = since.min();
                state.conversations.put(consultation, conversation);
            }
            Ok(marked)
        })
    }

    fn hold_conversations(&mut self, consultations: &[ConsultationId]) -> Result<Vec<HeldConversation>, StoreError> {
        self.write(|viewer, state| {
            if !viewer.is_job(Job::Chat) {
                return Ok(Vec::new());
            }
            let mut wanted = consultations.to_vec();
            wanted.sort_unstable();
            wanted.dedup();
            let held = wanted.into_iter().filter_map(|id| {
                let care = state.consultations.get(&BookingConsultation(id.0))?.care();
                if !state.conversations.contains(&id) {
                    if state.erased.contains(&care.employee_user) {
                        return None;
                    }
                    state.conversations.put(id, ConversationRow::begun(care));
                }
                let last_seq = state.conversations.get(&id)?.last_seq;
                Some(HeldConversation { care, last_seq })
            });
            Ok(held.collect())
        })
    }

    fn known_messages(&mut self, named: &[(ConsultationId, UserId, String)]) -> Result<Vec<KnownMessage>, StoreError> {
        self.read(|viewer, state| {
            let known = state.messages.rows().filter(|_| viewer.is_job(Job::Chat)).filter_map(|row| {
                let StoredMessage { id, seq, consultation, sender, created_at, .. } = row.added.message;
                let client_id = row.added.client_id.clone()?;
                let (consultation, sender, client_id) =
                    named.iter().find(|name| **name == (consultation, sender, client_id.clone()))?.clone();
                Some(KnownMessage { consultation, sender, client_id, id, seq, created_at })
            });
            known.collect()
        })
    }

    fn add_messages(
        &mut self,
        messages: &[AddedMessage],
        conversations: &[ConversationState],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let now = micros(now);
        self.write(|viewer, state| {
            for added in messages {
                add(viewer, state, added, now)?;
            }
            for change in conversations {
                bring_up_to_date(viewer, state, change, now)?;
            }
            Ok(())
        })
    }

    fn last_places(&mut self, consultations: &[ConsultationId]) -> Result<Vec<(ConsultationId, u64)>, StoreError> {
        self.read(|viewer, state| {
            let rows = state.conversations.rows().filter(|_| viewer.is_job(Job::Chat));
            let wanted = rows.filter(|row| consultations.contains(&row.care.consultation));
            wanted.map(|row| (row.care.consultation, row.last_seq)).collect()
        })
    }

    fn mail_unread(&mut self, unread_before: Timestamp, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let now = micros(now);
        self.write(|viewer, state| {
            if !viewer.is_job(Job::Unread) {
                return Ok(0);
            }
            let waits = |side: &Side| {
                side.unread_since
                    .is_some_and(|since| since < unread_before && side.mailed_at.is_none_or(|mailed| mailed < since))
            };
            let waiting = state.conversations.rows().filter(|row| waits(&row.employee) || waits(&row.practitioner));
            let waiting: Vec<ConversationRow> = waiting.take(limit as usize).cloned().collect();
            let mut letters = 0;
            for mut row in waiting {
                for user in [row.care.employee_user, row.care.practitioner_user] {
                    if waits(row.side(user)) {
                        row.side(user).mailed_at = Some(now);
                        write_letter(state, row.care.consultation, user, now)?;
                        letters += 1;
                    }
                }
                state.conversations.put(row.care.consultation, row);
            }
            Ok(letters)
        })
    }
}

fn add(viewer: &Viewer, state: &mut State, added: &AddedMessage, now: Timestamp) -> Result<(), StoreError> {
    let message = &added.message;
    allow(viewer.is_job(Job::Chat) && added.care.has_participant(message.sender))?;
    let key = (message.consultation, message.seq);
    require(!state.messages.contains(&key), "messages_pkey")?;
    require(state.messages.rows().all(|row| row.added.message.id != message.id), "messages_id_key")?;
    let is_named_alike = |row: &MessageRow| {
        added.client_id.is_some()
            && row.added.client_id == added.client_id
            && row.added.message.consultation == message.consultation
            && row.added.message.sender == message.sender
    };
    require(!state.messages.rows().any(is_named_alike), "messages_client_key")?;
    let conversation = state.conversations.get(&message.consultation);
    let are_its_own = conversation.is_some_and(|row| {
        let (held, said) = (&row.care, &added.care);
        (held.company, held.employee_user, held.practitioner_user)
            == (said.company, said.employee_user, said.practitioner_user)
            && held.company == message.company
    });
    require(are_its_own, "messages_conversation_fkey")?;
    let message = StoredMessage { created_at: now, ..message.clone() };
    state.messages.put(key, MessageRow { added: AddedMessage { message, ..added.clone() } });
    Ok(())
}

fn bring_up_to_date(
    viewer: &Viewer,
    state: &mut State,
    change: &ConversationState,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(mut row) = state.conversations.get(&change.consultation).filter(|_| viewer.is_job(Job::Chat)).cloned()
    else {
        return Ok(());
    };
    row.last_seq = change.last_seq;
    let sides = [(row.care.employee_user, change.for_employee), (row.care.practitioner_user, change.for_practitioner)];
    for (user, news) in sides.into_iter().filter(|(_, news)| *news != News::Nothing) {
        let side = row.side(user);
        side.unread_since = side.unread_since.or(Some(now));
        if news == News::UnreadWhileAway && side.notified_at.is_none_or(|told| told <= now - TOLD_EVERY) {
            side.notified_at = Some(now);
            let notification = Notification {
                id: NotificationId(state.uuid_v7(now)),
                user,
                kind: NotificationType::MessageReceived,
                data: json!({ "consultationId": change.consultation }),
                read_at: None,
                created_at: now,
            };
            state.add_notification(notification)?;
        }
    }
    state.conversations.put(change.consultation, row);
    Ok(())
}

fn write_letter(
    state: &mut State,
    consultation: ConsultationId,
    recipient: UserId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let id = state.uuid_v7(now);
    let arguments = Arguments::About(json!({ "consultationId": consultation }));
    state.add_letter(OutboxMessage { id, recipient, letter: Letter::MessageUnread, arguments, created_at: now })
}

impl ConversationRow {
    fn begun(care: Care) -> Self {
        Self { care, last_seq: 0, employee: Side::default(), practitioner: Side::default() }
    }

    fn side(&mut self, user: UserId) -> &mut Side {
        if user == self.care.employee_user { &mut self.employee } else { &mut self.practitioner }
    }
}
