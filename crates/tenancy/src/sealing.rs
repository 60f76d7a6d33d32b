//! What is sealed at rest: under whose key, bound to which place, and the port that does it.
use std::{fmt, sync::Arc};

use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{
    ids::{CompanyId, UserId},
    store::StoreError,
    words,
};

mod keys;
mod rotation;
mod sealer;
mod streams;
pub use keys::{DataKeyRotation, DataKeys};
pub use rotation::{KeyRotation, KeyTx, Rotated, RotationStore};
pub use sealer::{Keeper, Sealer, key_of};
pub use streams::{
    CHUNK_BYTES, ChunkOpener, ChunkSealer, OpeningStream, STREAM_HEADER_BYTES, SealingStream, TAG_BYTES,
};

words! {
    /// What kind of subject a data key belongs to.
    KeyKind {
        /// A person's private data.
        Person = "PERSON",
        /// What two people share about one consultation.
        Consultation = "CONSULTATION",
        /// A practitioner's notes about one employee.
        Notes = "NOTES",
        /// The files that a person sends.
        Files = "FILES",
        /// What belongs to no single person.
        Platform = "PLATFORM",
        /// The arguments of one letter.
        Letter = "LETTER",
        /// The comment of one review.
        Review = "REVIEW",
    }
}

/// Whose key: once it is destroyed, nothing that was sealed under it can be read, in any copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeySubject {
    /// A person: the journal, and what only that person reads.
    Person(UserId),
    /// A consultation: its conversation, its reason and the reason of its cancellation. What its
    /// two participants share has a key of its own, so that neither ever uses the other's.
    Consultation(Uuid),
    /// A practitioner's notes about one employee.
    Notes {
        /// Who writes them.
        author: UserId,
        /// Whom they are about.
        patient: UserId,
    },
    /// The files that a person sends. Whoever may read one of them is handed the key with it.
    Files(UserId),
    /// The platform: what older releases sealed of letters and reviews.
    Platform,
    /// A letter: tokens and addresses among its arguments. Whoever writes it makes the key, and the
    /// worker that sends it alone uses it again.
    Letter(Uuid),
    /// A review: its comment, as moderators read it. One for each, so that no two reviews are seen to
    /// be of one person.
    Review(Uuid),
}

impl KeySubject {
    /// Its kind.
    pub fn kind(self) -> KeyKind {
        match self {
            Self::Person(_) => KeyKind::Person,
            Self::Consultation(_) => KeyKind::Consultation,
            Self::Notes { .. } => KeyKind::Notes,
            Self::Files(_) => KeyKind::Files,
            Self::Platform => KeyKind::Platform,
            Self::Letter(_) => KeyKind::Letter,
            Self::Review(_) => KeyKind::Review,
        }
    }

    /// The person or thing that it is about; nil for the platform.
    pub fn id(self) -> Uuid {
        match self {
            Self::Person(user) | Self::Files(user) => user.0,
            Self::Consultation(id) | Self::Letter(id) | Self::Review(id) => id,
            Self::Notes { patient, .. } => patient.0,
            Self::Platform => Uuid::nil(),
        }
    }

    /// Whose notes; nil unless it is notes.
    pub fn author(self) -> Uuid {
        match self {
            Self::Notes { author, .. } => author.0,
            Self::Person(_)
            | Self::Consultation(_)
            | Self::Files(_)
            | Self::Platform
            | Self::Letter(_)
            | Self::Review(_) => Uuid::nil(),
        }
    }

    /// The subject that `kind`, `id` and `author` name.
    pub fn from_parts(kind: KeyKind, id: Uuid, author: Uuid) -> Self {
        match kind {
            KeyKind::Person => Self::Person(UserId(id)),
            KeyKind::Consultation => Self::Consultation(id),
            KeyKind::Notes => Self::Notes { author: UserId(author), patient: UserId(id) },
            KeyKind::Files => Self::Files(UserId(id)),
            KeyKind::Platform => Self::Platform,
            KeyKind::Letter => Self::Letter(id),
            KeyKind::Review => Self::Review(id),
        }
    }
}

/// A key of the ring in the operator's configuration; the highest wraps what is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MasterKeyId(pub u32);

impl fmt::Display for MasterKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A subject's random 256-bit key, wrapped by a master key: worth nothing without that one.
#[derive(Clone, PartialEq, Eq)]
pub struct DataKey {
    /// Its id, which every value sealed under it carries.
    pub id: Uuid,
    /// Whose it is.
    pub subject: KeySubject,
    /// Which master key wraps it.
    pub master: MasterKeyId,
    /// The wrapped key.
    pub wrapped: Vec<u8>,
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, subject, master, wrapped: _ } = self;
        f.debug_struct("DataKey")
            .field("id", id)
            .field("subject", subject)
            .field("master", master)
            .finish_non_exhaustive()
    }
}

