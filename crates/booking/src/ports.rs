//! The unit of work of this crate: every port it needs, in one transaction.
use std::sync::Arc;

use huntzen_tenancy::{
    Commit, Scope, StoreError,
    audit::{Action, AuditEntry, Resource},
    clock::{Clock, Randomness},
    employee::Employees,
    idempotency::IdempotencyRecords,
    identity::Inviting,
    preferences::Preferences,
    sealing::Sealer,
};
use jiff::Timestamp;

use crate::{
    BookingError, BookingRules, consultation::Consultations, practitioner::Practitioners, reminders::Reminders,
    review::Reviews, timetable::Timetables,
};

/// Everything that one booking unit of work may touch (`Inviting` brings accounts, invitations,
/// the outbox, data keys and the audit trail).
pub trait BookingTx:
    Practitioners
    + Timetables
    + Consultations
    + Reviews
    + Reminders
    + Employees
    + Preferences
    + IdempotencyRecords
    + Inviting
    + Commit
{
}

impl<T> BookingTx for T where
    T: Practitioners
        + Timetables
        + Consultations
        + Reviews
        + Reminders
        + Employees
        + Preferences
        + IdempotencyRecords
        + Inviting
        + Commit
{
}

/// Opens units of work, each confined to what its scope may see.
pub trait BookingStore: Send + Sync {
    /// Begins a unit of work.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached in time.
    fn begin(&self, scope: &Scope) -> Result<Box<dyn BookingTx>, StoreError>;
}

impl dyn BookingStore {
    /// Runs `work` in one unit of work: kept when it succeeds, undone when it does not.
    ///
    /// # Errors
    /// Those of `work`, and `StoreError` from beginning and committing.
    pub fn run<T>(
        &self,
        scope: &Scope,
        work: impl FnOnce(&mut dyn BookingTx) -> Result<T, BookingError>,
    ) -> Result<T, BookingError> {
        let mut tx = self.begin(scope)?;
        let value = work(tx.as_mut())?;
        tx.commit()?;
        Ok(value)
    }
}

/// What the use cases of this crate are built over.
#[derive(Clone)]
pub struct BookingPorts {
    /// Where everything is kept.
    pub store: Arc<dyn BookingStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where ids and room names come from.
    pub randomness: Arc<dyn Randomness>,
    /// Seals reasons, comments and letters.
    pub sealer: Sealer,
    /// The operator's figures.
    pub rules: BookingRules,
}

impl BookingPorts {
    /// A line of the audit trail about `resource`, by whoever the scope acts for.
    pub(crate) fn entry(&self, scope: &Scope, now: Timestamp, action: Action, resource: Resource) -> AuditEntry {
        AuditEntry::new(scope, self.randomness.as_ref(), now, action, resource)
    }
}
