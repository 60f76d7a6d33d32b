//! Signing in with a password, and staying signed in by refresh tokens.
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{
    account::User,
    ports::IdentityPorts,
    second_factor::backup_digest,
    session::{Device, RefreshRow, Session},
    tokens::{AccessClaims, AccessTokenSigner, RefreshTokens},
    two_factor::SecurityEvent,
};
use crate::{
    TenancyTx,
    audit::{Action, AuditEntry, Resource},
    email::Email,
    error::TenancyError,
    ids::SessionId,
    outbox::Letter,
    policy::Role,
    scope::{Origin, Scope},
    token::{TokenDigest, fresh_token},
};

/// For how long a client that lost the answer gets the same successor again.
const LOST_ANSWER: SignedDuration = SignedDuration::from_secs(10);

/// How long tokens last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenLifetimes {
    /// An access token's; 15 minutes unless configured.
    pub access: SignedDuration,
    /// A refresh token's, and so an idle session's; 7 days unless configured.
    pub refresh: SignedDuration,
}

/// What somebody signs in with.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The address as typed.
    pub email: String,
    /// The password.
    pub password: SecretString,
    /// A code of the second factor.
    pub code: Option<SecretString>,
    /// A backup code instead.
    pub backup_code: Option<SecretString>,
    /// On what device.
    pub device: Device,
}

/// A session's fresh pair of tokens.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The signed access token.
    pub access_token: String,
    /// The opaque refresh token.
    pub refresh_token: String,
    /// For how many seconds the access token is valid.
    pub expires_in: i64,
    /// The account.
    pub user: User,
    /// The session.
    pub session: SessionId,
}

/// What an exchange of refresh tokens came to.
enum Exchange {
    /// The successor to hand out.
    Granted(Box<User>, String),
    /// The token was used before: its family is revoked, which must be kept.
    Reused,
}

/// The sign-in use cases. `login` hashes: it belongs where slow work runs.
#[derive(Clone)]
pub struct SignIn {
    pub(super) ports: IdentityPorts,
    access: Arc<dyn AccessTokenSigner>,
    refresh: Arc<dyn RefreshTokens>,
    lifetimes: TokenLifetimes,
}

impl SignIn {
    /// Over these ports.
    pub fn new(
        ports: IdentityPorts,
        access: Arc<dyn AccessTokenSigner>,
        refresh: Arc<dyn RefreshTokens>,
        lifetimes: TokenLifetimes,
    ) -> Self {
        Self { ports, access, refresh, lifetimes }
    }

    /// Opens a session. A wrong address and a wrong password are refused alike, after the same
    /// work; what is wrong with the account itself is said to those who know its password alone.
    ///
    /// # Errors
    /// `InvalidCredentials`, `AccountInactive`, `EmailNotVerified`, `CompanyInactive`,
    /// `TwoFactorRequired`, `InvalidCode`.
    pub fn login(&self, origin: &Origin, credentials: &Credentials) -> Result<SignedIn, TenancyError> {
        let email = Email::parse(&credentials.email);
        let scope = match &email {
            Some(email) => Scope::sign_in(email.clone(), origin.clone()),
            None => Scope::anonymous(origin.clone()),
        };
        let account = match &email {
            Some(email) => self.ports.account(&scope, email)?,
            None => None,
        };
        let stored = account.as_ref().and_then(|user| user.password.as_ref());
        let right = self.ports.hasher.matches(&credentials.password, stored)?;

        let now = self.ports.clock.now();
        let Some(account) = account.as_ref().filter(|_| right) else {
            self.ports.store.run(&scope, |tx| Ok(tx.record(&self.failure(&scope, now, account.as_ref()))?))?;
            return Err(TenancyError::InvalidCredentials);
        };
        let id = SessionId(self.ports.randomness.uuid_v7(now));
        let as_account = Scope::user(account.actor(Some(id)), origin.clone());
        let (user, token) = self.ports.store.run(&as_account, |tx| {
            let user = tx.user_for_update(account.id)?.filter(|user| user.password == account.password);
            let refusal = match &user {
                Some(user) => match refusal_of(tx, user)? {
                    None => self.second_factor_refusal(tx, user, credentials, now)?,
                    refusal => refusal,
                },
                None => Some(TenancyError::InvalidCredentials),
            };
            let (Some(mut user), None) = (user, &refusal) else {
                tx.record(&self.failure(&scope, now, Some(account)))?;
                return Ok(Err(refusal.unwrap_or(TenancyError::InvalidCredentials)));
            };
            user.last_login_at = Some(now);
            tx.update_user(&user)?;
            if tx.is_new_device(user.id, &credentials.device)? {
                self.tell_of_sign_in(tx, &user, &credentials.device, now)?;
            }
            let token = self.open(tx, id, &user, &credentials.device, now)?;
            tx.record(&self.ports.entry(&as_account, now, Action::Login, &user))?;
            Ok(Ok((user, token)))
        })??;
        self.signed_in(user, id, token, now)
    }

