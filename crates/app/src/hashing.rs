//! Passwords hashed on threads that give way to every other: a storm of sign-ins takes idle time first.
use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Mutex, MutexGuard, Once, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Sender, channel},
    },
    thread::{self, Builder},
    time::{Duration, Instant},
};

use huntzen_tenancy::{
    TenancyError,
    identity::{HashedPassword, PasswordHasher},
};
use secrecy::SecretString;

/// How long idle time is waited for.
const IDLE_TIME: Duration = Duration::from_millis(500);
/// The highest cost of bcrypt that is over by then on an idle core: some 200 ms. Each step doubles it.
const HIGHEST_COST: u32 = 12;
/// For how long no idle time is looked for once there was none.
const BUSY_FOR: Duration = Duration::from_secs(10);
/// How far hashing gives way that found no idle time (POSIX `nice`). Against a busy thread of the usual weight it
/// still gets a quarter of a core on Linux, so that people can sign in to a server that has all hands full.
const NICENESS: i32 = 5;
/// What a thread needs that only hashes: bcrypt keeps 4 KiB of state.
const STACK: usize = 128 * 1024;

/// A hasher whose work gives way to everything else that the process does.
///
/// One hash at a time takes time that nobody else wants, which any thread that wakes takes back at once. A machine that
/// has none to spare would keep it waiting for ever: then the same is done again at a lower weight, as is whatever
/// comes in the next seconds, and whichever is first counts. What was left behind in idle time goes on there until it
/// is done. Others that come meanwhile work at the lower weight.
///
/// How many work at once is the business of the lane that the use case runs in.
pub struct GivingWay<H> {
    hasher: Arc<H>,
    idle_time: Duration,
    is_cheap: bool,
    is_idling: Arc<AtomicBool>,
    /// Since when there is no idle time, as far as is known.
    busy_since: Mutex<Option<Instant>>,
}

impl<H: PasswordHasher + 'static> GivingWay<H> {
    /// Over this hasher, whose hashes take as long as bcrypt of this cost.
    pub fn new(hasher: H, cost: u32) -> Self {
        Self {
            hasher: Arc::new(hasher),
            idle_time: IDLE_TIME,
            is_cheap: cost <= HIGHEST_COST,
            is_idling: Arc::default(),
            busy_since: Mutex::default(),
        }
    }

    /// Idle time, unless somebody takes it already or there is none, or not enough for what a hash costs.
    fn idle_time(&self) -> Option<Idling> {
        let is_busy = self.busy_since().is_some_and(|since| since.elapsed() < BUSY_FOR);
        let is_free = class::HAS_IDLE && self.is_cheap && !is_busy && !self.is_idling.swap(true, Ordering::AcqRel);
        is_free.then(|| Idling(Arc::clone(&self.is_idling)))
    }

    /// An instant is sound also after a panic elsewhere, so poisoning means nothing here.
    fn busy_since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.busy_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works on threads of their own, since one that has given way may not come back without a privilege.
    fn apart<T: Send + 'static>(
        &self,
        work: impl Fn(&H) -> Result<T, TenancyError> + Send + Sync + 'static,
    ) -> Result<T, TenancyError> {
        let hasher = Arc::clone(&self.hasher);
        let work = Arc::new(move || work(&hasher));
        let (tell, told) = channel();
        if let Some(idling) = self.idle_time() {
            begin(class::idle, Arc::clone(&work), tell.clone(), Some(idling))?;
            if let Ok(outcome) = told.recv_timeout(self.idle_time) {
                return outcome.unwrap_or_else(|panicked| resume_unwind(panicked));
            }
            *self.busy_since() = Some(Instant::now());
        }
        begin(class::nice, work, tell, None)?;
        let outcome = told.recv().map_err(|lost| TenancyError::Hashing(Box::new(lost)))?;
        outcome.unwrap_or_else(|panicked| resume_unwind(panicked))
    }
}

impl<H: PasswordHasher + 'static> PasswordHasher for GivingWay<H> {
    fn hash(&self, password: &SecretString) -> Result<HashedPassword, TenancyError> {
        let password = password.clone();
        self.apart(move |hasher| hasher.hash(&password))
    }

    fn matches(&self, password: &SecretString, hash: Option<&HashedPassword>) -> Result<bool, TenancyError> {
        let (password, hash) = (password.clone(), hash.cloned());
        self.apart(move |hasher| hasher.matches(&password, hash.as_ref()))
    }
}

/// Idle time is taken for as long as this lives.
struct Idling(Arc<AtomicBool>);

impl Drop for Idling {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// The system does not let hashing give way, which is told once.
static UNHEEDED: Once = Once::new();

type Outcome<T> = thread::Result<Result<T, TenancyError>>;

/// Begins a thread that gives way in this manner, works, and tells what came of it.
fn begin<T: Send + 'static>(
    give_way: fn() -> io::Result<()>,
    work: Arc<impl Fn() -> Result<T, TenancyError> + Send + Sync + 'static>,
    tell: Sender<Outcome<T>>,
    until_done: Option<Idling>,
) -> Result<(), TenancyError> {
    let thread = Builder::new().name("hashing".to_owned()).stack_size(STACK).spawn(move || {
        if let Err(error) = give_way() {
            UNHEEDED.call_once(|| {
                tracing::warn!(error = &error as &dyn std::error::Error, "hashing keeps the usual priority");
            });
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| work()));
        drop(until_done);
        // Nobody listens when the other one was first.
        let _ = tell.send(outcome);
    });
    thread.map(drop).map_err(|error| TenancyError::Hashing(Box::new(error)))
}

