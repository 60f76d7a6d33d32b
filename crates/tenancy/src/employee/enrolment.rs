//! How people come into a company's list: HR names them, invites them, takes the invitation back.
use super::{
    Employee, EmployeeStatus,
    change::DEPARTMENT,
    workforce::{Workforce, manager, seen_by},
};
use crate::{
    TenancyTx,
    audit::Action,
    email::Email,
    error::{Checks, FieldError, TenancyError},
    fields,
    identity::NewAccount,
    ids::{CompanyId, EmployeeId, UserId},
    policy::Role,
    scope::{Caller, Scope},
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

impl Workforce {
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
            self.inviter.add_and_invite(tx, &scope, account_of(&entry))?;
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
            self.store
                .run(&scope, |tx| some.iter().try_for_each(|user| self.invite_again(tx, &scope, *user, company)))?;
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
    pub(super) fn accept(&self, company: CompanyId, employee: &NewEmployee) -> Result<(Email, Employee), TenancyError> {
        let mut checks = Checks::default();
        let email = fields::email(&mut checks, &employee.email, "email");
        let first_name = fields::name(&mut checks, &employee.first_name, "firstName");
        let last_name = fields::name(&mut checks, &employee.last_name, "lastName");
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
}

/// The account that goes with a new entry.
pub(super) fn account_of(entry: &Employee) -> NewAccount {
    NewAccount {
        id: entry.user,
        company: Some(entry.company),
        email: entry.email.clone(),
        role: Role::Employee,
        first_name: entry.first_name.clone(),
        last_name: entry.last_name.clone(),
    }
}
