//! What a person does with their own inbox.
use std::sync::Arc;

use jiff::Timestamp;

use super::{Notification, NotificationFilter};
use crate::{
    TenancyStore,
    clock::Clock,
    error::TenancyError,
    ids::NotificationId,
    policy::Permission,
    scope::Caller,
    store::{Cursor, Slice},
};

/// The inbox use cases; each touches the caller's own notifications alone.
#[derive(Clone)]
pub struct Inbox {
    store: Arc<dyn TenancyStore>,
    clock: Arc<dyn Clock>,
}

impl Inbox {
    /// Over this store and clock.
    pub fn new(store: Arc<dyn TenancyStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// A part of the inbox, newest first, with the number of unread ones.
    ///
    /// # Errors
    /// `Forbidden`, or `StoreError`.
    pub fn list(
        &self,
        caller: &Caller,
        filter: NotificationFilter,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<(Slice<Notification>, u64), TenancyError> {
        caller.actor.require(Permission::NotificationsOwn)?;
        let user = caller.actor.user;
        self.store.run(&caller.scope(), |tx| Ok((tx.inbox(user, filter, cursor, limit)?, tx.unread(user)?)))
    }

    /// Marks one as read; reading it again changes nothing. Answers how many are unread then.
    ///
    /// # Errors
    /// `NotFound` when it is not the caller's.
    pub fn read(&self, caller: &Caller, id: NotificationId) -> Result<(Notification, u64), TenancyError> {
        caller.actor.require(Permission::NotificationsOwn)?;
        let (user, now) = (caller.actor.user, self.clock.now());
        self.store.run(&caller.scope(), |tx| {
            tx.mark_read(user, id, now)?;
            let notification = tx.notification(user, id)?.ok_or(TenancyError::NotFound)?;
            Ok((notification, tx.unread(user)?))
        })
    }

    /// Marks all as read; answers how many were unread, and since when they are read.
    ///
    /// # Errors
    /// `Forbidden`, or `StoreError`.
    pub fn read_all(&self, caller: &Caller) -> Result<(u64, Timestamp), TenancyError> {
        caller.actor.require(Permission::NotificationsOwn)?;
        let (user, now) = (caller.actor.user, self.clock.now());
        self.store.run(&caller.scope(), |tx| Ok((tx.mark_all_read(user, now)?, now)))
    }

    /// Deletes one.
    ///
    /// # Errors
    /// `NotFound` when it is not the caller's.
    pub fn delete(&self, caller: &Caller, id: NotificationId) -> Result<(), TenancyError> {
        caller.actor.require(Permission::NotificationsOwn)?;
        let user = caller.actor.user;
        self.store.run(&caller.scope(), |tx| {
            if tx.remove_notification(user, id)? { Ok(()) } else { Err(TenancyError::NotFound) }
        })
    }
}
