//! Who cares for whom: what this domain must know of a consultation, asked through a port of its own.
use huntzen_tenancy::{
    StoreError,
    ids::{CompanyId, UserId},
};
use jiff::Timestamp;

use crate::ids::ConsultationId;

/// A consultation as far as its participants' conversation, calls and notes depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Care {
    /// Which consultation.
    pub consultation: ConsultationId,
    /// The employee's company.
    pub company: CompanyId,
    /// The employee's account.
    pub employee_user: UserId,
    /// The practitioner's account.
    pub practitioner_user: UserId,
    /// When it is to start.
    pub scheduled_at: Timestamp,
    /// When it is to end.
    pub ends_at: Timestamp,
    /// Whether it takes place in a room: video or audio.
    pub has_room: bool,
    /// Whether it was called off.
    pub is_cancelled: bool,
    /// Whether it is booked or going on: not called off, missed or over.
    pub is_live: bool,
}

impl Care {
    /// Whether this account is one of the two who meet.
    pub fn has_participant(&self, user: UserId) -> bool {
        self.employee_user == user || self.practitioner_user == user
    }

    /// The participant who is not `user`.
    pub fn other_than(&self, user: UserId) -> UserId {
        if self.employee_user == user { self.practitioner_user } else { self.employee_user }
    }
}

/// Answers what this domain asks about consultations, to their participants alone.
pub trait CareRelations {
    /// The consultation, when the acting account takes part in it.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn care(&mut self, consultation: ConsultationId) -> Result<Option<Care>, StoreError>;
}
