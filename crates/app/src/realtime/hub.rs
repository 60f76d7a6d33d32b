//! Who listens to what on this node: topics and their sockets, and what other nodes say of their people.
use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use huntzen_clinical::ids::ConsultationId;
use huntzen_tenancy::{
    ids::{SessionId, UserId},
    live::{Broadcast, Signal, Topic},
};

use super::{
    Closing, SocketHandle,
    handle::Item,
    presence::Presence,
    seats::{NoSeat, Seat, Seats},
    told::{BELIEVED, Place, Told},
};
use crate::chat::bodies::presence;

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
    /// This node, since it was started.
    node: uuid::Uuid,
    presence: Presence,
    seats: Seats,
    /// Which other nodes have told something, and when.
    others: Mutex<HashMap<uuid::Uuid, Instant>>,
    is_closing: AtomicBool,
    in_doubt: AtomicBool,
    has_missed: AtomicBool,
    /// Whether there are other nodes, as far as is known.
    is_among_others: AtomicBool,
    /// Whether one of them may not know who is here.
    is_to_tell: AtomicBool,
}

impl Hub {
    /// A hub behind `broadcast`; `node` is an id that no other node has.
    pub fn new(broadcast: &Arc<dyn Broadcast>, pace: Pace, node: uuid::Uuid) -> Arc<Self> {
        let hub = Arc::new(Self {
            broadcast: Arc::clone(broadcast),
            pace,
            topics: Shards::default(),
            joined: Shards::default(),
            node,
            presence: Presence::seen_by(node),
            seats: Seats::seen_by(node),
            others: Mutex::default(),
            is_closing: AtomicBool::new(false),
            in_doubt: AtomicBool::new(false),
            has_missed: AtomicBool::new(false),
            is_among_others: AtomicBool::new(false),
            is_to_tell: AtomicBool::new(false),
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
            return self.hear(&signal.text);
        }
        let topics = self.topics.locked(&topic);
        let Some(sockets) = topics.get(&topic) else { return };
        for socket in sockets.iter().filter(|socket| signal.except != Some(socket.id())) {
            match topic {
                Topic::Session(_) => socket.close(Closing::SignedOut),
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
        self.topics.locked(&topic).entry(topic).or_default().push(socket.clone());
    }

    /// Whoever holds `socket`, which listens to the room already, is in it from now on; the first device of somebody is
    /// told to the other nodes. Answers `false` for a socket that listens no more.
    pub fn arrive(&self, room: uuid::Uuid, socket: &SocketHandle) -> bool {
        // Held to the end, so that a socket that ends meanwhile leaves the room as well.
        let joined = self.joined.locked(&socket.id());
        let listens = joined.get(&socket.id()).is_some_and(|topics| topics.contains(&Topic::Room(room)));
        if listens {
            self.presence.come((room, socket.user()), socket.id(), |told| self.tell_others(&told));
        }
        listens
    }

    /// The last device of somebody to leave is told to the other nodes; when they have none left there either, to the
    /// room.
    fn depart(&self, topic: Topic, socket: &SocketHandle) {
        let Topic::Room(room) = topic else { return };
        let (tell, turn) = (|told| self.tell_others(&told), |place, is_online| self.tell_room(place, is_online));
        self.presence.go((room, socket.user()), socket.id(), Instant::now(), tell, turn);
    }

    /// Tells a room of this node who came or went.
    fn tell_room(&self, (room, user): Place, is_online: bool) {
        match presence(ConsultationId::from(room), user, is_online) {
            Ok(signal) => self.deliver(signal),
            Err(problem) => tracing::error!(causes = problem.causes(), "a room cannot be told who is there"),
        }
    }

    /// Tells the other nodes, if there are any, of people of this one.
    fn tell_others(&self, told: &Told) {
        if !self.is_among_others.load(Ordering::SeqCst) {
            return;
        }
        match told.signal() {
            Ok(signal) => self.broadcast.publish(signal),
            Err(problem) => tracing::error!(causes = problem.causes(), "other nodes cannot be told who is there"),
        }
    }

    /// Takes in what some node tells; what this one has told is no news.
    fn hear(&self, text: &str) {
        let Ok(told) = serde_json::from_str::<Told>(text) else { return };
        if told.node == self.node {
            return;
        }
        let now = Instant::now();
        if locked(&self.others).insert(told.node, now).is_none_or(|at| now.saturating_duration_since(at) >= BELIEVED) {
            self.tell_again();
        }
        self.seats.hear(&told, now);
        self.presence.hear(told, now, |place, is_online| self.tell_room(place, is_online));
    }

    /// There are other nodes: from now on they are told who is there.
    pub fn is_among_others(&self) {
        self.is_among_others.store(true, Ordering::SeqCst);
    }

    /// Whether there are, as far as is known.
    pub(super) fn has_others(&self) -> bool {
        self.is_among_others.load(Ordering::SeqCst)
    }

    /// One of them may not know who is here: the live worker has to tell it.
    pub fn tell_again(&self) {
        self.is_to_tell.store(true, Ordering::SeqCst);
    }

    /// Whether one may not, which is noted no more.
    pub(super) fn take_telling(&self) -> bool {
        self.is_to_tell.swap(false, Ordering::SeqCst)
    }

    /// Tells the other nodes who is in which room of this one, and has how many sockets; to be done every
    /// [`BETWEEN_TELLING`].
    ///
    /// [`BETWEEN_TELLING`]: super::told::BETWEEN_TELLING
    pub fn tell_who_is_there(&self) {
        if self.has_others() {
            // Also where nobody is: whoever has not heard of this node tells it what it knows.
            self.tell_others(&Told::by(self.node));
            self.presence.tell_all(|told| self.tell_others(&told));
            self.seats.tell_all(|told| self.tell_others(&told));
        }
    }

    /// Forgets what other nodes have told that is believed no more, and tells the rooms of this one who is gone by that.
    pub fn sweep(&self) {
        let now = Instant::now();
        let is_believed = |at: &Instant| now.saturating_duration_since(*at) < BELIEVED;
        locked(&self.others).retain(|_, at| is_believed(at));
        self.seats.sweep(now);
        let is_joined = |room| self.topics.locked(&Topic::Room(room)).contains_key(&Topic::Room(room));
        self.presence.sweep(is_joined, now, |place, is_online| self.tell_room(place, is_online));
    }

    /// From now on `socket` gets none of them.
    pub fn unsubscribe(&self, topic: Topic, socket: &SocketHandle) {
        let mut joined = self.joined.locked(&socket.id());
        if let Some(topics) = joined.get_mut(&socket.id()) {
            topics.retain(|joined| *joined != topic);
            self.remove(topic, socket);
        }
        drop(joined);
        self.depart(topic, socket);
    }

    /// Whether a person is in a room, on this node or on another as far as is known.
    pub fn has(&self, room: uuid::Uuid, user: UserId) -> bool {
        self.presence.has((room, user), Instant::now())
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
        if self.seats.take(user, Instant::now(), |told| self.tell_others(&told)) {
            Ok(Seat::taken(Arc::clone(self), user))
        } else {
            Err(NoSeat::TooMany)
        }
    }

    /// One socket of `user` less.
    pub(super) fn give_seat_back(&self, user: UserId) {
        self.seats.give_back(user, |told| self.tell_others(&told));
    }

    /// Lets a socket be found by its id and its session.
    pub(crate) fn enter(&self, socket: &SocketHandle) {
        self.joined.locked(&socket.id()).entry(socket.id()).or_default();
        for topic in [Topic::Socket(socket.id()), Topic::Session(socket.session())] {
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
            self.depart(topic, socket);
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
