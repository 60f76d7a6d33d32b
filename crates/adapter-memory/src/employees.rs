//! Beneficiaries.
use std::collections::BTreeSet;

use huntzen_tenancy::{
    Page, PageRequest, StoreError, TenancyError,
    email::Email,
    employee::{Eligibility, Employee, EmployeeFilter, EmployeeStatus, Employees, EmploymentPeriod},
    ids::{CompanyId, EmployeeId, UserId},
    policy::Role,
    search::{search_key, searched_key},
};

use crate::{
    employment,
    paging::page,
    refusal::{allow, require},
    state::State,
    store::MemoryTx,
    telling::tell_whoever_is_listed,
    time::micros,
    visibility::Viewer,
};

impl Employees for MemoryTx {
    fn add_employee(&mut self, employee: &Employee) -> Result<(), TenancyError> {
        self.write(|viewer, state| {
            allow(viewer.writes_employee(employee))?;
            require(!state.employees.contains(&employee.id), "employees_pkey")?;
            let is_new = state.employees.rows().all(|held| held.user != employee.user);
            require(is_new, "employees_user_id_key")?;
            let is_same = |held: &Employee| held.company == employee.company && held.email == employee.email;
            if state.employees.rows().any(is_same) {
                return Err(TenancyError::EmailTaken);
            }
            require(state.companies.contains(&employee.company), "employees_company_id_fkey")?;
            let account = state.users.get(&employee.user);
            let is_theirs = account.is_some_and(|user| user.company == Some(employee.company));
            require(is_theirs, "employees_user_fkey")?;
            let employee = Employee {
                created_at: micros(employee.created_at),
                updated_at: micros(employee.updated_at),
                ..employee.clone()
            };
            employment::open(state, &employee)?;
            let (user, company, at) = (employee.user, employee.company, employee.created_at);
            state.employees.put(employee.id, employee);
            tell_whoever_is_listed(state, (user, company), at)?;
            Ok(())
        })
    }

    fn update_employee(&mut self, employee: &Employee) -> Result<(), TenancyError> {
        let is_found = self.write(|viewer, state| {
            let held = state.employees.get(&employee.id);
            let Some(held) =
                held.filter(|held| viewer.changes_employee(held) && !state.erased.contains(&held.user)).cloned()
            else {
                return Ok(false);
            };
            let changed = Employee {
                first_name: employee.first_name.clone(),
                last_name: employee.last_name.clone(),
                phone: employee.phone.clone(),
                department: employee.department.clone(),
                position: employee.position.clone(),
                status: employee.status,
                updated_at: micros(employee.updated_at),
                ..held.clone()
            };
            allow(viewer.writes_employee(&changed))?;
            if (&held.first_name, &held.last_name) != (&changed.first_name, &changed.last_name) {
                let names = (&changed.first_name, &changed.last_name);
                state.name_account(changed.user, names, changed.updated_at);
            }
            if (&held.department, held.status) != (&changed.department, changed.status) {
                employment::change(state, &changed)?;
            }
            state.employees.put(changed.id, changed);
            Ok::<_, TenancyError>(true)
        })?;
        if is_found { Ok(()) } else { Err(TenancyError::NotFound) }
    }

    fn employee(&mut self, id: EmployeeId) -> Result<Option<Employee>, StoreError> {
        self.read(|viewer, state| seen(viewer, state, id).cloned())
    }

    fn employee_for_update(&mut self, id: EmployeeId) -> Result<Option<Employee>, StoreError> {
        self.read(|viewer, state| {
            let row = seen(viewer, state, id).filter(|row| viewer.changes_employee(row));
            row.filter(|row| !state.erased.contains(&row.user)).cloned()
        })
    }

    fn employee_of(&mut self, user: UserId) -> Result<Option<Employee>, StoreError> {
        self.read(|viewer, state| {
            state.employees.rows().find(|row| row.user == user && viewer.sees_employee(row)).cloned()
        })
    }

    fn employee_by_email(&mut self, company: CompanyId, email: &Email) -> Result<Option<Employee>, StoreError> {
        self.read(|viewer, state| {
            let mut in_sight =
                state.employees.rows().filter(|row| viewer.sees_employee(row) && !is_hidden(viewer, state, row));
            in_sight.find(|row| row.company == company && row.email == *email).cloned()
        })
    }

    fn listed_emails(&mut self, company: CompanyId, emails: &[Email]) -> Result<Vec<Email>, StoreError> {
        self.read(|viewer, state| {
            let in_sight = state.employees.rows().filter(|row| row.company == company && viewer.sees_employee(row));
            let listed: BTreeSet<&Email> = in_sight.map(|row| &row.email).collect();
            emails.iter().filter(|email| listed.contains(email)).cloned().collect()
        })
    }

    fn employees(
        &mut self,
        company: CompanyId,
        filter: &EmployeeFilter,
        request: PageRequest,
    ) -> Result<Page<Employee>, StoreError> {
        let wanted = filter.text.as_deref().map(searched_key);
        self.read(|viewer, state| {
            let is_wanted = |row: &&Employee| {
                row.company == company
                    && viewer.sees_employee(row)
                    && !is_hidden(viewer, state, row)
                    && (filter.department.is_none() || filter.department == row.department)
                    && filter.status.is_none_or(|status| row.status == status)
                    && wanted.as_ref().is_none_or(|key| found_under(row).contains(key))
            };
            let mut rows: Vec<&Employee> = state.employees.rows().filter(is_wanted).collect();
            rows.sort_by_key(|row| (&row.last_name, &row.first_name, row.id));
            let Page { items, total } = page(rows, request);
            Page { items: items.into_iter().cloned().collect(), total }
        })
    }

    fn eligibility(&mut self, user: UserId) -> Result<Option<Eligibility>, StoreError> {
        self.read(|viewer, state| {
            let employee = state.employees.rows().find(|row| row.user == user && viewer.sees_employee(row))?;
            let company = state.companies.get(&employee.company).filter(|company| viewer.sees_company(company.id))?;
            Some(Eligibility {
                employee: employee.id,
                first_name: employee.first_name.clone(),
                last_name: employee.last_name.clone(),
                eligible: employee.status == EmployeeStatus::Eligible && company.is_active,
                timezone: company.timezone.clone(),
            })
        })
    }

    fn employment_periods(&mut self, id: EmployeeId) -> Result<Vec<EmploymentPeriod>, StoreError> {
        self.read(|viewer, state| employment::periods(viewer, state, id))
    }
}

fn seen<'a>(viewer: &Viewer, state: &'a State, id: EmployeeId) -> Option<&'a Employee> {
    state.employees.get(&id).filter(|row| viewer.sees_employee(row) && !is_hidden(viewer, state, row))
}

/// Whoever was erased is out of HR's sight.
pub(crate) fn is_hidden(viewer: &Viewer, state: &State, row: &Employee) -> bool {
    viewer.is(Role::AdminRh) && state.erased.contains(&row.user)
}

fn found_under(row: &Employee) -> String {
    search_key(&[&row.first_name, &row.last_name, row.email.as_str()])
}
