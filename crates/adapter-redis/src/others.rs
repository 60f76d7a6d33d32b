//! What a node has heard of the others, and so what it may have missed of them.
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use huntzen_tenancy::live::Gap;
use uuid::Uuid;

/// Nothing is heard of a node for so long only when it is gone or cannot be heard: it says something each second.
pub(crate) const SILENCE: Duration = Duration::from_secs(4);
/// How long a node is missed that says nothing any more. Longer, and it is gone: whoever has its link back after
/// that is a stranger, whose first parcel shows a hole.
const MISSED: Duration = Duration::from_mins(3);
/// How often a gap is told, at most: what costs a look into the database may happen with every parcel.
const BETWEEN_GAPS: Duration = Duration::from_millis(900);

/// The other nodes, as far as they were heard.
#[derive(Debug)]
pub(crate) struct Others {
    heard: HashMap<Uuid, Heard>,
    /// When a parcel of another release last came, which cannot be read.
    foreign: Option<Instant>,
    /// Something was lost, which was not told yet.
    has_hole: bool,
    /// Whether it was told last that somebody cannot be heard.
    lasts: bool,
    told: Option<Instant>,
}

/// How far a node was when it was last heard.
#[derive(Clone, Copy, Debug)]
struct Heard {
    /// The number that comes next.
    next: u64,
    at: Instant,
}

impl Others {
    /// None was heard yet.
    pub(crate) fn new() -> Self {
        Self { heard: HashMap::new(), foreign: None, has_hole: false, lasts: false, told: None }
    }

    /// From `now` on they can be heard, and it was told that until now they could not.
    pub(crate) fn can_be_heard(&mut self, now: Instant) {
        for heard in self.heard.values_mut() {
            heard.at = now;
        }
        (self.foreign, self.has_hole, self.lasts) = (None, false, false);
    }

    /// A parcel of `node` came with so many signals from the number `first` on. Answers the first number that was not
    /// heard before.
    pub(crate) fn hear(&mut self, node: Uuid, (first, count): (u64, usize), now: Instant) -> u64 {
        let expected = self.heard.get(&node).map_or(1, |heard| heard.next);
        let next = first.saturating_add(u64::try_from(count).unwrap_or(u64::MAX)).max(expected);
        self.heard.insert(node, Heard { next, at: now });
        self.has_hole |= first > expected;
        expected
    }

    /// A parcel came that only another release can read: for as long as such ones come, what is said there is found
    /// in the database alone.
    pub(crate) fn hear_foreign(&mut self, now: Instant) {
        self.foreign = Some(now);
    }

    /// Something came that nobody of this installation has sealed.
    pub(crate) fn hear_noise(&mut self) {
        self.has_hole = true;
    }

    /// What is to be told at `now`; to be asked whenever something came, which is each second at the least.
    pub(crate) fn gap(&mut self, now: Instant) -> Option<Gap> {
        if self.told.is_some_and(|told| now.saturating_duration_since(told) < BETWEEN_GAPS) {
            return None;
        }
        let age = |at: Instant| now.saturating_duration_since(at);
        self.heard.retain(|_, heard| age(heard.at) < MISSED);
        let lasts = self.heard.values().any(|heard| age(heard.at) > SILENCE)
            || self.foreign.is_some_and(|at| age(at) <= SILENCE);
        let is_over = std::mem::take(&mut self.has_hole) || (self.lasts && !lasts);
        self.lasts = lasts && !is_over;
        let gap = if is_over { Some(Gap::Over) } else { lasts.then_some(Gap::Lasts) };
        self.told = if gap.is_some() { Some(now) } else { self.told };
        gap
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);

    /// Parcels of these nodes each second, without a signal, from one second to the other; what is told meanwhile.
    fn beats(others: &mut Others, nodes: &[Uuid], begun: Instant, seconds: std::ops::Range<u64>) -> Vec<(u64, Gap)> {
        let mut told = Vec::new();
        for second in seconds {
            let now = begun + Duration::from_secs(second);
            for node in nodes {
                others.hear(*node, (1, 0), now);
            }
            told.extend(others.gap(now).map(|gap| (second, gap)));
        }
        told
    }

    #[test]
    fn a_node_that_falls_silent_is_missed_for_a_while_and_then_forgotten() {
        let (mut others, begun) = (Others::new(), Instant::now());
        assert_eq!(beats(&mut others, &[ONE, OTHER], begun, 0..10), []);
        let told = beats(&mut others, &[OTHER], begun, 10..200);
        let expected: Vec<_> = (14..189).map(|second| (second, Gap::Lasts)).chain([(189, Gap::Over)]).collect();
        assert_eq!(told, expected, "each second, until nobody waits for it any more");
        // Whoever comes back after that has gone on counting.
        others.hear(ONE, (7, 1), begun + Duration::from_secs(200));
        assert_eq!(others.gap(begun + Duration::from_secs(200)), Some(Gap::Over));
    }

    #[test]
    fn a_node_that_is_heard_again_ends_the_gap() {
        let (mut others, begun) = (Others::new(), Instant::now());
        beats(&mut others, &[ONE, OTHER], begun, 0..2);
        assert_eq!(beats(&mut others, &[OTHER], begun, 2..8).last(), Some(&(7, Gap::Lasts)));
        assert_eq!(beats(&mut others, &[ONE, OTHER], begun, 8..20), [(8, Gap::Over)]);
        // One's own link was gone: nobody is silent for that.
        let back = begun + Duration::from_mins(1);
        others.can_be_heard(back);
        assert_eq!(others.gap(back), None);
    }

    #[test]
    fn holes_are_told_once_a_second_and_none_is_forgotten() {
        let (mut others, begun) = (Others::new(), Instant::now());
        let mut told = Vec::new();
        for number in 0..3_000_u64 {
            let now = begun + Duration::from_millis(number);
            // Every other signal is lost.
            assert_eq!(others.hear(ONE, (2 * number + 2, 1), now), (2 * number).max(1) + u64::from(number > 0));
            told.extend(others.gap(now));
        }
        assert_eq!(told, [Gap::Over; 4]);
        let end = begun + Duration::from_secs(4);
        others.hear(ONE, (6_001, 0), end);
        assert_eq!(others.gap(end), Some(Gap::Over), "the last ones");
        assert_eq!(others.gap(end + Duration::from_secs(1)), None);
        // What comes twice is known.
        assert_eq!(others.hear(ONE, (5_000, 1), end), 6_001);
        assert_eq!(others.gap(end + Duration::from_secs(1)), None);
    }

    #[test]
    fn another_release_is_out_of_reach_and_noise_is_a_hole() {
        let (mut others, begun) = (Others::new(), Instant::now());
        let mut told = Vec::new();
        for tenth in 0..100 {
            let now = begun + Duration::from_millis(100 * tenth);
            others.hear_foreign(now);
            told.extend(others.gap(now));
        }
        assert_eq!(told, [Gap::Lasts; 12]);
        assert_eq!(others.gap(begun + Duration::from_secs(20)), Some(Gap::Over));
        for tenth in 0..100 {
            others.hear_noise();
            told.extend(others.gap(begun + Duration::from_secs(30) + Duration::from_millis(100 * tenth)));
        }
        assert_eq!(told.split_off(12), [Gap::Over; 12]);
    }
}
