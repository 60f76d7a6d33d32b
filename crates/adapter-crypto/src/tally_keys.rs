//! What stands for an account, a token or a network where requests and failed attempts are counted.
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use huntzen_tenancy::limits::{TallyKey, TallyKeys};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::refresh_token::authenticate;

/// What the secret is told it serves, so that no other use of it can give the same.
const PURPOSE: &[u8] = b"huntzen tallies";

/// Derives keys with HMAC-SHA-256 (RFC 2104, FIPS 180-4), cut to 128 bits.
#[derive(Clone)]
pub struct HmacTallyKeys {
    /// The state after the secret was taken in: each key begins with a copy of it.
    begun: Hmac<Sha256>,
}

impl HmacTallyKeys {
    /// Derives under a secret that comes from `secret`, the same for all nodes of an installation.
    pub fn new(secret: &SecretString) -> Self {
        let derived = authenticate(secret.expose_secret().as_bytes(), PURPOSE);
        let mut block = [0; 64];
        for (place, byte) in block.iter_mut().zip(derived) {
            *place = byte;
        }
        Self { begun: Hmac::new(&block.into()) }
    }
}

impl TallyKeys for HmacTallyKeys {
    fn key(&self, what: &[u8]) -> TallyKey {
        let mut digest = self.begun.clone();
        digest.update(what);
        let [key @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
            <[u8; 32]>::from(digest.finalize().into_bytes());
        TallyKey(key)
    }
}

impl fmt::Debug for HmacTallyKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HmacTallyKeys")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_same_for_the_same_under_the_same_secret() {
        let keys = |secret: &str| HmacTallyKeys::new(&SecretString::from(secret));
        let key = keys("one").key(b"203.0.113.9");
        assert!(keys("one").key(b"203.0.113.9") == key, "after a restart");
        assert!(keys("two").key(b"203.0.113.9") != key);
        assert!(keys("one").key(b"203.0.113.8") != key);
        assert_eq!(format!("{key:?} {:?}", keys("one")), "TallyKey(…) HmacTallyKeys");
    }

    #[test]
    fn the_published_construction_is_used() {
        let derived = authenticate(b"secret", PURPOSE);
        let whole = authenticate(&derived, b"what");
        assert!(whole.starts_with(&HmacTallyKeys::new(&SecretString::from("secret")).key(b"what").0));
    }
}
