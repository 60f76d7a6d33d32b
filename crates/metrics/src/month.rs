//! A civil month, what statements are about.
use std::{fmt, str::FromStr};

use huntzen_tenancy::FieldError;
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

use crate::MetricsError;

/// Where months close: practitioners are paid in France, wherever their clients are.
pub const CLOSING_ZONE: &str = "Europe/Paris";

/// A month of the Gregorian calendar, written `2027-01` (ISO 8601).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(Date);

impl Month {
    /// The month that `day` lies in.
    pub fn of(day: Date) -> Self {
        Self(day.first_of_month())
    }

    /// Its first day.
    pub fn first(self) -> Date {
        self.0
    }

    /// Its last day.
    pub fn last(self) -> Date {
        self.0.last_of_month()
    }

    /// The next month; the last that the calendar holds is followed by itself.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.checked_add(1.month()).unwrap_or(self.0))
    }

    /// The month before; the first that the calendar holds is preceded by itself.
    #[must_use]
    pub fn previous(self) -> Self {
        Self(self.0.checked_sub(1.month()).unwrap_or(self.0))
    }

    /// The last month that is closed at `now`: a month closes when `close_day` of the next begins.
    #[must_use]
    pub fn last_closed(now: Timestamp, close_day: i8, zone: &TimeZone) -> Self {
        let today = now.to_zoned(zone.clone()).date();
        let before = Self::of(today).previous();
        if today.day() >= close_day { before } else { before.previous() }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

impl FromStr for Month {
    type Err = MetricsError;

    /// Reads four digits, a hyphen and two digits; years from 0001.
    fn from_str(text: &str) -> Result<Self, MetricsError> {
        let read = || {
            let (year, month) = text.split_once('-')?;
            let digits = |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
            if !digits(year, 4) || !digits(month, 2) {
                return None;
            }
            let year = year.parse().ok().filter(|year| *year > 0)?;
            Date::new(year, month.parse().ok()?, 1).ok()
        };
        read().map(Self).ok_or_else(|| MetricsError::Invalid(vec![FieldError::new("period", "invalid_month")]))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    #[test]
    fn a_month_is_read_as_it_is_written() {
        for text in ["0001-01", "2027-01", "2028-02", "9999-12"] {
            assert_eq!(month(text).to_string(), text);
        }
        for text in [
            "",
            "2027",
            "2027-1",
            "2027-13",
            "2027-00",
            "27-01",
            "02027-01",
            "2027-01-01",
            "2027/01",
            "+027-01",
            "0000-01",
        ] {
            assert!(text.parse::<Month>().is_err(), "{text}");
        }
        assert_eq!(
            (month("2028-02").first().to_string(), month("2028-02").last().to_string()),
            ("2028-02-01".to_owned(), "2028-02-29".to_owned())
        );
        assert_eq!((month("2027-12").next(), month("2027-01").previous()), (month("2028-01"), month("2026-12")));
        assert_eq!(month("9999-12").next(), month("9999-12"));
    }

    #[test]
    fn a_month_closes_at_midnight_in_paris() {
        let paris = TimeZone::get(CLOSING_ZONE).unwrap();
        let last = |now: &str| Month::last_closed(now.parse().unwrap(), 10, &paris).to_string();
        assert_eq!(last("2027-02-09T22:59:59Z"), "2026-12");
        assert_eq!(last("2027-02-09T23:00:00Z"), "2027-01");
        assert_eq!(last("2027-07-09T22:00:00Z"), "2027-06");
        assert_eq!(last("2027-01-31T12:00:00Z"), "2026-12");
    }
}
