//! What a practitioner is paid by: their own figures over a period.
use std::sync::Arc;

use huntzen_tenancy::{
    Caller,
    audit::{Action, AuditEntry, Resource},
    clock::{Clock, Randomness},
    policy::{Permission, Role},
};
use uuid::Uuid;

use crate::{DailyTotals, MetricsError, MetricsStore, Period};

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
    store: Arc<dyn MetricsStore>,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
}

impl UsageMetrics {
    /// Over this store, clock and randomness.
    pub fn new(store: Arc<dyn MetricsStore>, clock: Arc<dyn Clock>, randomness: Arc<dyn Randomness>) -> Self {
        Self { store, clock, randomness }
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
        let scope = caller.scope();
        let now = self.clock.now();
        self.store.run(&scope, |tx| {
            let owner = tx.practitioner_account(practitioner)?.ok_or(MetricsError::NotFound)?;
            if caller.actor.role == Role::Practitioner && caller.actor.user != owner {
                return Err(MetricsError::NotFound);
            }
            let totals = tx.practitioner_totals(practitioner, period)?;
            let entry = AuditEntry::new(&scope, self.randomness.as_ref(), now, Action::Read, Resource::Metrics);
            tx.record(&entry.on(practitioner).about(owner))?;
            Ok(PractitionerUsage { practitioner, period, totals })
        })
    }
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
}
