//! The in-app inbox: short, neutral messages to one person.
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    ids::{NotificationId, UserId},
    live::News,
    store::{Cursor, Slice, StoreError},
    words,
};

mod inbox;
pub use inbox::Inbox;

words! {
    /// What a notification is about.
    NotificationType {
        /// A consultation was booked.
        ConsultationScheduled = "CONSULTATION_SCHEDULED",
        /// It was confirmed.
        ConsultationConfirmed = "CONSULTATION_CONFIRMED",
        /// It was cancelled.
        ConsultationCancelled = "CONSULTATION_CANCELLED",
        /// It was moved.
        ConsultationRescheduled = "CONSULTATION_RESCHEDULED",
        /// It is near.
        ConsultationReminder = "CONSULTATION_REMINDER",
        /// It has ended.
        ConsultationCompleted = "CONSULTATION_COMPLETED",
        /// A message arrived while away.
        MessageReceived = "MESSAGE_RECEIVED",
        /// A call was not answered.
        CallMissed = "CALL_MISSED",
        /// The company published news.
        NewsPublished = "NEWS_PUBLISHED",
        /// Something about the account's safety.
        AccountSecurity = "ACCOUNT_SECURITY",
        /// A deletion was asked for.
        DeletionRequested = "DELETION_REQUESTED",
        /// What HR sees is about to change.
        ReportingChanged = "REPORTING_CHANGED",
    }
}

/// One message in a person's inbox. Title and body are rendered from its type when it is read,
/// in the reader's language, so none is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// Its id.
    pub id: NotificationId,
    /// Whose inbox.
    pub user: UserId,
    /// What it is about.
    pub kind: NotificationType,
    /// A JSON object with ids and instants, never a content.
    pub data: Value,
    /// When it was read.
    pub read_at: Option<Timestamp>,
    /// When it was written.
    pub created_at: Timestamp,
}

/// Which notifications are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NotificationFilter {
    /// Only unread ones (`true`), only read ones (`false`), or both.
    pub unread: Option<bool>,
    /// Only of this type.
    pub kind: Option<NotificationType>,
}

/// Inboxes. A user scope sees its own alone.
pub trait Notifications {
    /// Adds a notification to the acting user's own inbox (those of other people are added by
    /// the store itself when an event of theirs is recorded).
    ///
    /// # Errors
    /// `Refused` when it is somebody else's.
    fn notify(&mut self, notification: &Notification) -> Result<(), StoreError>;

    /// The caller's notifications, newest first, after `cursor`.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn inbox(
        &mut self,
        user: UserId,
        filter: NotificationFilter,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Slice<Notification>, StoreError>;

    /// How many are unread.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn unread(&mut self, user: UserId) -> Result<u64, StoreError>;

    /// Marks one as read at `at` (a second time changes nothing); `false` when there is none.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn mark_read(&mut self, user: UserId, id: NotificationId, at: Timestamp) -> Result<bool, StoreError>;

    /// Marks all as read at `at`; answers how many were unread.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn mark_all_read(&mut self, user: UserId, at: Timestamp) -> Result<u64, StoreError>;

    /// One of the caller's notifications.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn notification(&mut self, user: UserId, id: NotificationId) -> Result<Option<Notification>, StoreError>;

    /// The notifications of `users` that were written at `since` or later, oldest first, each with
    /// how many its inbox has unread. For the live worker, which alone sees other people's.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn news(&mut self, users: &[UserId], since: Timestamp) -> Result<Vec<News>, StoreError>;

    /// Deletes one; `false` when there is none.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn remove_notification(&mut self, user: UserId, id: NotificationId) -> Result<bool, StoreError>;
}
