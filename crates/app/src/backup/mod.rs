//! Backups: the database and the files in one folder, the data keys in another, and the way back.
//!
//! A backup is a folder named by its instant (UTC), which appears whole or not at all. Whoever has the
//! main one alone can read nothing that was sealed; the keys are kept no longer than a certificate of
//! erasure says.

mod error;
mod manifest;
mod objects;
mod programs;
mod pruning;
mod restoring;
mod taking;
mod trail;
mod writing;

pub use error::BackupError;
pub use objects::PutBack;
pub use restoring::{Restored, Source, restore};
pub use taking::{Destination, Taken, prune_keys, take};
