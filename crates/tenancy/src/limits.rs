//! How much is let through in a window of time: requests, and failed attempts at a secret.
mod attempts;
mod installation;
mod requests;

use std::{fmt, net::IpAddr};

use jiff::{SignedDuration, Timestamp};

pub use attempts::{AskedLetter, AttemptPorts, AttemptRules, FailedAttempts, Guess};
pub use installation::SharedTallies;
pub use requests::{RequestLimit, RequestRules, Requester, Share};

use crate::store::StoreError;

/// Where requests come from, as far as they are counted together: an IPv4 address, or the /64 network of an
/// IPv6 one, within which a single device chooses its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Network([u8; 9]);

impl Network {
    /// The network of `address`; all those whose address is not known share one.
    pub fn of(address: Option<IpAddr>) -> Self {
        let mut network = [0; 9];
        let (kind, place) = match address.map(|address| address.to_canonical()) {
            None => (0, [0; 8]),
            Some(IpAddr::V4(address)) => (4, u64::from(address.to_bits()).to_be_bytes()),
            Some(IpAddr::V6(address)) => {
                let [_, _, _, _, _, _, _, _, place @ ..] = (address.to_bits() >> 64).to_be_bytes();
                (6, place)
            }
        };
        if let Some((first, rest)) = network.split_first_mut() {
            *first = kind;
            rest.copy_from_slice(&place);
        }
        Self(network)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network(…)")
    }
}

/// What a tally is kept under: a keyed digest, from which nobody learns an address or a network.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TallyKey(pub [u8; 16]);

impl fmt::Debug for TallyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TallyKey(…)")
    }
}

/// Makes keys of tallies.
pub trait TallyKeys: Send + Sync {
    /// The key for `what`: a keyed digest, the same on every node and after a restart. Without the secret
    /// nothing can be learnt from it, not by trying every address either.
    fn key(&self, what: &[u8]) -> TallyKey;
}

/// How far a tally may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The tally.
    pub key: TallyKey,
    /// The most that are granted in one window; at least 1.
    pub most: u32,
}

/// How a tally stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The most that it grants in one window.
    pub most: u32,
    /// How many more would be granted.
    pub left: u32,
    /// When its window ends.
    pub ends_at: Timestamp,
}

impl Standing {
    /// Whole seconds until the window is over; at least 1.
    pub fn wait(&self, now: Timestamp) -> u32 {
        let wait = self.ends_at.duration_since(now);
        let seconds = wait.as_secs().saturating_add(i64::from(wait.subsec_nanos() > 0));
        u32::try_from(seconds.max(1)).unwrap_or(u32::MAX)
    }
}

/// One that was taken from a tally. The end of the window in which that was tells it from every other window of
/// the same tally.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Portion {
    /// The tally.
    pub key: TallyKey,
    /// When the window ends in which it was taken.
    pub ends_at: Timestamp,
}

/// What became of an attempt to take one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was counted. Of several tallies, that with the least left is told; what was taken from each can be given
    /// back, in the order of the bounds.
    Granted(Standing, Vec<Portion>),
    /// A tally was full, and nothing was counted. Of several full ones, that which is full for the longest
    /// is told.
    Refused(Standing),
}

/// Tallies that begin anew with each window. A tally's window begins with the first that is taken and lasts
/// as long as is said then. The time is the caller's: all of them must agree on it within a second or so.
///
/// Each function is one step that nothing comes between, also where the tallies are elsewhere: one round
/// trip. There may be no end of keys, so whoever keeps them keeps so many at most, and gives up those whose
/// windows end first.
pub trait Tallies: Send + Sync {
    /// Whether every answer comes without waiting for anything, be it that they are out of reach: then it may be
    /// asked for on an event loop. That may change between this question and the next one.
    fn is_at_hand(&self) -> bool;

    /// Adds one to each of `bounds`, or to none when one of them is full: of any number at once, exactly
    /// as many are granted in a window as the bound says.
    ///
    /// # Errors
    /// `Unavailable` when the tallies are out of reach.
    fn take(&self, bounds: &[Bound], window: SignedDuration, now: Timestamp) -> Result<Taken, StoreError>;

    /// The tally for which `take` would be refused; nothing is counted.
    ///
    /// # Errors
    /// The same.
    fn full(&self, bounds: &[Bound], now: Timestamp) -> Result<Option<Standing>, StoreError>;

    /// Takes back what was taken, each where the tally's window is still the same, whatever any clock says; and
    /// forgets `forgotten` altogether.
    ///
    /// # Errors
    /// The same.
    fn give_back(&self, returned: &[Portion], forgotten: Option<TallyKey>) -> Result<(), StoreError>;
}

/// Tallies of this process.
pub trait OwnTallies: Tallies {
    /// Has a tally be full until `ends_at`, as whoever keeps it for all nodes has said that it is.
    fn fill(&self, bound: Bound, window: SignedDuration, ends_at: Timestamp);
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn network(address: &str) -> Network {
        Network::of(Some(address.parse().unwrap()))
    }

    #[test]
    fn a_network_is_an_address_or_a_64() {
        assert!(network("203.0.113.9") == network("::ffff:203.0.113.9"), "IPv4 over IPv6");
        assert!(network("203.0.113.9") != network("203.0.113.8"));
        assert!(network("2001:db8:1:2::1") == network("2001:db8:1:2:ffff::9"), "within one network");
        assert!(network("2001:db8:1:2::1") != network("2001:db8:1:3::1"));
        // The first half of an IPv6 address may look like an IPv4 one.
        assert!(network("0.0.0.1") != network("0:0:0:1::"));
        assert!(Network::of(None) != network("0.0.0.0"));
        assert_eq!(format!("{:?}", network("203.0.113.9")), "Network(…)");
    }

    #[test]
    fn waiting_is_told_in_whole_seconds_that_suffice() {
        let now = Timestamp::UNIX_EPOCH;
        let wait = |millis| Standing { most: 1, left: 0, ends_at: now + SignedDuration::from_millis(millis) }.wait(now);
        assert_eq!([-5_000, 0, 1, 1_000, 1_001, 60_000].map(wait), [1, 1, 1, 1, 2, 60]);
    }
}
