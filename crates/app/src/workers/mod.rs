//! Background work: threads that send letters and run the recurring jobs until they are told to stop.
mod audit;
mod jobs;
mod letters;
mod live;

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{Builder, JoinHandle},
    time::Duration,
};

use huntzen_booking::jobs::BookingJobs;
use huntzen_clinical::{
    call::Calling,
    conversation::{RoomFeed, UnreadMail},
    retention::CareDiscarding,
};
use huntzen_metrics::{ReleaseClosing, StatementKeeping, reconciliation::Reconciling};
use huntzen_tenancy::{
    audit::ChainLinking,
    clock::Clock,
    content::VisitCounting,
    erasure::Erasing,
    files::{FileRemoval, ObjectStorage},
    ids::UserId,
    live::LiveFeed,
    outbox::LetterDispatch,
    retention::Discarding,
};

use crate::{config::Jobs, erasures::ErasureLedger, realtime::Hub, telemetry::meters::Meters};

/// What the background threads do.
pub struct Tasks {
    /// Sends letters.
    pub dispatch: LetterDispatch,
    /// Recurs on consultations.
    pub booking: BookingJobs,
    /// Recurs on conversations.
    pub unread: UnreadMail,
    /// Tells connected people what happens,
    pub feed: LiveFeed,
    /// and what was said,
    pub rooms: RoomFeed,
    /// who are connected here.
    pub hub: Arc<Hub>,
    /// Ends calls that nobody answers.
    pub calling: Calling,
    /// Links the audit trail.
    pub chains: ChainLinking,
    /// Closes statements.
    pub statements: StatementKeeping,
    /// Closes companies' months.
    pub releases: ReleaseClosing,
    /// Compares counters with what they count.
    pub reconciling: Reconciling,
    /// Forgets visits of articles.
    pub visits: VisitCounting,
    /// Removes the bytes of files that are gone,
    pub file_removal: FileRemoval,
    /// from here.
    pub storage: Arc<dyn ObjectStorage>,
    /// Erases who asked for it.
    pub erasing: Erasing,
    /// Remembers who was erased outside the database.
    pub ledger: ErasureLedger,
    /// Discards what is kept no longer,
    pub discarding: Discarding,
    /// and what was said in confidence.
    pub care_discarding: CareDiscarding,
    /// Has this node forget the sessions of an account.
    pub forget: Forget,
    /// Counts what is done.
    pub meters: Meters,
}

/// Has this node forget the sessions of an account.
pub type Forget = Box<dyn Fn(UserId) + Send>;

/// How long a worker that has panicked rests before it begins anew.
const REST: Duration = Duration::from_secs(1);

/// The running background threads.
#[derive(Debug)]
pub struct Workers {
    bell: Arc<Bell>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts the letter worker, the live worker, the job runner and the linker of the audit trail;
    /// `bell` wakes the first two.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(bell: Arc<Bell>, tasks: Tasks, schedules: Jobs, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let Tasks { dispatch, feed, rooms, hub, calling, chains, .. } = &tasks;
        let (dispatch, feed, rooms, hub, calling, chains) =
            (dispatch.clone(), feed.clone(), rooms.clone(), Arc::clone(hub), calling.clone(), chains.clone());
        let live_clock = Arc::clone(&clock);
        let live_worker = tended("live", &bell, move |bell| {
            live::work(bell, (&feed, &rooms), &calling, &hub, live_clock.as_ref());
        })?;
        let meters = tasks.meters.clone();
        let letter_worker = tended("letters", &bell, move |bell| letters::work(bell, &dispatch, &meters))?;
        let linker = tended("audit", &bell, move |bell| audit::work(bell, &chains))?;
        let work = jobs::Work::of(tasks)?;
        let job_runner = tended("jobs", &bell, move |bell| jobs::work(bell, &work, &schedules, clock.as_ref()))?;
        Ok(Self { bell, threads: vec![letter_worker, live_worker, job_runner, linker] })
    }

    /// Lets every worker finish what it has in hand, and waits for it.
    pub fn stop(self) {
        self.bell.close();
        for thread in self.threads {
            // None panics: its work is caught.
            let _ = thread.join();
        }
    }
}

/// A thread that works until the bell is closed. Work that panics begins anew: a defect that one letter or one
/// room brings out ends neither all letters nor every call.
fn tended(name: &'static str, bell: &Arc<Bell>, work: impl Fn(&Bell) + Send + 'static) -> io::Result<JoinHandle<()>> {
    let bell = Arc::clone(bell);
    Builder::new().name(name.to_owned()).spawn(move || {
        // What workers share with others is sound after a panic; what is their own begins anew.
        while catch_unwind(AssertUnwindSafe(|| work(&bell))).is_err() && bell.pause(REST) {
            tracing::error!(worker = name, "a worker had panicked and begins anew");
        }
    })
}

/// Wakes the workers that send when there may be something to send, and tells all when to stop.
#[derive(Debug, Default)]
pub struct Bell {
    state: Mutex<BellState>,
    rung: Condvar,
}

#[derive(Debug, Default)]
struct BellState {
    closing: bool,
    rings: u64,
}

impl Bell {
    /// There may be a letter to send.
    pub fn ring(&self) {
        let mut state = self.state();
        state.rings = state.rings.wrapping_add(1);
        drop(state);
        self.rung.notify_all();
    }

    fn close(&self) {
        self.state().closing = true;
        self.rung.notify_all();
    }

    /// Waits at most `time` for the end; `false` once it has come.
    fn pause(&self, time: Duration) -> bool {
        let (state, _) = self
            .rung
            .wait_timeout_while(self.state(), time, |state| !state.closing)
            .unwrap_or_else(PoisonError::into_inner);
        !state.closing
    }

    /// Waits at most `time` for a ring that the worker has not `heard`, or for the end; `false`
    /// once the end has come.
    fn listen(&self, heard: &mut u64, time: Duration) -> bool {
        let (state, _) = self
            .rung
            .wait_timeout_while(self.state(), time, |state| !state.closing && state.rings == *heard)
            .unwrap_or_else(PoisonError::into_inner);
        *heard = state.rings;
        !state.closing
    }

    /// A panic elsewhere leaves a boolean and a number whole, so poisoning means nothing here.
    fn state(&self) -> MutexGuard<'_, BellState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_worker_that_panics_begins_anew_until_the_end() {
        let bell = Arc::new(Bell::default());
        let (tell, begun) = channel();
        let heard = Mutex::new(0);
        let worker = tended("tested", &bell, move |bell| {
            tell.send(()).unwrap();
            let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            bell.listen(&mut heard, Duration::from_mins(10));
            assert!(bell.state().closing, "on purpose");
        });
        begun.recv().unwrap();
        bell.ring();
        begun.recv_timeout(Duration::from_mins(1)).unwrap();
        bell.close();
        worker.unwrap().join().unwrap();
        assert!(begun.recv().is_err(), "it began again after the end");
    }
}
