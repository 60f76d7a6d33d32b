//! Envelopes: data keys wrapped by a ring of master keys, values sealed under data keys.
//!
//! A stored value is `version (1) | data key id (16) | nonce (24) | ciphertext and tag`, a wrapped
//! key `version (1) | nonce (24) | ciphertext and tag`; both are XChaCha20-Poly1305
//! (draft-irtf-cfrg-xchacha-03) with a random nonce of 192 bits.
mod ring;
mod streams;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use huntzen_tenancy::{
    clock::Randomness,
    sealing::{
        ChunkOpener, ChunkSealer, DataKey, KeySubject, MasterKeyId, Place, Plain, Sealed, SealingError, UnlockedKey,
        Vault,
    },
};
use uuid::Uuid;
use zeroize::Zeroizing;

pub use ring::{KeyRing, KeyRingError};

/// The first byte of everything that this release seals.
const VERSION: u8 = 1;
pub(crate) const KEY: usize = 32;
const NONCE: usize = 24;

/// Seals with XChaCha20-Poly1305 under a ring of master keys.
pub struct XChaChaVault {
    ring: KeyRing,
    randomness: Arc<dyn Randomness>,
}

type Key = Zeroizing<[u8; KEY]>;

/// A data key in the clear.
struct XChaChaKey {
    id: Uuid,
    subject: KeySubject,
    secret: Key,
    randomness: Arc<dyn Randomness>,
}

impl XChaChaVault {
    /// Over this ring; nonces and data keys come from `randomness`, which must be unguessable.
    pub fn new(ring: KeyRing, randomness: Arc<dyn Randomness>) -> Self {
        Self { ring, randomness }
    }

    fn wrap(&self, id: Uuid, subject: KeySubject, key: &Key) -> Result<DataKey, SealingError> {
        let (master, secret) = self.ring.current();
        let bound = DataKey::associated_data(id, subject, master);
        let mut wrapped = vec![VERSION];
        encrypt(self.randomness.as_ref(), secret, &bound, key.as_slice(), &mut wrapped)?;
        Ok(DataKey { id, subject, master, wrapped })
    }

    fn unwrap(&self, key: &DataKey) -> Result<Key, SealingError> {
        let secret = self.ring.get(key.master).ok_or(SealingError::UnknownMasterKey(key.master))?;
        let bound = DataKey::associated_data(key.id, key.subject, key.master);
        let (VERSION, envelope) = key.wrapped.split_first().map(|(version, rest)| (*version, rest)).unwrap_or_default()
        else {
            return Err(SealingError::TamperedKey);
        };
        let plain = decrypt(secret, &bound, envelope).ok_or(SealingError::TamperedKey)?;
        let bytes = <[u8; KEY]>::try_from(plain.as_slice()).or(Err(SealingError::TamperedKey))?;
        Ok(Zeroizing::new(bytes))
    }
}

/// Appends a fresh nonce and the ciphertext with its tag.
pub(crate) fn encrypt(
    randomness: &dyn Randomness,
    key: &[u8; KEY],
    bound: &[u8],
    plain: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), SealingError> {
    let mut nonce = [0; NONCE];
    randomness.fill(&mut nonce);
    let payload = Payload { msg: plain, aad: bound };
    let sealed = XChaCha20Poly1305::new(key.into()).encrypt(&XNonce::from(nonce), payload);
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&sealed.or(Err(SealingError::Cipher))?);
    Ok(())
}

/// Opens a nonce with its ciphertext; `None` unless it was made with this key and bound to this.
pub(crate) fn decrypt(key: &[u8; KEY], bound: &[u8], envelope: &[u8]) -> Option<Plain> {
    let (nonce, sealed) = envelope.split_first_chunk::<NONCE>()?;
    let payload = Payload { msg: sealed, aad: bound };
    let opened = XChaCha20Poly1305::new(key.into()).decrypt(&XNonce::from(*nonce), payload);
    opened.ok().map(Zeroizing::new)
}

impl Vault for XChaChaVault {
    fn generate(&self, id: Uuid, subject: KeySubject) -> Result<DataKey, SealingError> {
        let mut key = Zeroizing::new([0; KEY]);
        self.randomness.fill(key.as_mut_slice());
        self.wrap(id, subject, &key)
    }

    fn unlock(&self, key: &DataKey) -> Result<Box<dyn UnlockedKey>, SealingError> {
        let secret = self.unwrap(key)?;
        let (id, subject) = (key.id, key.subject);
        Ok(Box::new(XChaChaKey { id, subject, secret, randomness: Arc::clone(&self.randomness) }))
    }

    fn rewrap(&self, key: &DataKey) -> Result<DataKey, SealingError> {
        self.wrap(key.id, key.subject, &self.unwrap(key)?)
    }

    fn current(&self) -> MasterKeyId {
        self.ring.current().0
    }

    fn ring(&self) -> Vec<MasterKeyId> {
        self.ring.ids()
    }
}

impl UnlockedKey for XChaChaKey {
    fn seal(&self, place: &Place, plain: &[u8]) -> Result<Sealed, SealingError> {
        let mut value = Vec::with_capacity(1 + 16 + NONCE + plain.len() + 16);
        value.push(VERSION);
        value.extend_from_slice(self.id.as_bytes());
        let bound = place.associated_data(self.subject);
        encrypt(self.randomness.as_ref(), &self.secret, &bound, plain, &mut value)?;
        Ok(Sealed(value))
    }

    fn open(&self, place: &Place, sealed: &Sealed) -> Result<Plain, SealingError> {
        let tampered = || SealingError::Tampered { table: place.table, column: place.column };
        let (header, envelope) = sealed.0.split_first_chunk::<17>().ok_or_else(tampered)?;
        let (version, id) = header.split_first().ok_or_else(tampered)?;
        if *version != VERSION || id != self.id.as_bytes() {
            return Err(tampered());
        }
        decrypt(&self.secret, &place.associated_data(self.subject), envelope).ok_or_else(tampered)
    }

    fn seal_stream(&self, place: &Place) -> Result<(Vec<u8>, Box<dyn ChunkSealer>), SealingError> {
        Ok(streams::seal((self.id, self.subject, &self.secret), &self.randomness, place))
    }

    fn open_stream(&self, place: &Place, header: &[u8]) -> Result<Box<dyn ChunkOpener>, SealingError> {
        streams::open((self.id, self.subject, &self.secret), place, header)
    }
}