    /// Exchanges a refresh token for its successor. A repeat within ten seconds gets the same
    /// successor; a later one, or one whose successor was used, revokes the whole family.
    ///
    /// # Errors
    /// `InvalidRefreshToken`; `RefreshReused` with the session that this has ended.
    pub fn refresh(&self, origin: &Origin, token: &str) -> Result<SignedIn, TenancyError> {
        let digest = TokenDigest::of(token);
        let by_token = Scope::token(digest, origin.clone());
        let owner = self.ports.store.run(&by_token, |tx| Ok(tx.token_owner(digest)?))?;
        let Some((owner, id)) = owner.and_then(|owner| Some((owner, owner.session?))) else {
            return Err(TenancyError::InvalidRefreshToken);
        };
        let now = self.ports.clock.now();
        let scope = Scope::user(owner.actor(), origin.clone());
        let exchange = self.ports.store.run(&scope, |tx| {
            let state = tx.session(id, true)?.filter(|state| state.is_live(now));
            let (Some(state), Some(row)) = (state, tx.refresh_token(digest)?) else {
                return Err(TenancyError::InvalidRefreshToken);
            };
            let successor = self.refresh.successor(token);
            let next = TokenDigest::of(&successor);
            let granted = match row.rotated_at {
                None => {
                    let row =
                        RefreshRow { digest: next, session: id, user: owner.user, issued_at: now, rotated_at: None };
                    tx.rotate_refresh_token(digest, &row, now + self.lifetimes.refresh)?;
                    true
                }
                Some(rotated_at) if now.duration_since(rotated_at) <= LOST_ANSWER => {
                    tx.refresh_token(next)?.is_some_and(|next| next.rotated_at.is_none())
                }
                Some(_) => false,
            };
            if granted {
                return Ok(Exchange::Granted(Box::new(state.user), successor));
            }
            tx.revoke_session(owner.user, id, now)?;
            let entry = self.session_entry(&scope, now, Action::RefreshReuse).on(id).about(owner.user);
            tx.record(&entry.refused())?;
            Ok(Exchange::Reused)
        })?;
        match exchange {
            Exchange::Granted(user, successor) => self.signed_in(*user, id, successor, now),
            Exchange::Reused => Err(TenancyError::RefreshReused(id)),
        }
    }

    /// Why the second factor refuses the sign-in; an account without one never does.
    fn second_factor_refusal(
        &self,
        tx: &mut dyn TenancyTx,
        user: &User,
        credentials: &Credentials,
        now: Timestamp,
    ) -> Result<Option<TenancyError>, TenancyError> {
        if user.two_factor_enabled_at.is_none() {
            return Ok(None);
        }
        let is_accepted = match (&credentials.code, &credentials.backup_code) {
            (None, None) => return Ok(Some(TenancyError::TwoFactorRequired)),
            (Some(code), _) => self.ports.accept_code(tx, user, code.expose_secret(), now)?,
            (None, Some(code)) => tx.use_backup_code(user.id, backup_digest(code.expose_secret()), now)?,
        };
        Ok((!is_accepted).then_some(TenancyError::InvalidCode))
    }

    /// Tells an account's owner of a sign-in from a device that was not known.
    fn tell_of_sign_in(
        &self,
        tx: &mut dyn TenancyTx,
        user: &User,
        device: &Device,
        now: Timestamp,
    ) -> Result<(), TenancyError> {
        let arguments = json!({ "at": now.to_string(), "device": device.user_agent, "ip": device.ip });
        self.ports.write(tx, now, user.id, Letter::NewSignIn, &arguments)?;
        self.ports.tell_of_security(tx, user, SecurityEvent::NewSignIn, now)
    }

    /// Adds the session and answers its first refresh token.
    fn open(
        &self,
        tx: &mut dyn TenancyTx,
        id: SessionId,
        user: &User,
        device: &Device,
        now: Timestamp,
    ) -> Result<String, TenancyError> {
        let token = fresh_token(self.ports.randomness.as_ref());
        let session = Session {
            id,
            user: user.id,
            created_at: now,
            last_used_at: now,
            expires_at: now + self.lifetimes.refresh,
            revoked_at: None,
            stepped_up_at: None,
            device: device.clone(),
        };
        let row = RefreshRow {
            digest: TokenDigest::of(&token),
            session: id,
            user: user.id,
            issued_at: now,
            rotated_at: None,
        };
        tx.add_session(&session, &row)?;
        Ok(token)
    }

    fn signed_in(
        &self,
        user: User,
        session: SessionId,
        refresh_token: String,
        now: Timestamp,
    ) -> Result<SignedIn, TenancyError> {
        let claims = AccessClaims {
            user: user.id,
            email: user.email.clone(),
            role: user.role,
            company: user.company,
            session,
            issued_at: now,
            expires_at: now + self.lifetimes.access,
        };
        let access_token = self.access.sign(&claims).map_err(TenancyError::Signing)?;
        Ok(SignedIn { access_token, refresh_token, expires_in: self.lifetimes.access.as_secs(), user, session })
    }

    pub(super) fn session_entry(&self, scope: &Scope, now: Timestamp, action: Action) -> AuditEntry {
        AuditEntry::new(scope, self.ports.randomness.as_ref(), now, action, Resource::Session)
    }

    /// A failed attempt, by a stranger: whoever knows the password has not proved to be the owner
    /// until the sign-in succeeds.
    fn failure(&self, stranger: &Scope, now: Timestamp, account: Option<&User>) -> AuditEntry {
        match account {
            Some(user) => self.ports.entry(stranger, now, Action::LoginFailed, user),
            None => AuditEntry::new(stranger, self.ports.randomness.as_ref(), now, Action::LoginFailed, Resource::User),
        }
        .refused()
    }
}

/// Why an account may not sign in although its password is right.
fn refusal_of(tx: &mut dyn TenancyTx, user: &User) -> Result<Option<TenancyError>, TenancyError> {
    if let Some(refusal) = user.sign_in_refusal() {
        return Ok(Some(refusal));
    }
    let Some(company) = user.company.filter(|_| user.role == Role::AdminRh) else {
        return Ok(None);
    };
    let active = tx.company(company)?.is_some_and(|company| company.is_active);
    Ok((!active).then_some(TenancyError::CompanyInactive))
}
