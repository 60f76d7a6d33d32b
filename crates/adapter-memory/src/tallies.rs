//! Tallies of a single node: kept in the process, gone with it, so many at most.
use std::collections::{BTreeSet, HashMap};

use huntzen_tenancy::{
    StoreError,
    limits::{Bound, OwnTallies, Portion, Standing, Taken, Tallies, TallyKey},
};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

/// Tallies that are kept at once: some 200 bytes each. Whoever comes from more networks than this pushes
/// their own tallies out before those of others: what begins first ends first.
const MOST_TALLIES: usize = 100_000;

/// Fewer than one guess needs are of no use.
const FEWEST_TALLIES: usize = 8;

/// How many ended tallies each request sweeps away at most: more than it adds, and never so many that
/// others wait for it.
const SWEPT_AT_ONCE: usize = 8;

/// Tallies in this process.
#[derive(Debug)]
pub struct MemoryTallies {
    kept: Mutex<Kept>,
    most: usize,
}

#[derive(Clone, Copy, Debug)]
struct Tally {
    count: u32,
    began_at: Timestamp,
    ends_at: Timestamp,
}

impl Tally {
    /// Whether its window is the present one. A caller may have looked at the clock a little before the
    /// window began; one whose clock was set back by more than a window begins anew.
    fn holds(&self, now: Timestamp) -> bool {
        let length = self.ends_at.duration_since(self.began_at);
        now < self.ends_at && self.began_at.duration_since(now) <= length
    }
}

#[derive(Debug, Default)]
struct Kept {
    by_key: HashMap<TallyKey, Tally>,
    /// The same by when they end, so that the ended ones are found without a search.
    by_end: BTreeSet<(Timestamp, TallyKey)>,
}

impl Kept {
    fn of(&self, key: TallyKey, now: Timestamp) -> Option<&Tally> {
        self.by_key.get(&key).filter(|tally| tally.holds(now))
    }

    fn forget(&mut self, key: TallyKey) {
        if let Some(tally) = self.by_key.remove(&key) {
            self.by_end.remove(&(tally.ends_at, key));
        }
    }

    fn sweep(&mut self, now: Timestamp) {
        for _ in 0..SWEPT_AT_ONCE {
            match self.by_end.first().copied() {
                Some((ends_at, key)) if ends_at <= now => self.forget(key),
                Some(_) | None => break,
            }
        }
    }

    /// The full one of `bounds` that is full for the longest.
    fn full(&self, bounds: &[Bound], now: Timestamp) -> Option<Standing> {
        let standing = |bound: &Bound| {
            let tally = self.of(bound.key, now).filter(|tally| tally.count >= bound.most)?;
            Some(Standing { most: bound.most, left: 0, ends_at: tally.ends_at })
        };
        let longest = |longest: Standing, one: Standing| if one.ends_at > longest.ends_at { one } else { longest };
        bounds.iter().filter_map(standing).reduce(longest)
    }

    fn add(&mut self, bound: Bound, window: SignedDuration, now: Timestamp, most: usize) -> Standing {
        if let Some(tally) = self.by_key.get_mut(&bound.key).filter(|tally| tally.holds(now)) {
            tally.count = tally.count.saturating_add(1);
            let left = bound.most.saturating_sub(tally.count);
            return Standing { most: bound.most, left, ends_at: tally.ends_at };
        }
        let ends_at = now + window;
        self.put(bound.key, Tally { count: 1, began_at: now, ends_at }, most);
        Standing { most: bound.most, left: bound.most.saturating_sub(1), ends_at }
    }

    fn put(&mut self, key: TallyKey, tally: Tally, most: usize) {
        self.forget(key);
        while self.by_key.len() >= most {
            let Some((_, key)) = self.by_end.first().copied() else { break };
            self.forget(key);
        }
        self.by_key.insert(key, tally);
        self.by_end.insert((tally.ends_at, key));
    }
}

impl Default for MemoryTallies {
    fn default() -> Self {
        Self::holding(MOST_TALLIES)
    }
}

