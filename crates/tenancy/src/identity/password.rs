//! Passwords: what may be one, and the port that hashes them.
use std::fmt;

mod guessing;

use secrecy::{ExposeSecret, SecretString};

use crate::{email::Email, error::TenancyError};

/// A password as it is stored: a bcrypt string. `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct HashedPassword(String);

impl HashedPassword {
    /// Takes a string made by the hasher.
    pub fn from_stored(hash: String) -> Self {
        Self(hash)
    }

    /// The string to store.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for HashedPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashedPassword(…)")
    }
}

/// Hashes and compares passwords: slow on purpose, so never inside a unit of work.
pub trait PasswordHasher: Send + Sync {
    /// Hashes `password`.
    ///
    /// # Errors
    /// `Hashing` when the algorithm refuses it.
    fn hash(&self, password: &SecretString) -> Result<HashedPassword, TenancyError>;

    /// Whether `password` is the one that was hashed. `None` compares with a dummy, so that an
    /// absent account costs as much time as a present one; the answer is then `false`. So it is
    /// for a password that `hash` refuses, of which the algorithm would read a part.
    ///
    /// # Errors
    /// `Hashing` when the stored string is not a hash.
    fn matches(&self, password: &SecretString, hash: Option<&HashedPassword>) -> Result<bool, TenancyError>;
}

/// What may be a password: length and a block list instead of character classes (NIST SP 800-63B).
#[derive(Clone, Copy, Debug)]
pub struct PasswordRules {
    /// The fewest bytes; 12 unless configured.
    pub min_length: usize,
}

/// bcrypt reads no more bytes than this: longer passwords are refused, not cut.
pub const MAX_PASSWORD_BYTES: usize = 72;

impl PasswordRules {
    /// Why `password` is refused for the account with this `email`; `None` when it is fine.
    pub fn refusal(&self, password: &SecretString, email: &Email) -> Option<&'static str> {
        let (local, text) = (email.local_part(), password.expose_secret());
        let contains_email = || local.chars().count() >= 4 && guessing::lower(text).contains(local);
        let names_company = || guessing::is_decorated(text, email.domain().split('.').next().unwrap_or_default());
        self.refusal_for_anybody(password)
            .or_else(|| contains_email().then_some("contains_email"))
            .or_else(|| names_company().then_some("too_common"))
    }

    /// Why `password` is refused for every account; `None` when it may be fine for some.
    pub fn refusal_for_anybody(&self, password: &SecretString) -> Option<&'static str> {
        let password = password.expose_secret();
        if password.len() < self.min_length {
            Some("too_short")
        } else if password.len() > MAX_PASSWORD_BYTES {
            Some("too_long")
        } else if password.contains('\0') {
            Some("invalid_characters")
        } else if guessing::is_guessed_early(password) {
            Some("too_common")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn refusal(password: &str) -> Option<&'static str> {
        let email = Email::parse("marc.dupont@techcorp.example").unwrap();
        PasswordRules { min_length: 12 }.refusal(&SecretString::from(password), &email)
    }

    #[test]
    fn length_is_counted_in_bytes() {
        assert_eq!(refusal("elevenchars"), Some("too_short"));
        assert_eq!(refusal("douze signes"), None);
        let long = "été, école, forêt, île, maïs, dîner à midi près du châtaignier";
        assert_eq!((long.len(), refusal(long)), (72, None));
        assert_eq!(refusal(&format!("{long}!")), Some("too_long"));
    }

    #[test]
    fn common_ones_and_the_local_part_are_refused() {
        assert_eq!(refusal("MotDePasse123"), Some("too_common"));
        assert_eq!(refusal("TechCorp-2027!"), Some("too_common"));
        assert_eq!(refusal("je suis Marc.Dupont!"), Some("contains_email"));
        assert_eq!(refusal("nul\0 dans le mot"), Some("invalid_characters"));
    }
}
