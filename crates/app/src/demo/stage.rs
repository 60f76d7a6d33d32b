//! The stage of the demonstration: the real use cases on a clock that the play moves, with a
//! password that is hashed once and tokens that need no letter to arrive.
use std::sync::{Arc, Mutex, PoisonError};

use huntzen_tenancy::{
    TenancyError,
    clock::{Clock, Randomness},
    identity::{HashedPassword, PasswordHasher},
    token::TokenDigest,
};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::services::{Ports, Rules, Services};

/// The use cases, and what the play moves behind them.
pub(super) struct Stage {
    pub(super) services: Services,
    clock: Arc<StageClock>,
    tokens: Arc<OverheardTokens>,
}

impl Stage {
    /// The use cases of `ports` with the clock at `now`.
    pub(super) fn new(ports: &Ports, rules: &Rules, now: Timestamp) -> Self {
        let clock = Arc::new(StageClock(Mutex::new(now)));
        let tokens = Arc::new(OverheardTokens { inner: Arc::clone(&ports.randomness), last: Mutex::default() });
        let hasher = Arc::new(OneHash { inner: Arc::clone(&ports.hasher), known: Mutex::default() });
        let staged = Ports {
            clock: Arc::<StageClock>::clone(&clock),
            randomness: Arc::<OverheardTokens>::clone(&tokens),
            hasher,
            ..ports.clone()
        };
        Self { services: Services::new(&staged, rules.clone()), clock, tokens }
    }

    /// Moves the clock.
    pub(super) fn set(&self, now: Timestamp) {
        *self.clock.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// The token that was made last: what the last letter carries.
    pub(super) fn last_token(&self) -> String {
        let last = self.tokens.last.lock().unwrap_or_else(PoisonError::into_inner);
        TokenDigest(*last).to_hex()
    }
}

struct StageClock(Mutex<Timestamp>);

impl Clock for StageClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct OverheardTokens {
    inner: Arc<dyn Randomness>,
    last: Mutex<[u8; 32]>,
}

impl Randomness for OverheardTokens {
    fn fill(&self, out: &mut [u8]) {
        self.inner.fill(out);
        if let Ok(token) = <[u8; 32]>::try_from(&*out) {
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = token;
        }
    }
}

/// Hashes the one password of the demonstration once: sixty hashes would take some ten seconds.
struct OneHash {
    inner: Arc<dyn PasswordHasher>,
    known: Mutex<Option<(SecretString, HashedPassword)>>,
}

impl PasswordHasher for OneHash {
    fn hash(&self, password: &SecretString) -> Result<HashedPassword, TenancyError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((same, hash)) = known.as_ref()
            && same.expose_secret() == password.expose_secret()
        {
            return Ok(hash.clone());
        }
        let hash = self.inner.hash(password)?;
        *known = Some((password.clone(), hash.clone()));
        Ok(hash)
    }

    fn matches(&self, password: &SecretString, hash: Option<&HashedPassword>) -> Result<bool, TenancyError> {
        self.inner.matches(password, hash)
    }
}
