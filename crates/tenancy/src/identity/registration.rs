//! Registration: how an employee of a customer company makes an account without being invited.
use jiff::Timestamp;
use secrecy::SecretString;

use super::{
    account::{NewAccount, User},
    invitation::{InvitationAcceptance, Inviter, Registrant},
    ports::IdentityPorts,
    tokens::OneTimePurpose,
};
use crate::{
    audit::Action,
    company::EmailDomain,
    employee::{Employee, EmployeeStatus},
    error::{Checks, TenancyError},
    fields,
    ids::{CompanyId, EmployeeId, UserId},
    policy::Role,
    scope::{Origin, Scope},
    token::TokenDigest,
};

/// What a person registers with.
#[derive(Clone, Debug)]
pub struct NewRegistration {
    /// The address as typed.
    pub email: String,
    /// The password.
    pub password: SecretString,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// The token of an invitation, when there is one.
    pub invitation_token: Option<String>,
}

/// The registration use cases. `register` hashes: it belongs where slow work runs.
#[derive(Clone)]
pub struct Registration {
    ports: IdentityPorts,
    inviter: Inviter,
    acceptance: InvitationAcceptance,
}

impl Registration {
    /// Over these ports.
    pub fn new(ports: IdentityPorts) -> Self {
        let inviter = Inviter::new(ports.clock.clone(), ports.randomness.clone(), ports.sealer.clone());
        let acceptance = InvitationAcceptance::new(ports.clone());
        Self { ports, inviter, acceptance }
    }

    /// Makes an account: by the domain of its address an employee, still to be verified; with an
    /// invitation whatever it invites to, ready to sign in. An invited address without its token
    /// gets the invitation again and the answer that every registration gets.
    ///
    /// # Errors
    /// `Invalid`; `NoEligibleCompany`; `NotFound` for a token that is unknown, used or expired;
    /// `EmailTaken` when the account has a password.
    pub fn register(&self, origin: &Origin, registration: &NewRegistration) -> Result<User, TenancyError> {
        let mut checks = Checks::default();
        let email = fields::email(&mut checks, &registration.email, "email");
        let first_name = fields::name(&mut checks, &registration.first_name, "firstName");
        let last_name = fields::name(&mut checks, &registration.last_name, "lastName");
        self.ports.check_password(&mut checks, &registration.password, email.as_ref(), "password");
        let registrant = Registrant { email: checks.pass(email)?, first_name, last_name };

        if let Some(token) = &registration.invitation_token {
            return self.acceptance.complete(origin, token, &registration.password, Some(&registrant));
        }
        let email = &registrant.email;
        let stranger = Scope::sign_in(email.clone(), origin.clone());
        let (account, company) = self.ports.store.run(&stranger, |tx| {
            let company = match EmailDomain::parse(email.domain()) {
                Some(domain) => tx.company_for_domain(&domain)?,
                None => None,
            };
            Ok((tx.user_by_email(email)?, company))
        })?;
        match (account, company) {
            (Some(account), _) if account.password.is_some() => Err(TenancyError::EmailTaken),
            (Some(account), company) => {
                // As slow as for a new account: the time must not tell who is invited.
                self.ports.hasher.hash(&registration.password)?;
                self.invite_again(origin, &account, company, registrant)
            }
            (None, Some(company)) => self.add_employee(origin, registrant, company, &registration.password),
            (None, None) => Err(TenancyError::NoEligibleCompany),
        }
    }

    /// Confirms an address by the token that was mailed to it.
    ///
    /// # Errors
    /// `NotFound` when the token is unknown, used or expired.
    pub fn verify_email(&self, origin: &Origin, token: &str) -> Result<User, TenancyError> {
        let digest = TokenDigest::of(token);
        let owner = self.ports.mailed_token_owner(digest, origin)?.ok_or(TenancyError::NotFound)?;
        let (now, scope) = (self.ports.clock.now(), Scope::user(owner.actor(), origin.clone()));
        self.ports.store.run(&scope, |tx| {
            if !tx.use_one_time_token(digest, OneTimePurpose::VerifyEmail, now)? {
                return Err(TenancyError::NotFound);
            }
            let mut user = tx.user_for_update(owner.user)?.ok_or(TenancyError::NotFound)?;
            user.email_verified = true;
            user.is_active = true;
            user.updated_at = now;
            tx.update_user(&user)?;
            tx.record(&self.ports.entry(&scope, now, Action::VerifyEmail, &user))?;
            Ok(user)
        })
    }

    /// Mails the confirmation again to an account that waits for it; says nothing of any other.
    ///
    /// # Errors
    /// `Invalid` for `email`.
    pub fn resend_verification(&self, origin: &Origin, email: &str) -> Result<(), TenancyError> {
        self.ports.mail_on_request(origin, email, OneTimePurpose::VerifyEmail, Action::ResendVerification, |user| {
            user.password.is_some() && !user.email_verified
        })
    }

    /// Adds the employee together with its account, as that account.
    fn add_employee(
        &self,
        origin: &Origin,
        registrant: Registrant,
        company: CompanyId,
        password: &SecretString,
    ) -> Result<User, TenancyError> {
        let hashed = self.ports.hasher.hash(password)?;
        let now = self.ports.clock.now();
        let id = UserId(self.ports.randomness.uuid_v7(now));
        let user = User { password: Some(hashed), ..registrant.into_employee_account(id, Some(company), now) };
        let employee = Employee {
            id: EmployeeId(self.ports.randomness.uuid_v7(now)),
            company,
            user: user.id,
            email: user.email.clone(),
            first_name: user.first_name.clone(),
            last_name: user.last_name.clone(),
            phone: None,
            department: None,
            position: None,
            status: EmployeeStatus::Eligible,
            created_at: now,
            updated_at: now,
        };
        let scope = Scope::user(user.actor(None), origin.clone());
        self.ports.store.run(&scope, |tx| {
            tx.add_user(&user)?;
            tx.add_employee(&employee)?;
            self.ports.mail_token(tx, now, user.id, OneTimePurpose::VerifyEmail)?;
            tx.record(&self.ports.entry(&scope, now, Action::Register, &user))?;
            Ok(())
        })?;
        Ok(user)
    }

    /// Mails the invitation again, on nobody's account: whoever asked has proved nothing. The answer
    /// holds what the registrant said and nothing of the account, not even its id.
    fn invite_again(
        &self,
        origin: &Origin,
        account: &User,
        eligible: Option<CompanyId>,
        registrant: Registrant,
    ) -> Result<User, TenancyError> {
        let now = self.ports.clock.now();
        let scope = Scope::user(account.actor(None), origin.clone());
        let may_register = account.role == Role::Employee && account.company == eligible && eligible.is_some();
        self.ports.store.run(&scope, |tx| {
            if account.blocked_at.is_none() && (may_register || tx.is_invited(account.id)?) {
                let stranger = Scope::anonymous(origin.clone());
                self.inviter.invite(tx, &stranger, account.id, account.role, account.company)?;
            }
            Ok(())
        })?;
        let id = UserId(self.ports.randomness.uuid_v7(now));
        Ok(registrant.into_employee_account(id, eligible, now))
    }
}

impl Registrant {
    /// An employee's account as it starts.
    fn into_employee_account(self, id: UserId, company: Option<CompanyId>, now: Timestamp) -> User {
        NewAccount {
            id,
            company,
            email: self.email,
            role: Role::Employee,
            first_name: self.first_name,
            last_name: self.last_name,
        }
        .into_user(now)
    }
}
