//! The general limit: so many requests of one account, or of one network while nobody is signed in.
use std::sync::Arc;

use jiff::SignedDuration;

use super::{Bound, Network, Taken, Tallies, TallyKey, TallyKeys};
use crate::{clock::Clock, ids::UserId};

/// How many requests are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestRules {
    /// The most in one window.
    pub most: u32,
    /// The window.
    pub window: SignedDuration,
}

/// Whose request it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requester {
    /// A signed-in account's.
    Account(UserId),
    /// Somebody's within a network.
    Stranger(Network),
}

impl Requester {
    fn key(self, keys: &dyn TallyKeys) -> TallyKey {
        // The first byte keeps both apart from each other and from attempts.
        match self {
            Self::Account(user) => keys.key(&spelt::<17>(b'a', user.0.as_bytes())),
            Self::Stranger(Network(network)) => keys.key(&spelt::<10>(b'n', &network)),
        }
    }
}

fn spelt<const LENGTH: usize>(kind: u8, which: &[u8]) -> [u8; LENGTH] {
    let mut spelt = [kind; LENGTH];
    for (place, byte) in spelt.iter_mut().skip(1).zip(which) {
        *place = *byte;
    }
    spelt
}

/// What a requester has of the limit after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The most requests in a window.
    pub most: u32,
    /// How many more are answered in this one.
    pub left: u32,
    /// Whole seconds until the next one.
    pub resets_in: u32,
    /// Whether the request was one too many.
    pub is_exceeded: bool,
}

/// Counts requests.
#[derive(Clone)]
pub struct RequestLimit {
    tallies: Arc<dyn Tallies>,
    keys: Arc<dyn TallyKeys>,
    clock: Arc<dyn Clock>,
    rules: Option<RequestRules>,
}

impl RequestLimit {
    /// Over these tallies; without rules nothing is limited.
    pub fn new(
        tallies: Arc<dyn Tallies>,
        keys: Arc<dyn TallyKeys>,
        clock: Arc<dyn Clock>,
        rules: Option<RequestRules>,
    ) -> Self {
        Self { tallies, keys, clock, rules }
    }

    /// Whether `count` answers without waiting for anything.
    pub fn is_at_hand(&self) -> bool {
        self.rules.is_none() || self.tallies.is_at_hand()
    }

    /// Counts a request. `None` when nothing is limited, also while the tallies are out of reach: what they
    /// protect is worth more than they are.
    pub fn count(&self, requester: Requester) -> Option<Share> {
        let rules = self.rules?;
        let now = self.clock.now();
        let bound = Bound { key: requester.key(self.keys.as_ref()), most: rules.most };
        let (standing, is_exceeded) = match self.tallies.take(&[bound], rules.window, now).ok()? {
            Taken::Granted(standing) => (standing, false),
            Taken::Refused(standing) => (standing, true),
        };
        Some(Share { most: rules.most, left: standing.left, resets_in: standing.wait(now), is_exceeded })
    }
}
