//! Releases of companies' months, and what they are made of.
use diesel::{
    dsl::insert_into,
    prelude::*,
    sql_types::{Array, BigInt, Bool, Date, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use huntzen_metrics::{
    EligibleEmployee, Month, MonthTotal, NamedRow, NamedUsage, PublishedCell, Release, Releases, UsageTotals,
};
use huntzen_tenancy::{StoreError, company::Reporting, ids::UserId};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    schema::{
        companies, company_reporting, employees, usage_release_cells, usage_release_invoices, usage_release_people,
        usage_releases,
    },
    statement::statement,
    stored::{StoredDate, StoredTimestamp, ToDiesel, all, number, word},
    unit_of_work::PgTx,
};

statement! {
    /// Waits for whoever closes a month of this company or ends a consultation of it.
    HoldReleases { company: Uuid } -> Bool;
    "SELECT hold_releases(", company as SqlUuid; ")"
}

statement! {
    /// Months that are to be closed.
    Missing { at: StoredTimestamp, close_day: i32, limit: i64 } -> (SqlUuid, Date);
    "SELECT company_id, month FROM missing_releases(", at as Timestamptz; ", ", close_day as Integer;
    ", ", limit as BigInt; ")"
}

statement! {
    /// Who was eligible in a month, and what they used.
    People { company: Uuid, month: StoredDate } ->
        (SqlUuid, SqlUuid, Nullable<Text>, Bool, Array<Integer>, Array<Integer>);
    "SELECT employee_id, employee_user_id, department, agrees, seconds, minutes FROM release_people(",
        company as SqlUuid;
    ", ", month as Date; ")"
}

statement! {
    /// Everything that counts in a month.
    Total { company: Uuid, month: StoredDate } -> (BigInt, BigInt, BigInt, BigInt);
    "SELECT users, consultations, seconds, minutes FROM release_total(", company as SqlUuid;
    ", ", month as Date; ")"
}

#[derive(Queryable)]
struct EligibleRow {
    employee_id: Uuid,
    employee_user_id: Uuid,
    department: Option<String>,
    agrees: bool,
    seconds: Vec<i32>,
    minutes: Vec<i32>,
}

impl TryFrom<EligibleRow> for EligibleEmployee {
    type Error = StoreError;

    fn try_from(row: EligibleRow) -> Result<Self, StoreError> {
        Ok(Self {
            employee: row.employee_id,
            user: UserId(row.employee_user_id),
            agrees: row.agrees,
            department: row.department,
            seconds: numbers(row.seconds, "duration_seconds")?,
            minutes: numbers(row.minutes, "actual_duration")?,
        })
    }
}

fn numbers(values: Vec<i32>, column: &'static str) -> Result<Vec<u32>, StoreError> {
    values.into_iter().map(|value| number(value, column)).collect()
}

/// What is summed up: consultations, seconds, minutes.
fn totals((consultations, seconds, minutes): (i64, i64, i64)) -> Result<UsageTotals, StoreError> {
    Ok(UsageTotals {
        consultations: number(consultations, "consultations")?,
        seconds: number(seconds, "total_duration_seconds")?,
        minutes: number(minutes, "total_duration_minutes")?,
    })
}

#[derive(Insertable)]
#[diesel(table_name = usage_release_cells)]
struct NewCell<'a> {
    company_id: Uuid,
    month: StoredDate,
    position: i32,
    department: Option<&'a str>,
    users: i64,
    consultations: i64,
    minutes: i64,
}

#[derive(Insertable)]
#[diesel(table_name = usage_release_people)]
struct NewPerson<'a> {
    company_id: Uuid,
    month: StoredDate,
    employee_id: Uuid,
    employee_user_id: Uuid,
    department: Option<&'a str>,
    consultations: i64,
    total_duration_seconds: i64,
    total_duration_minutes: i64,
}

