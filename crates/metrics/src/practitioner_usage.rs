//! What a practitioner is paid by: their own figures over a period.
use huntzen_tenancy::{
    Caller,
    audit::Action,
    policy::{Permission, Role},
};
use uuid::Uuid;

use crate::{DailyTotals, MetricsError, MetricsPorts, MetricsTx, Period, PractitionerDay, csv::Sheet};

/// A practitioner's figures over a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PractitionerUsage {
    /// Whose figures.
    pub practitioner: Uuid,
    /// Over which days.
    pub period: Period,
    /// The sums of those days.
    pub totals: DailyTotals,
}

impl PractitionerUsage {
    /// Whole minutes a consultation, rounded down; 0 when there was none.
    pub fn average_duration_minutes(&self) -> u64 {
        self.totals.total_duration_minutes.checked_div(self.totals.consultations).unwrap_or(0)
    }
}

/// The use cases of usage figures.
#[derive(Clone)]
pub struct UsageMetrics {
    ports: MetricsPorts,
}

impl UsageMetrics {
    /// Over these ports.
    pub fn new(ports: MetricsPorts) -> Self {
        Self { ports }
    }

    /// A practitioner's own figures, or any practitioner's for an administrator.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` for an unknown practitioner and, to a practitioner, another's.
    pub fn practitioner(
        &self,
        caller: &Caller,
        practitioner: Uuid,
        period: Period,
    ) -> Result<PractitionerUsage, MetricsError> {
        caller.actor.require(Permission::MetricsPractitionerUsageRead)?;
        self.of(caller, practitioner, Action::Read, |tx| {
            let totals = tx.practitioner_totals(practitioner, period)?;
            Ok(PractitionerUsage { practitioner, period, totals })
        })
    }

    /// The same as a file, a line for each day on which a consultation ended.
    ///
    /// # Errors
    /// As for the figures.
    pub fn export(&self, caller: &Caller, practitioner: Uuid, period: Period) -> Result<Vec<u8>, MetricsError> {
        caller.actor.require(Permission::ExportsPractitionerUsage)?;
        self.of(caller, practitioner, Action::Export, |tx| Ok(file(&tx.practitioner_days(practitioner, period)?)))
    }

    /// Does something with the figures of a practitioner whom the caller may see figures of.
    fn of<T>(
        &self,
        caller: &Caller,
        practitioner: Uuid,
        action: Action,
        work: impl FnOnce(&mut dyn MetricsTx) -> Result<T, MetricsError>,
    ) -> Result<T, MetricsError> {
        let scope = caller.scope();
        self.ports.store.run(&scope, |tx| {
            let owner = tx.practitioner_account(practitioner)?.ok_or(MetricsError::NotFound)?;
            if caller.actor.role == Role::Practitioner && caller.actor.user != owner {
                return Err(MetricsError::NotFound);
            }
            let done = work(tx)?;
            let entry = self.ports.entry(&scope, action);
            tx.record(&entry.on(practitioner).about(owner))?;
            Ok(done)
        })
    }
}

fn file(days: &[PractitionerDay]) -> Vec<u8> {
    let mut sheet = Sheet::default();
    sheet.record(&["Date", "Consultations", "Durée (minutes)"]);
    let (mut consultations, mut minutes) = (0, 0);
    for day in days {
        sheet.record(&[&day.day.to_string(), &day.consultations.to_string(), &day.minutes.to_string()]);
        consultations += day.consultations;
        minutes += day.minutes;
    }
    sheet.blank();
    sheet.record(&["TOTAL", &consultations.to_string(), &minutes.to_string()]);
    sheet.into_bytes()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use jiff::civil::date;

    use super::*;

    #[test]
    fn the_average_is_floored_and_never_divides_by_nothing() {
        let period = Period::new(date(2027, 1, 1), date(2027, 1, 31)).unwrap();
        let usage = |consultations, total_duration_minutes| {
            let totals = DailyTotals { consultations, total_duration_minutes, ..DailyTotals::default() };
            PractitionerUsage { practitioner: Uuid::nil(), period, totals }.average_duration_minutes()
        };
        assert_eq!((usage(0, 0), usage(3, 149), usage(2, 100)), (0, 49, 50));
    }

    #[test]
    fn a_file_has_a_line_a_day_and_the_total() {
        let day = |day, consultations, minutes| PractitionerDay { day, consultations, minutes };
        let bytes = file(&[day(date(2027, 1, 5), 2, 95), day(date(2027, 1, 7), 1, 0)]);
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "\u{feff}Date,Consultations,Durée (minutes)\r\n2027-01-05,2,95\r\n2027-01-07,1,0\r\n\r\nTOTAL,3,95\r\n"
        );
    }
}
