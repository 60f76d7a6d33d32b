//! Employees and the periods of their employment.
use diesel::{
    dsl::{insert_into, update},
    pg::Pg,
    prelude::*,
};
use huntzen_tenancy::{
    Page, PageRequest, StoreError, TenancyError,
    email::Email,
    employee::{Eligibility, Employee, EmployeeFilter, EmployeeStatus, Employees, EmploymentPeriod},
    ids::{CompanyId, EmployeeId, UserId},
    search::{search_key, searched_key},
    words::Words,
};
use uuid::Uuid;

use crate::{
    error::tenancy_error,
    schema::{companies, day_after, employees, employment_periods, first_day},
    statement::MOST_ROWS,
    stored::{StoredDate, StoredTimestamp, ToDiesel, all, containing, email, number, one, readable, word},
    unit_of_work::PgTx,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = employees)]
struct EmployeeRow {
    id: Uuid,
    company_id: Uuid,
    user_id: Uuid,
    email: String,
    first_name: String,
    last_name: String,
    phone: Option<String>,
    department: Option<String>,
    position: Option<String>,
    status: String,
    created_at: StoredTimestamp,
    updated_at: StoredTimestamp,
}

impl TryFrom<EmployeeRow> for Employee {
    type Error = StoreError;

    fn try_from(row: EmployeeRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: EmployeeId(row.id),
            company: CompanyId(row.company_id),
            user: UserId(row.user_id),
            email: email(&row.email, "employees.email")?,
            first_name: row.first_name,
            last_name: row.last_name,
            phone: row.phone,
            department: row.department,
            position: row.position,
            status: word(&row.status, "employees.status")?,
            created_at: row.created_at.to_jiff(),
            updated_at: row.updated_at.to_jiff(),
        })
    }
}

/// What can change of an employee.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = employees, treat_none_as_default_value = false, treat_none_as_null = true)]
struct EmployeeState<'a> {
    first_name: &'a str,
    last_name: &'a str,
    phone: Option<&'a str>,
    department: Option<&'a str>,
    position: Option<&'a str>,
    status: &'a str,
    search_text: String,
    updated_at: StoredTimestamp,
}

impl<'a> From<&'a Employee> for EmployeeState<'a> {
    fn from(employee: &'a Employee) -> Self {
        Self {
            first_name: &employee.first_name,
            last_name: &employee.last_name,
            phone: employee.phone.as_deref(),
            department: employee.department.as_deref(),
            position: employee.position.as_deref(),
            status: employee.status.as_str(),
            search_text: search_key(&[&employee.first_name, &employee.last_name, employee.email.as_str()]),
            updated_at: employee.updated_at.to_diesel(),
        }
    }
}

/// A new employee.
#[derive(Insertable)]
#[diesel(table_name = employees)]
struct NewEmployeeRow<'a> {
    id: Uuid,
    company_id: Uuid,
    user_id: Uuid,
    email: &'a str,
    created_at: StoredTimestamp,
    #[diesel(embed)]
    state: EmployeeState<'a>,
}

impl<'a> From<&'a Employee> for NewEmployeeRow<'a> {
    fn from(employee: &'a Employee) -> Self {
        Self {
            id: employee.id.0,
            company_id: employee.company.0,
            user_id: employee.user.0,
            email: employee.email.as_str(),
            created_at: employee.created_at.to_diesel(),
            state: EmployeeState::from(employee),
        }
    }
}

fn matching(company: CompanyId, filter: &EmployeeFilter) -> employees::BoxedQuery<'_, Pg> {
    let mut query = employees::table.filter(employees::company_id.eq(company.0)).into_boxed();
    if let Some(department) = &filter.department {
        query = query.filter(employees::department.eq(department));
    }
    if let Some(status) = filter.status {
        query = query.filter(employees::status.eq(status.as_str()));
    }
    if let Some(text) = &filter.text {
        query = query.filter(employees::search_text.like(containing(&searched_key(text))));
    }
    query
}

type PeriodRow = (Option<String>, Option<StoredDate>, Option<StoredDate>);

/// PostgreSQL keeps ranges of days with their first day in and the day after their last out.
fn period((department, from, until): PeriodRow) -> Result<EmploymentPeriod, StoreError> {
    let from = readable(from, "employment_periods.during")?.to_jiff();
    Ok(EmploymentPeriod { department, from, until: until.map(StoredDate::to_jiff) })
}

