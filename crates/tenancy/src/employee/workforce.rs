//! What HR does with its company's employees, and an employee with their own entry.
use std::sync::Arc;

use jiff::Timestamp;

use super::{
    Employee, EmployeeFilter, EmployeeStatus,
    change::{DEPARTMENT, EmployeeChange},
};
use crate::{
    TenancyStore, TenancyTx,
    audit::{Action, AuditEntry, Resource},
    clock::{Clock, Randomness},
    email::Email,
    error::{Checks, FieldError, TenancyError},
    fields,
    identity::{Inviter, NewAccount},
    ids::{CompanyId, EmployeeId, UserId},
    policy::{Permission, Role},
    scope::{Actor, Caller, Scope},
    store::{Page, PageRequest},
};

/// How many invitations are mailed again in one unit of work.
const RESENT_TOGETHER: usize = 100;

/// Whom HR lists; texts as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewEmployee {
    /// The work address, of one of the company's domains.
    pub email: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// As HR calls it.
    pub department: Option<String>,
    /// As HR calls it.
    pub position: Option<String>,
}

/// The employee that HR asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvitedEmployee {
    /// The entry.
    pub employee: Employee,
    /// Whether it was made now; `false` when the company listed the address already.
    pub is_new: bool,
}

/// The employee use cases.
#[derive(Clone)]
pub struct Workforce {
    store: Arc<dyn TenancyStore>,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    inviter: Inviter,
}

impl Workforce {
    /// Over this store, clock and randomness.
    pub fn new(store: Arc<dyn TenancyStore>, clock: Arc<dyn Clock>, randomness: Arc<dyn Randomness>) -> Self {
        let inviter = Inviter::new(clock.clone(), randomness.clone());
        Self { store, clock, randomness, inviter }
    }

    /// Lists a person and invites them; an address that the company lists already changes nothing.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid`, with `domain_not_allowed` for an address of another domain;
    /// `EmailTaken` by another account.
    pub fn create(&self, caller: &Caller, employee: &NewEmployee) -> Result<InvitedEmployee, TenancyError> {
        let company = manager(caller)?;
        let (email, entry) = self.accept(company, employee)?;
        let scope = caller.scope();
        let added = self.store.run(&scope, |tx| {
            if let Some(employee) = tx.employee_by_email(company, &email)? {
                return Ok(InvitedEmployee { employee, is_new: false });
            }
            let domains = tx.company(company)?.ok_or(TenancyError::NotFound)?.email_domains;
            if !domains.iter().any(|domain| domain.as_str() == email.domain()) {
                return Err(TenancyError::Invalid(vec![FieldError::new("email", "domain_not_allowed")]));
            }
            let account = NewAccount {
                id: entry.user,
                company: Some(company),
                email: email.clone(),
                role: Role::Employee,
                first_name: entry.first_name.clone(),
                last_name: entry.last_name.clone(),
            };
            self.inviter.add_and_invite(tx, &scope, account)?;
            tx.add_employee(&entry)?;
            tx.record(&self.entry(&scope, entry.created_at, Action::Create, &entry))?;
            Ok(InvitedEmployee { employee: entry, is_new: true })
        });
        let invited = match added {
            // Two requests for one address may race: the one that came second finds the first's.
            Err(TenancyError::EmailTaken) => {
                let listed = self.store.run(&scope, |tx| Ok(tx.employee_by_email(company, &email)?))?;
                InvitedEmployee { employee: listed.ok_or(TenancyError::EmailTaken)?, is_new: false }
            }
            added => added?,
        };
        Ok(InvitedEmployee { employee: seen_by(&caller.actor, invited.employee), ..invited })
    }

    /// A page of the company's employees, by name.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid` for a search text that no entry can contain.
    pub fn list(
        &self,
        caller: &Caller,
        filter: &EmployeeFilter,
        page: PageRequest,
    ) -> Result<Page<Employee>, TenancyError> {
        let company = manager(caller)?;
        let mut checks = Checks::default();
        fields::searched(&mut checks, filter.text.as_deref(), "q");
        fields::searched(&mut checks, filter.department.as_deref(), "department");
        checks.finish()?;
        let Page { items, total } = self.store.run(&caller.scope(), |tx| Ok(tx.employees(company, filter, page)?))?;
        Ok(Page { items: items.into_iter().map(|employee| seen_by(&caller.actor, employee)).collect(), total })
    }

