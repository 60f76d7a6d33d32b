//! Accounts.
use std::collections::BTreeSet;

use huntzen_tenancy::{
    StoreError, TenancyError,
    email::Email,
    identity::{User, Users},
    ids::{CompanyId, UserId},
    policy::Role,
};
use jiff::Timestamp;

use crate::{
    refusal::{allow, require},
    state::State,
    store::MemoryTx,
    time::micros,
    visibility::Viewer,
};

impl Users for MemoryTx {
    fn add_user(&mut self, user: &User) -> Result<(), TenancyError> {
        self.write(|viewer, state| {
            allow(viewer.adds_user(user))?;
            let has_company = matches!(user.role, Role::AdminRh | Role::Employee);
            require(has_company == user.company.is_some(), "users_company_by_role")?;
            require(!state.users.contains(&user.id), "users_pkey")?;
            free_email(state, user)?;
            let company_exists = user.company.is_none_or(|company| state.companies.contains(&company));
            require(company_exists, "users_company_id_fkey")?;
            state.users.put(user.id, User { avatar: None, ..stored(user) });
            Ok(())
        })
    }

    fn add_users(&mut self, users: &[User]) -> Result<Vec<UserId>, TenancyError> {
        let mut added = Vec::new();
        for user in users {
            self.write(|viewer, _| allow(viewer.asks_for_taken_emails() && viewer.adds_user(user)))?;
            let is_taken = self.read(|_, state| free_email(state, user).is_err())?;
            if !is_taken {
                self.add_user(user)?;
                added.push(user.id);
            }
        }
        Ok(added)
    }

    fn taken_emails(&mut self, emails: &[Email]) -> Result<Vec<Email>, StoreError> {
        self.write(|viewer, state| {
            allow(viewer.asks_for_taken_emails())?;
            let held: BTreeSet<&Email> = state.users.rows().map(|user| &user.email).collect();
            Ok(emails.iter().filter(|email| held.contains(email)).cloned().collect())
        })
    }

    fn work_addresses(&mut self, emails: &[Email]) -> Result<Vec<Email>, StoreError> {
        self.write(|viewer, state| {
            allow(viewer.asks_for_work_addresses())?;
            let held: BTreeSet<&Email> = state.employees.rows().map(|employee| &employee.email).collect();
            Ok(emails.iter().filter(|email| held.contains(email)).cloned().collect())
        })
    }

    fn update_user(&mut self, user: &User) -> Result<(), TenancyError> {
        let is_found = self.write(|viewer, state| {
            let held = state.users.get(&user.id).filter(|held| is_changed_by(viewer, state, held));
            let Some(held) = held else {
                return Ok(false);
            };
            let (company, role, avatar, created_at) = (held.company, held.role, held.avatar, held.created_at);
            free_email(state, user)?;
            state.users.put(user.id, User { company, role, avatar, created_at, ..stored(user) });
            Ok::<_, TenancyError>(true)
        })?;
        if is_found { Ok(()) } else { Err(TenancyError::NotFound) }
    }

    fn user(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        self.read(|viewer, state| state.users.get(&id).filter(|user| viewer.sees_user(user)).cloned())
    }

    fn user_for_update(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        self.read(|viewer, state| {
            let user = state.users.get(&id)?;
            is_changed_by(viewer, state, user).then(|| user.clone())
        })
    }

    fn user_by_email(&mut self, email: &Email) -> Result<Option<User>, StoreError> {
        self.read(|viewer, state| {
            state.users.rows().find(|user| user.email == *email && viewer.sees_user(user)).cloned()
        })
    }

    fn sign_out_hr(&mut self, company: CompanyId, before: Timestamp) -> Result<(), StoreError> {
        let before = micros(before);
        self.write(|viewer, state| {
            let is_signed_out = |user: &User| {
                user.company == Some(company)
                    && user.role == Role::AdminRh
                    && viewer.sees_user(user)
                    && viewer.changes_user(user)
            };
            state.users.change(is_signed_out, |user| user.signed_out_before = Some(before));
            Ok(())
        })
    }

    fn hr_of(&mut self, company: CompanyId) -> Result<Vec<UserId>, StoreError> {
        self.read(|viewer, state| {
            let hr = state.users.rows().filter(|user| {
                user.company == Some(company) && user.role == Role::AdminRh && user.is_active && viewer.sees_user(user)
            });
            hr.map(|user| user.id).collect()
        })
    }
}

/// Passes when no other account has the address, be it in sight or not.
fn free_email(state: &State, user: &User) -> Result<(), TenancyError> {
    let is_taken = state.users.rows().any(|held| held.email == user.email && held.id != user.id);
    if is_taken { Err(TenancyError::EmailTaken) } else { Ok(()) }
}

fn stored(user: &User) -> User {
    User {
        blocked_at: user.blocked_at.map(micros),
        signed_out_before: user.signed_out_before.map(micros),
        last_login_at: user.last_login_at.map(micros),
        two_factor_enabled_at: user.two_factor_enabled_at.map(micros),
        created_at: micros(user.created_at),
        updated_at: micros(user.updated_at),
        ..user.clone()
    }
}

/// Nobody writes into what is left of somebody who was erased.
fn is_changed_by(viewer: &Viewer, state: &State, user: &User) -> bool {
    viewer.sees_user(user) && viewer.changes_user(user) && !state.erased.contains(&user.id)
}
