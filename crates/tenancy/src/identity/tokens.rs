//! Tokens: signed access tokens, derived refresh tokens, mailed one-time tokens.
use jiff::{SignedDuration, Timestamp};

use crate::{
    email::Email,
    ids::{CompanyId, SessionId, UserId},
    outbox::Letter,
    policy::Role,
    scope::Actor,
    store::StoreError,
    token::TokenDigest,
    words,
};

/// What an access token says (JWT, RFC 7519).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessClaims {
    /// `sub`: the account.
    pub user: UserId,
    /// `email`: its address when the token was made.
    pub email: Email,
    /// `role`.
    pub role: Role,
    /// `companyId`.
    pub company: Option<CompanyId>,
    /// `sid`: the session.
    pub session: SessionId,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `exp`.
    pub expires_at: Timestamp,
}

impl AccessClaims {
    /// The account as it acts through this token.
    pub fn actor(&self) -> Actor {
        Actor { user: self.user, role: self.role, company: self.company, session: Some(self.session) }
    }
}

/// The token is not one of ours, or not valid now; why is nobody's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the access token is not valid")]
pub struct AccessTokenError;

/// Makes and checks access tokens: HS256 alone, with issuer and audience pinned.
pub trait AccessTokenSigner: Send + Sync {
    /// The token that says `claims`.
    ///
    /// # Errors
    /// `AccessTokenError` when the signer fails.
    fn sign(&self, claims: &AccessClaims) -> Result<String, AccessTokenError>;

    /// What `token` says, when it is ours and valid at `now` (no leeway).
    ///
    /// # Errors
    /// `AccessTokenError` otherwise.
    fn verify(&self, token: &str, now: Timestamp) -> Result<AccessClaims, AccessTokenError>;
}

/// Derives the successor of a refresh token, always the same one: HMAC-SHA-256 (RFC 2104) of the
/// token under a secret of its own, so that a client that lost an answer gets it again.
pub trait RefreshTokens: Send + Sync {
    /// The successor of `token`, in lower-case hexadecimal.
    fn successor(&self, token: &str) -> String;
}

words! {
    /// What a mailed one-time token is good for.
    OneTimePurpose {
        /// Confirming an address; 24 hours.
        VerifyEmail = "VERIFY_EMAIL",
        /// Choosing a new password; one hour.
        ResetPassword = "RESET_PASSWORD",
        /// Confirming a new address of an account; 24 hours.
        ChangeEmail = "CHANGE_EMAIL",
    }
}

impl OneTimePurpose {
    /// How long such a token can be used.
    pub fn validity(self) -> SignedDuration {
        match self {
            Self::VerifyEmail | Self::ChangeEmail => SignedDuration::from_hours(24),
            Self::ResetPassword => SignedDuration::from_hours(1),
        }
    }

    /// The letter that brings it.
    pub fn letter(self) -> Letter {
        match self {
            Self::VerifyEmail => Letter::VerifyEmail,
            Self::ResetPassword => Letter::PasswordReset,
            Self::ChangeEmail => Letter::ConfirmEmail,
        }
    }
}

/// A mailed token as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneTimeToken {
    /// Its digest.
    pub digest: TokenDigest,
    /// Whose it is.
    pub user: UserId,
    /// What it is good for.
    pub purpose: OneTimePurpose,
    /// The address that it confirms, when it changes one.
    pub email: Option<Email>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when it is worth nothing.
    pub expires_at: Timestamp,
}

/// Whom a token of any kind belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenOwner {
    /// The account.
    pub user: UserId,
    /// Its role.
    pub role: Role,
    /// Its company.
    pub company: Option<CompanyId>,
    /// The session, for a refresh token.
    pub session: Option<SessionId>,
}

impl TokenOwner {
    /// The owner as it acts.
    pub fn actor(&self) -> Actor {
        Actor { user: self.user, role: self.role, company: self.company, session: self.session }
    }
}

/// One-time tokens. A user scope sees its own.
pub trait OneTimeTokens {
    /// Whom the token of the scope (`ScopeKind::Token`) belongs to, be it a refresh token, a
    /// one-time token or an invitation; expired and used ones included.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn token_owner(&mut self, digest: TokenDigest) -> Result<Option<TokenOwner>, StoreError>;

    /// Adds a token and voids the earlier ones of the same person and purpose.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn add_one_time_token(&mut self, token: &OneTimeToken) -> Result<(), StoreError>;

    /// The address that the token with this digest confirms, used or not; none for a token that changes
    /// none.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn token_email(&mut self, digest: TokenDigest) -> Result<Option<Email>, StoreError>;

    /// Voids the tokens of `user` for these purposes that were not used.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn void_one_time_tokens(
        &mut self,
        user: UserId,
        purposes: &[OneTimePurpose],
        at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Uses a token up at `now`: exactly one caller of many gets `true`; expired, unknown, used
    /// or for another purpose is `false`.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn use_one_time_token(
        &mut self,
        digest: TokenDigest,
        purpose: OneTimePurpose,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
}
