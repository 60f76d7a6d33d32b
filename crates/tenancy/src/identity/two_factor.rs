//! Turning a second factor on and off, and proving that it is still you.
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::json;

use super::{
    account::User,
    ports::IdentityPorts,
    second_factor::{SecondFactor, backup_digest, fresh_backup_codes},
};
use crate::{
    TenancyTx,
    audit::Action,
    error::TenancyError,
    ids::NotificationId,
    notifications::{Notification, NotificationType},
    policy::Permission,
    scope::Caller,
    sealing::{KeySubject, SecretText},
};

/// For how long somebody is believed to be there who has just proved it.
pub const STEP_UP: SignedDuration = SignedDuration::from_mins(5);

/// What a person needs to set a device up; shown once.
#[derive(Debug)]
pub struct TwoFactorSetup {
    /// The secret in Base32 (RFC 4648).
    pub secret: SecretText,
    /// The same for a device to read: an `otpauth` URL.
    pub url: SecretText,
    /// Codes for whoever has lost the device, each good once.
    pub backup_codes: Vec<String>,
}

/// How somebody proves to be the owner of the session.
#[derive(Debug)]
pub enum Proof {
    /// By the password.
    Password(SecretString),
    /// By a code of the second factor, or by one of its backup codes.
    Code(SecretString),
}

/// What happened to an account's safety, as its owner is told.
#[derive(Clone, Copy, Debug)]
pub(super) enum SecurityEvent {
    /// A second factor is asked for from now on.
    TwoFactorEnabled,
    /// None is any more.
    TwoFactorDisabled,
    /// Somebody signed in from a device that was not known.
    NewSignIn,
    /// The account has another address.
    EmailChanged,
}

impl SecurityEvent {
    fn as_str(self) -> &'static str {
        match self {
            Self::TwoFactorEnabled => "TWO_FACTOR_ENABLED",
            Self::TwoFactorDisabled => "TWO_FACTOR_DISABLED",
            Self::NewSignIn => "NEW_SIGN_IN",
            Self::EmailChanged => "EMAIL_CHANGED",
        }
    }
}

/// The use cases of the second factor. Those that compare a password hash: they belong where slow work
/// runs.
#[derive(Clone)]
pub struct TwoFactor {
    ports: IdentityPorts,
}

impl TwoFactor {
    /// Over these ports.
    pub fn new(ports: IdentityPorts) -> Self {
        Self { ports }
    }

    /// Makes a secret and backup codes for the caller; they count once a code has shown that the device
    /// knows them. Asked for again before that, they are made anew.
    ///
    /// # Errors
    /// `TwoFactorEnabled` when there is a second factor already.
    pub fn set_up(&self, caller: &Caller) -> Result<TwoFactorSetup, TenancyError> {
        caller.actor.require(Permission::AccountOwn)?;
        let (now, scope) = (self.ports.clock.now(), caller.scope());
        self.ports.store.run(&scope, |tx| {
            let user = tx.user_for_update(caller.actor.user)?.ok_or(TenancyError::NotFound)?;
            if user.two_factor_enabled_at.is_some() {
                return Err(TenancyError::TwoFactorEnabled);
            }
            let secret = self.ports.totp.fresh_secret();
            let key = self.ports.sealer.key(tx, KeySubject::Person(user.id), now)?;
            let sealed = self.ports.sealer.seal(&key, &SecondFactor::place(user.id), &secret)?;
            let backup_codes = fresh_backup_codes(self.ports.randomness.as_ref());
            let digests: Vec<_> = backup_codes.iter().map(|code| backup_digest(code)).collect();
            let factor =
                SecondFactor { user: user.id, secret: sealed, created_at: now, failures: 0, failing_since: None };
            tx.set_second_factor(&factor, &digests)?;
            tx.record(&self.ports.entry(&scope, now, Action::SetUpTwoFactor, &user))?;
            let url = self.ports.totp.url(&secret, user.email.as_str());
            Ok(TwoFactorSetup { secret, url, backup_codes })
        })
    }

    /// Turns the second factor on, once the caller's device counts the right codes.
    ///
    /// # Errors
    /// `TwoFactorEnabled` when it is on already; `TwoFactorOff` when none was set up; `InvalidCode`.
    pub fn verify(&self, caller: &Caller, code: &str) -> Result<(), TenancyError> {
        caller.actor.require(Permission::AccountOwn)?;
        let (now, scope) = (self.ports.clock.now(), caller.scope());
        self.ports.store.run(&scope, |tx| {
            let mut user = tx.user_for_update(caller.actor.user)?.ok_or(TenancyError::NotFound)?;
            if user.two_factor_enabled_at.is_some() {
                return Err(TenancyError::TwoFactorEnabled);
            }
            tx.second_factor(user.id)?.ok_or(TenancyError::TwoFactorOff)?;
            if !self.ports.accept_code(tx, &user, code, now)? {
                tx.record(&self.ports.entry(&scope, now, Action::EnableTwoFactor, &user).refused())?;
                return Ok(Err(TenancyError::InvalidCode));
            }
            user.two_factor_enabled_at = Some(now);
            user.updated_at = now;
            tx.update_user(&user)?;
            self.ports.tell_of_security(tx, &user, SecurityEvent::TwoFactorEnabled, now)?;
            tx.record(&self.ports.entry(&scope, now, Action::EnableTwoFactor, &user))?;
            Ok(Ok(()))
        })?
    }

