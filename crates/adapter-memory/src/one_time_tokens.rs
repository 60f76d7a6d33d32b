//! Mailed tokens, and whom a token of any kind belongs to.
use huntzen_tenancy::{
    StoreError,
    email::Email,
    identity::{OneTimePurpose, OneTimeToken, OneTimeTokens, TokenOwner},
    ids::{SessionId, UserId},
    token::TokenDigest,
};
use jiff::Timestamp;

use crate::{
    refusal::{allow, require},
    state::{OneTimeTokenRow, State},
    store::MemoryTx,
    time::micros,
};

impl OneTimeTokens for MemoryTx {
    fn token_owner(&mut self, digest: TokenDigest) -> Result<Option<TokenOwner>, StoreError> {
        self.read(|viewer, state| {
            let (user, session) = holder(state, digest).filter(|_| viewer.holds_token(digest))?;
            let user = state.users.get(&user)?;
            Some(TokenOwner { user: user.id, role: user.role, company: user.company, session })
        })
    }

    fn add_one_time_token(&mut self, token: &OneTimeToken) -> Result<(), StoreError> {
        let token = OneTimeToken {
            created_at: micros(token.created_at),
            expires_at: micros(token.expires_at),
            ..token.clone()
        };
        self.write(|viewer, state| {
            let is_void = |row: &OneTimeTokenRow| {
                row.token.user == token.user
                    && row.token.purpose == token.purpose
                    && row.used_at.is_none()
                    && viewer.is_user(row.token.user)
            };
            state.one_time_tokens.change(is_void, |row| row.used_at = Some(token.created_at));
            allow(viewer.is_user(token.user))?;
            require(!state.one_time_tokens.contains(&token.digest), "one_time_tokens_pkey")?;
            require(state.users.contains(&token.user), "one_time_tokens_user_id_fkey")?;
            state.one_time_tokens.put(token.digest, OneTimeTokenRow { token, used_at: None });
            Ok(())
        })
    }

    fn token_email(&mut self, digest: TokenDigest) -> Result<Option<Email>, StoreError> {
        self.read(|viewer, state| {
            let row = state.one_time_tokens.get(&digest).filter(|row| viewer.is_user(row.token.user))?;
            row.token.email.clone()
        })
    }

    fn void_one_time_tokens(
        &mut self,
        user: UserId,
        purposes: &[OneTimePurpose],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let at = micros(at);
        self.write(|viewer, state| {
            let is_open = |row: &OneTimeTokenRow| {
                row.token.user == user
                    && purposes.contains(&row.token.purpose)
                    && row.used_at.is_none()
                    && viewer.is_user(user)
            };
            state.one_time_tokens.change(is_open, |row| row.used_at = Some(at));
            Ok(())
        })
    }

    fn use_one_time_token(
        &mut self,
        digest: TokenDigest,
        purpose: OneTimePurpose,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let now = micros(now);
        self.write(|viewer, state| {
            let is_usable = |row: &OneTimeTokenRow| {
                row.token.digest == digest
                    && row.token.purpose == purpose
                    && row.used_at.is_none()
                    && row.token.expires_at > now
                    && viewer.is_user(row.token.user)
            };
            Ok(state.one_time_tokens.change(is_usable, |row| row.used_at = Some(now)) == 1)
        })
    }
}

/// The account that a token was made for, with the session of a refresh token.
fn holder(state: &State, digest: TokenDigest) -> Option<(UserId, Option<SessionId>)> {
    let refresh = || state.refresh_tokens.get(&digest).map(|token| (token.user, Some(token.session)));
    let mailed = || state.one_time_tokens.get(&digest).map(|row| (row.token.user, None));
    let invitation = || {
        let mut invitations = state.invitations.rows();
        invitations.find(|invitation| invitation.digest == digest).map(|invitation| (invitation.user, None))
    };
    refresh().or_else(mailed).or_else(invitation)
}
