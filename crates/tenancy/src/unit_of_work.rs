//! The unit of work of this crate: every port it needs, in one transaction.
use crate::{
    audit::{AuditChains, AuditView},
    backups::Backups,
    company::Companies,
    content::{ArticleVisits, Articles, CompanyNews},
    employee::Employees,
    erasure::{DeletionRequests, Erasures},
    error::TenancyError,
    files::{Attending, Files},
    idempotency::IdempotencyRecords,
    identity::{Inviting, OneTimeTokens, SecondFactors, Sessions},
    notifications::Notifications,
    outbox::OutboxQueue,
    own_data::OwnRecords,
    preferences::Preferences,
    retention::Retention,
    scope::Scope,
    store::{Commit, StoreError},
};

/// Everything that one unit of work of this crate may touch (`Inviting` brings accounts,
/// invitations, the outbox and the audit trail).
pub trait TenancyTx:
    Inviting
    + Sessions
    + OneTimeTokens
    + SecondFactors
    + Companies
    + Employees
    + Articles
    + ArticleVisits
    + CompanyNews
    + Notifications
    + Preferences
    + Files
    + Attending
    + IdempotencyRecords
    + DeletionRequests
    + Erasures
    + Retention
    + OwnRecords
    + OutboxQueue
    + AuditChains
    + AuditView
    + Backups
    + Commit
{
}

impl<T> TenancyTx for T where
    T: Inviting
        + Sessions
        + OneTimeTokens
        + SecondFactors
        + Companies
        + Employees
        + Articles
        + ArticleVisits
        + CompanyNews
        + Notifications
        + Preferences
        + Files
        + Attending
        + IdempotencyRecords
        + DeletionRequests
        + Erasures
        + Retention
        + OwnRecords
        + OutboxQueue
        + AuditChains
        + AuditView
        + Backups
        + Commit
{
}

/// Opens units of work, each confined to what its scope may see.
pub trait TenancyStore: Send + Sync {
    /// Begins a unit of work.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached in time.
    fn begin(&self, scope: &Scope) -> Result<Box<dyn TenancyTx>, StoreError>;
}

impl dyn TenancyStore {
    /// Runs `work` in one unit of work: kept when it succeeds, undone when it does not. A refusal
    /// that must leave a trace is an `Ok` of its own.
    ///
    /// # Errors
    /// Those of `work`, and `StoreError` from beginning and committing.
    pub fn run<T>(
        &self,
        scope: &Scope,
        work: impl FnOnce(&mut dyn TenancyTx) -> Result<T, TenancyError>,
    ) -> Result<T, TenancyError> {
        let mut tx = self.begin(scope)?;
        let value = work(tx.as_mut())?;
        tx.commit()?;
        Ok(value)
    }
}
