//! The connections to Redis, and whether it can be reached: what cannot is not waited for by everybody.
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use huntzen_tenancy::{StoreError, clock::Randomness, live::NodeSeal};
use parking_lot::Mutex;
use redis::{Client, Connection, RedisError, RedisResult};
use uuid::Uuid;

use crate::settings::{RedisSettings, SettingsError};

/// How long connecting may take, and reading an answer, and writing a command: the longest that a request waits
/// for Redis before it does without, and a small part of what it waits altogether.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// A node that has not said for so long that it is there is gone, in milliseconds.
pub(crate) const NODE_LIFETIME: u64 = 15_000;

/// Connections that are kept for the next command: as many as use cases run at once, more or less.
const MOST_IDLE: usize = 32;

/// How Redis is reached; shared by everything that this crate offers.
///
/// Once a command could not be carried out, none is sent until the thread that publishes signals finds Redis again
/// (`RedisBroadcast`): of any number of requests only those wait that were under way.
pub struct Link {
    client: Client,
    seal: Arc<dyn NodeSeal>,
    /// What every key and channel of the installation begins with.
    prefix: String,
    /// This node, since it was started.
    node: Uuid,
    idle: Mutex<Vec<Connection>>,
    is_reachable: AtomicBool,
    hears_others: AtomicBool,
}

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Redis never saw it, or refused it.
    #[error("redis is out of reach")]
    NotDone(#[source] Option<RedisError>),
    /// It was sent, and no answer came.
    #[error("redis gave no answer")]
    Unknown(#[source] RedisError),
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        Self::Unavailable(Box::new(failure))
    }
}

impl Link {
    /// Does not connect yet, and Redis need not be there. What says anything about anybody is sealed by `seal`; the
    /// node has another name each time it starts.
    ///
    /// # Errors
    /// When the settings cannot be followed.
    pub fn new(
        settings: &RedisSettings,
        seal: Arc<dyn NodeSeal>,
        randomness: &dyn Randomness,
    ) -> Result<Arc<Self>, SettingsError> {
        let client = settings.client()?;
        let link = Self {
            client,
            prefix: format!("huntzen:{}:", seal.installation()),
            seal,
            node: randomness.uuid_v4(),
            idle: Mutex::default(),
            is_reachable: AtomicBool::new(true),
            hears_others: AtomicBool::new(false),
        };
        Ok(Arc::new(link))
    }

    /// Whether Redis answers. When it does not, nobody asks it until it is found again.
    ///
    /// # Errors
    /// `Unavailable`, after two seconds at the most.
    pub fn ping_once(&self) -> Result<(), StoreError> {
        Ok(self.run(|connection| redis::cmd("PING").exec(connection))?)
    }

    /// Whether Redis answers, and this node hears the others through it.
    ///
    /// # Errors
    /// `Unavailable`, after two seconds at the most.
    pub fn ping(&self) -> Result<(), StoreError> {
        if !self.does_hear_others() {
            return Err(Failure::NotDone(None).into());
        }
        self.ping_once()
    }

    /// Whether a command would be sent.
    pub(crate) fn is_reachable(&self) -> bool {
        self.is_reachable.load(Ordering::SeqCst)
    }

    /// Notes whether Redis was found, and throws connections away that are of no use.
    pub(crate) fn found(&self, is_reachable: bool) {
        self.is_reachable.store(is_reachable, Ordering::SeqCst);
        if !is_reachable {
            self.idle.lock().clear();
        }
    }

    /// Notes whether signals of other nodes arrive.
    pub(crate) fn hears_others(&self, hears: bool) {
        self.hears_others.store(hears, Ordering::SeqCst);
    }

    /// Whether signals of other nodes arrive.
    pub(crate) fn does_hear_others(&self) -> bool {
        self.hears_others.load(Ordering::SeqCst)
    }

    pub(crate) fn seal(&self) -> &dyn NodeSeal {
        self.seal.as_ref()
    }

    /// The key of this name.
    pub(crate) fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(crate) fn node(&self) -> Uuid {
        self.node
    }

    /// A connection of one's own.
    pub(crate) fn connect(&self) -> RedisResult<Connection> {
        let connection = self.client.get_connection_with_timeout(PATIENCE)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        connection.set_write_timeout(Some(PATIENCE))?;
        Ok(connection)
    }

    /// Carries a command out: one round trip. A kept connection that the other side has closed meanwhile is
    /// replaced once, so a command must not do harm by being carried out twice.
    pub(crate) fn run<T>(&self, command: impl Fn(&mut Connection) -> RedisResult<T>) -> Result<T, Failure> {
        self.run_within(PATIENCE, command)
    }

    /// The same with less patience, once there is a connection: Redis may have carried the command out when its answer
    /// comes too late. That is no reason for others to do without Redis.
    pub(crate) fn run_within<T>(
        &self,
        patience: Duration,
        command: impl Fn(&mut Connection) -> RedisResult<T>,
    ) -> Result<T, Failure> {
        if !self.is_reachable() {
            return Err(Failure::NotDone(None));
        }
        let kept = self.idle.lock().pop();
        if let Some(mut connection) = kept {
            match within(patience, &mut connection, &command) {
                // The others are as old.
                Err(error) if error.is_connection_dropped() => self.idle.lock().clear(),
                done => return self.done(patience, connection, done),
            }
        }
        let mut connection = self.connect().map_err(|error| {
            self.found(false);
            Failure::NotDone(Some(error))
        })?;
        let done = within(patience, &mut connection, &command);
        self.done(patience, connection, done)
    }

    fn done<T>(&self, patience: Duration, connection: Connection, done: RedisResult<T>) -> Result<T, Failure> {
        match done {
            Ok(value) => {
                self.keep(connection);
                Ok(value)
            }
            // Redis says what is wrong with it; the connection is sound.
            Err(error) if error.code().is_some() => {
                self.keep(connection);
                Err(Failure::NotDone(Some(error)))
            }
            Err(error) => {
                let was_hurried = patience < PATIENCE && error.is_timeout();
                if error.is_io_error() && !was_hurried {
                    self.found(false);
                }
                Err(Failure::Unknown(error))
            }
        }
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle.lock();
        if idle.len() < MOST_IDLE {
            idle.push(connection);
        }
    }
}

/// Carries a command out whose answer may take so long.
fn within<T>(
    patience: Duration,
    connection: &mut Connection,
    command: impl Fn(&mut Connection) -> RedisResult<T>,
) -> RedisResult<T> {
    if patience == PATIENCE {
        return command(connection);
    }
    connection.set_read_timeout(Some(patience))?;
    let done = command(connection);
    connection.set_read_timeout(Some(PATIENCE))?;
    done
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("is_reachable", &self.is_reachable()).finish_non_exhaustive()
    }
}
