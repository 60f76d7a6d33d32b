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
}

impl HealthReport {
    /// What is said when nobody answered in time: a database that hangs is down.
    const SILENCE: Self = Self {
        database: Standing::Down,
        disk: Standing::Degraded,
        outbox: Standing::Degraded,
        reconciliation: Standing::Degraded,
    };

    /// The worst of it.
    pub fn status(self) -> Standing {
        self.database.max(self.disk).max(self.outbox).max(self.reconciliation)
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
    outcome: watch::Receiver<Option<HealthReport>>,
}

impl Health {
    /// Over this probe, clock and rules.
    pub fn new(probe: Arc<dyn Probe>, clock: Arc<dyn Clock>, rules: HealthRules) -> Self {
        Self::with_patience(probe, clock, rules, PATIENCE)
    }

    fn with_patience(probe: Arc<dyn Probe>, clock: Arc<dyn Clock>, rules: HealthRules, patience: Duration) -> Self {
        Self(Arc::new(Inner { probe, clock, rules, patience, known: Mutex::default() }))
    }

    /// A report at most a second old, within three seconds.
    pub async fn check(&self) -> HealthReport {
        let Round { begun, mut outcome } = match self.fresh_or_round() {
            Ok(report) => return report,
            Err(round) => round,
        };
        let left = self.0.patience.saturating_sub(begun.elapsed());
        match timeout(left, outcome.wait_for(Option::is_some)).await {
            Ok(Ok(report)) => report.unwrap_or(HealthReport::SILENCE),
            Ok(Err(_)) | Err(_) => HealthReport::SILENCE,
        }
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
        let (tell, outcome) = watch::channel(None);
        let health = self.clone();
        let round = move || {
            let report = health.ask();
            health.known().report = Some((report, Instant::now()));
            tell.send_replace(Some(report));
        };
        if let Err(error) = thread::Builder::new().name("health".to_owned()).spawn(round) {
            tracing::warn!(error = &error as &dyn Error, "no thread to ask for health");
        }
        Round { begun: Instant::now(), outcome }
    }

    fn ask(&self) -> HealthReport {
        let database = match self.0.probe.database() {
            Ok(()) => Standing::Ok,
            Err(error) => {
                tracing::warn!(error = &error as &dyn Error, "the database does not answer");
                Standing::Down
            }
        };
        let (outbox, reconciliation) = match database {
            Standing::Ok => (self.outbox(), self.reconciliation()),
            Standing::Degraded | Standing::Down => (Standing::Degraded, Standing::Degraded),
        };
        HealthReport { database, disk: self.0.rules.disk(), outbox, reconciliation }
    }

    fn reconciliation(&self) -> Standing {
        let now = self.0.clock.now();
        match self.0.probe.reconciliation() {
            Ok(last)
                if last.is_none_or(|last| last.differing == 0 && now.duration_since(last.at) <= LONGEST_SILENCE) =>
            {
                Standing::Ok
            }
            Ok(_) => Standing::Degraded,
            Err(error) => {
                tracing::warn!(error = &error as &dyn Error, "the reconciliation cannot be read");
                Standing::Degraded
            }
        }
    }

    fn outbox(&self) -> Standing {
        let now = self.0.clock.now();
        match self.0.probe.outbox(now) {
            Ok(Backlog { oldest, .. }) if oldest.is_none_or(|oldest| now.duration_since(oldest) <= LONGEST_WAIT) => {
                Standing::Ok
            }
            Ok(Backlog { waiting, .. }) => {
                tracing::warn!(waiting, "letters wait in the outbox");
                Standing::Degraded
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn Error, "the outbox cannot be read");
                Standing::Degraded
            }
        }
    }

    /// A report is sound even after a panic elsewhere, so poisoning means nothing here.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use std::sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    };

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    struct Stopped;

    impl Clock for Stopped {
        fn now(&self) -> Timestamp {
            NOW
        }
    }

    /// A database that is there or not, after a while if asked to, with a letter of this age and so many
    /// counters that are wrong.
    struct Database {
        answers: bool,
        oldest: Option<SignedDuration>,
        compared_at: Timestamp,
        differing: u64,
        held: Option<Mutex<mpsc::Receiver<()>>>,
        asked: AtomicUsize,
    }

    impl Database {
        fn new(answers: bool, oldest: Option<SignedDuration>) -> Self {
            Self { answers, oldest, compared_at: NOW, differing: 0, held: None, asked: AtomicUsize::new(0) }
        }
    }

