//! Sealing within a unit of work: the subject's key is fetched, or made when it has none.
use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use super::{DataKey, DataKeys, KeySubject, Place, Sealed, SecretText, UnlockedKey, Vault};
use crate::{clock::Randomness, store::StoreError};

/// Seals and opens for use cases.
#[derive(Clone)]
pub struct Sealer {
    vault: Arc<dyn Vault>,
    randomness: Arc<dyn Randomness>,
}

/// Seals and opens under one key, which is unwrapped once.
pub struct Keeper(Box<dyn UnlockedKey>);

/// A stored text is not UTF-8.
#[derive(Debug, thiserror::Error)]
#[error("{0}.{1} holds no text")]
struct NoText(&'static str, &'static str);

impl Sealer {
    /// Over these ports.
    pub fn new(vault: Arc<dyn Vault>, randomness: Arc<dyn Randomness>) -> Self {
        Self { vault, randomness }
    }

    /// A key that `subject` does not have yet; whoever seals under it adds it in the same unit of work.
    ///
    /// # Errors
    /// `Defect` when the cipher refuses.
    pub fn fresh(&self, subject: KeySubject, now: Timestamp) -> Result<DataKey, StoreError> {
        Ok(self.vault.generate(self.randomness.uuid_v7(now), subject)?)
    }

    /// The key of `subject`, made now when it has none.
    ///
    /// # Errors
    /// `Refused` when the subject is not the scope's.
    pub fn key(
        &self,
        tx: &mut (impl DataKeys + ?Sized),
        subject: KeySubject,
        now: Timestamp,
    ) -> Result<DataKey, StoreError> {
        let keys = self.keys(tx, &[subject], now)?;
        keys.into_values().next().ok_or_else(|| StoreError::Refused("data_keys".to_owned()))
    }

    /// The keys of `subjects`, made now for those that have none: two round trips, or four.
    ///
    /// # Errors
    /// `Refused` when a subject is not the scope's.
    pub fn keys(
        &self,
        tx: &mut (impl DataKeys + ?Sized),
        subjects: &[KeySubject],
        now: Timestamp,
    ) -> Result<BTreeMap<KeySubject, DataKey>, StoreError> {
        let mut known = by_subject(tx.data_keys(subjects)?);
        let missing: Vec<KeySubject> = subjects.iter().copied().filter(|one| !known.contains_key(one)).collect();
        if missing.is_empty() {
            return Ok(known);
        }
        let fresh = missing.iter().map(|subject| self.vault.generate(self.randomness.uuid_v7(now), *subject));
        let fresh = fresh.collect::<Result<Vec<DataKey>, _>>()?;
        tx.add_data_keys(&fresh)?;
        // Another unit of work may have been faster: what the store holds is what counts.
        known.extend(by_subject(tx.data_keys(&missing)?));
        Ok(known)
    }

    /// The keys that these subjects have.
    ///
    /// # Errors
    /// `StoreError` alone.
    pub fn known_keys(
        &self,
        tx: &mut (impl DataKeys + ?Sized),
        subjects: &[KeySubject],
    ) -> Result<BTreeMap<KeySubject, DataKey>, StoreError> {
        if subjects.is_empty() {
            return Ok(BTreeMap::new());
        }
        Ok(by_subject(tx.data_keys(subjects)?))
    }

    /// Seals a text for `place` under a key of `subject` that nothing else was sealed under. It takes
    /// the place of none: a subject that has a key already keeps it, and the text is lost.
    ///
    /// # Errors
    /// `Refused` when the subject is not the scope's.
    pub fn seal_alone(
        &self,
        tx: &mut (impl DataKeys + ?Sized),
        (subject, now): (KeySubject, Timestamp),
        place: &Place,
        text: &SecretText,
    ) -> Result<Sealed, StoreError> {
        let key = self.fresh(subject, now)?;
        let sealed = self.seal(&key, place, text)?;
        tx.add_data_keys(&[key])?;
        Ok(sealed)
    }

    /// Seals a text for `place`.
    ///
    /// # Errors
    /// `Defect` when the key does not open.
    pub fn seal(&self, key: &DataKey, place: &Place, text: &SecretText) -> Result<Sealed, StoreError> {
        self.keeper(key)?.seal(place, text)
    }

    /// Opens the text that stands at `place`.
    ///
    /// # Errors
    /// `Defect` when it was changed or moved, or is no text.
    pub fn open(&self, key: &DataKey, place: &Place, sealed: &Sealed) -> Result<SecretText, StoreError> {
        self.keeper(key)?.open(place, sealed)
    }

    /// The opened key itself, for what is sealed in chunks.
    ///
    /// # Errors
    /// `Defect` when the key does not open.
    pub fn unlock(&self, key: &DataKey) -> Result<Box<dyn UnlockedKey>, StoreError> {
        Ok(self.vault.unlock(key)?)
    }

    /// Seals and opens many texts under one key.
    ///
    /// # Errors
    /// `Defect` when the key does not open.
    pub fn keeper(&self, key: &DataKey) -> Result<Keeper, StoreError> {
        Ok(Keeper(self.vault.unlock(key)?))
    }
}

/// The key among `keys` that this was sealed under; `None` once it was destroyed.
pub fn key_of<'a>(keys: &'a BTreeMap<KeySubject, DataKey>, sealed: &Sealed) -> Option<&'a DataKey> {
    keys.values().find(|key| sealed.key_id() == Some(key.id))
}

impl Keeper {
    /// Seals a text for `place`.
    ///
    /// # Errors
    /// `Defect` when the cipher refuses.
    pub fn seal(&self, place: &Place, text: &SecretText) -> Result<Sealed, StoreError> {
        Ok(self.0.seal(place, text.expose().as_bytes())?)
    }

    /// Opens the text that stands at `place`.
    ///
    /// # Errors
    /// `Defect` when it was changed or moved, or is no text.
    pub fn open(&self, place: &Place, sealed: &Sealed) -> Result<SecretText, StoreError> {
        let plain = self.0.open(place, sealed)?;
        let text = std::str::from_utf8(&plain).map(str::to_owned);
        text.map(SecretText::new).or(Err(StoreError::Defect(Box::new(NoText(place.table, place.column)))))
    }
}

fn by_subject(keys: Vec<DataKey>) -> BTreeMap<KeySubject, DataKey> {
    keys.into_iter().map(|key| (key.subject, key)).collect()
}
