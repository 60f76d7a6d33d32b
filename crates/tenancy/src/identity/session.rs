//! Sessions and their families of refresh tokens.
use jiff::Timestamp;

use super::account::User;
use crate::{
    TenancyTx,
    ids::{SessionId, UserId},
    store::StoreError,
    token::TokenDigest,
};

/// Where somebody signs in from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// What the client calls itself, at most 256 characters.
    pub user_agent: Option<String>,
    /// Its truncated address.
    pub ip: Option<String>,
}

/// One sign-in on one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last refreshed.
    pub last_used_at: Timestamp,
    /// When it ends by itself unless refreshed.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
    /// When its owner last proved to be there.
    pub stepped_up_at: Option<Timestamp>,
    /// On what device.
    pub device: Device,
}

/// A refresh token of a session's family; all are kept until the session ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshRow {
    /// The token's digest.
    pub digest: TokenDigest,
    /// Its family.
    pub session: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it was exchanged for its successor.
    pub rotated_at: Option<Timestamp>,
}

/// A session with its account and the company's standing: what an access token is checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionState {
    /// The session.
    pub session: Session,
    /// Its account.
    pub user: User,
    /// Whether the account's company is active; `true` for accounts without one.
    pub company_active: bool,
}

impl SessionState {
    /// Whether the session may still act at `now`: not revoked, not expired, its account
    /// active, not signed out since, and for HR the company active.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.session.revoked_at.is_none()
            && self.session.expires_at > now
            && self.user.is_active
            && self.user.blocked_at.is_none()
            && self.user.signed_out_before.is_none_or(|before| self.session.created_at >= before)
            && (self.company_active || self.user.role != crate::policy::Role::AdminRh)
    }
}

/// Sessions. A user scope sees its own.
pub trait Sessions {
    /// Adds a session with its first refresh token.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn add_session(&mut self, session: &Session, token: &RefreshRow) -> Result<(), StoreError>;

    /// The session with its account, locked against a concurrent refresh when `for_update`.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn session(&mut self, id: SessionId, for_update: bool) -> Result<Option<SessionState>, StoreError>;

    /// The live sessions of `user` at `now`, newest first.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn sessions_of(&mut self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError>;

    /// Whether `user` has signed in before, and never with this client.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn is_new_device(&mut self, user: UserId, device: &Device) -> Result<bool, StoreError>;

    /// Notes that the owner of a session of `user` proved to be there at `at`; `false` when there is no live
    /// one with this id.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn step_up(&mut self, user: UserId, id: SessionId, at: Timestamp) -> Result<bool, StoreError>;

    /// Ends one session of `user`; `false` when there is no live one with this id.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn revoke_session(&mut self, user: UserId, id: SessionId, at: Timestamp) -> Result<bool, StoreError>;

    /// Ends every session of `user` but `kept`; answers how many.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn revoke_sessions(&mut self, user: UserId, kept: Option<SessionId>, at: Timestamp) -> Result<u64, StoreError>;

    /// Those of `sessions` that may not act any more at `now` (see [`SessionState::is_live`]) or do
    /// not exist, in the order asked. For the live worker, which alone sees other people's.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn ended_sessions(&mut self, sessions: &[SessionId], now: Timestamp) -> Result<Vec<SessionId>, StoreError>;

    /// The refresh token with this digest.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn refresh_token(&mut self, digest: TokenDigest) -> Result<Option<RefreshRow>, StoreError>;

    /// Exchanges `old` for `new` at `new.issued_at` and prolongs the session to `expires_at`.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn rotate_refresh_token(
        &mut self,
        old: TokenDigest,
        new: &RefreshRow,
        expires_at: Timestamp,
    ) -> Result<(), StoreError>;
}

/// Ends every session of `user` but `kept`, and answers which, so that nobody takes them for live.
pub(super) fn end_sessions(
    tx: &mut dyn TenancyTx,
    user: UserId,
    kept: Option<SessionId>,
    now: Timestamp,
) -> Result<Vec<SessionId>, StoreError> {
    let live = tx.sessions_of(user, now)?;
    tx.revoke_sessions(user, kept, now)?;
    Ok(live.into_iter().map(|session| session.id).filter(|id| Some(*id) != kept).collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use jiff::SignedDuration;
    use uuid::Uuid;

    use super::*;
    use crate::{email::Email, identity::NewAccount, ids::CompanyId, policy::Role};

    const BEGUN: Timestamp = Timestamp::UNIX_EPOCH;

    fn live(role: Role) -> SessionState {
        let account = NewAccount {
            id: UserId(Uuid::nil()),
            company: role.has_company().then_some(CompanyId(Uuid::nil())),
            email: Email::parse("ines@huntzen.example").unwrap(),
            role,
            first_name: "Inès".to_owned(),
            last_name: "Roy".to_owned(),
        };
        let session = Session {
            id: SessionId(Uuid::nil()),
            user: account.id,
            created_at: BEGUN,
            last_used_at: BEGUN,
            expires_at: BEGUN + SignedDuration::from_hours(1),
            revoked_at: None,
            stepped_up_at: None,
            device: Device::default(),
        };
        let user = User { is_active: true, email_verified: true, ..account.into_user(BEGUN) };
        SessionState { session, user, company_active: true }
    }

    #[test]
    fn a_session_ends_by_itself_on_the_instant() {
        let state = live(Role::Employee);
        assert!(state.is_live(state.session.expires_at - SignedDuration::from_nanos(1)));
        assert!(!state.is_live(state.session.expires_at));
    }

    #[test]
    fn signing_out_ends_what_began_before_alone() {
        let mut state = live(Role::AdminRh);
        state.user.signed_out_before = Some(BEGUN);
        assert!(state.is_live(BEGUN));
        state.user.signed_out_before = Some(BEGUN + SignedDuration::from_micros(1));
        assert!(!state.is_live(BEGUN));
    }

    #[test]
    fn a_suspended_company_signs_out_its_hr_and_nobody_else() {
        for (role, stays) in [(Role::AdminRh, false), (Role::Employee, true)] {
            let state = SessionState { company_active: false, ..live(role) };
            assert_eq!(state.is_live(BEGUN), stays, "{role}");
        }
    }

    #[test]
    fn a_blocked_account_has_no_live_session() {
        let mut state = live(Role::Practitioner);
        state.user.blocked_at = Some(BEGUN);
        assert!(!state.is_live(BEGUN));
    }
}
