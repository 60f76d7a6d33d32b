//! Signals between nodes over Redis' publish and subscribe.
//!
//! A signal reaches the sockets of its own node at once, in the thread that publishes it, and is put into a bounded
//! queue; one thread empties that in parcels, another hears the parcels of all nodes. Each node numbers its signals,
//! so a hole shows whoever hears the next parcel that something was lost, wherever that happened: the queue was
//! full, Redis was gone, a connection broke. Every second there is a parcel, if an empty one; a node that was heard
//! and says nothing for longer is out of reach, though one's own parcels come back.
use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::{Builder, sleep},
    time::{Duration, Instant},
};

use huntzen_tenancy::live::{Broadcast, Gap, GapListener, Signal, Sink};
use parking_lot::RwLock;
use redis::{Connection, ErrorKind, RedisResult};

use crate::{
    link::{Link, NODE_LIFETIME},
    others::{Others, SILENCE},
    parcel::{Parcel, Unread},
};

/// Signals that may wait to be published: seconds of a busy node. What does not fit is lost to the other nodes,
/// which then read from the database.
const WAITING: usize = 8_192;
/// The most signals of a parcel, and about how many bytes of them.
const PARCEL: (usize, usize) = (128, 256 * 1024);
/// From one parcel to the next, when nothing is said.
const BEAT: Duration = Duration::from_secs(1);
/// How often a node says that it is there.
const BETWEEN_SIGNS: Duration = Duration::from_secs(3);
/// How long it takes to try again, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// Brings signals to the nodes that share a Redis.
pub struct RedisBroadcast {
    queue: SyncSender<Signal>,
    shared: Arc<Shared>,
}

struct Shared {
    link: Arc<Link>,
    /// The sockets of this node.
    own: Arc<dyn Broadcast>,
    listeners: RwLock<Vec<GapListener>>,
    /// Signals that did not fit into the queue since the last parcel.
    lost: AtomicU64,
    is_over: AtomicBool,
}

impl RedisBroadcast {
    /// Over `link`, with `own` for the sockets of this node. Its threads end with it.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(link: Arc<Link>, own: Arc<dyn Broadcast>) -> std::io::Result<Self> {
        let (queue, waiting) = sync_channel(WAITING);
        let shared = Arc::new(Shared {
            link,
            own,
            listeners: RwLock::default(),
            lost: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
        });
        let (publishing, hearing) = (Arc::clone(&shared), Arc::clone(&shared));
        Builder::new().name("publishing".to_owned()).spawn(move || {
            let mut publisher = Publisher::new(&publishing);
            while catch_unwind(AssertUnwindSafe(|| publisher.work(&waiting))).is_err() && !publishing.is_over() {
                // What it had in hand is gone: a hole in its numbers has the others read from the database.
                publishing.lost.fetch_add(1, Ordering::SeqCst);
                sleep(PAUSES.1);
            }
        })?;
        Builder::new().name("hearing".to_owned()).spawn(move || Subscriber::new(&hearing).work())?;
        Ok(Self { queue, shared })
    }
}

impl Broadcast for RedisBroadcast {
    fn publish(&self, signal: Signal) {
        self.shared.own.publish(signal.clone());
        if self.queue.try_send(signal).is_err() {
            self.shared.lost.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn subscribe(&self, sink: Sink) {
        self.shared.own.subscribe(sink);
    }

    fn when_missed(&self, listener: GapListener) {
        self.shared.listeners.write().push(Arc::clone(&listener));
        // Whoever comes once the others are heard has not been told of them.
        if self.shared.link.does_hear_others() {
            listener(Gap::Over);
        }
    }
}

impl Drop for RedisBroadcast {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
    }
}

impl fmt::Debug for RedisBroadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBroadcast").field("link", &self.shared.link).finish_non_exhaustive()
    }
}

impl Shared {
    fn channel(&self) -> String {
        self.link.key("signals")
    }

    fn tell(&self, gap: Gap) {
        for listener in self.listeners.read().iter() {
            listener(gap);
        }
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }
}

/// Pauses that grow from try to try.
struct Pauses(Duration);

impl Pauses {
    fn new() -> Self {
        Self(PAUSES.0)
    }

    fn another(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(PAUSES.1);
        pause
    }
}

struct Publisher<'a> {
    shared: &'a Shared,
    connection: Option<Connection>,
    /// The number of the next signal.
    next: u64,
    /// Until when it is not tried again, while Redis is gone.
    retry: Option<Instant>,
    pauses: Pauses,
    /// When it was last said that this node is there.
    alive: Option<Instant>,
}

impl<'a> Publisher<'a> {
    fn new(shared: &'a Shared) -> Self {
        Self { shared, connection: None, next: 1, retry: Some(Instant::now()), pauses: Pauses::new(), alive: None }
    }

