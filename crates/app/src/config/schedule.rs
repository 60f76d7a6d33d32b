//! When a recurring job runs: a five-field cron expression in UTC, or never.

use std::fmt;
use std::str::FromStr;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// When a recurring job runs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Schedule {
    /// Never.
    Off,
    /// At every minute, in UTC, that fits the expression.
    At(Box<Cron>),
}

/// The text is neither `off` nor a cron expression of five fields.
#[derive(Debug, thiserror::Error)]
#[error("a cron expression of five fields (UTC), or \"off\", is expected")]
pub struct NotASchedule;

impl Schedule {
    /// The first run strictly after `now`; none when the job is off or its date never comes.
    pub fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Off => None,
            Self::At(cron) => {
                cron.find_next_occurrence(&now.to_zoned(TimeZone::UTC), false).ok().map(|run| run.timestamp())
            }
        }
    }
}

impl FromStr for Schedule {
    type Err = NotASchedule;

    fn from_str(text: &str) -> Result<Self, NotASchedule> {
        let text = text.trim();
        if text == "off" {
            return Ok(Self::Off);
        }
        // The parser also knows words such as @daily; the documented form is the five fields.
        if text.split_whitespace().count() != 5 {
            return Err(NotASchedule);
        }
        CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build()
            .parse(text)
            .ok()
            .map(|cron| Self::At(Box::new(cron)))
            .ok_or(NotASchedule)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::At(cron) => cron.fmt(f),
        }
    }
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        String::deserialize(value)?.parse().map_err(D::Error::custom)
    }
}

impl Serialize for Schedule {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn the_next_run_is_strictly_later_and_in_utc() {
        let every_night: Schedule = "15 3 * * *".parse().unwrap();
        let before: Timestamp = "2027-03-28T03:14:59Z".parse().unwrap();
        let run: Timestamp = "2027-03-28T03:15:00Z".parse().unwrap();
        assert_eq!(every_night.next_after(before), Some(run));
        let following: Timestamp = "2027-03-29T03:15:00Z".parse().unwrap();
        assert_eq!(every_night.next_after(run), Some(following));
    }

    #[test]
    fn off_never_runs() {
        let off: Schedule = "off".parse().unwrap();
        assert_eq!(off, Schedule::Off);
        assert_eq!(off.next_after(Timestamp::UNIX_EPOCH), None);
    }

    #[test]
    fn only_five_fields_are_accepted() {
        for wrong in ["", "@daily", "* * * *", "0 * * * * *", "61 * * * *", "never at all my friend"] {
            assert!(wrong.parse::<Schedule>().is_err(), "{wrong} was accepted");
        }
    }

    #[test]
    fn it_is_shown_as_it_is_written() {
        for text in ["off", "*/5 * * * *", "0 4 * * 1-5"] {
            assert_eq!(text.parse::<Schedule>().unwrap().to_string(), text);
        }
    }
}
