//! Accounts and sign-in: people, their passwords, their sessions, the letters that let them in.
mod account;
mod email_change;
mod invitation;
mod own_sessions;
mod password;
mod ports;
mod recovery;
mod registration;
mod second_factor;
mod session;
mod sign_in;
mod super_admin;
mod tokens;
mod two_factor;

pub use account::{NewAccount, User, Users};
pub use email_change::EmailChange;
pub use invitation::{Invitation, InvitationAcceptance, Invitations, Inviter, Inviting};
pub use password::{HashedPassword, PasswordHasher, PasswordRules};
pub use ports::IdentityPorts;
pub use recovery::Recovery;
pub use registration::{NewRegistration, Registration};
pub use second_factor::{BACKUP_CODES, SecondFactor, SecondFactors, TotpCodes, WINDOW};
pub use session::{Device, RefreshRow, Session, SessionState, Sessions};
pub use sign_in::{Credentials, SignIn, SignedIn, TokenLifetimes};
pub use super_admin::{FirstOperator, NewOperator, SuperAdministration};
pub use tokens::{
    AccessClaims, AccessTokenError, AccessTokenSigner, OneTimePurpose, OneTimeToken, OneTimeTokens, RefreshTokens,
    TokenOwner,
};
pub use two_factor::{Proof, STEP_UP, TwoFactor, TwoFactorSetup};
