//! The scheduler: runs each recurring job at its times, one after the other.
//!
//! Nothing here must run on one node alone: two jobs hold the rows that they work on and skip those
//! that another node holds, and a reminder is unique by consultation, kind and start.
use std::{
    error::Error,
    io,
    ops::Deref,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use huntzen_metrics::reconciliation::Reconciling;
use huntzen_tenancy::{clock::Clock, words::Words};
use jiff::Timestamp;
use tokio::runtime::{Builder, Runtime};

use super::{Bell, Tasks};
use crate::{
    config::{Jobs, Schedule},
    files::remove_due,
};

/// Rows that a job works on in one go; it goes on while there are as many.
const BATCH: u32 = 100;
/// The longest sleep: a clock that was set forward is noticed after it.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The use cases that recur.
pub(super) struct Work {
    tasks: Tasks,
    /// Drives the storage of files, which is asynchronous.
    runtime: Runtime,
}

impl Work {
    /// What recurs of these tasks.
    ///
    /// # Errors
    /// When the system refuses what a runtime needs.
    pub(super) fn of(tasks: Tasks) -> io::Result<Self> {
        Ok(Self { tasks, runtime: Builder::new_current_thread().enable_all().build()? })
    }
}

impl Deref for Work {
    type Target = Tasks;

    fn deref(&self) -> &Tasks {
        &self.tasks
    }
}

/// Does up to so many things; answers how many.
type Run = fn(&Work, u32) -> Result<usize, Box<dyn Error>>;

struct Recurring<'a> {
    name: &'static str,
    schedule: &'a Schedule,
    run: Run,
    due: Option<Timestamp>,
}

pub(super) fn work(bell: &Bell, work: &Work, schedules: &Jobs, clock: &dyn Clock) {
    let now = clock.now();
    let jobs: [(_, _, Run); 12] = [
        ("reminders", &schedules.reminders, |work, limit| Ok(work.booking.send_reminders(limit)?)),
        ("end_forgotten", &schedules.end_forgotten, |work, limit| Ok(work.booking.end_forgotten(limit)?)),
        ("eligibility", &schedules.eligibility, |work, limit| Ok(work.booking.cancel_ineligible(limit)?)),
        ("audit_checkpoint", &schedules.audit_checkpoint, |work, _| Ok(usize::from(work.chains.checkpoint()?))),
        ("close_statements", &schedules.close_month, |work, limit| Ok(work.statements.close(limit)?)),
        ("close_releases", &schedules.close_month, |work, limit| Ok(work.releases.close(limit)?)),
        ("reconcile", &schedules.reconcile, |work, _| reconcile(&work.reconciling)),
        ("forget_visits", &schedules.forget_visits, |work, _| Ok(usize::try_from(work.visits.forget()?)?)),
        ("file_removals", &schedules.file_removals, remove_files),
        ("erasure", &schedules.erasure, erase),
        ("retention", &schedules.retention, discard),
        ("unread_messages", &schedules.unread_messages, |work, limit| Ok(work.unread.send(limit)?)),
    ];
    let mut recurring =
        jobs.map(|(name, schedule, run)| Recurring { name, schedule, run, due: schedule.next_after(now) });
    while bell.pause(until_next(&recurring, clock.now())) {
        let now = clock.now();
        for job in recurring.iter_mut().filter(|job| job.due.is_some_and(|due| due <= now)) {
            let begun = Instant::now();
            let succeeded = run(job, work);
            work.meters.job(job.name, succeeded, begun.elapsed());
            job.due = job.schedule.next_after(clock.now());
        }
    }
}

/// Removes bytes that nothing refers to.
fn remove_files(work: &Work, limit: u32) -> Result<usize, Box<dyn Error>> {
    Ok(work.runtime.block_on(remove_due(&work.file_removal, work.storage.as_ref(), limit))?)
}

/// Compares counters with what they count; a difference is a defect of ours, and shows in the health.
fn reconcile(reconciling: &Reconciling) -> Result<usize, Box<dyn Error>> {
    for one in reconciling.run()?.into_iter().filter(|one| one.differing > 0) {
        let (kind, checked, differing) = (one.kind.as_str(), one.checked, one.differing);
        tracing::error!(kind, checked, differing, "counters differ from the consultations that they count");
    }
    Ok(0)
}

/// Calls off what lies ahead of those whose day has come, then erases them.
fn erase(work: &Work, limit: u32) -> Result<usize, Box<dyn Error>> {
    let cancelled = work.booking.cancel_departing(limit)?;
    if cancelled >= limit as usize {
        return Ok(cancelled);
    }
    let run = work.erasing.run(limit);
    for (user, _) in &run.erased {
        (work.forget)(*user);
    }
    if let Err(error) = work.ledger.add(&run.erased) {
        tracing::error!(error = &error as &dyn Error, "the ledger of erasures lacks some until the next backup");
    }
    for error in &run.failures {
        tracing::error!(error = error as &dyn Error, "somebody could not be erased, and waits for the next run");
    }
    // Whose day has come is erased by law: a run that did not is no success.
    match run.failures.len() {
        0 => Ok(run.erased.len()),
        failures => Err(format!("{failures} people could not be erased").into()),
    }
}

fn discard(work: &Work, limit: u32) -> Result<usize, Box<dyn Error>> {
    let uploads = work.file_removal.give_up_stale_uploads(limit)?;
    let most = work.discarding.run(limit)?.max(work.care_discarding.run(limit)?);
    Ok(uploads.max(usize::try_from(most)?))
}

fn until_next(recurring: &[Recurring<'_>], now: Timestamp) -> Duration {
    let next = recurring.iter().filter_map(|job| job.due).min();
    next.map_or(LONGEST_PAUSE, |due| Duration::try_from(now.duration_until(due)).unwrap_or_default()).min(LONGEST_PAUSE)
}

/// Runs a job until there is nothing left for it; whether nothing failed. One that panics has failed, and keeps no
/// other from its turn.
fn run(job: &Recurring<'_>, work: &Work) -> bool {
    loop {
        let ran = catch_unwind(AssertUnwindSafe(|| (job.run)(work, BATCH)));
        match ran.unwrap_or_else(|_| Err("it panicked".into())) {
            Ok(done) => {
                if done > 0 {
                    tracing::info!(job = job.name, done, "a job has run");
                }
                if done < BATCH as usize {
                    return true;
                }
            }
            Err(error) => {
                tracing::error!(job = job.name, error = error.as_ref(), "a job failed");
                return false;
            }
        }
    }
}