/// How threads give way on Linux, where priorities are those of threads, unlike POSIX.
#[cfg(target_os = "linux")]
mod class {
    use std::io;

    use rustix::process::{getpriority_process, setpriority_process};
    use thread_priority::{
        NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
        thread_native_id, thread_schedule_policy,
    };

    pub(super) const HAS_IDLE: bool = true;

    /// Takes time that nobody else wants, from now on (sched(7): `SCHED_IDLE`); where that is forbidden, less than
    /// others.
    pub(super) fn idle() -> io::Result<()> {
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        // It sets a niceness as well, which has no effect then and may be refused.
        let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle);
        if thread_schedule_policy().is_ok_and(|policy| policy == idle) { Ok(()) } else { nice() }
    }

    /// Takes less than others, unless this process does already.
    pub(super) fn nice() -> io::Result<()> {
        if getpriority_process(None)? < super::NICENESS {
            setpriority_process(None, super::NICENESS)?;
        }
        Ok(())
    }
}

/// Elsewhere the calls are for the whole process.
#[cfg(not(target_os = "linux"))]
mod class {
    use std::io;

    pub(super) const HAS_IDLE: bool = false;

    pub(super) fn idle() -> io::Result<()> {
        Ok(())
    }

    pub(super) fn nice() -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use std::sync::mpsc::Receiver;

    #[cfg(target_os = "linux")]
    use thread_priority::{NormalThreadSchedulePolicy, ThreadSchedulePolicy, thread_schedule_policy};

    use super::*;

    /// Whether a thread takes idle time alone, and its niceness otherwise.
    #[cfg(target_os = "linux")]
    fn way() -> Option<i32> {
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        let is_idle = thread_schedule_policy().unwrap() == idle;
        (!is_idle).then(|| rustix::process::getpriority_process(None).unwrap())
    }

    #[cfg(not(target_os = "linux"))]
    fn way() -> Option<i32> {
        Some(0)
    }

    /// Remembers how the threads give way that it is asked on, and has those in idle time wait for leave when there is
    /// somebody to give it.
    #[derive(Default)]
    struct Watched {
        seen: Arc<Mutex<Vec<Option<i32>>>>,
        leave: Option<Mutex<Receiver<()>>>,
    }

    impl Watched {
        fn look(&self) {
            self.seen.lock().unwrap().push(way());
            if let Some(leave) = self.leave.as_ref().filter(|_| way().is_none()) {
                leave.lock().unwrap().recv().unwrap();
            }
        }
    }

    impl PasswordHasher for Watched {
        fn hash(&self, _: &SecretString) -> Result<HashedPassword, TenancyError> {
            self.look();
            Ok(HashedPassword::from_stored("hashed".to_owned()))
        }

        fn matches(&self, password: &SecretString, hash: Option<&HashedPassword>) -> Result<bool, TenancyError> {
            self.look();
            assert!(hash.is_some(), "on purpose");
            Ok(secrecy::ExposeSecret::expose_secret(password) == hash.map_or("", HashedPassword::as_str))
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn hashing_takes_idle_time_and_the_caller_does_not() {
        let before = way();
        let watched = Watched::default();
        let seen = Arc::clone(&watched.seen);
        // A busy machine may take its time.
        let hasher = GivingWay { idle_time: Duration::from_mins(10), ..GivingWay::new(watched, 10) };
        let hash = hasher.hash(&SecretString::from("word")).unwrap();
        assert!(hasher.matches(&SecretString::from("hashed"), Some(&hash)).unwrap());
        assert!(!hasher.matches(&SecretString::from("other"), Some(&hash)).unwrap());
        assert_eq!(*seen.lock().unwrap(), [None; 3]);
        assert_eq!(way(), before);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn where_there_is_no_idle_time_hashing_takes_its_share() {
        let (give_leave, leave) = channel();
        let watched = Watched { leave: Some(Mutex::new(leave)), ..Watched::default() };
        let seen = Arc::clone(&watched.seen);
        let hasher = GivingWay { idle_time: Duration::from_millis(1), ..GivingWay::new(watched, 10) };
        // A process that is nicer than that already stays so.
        let share = way().map(|niceness| niceness.max(NICENESS));
        let hash = || {
            hasher.hash(&SecretString::from("word")).unwrap();
            seen.lock().unwrap().iter().filter(|way| **way == share).count()
        };
        assert_eq!(hash(), 1);
        // What was left behind still waits, and the next one waits for nothing.
        assert_eq!((hash(), hasher.is_idling.load(Ordering::Acquire)), (2, true));
        give_leave.send(()).unwrap();
        while hasher.is_idling.load(Ordering::Acquire) {
            thread::yield_now();
        }
        assert_eq!(seen.lock().unwrap().iter().filter(|way| way.is_none()).count(), 1);
        // There was none a moment ago.
        assert_eq!((hash(), hasher.is_idling.load(Ordering::Acquire)), (3, false));
        *hasher.busy_since() = None;
        assert_eq!((hash(), hasher.is_idling.load(Ordering::Acquire)), (4, true));
        give_leave.send(()).unwrap();
    }

    #[test]
    fn no_idle_time_is_waited_for_that_would_not_suffice() {
        let waits = |cost| GivingWay::new(Watched::default(), cost).idle_time().is_some();
        assert_eq!([10, 12, 13, 16].map(waits), [class::HAS_IDLE, class::HAS_IDLE, false, false]);
    }

    #[test]
    fn a_panic_reaches_the_caller() {
        let hasher = GivingWay::new(Watched::default(), 10);
        for _ in 0..2 {
            let ask = || hasher.matches(&SecretString::from("word"), None);
            assert!(catch_unwind(AssertUnwindSafe(ask)).is_err());
        }
    }
}
