//! An account and its port.
use jiff::Timestamp;

use super::password::HashedPassword;
use crate::{
    email::Email,
    error::TenancyError,
    files::FileId,
    ids::{CompanyId, SessionId, UserId},
    policy::Role,
    scope::Actor,
    store::StoreError,
};

/// A person's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Its company; `None` for roles that have none. It never changes.
    pub company: Option<CompanyId>,
    /// The address that it signs in with.
    pub email: Email,
    /// The hashed password; `None` until an invitation is accepted.
    pub password: Option<HashedPassword>,
    /// Its role. It never changes.
    pub role: Role,
    /// Given name; employees' and practitioners' follow their own entries.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Whether it may sign in at all: set once the address is confirmed.
    pub is_active: bool,
    /// Whether the address was confirmed.
    pub email_verified: bool,
    /// When an operator blocked it.
    pub blocked_at: Option<Timestamp>,
    /// Sessions that began before this instant are over.
    pub signed_out_before: Option<Timestamp>,
    /// When it last signed in.
    pub last_login_at: Option<Timestamp>,
    /// Since when a second factor is asked for; none when it is not.
    pub two_factor_enabled_at: Option<Timestamp>,
    /// `fr` or `en`.
    pub language: String,
    /// Their picture; the store follows the files.
    pub avatar: Option<FileId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl User {
    /// The account as it acts, through `session` once it has one.
    pub fn actor(&self, session: Option<SessionId>) -> Actor {
        Actor { user: self.id, role: self.role, company: self.company, session }
    }

    /// Why the account itself may not sign in; its company's standing is another matter.
    pub fn sign_in_refusal(&self) -> Option<TenancyError> {
        if self.blocked_at.is_some() || (self.email_verified && !self.is_active) {
            Some(TenancyError::AccountInactive)
        } else if !self.email_verified {
            Some(TenancyError::EmailNotVerified)
        } else {
            None
        }
    }
}

/// What a new account starts from.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Its id.
    pub id: UserId,
    /// Its company, for roles that have one.
    pub company: Option<CompanyId>,
    /// Its address.
    pub email: Email,
    /// Its role.
    pub role: Role,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
}

impl NewAccount {
    /// The account without a password, unverified and inactive, made at `now`.
    pub fn into_user(self, now: Timestamp) -> User {
        User {
            id: self.id,
            company: self.company,
            email: self.email,
            password: None,
            role: self.role,
            first_name: self.first_name,
            last_name: self.last_name,
            is_active: false,
            email_verified: false,
            blocked_at: None,
            signed_out_before: None,
            last_login_at: None,
            two_factor_enabled_at: None,
            language: "fr".to_owned(),
            avatar: None,
            created_at: now,
            updated_at: now,
        }
    }
}

/// Accounts. A user scope sees itself; `SignIn` sees the one with its address; operators see
/// all, administrators the HR and practitioner accounts that they invite and sign out.
pub trait Users {
    /// Adds an account. A user scope may add itself as an unverified employee, HR may add people
    /// of its company, administrators HR and practitioners, operators administrators.
    ///
    /// # Errors
    /// `EmailTaken`, even by an account that the scope cannot see.
    fn add_user(&mut self, user: &User) -> Result<(), TenancyError>;

    /// Adds the accounts whose addresses have none, even since a moment ago, and answers which those
    /// are; the others are left out. HR adds people of its company. A store behind a network does it
    /// in few round trips, and takes the addresses in the order given: whoever adds many at once
    /// sorts them, so that no two wait for each other.
    ///
    /// # Errors
    /// `Refused` for every other scope.
    fn add_users(&mut self, users: &[User]) -> Result<Vec<UserId>, TenancyError>;

    /// Those of `emails` that have an account, even one that the scope cannot see. HR asks, who
    /// would hear `EmailTaken` of each.
    ///
    /// # Errors
    /// `Refused` for every other scope.
    fn taken_emails(&mut self, emails: &[Email]) -> Result<Vec<Email>, StoreError>;

    /// Those of `emails` that are the work address of an employee of any company, whatever address their
    /// account has by now: it stays theirs. Whoever may invite asks.
    ///
    /// # Errors
    /// `Refused` for every other scope.
    fn work_addresses(&mut self, emails: &[Email]) -> Result<Vec<Email>, StoreError>;

    /// Writes everything but id, company, role, picture and creation.
    ///
    /// # Errors
    /// `EmailTaken`; `NotFound` when it is not in sight.
    fn update_user(&mut self, user: &User) -> Result<(), TenancyError>;

    /// The account with this id.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn user(&mut self, id: UserId) -> Result<Option<User>, StoreError>;

    /// The account with this id, held against other writers until the unit of work ends, so that
    /// `update_user` writes back nothing stale. A store whose units of work overlap must lock.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn user_for_update(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        self.user(id)
    }

    /// The account with this address.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn user_by_email(&mut self, email: &Email) -> Result<Option<User>, StoreError>;

    /// Ends every session of the HR accounts of `company` that began before `before`;
    /// administrators alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn sign_out_hr(&mut self, company: CompanyId, before: Timestamp) -> Result<(), StoreError>;

    /// The active HR accounts of `company`; administrators alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn hr_of(&mut self, company: CompanyId) -> Result<Vec<UserId>, StoreError>;
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use uuid::Uuid;

    use super::*;

    fn account() -> User {
        NewAccount {
            id: UserId(Uuid::nil()),
            company: None,
            email: Email::parse("ines@huntzen.example").unwrap(),
            role: Role::AdminHuntzen,
            first_name: "Inès".to_owned(),
            last_name: "Roy".to_owned(),
        }
        .into_user(Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn an_unverified_account_is_told_so() {
        assert!(matches!(account().sign_in_refusal(), Some(TenancyError::EmailNotVerified)));
    }

    #[test]
    fn a_verified_active_account_signs_in() {
        let user = User { email_verified: true, is_active: true, ..account() };
        assert!(user.sign_in_refusal().is_none());
    }

    #[test]
    fn blocked_and_erased_accounts_are_inactive_before_anything_else() {
        let blocked = User { blocked_at: Some(Timestamp::UNIX_EPOCH), ..account() };
        let erased = User { email_verified: true, is_active: false, ..account() };
        for user in [blocked, erased] {
            assert!(matches!(user.sign_in_refusal(), Some(TenancyError::AccountInactive)));
        }
    }
}