/// Where a sealed value stands. A value that is moved anywhere else does not open there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The row.
    pub row: Uuid,
    /// The row's version, from 1 where rows have versions, else 0.
    pub version: u32,
    /// The tenant, where the row has one.
    pub company: Option<CompanyId>,
}

impl Place {
    /// The place in a row that has neither versions nor a tenant.
    pub const fn new(table: &'static str, column: &'static str, row: Uuid) -> Self {
        Self { table, column, row, version: 0, company: None }
    }

    /// The same in this tenant.
    #[must_use]
    pub const fn within(self, company: CompanyId) -> Self {
        Self { company: Some(company), ..self }
    }

    /// The same in this version of the row.
    #[must_use]
    pub const fn at_version(self, version: u32) -> Self {
        Self { version, ..self }
    }

    /// What an envelope is bound to besides its key (the associated data of RFC 5116 §2.1): the
    /// place and the subject, each part in front of its length, so that no two places read alike.
    pub fn associated_data(&self, subject: KeySubject) -> Vec<u8> {
        let version = self.version.to_be_bytes();
        let company = self.company.map(|company| company.0);
        let (about, author) = (subject.id(), subject.author());
        let parts: [&[u8]; 9] = [
            b"huntzen sealed value 1",
            self.table.as_bytes(),
            self.column.as_bytes(),
            self.row.as_bytes(),
            &version,
            company.as_ref().map_or(&[], |company| company.as_bytes().as_slice()),
            words::Words::as_str(subject.kind()).as_bytes(),
            about.as_bytes(),
            author.as_bytes(),
        ];
        framed(&parts)
    }
}

impl DataKey {
    /// What a wrapped key is bound to: its id, its subject and the master key.
    pub fn associated_data(id: Uuid, subject: KeySubject, master: MasterKeyId) -> Vec<u8> {
        let master = master.0.to_be_bytes();
        let (about, author) = (subject.id(), subject.author());
        framed(&[
            b"huntzen data key 1",
            id.as_bytes(),
            words::Words::as_str(subject.kind()).as_bytes(),
            about.as_bytes(),
            author.as_bytes(),
            &master,
        ])
    }
}

