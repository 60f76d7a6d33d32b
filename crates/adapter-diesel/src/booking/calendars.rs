//! Queues of those who write to one calendar. The exclusion constraints alone would let two of
//! them wait for each other, and PostgreSQL would end one as a deadlock.
use diesel::sql_types::{Array, Uuid as SqlUuid};
use uuid::Uuid;

use crate::statement::statement;

statement! {
    /// Holds the calendars of these owners until the transaction ends, in the order of their keys
    /// whoever asks. `OFFSET 0` keeps the planner from locking before it has sorted.
    pub(super) HoldCalendars { owners: Vec<Uuid> } -> ();
    "SELECT pg_advisory_xact_lock(held.key) FROM (SELECT hashtextextended(owner::text, 0) AS key FROM unnest(",
        owners as Array<SqlUuid>;
    ") AS owner ORDER BY 1 OFFSET 0) AS held"
}
