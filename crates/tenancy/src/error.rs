//! How the use cases of this crate refuse, in terms that a caller can act on.
use crate::{identity::AccessTokenError, ids::SessionId, policy::Forbidden, store::StoreError};

/// One field of a command that cannot be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field, by its JSON name.
    pub field: &'static str,
    /// Why, as a stable `snake_case` word.
    pub code: &'static str,
}

impl FieldError {
    /// `field` is refused because of `code`.
    pub const fn new(field: &'static str, code: &'static str) -> Self {
        Self { field, code }
    }
}

/// Collects field errors and refuses when there are any.
#[derive(Debug, Default)]
pub struct Checks(Vec<FieldError>);

impl Checks {
    /// Notes a refusal unless `holds`.
    pub fn require(&mut self, holds: bool, field: &'static str, code: &'static str) {
        if !holds {
            self.0.push(FieldError::new(field, code));
        }
    }

    /// Passes a parsed value on, or notes that `field` could not be parsed.
    pub fn parsed<T>(&mut self, value: Option<T>, field: &'static str, code: &'static str) -> Option<T> {
        self.require(value.is_some(), field, code);
        value
    }

    /// Passes `value` when nothing was noted; a value that could not be parsed was.
    ///
    /// # Errors
    /// `Invalid` with every refusal noted.
    pub fn pass<T>(self, value: Option<T>) -> Result<T, TenancyError> {
        value.filter(|_| self.0.is_empty()).ok_or(TenancyError::Invalid(self.0))
    }

    /// The refusals; empty when everything held.
    pub fn into_errors(self) -> Vec<FieldError> {
        self.0
    }

    /// Passes when nothing was noted.
    ///
    /// # Errors
    /// `Invalid` with every refusal noted.
    pub fn finish(self) -> Result<(), TenancyError> {
        if self.0.is_empty() { Ok(()) } else { Err(TenancyError::Invalid(self.0)) }
    }
}

/// Why a use case of this crate did not happen.
#[derive(Debug, thiserror::Error)]
pub enum TenancyError {
    /// The role lacks the permission.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Fields that cannot be accepted, each named.
    #[error("invalid input")]
    Invalid(Vec<FieldError>),
    /// The thing is absent, or not the caller's to see.
    #[error("not found")]
    NotFound,
    /// The e-mail's domain belongs to no active company.
    #[error("no company takes this e-mail's domain")]
    NoEligibleCompany,
    /// Another account has this e-mail.
    #[error("the e-mail is taken")]
    EmailTaken,
    /// Another company has one of these domains.
    #[error("a domain is taken")]
    DomainTaken,
    /// The service does not report usage by name.
    #[error("usage is not reported by name")]
    NamedReportingOff,
    /// Another company has this SIRET.
    #[error("the SIRET is taken")]
    SiretTaken,
    /// Too many answers to requests with a key are kept for the account.
    #[error("too many answers are kept")]
    TooManyAnswers,
    /// Too many attempts have failed; there was none.
    #[error("too many attempts have failed")]
    TooManyAttempts {
        /// The most that may fail in a window, of the limit that refused.
        most: u32,
        /// After how many seconds another one is made.
        seconds: u32,
    },
    /// The e-mail or the password is wrong, or both.
    #[error("wrong e-mail or password")]
    InvalidCredentials,
    /// The account is blocked or erased.
    #[error("the account is not active")]
    AccountInactive,
    /// The address was never confirmed.
    #[error("the e-mail is not verified")]
    EmailNotVerified,
    /// The HR account's company is suspended or not yet validated.
    #[error("the company is not active")]
    CompanyInactive,
    /// The password is right, and a code of the second factor is asked for.
    #[error("a second factor is required")]
    TwoFactorRequired,
    /// The code is wrong, or was used before.
    #[error("the code is not valid")]
    InvalidCode,
    /// The account has a second factor already.
    #[error("the second factor is on")]
    TwoFactorEnabled,
    /// The account has no second factor, or none was set up.
    #[error("the second factor is off")]
    TwoFactorOff,
    /// There are too many files, bytes or uploads of this account.
    #[error("the account's share of the storage is used up")]
    QuotaExceeded,
    /// Attachments are taken around their consultation, as messages are, and none once it is cancelled.
    #[error("the consultation takes no attachments now")]
    ConversationClosed,
    /// The client asked for something else by this `Idempotency-Key`.
    #[error("the idempotency key was used for another request")]
    IdempotencyKeyReused,
    /// The same request is being done right now.
    #[error("the same request is in progress")]
    RequestInProgress,
    /// Whoever asks has to prove again to be there.
    #[error("a step-up is required")]
    StepUpRequired,
    /// The account's erasure is asked for already.
    #[error("a deletion is pending")]
    DeletionPending,
    /// Nothing to take back: no deletion is pending, or its day has come.
    #[error("no deletion is pending")]
    NoPendingDeletion,
    /// Nobody else operates the platform.
    #[error("the last operator")]
    LastOperator,
    /// The refresh token is unknown, expired or revoked.
    #[error("the refresh token is not valid")]
    InvalidRefreshToken,
    /// The refresh token was used before: its family, this session, has just been revoked.
    #[error("the refresh token was used before")]
    RefreshReused(SessionId),
    /// The session was revoked, or its account may no longer act.
    #[error("the session has ended")]
    SessionEnded,
    /// A password could not be hashed or compared.
    #[error("the password hasher failed")]
    Hashing(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// An access token could not be signed.
    #[error("the access token signer failed")]
    Signing(#[source] AccessTokenError),
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