#[derive(Queryable)]
struct CellRow {
    month: StoredDate,
    department: Option<String>,
    users: i64,
    consultations: i64,
    minutes: i64,
}

#[derive(Queryable)]
struct PersonRow {
    month: StoredDate,
    employee: Uuid,
    user: Uuid,
    department: Option<String>,
    totals: (i64, i64, i64),
    first_name: String,
    last_name: String,
}

impl TryFrom<PersonRow> for NamedRow {
    type Error = StoreError;

    fn try_from(row: PersonRow) -> Result<Self, StoreError> {
        Ok(Self {
            month: Month::of(row.month.to_jiff()),
            name: format!("{} {}", row.first_name, row.last_name),
            usage: NamedUsage {
                employee: row.employee,
                user: UserId(row.user),
                department: row.department,
                totals: totals(row.totals)?,
            },
        })
    }
}

impl PgTx {
    fn add_cells(&mut self, release: &Release) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(release.cells.len());
        for (cell, position) in release.cells.iter().zip(0_i32..) {
            rows.push(NewCell {
                company_id: release.company,
                month: release.month.first().to_diesel(),
                position,
                department: cell.department.as_deref(),
                users: number(cell.users, "users")?,
                consultations: number(cell.consultations, "consultations")?,
                minutes: number(cell.minutes, "minutes")?,
            });
        }
        self.run(|connection| insert_into(usage_release_cells::table).values(&rows).execute(connection)).map(drop)
    }

    fn add_people(&mut self, release: &Release) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(release.people.len());
        for person in &release.people {
            rows.push(NewPerson {
                company_id: release.company,
                month: release.month.first().to_diesel(),
                employee_id: person.employee,
                employee_user_id: person.user.0,
                department: person.department.as_deref(),
                consultations: number(person.totals.consultations, "consultations")?,
                total_duration_seconds: number(person.totals.seconds, "total_duration_seconds")?,
                total_duration_minutes: number(person.totals.minutes, "total_duration_minutes")?,
            });
        }
        // As many rows as one statement can bind.
        for rows in rows.chunks(1_000) {
            self.run(|connection| insert_into(usage_release_people::table).values(rows).execute(connection))?;
        }
        Ok(())
    }

    fn add_invoice(&mut self, release: &Release) -> Result<(), StoreError> {
        use usage_release_invoices::{
            company_id, consultations, month, table, total_duration_minutes, total_duration_seconds,
        };
        let Some(totals) = release.invoice else { return Ok(()) };
        let row = (
            company_id.eq(release.company),
            month.eq(release.month.first().to_diesel()),
            consultations.eq(number::<_, i64>(totals.consultations, "consultations")?),
            total_duration_seconds.eq(number::<_, i64>(totals.seconds, "total_duration_seconds")?),
            total_duration_minutes.eq(number::<_, i64>(totals.minutes, "total_duration_minutes")?),
        );
        self.run(|connection| insert_into(table).values(row).execute(connection)).map(drop)
    }
}

impl Releases for PgTx {
    fn missing_releases(
        &mut self,
        now: Timestamp,
        close_day: i8,
        limit: u32,
    ) -> Result<Vec<(Uuid, Month)>, StoreError> {
        let query = Missing { at: now.to_diesel(), close_day: close_day.into(), limit: limit.into() };
        let rows = self.run(|connection| query.load::<(Uuid, StoredDate)>(connection))?;
        Ok(rows.into_iter().map(|(company, month)| (company, Month::of(month.to_jiff()))).collect())
    }

    fn hold_releases(&mut self, company: Uuid) -> Result<(), StoreError> {
        self.run(|connection| HoldReleases { company }.get_result::<bool>(connection)).map(drop)
    }

    fn release_people(&mut self, company: Uuid, month: Month) -> Result<Vec<EligibleEmployee>, StoreError> {
        let query = People { company, month: month.first().to_diesel() };
        all(self.run(|connection| query.load::<EligibleRow>(connection))?)
    }

