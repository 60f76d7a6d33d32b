//! The harness: one world over either store, the contracts that both keep, and a small client.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a harness panics where a test would"
)]
#![expect(clippy::assigning_clones, reason = "an assignment shows best what a contract changes")]
pub mod api;
pub mod appointments;
pub mod asyncapi;
pub mod attack;
pub mod cast;
pub mod checkpoints;
pub mod client;
pub mod clock;
pub mod cluster;
pub mod contracts;
pub mod csv;
pub mod load;
pub mod redis;
pub mod relay;
pub mod samples;
pub mod scale;
pub mod sequence;
pub mod server;
pub mod totp;
pub mod usage;
pub mod websocket;
pub mod world;
