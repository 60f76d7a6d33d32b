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

statement! {
    /// Discards requests with their answers.
    DiscardRequests { before: StoredTimestamp, limit: i64 } -> ();
    "DELETE FROM idempotency_keys k USING (SELECT user_id, id FROM idempotency_keys \
     WHERE scope_role() = 'worker:retention' AND created_at < ", before as Timestamptz;
    " LIMIT ", limit as BigInt;
    ") old WHERE k.user_id = old.user_id AND k.id = old.id"
}

impl Retention for PgTx {
    fn discard(&mut self, what: Expired, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        if what == Expired::Requests {
            let statement = DiscardRequests { before: tellable(before), limit: limit.into() };
            return number(self.run(|connection| statement.execute(connection))?, "count");
        }
        let statement = Discard { kind: what.as_str().to_owned(), before: tellable(before), limit: limit.into() };
        number(self.run(|connection| statement.get_result::<i64>(connection))?, "count")
    }
}
