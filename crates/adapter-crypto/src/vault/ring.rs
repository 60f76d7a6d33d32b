//! The ring of master keys, as the operator writes it.
use std::collections::BTreeMap;

use data_encoding::HEXLOWER_PERMISSIVE;
use huntzen_tenancy::sealing::MasterKeyId;
use zeroize::Zeroizing;

use super::KEY;

/// Master keys by id; at least one.
pub struct KeyRing {
    keys: BTreeMap<MasterKeyId, Zeroizing<[u8; KEY]>>,
    highest: (MasterKeyId, Zeroizing<[u8; KEY]>),
}

/// Why a text is no key ring. It never says what stands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyRingError {
    /// An entry is not `id:key`.
    #[error("each entry is an id from 1 to 4294967295, a colon, and 64 hexadecimal digits (32 bytes)")]
    Entry,
    /// Two entries have one id.
    #[error("an id is given twice")]
    Repeated,
    /// There is no entry.
    #[error("at least one key is needed")]
    Empty,
}

impl KeyRing {
    /// Reads `2:<64 hexadecimal digits>,1:<64 hexadecimal digits>`; a key without an id is id 1.
    ///
    /// # Errors
    /// `Entry`, `Repeated`, `Empty`.
    pub fn parse(text: &str) -> Result<Self, KeyRingError> {
        let mut keys = BTreeMap::new();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let (id, digits) = entry.split_once(':').unwrap_or(("1", entry));
            let id = id.trim().parse().ok().filter(|id| *id > 0).ok_or(KeyRingError::Entry)?;
            let bytes = HEXLOWER_PERMISSIVE.decode(digits.trim().as_bytes()).map(Zeroizing::new);
            let bytes = bytes.or(Err(KeyRingError::Entry))?;
            let key = <[u8; KEY]>::try_from(bytes.as_slice()).or(Err(KeyRingError::Entry))?;
            if keys.insert(MasterKeyId(id), Zeroizing::new(key)).is_some() {
                return Err(KeyRingError::Repeated);
            }
        }
        let highest = keys.last_key_value().map(|(id, key)| (*id, key.clone())).ok_or(KeyRingError::Empty)?;
        Ok(Self { keys, highest })
    }

    /// A fresh entry for the ring, above every id that it has, or 1.
    pub fn fresh_entry(ring: Option<&Self>, secret: [u8; KEY]) -> Zeroizing<String> {
        let secret = Zeroizing::new(secret);
        let id = ring.map_or(1, |ring| ring.highest.0.0.saturating_add(1));
        Zeroizing::new(format!("{id}:{}", HEXLOWER_PERMISSIVE.encode(secret.as_slice())))
    }

    /// The highest master key.
    pub(super) fn current(&self) -> (MasterKeyId, &[u8; KEY]) {
        (self.highest.0, &self.highest.1)
    }

    /// The master key with this id.
    pub(super) fn get(&self, id: MasterKeyId) -> Option<&[u8; KEY]> {
        self.keys.get(&id).map(|key| &**key)
    }

    /// Every id, highest first.
    pub(super) fn ids(&self) -> Vec<MasterKeyId> {
        self.keys.keys().rev().copied().collect()
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("KeyRing").field(&self.ids()).finish()
    }
}
