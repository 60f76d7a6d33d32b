//! Instants as PostgreSQL keeps them, and the civil days that its triggers compute.
use huntzen_tenancy::StoreError;
use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// The instant, cut to microseconds.
pub(crate) fn micros(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// The civil day of `at` in an IANA zone.
pub(crate) fn civil_day(at: Timestamp, zone: &str) -> Result<Date, StoreError> {
    let zone = TimeZone::get(zone).map_err(|error| StoreError::Defect(Box::new(error)))?;
    Ok(at.to_zoned(zone).date())
}

/// The whole seconds from `from` to `until`, rounded down; none when `until` comes first.
pub(crate) fn whole_seconds(from: Timestamp, until: Timestamp) -> u32 {
    let micros = until.as_microsecond() - from.as_microsecond();
    u32::try_from(micros.div_euclid(1_000_000)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use jiff::civil::date;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_finer_than_a_microsecond_is_cut_off() {
        assert_eq!(micros(at("2027-03-01T10:00:00.123456789Z")), at("2027-03-01T10:00:00.123456Z"));
    }

    #[test]
    fn a_day_is_one_of_the_zone() {
        let late = at("2027-03-01T23:30:00Z");
        assert_eq!(civil_day(late, "Europe/Paris").unwrap(), date(2027, 3, 2));
        assert_eq!(civil_day(late, "America/Montreal").unwrap(), date(2027, 3, 1));
        assert!(civil_day(late, "Mars/Olympus").is_err());
    }

    #[test]
    fn seconds_are_floored_and_never_negative() {
        let start = at("2027-03-01T10:00:00Z");
        assert_eq!(whole_seconds(start, at("2027-03-01T10:00:59.999999Z")), 59);
        assert_eq!(whole_seconds(start, at("2027-03-01T09:59:59Z")), 0);
    }
}
