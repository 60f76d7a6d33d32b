//! The unit of work of this crate: every port it needs, in one transaction.
use std::sync::Arc;

use huntzen_tenancy::{
    Commit, Scope, StoreError,
    audit::{Action, AuditEntry, AuditLog, Resource},
    clock::{Clock, Randomness},
    employee::Employees,
    idempotency::IdempotencyRecords,
    sealing::{DataKeys, Sealer},
};
use jiff::Timestamp;

use crate::{
    ClinicalError, call::MissedCalls, care::CareRelations, conversation::Conversations, journal::Journal,
    note::ClinicalNotes, retention::CareRetention,
};

/// Everything that one clinical unit of work may touch.
pub trait ClinicalTx:
    CareRelations
    + ClinicalNotes
    + Journal
    + Conversations
    + CareRetention
    + MissedCalls
    + Employees
    + IdempotencyRecords
    + DataKeys
    + AuditLog
    + Commit
{
}

impl<T> ClinicalTx for T where
    T: CareRelations
        + ClinicalNotes
        + Journal
        + Conversations
        + CareRetention
        + MissedCalls
        + Employees
        + IdempotencyRecords
        + DataKeys
        + AuditLog
        + Commit
{
}

/// Opens units of work, each confined to what its scope may see.
pub trait ClinicalStore: Send + Sync {
    /// Begins a unit of work.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached in time.
    fn begin(&self, scope: &Scope) -> Result<Box<dyn ClinicalTx>, StoreError>;
}

impl dyn ClinicalStore {
    /// Runs `work` in one unit of work: kept when it succeeds, undone when it does not.
    ///
    /// # Errors
    /// Those of `work`, and `StoreError` from beginning and committing.
    pub fn run<T>(
        &self,
        scope: &Scope,
        work: impl FnOnce(&mut dyn ClinicalTx) -> Result<T, ClinicalError>,
    ) -> Result<T, ClinicalError> {
        let mut tx = self.begin(scope)?;
        let value = work(tx.as_mut())?;
        tx.commit()?;
        Ok(value)
    }
}

/// What the use cases of this crate are built over.
#[derive(Clone)]
pub struct ClinicalPorts {
    /// Where everything is kept.
    pub store: Arc<dyn ClinicalStore>,
    /// Seals what is written.
    pub sealer: Sealer,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub randomness: Arc<dyn Randomness>,
}

impl ClinicalPorts {
    /// An audit entry of `scope` at `now`.
    pub fn entry(&self, scope: &Scope, now: Timestamp, action: Action, resource: Resource) -> AuditEntry {
        AuditEntry::new(scope, self.randomness.as_ref(), now, action, resource)
    }
}
