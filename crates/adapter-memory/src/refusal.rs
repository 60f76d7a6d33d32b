//! How this store refuses, in the words of the database that it stands for.
use huntzen_tenancy::StoreError;

/// No policy of row security allows the write.
pub(crate) fn row_security() -> StoreError {
    StoreError::Refused("row_security".to_owned())
}

/// Passes when a policy allows the write.
pub(crate) fn allow(allowed: bool) -> Result<(), StoreError> {
    if allowed { Ok(()) } else { Err(row_security()) }
}

/// Passes when the constraint of this name holds.
pub(crate) fn require(holds: bool, constraint: &str) -> Result<(), StoreError> {
    if holds { Ok(()) } else { Err(StoreError::Refused(constraint.to_owned())) }
}

/// Something that no caller can act on.
pub(crate) fn defect(what: impl Into<String>) -> StoreError {
    StoreError::Defect(what.into().into())
}
