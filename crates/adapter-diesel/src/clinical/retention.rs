//! Discarding what was said in confidence, with its keys.
use diesel::{
    prelude::*,
    sql_types::{BigInt, Timestamptz},
};
use huntzen_clinical::retention::CareRetention;
use huntzen_tenancy::StoreError;
use jiff::Timestamp;

use crate::{
    statement::statement,
    stored::{StoredTimestamp, number, tellable},
    unit_of_work::PgTx,
};

statement! {
    /// Discards what was said about consultations.
    DiscardConversations { before: StoredTimestamp, limit: i64 } -> BigInt;
    "SELECT discard_conversations(", before as Timestamptz;
    ", ", limit as BigInt;
    ")"
}

statement! {
    /// Discards notes, by the profession of their author.
    DiscardNotes { physicians: StoredTimestamp, others: StoredTimestamp, limit: i64 } -> BigInt;
    "SELECT discard_notes(", physicians as Timestamptz;
    ", ", others as Timestamptz;
    ", ", limit as BigInt;
    ")"
}

impl CareRetention for PgTx {
    fn discard_conversations(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let statement = DiscardConversations { before: tellable(before), limit: limit.into() };
        number(self.run(|connection| statement.get_result::<i64>(connection))?, "count")
    }

    fn discard_notes(&mut self, physicians: Timestamp, others: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let (physicians, others) = (tellable(physicians), tellable(others));
        let statement = DiscardNotes { physicians, others, limit: limit.into() };
        number(self.run(|connection| statement.get_result::<i64>(connection))?, "count")
    }
}
