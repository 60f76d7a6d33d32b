//! Successors of refresh tokens, derived under a secret of their own.
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use huntzen_tenancy::identity::RefreshTokens;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The block of SHA-256 in bytes: the length that HMAC brings every key to.
const BLOCK: usize = 64;

/// Derives successors with HMAC-SHA-256 (RFC 2104, FIPS 180-4).
pub struct HmacRefreshTokens {
    secret: SecretString,
}

impl HmacRefreshTokens {
    /// Derives under `secret`, which must serve nothing else.
    pub fn new(secret: SecretString) -> Self {
        Self { secret }
    }
}

impl RefreshTokens for HmacRefreshTokens {
    fn successor(&self, token: &str) -> String {
        HEXLOWER.encode(&authenticate(self.secret.expose_secret().as_bytes(), token.as_bytes()))
    }
}

/// HMAC-SHA-256 of `message`. The key is brought to one block as RFC 2104 §2 says (a longer one is
/// hashed, a shorter one filled up with zeros): of that length it cannot be refused.
pub(crate) fn authenticate(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = Zeroizing::new([0; BLOCK]);
    let digest;
    let key = if key.len() > BLOCK {
        digest = Zeroizing::new(<[u8; 32]>::from(Sha256::digest(key)));
        digest.as_slice()
    } else {
        key
    };
    for (place, byte) in block.iter_mut().zip(key) {
        *place = *byte;
    }
    let block: &[u8; BLOCK] = &block;
    let mut code = Hmac::<Sha256>::new(block.into());
    code.update(message);
    code.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cases of RFC 4231 §4, except the fifth, whose result is cut.
    #[test]
    fn the_published_vectors_hold() {
        let cases: [(&[u8], &[u8], &str); 6] = [
            (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (&[0xaa; 20], &[0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
            (
                &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25],
                &[0xcd; 50],
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
            ),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
            (
                &[0xaa; 131],
                b"This is a test using a larger than block-size key and a larger than block-size data. \
                  The key needs to be hashed before being used by the HMAC algorithm.",
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            ),
        ];
        for (key, message, expected) in cases {
            assert_eq!(HEXLOWER.encode(&authenticate(key, message)), expected);
        }
    }

    #[test]
    fn a_key_of_one_block_is_used_as_it_is() {
        assert_eq!(authenticate(&[7; BLOCK - 1], b""), {
            let mut padded = [7; BLOCK];
            padded[BLOCK - 1] = 0;
            authenticate(&padded, b"")
        });
        assert_ne!(authenticate(&[7; BLOCK], b""), authenticate(&[7; BLOCK + 1], b""));
    }

    #[test]
    fn the_successor_is_always_the_same_and_looks_like_a_token() {
        let tokens = HmacRefreshTokens::new(SecretString::from("Jefe"));
        let token = "what do ya want for nothing?";
        let successor = tokens.successor(token);
        assert_eq!(successor, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        assert_eq!(tokens.successor(token), successor);
        assert_ne!(tokens.successor(&successor), successor);
        assert_ne!(HmacRefreshTokens::new(SecretString::from("Jeff")).successor(token), successor);
    }
}
