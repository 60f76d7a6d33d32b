//! The pool of connections, and how a unit of work begins on one of them.
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use diesel::{
    prelude::*,
    r2d2::{ConnectionManager, NopErrorHandler, Pool, PooledConnection},
};
use huntzen_booking::{BookingStore, BookingTx};
use huntzen_clinical::{ClinicalStore, ClinicalTx};
use huntzen_metrics::{MetricsStore, MetricsTx};
use huntzen_tenancy::{
    Scope, StoreError, TenancyStore, TenancyTx,
    scope::ScopeKind,
    sealing::{KeyTx, RotationStore},
};

use crate::{error::unavailable, schema::set_config, scope, unit_of_work::PgTx};

/// How long a unit of work waits for a connection.
const PATIENCE: Duration = Duration::from_secs(3);

/// What libpq shall not wait for longer than, where the operator has not said otherwise: a server whose machine
/// is gone neither refuses a connection nor ends one, and another may have taken its place. In seconds, the
/// last one in milliseconds.
const TIME_LIMITS: [(&str, &str); 5] = [
    ("connect_timeout", "3"),
    ("keepalives_idle", "10"),
    ("keepalives_interval", "5"),
    ("keepalives_count", "2"),
    ("tcp_user_timeout", "20000"),
];

pub(crate) type Pooled = PooledConnection<ConnectionManager<PgConnection>>;

/// Every domain's store, over one pool of connections to PostgreSQL.
#[derive(Clone)]
pub struct PgStore {
    pool: Pool<ConnectionManager<PgConnection>>,
    queue: Arc<Queue>,
}

/// What the pool itself does not count.
#[derive(Default)]
struct Queue {
    waiting: AtomicU32,
    failed: AtomicU64,
}

/// How many connections there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolState {
    /// Open ones.
    pub open: u32,
    /// Open ones that nobody uses.
    pub idle: u32,
    /// As many as may ever be open.
    pub most: u32,
    /// Units of work that wait for one.
    pub waiting: u32,
    /// Units of work that got none in time, since the pool was opened.
    pub failed: u64,
}

impl PgStore {
    /// Opens a pool of at most `size` connections to `url`, the first of them now.
    ///
    /// # Errors
    /// `Unavailable` when the server does not answer within three seconds.
    pub fn connect(url: &str, size: u32) -> Result<Self, StoreError> {
        let size = size.max(1);
        Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .connection_timeout(PATIENCE)
            .test_on_check_out(false)
            // Whoever waits for the connection is told; the pool itself stays silent.
            .error_handler(Box::new(NopErrorHandler))
            .build(ConnectionManager::new(with_time_limits(url)))
            .map(|pool| Self { pool, queue: Arc::default() })
            .map_err(unavailable)
    }

    /// Asks the server for a sign of life.
    ///
    /// # Errors
    /// `Unavailable` when none comes.
    pub fn ping(&self) -> Result<(), StoreError> {
        self.begin_with("BEGIN").map(drop)
    }

    /// How many connections there are now.
    pub fn pool_state(&self) -> PoolState {
        let state = self.pool.state();
        PoolState {
            open: state.connections,
            idle: state.idle_connections,
            most: self.pool.max_size(),
            waiting: self.queue.waiting.load(Ordering::Relaxed),
            failed: self.queue.failed.load(Ordering::Relaxed),
        }
    }

    /// One connection, one open transaction, one scope.
    pub(crate) fn open(&self, scope: &Scope) -> Result<PgTx, StoreError> {
        let mut tx = self.begin_with(&scope::beginning(&scope.kind))?;
        tx.actor = scope.actor().copied();
        if let ScopeKind::SignIn(email) = &scope.kind {
            let setting = diesel::select(set_config("huntzen.email", email.as_str(), true));
            tx.run(|connection| setting.execute(connection))?;
        }
        Ok(tx)
    }

    /// Begins a transaction by this text. After a restart of the server every pooled connection
    /// is dead until it is tried: a dead one is dropped and the next taken, at most as many times
    /// as the pool can hold, which ends with a fresh one.
    pub(crate) fn begin_with(&self, beginning: &str) -> Result<PgTx, StoreError> {
        let mut dead = 0;
        loop {
            let connection = self.connection()?;
            match PgTx::begin(connection, beginning) {
                Err(StoreError::Unavailable(_)) if dead < self.pool.max_size() => dead += 1,
                begun @ (Ok(_) | Err(_)) => return begun,
            }
        }
    }
}

/// The URL with every time limit that it does not set itself.
fn with_time_limits(url: &str) -> String {
    let (_, query) = url.split_once('?').unwrap_or_default();
    let sets = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    let missing = TIME_LIMITS.iter().filter(|(name, _)| !sets(name)).map(|(name, value)| format!("{name}={value}"));
    let missing = missing.collect::<Vec<_>>().join("&");
    if missing.is_empty() {
        return url.to_owned();
    }
    format!("{url}{}{missing}", if url.contains('?') { '&' } else { '?' })
}

impl PgStore {
    /// A free connection, or the next that becomes free.
    fn connection(&self) -> Result<Pooled, StoreError> {
        if let Some(connection) = self.pool.try_get() {
            return Ok(connection);
        }
        self.queue.waiting.fetch_add(1, Ordering::Relaxed);
        let connection = self.pool.get();
        self.queue.waiting.fetch_sub(1, Ordering::Relaxed);
        connection.map_err(|error| {
            self.queue.failed.fetch_add(1, Ordering::Relaxed);
            unavailable(error)
        })
    }
}

impl std::fmt::Debug for PgStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The pool's own Debug would print the URL with its password.
        f.debug_struct("PgStore").field("pool", &self.pool_state()).finish_non_exhaustive()
    }
}

impl TenancyStore for PgStore {
    fn begin(&self, scope: &Scope) -> Result<Box<dyn TenancyTx>, StoreError> {
        Ok(Box::new(self.open(scope)?))
    }
}

impl BookingStore for PgStore {
    fn begin(&self, scope: &Scope) -> Result<Box<dyn BookingTx>, StoreError> {
        Ok(Box::new(self.open(scope)?))
    }
}

impl MetricsStore for PgStore {
    fn begin(&self, scope: &Scope) -> Result<Box<dyn MetricsTx>, StoreError> {
        Ok(Box::new(self.open(scope)?))
    }
}

impl ClinicalStore for PgStore {
    fn begin(&self, scope: &Scope) -> Result<Box<dyn ClinicalTx>, StoreError> {
        Ok(Box::new(self.open(scope)?))
    }
}

impl RotationStore for PgStore {
    fn begin(&self, scope: &Scope) -> Result<Box<dyn KeyTx>, StoreError> {
        Ok(Box::new(self.open(scope)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libpq_waits_for_no_machine_that_is_gone() {
        let limits =
            "connect_timeout=3&keepalives_idle=10&keepalives_interval=5&keepalives_count=2&tcp_user_timeout=20000";
        assert_eq!(with_time_limits("postgres://db/care"), format!("postgres://db/care?{limits}"));
        let two = "postgres://app:pw@a,b:5433/care?target_session_attrs=read-write";
        assert_eq!(with_time_limits(two), format!("{two}&{limits}"), "of several hosts too");
        let own = "postgres://db/care?connect_timeout=9&tcp_user_timeout=1";
        let others = "keepalives_idle=10&keepalives_interval=5&keepalives_count=2";
        assert_eq!(with_time_limits(own), format!("{own}&{others}"), "what the operator says holds");
    }
}