/// The parts, each after its length in four bytes, most significant first.
fn framed(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 4).sum());
    for part in parts {
        // No part is longer than a column's name.
        bytes.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

/// A value as it is stored: version, key id, nonce, ciphertext with its tag.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

impl Sealed {
    /// The id of the data key that it says it was sealed under; `None` for what is no envelope.
    pub fn key_id(&self) -> Option<Uuid> {
        let (_, rest) = self.0.split_first()?;
        rest.first_chunk::<16>().map(|id| Uuid::from_bytes(*id))
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// A confidential text. Its memory is wiped when it goes, and `Debug` prints nothing of it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes over a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text, for whoever may see it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// Opened bytes; wiped when they go.
pub type Plain = Zeroizing<Vec<u8>>;

/// Why a value could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealingError {
    /// The ring does not hold the master key that wraps this data key.
    #[error("the key ring lacks the master key {0}")]
    UnknownMasterKey(MasterKeyId),
    /// The value was changed, cut, or moved here from another place or another key.
    #[error("{table}.{column} holds a value that was not sealed there")]
    Tampered {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// The wrapped key was changed, or belongs to another subject.
    #[error("a data key does not open under its master key")]
    TamperedKey,
    /// The cipher refused to work.
    #[error("the cipher refused to seal")]
    Cipher,
}

impl From<SealingError> for StoreError {
    fn from(error: SealingError) -> Self {
        Self::Defect(Box::new(error))
    }
}

/// Seals and opens values under wrapped keys. It keeps no key but the ring and asks no store.
///
/// The cipher is an AEAD with a random nonce of 192 bits (XChaCha20-Poly1305), so that one key may
/// seal any number of values. What it opens was sealed by it, at that place, under that key.
pub trait Vault: Send + Sync {
    /// A fresh random key for `subject`, wrapped by the highest master key.
    ///
    /// # Errors
    /// `Cipher`.
    fn generate(&self, id: Uuid, subject: KeySubject) -> Result<DataKey, SealingError>;

    /// Unwraps `key`, for as many values as are sealed or opened while the answer lives.
    ///
    /// # Errors
    /// `UnknownMasterKey`, `TamperedKey`.
    fn unlock(&self, key: &DataKey) -> Result<Box<dyn UnlockedKey>, SealingError>;

    /// Seals `plain` for `place` under `key`.
    ///
    /// # Errors
    /// `UnknownMasterKey`, `TamperedKey`, `Cipher`.
    fn seal(&self, key: &DataKey, place: &Place, plain: &[u8]) -> Result<Sealed, SealingError> {
        self.unlock(key)?.seal(place, plain)
    }

    /// Opens what stands at `place`.
    ///
    /// # Errors
    /// `Tampered`; `UnknownMasterKey`, `TamperedKey`.
    fn open(&self, key: &DataKey, place: &Place, sealed: &Sealed) -> Result<Plain, SealingError> {
        self.unlock(key)?.open(place, sealed)
    }

    /// The same key wrapped by the highest master key, whichever wraps it now.
    ///
    /// # Errors
    /// `UnknownMasterKey`, `TamperedKey`, `Cipher`.
    fn rewrap(&self, key: &DataKey) -> Result<DataKey, SealingError>;

    /// The highest master key.
    fn current(&self) -> MasterKeyId;

    /// Every master key of the ring, highest first.
    fn ring(&self) -> Vec<MasterKeyId>;
}

impl fmt::Debug for dyn Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(…)")
    }
}

/// A data key that was unwrapped. It is wiped when it goes.
pub trait UnlockedKey: Send + Sync {
    /// Seals `plain` for `place`.
    ///
    /// # Errors
    /// `Cipher`.
    fn seal(&self, place: &Place, plain: &[u8]) -> Result<Sealed, SealingError>;

    /// Opens what stands at `place`.
    ///
    /// # Errors
    /// `Tampered`.
    fn open(&self, place: &Place, sealed: &Sealed) -> Result<Plain, SealingError>;

    /// Begins a stream of chunks for `place`: what stands in front of them, and what seals them.
    ///
    /// # Errors
    /// `Cipher`.
    fn seal_stream(&self, place: &Place) -> Result<(Vec<u8>, Box<dyn ChunkSealer>), SealingError>;

    /// What opens the chunks behind `header` at `place`.
    ///
    /// # Errors
    /// `Tampered`.
    fn open_stream(&self, place: &Place, header: &[u8]) -> Result<Box<dyn ChunkOpener>, SealingError>;
}

/// A vault that several use cases share.
pub type SharedVault = Arc<dyn Vault>;

#[cfg(test)]
mod tests {
    use super::*;

    fn key(subject: KeySubject) -> DataKey {
        DataKey { id: Uuid::from_u128(9), subject, master: MasterKeyId(1), wrapped: vec![1, 2, 3] }
    }

    #[test]
    fn no_two_places_are_bound_alike() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let base = Place::new("clinical_notes", "content", one);
        let mine = KeySubject::Notes { author: UserId(one), patient: UserId(other) };
        let theirs = KeySubject::Notes { author: UserId(other), patient: UserId(one) };
        let bound = [
            base.associated_data(mine),
            base.associated_data(theirs),
            base.at_version(1).associated_data(mine),
            base.within(CompanyId(one)).associated_data(mine),
            base.within(CompanyId(other)).associated_data(mine),
            Place::new("clinical_notes", "content", other).associated_data(mine),
            Place::new("clinical_note", "scontent", one).associated_data(mine),
            Place::new("clinical_notes", "", one).associated_data(mine),
            base.associated_data(KeySubject::Person(UserId(one))),
            base.associated_data(KeySubject::Consultation(one)),
            base.associated_data(KeySubject::Files(UserId(one))),
            base.associated_data(KeySubject::Platform),
            base.associated_data(KeySubject::Letter(one)),
            base.associated_data(KeySubject::Review(one)),
        ];
        for (at, one) in bound.iter().enumerate() {
            assert!(bound.iter().skip(at + 1).all(|other| other != one), "place {at} is bound as another");
        }
    }

    #[test]
    fn a_subject_is_told_by_its_parts() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        for subject in [
            KeySubject::Person(UserId(one)),
            KeySubject::Consultation(one),
            KeySubject::Notes { author: UserId(one), patient: UserId(other) },
            KeySubject::Files(UserId(one)),
            KeySubject::Platform,
            KeySubject::Letter(one),
            KeySubject::Review(one),
        ] {
            assert_eq!(KeySubject::from_parts(subject.kind(), subject.id(), subject.author()), subject);
        }
    }

    #[test]
    fn nothing_confidential_is_printed() {
        let shown =
            format!("{:?} {:?} {:?}", SecretText::new("peur"), Sealed(b"peur".to_vec()), key(KeySubject::Platform));
        assert!(!shown.contains("peur") && !shown.contains("[1, 2, 3]"), "{shown}");
    }
}
