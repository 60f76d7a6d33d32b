//! Where the wrapped data keys are kept.
use super::{DataKey, KeySubject, MasterKeyId};
use crate::store::StoreError;

/// The wrapped data keys. A person sees its own (that of its files among them), the two participants that of their consultation,
/// a practitioner those of its notes, everybody the platform's.
pub trait DataKeys {
    /// The keys of these subjects, in any order; a subject without one, or with one out of sight,
    /// has none in the answer.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn data_keys(&mut self, subjects: &[KeySubject]) -> Result<Vec<DataKey>, StoreError>;

    /// Adds these keys, except for subjects that have one already, even since a moment ago; what
    /// holds now is asked for afterwards. The store itself knows the participants of a consultation.
    ///
    /// # Errors
    /// `Refused` for a subject that is not the scope's.
    fn add_data_keys(&mut self, keys: &[DataKey]) -> Result<(), StoreError>;
}

/// The job's side of the data keys: `Job::Keys` alone.
pub trait DataKeyRotation {
    /// Up to `limit` keys that another master key than `current` wraps, held against changes;
    /// those that another node holds are skipped.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn keys_to_rewrap(&mut self, current: MasterKeyId, limit: u32) -> Result<Vec<DataKey>, StoreError>;

    /// Writes the wrapping of these keys; their ids and subjects stay.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn rewrap_keys(&mut self, keys: &[DataKey]) -> Result<(), StoreError>;

    /// How many data keys each master key wraps, highest first; those that wrap none are left out.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn master_key_uses(&mut self) -> Result<Vec<(MasterKeyId, u64)>, StoreError>;

    /// Any key that this master key wraps; none when it wraps none. Whoever can open it holds the
    /// master key itself, and not another one of the same id.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn key_wrapped_by(&mut self, master: MasterKeyId) -> Result<Option<DataKey>, StoreError>;
}
