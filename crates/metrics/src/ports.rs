//! The unit of work of this crate: every port it needs, in one transaction.
use std::sync::Arc;

use huntzen_tenancy::{
    Commit, Scope, StoreError,
    audit::{Action, AuditEntry, AuditLog, Resource},
    clock::{Clock, Randomness},
};

use crate::{Counters, MetricsError, Releases, Statements, reconciliation::Reconciliations};

/// Everything that one metrics unit of work may touch.
pub trait MetricsTx: Counters + Statements + Releases + Reconciliations + AuditLog + Commit {}
impl<T: Counters + Statements + Releases + Reconciliations + AuditLog + Commit> MetricsTx for T {}

/// Opens units of work, each confined to what its scope may see.
pub trait MetricsStore: Send + Sync {
    /// Begins a unit of work.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached in time.
    fn begin(&self, scope: &Scope) -> Result<Box<dyn MetricsTx>, StoreError>;
}

impl dyn MetricsStore {
    /// Runs `work` in one unit of work: kept when it succeeds, undone when it does not.
    ///
    /// # Errors
    /// Those of `work`, and `StoreError` from beginning and committing.
    pub fn run<T>(
        &self,
        scope: &Scope,
        work: impl FnOnce(&mut dyn MetricsTx) -> Result<T, MetricsError>,
    ) -> Result<T, MetricsError> {
        let mut tx = self.begin(scope)?;
        let value = work(tx.as_mut())?;
        tx.commit()?;
        Ok(value)
    }
}

/// What every use case of this crate stands on.
#[derive(Clone)]
pub struct MetricsPorts {
    /// The store.
    pub store: Arc<dyn MetricsStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub randomness: Arc<dyn Randomness>,
}

impl MetricsPorts {
    /// An entry of now in the audit trail, about figures.
    pub(crate) fn entry(&self, scope: &Scope, action: Action) -> AuditEntry {
        AuditEntry::new(scope, self.randomness.as_ref(), self.clock.now(), action, Resource::Metrics)
    }
}
