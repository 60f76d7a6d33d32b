//! What the writer of messages and the letters about them say to the database: a statement for a
//! whole batch each, however many messages it holds.
use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Binary, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use huntzen_booking::{availability::ConsultationType, consultation::ConsultationStatus};
use huntzen_clinical::{
    care::Care,
    conversation::{AddedMessage, ConversationState, HeldConversation, KnownMessage, News},
    ids::{ConsultationId, MessageId},
};
use huntzen_tenancy::{
    StoreError,
    ids::{CompanyId, UserId},
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    statement::statement,
    stored::{StoredTimestamp, ToDiesel, number, word},
};

statement! {
    /// Holds conversations in the order of their ids.
    pub(super) Hold { wanted: Vec<Uuid> } ->
        (SqlUuid, SqlUuid, SqlUuid, SqlUuid, Text, Text, Timestamptz, Timestamptz, BigInt);
    "SELECT consultation_id, company_id, employee_user_id, practitioner_user_id, type, status, scheduled_at, ends_at, \
     last_seq FROM hold_conversations(", wanted as Array<SqlUuid>; ")"
}

#[derive(Queryable)]
pub(super) struct HeldRow {
    consultation_id: Uuid,
    company_id: Uuid,
    employee_user_id: Uuid,
    practitioner_user_id: Uuid,
    kind: String,
    status: String,
    scheduled_at: StoredTimestamp,
    ends_at: StoredTimestamp,
    last_seq: i64,
}

impl TryFrom<HeldRow> for HeldConversation {
    type Error = StoreError;

    fn try_from(row: HeldRow) -> Result<Self, StoreError> {
        let kind: ConsultationType = word(&row.kind, "consultations.type")?;
        let status: ConsultationStatus = word(&row.status, "consultations.status")?;
        let care = Care {
            consultation: ConsultationId(row.consultation_id),
            company: CompanyId(row.company_id),
            employee_user: UserId(row.employee_user_id),
            practitioner_user: UserId(row.practitioner_user_id),
            scheduled_at: row.scheduled_at.to_jiff(),
            ends_at: row.ends_at.to_jiff(),
            has_room: kind.has_room(),
            is_cancelled: status == ConsultationStatus::Cancelled,
            is_live: status.is_live(),
        };
        Ok(Self { care, last_seq: number(row.last_seq, "conversations.last_seq")? })
    }
}

statement! {
    /// Finds messages by what their senders' devices called them.
    pub(super) FindKnown { consultations: Vec<Uuid>, senders: Vec<Uuid>, names: Vec<String> } ->
        (SqlUuid, SqlUuid, Text, SqlUuid, BigInt, Timestamptz);
    "SELECT m.consultation_id, m.sender_id, m.client_id, m.id, m.seq, m.created_at FROM messages m JOIN unnest(",
        consultations as Array<SqlUuid>;
    ", ", senders as Array<SqlUuid>;
    ", ", names as Array<Text>;
    ") AS n (consultation, sender, name) \
     ON m.consultation_id = n.consultation AND m.sender_id = n.sender AND m.client_id = n.name"
}

#[derive(Queryable)]
pub(super) struct KnownRow {
    consultation_id: Uuid,
    sender_id: Uuid,
    client_id: String,
    id: Uuid,
    seq: i64,
    created_at: StoredTimestamp,
}

impl TryFrom<KnownRow> for KnownMessage {
    type Error = StoreError;

    fn try_from(row: KnownRow) -> Result<Self, StoreError> {
        Ok(Self {
            consultation: ConsultationId(row.consultation_id),
            sender: UserId(row.sender_id),
            client_id: row.client_id,
            id: MessageId(row.id),
            seq: number(row.seq, "messages.seq")?,
            created_at: row.created_at.to_jiff(),
        })
    }
}

