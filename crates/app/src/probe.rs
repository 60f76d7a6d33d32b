//! Whether what the service stands on works: the database, the data disk, the outbox, the counters.
use std::{
    error::Error,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use huntzen_metrics::reconciliation::Reconciliation;
use huntzen_tenancy::{StoreError, clock::Clock, outbox::Backlog};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::{sync::watch, time::timeout};
use utoipa::ToSchema;

/// How long a report is given out again: whoever asks often does not burden what is asked about.
const FRESH_FOR: Duration = Duration::from_secs(1);
/// How long a round of questions may take before its silence is the answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// A letter that has waited longer than this shows that none leaves.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(15);

/// Counters that nobody has compared for longer than this are not known to be right.
const LONGEST_SILENCE: SignedDuration = SignedDuration::from_hours(25);

/// Asks the store how it does. The questions should not compete with requests for a connection,
/// or a busy service looks like a broken one.
pub trait Probe: Send + Sync {
    /// Has the database answer anything at all.
    ///
    /// # Errors
    /// `Unavailable` when it does not.
    fn database(&self) -> Result<(), StoreError>;

    /// What waits in the outbox at `now`.
    ///
    /// # Errors
    /// Those of the store.
    fn outbox(&self, now: Timestamp) -> Result<Backlog, StoreError>;

    /// What came of the last comparison of usage counters with what they count; none before the first.
    ///
    /// # Errors
    /// Those of the store.
    fn reconciliation(&self) -> Result<Option<Reconciliation>, StoreError>;

    /// How many entries of the audit trail have no link yet.
    ///
    /// # Errors
    /// Those of the store.
    fn unlinked(&self) -> Result<u64, StoreError>;

    /// When the last backup was made; none before the first.
    ///
    /// # Errors
    /// Those of the store.
    fn last_backup(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Whether a Redis is configured; this neither asks nor waits.
    fn has_redis(&self) -> bool;

    /// Whether Redis answers; `None` when none is configured.
    fn redis(&self) -> Option<Result<(), StoreError>>;

    /// How the pool of connections that requests share does, by what the program itself knows of it:
    /// this neither asks nor waits.
    fn pool(&self) -> Pool;
}

/// A pool of connections to the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    /// The most connections that it opens.
    pub size: u32,
    /// Connections that somebody uses.
    pub in_use: u32,
    /// Open connections that nobody uses.
    pub idle: u32,
    /// Units of work that wait for one.
    pub waiting: u32,
    /// Units of work that got none in time, since the start.
    pub failed: u64,
}

/// How something does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Well.
    Ok,
    /// Not well, or not known; the service works all the same.
    Degraded,
    /// The service cannot work.
    Down,
}

/// How everything does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthReport {
    /// Whether the database answers.
    pub database: Standing,
    /// Whether the data disk has room.
    pub disk: Standing,
    /// Whether letters leave; never worse than degraded.
    pub outbox: Standing,
    /// Whether usage counters are what they count; never worse than degraded.
    pub reconciliation: Standing,
    /// Whether Redis answers; never worse than degraded. `None` when none is configured.
    pub redis: Option<Standing>,
    /// What was found.
    pub figures: Figures,
}

/// What a round of questions found; what the database did not tell is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// What waits in the outbox.
    pub outbox: Option<Backlog>,
    /// For how long its oldest letter has waited in vain; zero when none has.
    pub oldest: SignedDuration,
    /// Entries of the audit trail without a link.
    pub unlinked: Option<u64>,
    /// The last comparison of counters; `None` before the first as well.
    pub reconciliation: Option<Reconciliation>,
    /// When the last backup was made; `None` before the first as well.
    pub last_backup: Option<Timestamp>,
}

impl HealthReport {
    /// What is said when nobody answered in time: a database that hangs is down.
    const SILENCE: Self = Self {
        database: Standing::Down,
        disk: Standing::Degraded,
        outbox: Standing::Degraded,
        reconciliation: Standing::Degraded,
        redis: None,
        figures: Figures {
            outbox: None,
            oldest: SignedDuration::ZERO,
            unlinked: None,
            reconciliation: None,
            last_backup: None,
        },
    };

    /// The worst of what the service stands on. Counters that differ are for operators to look at: the service works
    /// as well with them.
    pub fn status(self) -> Standing {
        let redis = self.redis.unwrap_or(Standing::Ok);
        self.database.max(self.disk).max(self.outbox).max(redis)
    }

