//! The general limit: so many requests of one account, or of one network while nobody is signed in.
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{Bound, Network, SharedTallies, Standing, Taken, TallyKey, TallyKeys};
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
    /// Of what is counted, or of what others have said is full.
    fn key(self, keys: &dyn TallyKeys, is_said: bool) -> TallyKey {
        // The first byte keeps all of them apart from each other and from attempts.
        match self {
            Self::Account(user) => keys.key(&spelt::<17>(if is_said { b'b' } else { b'a' }, user.0.as_bytes())),
            Self::Stranger(Network(network)) => keys.key(&spelt::<10>(if is_said { b'o' } else { b'n' }, &network)),
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
    tallies: SharedTallies,
    keys: Arc<dyn TallyKeys>,
    clock: Arc<dyn Clock>,
    rules: Option<RequestRules>,
}

impl RequestLimit {
    /// Over these tallies; without rules nothing is limited.
    pub fn new(
        tallies: SharedTallies,
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

    /// Counts a request; `None` when nothing is limited. Whoever is told by the tallies of all nodes that there were
    /// too many hears it from this node alone until their window is over.
    pub fn count(&self, requester: Requester) -> Option<Share> {
        let (rules, bound, now) = self.asked(requester, false)?;
        let (tallies, taken) = self.tallies.take(&[bound], rules.window, now).ok()?;
        if let Taken::Refused(standing) = &taken
            && !self.tallies.are_own(tallies)
        {
            // Beside what this node counts itself, which may have to do while the others are out of reach.
            let said = Bound { key: requester.key(self.keys.as_ref(), true), ..bound };
            self.tallies.of_this_node.fill(said, rules.window, standing.ends_at);
        }
        Some(Share::of(&taken, now))
    }

    /// Counts a request on this node alone, where the tallies of all nodes cannot be asked now.
    pub fn count_here(&self, requester: Requester) -> Option<Share> {
        let (rules, bound, now) = self.asked(requester, false)?;
        let (_, taken) = self.tallies.take_here(&[bound], rules.window, now).ok()?;
        Some(Share::of(&taken, now))
    }

    /// What a request is refused with of which this node was told that it is one too many, without asking anybody.
    pub fn known_excess(&self, requester: Requester) -> Option<Share> {
        let (_, bound, now) = self.asked(requester, true)?;
        let standing = self.tallies.of_this_node.full(&[bound], now).ok()??;
        Some(Share::of(&Taken::Refused(standing), now))
    }

    fn asked(&self, requester: Requester, is_said: bool) -> Option<(RequestRules, Bound, Timestamp)> {
        let rules = self.rules?;
        let bound = Bound { key: requester.key(self.keys.as_ref(), is_said), most: rules.most };
        Some((rules, bound, self.clock.now()))
    }
}

impl Share {
    fn of(taken: &Taken, now: Timestamp) -> Self {
        let told = |standing: &Standing, is_exceeded| Self {
            most: standing.most,
            left: standing.left,
            resets_in: standing.wait(now),
            is_exceeded,
        };
        match taken {
            Taken::Granted(standing, _) => told(standing, false),
            Taken::Refused(standing) => told(standing, true),
        }
    }
}