statement! {
    /// Adds messages and brings their conversations up to date. An inbox is told once in 15 minutes.
    pub(super) AddMessages {
        now: StoredTimestamp,
        changed: Vec<Uuid>,
        last_seqs: Vec<i64>,
        for_employee: Vec<bool>,
        for_practitioner: Vec<bool>,
        tell_employee: Vec<bool>,
        tell_practitioner: Vec<bool>,
        consultations: Vec<Uuid>,
        seqs: Vec<i64>,
        ids: Vec<Uuid>,
        companies: Vec<Uuid>,
        employees: Vec<Uuid>,
        practitioners: Vec<Uuid>,
        senders: Vec<Uuid>,
        names: Vec<Option<String>>,
        contents: Vec<Vec<u8>>,
    } -> ();
    "WITH moment AS (SELECT ", now as Timestamptz;
    " AS now), changed AS (SELECT * FROM unnest(", changed as Array<SqlUuid>;
    ", ", last_seqs as Array<BigInt>;
    ", ", for_employee as Array<Bool>;
    ", ", for_practitioner as Array<Bool>;
    ", ", tell_employee as Array<Bool>;
    ", ", tell_practitioner as Array<Bool>;
    ") AS n (id, last_seq, for_employee, for_practitioner, tell_employee, tell_practitioner)), \
     counted AS (UPDATE conversations v SET last_seq = n.last_seq, \
     employee_unread_since = CASE WHEN n.for_employee THEN coalesce(v.employee_unread_since, t.now) \
         ELSE v.employee_unread_since END, \
     practitioner_unread_since = CASE WHEN n.for_practitioner THEN coalesce(v.practitioner_unread_since, t.now) \
         ELSE v.practitioner_unread_since END, \
     employee_notified_at = CASE WHEN n.tell_employee \
         AND coalesce(v.employee_notified_at <= t.now - interval '15 minutes', true) THEN t.now \
         ELSE v.employee_notified_at END, \
     practitioner_notified_at = CASE WHEN n.tell_practitioner \
         AND coalesce(v.practitioner_notified_at <= t.now - interval '15 minutes', true) THEN t.now \
         ELSE v.practitioner_notified_at END \
     FROM changed n, moment t WHERE v.consultation_id = n.id) \
     INSERT INTO messages (consultation_id, seq, id, company_id, employee_user_id, practitioner_user_id, sender_id, \
     client_id, content, created_at) SELECT m.*, t.now FROM unnest(", consultations as Array<SqlUuid>;
    ", ", seqs as Array<BigInt>;
    ", ", ids as Array<SqlUuid>;
    ", ", companies as Array<SqlUuid>;
    ", ", employees as Array<SqlUuid>;
    ", ", practitioners as Array<SqlUuid>;
    ", ", senders as Array<SqlUuid>;
    ", ", names as Array<Nullable<Text>>;
    ", ", contents as Array<Binary>;
    ") AS m, moment t"
}

impl AddMessages {
    pub(super) fn new(messages: &[AddedMessage], conversations: &[ConversationState], now: Timestamp) -> Self {
        Self {
            now: now.to_diesel(),
            changed: conversations.iter().map(|one| one.consultation.0).collect(),
            last_seqs: conversations.iter().map(|one| signed(one.last_seq)).collect(),
            for_employee: conversations.iter().map(|one| one.for_employee != News::Nothing).collect(),
            for_practitioner: conversations.iter().map(|one| one.for_practitioner != News::Nothing).collect(),
            tell_employee: conversations.iter().map(|one| one.for_employee == News::UnreadWhileAway).collect(),
            tell_practitioner: conversations.iter().map(|one| one.for_practitioner == News::UnreadWhileAway).collect(),
            consultations: messages.iter().map(|one| one.message.consultation.0).collect(),
            seqs: messages.iter().map(|one| signed(one.message.seq)).collect(),
            ids: messages.iter().map(|one| one.message.id.0).collect(),
            companies: messages.iter().map(|one| one.message.company.0).collect(),
            employees: messages.iter().map(|one| one.care.employee_user.0).collect(),
            practitioners: messages.iter().map(|one| one.care.practitioner_user.0).collect(),
            senders: messages.iter().map(|one| one.message.sender.0).collect(),
            names: messages.iter().map(|one| one.client_id.clone()).collect(),
            contents: messages.iter().map(|one| one.message.content.0.clone()).collect(),
        }
    }
}

/// A place as PostgreSQL counts.
fn signed(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

statement! {
    /// Marks as told whoever has something unread for long; a trigger writes the letters.
    pub(super) MailUnread { unread_before: StoredTimestamp, now: StoredTimestamp, limit: i64 } -> BigInt;
    "WITH moment AS (SELECT ", unread_before as Timestamptz;
    " AS before, ", now as Timestamptz;
    " AS now), waiting AS (SELECT v.consultation_id, \
     coalesce(v.employee_unread_since < t.before \
         AND (v.employee_mailed_at IS NULL OR v.employee_mailed_at < v.employee_unread_since), false) AS employee, \
     coalesce(v.practitioner_unread_since < t.before \
         AND (v.practitioner_mailed_at IS NULL OR v.practitioner_mailed_at < v.practitioner_unread_since), false) \
         AS practitioner \
     FROM conversations v, moment t WHERE scope_role() = 'worker:unread' \
     AND ((v.employee_unread_since < t.before \
             AND (v.employee_mailed_at IS NULL OR v.employee_mailed_at < v.employee_unread_since)) \
         OR (v.practitioner_unread_since < t.before \
             AND (v.practitioner_mailed_at IS NULL OR v.practitioner_mailed_at < v.practitioner_unread_since))) \
     ORDER BY v.consultation_id LIMIT ", limit as BigInt;
    " FOR NO KEY UPDATE OF v SKIP LOCKED), \
     told AS (UPDATE conversations v SET \
     employee_mailed_at = CASE WHEN w.employee THEN t.now ELSE v.employee_mailed_at END, \
     practitioner_mailed_at = CASE WHEN w.practitioner THEN t.now ELSE v.practitioner_mailed_at END \
     FROM waiting w, moment t WHERE v.consultation_id = w.consultation_id \
     RETURNING w.employee::integer + w.practitioner::integer AS letters) \
     SELECT coalesce(sum(letters), 0)::bigint FROM told"
}
