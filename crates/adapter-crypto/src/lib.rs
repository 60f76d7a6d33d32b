//! Password hashing, token signing, sealing and randomness: the ports that need cryptography.
mod access_token;
mod checkpoints;
mod node_seal;
mod password;
mod randomness;
mod refresh_token;
mod room_token;
mod tally_keys;
mod totp;
mod turn;
mod vault;
mod visitor_keys;

pub use access_token::JwtSigner;
pub use checkpoints::{Ed25519Signer, SigningKeyError};
pub use node_seal::XChaChaNodeSeal;
pub use password::BcryptHasher;
pub use randomness::OsRandomness;
pub use refresh_token::HmacRefreshTokens;
pub use room_token::JitsiSigner;
pub use tally_keys::HmacTallyKeys;
pub use totp::TotpRs;
pub use turn::TurnServers;
pub use vault::{KeyRing, KeyRingError, XChaChaVault};
pub use visitor_keys::HmacVisitorKeys;
