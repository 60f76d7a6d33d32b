//! Signing in, staying signed in, and what a person does with their own sessions.
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};

use super::{
    account::User,
    password::MAX_PASSWORD_BYTES,
    ports::IdentityPorts,
    session::{Device, RefreshRow, Session, SessionState, end_sessions},
    tokens::{AccessClaims, AccessTokenSigner, RefreshTokens},
};
use crate::{
    TenancyTx,
    audit::{Action, AuditEntry, Resource},
    email::Email,
    error::TenancyError,
    ids::SessionId,
    policy::{Permission, Role},
    scope::{Caller, Origin, Scope},
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
    ports: IdentityPorts,
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
    /// `InvalidCredentials`, `AccountInactive`, `EmailNotVerified`, `CompanyInactive`.
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
        // bcrypt would read the first bytes of a longer password and ignore the rest.
        let readable = credentials.password.expose_secret().len() <= MAX_PASSWORD_BYTES;
        let stored = account.as_ref().and_then(|user| user.password.as_ref()).filter(|_| readable);
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
                Some(user) => refusal_of(tx, user)?,
                None => Some(TenancyError::InvalidCredentials),
            };
            let (Some(mut user), None) = (user, &refusal) else {
                tx.record(&self.failure(&scope, now, Some(account)))?;
                return Ok(Err(refusal.unwrap_or(TenancyError::InvalidCredentials)));
            };
            user.last_login_at = Some(now);
            tx.update_user(&user)?;
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
    /// `InvalidRefreshToken`.
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
                    let row = RefreshRow { digest: next, session: id, user: owner.user, issued_at: now, rotated_at: None };
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
            Exchange::Reused => Err(TenancyError::InvalidRefreshToken),
        }
    }

    /// Ends the session of `refresh_token`, or every session of the caller without one; answers
    /// which were ended. A token that is not the caller's ends nothing.
    ///
    /// # Errors
    /// `Forbidden`, or `StoreError`.
    pub fn logout(&self, caller: &Caller, refresh_token: Option<&str>) -> Result<Vec<SessionId>, TenancyError> {
        caller.actor.require(Permission::AccountOwn)?;
        let (user, now, scope) = (caller.actor.user, self.ports.clock.now(), caller.scope());
        let entry = self.session_entry(&scope, now, Action::Logout).about(user);
        self.ports.store.run(&scope, |tx| {
            let Some(token) = refresh_token else {
                let ended = end_sessions(tx, user, None, now)?;
                tx.record(&entry)?;
                return Ok(ended);
            };
            let row = tx.refresh_token(TokenDigest::of(token))?.filter(|row| row.user == user);
            match row {
                Some(row) if tx.revoke_session(user, row.session, now)? => {
                    tx.record(&entry.on(row.session))?;
                    Ok(vec![row.session])
                }
                Some(_) | None => Ok(Vec::new()),
            }
        })
    }

    /// The state of the session that an access token speaks of, with its account.
    ///
    /// # Errors
    /// `SessionEnded` unless it is live.
    pub fn session(&self, origin: &Origin, claims: &AccessClaims) -> Result<SessionState, TenancyError> {
        let now = self.ports.clock.now();
        let state = self
            .ports
            .store
            .run(&Scope::user(claims.actor(), origin.clone()), |tx| Ok(tx.session(claims.session, false)?))?;
        state
            .filter(|state| state.user.id == claims.user && state.user.role == claims.role && state.is_live(now))
            .ok_or(TenancyError::SessionEnded)
    }

    /// The caller's own account.
    ///
    /// # Errors
    /// `NotFound` when it is gone.
    pub fn me(&self, caller: &Caller) -> Result<User, TenancyError> {
        caller.actor.require(Permission::AccountOwn)?;
        self.ports.store.run(&caller.scope(), |tx| tx.user(caller.actor.user)?.ok_or(TenancyError::NotFound))
    }

    /// The caller's live sessions, newest first.
    ///
    /// # Errors
    /// `Forbidden`, or `StoreError`.
    pub fn sessions(&self, caller: &Caller) -> Result<Vec<Session>, TenancyError> {
        caller.actor.require(Permission::AccountOwn)?;
        let now = self.ports.clock.now();
        self.ports.store.run(&caller.scope(), |tx| Ok(tx.sessions_of(caller.actor.user, now)?))
    }

    /// Ends one of the caller's sessions.
    ///
    /// # Errors
    /// `NotFound` when the caller has no such live session.
    pub fn revoke(&self, caller: &Caller, id: SessionId) -> Result<(), TenancyError> {
        caller.actor.require(Permission::AccountOwn)?;
        let (user, now, scope) = (caller.actor.user, self.ports.clock.now(), caller.scope());
        self.ports.store.run(&scope, |tx| {
            if !tx.revoke_session(user, id, now)? {
                return Err(TenancyError::NotFound);
            }
            Ok(tx.record(&self.session_entry(&scope, now, Action::RevokeSession).on(id).about(user))?)
        })
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

    fn session_entry(&self, scope: &Scope, now: Timestamp, action: Action) -> AuditEntry {
        AuditEntry::new(scope, self.ports.randomness.as_ref(), now, action, Resource::Session)
    }

    /// A failed attempt, by a stranger: whoever knows the password has not proved to be the owner
    /// until the sign-in succeeds.
    fn failure(&self, stranger: &Scope, now: Timestamp, account: Option<&User>) -> AuditEntry {
        match account {
            Some(user) => self.ports.entry(stranger, now, Action::LoginFailed, user),
            None => {
                AuditEntry::new(stranger, self.ports.randomness.as_ref(), now, Action::LoginFailed, Resource::User)
            }
        }
        .refused()
    }
}

/// Why an account may not sign in although its password is right.
fn refusal_of(tx: &mut dyn TenancyTx, user: &User) -> Result<Option<TenancyError>, TenancyError> {
    if let Some(refusal) = user.sign_in_refusal() {
        return Ok(Some(refusal));
    }
    let Some(company) = user.company.filter(|_| user.role == Role::AdminRh) else { return Ok(None) };
    let active = tx.company(company)?.is_some_and(|company| company.is_active);
    Ok((!active).then_some(TenancyError::CompanyInactive))
}
