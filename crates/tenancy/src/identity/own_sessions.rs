//! What a person does with their own sessions, and the question whether one is still live.
use super::{
    account::User,
    session::{Session, SessionState, end_sessions},
    sign_in::SignIn,
};
use crate::{
    audit::Action,
    error::TenancyError,
    ids::SessionId,
    policy::Permission,
    scope::{Actor, Caller, Origin, Scope},
    token::TokenDigest,
};

impl SignIn {
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

    /// The state of the session through which `actor` says to act, with its account.
    ///
    /// # Errors
    /// `SessionEnded` unless it is live.
    pub fn session(&self, origin: &Origin, actor: Actor, session: SessionId) -> Result<SessionState, TenancyError> {
        let now = self.ports.clock.now();
        let state = self.ports.store.run(&Scope::user(actor, origin.clone()), |tx| Ok(tx.session(session, false)?))?;
        state
            .filter(|state| state.user.id == actor.user && state.user.role == actor.role && state.is_live(now))
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
}
