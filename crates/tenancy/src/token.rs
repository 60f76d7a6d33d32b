//! Secrets that travel once: kept as SHA-256 digests, never in clear.
use sha2::{Digest, Sha256};

/// The SHA-256 digest of a token: all that is ever stored of one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenDigest(pub [u8; 32]);

impl TokenDigest {
    /// The digest of a token as its holder sends it.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// The digest in lower-case hexadecimal: 64 characters.
    pub fn to_hex(self) -> String {
        use std::fmt::Write as _;
        self.0.iter().fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

impl std::fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenDigest(…)")
    }
}

/// A fresh token as its holder sends it: 256 random bits in 64 lower-case hexadecimal characters.
pub fn fresh_token(randomness: &dyn crate::clock::Randomness) -> String {
    TokenDigest(randomness.secret()).to_hex()
}