impl MemoryTallies {
    /// Room for so many tallies.
    pub fn holding(most: usize) -> Self {
        Self { kept: Mutex::default(), most: most.max(FEWEST_TALLIES) }
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.kept.lock().by_key.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Tallies for MemoryTallies {
    fn is_at_hand(&self) -> bool {
        true
    }

    fn take(&self, bounds: &[Bound], window: SignedDuration, now: Timestamp) -> Result<Taken, StoreError> {
        let mut kept = self.kept.lock();
        kept.sweep(now);
        if let Some(standing) = kept.full(bounds, now) {
            return Ok(Taken::Refused(standing));
        }
        let mut tightest = Standing { most: u32::MAX, left: u32::MAX, ends_at: now + window };
        let mut portions = Vec::with_capacity(bounds.len());
        for bound in bounds {
            let standing = kept.add(*bound, window, now, self.most);
            portions.push(Portion { key: bound.key, ends_at: standing.ends_at });
            if standing.left < tightest.left {
                tightest = standing;
            }
        }
        Ok(Taken::Granted(tightest, portions))
    }

    fn full(&self, bounds: &[Bound], now: Timestamp) -> Result<Option<Standing>, StoreError> {
        Ok(self.kept.lock().full(bounds, now))
    }

    fn give_back(&self, returned: &[Portion], forgotten: Option<TallyKey>) -> Result<(), StoreError> {
        let mut kept = self.kept.lock();
        for Portion { key, ends_at } in returned {
            let Some(tally) = kept.by_key.get_mut(key).filter(|tally| tally.ends_at == *ends_at) else { continue };
            tally.count = tally.count.saturating_sub(1);
            if tally.count == 0 {
                kept.forget(*key);
            }
        }
        if let Some(key) = forgotten {
            kept.forget(key);
        }
        Ok(())
    }
}

impl OwnTallies for MemoryTallies {
    fn fill(&self, bound: Bound, window: SignedDuration, ends_at: Timestamp) {
        let tally = Tally { count: bound.most, began_at: ends_at - window, ends_at };
        self.kept.lock().put(bound.key, tally, self.most);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use proptest::prelude::*;

    use super::*;

    const WINDOW: SignedDuration = SignedDuration::from_secs(60);

    fn bound(number: usize, most: u32) -> Bound {
        let mut key = [0; 16];
        for (place, byte) in key.iter_mut().zip(number.to_be_bytes()) {
            *place = byte;
        }
        Bound { key: TallyKey(key), most }
    }

    fn is_granted(tallies: &MemoryTallies, bounds: &[Bound], now: Timestamp) -> bool {
        matches!(tallies.take(bounds, WINDOW, now).unwrap(), Taken::Granted(..))
    }

    #[test]
    fn many_networks_fill_no_memory_and_the_earliest_go_first() {
        let tallies = MemoryTallies::holding(100);
        let now = Timestamp::UNIX_EPOCH;
        assert!(is_granted(&tallies, &[bound(0, 1)], now));
        let later = now + SignedDuration::from_secs(1);
        assert!(is_granted(&tallies, &[bound(1, 1)], later));
        for number in 2..10_000 {
            let now = later + SignedDuration::from_millis(i64::try_from(number).unwrap());
            assert!(is_granted(&tallies, &[bound(number, 1)], now));
            assert!(tallies.len() <= 100);
            if number == 100 {
                // The first has made room, the second has not yet.
                assert!(!is_granted(&tallies, &[bound(1, 1)], now));
                assert!(tallies.full(&[bound(0, 1)], now).unwrap().is_none());
            }
        }
    }

    #[test]
    fn what_has_ended_is_swept_a_little_at_a_time() {
        let tallies = MemoryTallies::holding(1_000);
        let now = Timestamp::UNIX_EPOCH;
        for number in 0..100 {
            assert!(is_granted(&tallies, &[bound(number, 1)], now));
        }
        for (round, left) in [93, 86, 79].into_iter().enumerate() {
            assert!(is_granted(&tallies, &[bound(1_000 + round, 1)], now + WINDOW));
            assert_eq!(tallies.len(), left);
        }
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_shut_anybody_out() {
        let tallies = MemoryTallies::default();
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24);
        assert!(is_granted(&tallies, &[bound(0, 1)], now));
        // Another thread may have looked at the clock a moment before.
        assert!(!is_granted(&tallies, &[bound(0, 1)], now - SignedDuration::from_micros(1)));
        assert!(is_granted(&tallies, &[bound(0, 1)], now - SignedDuration::from_hours(1)));
    }

    proptest! {
        #[test]
        fn a_window_grants_exactly_its_most(
            most in 1_u32..6,
            steps in proptest::collection::vec((0_i64..40_000, 0_usize..3), 1..200),
        ) {
            let tallies = MemoryTallies::default();
            let mut now = Timestamp::UNIX_EPOCH;
            // The present window of each key, as simply as it can be said: since when, and how many.
            let mut windows = [(now - WINDOW, 0_u32); 3];
            for (millis, number) in steps {
                now += SignedDuration::from_millis(millis);
                let Some((since, granted)) = windows.get_mut(number) else { continue };
                if now.duration_since(*since) >= WINDOW {
                    (*since, *granted) = (now, 0);
                }
                let expected = if *granted < most {
                    *granted += 1;
                    (true, Standing { most, left: most - *granted, ends_at: *since + WINDOW })
                } else {
                    (false, Standing { most, left: 0, ends_at: *since + WINDOW })
                };
                let taken = match tallies.take(&[bound(number, most)], WINDOW, now).unwrap() {
                    Taken::Granted(standing, _) => (true, standing),
                    Taken::Refused(standing) => (false, standing),
                };
                prop_assert_eq!(taken, expected);
            }
        }
    }
}
