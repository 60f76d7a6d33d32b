//! E-mail addresses as the product compares them: trimmed, lower case, one spelling each.
use std::fmt;

use validator::ValidateEmail;

/// A valid, normalised e-mail address of at most 254 bytes (RFC 5321).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

impl Email {
    /// Parses and normalises; `None` when it is no address.
    pub fn parse(raw: &str) -> Option<Self> {
        let address = raw.trim().to_lowercase();
        (address.len() <= 254 && address.is_ascii() && address.validate_email()).then_some(Self(address))
    }

    /// The normalised address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the `@`.
    pub fn local_part(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }

    /// What stands after the `@`.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}
