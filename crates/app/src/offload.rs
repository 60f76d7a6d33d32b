//! The bridge from the asynchronous edge to the synchronous core: two bounded lanes of threads.
use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use actix_web::web;
use prometheus_client::metrics::{counter::Counter, histogram::Histogram};
use tokio::{sync::Semaphore, time::timeout};

use crate::{
    http::problem::{Code, Problem},
    telemetry::meters::waits,
};

/// How long a request may wait for its use cases before it is answered 503; of a long request, how long
/// after it last came further.
pub const PATIENCE: Duration = Duration::from_millis(3_500);

/// Which threads a use case runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Everything that does not hash a password.
    General,
    /// Use cases that hash or compare passwords: slow on purpose, so kept apart.
    Password,
}

/// How many use cases each lane runs and queues at once, over all workers of the process.
#[derive(Clone, Copy, Debug)]
pub struct LaneSizes {
    /// General use cases that run: as many as the pool has connections.
    pub general_running: usize,
    /// General use cases that wait for their turn.
    pub general_waiting: usize,
    /// Hashing use cases that run: one for every two cores.
    pub password_running: usize,
    /// Hashing use cases that wait for their turn.
    pub password_waiting: usize,
}

impl LaneSizes {
    /// The sizes for a pool of `connections` on a machine with `cores`.
    pub fn of(connections: usize, cores: usize) -> Self {
        Self {
            general_running: connections.max(1),
            general_waiting: 256,
            password_running: (cores / 2).max(1),
            password_waiting: 64,
        }
    }
}

/// The two lanes; shared by all workers.
#[derive(Debug)]
pub struct Lanes {
    general: Gate,
    password: Gate,
}

#[derive(Debug)]
struct Gate {
    admitted: Arc<Semaphore>,
    running: Arc<Semaphore>,
    /// As many as may run, and as may run or wait.
    sizes: [usize; 2],
    pace: Arc<Pace>,
    refused: Counter,
    late: Counter,
    waits: Histogram,
}

impl Gate {
    fn new(running: usize, waiting: usize) -> Self {
        let admitted = running.saturating_add(waiting);
        Self {
            admitted: Arc::new(Semaphore::new(admitted)),
            running: Arc::new(Semaphore::new(running)),
            sizes: [running, admitted],
            pace: Arc::default(),
            refused: Counter::default(),
            late: Counter::default(),
            waits: waits(),
        }
    }

    fn reading(&self, name: &'static str) -> LaneReading {
        let [most_running, most] = self.sizes;
        let taken = |most: usize, free: usize| u64::try_from(most.saturating_sub(free)).unwrap_or(u64::MAX);
        let running = taken(most_running, self.running.available_permits());
        LaneReading {
            name,
            running,
            waiting: taken(most, self.admitted.available_permits()).saturating_sub(running),
            capacity: taken(most_running, 0),
            refused: self.refused.get(),
            late: self.late.get(),
            waits: self.waits.clone(),
        }
    }
}

/// How long the use cases of a lane take: an average, in microseconds, in which the last few weigh most.
#[derive(Debug, Default)]
struct Pace(AtomicU64);

impl Pace {
    /// The time that a use case needs to be over before its client hears 503: twice the average, and never
    /// more than half of what is left, so that a lane that was slow once finds out that it no longer is.
    fn needed(&self, left: Duration) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed)).saturating_mul(2).min(left / 2)
    }

    /// Two that end at once may forget one another: it is an average.
    fn took(&self, time: Duration) {
        let (average, time) = (self.0.load(Ordering::Relaxed), u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
        self.0.store(average - average / 8 + time / 8, Ordering::Relaxed);
    }
}

/// How a lane does.
#[derive(Clone, Debug)]
pub struct LaneReading {
    /// Its name.
    pub name: &'static str,
    /// Use cases that run.
    pub running: u64,
    /// Use cases that wait for their turn.
    pub waiting: u64,
    /// Use cases that may run at once.
    pub capacity: u64,
    /// Use cases that were refused since the start, because the queue was full.
    pub refused: u64,
    /// Use cases that were given up since the start, because their time was up or too short to begin; one
    /// that runs goes on.
    pub late: u64,
    /// How long use cases waited for their turn, in seconds.
    pub waits: Histogram,
}

impl Lanes {
    /// Lanes of these sizes.
    pub fn new(sizes: LaneSizes) -> Self {
        Self {
            general: Gate::new(sizes.general_running, sizes.general_waiting),
            password: Gate::new(sizes.password_running, sizes.password_waiting),
        }
    }

    /// How the lanes do: the general one, and that of what hashes.
    pub fn readings(&self) -> [LaneReading; 2] {
        [self.general.reading("general"), self.password.reading("password")]
    }

    fn gate(&self, lane: Lane) -> &Gate {
        match lane {
            Lane::General => &self.general,
            Lane::Password => &self.password,
        }
    }
}

