//! A beneficiary's place in a company. Nothing here says anything about use.
use jiff::Timestamp;

use crate::{
    email::Email,
    error::TenancyError,
    ids::{CompanyId, EmployeeId, UserId},
    store::{Page, PageRequest, StoreError},
    words,
};

mod change;
mod enrolment;
mod import;
mod workforce;
pub use change::EmployeeChange;
pub use enrolment::{InvitedEmployee, NewEmployee};
pub use import::{
    Import, ImportReport, ImportedLine, LINES_TOGETHER, LineError, MOST_ERRORS_OF_A_LINE, MOST_LINES, Present,
};
pub use workforce::Workforce;

words! {
    /// Whether new bookings are paid for by the company.
    EmployeeStatus {
        /// Yes.
        Eligible = "ELIGIBLE",
        /// No longer.
        Ended = "ENDED",
    }
}

/// A person in a company's list of beneficiaries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Employee {
    /// Its id.
    pub id: EmployeeId,
    /// The tenant.
    pub company: CompanyId,
    /// The account.
    pub user: UserId,
    /// The work address under which HR knows the person; the sign-in address may differ later.
    pub email: Email,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// The person's own telephone number, for them alone.
    pub phone: Option<String>,
    /// As HR calls it.
    pub department: Option<String>,
    /// As HR calls it.
    pub position: Option<String>,
    /// Whether new bookings are possible.
    pub status: EmployeeStatus,
    /// When HR listed the person.
    pub created_at: Timestamp,
    /// When the entry last changed; employment periods are dated by it.
    pub updated_at: Timestamp,
}

/// Which employees a list holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmployeeFilter {
    /// Only of this department, exactly.
    pub department: Option<String>,
    /// Only with this status.
    pub status: Option<EmployeeStatus>,
    /// Only those whose name or address contains this, in any case and without accents.
    pub text: Option<String>,
}

/// What booking must know of an employee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Eligibility {
    /// The employee.
    pub employee: EmployeeId,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Whether the employee's status and the company's standing both allow a new booking.
    pub eligible: bool,
    /// The company's IANA zone.
    pub timezone: String,
}

/// Employees. HR sees its company's, an employee sees itself.
pub trait Employees {
    /// Adds an employee; the employment period opens on the day of `created_at`.
    ///
    /// # Errors
    /// `EmailTaken` when the company lists this address already.
    fn add_employee(&mut self, employee: &Employee) -> Result<(), TenancyError>;

    /// Adds employees, each as `add_employee` does. A store behind a network does it in few round
    /// trips.
    ///
    /// # Errors
    /// `EmailTaken` when the company lists one of the addresses already.
    fn add_employees(&mut self, employees: &[Employee]) -> Result<(), TenancyError> {
        employees.iter().try_for_each(|employee| self.add_employee(employee))
    }

    /// Writes names, phone, department, position, status and `updated_at`; the account's names
    /// follow, and a changed department or status closes and opens employment periods on the
    /// day of `updated_at`.
    ///
    /// # Errors
    /// `NotFound` when there is none in sight.
    fn update_employee(&mut self, employee: &Employee) -> Result<(), TenancyError>;

    /// The employee with this id.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn employee(&mut self, id: EmployeeId) -> Result<Option<Employee>, StoreError>;

    /// The employee with this id, held against other writers until the unit of work ends, so that
    /// `update_employee` writes back nothing stale. A store whose units of work overlap must lock.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn employee_for_update(&mut self, id: EmployeeId) -> Result<Option<Employee>, StoreError> {
        self.employee(id)
    }

    /// The employee entry of this account.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn employee_of(&mut self, user: UserId) -> Result<Option<Employee>, StoreError>;

    /// The employee of `company` with this work address.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn employee_by_email(&mut self, company: CompanyId, email: &Email) -> Result<Option<Employee>, StoreError>;

    /// Those of `emails` that are work addresses of employees of `company`.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn listed_emails(&mut self, company: CompanyId, emails: &[Email]) -> Result<Vec<Email>, StoreError>;

    /// A page of the company's employees, by family name, given name, id.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn employees(
        &mut self,
        company: CompanyId,
        filter: &EmployeeFilter,
        page: PageRequest,
    ) -> Result<Page<Employee>, StoreError>;

    /// Whether this account may book; `None` when it is no employee.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn eligibility(&mut self, user: UserId) -> Result<Option<Eligibility>, StoreError>;

    /// The periods of employment of one employee, oldest first: (department, first day, day
    /// after the last or `None`). `Job::Audit` alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn employment_periods(&mut self, id: EmployeeId) -> Result<Vec<EmploymentPeriod>, StoreError>;
}

/// A time during which an employee belonged to a department and was eligible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmploymentPeriod {
    /// The department then.
    pub department: Option<String>,
    /// Its first day.
    pub from: jiff::civil::Date,
    /// The first day after it; `None` while it lasts.
    pub until: Option<jiff::civil::Date>,
}
