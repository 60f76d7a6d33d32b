//! The seal that all nodes of an installation share, for what they leave with a third party.
use std::{fmt, sync::Arc};

use data_encoding::HEXLOWER;
use huntzen_tenancy::{clock::Randomness, live::NodeSeal, sealing::SealingError};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::{
    refresh_token::authenticate,
    vault::{KEY, decrypt, encrypt},
};

/// What the secret is told it serves, so that no other use of it can give the same.
const SEALING: &[u8] = b"huntzen node seal";
const NAMING: &[u8] = b"huntzen installation";

/// Seals with XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) under a key that comes from a secret by
/// HMAC-SHA-256 (RFC 2104); each value has a random nonce of 192 bits.
pub struct XChaChaNodeSeal {
    key: Zeroizing<[u8; KEY]>,
    installation: String,
    randomness: Arc<dyn Randomness>,
}

impl XChaChaNodeSeal {
    /// Under a key that comes from `secret`, the same for all nodes of an installation.
    pub fn new(secret: &SecretString, randomness: Arc<dyn Randomness>) -> Self {
        let secret = secret.expose_secret().as_bytes();
        let name: Vec<u8> = authenticate(secret, NAMING).into_iter().take(8).collect();
        let key = Zeroizing::new(authenticate(secret, SEALING));
        Self { key, installation: HEXLOWER.encode(&name), randomness }
    }
}

impl NodeSeal for XChaChaNodeSeal {
    fn installation(&self) -> &str {
        &self.installation
    }

    fn seal(&self, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealingError> {
        let mut sealed = Vec::with_capacity(plain.len() + 40);
        encrypt(self.randomness.as_ref(), &self.key, place, plain, &mut sealed)?;
        Ok(sealed)
    }

    fn open(&self, place: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        decrypt(&self.key, place, sealed).map(|plain| plain.to_vec())
    }
}

impl fmt::Debug for XChaChaNodeSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("XChaChaNodeSeal").field("installation", &self.installation).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
    use super::*;
    use crate::OsRandomness;

    fn node(secret: &str) -> XChaChaNodeSeal {
        XChaChaNodeSeal::new(&SecretString::from(secret), Arc::new(OsRandomness))
    }

    #[test]
    fn what_one_node_seals_another_of_the_installation_opens_at_its_place_alone() {
        let [one, other, stranger] = ["shared", "shared", "another"].map(node);
        let sealed = one.seal(b"signals", b"what is said").unwrap();
        assert_eq!(other.open(b"signals", &sealed).unwrap(), b"what is said");
        assert_eq!(other.open(b"tickets", &sealed), None, "moved");
        assert_eq!(stranger.open(b"signals", &sealed), None, "another secret");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(other.open(b"signals", &changed), None, "byte {at} was changed");
            assert_eq!(other.open(b"signals", &sealed[..at]), None, "cut at {at}");
        }
        assert_ne!(one.seal(b"signals", b"what is said").unwrap(), sealed, "no two look the same");
    }

    #[test]
    fn an_installation_has_a_name_that_tells_nothing() {
        let [one, other, stranger] = ["shared", "shared", "another"].map(node);
        assert_eq!(one.installation(), other.installation());
        assert_ne!(one.installation(), stranger.installation());
        let is_hexadecimal = |digit: u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit);
        assert!(one.installation().len() == 16 && one.installation().bytes().all(is_hexadecimal));
        assert!(!format!("{one:?}").contains("shared"));
    }
}
