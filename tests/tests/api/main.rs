//! The whole API, over memory and over PostgreSQL, as clients meet it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
mod sign_in;
