//! How the use cases of this crate refuse, in terms that a caller can act on.
use huntzen_tenancy::{FieldError, StoreError, TenancyError, policy::Forbidden};

use crate::{consultation::ConsultationStatus, room::RoomClosed};

/// Why a use case of this crate did not happen.
#[derive(Debug, thiserror::Error)]
pub enum BookingError {
    /// The role lacks the permission.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Fields that cannot be accepted, each named.
    #[error("invalid input")]
    Invalid(Vec<FieldError>),
    /// The thing is absent, or not the caller's to see.
    #[error("not found")]
    NotFound,
    /// The e-mail of an invited practitioner has an account.
    #[error("the e-mail is taken")]
    EmailTaken,
    /// The employee's eligibility has ended, or the company is not active.
    #[error("not eligible")]
    NotEligible,
    /// Not validated, suspended, or not accepting new clients.
    #[error("the practitioner takes no booking")]
    PractitionerUnavailable,
    /// No slot of this type starts then, or it is past, too near or too far.
    #[error("no such slot")]
    NotASlot,
    /// Somebody has the slot.
    #[error("the slot is taken")]
    SlotTaken,
    /// The employee has another consultation at that time.
    #[error("the employee is booked then")]
    AlreadyBooked,
    /// The consultation is in a state that does not allow this.
    #[error("not from {0}")]
    InvalidTransition(ConsultationStatus),
    /// A consultation cannot start so early.
    #[error("too early")]
    TooEarly,
    /// The room is closed now, or the consultation has none.
    #[error("the room is closed")]
    RoomClosed,
    /// Feedback was given before.
    #[error("already reviewed")]
    AlreadyReviewed,
    /// Feedback waits for the consultation to be completed.
    #[error("not completed")]
    NotCompleted,
    /// A room token could not be signed.
    #[error("the room token could not be signed")]
    Signing(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Accounts and invitations refused.
    #[error(transparent)]
    Tenancy(TenancyError),
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<TenancyError> for BookingError {
    fn from(error: TenancyError) -> Self {
        match error {
            TenancyError::Forbidden(forbidden) => Self::Forbidden(forbidden),
            TenancyError::Invalid(fields) => Self::Invalid(fields),
            TenancyError::NotFound => Self::NotFound,
            TenancyError::EmailTaken => Self::EmailTaken,
            TenancyError::Store(store) => Self::Store(store),
            other @ (TenancyError::NoEligibleCompany
            | TenancyError::DomainTaken
            | TenancyError::SiretTaken
            | TenancyError::NamedReportingOff
            | TenancyError::TooManyAnswers
            | TenancyError::TooManyAttempts { .. }
            | TenancyError::InvalidCredentials
            | TenancyError::AccountInactive
            | TenancyError::EmailNotVerified
            | TenancyError::CompanyInactive
            | TenancyError::TwoFactorRequired
            | TenancyError::InvalidCode
            | TenancyError::TwoFactorEnabled
            | TenancyError::TwoFactorOff
            | TenancyError::QuotaExceeded
            | TenancyError::ConversationClosed
            | TenancyError::IdempotencyKeyReused
            | TenancyError::RequestInProgress
            | TenancyError::StepUpRequired
            | TenancyError::DeletionPending
            | TenancyError::NoPendingDeletion
            | TenancyError::LastOperator
            | TenancyError::InvalidRefreshToken
            | TenancyError::RefreshReused(_)
            | TenancyError::SessionEnded
            | TenancyError::Hashing(_)
            | TenancyError::Signing(_)) => Self::Tenancy(other),
        }
    }
}

impl From<RoomClosed> for BookingError {
    fn from(_: RoomClosed) -> Self {
        Self::RoomClosed
    }
}
