//! What reaches connected people at once: signals between the nodes, and the tickets that open a socket.
mod feed;
mod nodes;
mod office;

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use feed::{LiveFeed, News};
pub use nodes::{Gap, GapListener, NodeSeal};
pub use office::{IssuedTicket, TICKET_VALIDITY, TicketOffice};

use crate::{
    ids::{CompanyId, SessionId, UserId},
    scope::Actor,
    store::StoreError,
    token::TokenDigest,
};

/// What a signal is about, and so which sockets get it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Topic {
    /// The conversation of the consultation with this id.
    Room(Uuid),
    /// A person's sockets for calls.
    Calls(UserId),
    /// A person's sockets for notifications.
    Inbox(UserId),
    /// One socket, by its id.
    Socket(Uuid),
    /// Every socket of a session. A signal here says that the session has ended: its text is not
    /// sent, its sockets are closed.
    Session(SessionId),
    /// No socket: every node. What it knows of this account may not hold any more.
    Standing(UserId),
    /// The same of every account of a company.
    CompanyStanding(CompanyId),
    /// No socket either: every node. Its text is for nodes alone.
    Nodes,
}

/// Something that connected clients should hear of. Plain data: it travels between nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// Who gets it.
    pub topic: Topic,
    /// The whole frame that they get.
    pub text: Arc<str>,
    /// Its place in the topic's order, where there is one: from 1, without a hole.
    pub seq: Option<u64>,
    /// A socket that shall not get it.
    pub except: Option<Uuid>,
}

impl Signal {
    /// A signal to every socket of `topic`.
    pub fn new(topic: Topic, text: impl Into<Arc<str>>) -> Self {
        Self { topic, text: text.into(), seq: None, except: None }
    }

    /// Says that the session has ended.
    pub fn session_ended(session: SessionId) -> Self {
        Self::new(Topic::Session(session), "")
    }

    /// Says that what is known of the account may not hold any more.
    pub fn standing_changed(user: UserId) -> Self {
        Self::new(Topic::Standing(user), "")
    }

    /// The same of every account of a company.
    pub fn company_standing_changed(company: CompanyId) -> Self {
        Self::new(Topic::CompanyStanding(company), "")
    }
}

/// Takes in the signals of a broadcast; called on whatever thread published, so it must be quick
/// and must not publish itself.
pub type Sink = Arc<dyn Fn(Signal) + Send + Sync>;

/// Brings each signal to every node, the publishing one included. Signals of one publisher arrive
/// in their order. Delivery is at most once: whoever must miss nothing reads the store.
pub trait Broadcast: Send + Sync {
    /// Hands `signal` to every sink of every node; returns without waiting for other nodes.
    fn publish(&self, signal: Signal);

    /// From now on hands every signal to `sink` as well.
    fn subscribe(&self, sink: Sink);

    /// From now on tells `listener` when signals of other nodes may have been missed.
    fn when_missed(&self, listener: GapListener);
}

/// Tickets that each open one socket, known by their digests alone.
pub trait Tickets: Send + Sync {
    /// Keeps a ticket of `holder` from `now` until `expires_at`; expired ones make room.
    ///
    /// # Errors
    /// `Unavailable` when there is no room for more or the tickets cannot be reached.
    fn issue(
        &self,
        digest: TokenDigest,
        holder: Actor,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Takes the ticket away and tells whose it was: exactly one caller of many gets `Some`. A
    /// ticket that is unknown, taken or expired at `now` is `None`.
    ///
    /// # Errors
    /// `Unavailable` when the tickets cannot be reached.
    fn take(&self, digest: TokenDigest, now: Timestamp) -> Result<Option<Actor>, StoreError>;
}