    /// Until the broadcast is dropped; the last parcel wakes the thread that hears.
    fn work(&mut self, waiting: &Receiver<Signal>) {
        loop {
            let pause = self.retry.map_or(BEAT, |at| at.saturating_duration_since(Instant::now()));
            let (first, is_over) = match waiting.recv_timeout(pause) {
                Ok(signal) => (Some(signal), false),
                Err(RecvTimeoutError::Timeout) => (None, false),
                Err(RecvTimeoutError::Disconnected) => (None, true),
            };
            let parcel = self.collect(first, waiting);
            if self.retry.is_none_or(|at| at <= Instant::now()) {
                self.send(&parcel);
            }
            if is_over {
                return;
            }
        }
    }

    fn collect(&mut self, first: Option<Signal>, waiting: &Receiver<Signal>) -> Parcel {
        // What was lost was to come after what waits; one number or another, there is a hole.
        self.next += self.shared.lost.swap(0, Ordering::SeqCst);
        let (most, most_bytes) = PARCEL;
        let mut bytes = 0;
        let mut signals = Vec::new();
        let mut next = first;
        while let Some(signal) = next.take() {
            bytes += signal.text.len();
            signals.push(signal);
            if signals.len() < most && bytes < most_bytes {
                next = waiting.try_recv().ok();
            }
        }
        let parcel = Parcel { node: self.shared.link.node(), first: self.next, signals };
        self.next += u64::try_from(parcel.signals.len()).unwrap_or_default();
        parcel
    }

    /// Sends a parcel, or lets it be: whoever lacks it sees that from the next.
    fn send(&mut self, parcel: &Parcel) {
        let sent = self.publish(parcel);
        self.shared.link.found(sent.is_ok());
        if sent.is_ok() {
            (self.retry, self.pauses) = (None, Pauses::new());
        } else {
            (self.connection, self.alive) = (None, None);
            self.retry = Some(Instant::now() + self.pauses.another());
            self.shared.tell(Gap::Lasts);
        }
    }

    fn publish(&mut self, parcel: &Parcel) -> RedisResult<()> {
        let link = &self.shared.link;
        let sealed = parcel.seal(link.seal()).or(Err((ErrorKind::Client, "a parcel could not be sealed")))?;
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => link.connect()?,
        };
        let mut commands = redis::pipe();
        let is_due = self.alive.is_none_or(|at| at.elapsed() >= BETWEEN_SIGNS);
        if is_due {
            let key = link.key(&format!("node:{}", link.node()));
            commands.cmd("SET").arg(key).arg(1).arg("PX").arg(NODE_LIFETIME).ignore();
        }
        commands.cmd("PUBLISH").arg(self.shared.channel()).arg(sealed).ignore();
        commands.exec(&mut connection)?;
        self.alive = if is_due { Some(Instant::now()) } else { self.alive };
        self.connection = Some(connection);
        Ok(())
    }
}

struct Subscriber<'a> {
    shared: &'a Shared,
    others: Others,
}

impl<'a> Subscriber<'a> {
    fn new(shared: &'a Shared) -> Self {
        Self { shared, others: Others::new() }
    }

    fn work(&mut self) {
        let mut pauses = Pauses::new();
        while !self.shared.is_over() {
            let mut has_listened = false;
            // Why it ended is for the link to say: the same server, the same reason. A defect that a signal brings out
            // is as much of a gap.
            drop(catch_unwind(AssertUnwindSafe(|| self.listen(&mut has_listened))));
            self.shared.link.hears_others(false);
            if self.shared.is_over() {
                return;
            }
            drop(catch_unwind(AssertUnwindSafe(|| self.shared.tell(Gap::Lasts))));
            if has_listened {
                pauses = Pauses::new();
            }
            sleep(pauses.another());
        }
    }

    /// Listens until the connection is gone, nothing is heard any more, or the broadcast is dropped.
    fn listen(&mut self, has_listened: &mut bool) -> RedisResult<()> {
        let mut connection = self.shared.link.connect()?;
        // One's own parcels come back too: whoever hears nothing at all is not connected any more.
        connection.set_read_timeout(Some(SILENCE))?;
        let mut listening = connection.as_pubsub();
        listening.subscribe(self.shared.channel())?;
        *has_listened = true;
        self.shared.link.hears_others(true);
        self.others.can_be_heard(Instant::now());
        // Whatever was said until now is in the database, and what is said from now on is heard.
        self.shared.tell(Gap::Over);
        while !self.shared.is_over() {
            let message = listening.get_message()?;
            self.take(message.get_payload_bytes(), Instant::now());
        }
        Ok(())
    }

    fn take(&mut self, sealed: &[u8], now: Instant) {
        match Parcel::open(sealed, self.shared.link.seal()) {
            Ok(Parcel { node, .. }) if node == self.shared.link.node() => {}
            Ok(Parcel { node, first, signals }) => {
                let expected = self.others.hear(node, (first, signals.len()), now);
                // What was heard before is not heard again.
                let known = usize::try_from(expected.saturating_sub(first)).unwrap_or(usize::MAX);
                for signal in signals.into_iter().skip(known) {
                    self.shared.own.publish(signal);
                }
            }
            Err(Unread::Foreign) => self.others.hear_foreign(now),
            Err(Unread::Noise) => self.others.hear_noise(),
        }
        if let Some(gap) = self.others.gap(now) {
            self.shared.tell(gap);
        }
    }
}
