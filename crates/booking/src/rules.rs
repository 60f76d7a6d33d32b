//! The figures of booking that an operator may set.
use jiff::{SignedDuration, Timestamp};

use crate::{consultation::BillingStatus, slots::BookingWindow};

/// The figures of booking that an operator may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookingRules {
    /// A slot nearer than this many minutes cannot be booked.
    pub min_notice_minutes: u32,
    /// Nor one further than this many days of 24 hours.
    pub horizon_days: u16,
    /// A practitioner may start a consultation this many minutes before its time.
    pub early_start_minutes: u32,
    /// Whether a consultation that the employee missed is billed.
    pub no_show_billing: BillingStatus,
}

impl BookingRules {
    /// When a slot can be booked, seen from `now`.
    pub fn window(&self, now: Timestamp) -> BookingWindow {
        BookingWindow { now, min_notice_minutes: self.min_notice_minutes, horizon_days: self.horizon_days }
    }

    /// How long before its time a consultation may start.
    pub fn early_start(&self) -> SignedDuration {
        SignedDuration::from_mins(self.early_start_minutes.into())
    }
}
