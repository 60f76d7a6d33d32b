//! How the use cases of this crate refuse.
use huntzen_tenancy::{FieldError, StoreError, policy::Forbidden};

/// Why a figure was not given.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The role lacks the permission.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Fields that cannot be accepted, each named.
    #[error("invalid input")]
    Invalid(Vec<FieldError>),
    /// Days that are not those of whole months; each bad end is named.
    #[error("whole months only")]
    WholeMonthsOnly(Vec<FieldError>),
    /// Nobody's usage is shown by name, or not this person's.
    #[error("aggregates only")]
    AggregatedOnly,
    /// The thing is absent, or not the caller's to see.
    #[error("not found")]
    NotFound,
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
