//! Who listens to what on this node: topics, their sockets, and how many sockets a person has.
use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use huntzen_tenancy::{
    ids::{SessionId, UserId},
    live::{Broadcast, Signal, Topic},
};

use super::{Closing, SocketHandle, handle::Item};

/// Sockets that a person may have open at once, of all kinds together.
pub const MOST_SOCKETS: usize = 10;

const SHARDS: usize = 32;

/// How patient sockets are.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// From one ping to the next.
    pub ping: Duration,
    /// The longest silence of a peer.
    pub silence: Duration,
    /// How long a peer may take to read the close frame before its connection is cut.
    pub stalled: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { ping: Duration::from_secs(20), silence: Duration::from_secs(45), stalled: Duration::from_secs(2) }
    }
}

/// The sockets of this node. Signals go out through the broadcast, and come back from it. No lock
/// is held across input or output; the one of `topics` is the last that anybody takes.
pub struct Hub {
    broadcast: Arc<dyn Broadcast>,
    pace: Pace,
    topics: Shards<Topic, Vec<SocketHandle>>,
    joined: Shards<uuid::Uuid, Vec<Topic>>,
    seats: Shards<UserId, usize>,
    is_closing: AtomicBool,
    in_doubt: AtomicBool,
}

/// A place among a person's sockets; given back when it is dropped.
pub(crate) struct Seat {
    hub: Arc<Hub>,
    user: UserId,
}

/// Why no socket can be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoSeat {
    /// The person has as many as anybody may have.
    TooMany,
    /// The server stops.
    Closing,
}

impl Hub {
    /// A hub behind `broadcast`.
    pub fn new(broadcast: &Arc<dyn Broadcast>, pace: Pace) -> Arc<Self> {
        let hub = Arc::new(Self {
            broadcast: Arc::clone(broadcast),
            pace,
            topics: Shards::default(),
            joined: Shards::default(),
            seats: Shards::default(),
            is_closing: AtomicBool::new(false),
            in_doubt: AtomicBool::new(false),
        });
        let listening = Arc::downgrade(&hub);
        broadcast.subscribe(Arc::new(move |signal| {
            if let Some(hub) = listening.upgrade() {
                hub.deliver(signal);
            }
        }));
        hub
    }

    /// How patient its sockets are.
    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// Sends a signal to the topic's sockets on every node.
    pub fn publish(&self, signal: Signal) {
        self.broadcast.publish(signal);
    }

    /// Hands a signal to the topic's sockets on this node.
    pub fn deliver(&self, signal: Signal) {
        let topic = signal.topic;
        let signal = Arc::new(signal);
        let topics = self.topics.locked(&topic);
        let Some(sockets) = topics.get(&topic) else { return };
        for socket in sockets.iter().filter(|socket| signal.except != Some(socket.id())) {
            match topic {
                Topic::Session(_) | Topic::Account(_) => socket.close(Closing::SignedOut),
                Topic::Room(_) | Topic::Calls(_) | Topic::Inbox(_) | Topic::Socket(_) => {
                    socket.put(Item::Signal(Arc::clone(&signal)));
                }
            }
        }
    }

    /// From now on `socket` gets the signals of `topic`; a socket that has ended gets none.
    pub fn subscribe(&self, topic: Topic, socket: &SocketHandle) {
        // Held to the end, so that a socket that ends meanwhile leaves this topic as well.
        let mut joined = self.joined.locked(&socket.id());
        let Some(topics) = joined.get_mut(&socket.id()) else { return };
        if topics.contains(&topic) {
            return;
        }
        topics.push(topic);
        self.topics.locked(&topic).entry(topic).or_default().push(socket.clone());
    }

    /// From now on `socket` gets none of them.
    pub fn unsubscribe(&self, topic: Topic, socket: &SocketHandle) {
        let mut joined = self.joined.locked(&socket.id());
        if let Some(topics) = joined.get_mut(&socket.id()) {
            topics.retain(|joined| *joined != topic);
            self.remove(topic, socket);
        }
    }

    /// Whether a person has a socket on this topic, on this node.
    pub fn has(&self, topic: Topic, user: UserId) -> bool {
        let topics = self.topics.locked(&topic);
        topics.get(&topic).is_some_and(|sockets| sockets.iter().any(|socket| socket.user() == user))
    }

