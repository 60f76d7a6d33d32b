//! Letters to send, and the queue that they wait in.
use diesel::{
    dsl::{case_when, count_star, insert_into, min, update},
    prelude::*,
    sql_types::{BigInt, Binary, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz},
};
use huntzen_tenancy::{
    StoreError,
    email::Email,
    ids::UserId,
    outbox::{Arguments, Backlog, DueLetter, Outbox, OutboxMessage, OutboxQueue},
    sealing::Sealed,
    words::Words,
};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::preferences::quiet_hours;
use crate::{
    schema::outbox,
    statement::{MOST_ROWS, statement},
    stored::{StoredTimestamp, ToDiesel, all, instant, number, readable, word},
    unit_of_work::PgTx,
};

statement! {
    /// Holds the letters that have been due for longest and finds their recipients.
    TakeDue { now: StoredTimestamp, leased_until: StoredTimestamp, limit: i64 } -> (
        diesel::sql_types::Uuid, diesel::sql_types::Uuid, Text, Nullable<Binary>, Nullable<Jsonb>, Timestamptz,
        Integer,
        Nullable<Text>, Nullable<Text>, Nullable<Text>,
        Nullable<SmallInt>, Nullable<SmallInt>, Nullable<Text>,
    );
    "WITH due AS (SELECT id, next_attempt_at FROM outbox \
     WHERE sent_at IS NULL AND NOT given_up AND next_attempt_at <= ", now as Timestamptz;
    " ORDER BY next_attempt_at, id LIMIT ", limit as BigInt;
    " FOR UPDATE SKIP LOCKED), \
     taken AS (UPDATE outbox o SET next_attempt_at = ", leased_until as Timestamptz;
    " FROM due WHERE o.id = due.id RETURNING o.id, o.recipient_user_id, o.letter, o.arguments, o.about, \
     o.created_at, o.attempts, due.next_attempt_at AS due_at) \
     SELECT t.id, t.recipient_user_id, t.letter, t.arguments, t.about, t.created_at, t.attempts, \
     CASE WHEN u.erased_at IS NULL THEN u.email END, u.first_name, u.language, p.quiet_start_minute, \
     p.quiet_end_minute, p.quiet_timezone \
     FROM taken t LEFT JOIN users u ON u.id = t.recipient_user_id \
     LEFT JOIN preferences p ON p.user_id = t.recipient_user_id ORDER BY t.due_at, t.id"
}

#[derive(Queryable)]
struct DueRow {
    id: Uuid,
    recipient: Uuid,
    letter: String,
    arguments: Option<Vec<u8>>,
    about: Option<Value>,
    created_at: StoredTimestamp,
    attempts: i32,
    email: Option<String>,
    first_name: Option<String>,
    language: Option<String>,
    quiet_start: Option<i16>,
    quiet_end: Option<i16>,
    quiet_timezone: Option<String>,
}

impl TryFrom<DueRow> for DueLetter {
    type Error = StoreError;

    fn try_from(row: DueRow) -> Result<Self, StoreError> {
        let arguments = row.arguments.map(|sealed| Arguments::Sealed(Sealed(sealed)));
        let arguments = readable(arguments.or(row.about.map(Arguments::About)), "outbox.arguments")?;
        Ok(Self {
            message: OutboxMessage {
                id: row.id,
                recipient: UserId(row.recipient),
                letter: word(&row.letter, "outbox.letter")?,
                arguments,
                created_at: row.created_at.to_jiff(),
            },
            attempts: number(row.attempts, "outbox.attempts")?,
            address: row.email.as_deref().and_then(Email::parse),
            first_name: row.first_name.unwrap_or_default(),
            language: row.language.unwrap_or_else(|| "fr".to_owned()),
            quiet_hours: quiet_hours(row.quiet_start, row.quiet_end, row.quiet_timezone.as_deref())?,
        })
    }
}

/// A new letter.
#[derive(Insertable)]
#[diesel(table_name = outbox, treat_none_as_default_value = false)]
struct NewLetterRow<'a> {
    id: Uuid,
    recipient_user_id: Uuid,
    letter: &'a str,
    arguments: Option<&'a [u8]>,
    about: Option<&'a Value>,
    created_at: StoredTimestamp,
    next_attempt_at: StoredTimestamp,
}

