//! What several nodes of an installation share in Redis or Valkey: signals, tickets, tallies and calls.
//!
//! Nothing in Redis is worth keeping: whatever is lost with it is read from the database, asked for again, or
//! over within a window. What says anything about anybody is sealed under a key that the nodes share.
mod broadcast;
mod bytes;
mod calls;
mod link;
mod others;
mod own_calls;
mod parcel;
mod settings;
mod tallies;
mod tickets;

pub use broadcast::RedisBroadcast;
pub use calls::RedisCalls;
pub use link::Link;
pub use settings::{RedisSettings, SettingsError};
pub use tallies::RedisTallies;
pub use tickets::RedisTickets;
