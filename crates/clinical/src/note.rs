//! Clinical notes: what a practitioner writes about a consultation, for no one but themselves.
use huntzen_tenancy::{
    StoreError,
    ids::{CompanyId, UserId},
    sealing::{KeySubject, Place, Sealed, SecretText},
    words,
};
use jiff::{SignedDuration, Timestamp};

use crate::ids::{ConsultationId, NoteId};

mod keeping;
pub use keeping::{NewNote, NoteChange, Notes};

/// How long a note may be rewritten and deleted. What is written later is an amendment of it.
pub const LOCKS_AFTER: SignedDuration = SignedDuration::from_hours(72);

words! {
    /// Whose a note is.
    NoteKind {
        /// Of the patient's record: it can be released to the patient (Code de la santé publique
        /// L1111-7).
        Record = "RECORD",
        /// Of its author alone: it never leaves them (R4127-45).
        Personal = "PERSONAL",
    }
}

/// A note as its author reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Its id.
    pub id: NoteId,
    /// About which consultation.
    pub consultation: ConsultationId,
    /// Whose it is.
    pub kind: NoteKind,
    /// What it says now; `None` once its key was destroyed.
    pub content: Option<SecretText>,
    /// How often it was written, from 1.
    pub version: u32,
    /// When it was locked; `None` before.
    pub locked_at: Option<Timestamp>,
    /// When it was first written.
    pub created_at: Timestamp,
    /// When it was last written.
    pub updated_at: Timestamp,
}

/// What a note said at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteVersion {
    /// Which, from 1.
    pub version: u32,
    /// What it said; `None` once its key was destroyed.
    pub content: Option<SecretText>,
    /// Whether it was written after the note was locked.
    pub is_amendment: bool,
    /// When it was written.
    pub created_at: Timestamp,
}

/// A note as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredNote {
    /// Its id.
    pub id: NoteId,
    /// About which consultation.
    pub consultation: ConsultationId,
    /// The tenant.
    pub company: CompanyId,
    /// Who wrote it.
    pub author: UserId,
    /// Whom it is about.
    pub patient: UserId,
    /// Whose it is.
    pub kind: NoteKind,
    /// Its last version.
    pub version: u32,
    /// What that says, sealed.
    pub content: Sealed,
    /// When it was first written.
    pub created_at: Timestamp,
    /// When it was last written.
    pub updated_at: Timestamp,
}

/// A version as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredVersion {
    /// Which, from 1.
    pub version: u32,
    /// What it says, sealed.
    pub content: Sealed,
    /// Whether it was written after the note was locked.
    pub is_amendment: bool,
    /// When it was written.
    pub created_at: Timestamp,
}

impl StoredNote {
    /// Whose key it is sealed under.
    pub fn key_subject(&self) -> KeySubject {
        KeySubject::Notes { author: self.author, patient: self.patient }
    }

    /// When it was locked, if it is by `now`.
    pub fn locked_at(&self, now: Timestamp) -> Option<Timestamp> {
        let locks = self.created_at + LOCKS_AFTER;
        (locks <= now).then_some(locks)
    }
}

/// Where a version's text stands.
pub(crate) fn place(note: NoteId, version: u32, company: CompanyId) -> Place {
    Place::new("clinical_note_versions", "content", note.0).at_version(version).within(company)
}

/// Clinical notes. An author sees its own, in the role of a practitioner, and nobody sees any other.
pub trait ClinicalNotes {
    /// Adds a note with its first version.
    ///
    /// # Errors
    /// `Refused` for a note of somebody else.
    fn add_note(&mut self, note: &StoredNote) -> Result<(), StoreError>;

    /// The acting author's notes about a consultation, oldest first.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn notes_of(&mut self, consultation: ConsultationId) -> Result<Vec<StoredNote>, StoreError>;

    /// A note, held against changes until the end of the unit of work when `for_update`.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn note(&mut self, id: NoteId, for_update: bool) -> Result<Option<StoredNote>, StoreError>;

    /// Writes what a note is now, and keeps what it says as its further version `note.version`.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn add_note_version(&mut self, note: &StoredNote, is_amendment: bool) -> Result<(), StoreError>;

    /// Writes whose a note is, and when that was changed.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn set_note_kind(&mut self, id: NoteId, kind: NoteKind, at: Timestamp) -> Result<(), StoreError>;

    /// Every version of a note, oldest first.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn note_versions(&mut self, id: NoteId) -> Result<Vec<StoredVersion>, StoreError>;

    /// Deletes a note with all its versions; `false` when it is not in sight.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn delete_note(&mut self, id: NoteId) -> Result<bool, StoreError>;
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_note_locks_after_three_days_to_the_instant() {
        let written: Timestamp = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1000);
        let note = StoredNote {
            id: NoteId(Uuid::nil()),
            consultation: ConsultationId(Uuid::nil()),
            company: CompanyId(Uuid::nil()),
            author: UserId(Uuid::nil()),
            patient: UserId(Uuid::nil()),
            kind: NoteKind::Record,
            version: 1,
            content: Sealed(Vec::new()),
            created_at: written,
            updated_at: written,
        };
        let lock = written + SignedDuration::from_hours(72);
        assert_eq!(note.locked_at(lock - SignedDuration::from_micros(1)), None);
        assert_eq!(note.locked_at(lock), Some(lock));
        assert_eq!(note.locked_at(lock + SignedDuration::from_hours(5)), Some(lock));
    }
}
