//! The background work of booking, done in small units of work so that nobody waits for it long.
use huntzen_tenancy::{Job, Scope, words::Words as _};
use jiff::{SignedDuration, Timestamp};

use crate::{
    BookingError, BookingPorts, BookingTx,
    consultation::{ABANDONED_AFTER, Consultation, ConsultationStatus, FORGOTTEN_AFTER, Transition},
    reminders::ReminderKind,
};

/// How many reminders one unit of work sends.
const TOGETHER: usize = 50;
/// Consultations this near stand although eligibility has ended.
const STANDS_WITHIN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The background work of booking. Each piece may run on several nodes at once and be cut short
/// at any moment.
#[derive(Clone)]
pub struct BookingJobs {
    ports: BookingPorts,
}

impl BookingJobs {
    /// Over these ports.
    pub fn new(ports: BookingPorts) -> Self {
        Self { ports }
    }

    /// Sends up to `limit` reminders of each kind that are due, and answers how many it sent.
    ///
    /// # Errors
    /// `StoreError` alone; what was sent before stays sent.
    pub fn send_reminders(&self, limit: u32) -> Result<usize, BookingError> {
        let (scope, now) = (Scope::worker(Job::Reminders), self.ports.clock.now());
        let mut sent = 0;
        for kind in ReminderKind::ALL {
            let due = self.ports.store.run(&scope, |tx| Ok(tx.due_reminders(*kind, now, limit)?))?;
            for some in due.chunks(TOGETHER) {
                sent += self.ports.store.run(&scope, |tx| {
                    some.iter().try_fold(0, |sent, reminder| Ok(sent + usize::from(tx.send_reminder(reminder, now)?)))
                })?;
            }
        }
        Ok(sent)
    }

    /// Ends up to `limit` consultations that were forgotten, or excludes those that never began,
    /// and answers how many.
    ///
    /// # Errors
    /// `StoreError` alone; what was done before stays done.
    pub fn end_forgotten(&self, limit: u32) -> Result<usize, BookingError> {
        let now = self.ports.clock.now();
        let (ended, started) = (ago(now, FORGOTTEN_AFTER), ago(now, ABANDONED_AFTER));
        self.advance_all(
            Job::EndForgotten,
            now,
            limit,
            |tx, some| Ok(tx.forgotten(ended, started, some)?),
            |consultation| match consultation.status {
                ConsultationStatus::InProgress => Transition::EndForgotten,
                ConsultationStatus::Scheduled
                | ConsultationStatus::Confirmed
                | ConsultationStatus::Completed
                | ConsultationStatus::Cancelled
                | ConsultationStatus::NoShow => Transition::Exclude,
            },
        )
    }

    /// Cancels up to `limit` far consultations of people who are no longer eligible, and answers
    /// how many. Both participants are told; nobody is said to have done it, and why is not said.
    ///
    /// # Errors
    /// `StoreError` alone; what was done before stays done.
    pub fn cancel_ineligible(&self, limit: u32) -> Result<usize, BookingError> {
        let now = self.ports.clock.now();
        let after = now.checked_add(STANDS_WITHIN).unwrap_or(Timestamp::MAX);
        self.advance_all(
            Job::Eligibility,
            now,
            limit,
            |tx, some| Ok(tx.far_and_ineligible(after, some)?),
            |_| Transition::Cancel { by: None, reason: None },
        )
    }

    /// Cancels up to `limit` consultations that lie ahead of people who are about to be erased, and
    /// answers how many. Both participants are told; nobody is said to have done it, and why is not
    /// said.
    ///
    /// # Errors
    /// `StoreError` alone; what was done before stays done.
    pub fn cancel_departing(&self, limit: u32) -> Result<usize, BookingError> {
        let now = self.ports.clock.now();
        self.advance_all(
            Job::Erasure,
            now,
            limit,
            |tx, some| Ok(tx.of_departing(now, some)?),
            |_| Transition::Cancel { by: None, reason: None },
        )
    }

    /// Takes what `find` finds through the transition that each needs; what was taken through it is
    /// not found again. One at a time: an ending holds the day's counters of its practitioner and its
    /// company, and two endings in one unit of work could wait for somebody else's in a circle.
    fn advance_all(
        &self,
        job: Job,
        now: Timestamp,
        limit: u32,
        find: impl Fn(&mut dyn BookingTx, u32) -> Result<Vec<Consultation>, BookingError>,
        transition: impl Fn(&Consultation) -> Transition,
    ) -> Result<usize, BookingError> {
        let scope = Scope::worker(job);
        let mut done = 0;
        for _ in 0..limit {
            let advanced = self.ports.store.run(&scope, |tx| {
                let found = find(tx, 1)?.pop();
                if let Some(mut consultation) = found.clone() {
                    let next = transition(&consultation);
                    self.ports.advance(tx, &scope, &mut consultation, next, now)?;
                }
                Ok(found.is_some())
            })?;
            if !advanced {
                break;
            }
            done += 1;
        }
        Ok(done)
    }
}

fn ago(now: Timestamp, time: SignedDuration) -> Timestamp {
    now.checked_sub(time).unwrap_or(Timestamp::MIN)
}
