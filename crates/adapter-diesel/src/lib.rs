//! Every port, over PostgreSQL. Row security in the database sees to it that a unit of work reads
//! and writes no more than its scope allows; this crate only says what the scope is.
#![expect(clippy::ref_option_ref, reason = "diesel's derives write it for an optional text")]
mod booking;
mod clinical;
mod error;
pub mod guard;
mod metrics;
pub mod migrate;
mod schema;
mod scope;
mod statement;
mod store;
mod stored;
mod tenancy;
mod unit_of_work;

pub use guard::{BypassError, refuse_bypassing_role};
pub use store::{PgStore, PoolState};
