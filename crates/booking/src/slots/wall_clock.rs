//! The practitioner's wall clock: from civil days and minutes of the day to instants.
//!
//! Instants are whole seconds since the Unix epoch here: slots start on whole minutes, and plain
//! integers keep a month of slots cheap.
use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, DateTime, Time},
    tz::{AmbiguousOffset, Offset, TimeZone},
};

const DAY: i64 = 86_400;

/// A civil day in the practitioner's zone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Day {
    /// Its date.
    pub(super) date: Date,
    /// Its first instant.
    pub(super) starts: i64,
    /// The first instant of the next day.
    pub(super) ends: i64,
    /// Whether the clock runs through the day without a jump.
    pub(super) steady: bool,
}

/// Looks wall times up, and remembers how long the present offset lasts so that a day without a
/// jump costs no look-up at all.
#[derive(Debug)]
pub(super) struct WallClock<'a> {
    zone: &'a TimeZone,
    offset: i64,
    steady_from: i64,
    steady_until: i64,
}

impl<'a> WallClock<'a> {
    /// A clock in this zone.
    pub(super) const fn new(zone: &'a TimeZone) -> Self {
        Self { zone, offset: 0, steady_from: i64::MAX, steady_until: i64::MIN }
    }

    /// The civil day of this date; none at the edges of time.
    pub(super) fn day(&mut self, date: Date) -> Option<Day> {
        let midnight = date.to_datetime(Time::midnight());
        let wall = Offset::UTC.to_timestamp(midnight).ok()?.as_second();
        if let Some(day) = self.steady_day(date, wall) {
            return Some(day);
        }
        let starts = self.first_instant_from(midnight)?;
        self.observe(starts)?;
        if let Some(day) = self.steady_day(date, wall) {
            return Some(day);
        }
        let tomorrow = date.tomorrow().ok()?.to_datetime(Time::midnight());
        let ends = self.first_instant_from(tomorrow)?;
        Some(Day { date, starts, ends, steady: false })
    }

    /// The first instant at which the wall shows this minute of the day; none when it never does.
    pub(super) fn instant(&self, day: &Day, minute: i64) -> Option<i64> {
        if day.steady { Some(day.starts + minute * 60) } else { self.first_instant(at(day, minute)?) }
    }

    /// The first instant at which the wall shows this minute of the day or has jumped over it.
    pub(super) fn instant_from(&self, day: &Day, minute: i64) -> Option<i64> {
        if day.steady { Some(day.starts + minute * 60) } else { self.first_instant_from(at(day, minute)?) }
    }

    /// The day, if the remembered offset holds all through it. A whole day must have passed since
    /// the last jump (a wall time may otherwise be the second of its name), and the next jump must
    /// come after midnight (the day would otherwise be longer than it seems).
    fn steady_day(&self, date: Date, wall: i64) -> Option<Day> {
        let starts = wall - self.offset;
        let steady = self.steady_from.saturating_add(DAY) <= starts && starts + DAY < self.steady_until;
        steady.then_some(Day { date, starts, ends: starts + DAY, steady })
    }

    fn observe(&mut self, instant: i64) -> Option<()> {
        let now = Timestamp::from_second(instant).ok()?;
        self.offset = self.zone.to_offset(now).seconds().into();
        // `preceding` is strict: a jump at this very instant has already happened.
        let just_after = Timestamp::from_second(instant + 1).ok()?;
        let last = self.zone.preceding(just_after).next();
        self.steady_from = last.map_or(i64::MIN, |jump| jump.timestamp().as_second());
        let next = self.zone.following(now).next();
        self.steady_until = next.map_or(i64::MAX, |jump| jump.timestamp().as_second());
        Some(())
    }

    fn first_instant(&self, wall: DateTime) -> Option<i64> {
        let offset = match self.zone.to_ambiguous_timestamp(wall).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Fold { before, .. } => before,
            AmbiguousOffset::Gap { .. } => return None,
        };
        offset.to_timestamp(wall).ok().map(Timestamp::as_second)
    }

    fn first_instant_from(&self, wall: DateTime) -> Option<i64> {
        if let Some(instant) = self.first_instant(wall) {
            return Some(instant);
        }
        // In a gap, the offset before it leads to an instant at or after the jump.
        let after = self.zone.to_ambiguous_timestamp(wall).compatible().ok()?;
        let just_after = Timestamp::from_second(after.as_second() + 1).ok()?;
        self.zone.preceding(just_after).next().map(|jump| jump.timestamp().as_second())
    }
}

fn at(day: &Day, minute: i64) -> Option<DateTime> {
    let time = Time::midnight().checked_add(SignedDuration::from_mins(minute)).ok()?;
    Some(day.date.to_datetime(time))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use jiff::civil::date;

    use super::*;

    fn shown(instant: i64) -> String {
        Timestamp::from_second(instant).unwrap().to_string()
    }

    #[test]
    fn a_gap_has_no_instant_and_a_fold_has_its_first() {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let mut clock = WallClock::new(&zone);
        let spring = clock.day(date(2027, 3, 28)).unwrap();
        assert_eq!(clock.instant(&spring, 150), None);
        assert_eq!(shown(clock.instant_from(&spring, 120).unwrap()), "2027-03-28T01:00:00Z");
        assert_eq!(shown(clock.instant_from(&spring, 150).unwrap()), "2027-03-28T01:00:00Z");
        assert_eq!(spring.ends - spring.starts, 23 * 3_600);
        let autumn = clock.day(date(2027, 10, 31)).unwrap();
        assert_eq!(shown(clock.instant(&autumn, 150).unwrap()), "2027-10-31T00:30:00Z");
        assert_eq!(autumn.ends - autumn.starts, 25 * 3_600);
    }

    #[test]
    fn days_follow_each_other_without_a_hole_in_any_zone() {
        // Cairo and Santiago jump at midnight; Apia once skipped a whole day.
        for name in ["Europe/Paris", "Africa/Cairo", "America/Santiago", "Pacific/Apia", "UTC"] {
            let zone = TimeZone::get(name).unwrap();
            let mut clock = WallClock::new(&zone);
            for (year, days) in [(2011, 730), (2026, 1_000)] {
                let mut today = clock.day(date(year, 1, 1)).unwrap();
                for _ in 0..days {
                    let tomorrow = clock.day(today.date.tomorrow().unwrap()).unwrap();
                    assert_eq!(today.ends, tomorrow.starts, "{name} {}", today.date);
                    let fresh = WallClock::new(&zone).day(today.date).unwrap();
                    assert_eq!((fresh.starts, fresh.ends), (today.starts, today.ends));
                    today = tomorrow;
                }
            }
        }
    }
}
