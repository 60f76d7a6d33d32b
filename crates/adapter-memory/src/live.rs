//! Signals and tickets of a single node: kept in the process, gone with it.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use huntzen_tenancy::{
    Actor, StoreError,
    live::{Broadcast, GapListener, Signal, Sink, Tickets},
    token::TokenDigest,
};
use jiff::Timestamp;
use parking_lot::{Mutex, RwLock};

/// Tickets that may be open at once: each lives for half a minute and takes some 200 bytes.
const MOST_TICKETS: usize = 100_000;

/// Brings signals to the sinks of this process.
#[derive(Default)]
pub struct LocalBroadcast(RwLock<Vec<Sink>>);

impl Broadcast for LocalBroadcast {
    fn publish(&self, signal: Signal) {
        // Copied, so that no lock is held while the sinks work.
        let sinks: Vec<Sink> = self.0.read().iter().map(Arc::clone).collect();
        if let Some((last, others)) = sinks.split_last() {
            for sink in others {
                sink(signal.clone());
            }
            last(signal);
        }
    }

    fn subscribe(&self, sink: Sink) {
        self.0.write().push(sink);
    }

    /// There is nobody to miss anything from.
    fn when_missed(&self, _listener: GapListener) {}
}

impl std::fmt::Debug for LocalBroadcast {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalBroadcast").field("sinks", &self.0.read().len()).finish()
    }
}

/// Tickets in this process.
#[derive(Debug)]
pub struct MemoryTickets {
    open: Mutex<OpenTickets>,
    most: usize,
}

#[derive(Debug, Default)]
struct OpenTickets {
    by_digest: BTreeMap<TokenDigest, (Actor, Timestamp)>,
    /// The same by when they expire, so that the expired ones are found without a search.
    by_end: BTreeSet<(Timestamp, TokenDigest)>,
}

impl OpenTickets {
    fn take(&mut self, digest: TokenDigest) -> Option<(Actor, Timestamp)> {
        let taken = self.by_digest.remove(&digest)?;
        self.by_end.remove(&(taken.1, digest));
        Some(taken)
    }

    fn sweep(&mut self, now: Timestamp) {
        while let Some((expires_at, digest)) = self.by_end.first().copied() {
            if expires_at > now {
                break;
            }
            self.take(digest);
        }
    }
}

impl Default for MemoryTickets {
    fn default() -> Self {
        Self::holding(MOST_TICKETS)
    }
}

impl MemoryTickets {
    /// Room for so many open tickets.
    pub fn holding(most: usize) -> Self {
        Self { open: Mutex::default(), most }
    }
}

impl Tickets for MemoryTickets {
    fn issue(
        &self,
        digest: TokenDigest,
        holder: Actor,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut open = self.open.lock();
        open.sweep(now);
        if open.by_digest.len() >= self.most {
            return Err(StoreError::Unavailable("too many tickets are open".into()));
        }
        open.take(digest);
        open.by_digest.insert(digest, (holder, expires_at));
        open.by_end.insert((expires_at, digest));
        Ok(())
    }

    fn take(&self, digest: TokenDigest, now: Timestamp) -> Result<Option<Actor>, StoreError> {
        let mut open = self.open.lock();
        let taken = open.take(digest);
        Ok(taken.filter(|(_, expires_at)| *expires_at > now).map(|(holder, _)| holder))
    }
}
