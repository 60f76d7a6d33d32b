//! What HR does with its company's employees, and an employee with their own entry.
use std::sync::Arc;

use jiff::Timestamp;

use super::{Employee, EmployeeFilter, EmployeeStatus, change::EmployeeChange};
use crate::{
    TenancyStore,
    audit::{Action, AuditEntry, Resource},
    clock::{Clock, Randomness},
    error::{Checks, TenancyError},
    fields,
    identity::Inviter,
    ids::{CompanyId, EmployeeId},
    policy::{Permission, Role},
    scope::{Actor, Caller, Scope},
    sealing::Sealer,
    store::{Page, PageRequest},
};

/// The employee use cases.
#[derive(Clone)]
pub struct Workforce {
    pub(super) store: Arc<dyn TenancyStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) randomness: Arc<dyn Randomness>,
    pub(super) inviter: Inviter,
}

impl Workforce {
    /// Over this store, clock and randomness; letters are sealed by `sealer`.
    pub fn new(
        store: Arc<dyn TenancyStore>,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
        sealer: Sealer,
    ) -> Self {
        let inviter = Inviter::new(clock.clone(), randomness.clone(), sealer);
        Self { store, clock, randomness, inviter }
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

    pub(super) fn entry(&self, scope: &Scope, now: Timestamp, action: Action, employee: &Employee) -> AuditEntry {
        AuditEntry::new(scope, self.randomness.as_ref(), now, action, Resource::Employee)
            .on(employee.id)
            .about(employee.user)
            .within(Some(employee.company))
    }
}

/// The company whose employees the caller manages.
pub(super) fn manager(caller: &Caller) -> Result<CompanyId, TenancyError> {
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
pub(super) fn seen_by(actor: &Actor, employee: Employee) -> Employee {
    let phone = employee.phone.filter(|_| actor.user == employee.user);
    Employee { phone, ..employee }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use uuid::Uuid;

    use super::*;
    use crate::{email::Email, ids::UserId};

    fn employee() -> Employee {
        Employee {
            id: EmployeeId(Uuid::from_u128(1)),
            company: CompanyId(Uuid::from_u128(2)),
            user: UserId(Uuid::from_u128(3)),
            email: Email::parse("lea@techcorp.example").unwrap(),
            first_name: "Léa".to_owned(),
            last_name: "Morel".to_owned(),
            phone: Some("+33 1 00 00 00 00".to_owned()),
            department: None,
            position: None,
            status: EmployeeStatus::Eligible,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn actor(role: Role, user: u128, company: u128) -> Actor {
        let company = Some(CompanyId(Uuid::from_u128(company)));
        Actor { user: UserId(Uuid::from_u128(user)), role, company, session: None }
    }

    #[test]
    fn hr_reaches_its_company_and_an_employee_themself() {
        for (role, user, company, reached) in [
            (Role::AdminRh, 9, 2, true),
            (Role::AdminRh, 9, 8, false),
            (Role::Employee, 3, 2, true),
            (Role::Employee, 9, 2, false),
            (Role::AdminHuntzen, 9, 2, false),
            (Role::SuperAdmin, 9, 2, false),
            (Role::Practitioner, 9, 2, false),
        ] {
            assert_eq!(reaches(&actor(role, user, company), &employee()), reached, "{role} {user} {company}");
        }
    }

    #[test]
    fn the_telephone_number_is_for_its_owner_alone() {
        assert_eq!(seen_by(&actor(Role::AdminRh, 9, 2), employee()).phone, None);
        assert_eq!(seen_by(&actor(Role::Employee, 3, 2), employee()), employee());
    }
}