    /// The worst of everything.
    pub fn status_for_operators(self) -> Standing {
        self.status().max(self.reconciliation)
    }
}

/// What counts as unhealthy.
#[derive(Clone, Debug)]
pub struct HealthRules {
    /// The folder whose disk is measured.
    pub data_folder: PathBuf,
    /// From which percentage in use that disk counts as full; `None` when it never does.
    pub disk_percent: Option<u8>,
}

impl HealthRules {
    fn disk(&self) -> Standing {
        match rustix::fs::statvfs(&self.data_folder) {
            Ok(disk) => {
                let used = percent_used(disk.f_blocks, disk.f_bfree, disk.f_bavail);
                let full = self.disk_percent.is_some_and(|most| used >= u64::from(most));
                if full { Standing::Down } else { Standing::Ok }
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn Error, "the data disk cannot be measured");
                Standing::Degraded
            }
        }
    }
}

/// What is in use of what an ordinary process may use, rounded up, as `df` has it.
fn percent_used(blocks: u64, free: u64, available: u64) -> u64 {
    let used = blocks.saturating_sub(free);
    let usable = used.saturating_add(available);
    if usable == 0 { 0 } else { used.saturating_mul(100).div_ceil(usable) }
}

/// Tells how everything does. It asks on a thread of its own, one round at a time: neither full
/// lanes keep it from answering nor does it take a place in them.
#[derive(Clone)]
pub struct Health(Arc<Inner>);

struct Inner {
    probe: Arc<dyn Probe>,
    clock: Arc<dyn Clock>,
    rules: HealthRules,
    patience: Duration,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    report: Option<(HealthReport, Instant)>,
    round: Option<Round>,
}

/// A round of questions under way; its sender is gone once it has ended, however it did.
#[derive(Clone)]
struct Round {
    begun: Instant,
    outcome: watch::Receiver<Progress>,
}

/// How far a round has come: what it knows counts, also when another answer keeps it waiting.
#[derive(Clone, Copy)]
struct Progress {
    report: HealthReport,
    is_complete: bool,
}

impl Health {
    /// Over this probe, clock and rules.
    pub fn new(probe: Arc<dyn Probe>, clock: Arc<dyn Clock>, rules: HealthRules) -> Self {
        Self::with_patience(probe, clock, rules, PATIENCE)
    }

    fn with_patience(probe: Arc<dyn Probe>, clock: Arc<dyn Clock>, rules: HealthRules, patience: Duration) -> Self {
        Self(Arc::new(Inner { probe, clock, rules, patience, known: Mutex::default() }))
    }

    /// How the pool of connections does that requests share.
    pub fn pool(&self) -> Pool {
        self.0.probe.pool()
    }

    /// A report at most a second old, within three seconds.
    pub async fn check(&self) -> HealthReport {
        let Round { begun, mut outcome } = match self.fresh_or_round() {
            Ok(report) => return report,
            Err(round) => round,
        };
        let left = self.0.patience.saturating_sub(begun.elapsed());
        // Silence and the end of a round without a report both leave what is known so far.
        let _ = timeout(left, outcome.wait_for(|progress| progress.is_complete)).await;
        outcome.borrow().report
    }

    /// The last report, without waiting: silence once a round has taken too long, `None` before the first.
    /// One that is older than `at_most` has the next round begin.
    pub fn glance(&self, at_most: Duration) -> Option<HealthReport> {
        let mut known = self.known();
        let under_way = known.round.as_ref().filter(|round| round.outcome.has_changed().is_ok());
        if let Some(round) = under_way {
            if round.begun.elapsed() >= self.0.patience {
                return Some(round.outcome.borrow().report);
            }
        } else if known.report.is_none_or(|(_, since)| since.elapsed() >= at_most) {
            known.round = Some(self.begin_round());
        }
        known.report.map(|(report, _)| report)
    }

    /// The last report while it is fresh, else the round to wait for.
    fn fresh_or_round(&self) -> Result<HealthReport, Round> {
        let mut known = self.known();
        if let Some((report, since)) = known.report
            && since.elapsed() < FRESH_FOR
        {
            return Ok(report);
        }
        let under_way = known.round.clone().filter(|round| round.outcome.has_changed().is_ok());
        let round = under_way.unwrap_or_else(|| self.begin_round());
        known.round = Some(round.clone());
        Err(round)
    }

