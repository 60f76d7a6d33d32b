//! The stores: the contracts that both keep, and what the database itself enforces. One program,
//! so that the tests' cluster starts once.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
mod calling;
mod contracts;
mod counters;
mod erased;
mod migrations;
mod named;
mod redis;
mod restored;
mod row_security;
mod sealed_values;
mod storages;
mod tampering;