    /// Turns the second factor off; the caller has just proved to be there, and proves it by both. Whoever
    /// has lost the device gives a backup code.
    ///
    /// # Errors
    /// `TwoFactorOff` when it is off; `StepUpRequired`; `InvalidCredentials` for a wrong password;
    /// `InvalidCode`.
    pub fn disable(&self, caller: &Caller, password: &SecretString, code: &str) -> Result<(), TenancyError> {
        caller.actor.require(Permission::AccountOwn)?;
        let (now, scope) = (self.ports.clock.now(), caller.scope());
        let user = self.ports.stepped_up(caller, now, Action::DisableTwoFactor)?;
        let right = self.ports.hasher.matches(password, user.password.as_ref())?;
        self.ports.store.run(&scope, |tx| {
            let mut locked = tx.user_for_update(user.id)?.ok_or(TenancyError::NotFound)?;
            require_step_up(tx, caller, now)?;
            if locked.two_factor_enabled_at.is_none() {
                return Err(TenancyError::TwoFactorOff);
            }
            let refusal = if !right || locked.password != user.password {
                Some(TenancyError::InvalidCredentials)
            } else if self.ports.accept_any_code(tx, &locked, code, now)? {
                None
            } else {
                Some(TenancyError::InvalidCode)
            };
            if let Some(refusal) = refusal {
                tx.record(&self.ports.entry(&scope, now, Action::DisableTwoFactor, &locked).refused())?;
                return Ok(Err(refusal));
            }
            locked.two_factor_enabled_at = None;
            locked.updated_at = now;
            tx.update_user(&locked)?;
            tx.remove_second_factor(locked.id)?;
            self.ports.tell_of_security(tx, &locked, SecurityEvent::TwoFactorDisabled, now)?;
            tx.record(&self.ports.entry(&scope, now, Action::DisableTwoFactor, &locked))?;
            Ok(Ok(()))
        })?
    }

    /// Proves that the caller is there, for five minutes of this session.
    ///
    /// # Errors
    /// `InvalidCredentials` for a wrong password; `InvalidCode` for a wrong code, and for any code of an
    /// account without a second factor.
    pub fn step_up(&self, caller: &Caller, proof: &Proof) -> Result<(), TenancyError> {
        caller.actor.require(Permission::AccountOwn)?;
        let scope = caller.scope();
        let user = self.ports.store.run(&scope, |tx| tx.user(caller.actor.user)?.ok_or(TenancyError::NotFound))?;
        let right = match proof {
            Proof::Password(password) => self.ports.hasher.matches(password, user.password.as_ref())?,
            Proof::Code(_) => false,
        };
        let now = self.ports.clock.now();
        let session = caller.actor.session.ok_or(TenancyError::SessionEnded)?;
        self.ports.store.run(&scope, |tx| {
            let locked = tx.user_for_update(user.id)?.ok_or(TenancyError::NotFound)?;
            let (is_proved, refusal) = match proof {
                Proof::Password(_) => (right && locked.password == user.password, TenancyError::InvalidCredentials),
                Proof::Code(code) => {
                    let code = secrecy::ExposeSecret::expose_secret(code);
                    let is_on = locked.two_factor_enabled_at.is_some();
                    let accepted = is_on && self.ports.accept_any_code(tx, &locked, code, now)?;
                    (accepted, TenancyError::InvalidCode)
                }
            };
            let entry = self.ports.entry(&scope, now, Action::StepUp, &locked);
            if !is_proved {
                tx.record(&entry.refused())?;
                return Ok(Err(refusal));
            }
            if !tx.step_up(locked.id, session, now)? {
                return Err(TenancyError::SessionEnded);
            }
            tx.record(&entry)?;
            Ok(Ok(()))
        })?
    }
}

/// Passes a caller who has proved to be there within the last five minutes.
pub(super) fn require_step_up(tx: &mut dyn TenancyTx, caller: &Caller, now: Timestamp) -> Result<(), TenancyError> {
    let session = caller.actor.session.ok_or(TenancyError::StepUpRequired)?;
    let state = tx.session(session, false)?.filter(|state| state.is_live(now)).ok_or(TenancyError::StepUpRequired)?;
    let is_recent = |at: Timestamp| now.duration_since(at) <= STEP_UP;
    if state.session.stepped_up_at.is_some_and(is_recent) { Ok(()) } else { Err(TenancyError::StepUpRequired) }
}

impl IdentityPorts {
    /// The caller's account, once it has proved to be there; a caller who has not leaves a trace.
    pub(crate) fn stepped_up(&self, caller: &Caller, now: Timestamp, action: Action) -> Result<User, TenancyError> {
        let scope = caller.scope();
        self.store.run(&scope, |tx| {
            let user = tx.user(caller.actor.user)?.ok_or(TenancyError::NotFound)?;
            match require_step_up(tx, caller, now) {
                Ok(()) => Ok(Ok(user)),
                Err(TenancyError::StepUpRequired) => {
                    tx.record(&self.entry(&scope, now, action, &user).refused())?;
                    Ok(Err(TenancyError::StepUpRequired))
                }
                Err(other) => Err(other),
            }
        })?
    }

    /// Tells an account's owner, in the app, what happened to its safety.
    pub(super) fn tell_of_security(
        &self,
        tx: &mut dyn TenancyTx,
        user: &User,
        event: SecurityEvent,
        now: Timestamp,
    ) -> Result<(), TenancyError> {
        Ok(tx.notify(&Notification {
            id: NotificationId(self.randomness.uuid_v7(now)),
            user: user.id,
            kind: NotificationType::AccountSecurity,
            data: json!({ "event": event.as_str() }),
            read_at: None,
            created_at: now,
        })?)
    }
}
