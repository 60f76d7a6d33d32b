//! What the account use cases are built over, and the steps that several of them take.
use std::sync::Arc;

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{
    account::User,
    password::{PasswordHasher, PasswordRules},
    second_factor::TotpCodes,
    tokens::{OneTimePurpose, OneTimeToken, TokenOwner},
};
use crate::{
    TenancyStore, TenancyTx,
    audit::{Action, AuditEntry, Resource},
    clock::{Clock, Randomness},
    email::Email,
    error::{Checks, TenancyError},
    fields,
    ids::UserId,
    outbox::{Letter, write_letter},
    scope::{Origin, Scope},
    sealing::Sealer,
    store::StoreError,
    token::{TokenDigest, fresh_token},
};

/// The ports of the account use cases.
#[derive(Clone)]
pub struct IdentityPorts {
    /// Where accounts are.
    pub store: Arc<dyn TenancyStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where ids and tokens come from.
    pub randomness: Arc<dyn Randomness>,
    /// Seals letters.
    pub sealer: Sealer,
    /// Hashes passwords.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Counts codes of second factors.
    pub totp: Arc<dyn TotpCodes>,
    /// What may be a password.
    pub rules: PasswordRules,
}

impl IdentityPorts {
    /// The account with this address, read before its tenant is known.
    pub(super) fn account(&self, scope: &Scope, email: &Email) -> Result<Option<User>, TenancyError> {
        self.store.run(scope, |tx| Ok(tx.user_by_email(email)?))
    }

    /// Whom a mailed token belongs to; refresh tokens are never mailed.
    pub(super) fn mailed_token_owner(
        &self,
        digest: TokenDigest,
        origin: &Origin,
    ) -> Result<Option<TokenOwner>, TenancyError> {
        let scope = Scope::token(digest, origin.clone());
        let owner = self.store.run(&scope, |tx| Ok(tx.token_owner(digest)?))?;
        Ok(owner.filter(|owner| owner.session.is_none()))
    }

    /// Notes a password that breaks the rules for the account with this address, when known.
    pub(super) fn check_password(
        &self,
        checks: &mut Checks,
        password: &SecretString,
        email: Option<&Email>,
        field: &'static str,
    ) {
        let refusal = match email {
            Some(email) => self.rules.refusal(password, email),
            None => self.rules.refusal_for_anybody(password),
        };
        if let Some(code) = refusal {
            checks.require(false, field, code);
        }
    }

    /// A line of the audit trail about one account, by whoever the scope acts for.
    pub(crate) fn entry(&self, scope: &Scope, now: Timestamp, action: Action, user: &User) -> AuditEntry {
        AuditEntry::new(scope, self.randomness.as_ref(), now, action, Resource::User)
            .on(user.id)
            .about(user.id)
            .within(user.company)
    }

    /// Writes a letter.
    pub(crate) fn write(
        &self,
        tx: &mut dyn TenancyTx,
        now: Timestamp,
        recipient: UserId,
        letter: Letter,
        arguments: &Value,
    ) -> Result<(), StoreError> {
        write_letter(&self.sealer, tx, (self.randomness.uuid_v7(now), now), (recipient, letter), arguments)
    }

    /// Mails a fresh one-time token; earlier ones of the same purpose are void.
    pub(super) fn mail_token(
        &self,
        tx: &mut dyn TenancyTx,
        now: Timestamp,
        user: UserId,
        purpose: OneTimePurpose,
    ) -> Result<(), StoreError> {
        let token = fresh_token(self.randomness.as_ref());
        tx.add_one_time_token(&OneTimeToken {
            digest: TokenDigest::of(&token),
            user,
            purpose,
            email: None,
            created_at: now,
            expires_at: now + purpose.validity(),
        })?;
        self.write(tx, now, user, purpose.letter(), &json!({ "token": token }))
    }

    /// Mails a one-time token to the account with this address when it is `wanted`. An absent
    /// account costs the same two units of work, and the caller hears the same.
    pub(super) fn mail_on_request(
        &self,
        origin: &Origin,
        email: &str,
        purpose: OneTimePurpose,
        action: Action,
        wanted: impl Fn(&User) -> bool,
    ) -> Result<(), TenancyError> {
        let mut checks = Checks::default();
        let email = fields::email(&mut checks, email, "email");
        let email = checks.pass(email)?;
        let stranger = Scope::sign_in(email.clone(), origin.clone());
        let account = self.account(&stranger, &email)?;
        let now = self.clock.now();
        let Some(user) = account.filter(|user| user.blocked_at.is_none() && wanted(user)) else {
            let entry = AuditEntry::new(&stranger, self.randomness.as_ref(), now, action, Resource::User);
            return self.store.run(&stranger, |tx| Ok(tx.record(&entry.refused())?));
        };
        self.store.run(&Scope::user(user.actor(None), origin.clone()), |tx| {
            self.mail_token(tx, now, user.id, purpose)?;
            // Whoever asks has not proved to be the owner: the entry has no actor.
            Ok(tx.record(&self.entry(&stranger, now, action, &user))?)
        })
    }
}
