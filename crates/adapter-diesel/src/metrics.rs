//! The ports of metrics: the daily counters, their reconciliation, statements, and releases.
mod reconciliation;
mod releases;
mod statements;

use diesel::{
    prelude::*,
    sql_types::{BigInt, Date, Uuid as SqlUuid},
};
use huntzen_metrics::{Counters, DailyTotals, Period, PractitionerDay, counters::ActivityDay};
use huntzen_tenancy::{StoreError, ids::UserId, policy::Role};
use uuid::Uuid;

use crate::{
    schema::{company_activity_daily, employee_activity_daily, practitioner_activity_daily, practitioners},
    statement::statement,
    stored::{StoredDate, ToDiesel, number},
    unit_of_work::PgTx,
};

statement! {
    /// The sums of a practitioner's days. The casts keep what PostgreSQL sums as `numeric` a number
    /// of 64 bits, which no practitioner outworks.
    SumDays { practitioner: Uuid, from: StoredDate, to: StoredDate } -> (BigInt, BigInt, BigInt, BigInt);
    "SELECT coalesce(sum(consult_count), 0)::bigint, coalesce(sum(total_duration_seconds), 0)::bigint, \
     coalesce(sum(total_duration_minutes), 0)::bigint, count(*) \
     FROM practitioner_activity_daily WHERE practitioner_id = ", practitioner as SqlUuid;
    " AND day BETWEEN ", from as Date; " AND ", to as Date;
}

/// Reads a day of counters back: day, consultations, seconds, people.
fn activity((day, consultations, seconds, people): (StoredDate, i32, i64, i32)) -> Result<ActivityDay, StoreError> {
    Ok(ActivityDay {
        day: day.to_jiff(),
        consult_count: number(consultations, "consult_count")?,
        total_duration_seconds: number(seconds, "total_duration_seconds")?,
        active_users_count: number(people, "active_users_count")?,
    })
}

impl Counters for PgTx {
    fn practitioner_totals(&mut self, practitioner: Uuid, period: Period) -> Result<DailyTotals, StoreError> {
        let query = SumDays { practitioner, from: period.from().to_diesel(), to: period.to().to_diesel() };
        let (consultations, seconds, minutes, days) =
            self.run(|connection| query.get_result::<(i64, i64, i64, i64)>(connection))?;
        Ok(DailyTotals {
            consultations: number(consultations, "consult_count")?,
            total_duration_seconds: number(seconds, "total_duration_seconds")?,
            total_duration_minutes: number(minutes, "total_duration_minutes")?,
            active_days: number(days, "count")?,
        })
    }

    fn practitioner_days(&mut self, practitioner: Uuid, period: Period) -> Result<Vec<PractitionerDay>, StoreError> {
        use practitioner_activity_daily::{consult_count, day, practitioner_id, table, total_duration_minutes};
        let query = table
            .filter(practitioner_id.eq(practitioner))
            .filter(day.between(period.from().to_diesel(), period.to().to_diesel()))
            .select((day, consult_count, total_duration_minutes))
            .order(day);
        let rows = self.run(|connection| query.load::<(StoredDate, i32, i64)>(connection))?;
        let read = |(on, count, minutes): (StoredDate, i32, i64)| {
            Ok(PractitionerDay {
                day: on.to_jiff(),
                consultations: number(count, "consult_count")?,
                minutes: number(minutes, "total_duration_minutes")?,
            })
        };
        rows.into_iter().map(read).collect()
    }

    fn practitioner_account(&mut self, practitioner: Uuid) -> Result<Option<UserId>, StoreError> {
        // Everybody sees public practitioners, but not everybody their figures.
        let own = match self.actor {
            Some(actor) if actor.role == Role::AdminHuntzen => None,
            Some(actor) if actor.role == Role::Practitioner => Some(actor.user),
            Some(_) | None => return Ok(None),
        };
        let query = practitioners::table.find(practitioner).select(practitioners::user_id);
        let account = self.run(|connection| query.first::<Uuid>(connection).optional())?.map(UserId);
        Ok(account.filter(|account| own.is_none_or(|own| own == *account)))
    }

    fn employee_days(&mut self, employee: Uuid, period: Period) -> Result<Vec<ActivityDay>, StoreError> {
        use employee_activity_daily::{consult_count, day, employee_id, table, total_duration_seconds};
        let query = table
            .filter(employee_id.eq(employee))
            .filter(day.between(period.from().to_diesel(), period.to().to_diesel()))
            .select((day, consult_count, total_duration_seconds))
            .order(day);
        let rows = self.run(|connection| query.load::<(StoredDate, i32, i64)>(connection))?;
        rows.into_iter().map(|(on, count, seconds)| activity((on, count, seconds, 1))).collect()
    }

    fn company_days(&mut self, company: Uuid, period: Period) -> Result<Vec<ActivityDay>, StoreError> {
        use company_activity_daily::{
            active_users_count, company_id, consult_count, day, table, total_duration_seconds,
        };
        let query = table
            .filter(company_id.eq(company))
            .filter(day.between(period.from().to_diesel(), period.to().to_diesel()))
            .select((day, consult_count, total_duration_seconds, active_users_count))
            .order(day);
        self.run(|connection| query.load(connection))?.into_iter().map(activity).collect()
    }
}
