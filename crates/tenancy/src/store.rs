//! What every store has in common: how it fails and how a unit of work is kept.
use std::error::Error;

/// What a store can fail with. "Not found" is an `Option`, never an error.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A named uniqueness, exclusion or row-security rule refused the write.
    #[error("refused by {0}")]
    Refused(String),
    /// The store could not be reached, or not in time; the caller may retry.
    #[error("store unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// Anything else: a defect, to be logged and shown as an internal error.
    #[error("store failed")]
    Defect(#[source] Box<dyn Error + Send + Sync>),
}

/// Ends a unit of work by keeping its writes; dropping it instead undoes them.
pub trait Commit {
    /// Keeps every write of this unit of work, durably.
    ///
    /// # Errors
    /// `Unavailable` when the store was lost; whether the writes were kept is then unknown.
    fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// A page of a catalogue list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// How many items all pages hold together.
    pub total: u64,
}

/// Which page of a catalogue list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// From 1.
    pub page: u32,
    /// From 1 to 100.
    pub per_page: u32,
}

impl PageRequest {
    /// How many items stand before the first of this page.
    pub fn offset(self) -> u64 {
        u64::from(self.page.saturating_sub(1)) * u64::from(self.per_page)
    }
}

/// A place in a list that grows for ever: what stands strictly after it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The sort instant of the last item seen.
    pub at: jiff::Timestamp,
    /// Its id, which breaks ties.
    pub id: uuid::Uuid,
}

/// A part of a list that grows for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Where to go on; `None` at the end.
    pub next: Option<Cursor>,
}
