//! A person's own data, to take away (GDPR, articles 15 and 20).
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    store::{Cursor, Slice, StoreError},
    words,
};

mod taking;
pub use taking::{OwnAccount, OwnData};

words! {
    /// What is kept about a person in tables that show it to nobody, or not wholly, otherwise.
    OwnPart {
        /// Sessions.
        Sessions = "SESSIONS",
        /// Mailed tokens, without the tokens.
        Tokens = "TOKENS",
        /// Invitations that the person got.
        Invitations = "INVITATIONS",
        /// The second factor, without its secret.
        SecondFactor = "SECOND_FACTOR",
        /// Letters to the person: which, when, and what the store itself wrote of them.
        Letters = "LETTERS",
        /// The inbox.
        Notifications = "NOTIFICATIONS",
        /// Files that the person sent, and those that a practitioner sent them; the bytes are downloaded.
        Files = "FILES",
        /// In which department an employee was eligible, and when.
        Employment = "EMPLOYMENT",
        /// What happened to the person's consultations.
        Events = "EVENTS",
        /// The days of the person's usage counters.
        Activity = "ACTIVITY",
        /// Months in which the employer sees the person's usage by name.
        NamedUsage = "NAMED_USAGE",
        /// A practitioner's closed statements.
        Statements = "STATEMENTS",
    }
}

/// Something that is kept about a person.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnRecord {
    /// When it came about, for the order.
    pub at: Timestamp,
    /// Breaks ties; it need not be told.
    pub id: Uuid,
    /// What is kept: a JSON object in the names of the API.
    pub fields: Value,
}

/// An instant as records tell it: RFC 3339 in UTC, to the microsecond.
pub fn told(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// What is kept about whoever acts, and nobody else.
pub trait OwnRecords {
    /// A part of the acting account's records of this sort, newest first.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn own_records(
        &mut self,
        part: OwnPart,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Slice<OwnRecord>, StoreError>;
}
