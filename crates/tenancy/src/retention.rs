//! How long what is nobody's health is kept, and discarding the rest.
use std::sync::Arc;

use jiff::{SignedDuration, Span, Timestamp, ToSpan, tz::TimeZone};

use crate::{
    TenancyStore,
    clock::Clock,
    error::TenancyError,
    scope::{Job, Scope},
    store::StoreError,
    words,
};

words! {
    /// What is discarded once its time has passed.
    Expired {
        /// Notifications, since they were written.
        Notifications = "NOTIFICATIONS",
        /// Letters with their keys, since they were sent, or written when they were given up.
        Letters = "LETTERS",
        /// Sessions with their tokens, since they expired.
        Sessions = "SESSIONS",
        /// Mailed tokens, since they expired.
        Tokens = "TOKENS",
        /// Invitations that nobody accepted, since they were written.
        Invitations = "INVITATIONS",
        /// Requests with the answers that they got, since they were kept.
        Requests = "REQUESTS",
    }
}

/// How long each is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionPeriods {
    /// Notifications, in months.
    pub notifications_months: u8,
    /// Letters, in days.
    pub letters_days: u16,
    /// Sessions and mailed tokens, in days after they expired.
    pub sign_ins_days: u16,
    /// Invitations that nobody accepted, in days.
    pub invitations_days: u16,
    /// Answers to requests that may be repeated, in hours.
    pub idempotency_hours: u16,
}

impl Default for RetentionPeriods {
    fn default() -> Self {
        Self {
            notifications_months: 6,
            letters_days: 30,
            sign_ins_days: 30,
            invitations_days: 30,
            idempotency_hours: 24,
        }
    }
}

impl RetentionPeriods {
    /// What is older than this at `now` is discarded.
    fn before(self, what: Expired, now: Timestamp) -> Timestamp {
        let hours = |hours: i64| now.checked_sub(SignedDuration::from_hours(hours));
        let days = |days: u16| hours(i64::from(days) * 24);
        let before = match what {
            Expired::Notifications => Ok(months_before(now, self.notifications_months.into())),
            Expired::Letters => days(self.letters_days),
            Expired::Sessions | Expired::Tokens => days(self.sign_ins_days),
            Expired::Invitations => days(self.invitations_days),
            Expired::Requests => hours(self.idempotency_hours.into()),
        };
        before.unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// The instant so many calendar months before `now`, in UTC.
pub fn months_before(now: Timestamp, months: i32) -> Timestamp {
    let span: Span = months.months();
    now.to_zoned(TimeZone::UTC).checked_sub(span).map_or(Timestamp::UNIX_EPOCH, |then| then.timestamp())
}

/// Discarding: `Job::Retention` alone.
pub trait Retention {
    /// Discards up to `limit` things of this sort whose time counts from before `before`; answers how
    /// many.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn discard(&mut self, what: Expired, before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}

/// The job that discards, each sort in a unit of work of its own.
#[derive(Clone)]
pub struct Discarding {
    store: Arc<dyn TenancyStore>,
    clock: Arc<dyn Clock>,
    periods: RetentionPeriods,
}

impl Discarding {
    /// Over this store and clock.
    pub fn new(store: Arc<dyn TenancyStore>, clock: Arc<dyn Clock>, periods: RetentionPeriods) -> Self {
        Self { store, clock, periods }
    }

    /// Discards up to `limit` things of each sort; answers the largest number of one sort, which tells
    /// whether there is more to do.
    ///
    /// # Errors
    /// `StoreError` alone; what was discarded before stays so.
    pub fn run(&self, limit: u32) -> Result<u64, TenancyError> {
        let (scope, now) = (Scope::worker(Job::Retention), self.clock.now());
        let mut most = 0;
        for what in <Expired as words::Words>::ALL {
            let before = self.periods.before(*what, now);
            most = most.max(self.store.run(&scope, |tx| Ok(tx.discard(*what, before, limit)?))?);
        }
        Ok(most)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn months_are_those_of_the_calendar() {
        let now: Timestamp = "2027-08-31T10:00:00Z".parse().unwrap();
        let periods = RetentionPeriods::default();
        let before = |what| periods.before(what, now).to_string();
        assert_eq!(before(Expired::Notifications), "2027-02-28T10:00:00Z");
        assert_eq!(before(Expired::Letters), "2027-08-01T10:00:00Z");
        assert_eq!(before(Expired::Requests), "2027-08-30T10:00:00Z");
    }
}
