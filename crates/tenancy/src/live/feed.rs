//! What the connected people of a node have to be told: news in their inboxes, and the end of their sessions.
use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    Job, Scope, TenancyStore,
    clock::Clock,
    error::TenancyError,
    ids::{SessionId, UserId},
    notifications::Notification,
};

/// A new notification and how many are unread with it.
#[derive(Clone, Debug, PartialEq)]
pub struct News {
    /// The notification.
    pub notification: Notification,
    /// How many of its whole inbox are unread.
    pub unread: u64,
}

/// The questions of the live worker, each one query however many people are connected.
#[derive(Clone)]
pub struct LiveFeed {
    store: Arc<dyn TenancyStore>,
    clock: Arc<dyn Clock>,
}

impl LiveFeed {
    /// Over this store and clock.
    pub fn new(store: Arc<dyn TenancyStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// The notifications of `users` that were written at `since` or later, oldest first.
    ///
    /// # Errors
    /// `StoreError` alone.
    pub fn news(&self, users: &[UserId], since: Timestamp) -> Result<Vec<News>, TenancyError> {
        self.store.run(&Scope::worker(Job::Live), |tx| Ok(tx.news(users, since)?))
    }

    /// Those of `sessions` that may not act any more: revoked, expired, gone, their account
    /// inactive, blocked or signed out, or its company suspended where that signs out.
    ///
    /// # Errors
    /// `StoreError` alone.
    pub fn ended(&self, sessions: &[SessionId]) -> Result<Vec<SessionId>, TenancyError> {
        let now = self.clock.now();
        self.store.run(&Scope::worker(Job::Live), |tx| Ok(tx.ended_sessions(sessions, now)?))
    }
}
