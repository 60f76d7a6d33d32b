//! Tests of what is told of a service that is well, degraded or down, and of one that hangs.

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
    redis: Option<bool>,
    held: Option<Mutex<mpsc::Receiver<()>>>,
    held_by_redis: Option<Mutex<mpsc::Receiver<()>>>,
    asked: AtomicUsize,
}

impl Database {
    fn new(answers: bool, oldest: Option<SignedDuration>) -> Self {
        Self {
            answers,
            oldest,
            compared_at: NOW,
            differing: 0,
            redis: None,
            held: None,
            held_by_redis: None,
            asked: AtomicUsize::new(0),
        }
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

    fn unlinked(&self) -> Result<u64, StoreError> {
        Ok(3)
    }

    fn last_backup(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(Some(NOW))
    }

    fn has_redis(&self) -> bool {
        self.redis.is_some() || self.held_by_redis.is_some()
    }

    fn redis(&self) -> Option<Result<(), StoreError>> {
        if let Some(held) = &self.held_by_redis {
            held.lock().unwrap().recv().unwrap();
        }
        self.redis.map(|answers| if answers { Ok(()) } else { Err(StoreError::Unavailable("gone".into())) })
    }

    fn pool(&self) -> Pool {
        Pool::default()
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
async fn counters_that_differ_or_that_nobody_compares_are_told_to_operators_alone() {
    let hours = SignedDuration::from_hours;
    for (differing, age, standing) in [(0, 25, Standing::Ok), (1, 0, Standing::Degraded), (0, 26, Standing::Degraded)] {
        let database = Database { differing, compared_at: NOW - hours(age), ..Database::new(true, None) };
        let report = health(Arc::new(database), None, PATIENCE).check().await;
        assert_eq!((report.reconciliation, report.status_for_operators()), (standing, standing));
        assert_eq!(report.status(), Standing::Ok);
    }
}

#[actix_web::test]
async fn redis_degrades_the_service_and_never_takes_it_down() {
    for (redis, told, status) in [
        (None, None, Standing::Ok),
        (Some(true), Some(Standing::Ok), Standing::Ok),
        (Some(false), Some(Standing::Degraded), Standing::Degraded),
    ] {
        let report = health(Arc::new(Database { redis, ..Database::new(true, None) }), None, PATIENCE).check().await;
        assert_eq!((report.redis, report.status()), (told, status));
    }
    // Silence of Redis is no silence of the database.
    let (release, held) = mpsc::channel();
    let database = Database { held_by_redis: Some(Mutex::new(held)), ..Database::new(true, None) };
    let report = health(Arc::new(database), None, Duration::from_millis(50)).check().await;
    let redis = Some(Standing::Degraded);
    assert_eq!((report.database, report.disk, report.redis), (Standing::Ok, Standing::Ok, redis));
    assert_eq!(report.status(), Standing::Degraded);
    drop(release);
}

#[actix_web::test]
async fn what_is_found_is_told_with_how_it_does() {
    let (age, differing) = (SignedDuration::from_mins(20), 2);
    let database = Database { differing, ..Database::new(true, Some(age)) };
    let figures = health(Arc::new(database), None, PATIENCE).check().await.figures;
    assert_eq!((figures.outbox.map(|backlog| backlog.waiting), figures.oldest), (Some(1), age));
    assert_eq!((figures.unlinked, figures.reconciliation.map(|last| last.differing)), (Some(3), Some(2)));
    let figures = health(Arc::new(Database::new(false, None)), None, PATIENCE).check().await.figures;
    assert_eq!(figures, Figures::default());
}

#[test]
fn a_glance_never_waits_and_tells_silence_as_it_is() {
    let (release, held) = mpsc::channel();
    let database = Arc::new(Database { held: Some(Mutex::new(held)), ..Database::new(true, None) });
    let health = health(Arc::clone(&database), None, Duration::from_millis(50));
    let deadline = Instant::now() + Duration::from_secs(10);
    let until = |wanted: Option<Standing>| {
        while health.glance(Duration::ZERO).map(|report| report.database) != wanted {
            assert!(Instant::now() < deadline, "{wanted:?} never came");
            thread::sleep(Duration::from_millis(1));
        }
    };
    assert_eq!(health.glance(Duration::ZERO), None, "nobody has answered yet");
    until(Some(Standing::Down));
    assert_eq!(database.asked.load(Ordering::SeqCst), 1, "one round at a time");
    release.send(()).unwrap();
    drop(release);
    until(Some(Standing::Ok));
    // While it is young enough, nobody is asked again.
    let asked = database.asked.load(Ordering::SeqCst);
    assert!((0..100).all(|_| health.glance(Duration::from_mins(1)).is_some()));
    assert!(database.asked.load(Ordering::SeqCst) <= asked + 1);
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