/// What a request has left of its waiting time, over all that it waits for together; reading its
/// body does not count.
#[derive(Debug)]
pub struct Patience(Cell<Duration>);

impl Default for Patience {
    fn default() -> Self {
        Self(Cell::new(PATIENCE))
    }
}

impl Patience {
    /// What is left of the time in which the request is answered, one way or the other.
    pub fn left(&self) -> Duration {
        self.0.get()
    }

    /// Waits for something that is no use case, and counts for how long; whoever asks bounds it by what is left.
    pub async fn wait_for<F: Future>(&self, what: F) -> F::Output {
        let begun = Instant::now();
        let outcome = what.await;
        self.0.set(self.left().saturating_sub(begun.elapsed()));
        outcome
    }

    /// Begins anew: the request has come further.
    pub fn renew(&self) {
        self.0.set(PATIENCE);
    }
}

/// Runs a whole use case on a thread of `lane`. This holds the workspace's only `web::block`.
///
/// A use case whose turn comes too late to be over before the request is answered is not started: else a
/// queue that is longer than the patience would have every thread work for nobody. One that runs is never
/// interrupted, so its writes may be kept although the answer was 503.
///
/// # Errors
/// `overloaded` when the lane's queue is full or the patience ran out, with a cause when the use case had begun;
/// `internal` when it panicked; else what it refused with.
#[expect(clippy::disallowed_methods, reason = "this is the one place that may block, within its bounds")]
pub async fn offload<T, E, F>(lanes: &Lanes, lane: Lane, patience: &Patience, use_case: F) -> Result<T, Problem>
where
    T: Send + 'static,
    E: Send + 'static,
    Problem: From<E>,
    F: FnOnce() -> Result<T, E> + Send + 'static,
{
    let gate = lanes.gate(lane);
    let Ok(admitted) = Arc::clone(&gate.admitted).try_acquire_owned() else {
        gate.refused.inc();
        return Err(Problem::new(Code::Overloaded));
    };
    let (running, pace, waits) = (Arc::clone(&gate.running), Arc::clone(&gate.pace), gate.waits.clone());
    let left = patience.left();
    let begun = Instant::now();
    let is_started = Arc::new(AtomicBool::new(false));
    let starting = Arc::clone(&is_started);
    let work = async move {
        let turn = running.acquire_owned().await;
        web::block(move || {
            // Held by the thread, so that an abandoned use case still counts until it ends.
            let _held = (admitted, turn);
            let waited = begun.elapsed();
            waits.observe(waited.as_secs_f64());
            if waited + pace.needed(left) > left {
                return None;
            }
            starting.store(true, Ordering::Relaxed);
            let started = Instant::now();
            let done = use_case();
            pace.took(started.elapsed());
            Some(done)
        })
        .await
    };
    let outcome = timeout(left, work).await;
    patience.0.set(left.saturating_sub(begun.elapsed()));
    match outcome {
        Ok(Ok(Some(done))) => done.map_err(Problem::from),
        Ok(Ok(None)) => {
            gate.late.inc();
            Err(Problem::new(Code::Overloaded))
        }
        Err(elapsed) => {
            gate.late.inc();
            let problem = Problem::new(Code::Overloaded);
            // One that has begun may stand still for a reason that has to be looked at.
            Err(if is_started.load(Ordering::Relaxed) { problem.because(elapsed) } else { problem })
        }
        Ok(Err(lost)) => Err(Problem::internal(lost)),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use std::{error::Error as _, sync::mpsc};

    use super::*;

    fn lanes(running: usize, waiting: usize) -> Lanes {
        Lanes::new(LaneSizes {
            general_running: running,
            general_waiting: waiting,
            password_running: 1,
            password_waiting: 0,
        })
    }

    #[actix_web::test]
    async fn a_full_lane_refuses_and_leaves_the_other_alone() {
        let lanes = lanes(1, 0);
        let (release, held) = mpsc::channel::<()>();
        let patience = Patience::default();
        let slow = offload(&lanes, Lane::General, &patience, move || {
            held.recv().unwrap();
            Ok::<_, Problem>(1)
        });
        let others = async {
            tokio::task::yield_now().await;
            let patience = Patience::default();
            let refused = offload(&lanes, Lane::General, &patience, || Ok::<_, Problem>(2)).await.unwrap_err();
            assert_eq!((refused.code(), refused.source().is_none()), (Code::Overloaded, true));
            let other = offload(&lanes, Lane::Password, &patience, || Ok::<_, Problem>(3)).await;
            assert_eq!(other.unwrap(), 3);
            let [general, password] = lanes.readings();
            assert_eq!((general.running, general.waiting, general.capacity, general.refused), (1, 0, 1, 1));
            assert_eq!((password.running, password.waiting, password.refused), (0, 0, 0));
            release.send(()).unwrap();
        };
        let (slow, ()) = futures_util::future::join(slow, others).await;
        assert_eq!(slow.unwrap(), 1);
        let after = offload(&lanes, Lane::General, &Patience::default(), || Ok::<_, Problem>(4)).await;
        assert_eq!(after.unwrap(), 4);
    }

    #[actix_web::test]
    async fn patience_ends_the_wait_and_keeps_the_place_taken_until_the_thread_ends() {
        let lanes = lanes(1, 0);
        let (release, held) = mpsc::channel::<()>();
        let short = Patience(Cell::new(Duration::from_millis(20)));
        let late = offload(&lanes, Lane::General, &short, move || {
            held.recv().unwrap();
            Ok::<_, Problem>(())
        });
        let problem = late.await.unwrap_err();
        assert_eq!((problem.code(), problem.source().is_some()), (Code::Overloaded, true), "it had begun");
        assert_eq!(short.left(), Duration::ZERO);
        let [general, _] = lanes.readings();
        assert_eq!((general.running, general.late), (1, 1));
        release.send(()).unwrap();
        let freed = lanes.general.running.acquire().await;
        assert!(freed.is_ok());
    }

    #[actix_web::test]
    async fn all_that_is_waited_for_is_counted() {
        let patience = Patience::default();
        patience.wait_for(tokio::time::sleep(Duration::from_millis(20))).await;
        let left = patience.left();
        assert!(left + Duration::from_millis(20) <= PATIENCE, "{left:?}");
        let lanes = lanes(1, 0);
        let use_case = || {
            std::thread::sleep(Duration::from_millis(20));
            Ok::<_, Problem>(())
        };
        offload(&lanes, Lane::General, &patience, use_case).await.unwrap();
        assert!(patience.left() + Duration::from_millis(20) <= left, "{:?}", patience.left());
        patience.renew();
        assert_eq!(patience.left(), PATIENCE);
    }

    #[actix_web::test]
    async fn what_could_not_be_over_in_time_is_not_begun() {
        let lanes = lanes(1, 1);
        lanes.general.pace.took(Duration::from_hours(1));
        let (release, held) = mpsc::channel::<()>();
        let patience = Patience::default();
        let first = offload(&lanes, Lane::General, &patience, move || {
            held.recv().unwrap();
            Ok::<_, Problem>(())
        });
        let short = Patience(Cell::new(Duration::from_millis(400)));
        let second = offload(&lanes, Lane::General, &short, || Ok::<_, Problem>(()));
        let releasing = async {
            // More than half of what the second has.
            tokio::time::sleep(Duration::from_millis(250)).await;
            release.send(()).unwrap();
        };
        let (first, second, ()) = futures_util::future::join3(first, second, releasing).await;
        assert_eq!((first.is_ok(), second.unwrap_err().code()), (true, Code::Overloaded));
        // A lane that is idle begins whatever comes, however slow it was.
        assert!(offload(&lanes, Lane::General, &Patience::default(), || Ok::<_, Problem>(())).await.is_ok());
    }

    #[test]
    fn the_pace_follows_what_use_cases_take() {
        let pace = Pace::default();
        assert_eq!(pace.needed(PATIENCE), Duration::ZERO);
        (0..64).for_each(|_| pace.took(Duration::from_millis(200)));
        let needed = pace.needed(PATIENCE);
        assert!(needed > Duration::from_millis(390) && needed <= Duration::from_millis(400), "{needed:?}");
        pace.took(Duration::from_hours(1));
        assert_eq!(pace.needed(PATIENCE), PATIENCE / 2);
        (0..128).for_each(|_| pace.took(Duration::from_millis(1)));
        assert!(pace.needed(PATIENCE) < Duration::from_millis(5));
    }

    #[actix_web::test]
    async fn what_nobody_waits_for_any_more_is_dropped() {
        let lanes = lanes(1, 0);
        let (release, held) = mpsc::channel::<()>();
        let short = Patience(Cell::new(Duration::from_millis(20)));
        let (done, dropped) = mpsc::sync_channel::<()>(0);
        let late = offload(&lanes, Lane::General, &short, move || {
            held.recv().unwrap();
            Ok::<_, Problem>(done)
        });
        assert_eq!(late.await.unwrap_err().code(), Code::Overloaded);
        release.send(()).unwrap();
        assert_eq!(dropped.recv_timeout(PATIENCE), Err(mpsc::RecvTimeoutError::Disconnected));
    }

    #[actix_web::test]
    async fn a_panic_is_an_internal_problem_and_frees_the_lane() {
        let lanes = lanes(1, 0);
        let patience = Patience::default();
        let panicked = offload(&lanes, Lane::General, &patience, || {
            assert!(std::hint::black_box(false), "on purpose");
            Ok::<_, Problem>(())
        });
        assert_eq!(panicked.await.unwrap_err().code(), Code::Internal);
        assert_eq!(lanes.general.running.available_permits(), 1);
    }
}