impl<'a> From<&'a OutboxMessage> for NewLetterRow<'a> {
    fn from(message: &'a OutboxMessage) -> Self {
        let (arguments, about) = match &message.arguments {
            Arguments::Sealed(sealed) => (Some(sealed.0.as_slice()), None),
            Arguments::About(about) => (None, Some(about)),
        };
        Self {
            id: message.id,
            recipient_user_id: message.recipient.0,
            letter: message.letter.as_str(),
            arguments,
            about,
            created_at: message.created_at.to_diesel(),
            next_attempt_at: message.created_at.to_diesel(),
        }
    }
}

impl Outbox for PgTx {
    fn enqueue(&mut self, message: &OutboxMessage) -> Result<(), StoreError> {
        let row = NewLetterRow::from(message);
        self.run(|connection| insert_into(outbox::table).values(row).execute(connection)).map(drop)
    }

    fn enqueue_all(&mut self, messages: &[OutboxMessage]) -> Result<(), StoreError> {
        for messages in messages.chunks(MOST_ROWS) {
            let rows: Vec<NewLetterRow<'_>> = messages.iter().map(NewLetterRow::from).collect();
            self.run(|connection| insert_into(outbox::table).values(rows).execute(connection))?;
        }
        Ok(())
    }
}

impl OutboxQueue for PgTx {
    fn take_due(&mut self, now: Timestamp, leased_until: Timestamp, limit: u32) -> Result<Vec<DueLetter>, StoreError> {
        let statement = TakeDue { now: now.to_diesel(), leased_until: leased_until.to_diesel(), limit: limit.into() };
        all(self.run(|connection| statement.load::<DueRow>(connection))?)
    }

    fn mark_sent(&mut self, id: Uuid, at: Timestamp) -> Result<(), StoreError> {
        let change = update(outbox::table.find(id)).set(outbox::sent_at.eq(at.to_diesel()));
        self.run(|connection| change.execute(connection)).map(drop)
    }

    fn mark_failed(&mut self, id: Uuid, next_attempt_at: Option<Timestamp>) -> Result<(), StoreError> {
        let tried = outbox::attempts.eq(outbox::attempts + 1);
        let letter = outbox::table.find(id);
        self.run(|connection| match next_attempt_at {
            Some(next) => update(letter).set((tried, outbox::next_attempt_at.eq(next.to_diesel()))).execute(connection),
            None => update(letter).set((tried, outbox::given_up.eq(true))).execute(connection),
        })
        .map(drop)
    }

    fn postpone(&mut self, id: Uuid, until: Timestamp) -> Result<(), StoreError> {
        let change = update(outbox::table.find(id)).set(outbox::next_attempt_at.eq(until.to_diesel()));
        self.run(|connection| change.execute(connection)).map(drop)
    }

    fn give_up_older(&mut self, written_before: Timestamp) -> Result<u64, StoreError> {
        let old = outbox::table
            .filter(outbox::sent_at.is_null())
            .filter(diesel::dsl::not(outbox::given_up))
            .filter(outbox::created_at.lt(written_before.to_diesel()));
        let change = update(old).set(outbox::given_up.eq(true));
        number(self.run(|connection| change.execute(connection))?, "count")
    }

    fn backlog(&mut self, now: Timestamp) -> Result<Backlog, StoreError> {
        let in_vain_since = case_when(outbox::attempts.gt(0), outbox::created_at.nullable())
            .when(outbox::next_attempt_at.le(now.to_diesel()), outbox::next_attempt_at.nullable());
        let query = outbox::table
            .filter(outbox::sent_at.is_null())
            .filter(diesel::dsl::not(outbox::given_up))
            .select((count_star(), min(in_vain_since)));
        let (waiting, oldest) = self.run(|connection| query.first::<(i64, Option<StoredTimestamp>)>(connection))?;
        Ok(Backlog { waiting: number(waiting, "count")?, oldest: instant(oldest) })
    }
}