    fn begin_round(&self) -> Round {
        // A Redis that is configured is asked about, and so told of also while it says nothing.
        let redis = self.0.probe.has_redis().then_some(Standing::Degraded);
        let silence = HealthReport { redis, ..HealthReport::SILENCE };
        let (tell, outcome) = watch::channel(Progress { report: silence, is_complete: false });
        let health = self.clone();
        let round = move || {
            health.ask(&tell);
            let report = tell.borrow().report;
            health.known().report = Some((report, Instant::now()));
            tell.send_modify(|progress| progress.is_complete = true);
        };
        if let Err(error) = thread::Builder::new().name("health".to_owned()).spawn(round) {
            tracing::warn!(error = &error as &dyn Error, "no thread to ask for health");
        }
        Round { begun: Instant::now(), outcome }
    }

    /// Asks for everything, and tells each answer as it comes: a database that hangs hides neither the disk
    /// nor Redis, and Redis not the database.
    fn ask(&self, tell: &watch::Sender<Progress>) {
        let found = |keep: &dyn Fn(&mut HealthReport)| tell.send_modify(|progress| keep(&mut progress.report));
        thread::scope(|asking| {
            let redis = || {
                let redis = self.redis();
                found(&|report| report.redis = redis);
            };
            if let Err(error) = thread::Builder::new().name("health-redis".to_owned()).spawn_scoped(asking, redis) {
                tracing::warn!(error = &error as &dyn Error, "no thread to ask Redis");
            }
            let disk = self.0.rules.disk();
            found(&|report| report.disk = disk);
            let database = self.database();
            found(&|report| report.database = database);
            if database != Standing::Ok {
                return;
            }
            let now = self.0.clock.now();
            let ((outbox, backlog), (reconciliation, last)) = (self.outbox(now), self.reconciliation(now));
            let oldest = backlog.and_then(|backlog| backlog.oldest);
            let figures = Figures {
                outbox: backlog,
                oldest: oldest.map_or(SignedDuration::ZERO, |oldest| now.duration_since(oldest)),
                unlinked: self.unlinked(),
                reconciliation: last,
                last_backup: self.last_backup(),
            };
            found(&|report| *report = HealthReport { outbox, reconciliation, figures, ..*report });
        });
    }

    fn database(&self) -> Standing {
        match self.0.probe.database() {
            Ok(()) => Standing::Ok,
            Err(error) => {
                tracing::warn!(error = &error as &dyn Error, "the database does not answer");
                Standing::Down
            }
        }
    }

    fn reconciliation(&self, now: Timestamp) -> (Standing, Option<Reconciliation>) {
        match self.0.probe.reconciliation() {
            Ok(last) => {
                let is_sound =
                    |last: Reconciliation| last.differing == 0 && now.duration_since(last.at) <= LONGEST_SILENCE;
                (if last.is_none_or(is_sound) { Standing::Ok } else { Standing::Degraded }, last)
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn Error, "the reconciliation cannot be read");
                (Standing::Degraded, None)
            }
        }
    }

    fn outbox(&self, now: Timestamp) -> (Standing, Option<Backlog>) {
        match self.0.probe.outbox(now) {
            Ok(backlog) if backlog.oldest.is_none_or(|oldest| now.duration_since(oldest) <= LONGEST_WAIT) => {
                (Standing::Ok, Some(backlog))
            }
            Ok(backlog) => {
                tracing::warn!(backlog.waiting, "letters wait in the outbox");
                (Standing::Degraded, Some(backlog))
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn Error, "the outbox cannot be read");
                (Standing::Degraded, None)
            }
        }
    }

    fn unlinked(&self) -> Option<u64> {
        let unlinked = self.0.probe.unlinked();
        unlinked
            .inspect_err(|error| {
                tracing::warn!(error = error as &dyn Error, "what waits for the audit chain cannot be counted");
            })
            .ok()
    }

    fn last_backup(&self) -> Option<Timestamp> {
        let last = self.0.probe.last_backup();
        last.unwrap_or_else(|error| {
            tracing::warn!(error = &error as &dyn Error, "when the last backup was made cannot be read");
            None
        })
    }

    fn redis(&self) -> Option<Standing> {
        self.0.probe.redis().map(|answered| match answered {
            Ok(()) => Standing::Ok,
            Err(error) => {
                tracing::warn!(error = &error as &dyn Error, "Redis does not answer");
                Standing::Degraded
            }
        })
    }

    /// A report is sound even after a panic elsewhere, so poisoning means nothing here.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
