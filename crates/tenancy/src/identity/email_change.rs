//! Changing one's own address: asked for by its owner, confirmed from the new one, told to the old one.
use serde_json::json;

use super::{
    ports::IdentityPorts,
    tokens::{OneTimePurpose, OneTimeToken},
    two_factor::{SecurityEvent, require_step_up},
};
use crate::{
    audit::Action,
    email::Email,
    error::{Checks, TenancyError},
    fields,
    ids::UserId,
    outbox::Letter,
    policy::Permission,
    scope::{Caller, Origin, Scope},
    token::{TokenDigest, fresh_token},
};

/// The use cases of an address that changes. An employee's work address, by which HR knows the person,
/// is another thing and stays.
#[derive(Clone)]
pub struct EmailChange {
    ports: IdentityPorts,
}

impl EmailChange {
    /// Over these ports.
    pub fn new(ports: IdentityPorts) -> Self {
        Self { ports }
    }

    /// Mails a token to the new address, of any domain. The address of another account gets a letter
    /// that says so to that account's owner, and the caller hears the same.
    ///
    /// # Errors
    /// `StepUpRequired`; `Invalid` for `newEmail`.
    pub fn ask(&self, caller: &Caller, new_email: &str) -> Result<(), TenancyError> {
        caller.actor.require(Permission::AccountOwn)?;
        let mut checks = Checks::default();
        let email = fields::email(&mut checks, new_email, "newEmail");
        let email = checks.pass(email)?;
        let (now, scope) = (self.ports.clock.now(), caller.scope());
        self.ports.stepped_up(caller, now, Action::AskEmailChange)?;
        // Whose it is is seen as by somebody who signs in with it, and by nobody else.
        let holder = self.ports.account(&Scope::sign_in(email.clone(), caller.origin.clone()), &email)?;
        let token = fresh_token(self.ports.randomness.as_ref());
        self.ports.store.run(&scope, |tx| {
            let user = tx.user_for_update(caller.actor.user)?.ok_or(TenancyError::NotFound)?;
            require_step_up(tx, caller, now)?;
            let mut checks = Checks::default();
            checks.require(user.email != email, "newEmail", "unchanged");
            checks.finish()?;
            // Also when the address is taken, and nobody gets the token: it voids those of before alike.
            let purpose = OneTimePurpose::ChangeEmail;
            tx.add_one_time_token(&OneTimeToken {
                digest: TokenDigest::of(&token),
                user: user.id,
                purpose,
                email: Some(email.clone()),
                created_at: now,
                expires_at: now + purpose.validity(),
            })?;
            let (recipient, letter, arguments) = match &holder {
                Some(holder) => (holder.id, Letter::EmailTaken, json!({})),
                None => (user.id, purpose.letter(), json!({ "token": token, "to": email.as_str() })),
            };
            self.ports.write(tx, now, recipient, letter, &arguments)?;
            Ok(tx.record(&self.ports.entry(&scope, now, Action::AskEmailChange, &user))?)
        })
    }

    /// Changes the address by the token that was mailed to the new one; the old one is told. Answers whose
    /// it is. Links that went to the old address are void.
    ///
    /// # Errors
    /// `NotFound` when the token is unknown, used or expired, or the account blocked; `EmailTaken` when
    /// another account took the address meanwhile.
    pub fn confirm(&self, origin: &Origin, token: &str) -> Result<UserId, TenancyError> {
        let digest = TokenDigest::of(token);
        let owner = self.ports.mailed_token_owner(digest, origin)?.ok_or(TenancyError::NotFound)?;
        let (now, scope) = (self.ports.clock.now(), Scope::user(owner.actor(), origin.clone()));
        self.ports.store.run(&scope, |tx| {
            let email = tx.token_email(digest)?.ok_or(TenancyError::NotFound)?;
            if !tx.use_one_time_token(digest, OneTimePurpose::ChangeEmail, now)? {
                return Err(TenancyError::NotFound);
            }
            let user = tx.user_for_update(owner.user)?.filter(|user| user.blocked_at.is_none());
            let mut user = user.ok_or(TenancyError::NotFound)?;
            let former: Email = std::mem::replace(&mut user.email, email);
            user.updated_at = now;
            tx.update_user(&user)?;
            tx.void_one_time_tokens(user.id, &[OneTimePurpose::ResetPassword, OneTimePurpose::VerifyEmail], now)?;
            self.ports.write(tx, now, user.id, Letter::EmailChanged, &json!({ "to": former.as_str() }))?;
            self.ports.tell_of_security(tx, &user, SecurityEvent::EmailChanged, now)?;
            tx.record(&self.ports.entry(&scope, now, Action::ChangeEmail, &user))?;
            Ok(user.id)
        })
    }
}
