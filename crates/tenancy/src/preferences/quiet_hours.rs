//! The hours of the day in which a person wants no letter that can wait.
use jiff::{Timestamp, Zoned, civil::Time, tz::TimeZone};

use crate::{company::known_zone, error::Checks};

/// Hours of every day, in the person's zone; over midnight when they end before they start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuietHours {
    start: Time,
    end: Time,
    timezone: String,
}

impl QuietHours {
    /// From `start` to `end` as clocks in `timezone` show them. `None` when the zone is not known, or when
    /// the hours would be none or all of the day.
    pub fn new(start: Time, end: Time, timezone: &str) -> Option<Self> {
        Some(Self { start, end, timezone: known_zone(timezone)? }).filter(|_| start != end)
    }

    /// The same, with what is wrong told to `checks`.
    pub(super) fn checked(checks: &mut Checks, start: Time, end: Time, timezone: &str) -> Option<Self> {
        checks.require(start != end, "quietHours.end", "invalid");
        checks.require(known_zone(timezone).is_some(), "quietHours.timezone", "invalid");
        Self::new(start, end, timezone)
    }

    /// When they begin.
    pub fn start(&self) -> Time {
        self.start
    }

    /// When they are over.
    pub fn end(&self) -> Time {
        self.end
    }

    /// Where clocks show these hours (IANA).
    pub fn timezone(&self) -> &str {
        &self.timezone
    }

    /// When the quiet hours that `now` lies in are over; `None` outside them. On a day whose clocks jump
    /// over the end, they end by as much later (RFC 5545 §3.3.5); on one whose clocks show the end twice, at
    /// the first of the two that is ahead.
    pub fn over(&self, now: Timestamp) -> Option<Timestamp> {
        // Quiet hours that exist have a known zone.
        let there = now.to_zoned(TimeZone::get(&self.timezone).unwrap_or(TimeZone::UTC));
        let clock = there.time();
        let over_midnight = self.end < self.start;
        let ends_today = if over_midnight { clock < self.end } else { self.start <= clock && clock < self.end };
        if ends_today {
            return ahead(&there, self.end, now);
        }
        let ends_tomorrow = over_midnight && self.start <= clock;
        ends_tomorrow.then(|| there.tomorrow().ok()).flatten().and_then(|tomorrow| ahead(&tomorrow, self.end, now))
    }
}

/// When clocks show `time` on this day, and later than `now` if they do so twice.
fn ahead(day: &Zoned, time: Time, now: Timestamp) -> Option<Timestamp> {
    let shown = day.time_zone().to_ambiguous_timestamp(day.date().to_datetime(time));
    let first = shown.compatible().ok()?;
    if first > now { Some(first) } else { shown.later().ok() }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use jiff::civil::time;

    use super::*;

    fn over(start: Time, end: Time, now: &str) -> String {
        let hours = QuietHours::new(start, end, "Europe/Paris").unwrap();
        hours.over(now.parse().unwrap()).map_or_else(|| "not quiet".to_owned(), |over| over.to_string())
    }

    #[test]
    fn hours_within_a_day() {
        let hours = |now| over(time(12, 0, 0, 0), time(14, 0, 0, 0), now);
        assert_eq!(hours("2027-03-08T10:59:59Z"), "not quiet");
        assert_eq!(hours("2027-03-08T11:00:00Z"), "2027-03-08T13:00:00Z");
        assert_eq!(hours("2027-03-08T12:59:59.999Z"), "2027-03-08T13:00:00Z");
        assert_eq!(hours("2027-03-08T13:00:00Z"), "not quiet");
    }

    #[test]
    fn hours_over_midnight() {
        let hours = |now| over(time(22, 0, 0, 0), time(7, 30, 0, 0), now);
        assert_eq!(hours("2027-03-08T20:59:59Z"), "not quiet");
        assert_eq!(hours("2027-03-08T21:00:00Z"), "2027-03-09T06:30:00Z");
        assert_eq!(hours("2027-03-08T23:30:00Z"), "2027-03-09T06:30:00Z");
        assert_eq!(hours("2027-03-09T06:30:00Z"), "not quiet");
    }

    #[test]
    fn nights_whose_clocks_jump() {
        // On 28 March 2027 two o'clock is followed by three, on 31 October three by two.
        let night = |end, now| over(time(22, 0, 0, 0), end, now);
        assert_eq!(night(time(7, 0, 0, 0), "2027-03-27T21:00:00Z"), "2027-03-28T05:00:00Z");
        assert_eq!(night(time(7, 0, 0, 0), "2027-10-30T20:00:00Z"), "2027-10-31T06:00:00Z");
        assert_eq!(night(time(2, 30, 0, 0), "2027-03-27T21:00:00Z"), "2027-03-28T01:30:00Z");
    }

    #[test]
    fn hours_that_end_in_an_hour_that_comes_twice() {
        // On 31 October 2027 clocks show two to three from 00:00 to 01:00 UTC, and again until 02:00.
        for (start, end) in [(time(22, 0, 0, 0), time(2, 30, 0, 0)), (time(1, 0, 0, 0), time(2, 30, 0, 0))] {
            let hours = |now| over(start, end, now);
            assert_eq!(hours("2027-10-30T23:30:00Z"), "2027-10-31T00:30:00Z");
            assert_eq!(hours("2027-10-31T00:29:59Z"), "2027-10-31T00:30:00Z");
            assert_eq!(hours("2027-10-31T00:45:00Z"), "not quiet");
            assert_eq!(hours("2027-10-31T01:00:00Z"), "2027-10-31T01:30:00Z", "never what is over");
            assert_eq!(hours("2027-10-31T01:30:00Z"), "not quiet");
        }
    }

    #[test]
    fn hours_that_are_none_are_refused() {
        assert_eq!(QuietHours::new(time(7, 0, 0, 0), time(7, 0, 0, 0), "Europe/Paris"), None);
        assert_eq!(QuietHours::new(time(7, 0, 0, 0), time(8, 0, 0, 0), "Europe/Atlantis"), None);
        let lisbon = QuietHours::new(time(7, 0, 0, 0), time(8, 0, 0, 0), "europe/lisbon").unwrap();
        assert_eq!(lisbon.timezone(), "Europe/Lisbon", "as it is written");
    }
}
