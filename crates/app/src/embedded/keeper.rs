//! Keeps the server running: a thread that starts it, waits for it and starts it again.

use std::io;
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use super::account::Account;
use super::binaries::Binaries;
use super::error::EmbeddedError;
use super::place::Place;
use super::server;

/// How long a start may take; a crash with much work behind it takes the longest.
const START_PATIENCE: Duration = Duration::from_mins(2);

/// How long a fast shutdown may take before the server is told to drop everything.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// Pauses before starting again: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// A server that ran this long was healthy: the next pause is the first one again.
const HEALTHY: Duration = Duration::from_mins(1);

/// The server's keeper.
///
/// The system ends the server when the thread that started it ends (`PR_SET_PDEATHSIG` looks at
/// threads, not processes), hence one thread that lives as long as the server is wanted.
#[derive(Debug)]
pub struct Keeper {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The running server; set and cleared under the lock, so that a signal meets no stranger.
    process: Option<Pid>,
    /// Set once the server is no longer wanted.
    stopping: bool,
    /// Set when the thread is done.
    ended: bool,
    /// Why the first start failed.
    failure: Option<EmbeddedError>,
    /// Whether the server was ready once; from then on it is started again whenever it ends.
    was_ready: bool,
}

impl Shared {
    /// A panic elsewhere leaves this state whole: it is only ever replaced field by field.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    /// Waits until `done` or until the time is up; tells which.
    fn wait(&self, time: Duration, done: impl Fn(&State) -> bool) -> bool {
        let state = self.state();
        let (state, _) =
            self.changed.wait_timeout_while(state, time, |state| !done(state)).unwrap_or_else(PoisonError::into_inner);
        done(&state)
    }
}

impl Keeper {
    /// Starts the server and waits until it takes connections.
    ///
    /// # Errors
    /// When it ends before, or takes too long.
    pub fn start(place: &Place, binaries: Binaries, account: Account) -> Result<Self, EmbeddedError> {
        let shared = Arc::new(Shared::default());
        let thread = thread::Builder::new()
            .name("postgres-keeper".to_owned())
            .spawn({
                let (shared, place) = (Arc::clone(&shared), place.clone());
                move || {
                    keep(&shared, &place, &binaries, account);
                    shared.change(|state| state.ended = true);
                }
            })
            .map_err(|source| EmbeddedError::Spawn { program: "a thread".to_owned(), source })?;
        let keeper = Self { shared, thread: Some(thread) };
        keeper.wait_until_ready(place)?;
        Ok(keeper)
    }

    fn wait_until_ready(&self, place: &Place) -> Result<(), EmbeddedError> {
        let started = Instant::now();
        loop {
            {
                let mut state = self.shared.state();
                if let Some(failure) = state.failure.take() {
                    return Err(failure);
                }
                let process = state.process.and_then(|process| u32::try_from(process.as_raw_nonzero().get()).ok());
                if process.is_some() && server::is_ready(place, process) {
                    state.was_ready = true;
                    return Ok(());
                }
            }
            if started.elapsed() > START_PATIENCE {
                return Err(EmbeddedError::Start { reason: "it was not ready in time".to_owned(), log: place.log() });
            }
            sleep(Duration::from_millis(2));
        }
    }

    /// Ends the server: open transactions are rolled back, everything committed is on the disk.
    pub fn stop(&mut self) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        self.shared.change(|state| state.stopping = true);
        for (signal, time) in [(Signal::INT, STOP_PATIENCE), (Signal::QUIT, STOP_PATIENCE)] {
            if let Some(process) = self.shared.state().process {
                // It may be ending already; the wait below tells.
                let _ = kill_process(process, signal);
            }
            if self.shared.wait(time, |state| state.ended) {
                let _ = thread.join();
                return;
            }
            tracing::warn!("the database takes long to stop");
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The thread's work: one server after the other until it is told to stop.
fn keep(shared: &Shared, place: &Place, binaries: &Binaries, account: Account) {
    let mut pause = PAUSES.0;
    loop {
        let started = Instant::now();
        let ended = run_once(shared, place, binaries, account);
        let mut state = shared.state();
        if state.stopping {
            return;
        }
        let reason = match ended {
            Ok(()) => EmbeddedError::Start { reason: server::last_words(place), log: place.log() },
            Err(error) => error,
        };
        if !state.was_ready {
            state.failure = Some(reason);
            return;
        }
        drop(state);
        if started.elapsed() > HEALTHY {
            pause = PAUSES.0;
        }
        tracing::error!(%reason, "the database ended by itself; starting it again");
        if shared.wait(pause, |state| state.stopping) {
            return;
        }
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Starts the server and returns when it has ended.
fn run_once(shared: &Shared, place: &Place, binaries: &Binaries, account: Account) -> Result<(), EmbeddedError> {
    server::wait_for_left_overs(place)?;
    let mut child = {
        // Under the lock: who asks to stop either sees the process or keeps it from starting.
        let mut state = shared.state();
        if state.stopping {
            return Ok(());
        }
        let child = server::spawn(place, binaries, account)?;
        state.process = Some(Pid::from_child(&child));
        child
    };
    let ended = wait_without_reaping(&child);
    // Reaped under the lock: until here the number belongs to this server and to no other.
    let mut state = shared.state();
    state.process = None;
    let reaped = child.wait();
    drop(state);
    ended.and(reaped.map(drop)).map_err(|source| EmbeddedError::Spawn { program: "postgres".to_owned(), source })
}

fn wait_without_reaping(child: &Child) -> io::Result<()> {
    let process = WaitId::Pid(Pid::from_child(child));
    loop {
        match waitid(process.clone(), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Ok(_) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
