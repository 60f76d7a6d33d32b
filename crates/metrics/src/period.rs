//! The span of civil days that a figure covers.
use huntzen_tenancy::FieldError;
use jiff::civil::Date;

use crate::{MetricsError, Month};

/// The longest period that may be asked for, in days.
pub const DAYS_MAX: i32 = 366;

/// Civil days, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    from: Date,
    to: Date,
}

impl Period {
    /// The days from `from` to `to`.
    ///
    /// # Errors
    /// `Invalid` when `to` comes first, or when there are more than [`DAYS_MAX`] days.
    pub fn new(from: Date, to: Date) -> Result<Self, MetricsError> {
        let days = from.duration_until(to).as_hours() / 24 + 1;
        if to < from {
            Err(MetricsError::Invalid(vec![FieldError::new("to", "before_from")]))
        } else if days > i64::from(DAYS_MAX) {
            Err(MetricsError::Invalid(vec![FieldError::new("to", "period_too_long")]))
        } else {
            Ok(Self { from, to })
        }
    }

    /// The first and the last month, when the days are those of whole months.
    ///
    /// # Errors
    /// `WholeMonthsOnly` when they are not.
    pub fn whole_months(self) -> Result<(Month, Month), MetricsError> {
        let (first, last) = (Month::of(self.from), Month::of(self.to));
        let mut errors = Vec::new();
        if self.from != first.first() {
            errors.push(FieldError::new("from", "whole_months_only"));
        }
        if self.to != last.last() {
            errors.push(FieldError::new("to", "whole_months_only"));
        }
        if errors.is_empty() { Ok((first, last)) } else { Err(MetricsError::WholeMonthsOnly(errors)) }
    }

    /// The first day.
    pub fn from(self) -> Date {
        self.from
    }

    /// The last day.
    pub fn to(self) -> Date {
        self.to
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn months_are_whole_or_refused() {
        let months = |from: Date, to: Date| {
            let months = Period::new(from, to).and_then(Period::whole_months);
            months.map(|(from, to)| (from.to_string(), to.to_string())).map_err(|refusal| {
                let MetricsError::WholeMonthsOnly(fields) = refusal else { return Vec::new() };
                fields.iter().map(|field| field.field).collect()
            })
        };
        assert_eq!(months(date(2027, 12, 1), date(2028, 2, 29)), Ok(("2027-12".to_owned(), "2028-02".to_owned())));
        assert_eq!(months(date(2027, 1, 2), date(2027, 1, 31)), Err(vec!["from"]));
        assert_eq!(months(date(2027, 1, 1), date(2027, 1, 30)), Err(vec!["to"]));
        assert_eq!(months(date(2027, 1, 15), date(2027, 2, 15)), Err(vec!["from", "to"]));
    }

    #[test]
    fn a_period_has_a_day_to_a_leap_year() {
        let day = date(2027, 1, 1);
        assert!(Period::new(day, day).is_ok());
        assert!(Period::new(day, date(2026, 12, 31)).is_err());
        assert!(Period::new(date(2028, 1, 1), date(2028, 12, 31)).is_ok());
        assert!(Period::new(date(2028, 1, 1), date(2029, 1, 1)).is_err());
    }
}