    /// An employee: of one's own company for HR, oneself for an employee.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn get(&self, caller: &Caller, id: EmployeeId) -> Result<Employee, TenancyError> {
        caller.actor.require(Permission::EmployeeEdit)?;
        let employee = self.store.run(&caller.scope(), |tx| Ok(tx.employee(id)?))?;
        let employee = employee.filter(|employee| reaches(&caller.actor, employee)).ok_or(TenancyError::NotFound)?;
        Ok(seen_by(&caller.actor, employee))
    }

    /// The caller's own entry.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn me(&self, caller: &Caller) -> Result<Employee, TenancyError> {
        caller.actor.require(Permission::EmployeeOwn)?;
        self.store.run(&caller.scope(), |tx| tx.employee_of(caller.actor.user)?.ok_or(TenancyError::NotFound))
    }

    /// Changes an employee: HR the place in the company and the names, employees their own names
    /// and telephone number.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid`, with `not_allowed` for what is not the caller's to change;
    /// `NotFound`.
    pub fn change(&self, caller: &Caller, id: EmployeeId, change: &EmployeeChange) -> Result<Employee, TenancyError> {
        caller.actor.require(Permission::EmployeeEdit)?;
        let change = change.accept(caller.actor.role)?;
        let now = self.clock.now();
        self.edit(caller, id, now, Action::Update, |employee| {
            change.apply(employee, now);
            true
        })
    }

    /// Changes the caller's own entry.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid`, with `not_allowed` for what is HR's to change; `NotFound`.
    pub fn change_me(&self, caller: &Caller, change: &EmployeeChange) -> Result<Employee, TenancyError> {
        caller.actor.require(Permission::EmployeeOwn)?;
        change.accept(caller.actor.role)?;
        let id = self.me(caller)?.id;
        self.change(caller, id, change)
    }

    /// Makes an employee eligible. Repeating changes nothing.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn activate(&self, caller: &Caller, id: EmployeeId) -> Result<Employee, TenancyError> {
        self.set_status(caller, id, EmployeeStatus::Eligible, Action::Activate)
    }

    /// Ends an employee's eligibility; the account and what is theirs stay. Repeating changes
    /// nothing.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn deactivate(&self, caller: &Caller, id: EmployeeId) -> Result<Employee, TenancyError> {
        self.set_status(caller, id, EmployeeStatus::Ended, Action::Deactivate)
    }

    /// Mails an invitation again when it waits to be accepted. Nothing is said of whether it does:
    /// HR is not to learn who has an account.
    ///
    /// # Errors
    /// `Forbidden`, or `StoreError`.
    pub fn resend(&self, caller: &Caller, id: EmployeeId) -> Result<(), TenancyError> {
        let company = manager(caller)?;
        let scope = caller.scope();
        self.store.run(&scope, |tx| match tx.employee(id)?.filter(|employee| employee.company == company) {
            Some(employee) => self.invite_again(tx, &scope, employee.user, company),
            None => Ok(()),
        })
    }

    /// Mails every invitation that waits to be accepted again; nothing is said of how many do.
    ///
    /// # Errors
    /// `Forbidden`, or `StoreError`.
    pub fn resend_all(&self, caller: &Caller) -> Result<(), TenancyError> {
        let company = manager(caller)?;
        let scope = caller.scope();
        let waiting = self.store.run(&scope, |tx| Ok(tx.invited_employees(company)?))?;
        for some in waiting.chunks(RESENT_TOGETHER) {
            self.store.run(&scope, |tx| some.iter().try_for_each(|user| self.invite_again(tx, &scope, *user, company)))?;
        }
        Ok(())
    }

    /// Takes an invitation back unless it was accepted; the employee stays. Nothing is said of
    /// whether there was one.
    ///
    /// # Errors
    /// `Forbidden`, or `StoreError`.
    pub fn withdraw(&self, caller: &Caller, id: EmployeeId) -> Result<(), TenancyError> {
        let company = manager(caller)?;
        let (now, scope) = (self.clock.now(), caller.scope());
        self.store.run(&scope, |tx| {
            let Some(employee) = tx.employee(id)?.filter(|employee| employee.company == company) else {
                return Ok(());
            };
            if tx.withdraw_invitations(employee.user)? {
                tx.record(&self.entry(&scope, now, Action::WithdrawInvitation, &employee))?;
            }
            Ok(())
        })
    }

    /// The entry that `employee` asks for, once its every field is valid.
    fn accept(&self, company: CompanyId, employee: &NewEmployee) -> Result<(Email, Employee), TenancyError> {
        let mut checks = Checks::default();
        let email = fields::email(&mut checks, &employee.email, "email");
        let first_name = fields::required(&mut checks, &employee.first_name, "firstName", fields::NAME);
        let last_name = fields::required(&mut checks, &employee.last_name, "lastName", fields::NAME);
        let department = fields::optional(&mut checks, employee.department.as_deref(), "department", DEPARTMENT);
        let position = fields::optional(&mut checks, employee.position.as_deref(), "position", DEPARTMENT);
        let email = checks.pass(email)?;
        let now = self.clock.now();
        let entry = Employee {
            id: EmployeeId(self.randomness.uuid_v7(now)),
            company,
            user: UserId(self.randomness.uuid_v7(now)),
            email: email.clone(),
            first_name,
            last_name,
            phone: None,
            department,
            position,
            status: EmployeeStatus::Eligible,
            created_at: now,
            updated_at: now,
        };
        Ok((email, entry))
    }

    fn set_status(
        &self,
        caller: &Caller,
        id: EmployeeId,
        status: EmployeeStatus,
        action: Action,
    ) -> Result<Employee, TenancyError> {
        manager(caller)?;
        let now = self.clock.now();
        self.edit(caller, id, now, action, |employee| {
            let changes = employee.status != status;
            if changes {
                employee.status = status;
                employee.updated_at = now;
            }
            changes
        })
    }

    /// Writes an employee within the caller's reach when `edit` says that it changed it.
    fn edit(
        &self,
        caller: &Caller,
        id: EmployeeId,
        now: Timestamp,
        action: Action,
        edit: impl FnOnce(&mut Employee) -> bool,
    ) -> Result<Employee, TenancyError> {
        let scope = caller.scope();
        let employee = self.store.run(&scope, |tx| {
            let employee = tx.employee_for_update(id)?.filter(|employee| reaches(&caller.actor, employee));
            let mut employee = employee.ok_or(TenancyError::NotFound)?;
            if edit(&mut employee) {
                tx.update_employee(&employee)?;
                tx.record(&self.entry(&scope, now, action, &employee))?;
            }
            Ok(employee)
        })?;
        Ok(seen_by(&caller.actor, employee))
    }

    fn invite_again(
        &self,
        tx: &mut dyn TenancyTx,
        scope: &Scope,
        user: UserId,
        company: CompanyId,
    ) -> Result<(), TenancyError> {
        if tx.is_invited(user)? {
            self.inviter.invite(tx, scope, user, Role::Employee, Some(company))?;
        }
        Ok(())
    }

    fn entry(&self, scope: &Scope, now: Timestamp, action: Action, employee: &Employee) -> AuditEntry {
        AuditEntry::new(scope, self.randomness.as_ref(), now, action, Resource::Employee)
            .on(employee.id)
            .about(employee.user)
            .within(Some(employee.company))
    }
}

/// The company whose employees the caller manages.
fn manager(caller: &Caller) -> Result<CompanyId, TenancyError> {
    caller.actor.require(Permission::EmployeesManage)?;
    caller.actor.company.ok_or(TenancyError::NotFound)
}

/// Whether the actor may see this entry: HR its company's, an employee their own.
fn reaches(actor: &Actor, employee: &Employee) -> bool {
    match actor.role {
        Role::AdminRh => actor.company == Some(employee.company),
        Role::Employee => actor.user == employee.user,
        Role::SuperAdmin | Role::AdminHuntzen | Role::Practitioner => false,
    }
}

/// The entry as the actor may see it: a person's telephone number is for them alone.
fn seen_by(actor: &Actor, employee: Employee) -> Employee {
    let phone = employee.phone.filter(|_| actor.user == employee.user);
    Employee { phone, ..employee }
}
