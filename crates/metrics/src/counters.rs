//! The daily sums that the store keeps with each consultation that ends.
use huntzen_tenancy::{StoreError, ids::UserId};
use jiff::civil::Date;
use uuid::Uuid;

use crate::Period;

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
