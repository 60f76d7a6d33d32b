//! Conversations as their participants read them, and as the writer keeps them.
use diesel::{
    prelude::*,
    sql_types::{BigInt, Timestamptz, Uuid as SqlUuid},
};
use huntzen_clinical::{
    conversation::{
        AddedMessage, ConversationState, Conversations, HeldConversation, KnownMessage, MessageRange, StoredMessage,
    },
    ids::{ConsultationId, MessageId},
};
use huntzen_tenancy::{
    Job, StoreError,
    ids::{CompanyId, UserId},
    sealing::Sealed,
};
use jiff::Timestamp;
use uuid::Uuid;

use super::writing::{AddMessages, FindKnown, HeldRow, Hold, KnownRow, MailUnread};
use crate::{
    schema::{conversations, messages, scope_role},
    scope::role_of,
    statement::statement,
    stored::{StoredTimestamp, ToDiesel, all, number, one},
    unit_of_work::PgTx,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = messages)]
struct MessageRow {
    consultation_id: Uuid,
    seq: i64,
    id: Uuid,
    company_id: Uuid,
    sender_id: Uuid,
    content: Vec<u8>,
    read_at: Option<StoredTimestamp>,
    created_at: StoredTimestamp,
}

impl TryFrom<MessageRow> for StoredMessage {
    type Error = StoreError;

    fn try_from(row: MessageRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: MessageId(row.id),
            seq: number(row.seq, "messages.seq")?,
            consultation: ConsultationId(row.consultation_id),
            company: CompanyId(row.company_id),
            sender: UserId(row.sender_id),
            content: Sealed(row.content),
            read_at: row.read_at.map(StoredTimestamp::to_jiff),
            created_at: row.created_at.to_jiff(),
        })
    }
}

statement! {
    /// Marks what the other wrote as read by the scope's user.
    MarkRead { consultation: Uuid, up_to: i64, at: StoredTimestamp } -> BigInt;
    "SELECT mark_messages_read(", consultation as SqlUuid;
    ", ", up_to as BigInt;
    ", ", at as Timestamptz;
    ")"
}

/// A place as PostgreSQL counts; nothing lies behind its last.
fn place(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

impl Conversations for PgTx {
    fn messages(
        &mut self,
        consultation: ConsultationId,
        range: MessageRange,
        limit: u32,
    ) -> Result<Vec<StoredMessage>, StoreError> {
        // Whoever writes sees what is known already, and reads nothing.
        if self.actor.is_none() {
            return Ok(Vec::new());
        }
        let theirs = messages::table
            .filter(messages::consultation_id.eq(consultation.0))
            .select(MessageRow::as_select())
            .limit(limit.into());
        let rows = match range {
            MessageRange::After(seq) => {
                let query = theirs.filter(messages::seq.gt(place(seq))).order(messages::seq);
                self.run(|connection| query.load::<MessageRow>(connection))?
            }
            MessageRange::Last | MessageRange::Before(_) => {
                let before = if let MessageRange::Before(seq) = range { place(seq) } else { i64::MAX };
                let query = theirs.filter(messages::seq.lt(before)).order(messages::seq.desc());
                let mut rows = self.run(|connection| query.load::<MessageRow>(connection))?;
                rows.reverse();
                rows
            }
        };
        all(rows)
    }

    fn messages_of(
        &mut self,
        consultations: &[ConsultationId],
        after: Option<(ConsultationId, u64)>,
        limit: u32,
    ) -> Result<Vec<StoredMessage>, StoreError> {
        if self.actor.is_none() {
            return Ok(Vec::new());
        }
        let mut query = messages::table
            .filter(messages::consultation_id.eq_any(consultations.iter().map(|one| one.0)))
            .select(MessageRow::as_select())
            .order((messages::consultation_id, messages::seq))
            .limit(limit.into())
            .into_boxed();
        if let Some((consultation, seq)) = after {
            let (id, seq) = (consultation.0, place(seq));
            let is_after = messages::consultation_id.eq(id).and(messages::seq.gt(seq));
            query = query.filter(messages::consultation_id.gt(id).or(is_after));
        }
        all(self.run(|connection| query.load::<MessageRow>(connection))?)
    }

    fn message(&mut self, id: MessageId) -> Result<Option<StoredMessage>, StoreError> {
        if self.actor.is_none() {
            return Ok(None);
        }
        let query = messages::table.filter(messages::id.eq(id.0)).select(MessageRow::as_select());
        one(self.run(|connection| query.first(connection).optional())?)
    }

    fn mark_messages_read(
        &mut self,
        consultation: ConsultationId,
        up_to: u64,
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        let statement = MarkRead { consultation: consultation.0, up_to: place(up_to), at: at.to_diesel() };
        number(self.run(|connection| statement.get_result::<i64>(connection))?, "count")
    }

    fn hold_conversations(&mut self, consultations: &[ConsultationId]) -> Result<Vec<HeldConversation>, StoreError> {
        let statement = Hold { wanted: consultations.iter().map(|one| one.0).collect() };
        all(self.run(|connection| statement.load::<HeldRow>(connection))?)
    }

    fn known_messages(&mut self, named: &[(ConsultationId, UserId, String)]) -> Result<Vec<KnownMessage>, StoreError> {
        let statement = FindKnown {
            consultations: named.iter().map(|(consultation, ..)| consultation.0).collect(),
            senders: named.iter().map(|(_, sender, _)| sender.0).collect(),
            names: named.iter().map(|(.., name)| name.clone()).collect(),
        };
        all(self.run(|connection| statement.load::<KnownRow>(connection))?)
    }

    fn add_messages(
        &mut self,
        messages: &[AddedMessage],
        conversations: &[ConversationState],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let statement = AddMessages::new(messages, conversations, now);
        self.run(|connection| statement.execute(connection)).map(drop)
    }

    fn last_places(&mut self, consultations: &[ConsultationId]) -> Result<Vec<(ConsultationId, u64)>, StoreError> {
        let query = conversations::table
            .filter(conversations::consultation_id.eq_any(consultations.iter().map(|one| one.0)))
            .filter(scope_role().eq(role_of(Job::Chat)))
            .select((conversations::consultation_id, conversations::last_seq))
            .order(conversations::consultation_id);
        let rows: Vec<(Uuid, i64)> = self.run(|connection| query.load(connection))?;
        let place = |(id, seq)| Ok((ConsultationId(id), number(seq, "conversations.last_seq")?));
        rows.into_iter().map(place).collect()
    }

    fn mail_unread(&mut self, unread_before: Timestamp, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let statement =
            MailUnread { unread_before: unread_before.to_diesel(), now: now.to_diesel(), limit: limit.into() };
        number(self.run(|connection| statement.get_result::<i64>(connection))?, "count")
    }
}