    /// Closes every socket, and lets none be opened any more.
    pub fn close_all(&self) {
        self.is_closing.store(true, Ordering::SeqCst);
        for shard in &self.topics.0 {
            for socket in locked(shard)
                .iter()
                .filter(|(topic, _)| matches!(topic, Topic::Socket(_)))
                .flat_map(|(_, sockets)| sockets)
            {
                socket.close(Closing::GoingAway);
            }
        }
    }

    /// Some account or company may not act any more: the live worker has to look at all sessions.
    pub fn doubt(&self) {
        self.in_doubt.store(true, Ordering::SeqCst);
    }

    /// Whether there was a doubt, which there is none of any more.
    pub(super) fn take_doubt(&self) -> bool {
        self.in_doubt.swap(false, Ordering::SeqCst)
    }

    /// The sessions with an open socket on this node.
    pub fn sessions(&self) -> Vec<SessionId> {
        self.topics.keys(|topic| match topic {
            Topic::Session(session) => Some(*session),
            Topic::Room(_) | Topic::Calls(_) | Topic::Inbox(_) | Topic::Socket(_) | Topic::Account(_) => None,
        })
    }

    /// The people who listen for notifications on this node.
    pub fn listeners(&self) -> Vec<UserId> {
        self.topics.keys(|topic| match topic {
            Topic::Inbox(user) => Some(*user),
            Topic::Room(_) | Topic::Calls(_) | Topic::Socket(_) | Topic::Session(_) | Topic::Account(_) => None,
        })
    }

    /// A place for one more socket of `user`.
    pub(crate) fn seat(self: &Arc<Self>, user: UserId) -> Result<Seat, NoSeat> {
        if self.is_closing.load(Ordering::SeqCst) {
            return Err(NoSeat::Closing);
        }
        let mut seats = self.seats.locked(&user);
        let taken = seats.entry(user).or_default();
        if *taken >= MOST_SOCKETS {
            return Err(NoSeat::TooMany);
        }
        *taken += 1;
        Ok(Seat { hub: Arc::clone(self), user })
    }

    /// Lets a socket be found by its id, its session and its account.
    pub(crate) fn enter(&self, socket: &SocketHandle) {
        self.joined.locked(&socket.id()).entry(socket.id()).or_default();
        for topic in [Topic::Socket(socket.id()), Topic::Session(socket.session()), Topic::Account(socket.user())] {
            self.subscribe(topic, socket);
        }
        if self.is_closing.load(Ordering::SeqCst) {
            socket.close(Closing::GoingAway);
        }
    }

    /// Takes a socket off every topic.
    pub fn leave_all(&self, socket: &SocketHandle) {
        let mut joined = self.joined.locked(&socket.id());
        for topic in joined.remove(&socket.id()).unwrap_or_default() {
            self.remove(topic, socket);
        }
    }

    fn remove(&self, topic: Topic, socket: &SocketHandle) {
        let mut topics = self.topics.locked(&topic);
        if let Some(sockets) = topics.get_mut(&topic) {
            sockets.retain(|known| known.id() != socket.id());
            if sockets.is_empty() {
                topics.remove(&topic);
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.hub.seats.locked(&self.user);
        if let Some(taken) = seats.get_mut(&self.user) {
            *taken -= 1;
            if *taken == 0 {
                seats.remove(&self.user);
            }
        }
    }
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Who listens to what is personal.
        f.debug_struct("Hub").field("pace", &self.pace).finish_non_exhaustive()
    }
}

/// A map in parts, each behind a lock of its own, so that workers seldom wait for each other.
struct Shards<K, V>(Vec<Mutex<HashMap<K, V>>>, RandomState);

impl<K, V> Default for Shards<K, V> {
    fn default() -> Self {
        Self((0..SHARDS).map(|_| Mutex::default()).collect(), RandomState::new())
    }
}

impl<K: Hash + Eq, V> Shards<K, V> {
    #[expect(clippy::indexing_slicing, reason = "the remainder is smaller than the number of shards")]
    fn locked(&self, key: &K) -> MutexGuard<'_, HashMap<K, V>> {
        let hash = usize::try_from(self.1.hash_one(key) % SHARDS as u64).unwrap_or_default();
        locked(&self.0[hash])
    }

    fn keys<T>(&self, wanted: impl Fn(&K) -> Option<T>) -> Vec<T> {
        self.0.iter().flat_map(|shard| locked(shard).keys().filter_map(&wanted).collect::<Vec<_>>()).collect()
    }
}

/// A map of owned values is sound even after a panic elsewhere, so poisoning means nothing here.
fn locked<T>(shard: &Mutex<T>) -> MutexGuard<'_, T> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
