//! How the use cases of this crate refuse, in terms that a caller can act on.
use huntzen_tenancy::{FieldError, StoreError, TenancyError, policy::Forbidden};

/// Why a use case of this crate did not happen.
#[derive(Debug, thiserror::Error)]
pub enum ClinicalError {
    /// The role is barred, or lacks the permission.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Fields that cannot be accepted, each named.
    #[error("invalid input")]
    Invalid(Vec<FieldError>),
    /// The thing is absent, or not the caller's to see.
    #[error("not found")]
    NotFound,
    /// The conversation takes messages only around its consultation, and none once it is cancelled.
    #[error("the conversation is closed")]
    ChatClosed,
    /// The sender's device has sent the same message before, and it is being written or was.
    #[error("the same request is in progress")]
    RequestInProgress,
    /// The note was locked 72 hours after it was written: it is amended, and no more deleted.
    #[error("the note is locked")]
    NoteLocked,
    /// The consultation is not one by video or audio whose room is open.
    #[error("the consultation cannot be called now")]
    CallClosed,
    /// The consultation has a call already.
    #[error("a call is in progress")]
    CallInProgress,
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<TenancyError> for ClinicalError {
    /// Field checks are tenancy's; nothing else of it is called here.
    fn from(error: TenancyError) -> Self {
        match error {
            TenancyError::Forbidden(forbidden) => Self::Forbidden(forbidden),
            TenancyError::Invalid(fields) => Self::Invalid(fields),
            TenancyError::NotFound => Self::NotFound,
            TenancyError::RequestInProgress => Self::RequestInProgress,
            TenancyError::Store(store) => Self::Store(store),
            other @ (TenancyError::NoEligibleCompany
            | TenancyError::EmailTaken
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
            | TenancyError::StepUpRequired
            | TenancyError::DeletionPending
            | TenancyError::NoPendingDeletion
            | TenancyError::LastOperator
            | TenancyError::InvalidRefreshToken
            | TenancyError::RefreshReused(_)
            | TenancyError::SessionEnded
            | TenancyError::Hashing(_)
            | TenancyError::Signing(_)) => Self::Store(StoreError::Defect(Box::new(other))),
        }
    }
}
