//! The journal: what an employee writes for no eyes but their own.
use huntzen_tenancy::{
    Cursor, Slice, StoreError,
    ids::{CompanyId, UserId},
    sealing::{Place, Sealed, SecretText},
};
use jiff::Timestamp;

use crate::ids::JournalEntryId;

mod facets;
mod keeping;
pub use facets::{Mood, TAG, TAGS, Tags};
pub use keeping::{Days, EntryChange, JournalKeeping, NewEntry};

/// An entry as its owner reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    /// Its id.
    pub id: JournalEntryId,
    /// What it says; `None` once its key was destroyed.
    pub content: Option<SecretText>,
    /// How its owner felt.
    pub mood: Option<Mood>,
    /// What it is about.
    pub tags: Tags,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was last written.
    pub updated_at: Timestamp,
}

/// An entry as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its id.
    pub id: JournalEntryId,
    /// Whose it is.
    pub owner: UserId,
    /// The tenant.
    pub company: CompanyId,
    /// How often it was written, from 1; every part is sealed anew each time.
    pub version: u32,
    /// What it says, sealed.
    pub content: Sealed,
    /// The mood, sealed.
    pub mood: Sealed,
    /// The tags, sealed.
    pub tags: Sealed,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was last written.
    pub updated_at: Timestamp,
}

impl StoredEntry {
    /// Where a part of it stands.
    pub(crate) fn place(&self, column: &'static str) -> Place {
        Place::new("journal_entries", column, self.id.0).at_version(self.version).within(self.company)
    }
}

/// When the entries that are asked for were written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// At this instant or later.
    pub from: Option<Timestamp>,
    /// Before this instant.
    pub until: Option<Timestamp>,
}

/// Journals. An owner sees its own, in the role of an employee, and nobody sees any other.
pub trait Journal {
    /// Adds an entry.
    ///
    /// # Errors
    /// `Refused` for an entry of somebody else.
    fn add_entry(&mut self, entry: &StoredEntry) -> Result<(), StoreError>;

    /// An entry, held against changes until the end of the unit of work when `for_update`.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn entry(&mut self, id: JournalEntryId, for_update: bool) -> Result<Option<StoredEntry>, StoreError>;

    /// A part of the acting employee's entries, newest first.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn entries(
        &mut self,
        written: Written,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Slice<StoredEntry>, StoreError>;

    /// Writes all that can change of an entry: its sealed parts, version and instant.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn update_entry(&mut self, entry: &StoredEntry) -> Result<(), StoreError>;

    /// Deletes an entry; `false` when it is not in sight.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn delete_entry(&mut self, id: JournalEntryId) -> Result<bool, StoreError>;
}