    impl Probe for Database {
        fn database(&self) -> Result<(), StoreError> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if let Some(held) = &self.held {
                held.lock().unwrap().recv().unwrap();
            }
            if self.answers { Ok(()) } else { Err(StoreError::Unavailable("no route".into())) }
        }

        fn outbox(&self, now: Timestamp) -> Result<Backlog, StoreError> {
            Ok(Backlog { waiting: 1, oldest: self.oldest.map(|age| now - age) })
        }

        fn reconciliation(&self) -> Result<Option<Reconciliation>, StoreError> {
            Ok(Some(Reconciliation { at: self.compared_at, checked: 9, differing: self.differing }))
        }
    }

    fn health(database: Arc<Database>, disk_percent: Option<u8>, patience: Duration) -> Health {
        let rules = HealthRules { data_folder: std::env::temp_dir(), disk_percent };
        Health::with_patience(database, Arc::new(Stopped), rules, patience)
    }

    #[actix_web::test]
    async fn the_database_and_a_full_disk_bring_the_service_down_and_late_letters_do_not() {
        let minutes = SignedDuration::from_mins;
        for (answers, oldest, full_from, wanted) in [
            (true, None, None, (Standing::Ok, Standing::Ok, Standing::Ok)),
            (true, Some(minutes(15)), None, (Standing::Ok, Standing::Ok, Standing::Ok)),
            (true, Some(minutes(16)), None, (Standing::Ok, Standing::Ok, Standing::Degraded)),
            (true, None, Some(0), (Standing::Ok, Standing::Down, Standing::Ok)),
            (false, None, None, (Standing::Down, Standing::Ok, Standing::Degraded)),
        ] {
            let report = health(Arc::new(Database::new(answers, oldest)), full_from, PATIENCE).check().await;
            assert_eq!((report.database, report.disk, report.outbox), wanted);
            assert_eq!(report.status(), wanted.0.max(wanted.1).max(wanted.2));
        }
    }

    #[actix_web::test]
    async fn counters_that_differ_or_that_nobody_compares_degrade_the_service() {
        let hours = SignedDuration::from_hours;
        for (differing, age, standing) in
            [(0, 25, Standing::Ok), (1, 0, Standing::Degraded), (0, 26, Standing::Degraded)]
        {
            let database = Database { differing, compared_at: NOW - hours(age), ..Database::new(true, None) };
            let report = health(Arc::new(database), None, PATIENCE).check().await;
            assert_eq!((report.reconciliation, report.status()), (standing, standing));
        }
    }

    #[actix_web::test]
    async fn a_folder_that_is_gone_is_told() {
        let rules = HealthRules { data_folder: PathBuf::from("/nonexistent"), disk_percent: Some(90) };
        let health = Health::new(Arc::new(Database::new(true, None)), Arc::new(Stopped), rules);
        assert_eq!(health.check().await.disk, Standing::Degraded);
    }

    #[actix_web::test]
    async fn who_asks_often_gets_the_same_report() {
        let database = Arc::new(Database::new(true, None));
        let health = health(Arc::clone(&database), None, PATIENCE);
        for _ in 0..50 {
            assert_eq!(health.check().await.status(), Standing::Ok);
        }
        // A slow machine may need a second one, never fifty.
        assert!(database.asked.load(Ordering::SeqCst) < 10);
    }

    #[actix_web::test]
    async fn a_database_that_hangs_is_down_in_time_and_well_again_when_it_answers() {
        let (release, held) = mpsc::channel();
        let database = Database { held: Some(Mutex::new(held)), ..Database::new(true, None) };
        let database = Arc::new(database);
        let health = health(Arc::clone(&database), None, Duration::from_millis(50));
        for _ in 0..3 {
            assert_eq!(health.check().await.database, Standing::Down);
        }
        assert_eq!(database.asked.load(Ordering::SeqCst), 1, "one round at a time");
        release.send(()).unwrap();
        drop(release);
        let deadline = Instant::now() + Duration::from_secs(10);
        while health.check().await.database != Standing::Ok {
            assert!(Instant::now() < deadline, "the report never came");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[test]
    fn a_disk_is_measured_as_its_users_see_it() {
        assert_eq!(percent_used(100, 50, 50), 50);
        // A tenth is kept for the system: the rest is used up.
        assert_eq!(percent_used(100, 10, 0), 100);
        assert_eq!(percent_used(1_000, 999, 999), 1);
        assert_eq!(percent_used(0, 0, 0), 0);
    }
}
