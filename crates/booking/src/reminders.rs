//! Reminders: each once, over all nodes and restarts.
use huntzen_tenancy::{StoreError, words};
use jiff::{SignedDuration, Timestamp};

use crate::ids::ConsultationId;

words! {
    /// Which reminder.
    ReminderKind {
        /// 24 hours before the start.
        DayBefore = "DAY_BEFORE",
        /// One hour before it.
        HourBefore = "HOUR_BEFORE",
    }
}

impl ReminderKind {
    /// How long before the start it is due.
    pub fn lead(self) -> SignedDuration {
        match self {
            Self::DayBefore => SignedDuration::from_hours(24),
            Self::HourBefore => SignedDuration::from_hours(1),
        }
    }
}

/// A reminder that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueReminder {
    /// Of which consultation.
    pub consultation: ConsultationId,
    /// Which one.
    pub kind: ReminderKind,
    /// The start that it announces.
    pub starts_at: Timestamp,
}

/// Reminders: `Job::Reminders` alone.
pub trait Reminders {
    /// Up to `limit` reminders of this kind for `SCHEDULED` and `CONFIRMED` consultations that are
    /// due at `now` and were not sent: the start lies ahead, at most `kind.lead()` away, and was
    /// chosen (`planned_at`) before the reminder was due. Soonest start first.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn due_reminders(&mut self, kind: ReminderKind, now: Timestamp, limit: u32)
    -> Result<Vec<DueReminder>, StoreError>;

    /// Sends a reminder at `at` to both participants (inbox and letter), unless it was sent before
    /// or the consultation no longer starts then: of many callers at once, exactly one gets `true`.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn send_reminder(&mut self, reminder: &DueReminder, at: Timestamp) -> Result<bool, StoreError>;
}
