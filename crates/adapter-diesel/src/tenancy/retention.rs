//! Discarding what is kept no longer.
use diesel::{
    prelude::*,
    sql_types::{BigInt, Text, Timestamptz},
};
use huntzen_tenancy::{
    StoreError,
    retention::{Expired, Retention},
    words::Words,
};
use jiff::Timestamp;

use crate::{
    statement::statement,
    stored::{StoredTimestamp, number, tellable},
    unit_of_work::PgTx,
};

statement! {
    /// Discards things of one sort.
    Discard { kind: String, before: StoredTimestamp, limit: i64 } -> BigInt;
    "SELECT discard_expired(", kind as Text;
    ", ", before as Timestamptz;
    ", ", limit as BigInt;
    ")"
}

impl Retention for PgTx {
    fn discard(&mut self, what: Expired, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let statement = Discard { kind: what.as_str().to_owned(), before: tellable(before), limit: limit.into() };
        number(self.run(|connection| statement.get_result::<i64>(connection))?, "count")
    }
}
