//! That backups were made, and what has to be said and recorded once one is restored.
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::{
    audit::{Action, AuditEntry, Resource},
    error::TenancyError,
    identity::IdentityPorts,
    ids::UserId,
    outbox::Letter,
    scope::{Job, Scope},
    store::StoreError,
};

/// A backup that was finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Its id, which stands in its manifest too.
    pub id: Uuid,
    /// What it holds is what was committed by then.
    pub at: Timestamp,
    /// The size of its dumps and files.
    pub bytes: u64,
}

/// The backups that were finished: `Job::Backup` alone.
pub trait Backups {
    /// Records a finished backup, for good.
    ///
    /// # Errors
    /// `Refused` for any other scope, and for one that was recorded before.
    fn keep_backup(&mut self, made: &Backup) -> Result<(), StoreError>;

    /// When the newest of them was made; none before the first.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn last_backup(&mut self) -> Result<Option<Timestamp>, StoreError>;
}

/// A request to be erased that can still be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingErasure {
    /// Whose.
    pub user: UserId,
    /// From when on the person is erased.
    pub deletion_date: Timestamp,
}

/// Records backups, and ends the restoring of one.
#[derive(Clone)]
pub struct BackupKeeping {
    ports: IdentityPorts,
}

impl BackupKeeping {
    /// Over these ports.
    pub fn new(ports: IdentityPorts) -> Self {
        Self { ports }
    }

    /// Records that a backup is begun, before anything of it leaves. Answers the id of the line in the
    /// trail: a database that does not hold it is not the one that is served, or lags behind it.
    ///
    /// # Errors
    /// `StoreError` alone.
    pub fn begin(&self, backup: Uuid) -> Result<Uuid, TenancyError> {
        let (scope, now) = (Scope::worker(Job::Backup), self.ports.clock.now());
        let randomness = self.ports.randomness.as_ref();
        let entry = AuditEntry::new(&scope, randomness, now, Action::Export, Resource::Backup).on(backup);
        self.ports.store.run(&scope, |tx| Ok(tx.record(&entry)?))?;
        Ok(entry.id)
    }

    /// Records a finished backup.
    ///
    /// # Errors
    /// `StoreError` alone.
    pub fn record(&self, made: &Backup) -> Result<(), TenancyError> {
        self.ports.store.run(&Scope::worker(Job::Backup), |tx| Ok(tx.keep_backup(made)?))
    }

    /// Once a backup is restored: writes to everybody whose request to be erased is pending in it, with
    /// the day, since whoever took it back after the backup has to do so again, and records the
    /// restoring. Answers to how many.
    ///
    /// # Errors
    /// `StoreError` alone.
    pub fn restored(&self, backup: Uuid) -> Result<usize, TenancyError> {
        let (scope, now) = (Scope::worker(Job::Erasure), self.ports.clock.now());
        self.ports.store.run(&scope, |tx| {
            let pending = tx.pending_erasures()?;
            for PendingErasure { user, deletion_date } in &pending {
                let day = deletion_date.strftime("%Y-%m-%d").to_string();
                self.ports.write(tx, now, *user, Letter::DeletionRequested, &json!({ "date": day }))?;
            }
            let randomness = self.ports.randomness.as_ref();
            tx.record(&AuditEntry::new(&scope, randomness, now, Action::Restore, Resource::Backup).on(backup))?;
            Ok(pending.len())
        })
    }
}
