//! The second factor of an account: codes that a device counts (TOTP, RFC 6238), and backup codes.
use jiff::{SignedDuration, Timestamp};

use super::{account::User, ports::IdentityPorts};
use crate::{
    TenancyTx,
    clock::Randomness,
    error::TenancyError,
    ids::UserId,
    sealing::{KeySubject, Place, Sealed, SecretText},
    store::StoreError,
    token::TokenDigest,
};

/// How many backup codes there are.
pub const BACKUP_CODES: usize = 10;
/// Letters and digits that nobody takes for each other (RFC 4648, Base32).
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Wrong codes in a row after which none is looked at until the window is over.
const MOST_FAILURES: u32 = 10;
/// For how long wrong codes are counted together, and so refused.
pub const WINDOW: SignedDuration = SignedDuration::from_mins(15);
/// Characters of a backup code: 80 random bits.
const BACKUP_CODE_LENGTH: usize = 16;

/// Counts time-based one-time passwords (RFC 6238): HMAC-SHA-1, six digits, steps of thirty seconds.
pub trait TotpCodes: Send + Sync {
    /// A fresh secret of 160 random bits, in Base32 (RFC 4648).
    fn fresh_secret(&self) -> SecretText;

    /// What a device reads to count the same codes: an `otpauth` URL that names `account`.
    fn url(&self, secret: &SecretText, account: &str) -> SecretText;

    /// The step whose code this is: the present one, the one before or the one after.
    fn step(&self, secret: &SecretText, code: &str, now: Timestamp) -> Option<i64>;
}

/// A second factor as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondFactor {
    /// Whose.
    pub user: UserId,
    /// The secret, sealed under the person's key.
    pub secret: Sealed,
    /// When it was set up; it counts once the account says so (`User::two_factor_enabled_at`).
    pub created_at: Timestamp,
    /// How many wrong codes in a row there were since `failing_since`.
    pub failures: u32,
    /// When the first of them came.
    pub failing_since: Option<Timestamp>,
}

impl SecondFactor {
    /// Whether so many wrong codes came lately that none is looked at for a while: three of a million are
    /// right at any time.
    fn is_shut(&self, now: Timestamp) -> bool {
        let lately = self.failing_since.is_some_and(|since| now.duration_since(since) < WINDOW);
        lately && self.failures >= MOST_FAILURES
    }

    /// Where the secret of this account stands.
    pub(super) fn place(user: UserId) -> Place {
        Place::new("second_factors", "secret", user.0)
    }
}

/// Second factors. A user scope sees its own.
pub trait SecondFactors {
    /// The second factor of `user`.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn second_factor(&mut self, user: UserId) -> Result<Option<SecondFactor>, StoreError>;

    /// Puts a second factor with these backup codes in place of any that there was.
    ///
    /// # Errors
    /// `Refused` when it is somebody else's.
    fn set_second_factor(&mut self, factor: &SecondFactor, codes: &[TokenDigest]) -> Result<(), StoreError>;

    /// Accepts the code of a step: exactly one caller of many gets `true`, and none for a step that is
    /// not later than the last that was accepted. Wrong codes of before are forgotten.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn use_step(&mut self, user: UserId, step: i64) -> Result<bool, StoreError>;

    /// Counts a wrong code at `at`: together with those since [`WINDOW`] before it, or as the first.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn note_wrong_code(&mut self, user: UserId, at: Timestamp) -> Result<(), StoreError>;

    /// Uses a backup code up at `at`: exactly one caller of many gets `true`.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn use_backup_code(&mut self, user: UserId, code: TokenDigest, at: Timestamp) -> Result<bool, StoreError>;

    /// Removes the second factor with its backup codes; `false` when there is none.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn remove_second_factor(&mut self, user: UserId) -> Result<bool, StoreError>;
}

/// Fresh backup codes as their owner writes them down, such as `ABCD-EFGH-IJKL-MNOP`.
pub(super) fn fresh_backup_codes(randomness: &dyn Randomness) -> Vec<String> {
    let code = |_| {
        let mut random = [0; BACKUP_CODE_LENGTH];
        randomness.fill(&mut random);
        let letters = random.iter().map(|byte| ALPHABET.get(usize::from(byte % 32)).copied().unwrap_or(b'A'));
        let letters: Vec<char> = letters.map(char::from).collect();
        letters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join("-")
    };
    (0..BACKUP_CODES).map(code).collect()
}

/// What is stored of a backup code, however its owner types it.
pub(super) fn backup_digest(code: &str) -> TokenDigest {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    TokenDigest::of(&plain.to_ascii_uppercase())
}

/// Whether this has the form of a backup code, however its owner types it.
fn is_backup_code(code: &str) -> bool {
    code.chars().filter(char::is_ascii_alphanumeric).count() == BACKUP_CODE_LENGTH
}

impl IdentityPorts {
    /// Whether `code` is one that the account's device counts now; it is used up by that.
    pub(super) fn accept_code(
        &self,
        tx: &mut dyn TenancyTx,
        user: &User,
        code: &str,
        now: Timestamp,
    ) -> Result<bool, TenancyError> {
        let Some(factor) = tx.second_factor(user.id)?.filter(|factor| !factor.is_shut(now)) else {
            return Ok(false);
        };
        let key = self.sealer.key(tx, KeySubject::Person(user.id), now)?;
        let secret = self.sealer.open(&key, &SecondFactor::place(user.id), &factor.secret)?;
        let is_accepted = match self.totp.step(&secret, code, now) {
            Some(step) => tx.use_step(user.id, step)?,
            None => false,
        };
        if !is_accepted {
            tx.note_wrong_code(user.id, now)?;
        }
        Ok(is_accepted)
    }

    /// Whether `code` is one that the account's device counts now, or one of its backup codes; it is used
    /// up by that. They are told apart by their length, and nobody guesses a backup code.
    pub(super) fn accept_any_code(
        &self,
        tx: &mut dyn TenancyTx,
        user: &User,
        code: &str,
        now: Timestamp,
    ) -> Result<bool, TenancyError> {
        if is_backup_code(code) {
            return Ok(tx.use_backup_code(user.id, backup_digest(code), now)?);
        }
        self.accept_code(tx, user, code, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(std::sync::atomic::AtomicU8);

    impl Randomness for Counting {
        fn fill(&self, out: &mut [u8]) {
            out.fill_with(|| self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst));
        }
    }

    #[test]
    fn backup_codes_differ_and_are_read_as_they_are_typed() {
        let codes = fresh_backup_codes(&Counting(0.into()));
        assert_eq!(codes.len(), BACKUP_CODES);
        assert_eq!(codes.first().map(String::as_str), Some("ABCD-EFGH-IJKL-MNOP"));
        assert_eq!(codes.get(1).map(String::as_str), Some("QRST-UVWX-YZ23-4567"));
        for typed in ["ABCD-EFGH-IJKL-MNOP", "abcdefghijklmnop", " abcd efgh ijkl mnop "] {
            assert_eq!(backup_digest(typed), backup_digest("ABCDEFGHIJKLMNOP"), "{typed}");
            assert!(is_backup_code(typed), "{typed}");
        }
        assert_ne!(backup_digest("ABCD"), backup_digest("ABCE"));
        assert!(!["123456", " 123 456 ", ""].iter().any(|code| is_backup_code(code)));
    }
}
