//! Sign-ins and their families of refresh tokens.
use std::cmp::Reverse;

use huntzen_tenancy::{
    Job, StoreError,
    identity::{Device, RefreshRow, Session, SessionState, Sessions},
    ids::{SessionId, UserId},
    token::TokenDigest,
};
use jiff::Timestamp;

use crate::{
    refusal::{allow, require},
    state::State,
    store::MemoryTx,
    time::micros,
    visibility::Viewer,
};

impl Sessions for MemoryTx {
    fn add_session(&mut self, session: &Session, token: &RefreshRow) -> Result<(), StoreError> {
        self.write(|viewer, state| {
            allow(viewer.is_user(session.user))?;
            require(!state.sessions.contains(&session.id), "sessions_pkey")?;
            require(state.users.contains(&session.user), "sessions_user_id_fkey")?;
            let stored = Session {
                created_at: micros(session.created_at),
                last_used_at: micros(session.last_used_at),
                expires_at: micros(session.expires_at),
                revoked_at: session.revoked_at.map(micros),
                stepped_up_at: session.stepped_up_at.map(micros),
                ..session.clone()
            };
            state.sessions.put(session.id, stored);
            add_token(viewer, state, token)
        })
    }

    fn session(&mut self, id: SessionId, _for_update: bool) -> Result<Option<SessionState>, StoreError> {
        self.read(|viewer, state| {
            let session = state.sessions.get(&id).filter(|session| viewer.is_user(session.user))?;
            let user = state.users.get(&session.user)?;
            let company_active = user.company.is_none_or(|id| {
                viewer.sees_company(id) && state.companies.get(&id).is_some_and(|company| company.is_active)
            });
            Some(SessionState { session: session.clone(), user: user.clone(), company_active })
        })
    }

    fn sessions_of(&mut self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let now = micros(now);
        self.read(|viewer, state| {
            let signed_out_before = state.users.get(&user).and_then(|user| user.signed_out_before);
            let is_live = |session: &&Session| {
                session.user == user
                    && viewer.is_user(user)
                    && session.revoked_at.is_none()
                    && session.expires_at > now
                    && signed_out_before.is_none_or(|before| session.created_at >= before)
            };
            let mut live: Vec<Session> = state.sessions.rows().filter(is_live).cloned().collect();
            live.sort_by_key(|session| Reverse((session.created_at, session.id)));
            live
        })
    }

    fn is_new_device(&mut self, user: UserId, device: &Device) -> Result<bool, StoreError> {
        self.read(|viewer, state| {
            let theirs: Vec<&Session> =
                state.sessions.rows().filter(|session| session.user == user && viewer.is_user(user)).collect();
            !theirs.is_empty() && theirs.iter().all(|session| session.device.user_agent != device.user_agent)
        })
    }

    fn step_up(&mut self, user: UserId, id: SessionId, at: Timestamp) -> Result<bool, StoreError> {
        let at = micros(at);
        self.write(|viewer, state| {
            let is_live = |session: &Session| {
                session.id == id
                    && session.user == user
                    && viewer.is_user(user)
                    && session.revoked_at.is_none()
                    && session.expires_at > at
            };
            Ok(state.sessions.change(is_live, |session| session.stepped_up_at = Some(at)) == 1)
        })
    }

    fn revoke_session(&mut self, user: UserId, id: SessionId, at: Timestamp) -> Result<bool, StoreError> {
        let at = micros(at);
        self.write(|viewer, state| {
            let is_meant = |session: &Session| {
                session.id == id
                    && session.user == user
                    && viewer.is_user(user)
                    && session.revoked_at.is_none()
                    && session.expires_at > at
            };
            Ok(state.sessions.change(is_meant, |session| session.revoked_at = Some(at)) == 1)
        })
    }

    fn revoke_sessions(&mut self, user: UserId, kept: Option<SessionId>, at: Timestamp) -> Result<u64, StoreError> {
        let at = micros(at);
        self.write(|viewer, state| {
            let is_meant = |session: &Session| {
                session.user == user
                    && viewer.is_user(user)
                    && session.revoked_at.is_none()
                    && session.expires_at > at
                    && kept != Some(session.id)
            };
            Ok(state.sessions.change(is_meant, |session| session.revoked_at = Some(at)))
        })
    }

    fn ended_sessions(&mut self, sessions: &[SessionId], now: Timestamp) -> Result<Vec<SessionId>, StoreError> {
        let now = micros(now);
        self.read(|viewer, state| {
            let is_live = |id: &SessionId| {
                let Some(session) = state.sessions.get(id) else { return false };
                let Some(user) = state.users.get(&session.user) else { return false };
                let company = user.company.and_then(|id| state.companies.get(&id));
                let company_active = user.company.is_none() || company.is_some_and(|company| company.is_active);
                SessionState { session: session.clone(), user: user.clone(), company_active }.is_live(now)
            };
            let asked = sessions.iter().filter(|_| viewer.is_job(Job::Live));
            asked.filter(|id| !is_live(id)).copied().collect()
        })
    }

    fn refresh_token(&mut self, digest: TokenDigest) -> Result<Option<RefreshRow>, StoreError> {
        self.read(|viewer, state| state.refresh_tokens.get(&digest).filter(|token| viewer.is_user(token.user)).cloned())
    }

    fn rotate_refresh_token(
        &mut self,
        old: TokenDigest,
        new: &RefreshRow,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let (at, expires_at) = (micros(new.issued_at), micros(expires_at));
        self.write(|viewer, state| {
            let is_old = |token: &RefreshRow| token.digest == old && viewer.is_user(token.user);
            state.refresh_tokens.change(is_old, |token| token.rotated_at = Some(at));
            add_token(viewer, state, new)?;
            let is_family = |session: &Session| session.id == new.session && viewer.is_user(session.user);
            state.sessions.change(is_family, |session| {
                session.last_used_at = at;
                session.expires_at = expires_at;
            });
            Ok(())
        })
    }
}

fn add_token(viewer: &Viewer, state: &mut State, token: &RefreshRow) -> Result<(), StoreError> {
    allow(viewer.is_user(token.user))?;
    require(!state.refresh_tokens.contains(&token.digest), "refresh_tokens_pkey")?;
    require(state.sessions.contains(&token.session), "refresh_tokens_session_id_fkey")?;
    let stored =
        RefreshRow { issued_at: micros(token.issued_at), rotated_at: token.rotated_at.map(micros), ..token.clone() };
    state.refresh_tokens.put(token.digest, stored);
    Ok(())
}
