//! The daily sums that the store keeps with each consultation that ends.
use huntzen_tenancy::{Commit, Scope, StoreError, audit::AuditLog, ids::UserId};
use jiff::civil::Date;
use uuid::Uuid;

use crate::{MetricsError, Period, Statements};

/// What the days of a period sum up to, of one practitioner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DailyTotals {
    /// How many consultations ended.
    pub consultations: u64,
    /// What they lasted, in seconds.
    pub total_duration_seconds: u64,
    /// The sum of their whole minutes, each floored by itself.
    pub total_duration_minutes: u64,
    /// On how many days there was one.
    pub active_days: u32,
}

/// One day of a practitioner's counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PractitionerDay {
    /// The civil day in the company's zone.
    pub day: Date,
    /// How many consultations ended.
    pub consultations: u64,
    /// The sum of their whole minutes.
    pub minutes: u64,
}

/// One day of a person's or a company's counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActivityDay {
    /// The civil day in the company's zone.
    pub day: Date,
    /// How many consultations ended.
    pub consult_count: u32,
    /// What they lasted, in seconds.
    pub total_duration_seconds: u64,
    /// How many people had one; 1 for a person's own counters.
    pub active_users_count: u32,
}

/// Usage counters, a row a day, written by the store in the unit of work that ends a consultation.
pub trait Counters {
    /// The totals of a practitioner over `period`: a practitioner sees its own, administrators
    /// all; none in sight is all zeros. The cost does not grow with the history.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn practitioner_totals(&mut self, practitioner: Uuid, period: Period) -> Result<DailyTotals, StoreError>;

    /// The days of a practitioner in `period`, oldest first: those on which a consultation ended. Who
    /// sees them is as with the totals.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn practitioner_days(&mut self, practitioner: Uuid, period: Period) -> Result<Vec<PractitionerDay>, StoreError>;

    /// The account of a practitioner that the scope may see figures of: its own, or any for an
    /// administrator.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn practitioner_account(&mut self, practitioner: Uuid) -> Result<Option<UserId>, StoreError>;

    /// An employee's days in `period`, oldest first. `Job::Audit` alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn employee_days(&mut self, employee: Uuid, period: Period) -> Result<Vec<ActivityDay>, StoreError>;

    /// A company's days in `period`, oldest first. `Job::Audit` alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn company_days(&mut self, company: Uuid, period: Period) -> Result<Vec<ActivityDay>, StoreError>;
}

/// Everything that one metrics unit of work may touch.
pub trait MetricsTx: Counters + Statements + AuditLog + Commit {}
impl<T: Counters + Statements + AuditLog + Commit> MetricsTx for T {}

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
