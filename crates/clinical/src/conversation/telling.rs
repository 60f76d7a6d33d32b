//! A discreet letter to whoever has left messages unread for half an hour.
use huntzen_tenancy::{Job, Scope};
use jiff::SignedDuration;

use crate::{ClinicalError, ClinicalPorts};

/// How long a message may wait before its recipient gets a letter.
const WAITS: SignedDuration = SignedDuration::from_mins(30);

/// The recurring work on conversations.
#[derive(Clone)]
pub struct UnreadMail {
    ports: ClinicalPorts,
}

impl UnreadMail {
    /// Over these ports.
    pub fn new(ports: ClinicalPorts) -> Self {
        Self { ports }
    }

    /// Writes to up to `limit` people whose oldest unread message is older than half an hour, one
    /// letter for all that waits in a conversation; answers to how many.
    ///
    /// # Errors
    /// `StoreError`.
    pub fn send(&self, limit: u32) -> Result<usize, ClinicalError> {
        let now = self.ports.clock.now();
        let told =
            self.ports.store.run(&Scope::worker(Job::Unread), |tx| Ok(tx.mail_unread(now - WAITS, now, limit)?))?;
        Ok(usize::try_from(told).unwrap_or(usize::MAX))
    }
}
