//! Texts that are sealed: what any of them must be.
use huntzen_tenancy::{error::Checks, sealing::SecretText};

use crate::ClinicalError;

/// The most bytes of a note or of an entry of a journal, in UTF-8.
pub const LONG: usize = 64 * 1024;

/// Passes a text that is not blank and has at most `most` bytes in UTF-8.
///
/// # Errors
/// `Invalid`.
pub fn check(content: &SecretText, most: usize) -> Result<(), ClinicalError> {
    let mut checks = Checks::default();
    add(&mut checks, content, most);
    Ok(checks.finish()?)
}

/// The same, among other checks.
pub(crate) fn add(checks: &mut Checks, content: &SecretText, most: usize) {
    checks.require(!content.expose().trim().is_empty(), "content", "required");
    checks.require(content.expose().len() <= most, "content", "too_long");
}
