//! Signing checkpoints of the audit trail: Ed25519 (RFC 8032), and pseudonyms by HMAC-SHA-256
//! (RFC 2104) under a key derived from the same secret.
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use ed25519_dalek::{Signer, SigningKey, Verifier};
use hmac::{Hmac, KeyInit, Mac};
use huntzen_tenancy::{
    audit::{CheckpointSigner, Signature},
    ids::UserId,
};
use sha2::Sha256;
use uuid::{Builder, Uuid};
use zeroize::Zeroizing;

/// Signs with the operator's key. Its memory is wiped when it goes.
pub struct Ed25519Signer {
    key: SigningKey,
    pseudonyms: Zeroizing<[u8; 32]>,
}

/// The configured key is not 32 bytes in hexadecimal.
#[derive(Debug, thiserror::Error)]
#[error("64 hexadecimal digits are expected")]
pub struct SigningKeyError;

impl Ed25519Signer {
    /// With the seed that these 64 hexadecimal digits write.
    ///
    /// # Errors
    /// When they are none.
    pub fn parse(hex: &str) -> Result<Self, SigningKeyError> {
        let bytes = Zeroizing::new(HEXLOWER_PERMISSIVE.decode(hex.trim().as_bytes()).or(Err(SigningKeyError))?);
        let seed = Zeroizing::new(<[u8; 32]>::try_from(bytes.as_slice()).or(Err(SigningKeyError))?);
        let pseudonyms = Zeroizing::new(code(seed.as_slice(), &[b"huntzen audit pseudonyms 1"]));
        Ok(Self { key: SigningKey::from_bytes(&seed), pseudonyms })
    }
}

impl CheckpointSigner for Ed25519Signer {
    fn sign(&self, digest: &[u8; 32]) -> Signature {
        Signature(self.key.sign(digest).to_bytes().to_vec())
    }

    fn verify(&self, digest: &[u8; 32], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_slice(&signature.0);
        signature.is_ok_and(|signature| self.key.verifying_key().verify(digest, &signature).is_ok())
    }

    fn pseudonym(&self, user: UserId, day: &str) -> String {
        let code = code(self.pseudonyms.as_slice(), &[b"actor", user.0.as_bytes(), day.as_bytes()]);
        let (short, _) = code.split_at(8);
        HEXLOWER.encode(short)
    }

    fn entry_pseudonym(&self, entry: Uuid) -> Uuid {
        let code = code(self.pseudonyms.as_slice(), &[b"entry", entry.as_bytes()]);
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(code).for_each(|(to, from)| *to = from);
        Builder::from_custom_bytes(bytes).into_uuid()
    }
}

fn code(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut code = match Hmac::<Sha256>::new_from_slice(key) {
        Ok(code) => code,
        // HMAC takes keys of any length.
        Err(never) => unreachable!("{never}"),
    };
    for part in parts {
        code.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        code.update(part);
    }
    code.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    /// RFC 8032 §7.1, test 1: the secret key but for its last byte, 60.
    const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f";

    fn signer(last: &str) -> Ed25519Signer {
        Ed25519Signer::parse(&format!("{SEED}{last}")).unwrap()
    }

    #[test]
    fn the_key_is_the_one_of_the_standard() {
        let public = signer("60").key.verifying_key();
        assert_eq!(
            HEXLOWER.encode(public.as_bytes()),
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        );
    }

    #[test]
    fn a_signature_holds_for_its_digest_and_its_signer_alone() {
        let (signer, digest) = (signer("60"), [7; 32]);
        let signature = signer.sign(&digest);
        assert!(signer.verify(&digest, &signature));
        assert!(!signer.verify(&[8; 32], &signature));
        assert!(!self::signer("61").verify(&digest, &signature));
        for wrong in [Vec::new(), vec![0; 64], signature.0.iter().skip(1).copied().collect()] {
            assert!(!signer.verify(&digest, &Signature(wrong)));
        }
    }

    #[test]
    fn a_pseudonym_is_the_same_within_a_day() {
        let signer = signer("60");
        let of = |user: u128, day| signer.pseudonym(UserId(Uuid::from_u128(user)), day);
        assert_eq!(of(1, "2027-01-04"), of(1, "2027-01-04"));
        assert_eq!(of(1, "2027-01-04").len(), 16);
        for other in [
            of(2, "2027-01-04"),
            of(1, "2027-01-05"),
            self::signer("61").pseudonym(UserId(Uuid::from_u128(1)), "2027-01-04"),
        ] {
            assert_ne!(other, of(1, "2027-01-04"));
        }
        let entry = signer.entry_pseudonym(Uuid::from_u128(1));
        assert_eq!((entry, entry.get_version_num()), (signer.entry_pseudonym(Uuid::from_u128(1)), 8));
        assert_ne!(entry, signer.entry_pseudonym(Uuid::from_u128(2)));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for wrong in ["", "00", "9d61b19d", &format!("{SEED}6000"), SEED, &"g".repeat(64)] {
            assert!(Ed25519Signer::parse(wrong).is_err());
        }
    }
}
