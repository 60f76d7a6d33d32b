//! Who has to be told of messages: people who left them unread, and rooms that may have missed them.
use huntzen_tenancy::{Job, Scope};
use jiff::SignedDuration;

use crate::{ClinicalError, ClinicalPorts, ids::ConsultationId};

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

/// How far conversations are that people have joined on this node.
#[derive(Clone)]
pub struct RoomFeed {
    ports: ClinicalPorts,
}

impl RoomFeed {
    /// Over these ports.
    pub fn new(ports: ClinicalPorts) -> Self {
        Self { ports }
    }

    /// The place of the last message of each of these conversations that has begun: one query, however
    /// many there are.
    ///
    /// # Errors
    /// `StoreError`.
    pub fn last_places(&self, rooms: &[ConsultationId]) -> Result<Vec<(ConsultationId, u64)>, ClinicalError> {
        self.ports.store.run(&Scope::worker(Job::Chat), |tx| Ok(tx.last_places(rooms)?))
    }
}
