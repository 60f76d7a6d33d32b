//! What operators do with accounts: invite operators and administrators, block and unblock.
use secrecy::SecretString;

use super::{
    account::{NewAccount, User},
    invitation::Inviter,
    ports::IdentityPorts,
};
use crate::{
    audit::Action,
    email::Email,
    error::{Checks, TenancyError},
    fields,
    ids::UserId,
    policy::{Permission, Role},
    scope::{Caller, Job, Scope},
};

/// Whom an operator invites.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOperator {
    /// The address as typed.
    pub email: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// `SuperAdmin` or `AdminHuntzen`.
    pub role: Role,
}

/// An operator made on the machine itself, with its password.
#[derive(Clone, Debug)]
pub struct FirstOperator {
    /// The address as typed.
    pub email: String,
    /// The password.
    pub password: SecretString,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
}

/// The operators' use cases. `create_first` hashes.
#[derive(Clone)]
pub struct SuperAdministration {
    ports: IdentityPorts,
    inviter: Inviter,
}

impl SuperAdministration {
    /// Over these ports.
    pub fn new(ports: IdentityPorts) -> Self {
        let inviter = Inviter::new(ports.clock.clone(), ports.randomness.clone(), ports.sealer.clone());
        Self { ports, inviter }
    }

    /// Invites an operator or an administrator.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid`, for `role` too when it is another; `EmailTaken`.
    pub fn invite(&self, caller: &Caller, operator: &NewOperator) -> Result<User, TenancyError> {
        caller.actor.require(Permission::AdminsInvite)?;
        let mut checks = Checks::default();
        let allowed = matches!(operator.role, Role::SuperAdmin | Role::AdminHuntzen);
        checks.require(allowed, "role", "not_allowed");
        let account = self.account(checks, &operator.email, &operator.first_name, &operator.last_name)?;
        let account = NewAccount { role: operator.role, ..account };
        let scope = caller.scope();
        self.ports.store.run(&scope, |tx| self.inviter.add_and_invite_account(tx, &scope, account))
    }

    /// Blocks an account: its sessions end at once and it cannot sign in. Repeating changes
    /// nothing.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid` for oneself; `NotFound`.
    pub fn block(&self, caller: &Caller, id: UserId) -> Result<User, TenancyError> {
        self.set_blocked(caller, id, true)
    }

    /// Lifts a block; sessions from before it stay ended. Repeating changes nothing.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid` for oneself; `NotFound`.
    pub fn unblock(&self, caller: &Caller, id: UserId) -> Result<User, TenancyError> {
        self.set_blocked(caller, id, false)
    }

    /// Makes an operator who can sign in, as nobody: for whoever has the machine itself.
    ///
    /// # Errors
    /// `Invalid`; `EmailTaken`.
    pub fn create_first(&self, operator: &FirstOperator) -> Result<User, TenancyError> {
        let mut checks = Checks::default();
        let email = Email::parse(&operator.email);
        self.ports.check_password(&mut checks, &operator.password, email.as_ref(), "password");
        let account = self.account(checks, &operator.email, &operator.first_name, &operator.last_name)?;
        let hashed = self.ports.hasher.hash(&operator.password)?;
        let now = self.ports.clock.now();
        let user = User { password: Some(hashed), is_active: true, email_verified: true, ..account.into_user(now) };
        let scope = Scope::worker(Job::Bootstrap);
        self.ports.store.run(&scope, |tx| {
            tx.add_user(&user)?;
            Ok(tx.record(&self.ports.entry(&scope, now, Action::Create, &user))?)
        })?;
        Ok(user)
    }

    fn set_blocked(&self, caller: &Caller, id: UserId, blocked: bool) -> Result<User, TenancyError> {
        caller.actor.require(Permission::UsersBlock)?;
        // An operator who blocks themself could lock everybody out.
        let mut checks = Checks::default();
        checks.require(caller.actor.user != id, "id", "own_account");
        checks.finish()?;
        let scope = caller.scope();
        self.ports.store.run(&scope, |tx| {
            let mut user = tx.user_for_update(id)?.ok_or(TenancyError::NotFound)?;
            // Now that the account is held: a sign-in that held it before is older than this.
            let now = self.ports.clock.now();
            if user.blocked_at.is_some() == blocked {
                return Ok(user);
            }
            user.blocked_at = blocked.then_some(now);
            if blocked {
                user.signed_out_before = Some(now);
            }
            user.updated_at = now;
            tx.update_user(&user)?;
            let action = if blocked { Action::Block } else { Action::Unblock };
            tx.record(&self.ports.entry(&scope, now, action, &user))?;
            Ok(user)
        })
    }

    /// An operator's account, once nothing is noted against it.
    fn account(
        &self,
        mut checks: Checks,
        email: &str,
        first_name: &str,
        last_name: &str,
    ) -> Result<NewAccount, TenancyError> {
        let email = fields::email(&mut checks, email, "email");
        let first_name = fields::name(&mut checks, first_name, "firstName");
        let last_name = fields::name(&mut checks, last_name, "lastName");
        Ok(NewAccount {
            id: UserId(self.ports.randomness.uuid_v7(self.ports.clock.now())),
            company: None,
            email: checks.pass(email)?,
            role: Role::SuperAdmin,
            first_name,
            last_name,
        })
    }
}
