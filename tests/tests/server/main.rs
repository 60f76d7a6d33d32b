//! The program as its users meet it: a real process, raced, killed, refused and stopped.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
mod backups;
mod crash;
mod crowd;
mod drill;
mod files;
mod import;
mod ledger;
mod mail;
mod metrics;
mod mixed;
mod nodes;
mod outage;
mod race;
mod refusal;
mod repeats;
mod rotation;
mod secrecy;
mod shelf;
mod shutdown;
mod talk;
mod tour;
mod without_database;
mod writers;