    fn release_total(&mut self, company: Uuid, month: Month) -> Result<MonthTotal, StoreError> {
        let query = Total { company, month: month.first().to_diesel() };
        let (users, consultations, seconds, minutes) =
            self.run(|connection| query.get_result::<(i64, i64, i64, i64)>(connection))?;
        Ok(MonthTotal { users: number(users, "users")?, totals: totals((consultations, seconds, minutes))? })
    }

    fn reporting(&mut self, company: Uuid) -> Result<Reporting, StoreError> {
        let query = company_reporting::table
            .filter(company_reporting::company_id.eq(company))
            .select((company_reporting::starts_on, company_reporting::mode));
        let rows = self.run(|connection| query.load::<(StoredDate, String)>(connection))?;
        let mode = |(from, mode): (StoredDate, String)| Ok((from.to_jiff(), word(&mode, "company_reporting.mode")?));
        rows.into_iter().map(mode).collect()
    }

    fn add_release(&mut self, release: &Release) -> Result<bool, StoreError> {
        let row = (
            usage_releases::company_id.eq(release.company),
            usage_releases::month.eq(release.month.first().to_diesel()),
            usage_releases::closed_at.eq(release.closed_at.to_diesel()),
        );
        let first = insert_into(usage_releases::table).values(row).on_conflict_do_nothing();
        if self.run(|connection| first.execute(connection))? == 0 {
            return Ok(false);
        }
        self.add_cells(release)?;
        self.add_people(release)?;
        self.add_invoice(release)?;
        Ok(true)
    }

    fn released_cells(
        &mut self,
        company: Uuid,
        from: Month,
        to: Month,
    ) -> Result<Vec<(Month, PublishedCell)>, StoreError> {
        use usage_release_cells::{company_id, consultations, department, minutes, month, position, table, users};
        let query = table
            .filter(company_id.eq(company))
            .filter(month.between(from.first().to_diesel(), to.first().to_diesel()))
            .select((month, department, users, consultations, minutes))
            .order((month, position));
        let cell = |row: CellRow| {
            let cell = PublishedCell {
                department: row.department,
                users: number(row.users, "users")?,
                consultations: number(row.consultations, "consultations")?,
                minutes: number(row.minutes, "minutes")?,
            };
            Ok((Month::of(row.month.to_jiff()), cell))
        };
        self.run(|connection| query.load::<CellRow>(connection))?.into_iter().map(cell).collect()
    }

    fn released_people(&mut self, company: Uuid, from: Month, to: Month) -> Result<Vec<NamedRow>, StoreError> {
        use usage_release_people::{
            company_id, consultations, department, employee_id, employee_user_id, month, table, total_duration_minutes,
            total_duration_seconds,
        };
        let query = table
            .inner_join(employees::table.on(employees::id.eq(employee_id)))
            .filter(company_id.eq(company))
            .filter(month.between(from.first().to_diesel(), to.first().to_diesel()))
            .select((
                month,
                employee_id,
                employee_user_id,
                department,
                (consultations, total_duration_seconds, total_duration_minutes),
                employees::first_name,
                employees::last_name,
            ))
            .order((month, employees::last_name, employees::first_name, employee_id));
        all(self.run(|connection| query.load::<PersonRow>(connection))?)
    }

    fn invoice(&mut self, company: Uuid, of_month: Month) -> Result<Option<UsageTotals>, StoreError> {
        use usage_release_invoices::{consultations, table, total_duration_minutes, total_duration_seconds};
        let query = table.find((company, of_month.first().to_diesel())).select((
            consultations,
            total_duration_seconds,
            total_duration_minutes,
        ));
        self.run(|connection| query.first::<(i64, i64, i64)>(connection).optional())?.map(totals).transpose()
    }

    fn company_name(&mut self, company: Uuid) -> Result<Option<String>, StoreError> {
        let query = companies::table.find(company).select(companies::name);
        self.run(|connection| query.first(connection).optional())
    }
}
