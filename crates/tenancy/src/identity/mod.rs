//! Accounts and sign-in: people, their passwords, their sessions, the letters that let them in.
mod account;
mod invitation;
mod own_sessions;
mod password;
mod ports;
mod recovery;
mod registration;
mod session;
mod sign_in;
mod super_admin;
mod tokens;

pub use account::{NewAccount, User, Users};
pub use invitation::{Invitation, InvitationAcceptance, Invitations, Inviter, Inviting};
pub use password::{HashedPassword, PasswordHasher, PasswordRules};
pub use ports::IdentityPorts;
pub use recovery::Recovery;
pub use registration::{NewRegistration, Registration};
pub use session::{Device, RefreshRow, Session, SessionState, Sessions};
pub use sign_in::{Credentials, SignIn, SignedIn, TokenLifetimes};
pub use super_admin::{FirstOperator, NewOperator, SuperAdministration};
pub use tokens::{
    AccessClaims, AccessTokenError, AccessTokenSigner, OneTimePurpose, OneTimeToken, OneTimeTokens, RefreshTokens,
    TokenOwner,
};
