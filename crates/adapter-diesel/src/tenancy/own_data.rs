//! What is kept about whoever acts, to take away.
use diesel::{
    prelude::*,
    sql_types::{BigInt, Jsonb, Text, Timestamptz, Uuid as SqlUuid},
};
use huntzen_tenancy::{
    Cursor, Slice, StoreError,
    own_data::{OwnPart, OwnRecord, OwnRecords},
    words::Words,
};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    statement::statement,
    stored::{StoredTimestamp, slice, tellable},
    unit_of_work::PgTx,
};

/// Behind everything that is kept, as PostgreSQL can tell it.
const NEVER: Timestamp = Timestamp::constant(253_402_207_200, 0);

statement! {
    /// A part of the scope's own records.
    Own { part: String, before: StoredTimestamp, before_id: Uuid, limit: i64 } -> (SqlUuid, Timestamptz, Jsonb);
    "SELECT id, at, fields FROM own_records(", part as Text;
    ", ", before as Timestamptz;
    ", ", before_id as SqlUuid;
    ", ", limit as BigInt;
    ")"
}

/// Where a list that goes back in time goes on.
pub(crate) fn place(cursor: Option<Cursor>) -> (StoredTimestamp, Uuid) {
    let Cursor { at, id } = cursor.unwrap_or(Cursor { at: NEVER, id: Uuid::max() });
    (tellable(at), id)
}

impl OwnRecords for PgTx {
    fn own_records(
        &mut self,
        part: OwnPart,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Slice<OwnRecord>, StoreError> {
        let (before, before_id) = place(cursor);
        // One more tells whether the list goes on.
        let statement = Own { part: part.as_str().to_owned(), before, before_id, limit: i64::from(limit) + 1 };
        let rows = self.run(|connection| statement.load::<(Uuid, StoredTimestamp, Value)>(connection))?;
        let records = rows.into_iter().map(|(id, at, fields)| OwnRecord { at: at.to_jiff(), id, fields }).collect();
        Ok(slice(records, limit, |one: &OwnRecord| Cursor { at: one.at, id: one.id }))
    }
}
