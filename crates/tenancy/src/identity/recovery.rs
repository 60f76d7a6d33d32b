//! Passwords forgotten, reset by mail, and changed by those who know them.
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::json;

use super::{
    account::User, password::HashedPassword, ports::IdentityPorts, session::end_sessions, tokens::OneTimePurpose,
};
use crate::{
    TenancyTx,
    audit::Action,
    error::{Checks, TenancyError},
    ids::SessionId,
    outbox::Letter,
    policy::Permission,
    scope::{Caller, Origin, Scope},
    token::TokenDigest,
};

/// The password use cases. `reset` and `change_password` hash: they belong where slow work runs.
#[derive(Clone)]
pub struct Recovery {
    ports: IdentityPorts,
}

impl Recovery {
    /// Over these ports.
    pub fn new(ports: IdentityPorts) -> Self {
        Self { ports }
    }

    /// Mails a reset token to an account that has a password and is not blocked; says nothing of
    /// any other.
    ///
    /// # Errors
    /// `Invalid` for `email`.
    pub fn forgot(&self, origin: &Origin, email: &str) -> Result<(), TenancyError> {
        self.ports.mail_on_request(origin, email, OneTimePurpose::ResetPassword, Action::ForgotPassword, |user| {
            user.password.is_some()
        })
    }

    /// Sets a new password by a mailed token and ends every session; answers which.
    ///
    /// # Errors
    /// `Invalid` for `newPassword`; `NotFound` when the token is unknown, used or expired, or
    /// the account blocked.
    pub fn reset(
        &self,
        origin: &Origin,
        token: &str,
        new_password: &SecretString,
    ) -> Result<Vec<SessionId>, TenancyError> {
        let mut checks = Checks::default();
        self.ports.check_password(&mut checks, new_password, None, "newPassword");
        checks.finish()?;
        let digest = TokenDigest::of(token);
        let owner = self.ports.mailed_token_owner(digest, origin)?.ok_or(TenancyError::NotFound)?;
        let scope = Scope::user(owner.actor(), origin.clone());
        let user = self.ports.store.run(&scope, |tx| tx.user(owner.user)?.ok_or(TenancyError::NotFound))?;
        let hashed = self.hash_for(&user, new_password)?;

        let now = self.ports.clock.now();
        self.ports.store.run(&scope, |tx| {
            if !tx.use_one_time_token(digest, OneTimePurpose::ResetPassword, now)? {
                return Err(TenancyError::NotFound);
            }
            let user = tx.user_for_update(owner.user)?.filter(|user| user.blocked_at.is_none());
            let user = user.ok_or(TenancyError::NotFound)?;
            self.replace(tx, &scope, user, hashed, Action::ResetPassword, now)
        })
    }

    /// Changes the caller's password and ends the other sessions; answers which.
    ///
    /// # Errors
    /// `Invalid` for `newPassword`, or for `currentPassword` when it is wrong.
    pub fn change_password(
        &self,
        caller: &Caller,
        current: &SecretString,
        new_password: &SecretString,
    ) -> Result<Vec<SessionId>, TenancyError> {
        caller.actor.require(Permission::AccountOwn)?;
        let scope = caller.scope();
        let user = self.ports.store.run(&scope, |tx| tx.user(caller.actor.user)?.ok_or(TenancyError::NotFound))?;
        let right = self.ports.hasher.matches(current, user.password.as_ref())?;
        require_current(right)?;
        let hashed = self.hash_for(&user, new_password)?;

        let now = self.ports.clock.now();
        self.ports.store.run(&scope, |tx| {
            let locked = tx.user_for_update(user.id)?.ok_or(TenancyError::NotFound)?;
            require_current(locked.password == user.password)?;
            self.replace(tx, &scope, locked, hashed, Action::ChangePassword, now)
        })
    }

    fn hash_for(&self, user: &User, password: &SecretString) -> Result<HashedPassword, TenancyError> {
        let mut checks = Checks::default();
        self.ports.check_password(&mut checks, password, Some(&user.email), "newPassword");
        checks.finish()?;
        self.ports.hasher.hash(password)
    }

    /// Stores the new password, ends the sessions but the acting one, tells the owner.
    fn replace(
        &self,
        tx: &mut dyn TenancyTx,
        scope: &Scope,
        mut user: User,
        hashed: HashedPassword,
        action: Action,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, TenancyError> {
        user.password = Some(hashed);
        user.updated_at = now;
        tx.update_user(&user)?;
        // Whoever had the old password may have asked for these.
        tx.void_one_time_tokens(user.id, &[OneTimePurpose::ResetPassword, OneTimePurpose::ChangeEmail], now)?;
        let kept = scope.actor().and_then(|actor| actor.session);
        let ended = end_sessions(tx, user.id, kept, now)?;
        self.ports.write(tx, now, user.id, Letter::PasswordChanged, &json!({}))?;
        tx.record(&self.ports.entry(scope, now, action, &user))?;
        Ok(ended)
    }
}

fn require_current(right: bool) -> Result<(), TenancyError> {
    let mut checks = Checks::default();
    checks.require(right, "currentPassword", "wrong_password");
    checks.finish()
}
