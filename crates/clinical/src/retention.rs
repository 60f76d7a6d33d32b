//! How long what is said in confidence is kept, and discarding the rest with its keys.
use huntzen_tenancy::{Job, Scope, StoreError, retention::months_before};
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

use crate::{ClinicalError, ClinicalPorts};

/// Years for which notes are kept, from the last consultation on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionYears {
    /// Of psychiatrists and physicians (Code de la santé publique R1112-7: 20 years).
    pub physicians: u8,
    /// Of every other profession.
    pub others: u8,
}

impl Default for RetentionYears {
    fn default() -> Self {
        Self { physicians: 20, others: 5 }
    }
}

impl RetentionYears {
    /// The first day on which notes last touched by a consultation on `last` are kept no longer.
    pub fn ends(&self, last: Date, by_physician: bool) -> Date {
        let years = if by_physician { self.physicians } else { self.others };
        last.saturating_add(i16::from(years).years().days(1))
    }

    /// Notes whose last consultation was before this day are kept no longer on `today`.
    pub fn cut(&self, today: Date, by_physician: bool) -> Date {
        let years = if by_physician { self.physicians } else { self.others };
        today.saturating_sub(i16::from(years).years())
    }
}

/// How long each is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CarePeriods {
    /// What is said about a consultation, in months after its planned end: messages and reasons, which
    /// share a key.
    pub messages_months: u8,
    /// Notes.
    pub notes: RetentionYears,
}

impl Default for CarePeriods {
    fn default() -> Self {
        Self { messages_months: 24, notes: RetentionYears::default() }
    }
}

/// Discarding what was said in confidence: `Job::Retention` alone.
pub trait CareRetention {
    /// Discards what was said about up to `limit` consultations that were to end before `before`, and
    /// destroys the keys; answers how many that were. The consultations stay.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn discard_conversations(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;

    /// Discards all notes of up to `limit` pairs of an author and a patient whose last consultation was
    /// before the instant for the author's profession, and destroys their keys; answers how many pairs.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn discard_notes(&mut self, physicians: Timestamp, others: Timestamp, limit: u32) -> Result<u64, StoreError>;
}

/// The job that discards, each sort in a unit of work of its own.
#[derive(Clone)]
pub struct CareDiscarding {
    ports: ClinicalPorts,
    periods: CarePeriods,
}

impl CareDiscarding {
    /// Over these ports.
    pub fn new(ports: ClinicalPorts, periods: CarePeriods) -> Self {
        Self { ports, periods }
    }

    /// Discards up to `limit` of each sort; answers the larger number, which tells whether there is
    /// more to do.
    ///
    /// # Errors
    /// `StoreError` alone; what was discarded before stays so.
    pub fn run(&self, limit: u32) -> Result<u64, ClinicalError> {
        let (scope, now) = (Scope::worker(Job::Retention), self.ports.clock.now());
        let said = months_before(now, self.periods.messages_months.into());
        let today = now.to_zoned(TimeZone::UTC).date();
        let cut = |by_physician| {
            let day = self.periods.notes.cut(today, by_physician).to_zoned(TimeZone::UTC);
            day.map_or(Timestamp::UNIX_EPOCH, |day| day.timestamp())
        };
        let conversations = self.ports.store.run(&scope, |tx| Ok(tx.discard_conversations(said, limit)?))?;
        let notes = self.ports.store.run(&scope, |tx| Ok(tx.discard_notes(cut(true), cut(false), limit)?))?;
        Ok(conversations.max(notes))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn physicians_keep_longer() {
        let rules = RetentionYears::default();
        assert_eq!(rules.ends(date(2027, 3, 1), true), date(2047, 3, 2));
        assert_eq!(rules.ends(date(2024, 2, 29), false), date(2029, 3, 1));
    }

    #[test]
    fn what_is_cut_off_is_what_has_ended() {
        let rules = RetentionYears::default();
        for by_physician in [true, false] {
            for last in [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1), date(2027, 12, 31)] {
                let end = rules.ends(last, by_physician);
                assert!(last < rules.cut(end, by_physician), "{last} is over on {end}");
                let day_before = end.saturating_sub(1.day());
                assert!(last >= rules.cut(day_before, by_physician), "{last} is not over on {day_before}");
            }
        }
    }
}