impl Employees for PgTx {
    fn add_employee(&mut self, employee: &Employee) -> Result<(), TenancyError> {
        let row = NewEmployeeRow::from(employee);
        self.run(|connection| insert_into(employees::table).values(row).execute(connection))
            .map(drop)
            .map_err(tenancy_error)
    }

    fn add_employees(&mut self, employees: &[Employee]) -> Result<(), TenancyError> {
        for employees in employees.chunks(MOST_ROWS) {
            let rows: Vec<NewEmployeeRow<'_>> = employees.iter().map(NewEmployeeRow::from).collect();
            self.run(|connection| insert_into(employees::table).values(rows).execute(connection))
                .map_err(tenancy_error)?;
        }
        Ok(())
    }

    fn update_employee(&mut self, employee: &Employee) -> Result<(), TenancyError> {
        let change = update(employees::table.find(employee.id.0)).set(EmployeeState::from(employee));
        match self.run(|connection| change.execute(connection)).map_err(tenancy_error)? {
            0 => Err(TenancyError::NotFound),
            _ => Ok(()),
        }
    }

    fn employee(&mut self, id: EmployeeId) -> Result<Option<Employee>, StoreError> {
        let query = employees::table.find(id.0).select(EmployeeRow::as_select());
        one(self.run(|connection| query.first(connection).optional())?)
    }

    fn employee_for_update(&mut self, id: EmployeeId) -> Result<Option<Employee>, StoreError> {
        let query = employees::table.find(id.0).select(EmployeeRow::as_select()).for_no_key_update();
        one(self.run(|connection| query.first(connection).optional())?)
    }

    fn employee_of(&mut self, user: UserId) -> Result<Option<Employee>, StoreError> {
        let query = employees::table.filter(employees::user_id.eq(user.0)).select(EmployeeRow::as_select());
        one(self.run(|connection| query.first(connection).optional())?)
    }

    fn employee_by_email(&mut self, company: CompanyId, email: &Email) -> Result<Option<Employee>, StoreError> {
        let query = employees::table
            .filter(employees::company_id.eq(company.0))
            .filter(employees::email.eq(email.as_str()))
            .select(EmployeeRow::as_select());
        one(self.run(|connection| query.first(connection).optional())?)
    }

    fn listed_emails(&mut self, company: CompanyId, emails: &[Email]) -> Result<Vec<Email>, StoreError> {
        let wanted: Vec<&str> = emails.iter().map(Email::as_str).collect();
        let query = employees::table
            .filter(employees::company_id.eq(company.0))
            .filter(employees::email.eq_any(wanted))
            .select(employees::email);
        let listed = self.run(|connection| query.load::<String>(connection))?;
        listed.iter().map(|address| email(address, "employees.email")).collect()
    }

    fn employees(
        &mut self,
        company: CompanyId,
        filter: &EmployeeFilter,
        page: PageRequest,
    ) -> Result<Page<Employee>, StoreError> {
        let total: i64 = self.run(|connection| matching(company, filter).count().get_result(connection))?;
        let query = matching(company, filter)
            .select(EmployeeRow::as_select())
            .order((employees::last_name, employees::first_name, employees::id))
            .limit(page.per_page.into())
            .offset(number(page.offset(), "offset")?);
        let rows = self.run(|connection| query.load(connection))?;
        Ok(Page { items: all(rows)?, total: number(total, "count")? })
    }

    fn eligibility(&mut self, user: UserId) -> Result<Option<Eligibility>, StoreError> {
        let query = employees::table.inner_join(companies::table).filter(employees::user_id.eq(user.0)).select((
            employees::id,
            employees::first_name,
            employees::last_name,
            employees::status.eq(EmployeeStatus::Eligible.as_str()).and(companies::is_active),
            companies::timezone,
        ));
        let row = self.run(|connection| query.first::<(Uuid, String, String, bool, String)>(connection).optional())?;
        Ok(row.map(|(id, first_name, last_name, eligible, timezone)| Eligibility {
            employee: EmployeeId(id),
            first_name,
            last_name,
            eligible,
            timezone,
        }))
    }

    fn employment_periods(&mut self, id: EmployeeId) -> Result<Vec<EmploymentPeriod>, StoreError> {
        let query = employment_periods::table
            .filter(employment_periods::employee_id.eq(id.0))
            .select((
                employment_periods::department,
                first_day(employment_periods::during),
                day_after(employment_periods::during),
            ))
            .order(employment_periods::during);
        self.run(|connection| query.load::<PeriodRow>(connection))?.into_iter().map(period).collect()
    }
}
