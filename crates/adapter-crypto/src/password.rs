//! Passwords hashed with bcrypt.
use huntzen_tenancy::{
    TenancyError,
    identity::{HashedPassword, PasswordHasher},
};
use secrecy::{ExposeSecret, SecretString};

/// bcrypt reads no byte after these; the library would cut, so the length is checked here.
const MAX_BYTES: usize = 72;

/// Why a password is not hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Unhashable {
    #[error("the password has more than {MAX_BYTES} bytes")]
    TooLong,
    /// bcrypt reads a password round and round with a NUL at the seam: with another NUL inside,
    /// two passwords could be one.
    #[error("the password holds a NUL byte")]
    Nul,
}

impl Unhashable {
    /// Passes a password of which bcrypt reads every byte.
    fn check(password: &str) -> Result<(), Self> {
        if password.len() > MAX_BYTES {
            Err(Self::TooLong)
        } else if password.contains('\0') {
            Err(Self::Nul)
        } else {
            Ok(())
        }
    }
}

/// Hashes passwords with bcrypt at a fixed cost, with a fresh salt each.
pub struct BcryptHasher {
    cost: u32,
    dummy: String,
}

impl BcryptHasher {
    /// A hasher of this cost, from 4 to 31: each step doubles the time. With any other cost it
    /// answers every call with an error.
    pub fn new(cost: u32) -> Self {
        // A well-formed hash of zeros: comparing with it takes as long as with any other.
        Self { cost, dummy: format!("$2b${cost:02}${}", ".".repeat(53)) }
    }
}

impl PasswordHasher for BcryptHasher {
    fn hash(&self, password: &SecretString) -> Result<HashedPassword, TenancyError> {
        let password = password.expose_secret();
        Unhashable::check(password).map_err(|error| TenancyError::Hashing(Box::new(error)))?;
        bcrypt::hash(password, self.cost)
            .map(HashedPassword::from_stored)
            .map_err(|error| TenancyError::Hashing(Box::new(error)))
    }

    fn matches(&self, password: &SecretString, hash: Option<&HashedPassword>) -> Result<bool, TenancyError> {
        let password = password.expose_secret();
        let against = hash.map_or(self.dummy.as_str(), HashedPassword::as_str);
        // Compared before anything is decided, so that every answer takes the same time.
        let equal = bcrypt::verify(password, against).map_err(|error| TenancyError::Hashing(Box::new(error)))?;
        Ok(equal && hash.is_some() && Unhashable::check(password).is_ok())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn secret(password: &str) -> SecretString {
        SecretString::from(password)
    }

    fn stored(hash: &str) -> HashedPassword {
        HashedPassword::from_stored(hash.to_owned())
    }

    #[test]
    fn a_password_matches_its_own_hash_alone() {
        let hasher = BcryptHasher::new(4);
        let hash = hasher.hash(&secret("douze signes")).unwrap();
        assert!(hash.as_str().starts_with("$2b$04$"));
        assert!(hasher.matches(&secret("douze signes"), Some(&hash)).unwrap());
        assert!(!hasher.matches(&secret("douze signe"), Some(&hash)).unwrap());
        assert!(!hasher.matches(&secret("Douze signes"), Some(&hash)).unwrap());
        assert!(!hasher.matches(&secret(""), Some(&hash)).unwrap());
    }

    #[test]
    fn every_hash_has_its_own_salt() {
        let hasher = BcryptHasher::new(4);
        let password = secret("le même mot deux fois");
        assert_ne!(hasher.hash(&password).unwrap(), hasher.hash(&password).unwrap());
    }

    #[test]
    fn hashes_of_other_implementations_are_understood() {
        let hasher = BcryptHasher::new(4);
        for (password, hash) in [
            ("a", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"),
            ("abc", "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"),
            ("abcdefghijklmnopqrstuvwxyz", "$2a$06$.rCVZVOThsIa97pEDOxvGuRRgzG64bvtJ0938xuqzv18d3ZpQhstC"),
        ] {
            assert!(hasher.matches(&secret(password), Some(&stored(hash))).unwrap(), "{password}");
        }
    }

    #[test]
    fn seventy_two_bytes_are_taken_and_one_more_is_refused() {
        let hasher = BcryptHasher::new(4);
        let longest = "é".repeat(36);
        let hash = hasher.hash(&secret(&longest)).unwrap();
        assert!(hasher.matches(&secret(&longest), Some(&hash)).unwrap());
        let last_differs = format!("{}ab", "é".repeat(35));
        assert!(!hasher.matches(&secret(&last_differs), Some(&hash)).unwrap());

        let longer = format!("{longest}x");
        let refused = hasher.hash(&secret(&longer)).unwrap_err();
        assert!(matches!(refused, TenancyError::Hashing(_)), "{refused:?}");
        // bcrypt itself would take it for the 72 bytes that it reads.
        assert!(!hasher.matches(&secret(&longer), Some(&hash)).unwrap());
    }

    #[test]
    fn what_follows_a_nul_is_never_ignored() {
        let hasher = BcryptHasher::new(4);
        assert!(hasher.hash(&secret("douze\0signes")).is_err());
        let hash = hasher.hash(&secret("abc")).unwrap();
        assert!(!hasher.matches(&secret("abc\0abc"), Some(&hash)).unwrap());
    }

    #[test]
    fn an_absent_account_costs_a_comparison_and_never_matches() {
        let hasher = BcryptHasher::new(7);
        let parts: bcrypt::HashParts = hasher.dummy.parse().unwrap();
        assert_eq!(parts.get_cost(), 7);
        for password in ["", "douze signes", "................................"] {
            assert!(!hasher.matches(&secret(password), None).unwrap());
        }
    }

    #[test]
    fn a_stored_string_that_is_no_hash_is_an_error() {
        let hasher = BcryptHasher::new(4);
        for hash in
            ["", "douze signes", "$2b$04$tooshort", "$1$04$...................................................."]
        {
            let refused = hasher.matches(&secret("douze signes"), Some(&stored(hash))).unwrap_err();
            assert!(matches!(refused, TenancyError::Hashing(_)), "{refused:?}");
        }
    }

    #[test]
    fn a_cost_that_bcrypt_does_not_know_is_an_error() {
        for cost in [0, 3, 32, 100] {
            let hasher = BcryptHasher::new(cost);
            assert!(hasher.hash(&secret("douze signes")).is_err(), "{cost}");
            assert!(hasher.matches(&secret("douze signes"), None).is_err(), "{cost}");
        }
    }
}
