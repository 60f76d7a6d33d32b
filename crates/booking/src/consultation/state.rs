//! The states of a consultation, and the only ways from one to another.
use huntzen_tenancy::{ids::UserId, sealing::Sealed};
use jiff::{SignedDuration, Timestamp};

use super::{BillingStatus, Consultation, ConsultationStatus, EventType};
use crate::{BookingError, room::RoomName, slots::Slot};

/// A consultation that has not begun this long after its start never will.
pub(crate) const ABANDONED_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// A consultation that goes on this long after its planned end was forgotten.
pub(crate) const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_mins(60);

const BOOKED: &[ConsultationStatus] = &[ConsultationStatus::Scheduled, ConsultationStatus::Confirmed];

/// Something that may happen to a consultation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transition {
    /// The practitioner confirms.
    Confirm,
    /// It is called off.
    Cancel {
        /// By whom; `None` for the system.
        by: Option<UserId>,
        /// Why, in their words, sealed.
        reason: Option<Sealed>,
    },
    /// It is moved to another slot.
    Reschedule {
        /// Where it goes.
        slot: Slot,
        /// The room there: whoever knew the old one stays outside.
        room: Option<RoomName>,
        /// A time that the employee chose waits to be confirmed again.
        by_employee: bool,
    },
    /// It begins.
    Start {
        /// How long before its time it may.
        early: SignedDuration,
    },
    /// It ends.
    End,
    /// Nobody ended it: it is taken to have ended as planned.
    EndForgotten,
    /// The employee did not come.
    NoShow {
        /// Who says so.
        by: UserId,
        /// Whether it is billed all the same.
        billing: BillingStatus,
    },
    /// It was neither begun nor called off: it will not be billed.
    Exclude,
}

impl Transition {
    fn starts_from(&self) -> &'static [ConsultationStatus] {
        match self {
            Self::Confirm => &[ConsultationStatus::Scheduled],
            Self::Cancel { .. }
            | Self::Reschedule { .. }
            | Self::Start { .. }
            | Self::NoShow { .. }
            | Self::Exclude => BOOKED,
            Self::End | Self::EndForgotten => &[ConsultationStatus::InProgress],
        }
    }

    /// The event that tells of it; an exclusion concerns billing alone and has none.
    pub fn event(&self) -> Option<EventType> {
        match self {
            Self::Confirm => Some(EventType::Confirmed),
            Self::Cancel { .. } => Some(EventType::Cancelled),
            Self::Reschedule { .. } => Some(EventType::Rescheduled),
            Self::Start { .. } => Some(EventType::Started),
            Self::End | Self::EndForgotten => Some(EventType::Ended),
            Self::NoShow { .. } => Some(EventType::NoShow),
            Self::Exclude => None,
        }
    }
}

impl Consultation {
    /// Takes the consultation through `transition` at `at`, and answers the event that tells of
    /// it. A refused transition changes nothing.
    ///
    /// # Errors
    /// `InvalidTransition` when the state, or the time, does not allow it; `TooEarly` for a start
    /// before its time.
    pub fn apply(&mut self, transition: Transition, at: Timestamp) -> Result<Option<EventType>, BookingError> {
        self.check(&transition, at)?;
        let event = transition.event();
        match transition {
            Transition::Confirm => self.status = ConsultationStatus::Confirmed,
            Transition::Cancel { by, reason } => {
                self.status = ConsultationStatus::Cancelled;
                self.billing_status = BillingStatus::Excluded;
                self.cancelled_at = Some(at);
                self.cancelled_by = by;
                self.cancel_reason = reason;
                self.sequence += 1;
            }
            Transition::Reschedule { slot, room, by_employee } => self.take(slot, room, by_employee, at),
            Transition::Start { .. } => {
                self.status = ConsultationStatus::InProgress;
                self.started_at = Some(at);
            }
            Transition::End => self.end(at),
            Transition::EndForgotten => {
                self.end(self.started_at.unwrap_or(self.ends_at).max(self.ends_at));
            }
            Transition::NoShow { by, billing } => {
                self.status = ConsultationStatus::NoShow;
                self.billing_status = billing;
                self.no_show_at = Some(at);
                self.no_show_by = Some(by);
            }
            Transition::Exclude => self.billing_status = BillingStatus::Excluded,
        }
        self.updated_at = at;
        Ok(event)
    }

    /// Whether it is booked and has not begun.
    pub fn is_booked(&self) -> bool {
        BOOKED.contains(&self.status)
    }

    /// Refuses what the state or the time does not allow.
    ///
    /// # Errors
    /// As for [`Consultation::apply`].
    fn check(&self, transition: &Transition, at: Timestamp) -> Result<(), BookingError> {
        let possible = transition.starts_from().contains(&self.status)
            && match transition {
                Transition::Confirm | Transition::Cancel { .. } | Transition::Reschedule { .. } | Transition::End => {
                    true
                }
                Transition::Start { .. } => !self.is_given_up(at),
                Transition::NoShow { .. } => !self.is_given_up(at) && self.scheduled_at <= at,
                Transition::EndForgotten => passed(self.ends_at, FORGOTTEN_AFTER, at),
                Transition::Exclude => {
                    self.billing_status == BillingStatus::Pending && passed(self.scheduled_at, ABANDONED_AFTER, at)
                }
            };
        if !possible {
            return Err(BookingError::InvalidTransition(self.status));
        }
        if let Transition::Start { early } = transition
            && at.duration_until(self.scheduled_at) > *early
        {
            return Err(BookingError::TooEarly);
        }
        Ok(())
    }

    /// Whether it is too late to begin it or to mark it as missed, be the job that excludes it
    /// quick or slow.
    fn is_given_up(&self, at: Timestamp) -> bool {
        self.billing_status == BillingStatus::Excluded || passed(self.scheduled_at, ABANDONED_AFTER, at)
    }

    fn take(&mut self, slot: Slot, room: Option<RoomName>, by_employee: bool, at: Timestamp) {
        if by_employee {
            self.status = ConsultationStatus::Scheduled;
        }
        self.billing_status = BillingStatus::Pending;
        self.scheduled_at = slot.starts_at;
        self.ends_at = slot.ends_at;
        self.buffer_minutes = slot.buffer_minutes;
        self.room_name = room;
        self.planned_at = at;
        self.sequence += 1;
    }

    fn end(&mut self, ended_at: Timestamp) {
        self.status = ConsultationStatus::Completed;
        self.billing_status = BillingStatus::Validated;
        self.ended_at = Some(ended_at);
    }
}

/// Whether `at` lies more than `after` behind `instant`.
fn passed(instant: Timestamp, after: SignedDuration, at: Timestamp) -> bool {
    instant.duration_until(at) > after
}

#[cfg(test)]
mod tests;
