//! How a company's usage is reported to its HR, month by month.
use std::collections::BTreeMap;

use jiff::{ToSpan, civil::Date};

use crate::words;

words! {
    /// How a company's usage is reported to its HR.
    HrReporting {
        /// Published cells of at least ten people.
        Aggregated = "AGGREGATED",
        /// By name, for those who agreed: a contractual exception.
        Named = "NAMED",
    }
}

/// The modes of a company, each from the first day of a month on. Until the first of them, usage is
/// reported in aggregates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reporting(BTreeMap<Date, HrReporting>);

impl FromIterator<(Date, HrReporting)> for Reporting {
    fn from_iter<I: IntoIterator<Item = (Date, HrReporting)>>(modes: I) -> Self {
        Self(modes.into_iter().collect())
    }
}

impl Reporting {
    /// The mode in force on `day`.
    pub fn on(&self, day: Date) -> HrReporting {
        self.0.range(..=day).next_back().map_or(HrReporting::Aggregated, |(_, mode)| *mode)
    }

    /// The mode that comes into force after `today`, with its first day.
    pub fn next(&self, today: Date) -> Option<(Date, HrReporting)> {
        self.0.range(today.tomorrow().ok()?..).next().map(|(from, mode)| (*from, *mode))
    }

    /// Every mode with its first day, the oldest first.
    pub fn modes(&self) -> impl Iterator<Item = (Date, HrReporting)> {
        self.0.iter().map(|(from, mode)| (*from, *mode))
    }

    /// Has `mode` in force from the first day of the month after `today`, and answers that day; `None`
    /// when nothing changes by it.
    pub(super) fn plan(&mut self, mode: HrReporting, today: Date) -> Option<Date> {
        let from = today.first_of_month().checked_add(1.month()).ok()?;
        let before = self.on(from);
        self.0.remove(&from);
        if mode != self.on(today) {
            self.0.insert(from, mode);
        }
        (before != mode).then_some(from)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use HrReporting::{Aggregated, Named};

    #[test]
    fn a_mode_begins_with_the_next_month() {
        let mut reporting = Reporting::default();
        assert_eq!(reporting.plan(Aggregated, date(2027, 1, 31)), None);
        assert_eq!(reporting.plan(Named, date(2027, 1, 31)), Some(date(2027, 2, 1)));
        assert_eq!(reporting.plan(Named, date(2027, 1, 31)), None, "it is planned already");
        assert_eq!((reporting.on(date(2027, 1, 31)), reporting.on(date(2027, 2, 1))), (Aggregated, Named));
        assert_eq!(reporting.next(date(2027, 1, 31)), Some((date(2027, 2, 1), Named)));
        assert_eq!(reporting.next(date(2027, 2, 1)), None);
        assert_eq!(reporting.plan(Named, date(2027, 2, 1)), None, "it is in force");
    }

    #[test]
    fn a_plan_is_taken_back_and_the_past_stays() {
        let mut reporting = Reporting::default();
        reporting.plan(Named, date(2027, 1, 10));
        assert_eq!(reporting.plan(Aggregated, date(2027, 1, 11)), Some(date(2027, 2, 1)));
        assert_eq!(reporting, Reporting::default());
        reporting.plan(Named, date(2027, 1, 12));
        assert_eq!(reporting.plan(Aggregated, date(2027, 12, 31)), Some(date(2028, 1, 1)));
        assert_eq!(reporting.modes().collect::<Vec<_>>(), [(date(2027, 2, 1), Named), (date(2028, 1, 1), Aggregated)]);
        assert_eq!(reporting.on(date(2027, 6, 1)), Named);
    }
}
