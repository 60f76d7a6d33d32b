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

use super::{
    Closing, SocketHandle,
    elsewhere::{Elsewhere, Place},
    handle::Item,
};
use crate::http::Problem;

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
    has_missed: AtomicBool,
    /// Whether there are other nodes, as far as is known.
    is_among_others: AtomicBool,
    elsewhere: Elsewhere,
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
    /// A hub behind `broadcast`; `node` is an id that no other node has.
    pub fn new(broadcast: &Arc<dyn Broadcast>, pace: Pace, node: uuid::Uuid) -> Arc<Self> {
        let hub = Arc::new(Self {
            broadcast: Arc::clone(broadcast),
            pace,
            topics: Shards::default(),
            joined: Shards::default(),
            seats: Shards::default(),
            is_closing: AtomicBool::new(false),
            in_doubt: AtomicBool::new(false),
            has_missed: AtomicBool::new(false),
            is_among_others: AtomicBool::new(false),
            elsewhere: Elsewhere::seen_by(node),
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

    /// Sends a signal to the topic's sockets on every node. What is for one socket of this node goes no further.
    pub fn publish(&self, signal: Signal) {
        if let Topic::Socket(id) = signal.topic
            && self.is_here(id)
        {
            return self.deliver(signal);
        }
        self.broadcast.publish(signal);
    }

    fn is_here(&self, socket: uuid::Uuid) -> bool {
        self.joined.locked(&socket).contains_key(&socket)
    }

    /// Hands a signal to the topic's sockets on this node.
    pub fn deliver(&self, signal: Signal) {
        let topic = signal.topic;
        let signal = Arc::new(signal);
        if let Topic::Standing(_) | Topic::CompanyStanding(_) = topic {
            return self.doubt();
        }
        if topic == Topic::Nodes {
            return self.elsewhere.hear(&signal.text);
        }
        let topics = self.topics.locked(&topic);
        let Some(sockets) = topics.get(&topic) else { return };
        for socket in sockets.iter().filter(|socket| signal.except != Some(socket.id())) {
            match topic {
                Topic::Session(_) | Topic::Account(_) => socket.close(Closing::SignedOut),
                Topic::Room(_) | Topic::Calls(_) | Topic::Inbox(_) | Topic::Socket(_) => {
                    socket.put(Item::Signal(Arc::clone(&signal)));
                }
                // Nobody listens to these.
                Topic::Standing(_) | Topic::CompanyStanding(_) | Topic::Nodes => {}
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
        let mut topics = self.topics.locked(&topic);
        let sockets = topics.entry(topic).or_default();
        let is_first = !sockets.iter().any(|known| known.user() == socket.user());
        sockets.push(socket.clone());
        drop(topics);
        drop(joined);
        if let Topic::Room(room) = topic
            && is_first
        {
            self.tell_others(|elsewhere| elsewhere.there(&[(room, socket.user())]));
        }
    }

    /// Tells the other nodes, if there are any, who is there or has gone.
    fn tell_others<T: IntoIterator<Item = Signal>>(&self, told: impl FnOnce(&Elsewhere) -> Result<T, Problem>) {
        if !self.is_among_others.load(Ordering::SeqCst) {
            return;
        }
        match told(&self.elsewhere) {
            Ok(signals) => signals.into_iter().for_each(|signal| self.broadcast.publish(signal)),
            Err(problem) => tracing::error!(causes = problem.causes(), "other nodes cannot be told who is there"),
        }
    }

    /// There are other nodes: from now on they are told who is there.
    pub fn is_among_others(&self) {
        self.is_among_others.store(true, Ordering::SeqCst);
    }

    /// Tells the other nodes who is in which room of this one; to be done every [`BETWEEN_TELLING`].
    ///
    /// [`BETWEEN_TELLING`]: super::elsewhere::BETWEEN_TELLING
    pub fn tell_who_is_there(&self) {
        self.elsewhere.sweep();
        let mut places: Vec<Place> = Vec::new();
        for shard in &self.topics.0 {
            for (topic, sockets) in locked(shard).iter() {
                if let Topic::Room(room) = topic {
                    places.extend(sockets.iter().map(|socket| (*room, socket.user())));
                }
            }
        }
        places.sort_unstable();
        places.dedup();
        self.tell_others(|elsewhere| elsewhere.there(&places));
    }

    /// From now on `socket` gets none of them.
    pub fn unsubscribe(&self, topic: Topic, socket: &SocketHandle) {
        let mut joined = self.joined.locked(&socket.id());
        if let Some(topics) = joined.get_mut(&socket.id()) {
            topics.retain(|joined| *joined != topic);
            self.remove(topic, socket);
        }
        drop(joined);
        self.tell_if_gone(topic, socket);
    }

    /// Whether a person has a socket on this topic: on this node, or in a room of another as far as is known.
    pub fn has(&self, topic: Topic, user: UserId) -> bool {
        self.has_here(topic, user) || matches!(topic, Topic::Room(room) if self.elsewhere.has((room, user)))
    }

    fn has_here(&self, topic: Topic, user: UserId) -> bool {
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

    /// Rooms of this node may have missed messages: the live worker has to look how far they are.
    pub fn has_missed(&self) {
        self.has_missed.store(true, Ordering::SeqCst);
    }

    /// Whether they may have, which is noted no more.
    pub(super) fn take_missed(&self) -> bool {
        self.has_missed.swap(false, Ordering::SeqCst)
    }

    /// The conversations that somebody has joined on this node.
    pub fn rooms(&self) -> Vec<uuid::Uuid> {
        self.topics.keys(|topic| if let Topic::Room(room) = topic { Some(*room) } else { None })
    }

    /// The sessions with an open socket on this node.
    pub fn sessions(&self) -> Vec<SessionId> {
        self.topics.keys(|topic| if let Topic::Session(session) = topic { Some(*session) } else { None })
    }

    /// The people who listen for notifications on this node.
    pub fn listeners(&self) -> Vec<UserId> {
        self.topics.keys(|topic| if let Topic::Inbox(user) = topic { Some(*user) } else { None })
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
        let left = joined.remove(&socket.id()).unwrap_or_default();
        for topic in &left {
            self.remove(*topic, socket);
        }
        drop(joined);
        for topic in left {
            self.tell_if_gone(topic, socket);
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

    /// Tells the other nodes that a person has gone whose last socket on this topic was this one.
    fn tell_if_gone(&self, topic: Topic, socket: &SocketHandle) {
        if let Topic::Room(room) = topic
            && !self.has_here(topic, socket.user())
        {
            self.tell_others(|elsewhere| elsewhere.gone((room, socket.user())).map(Some));
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
