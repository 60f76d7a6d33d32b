//! The contract of tallies, wherever they are kept.
use huntzen_tenancy::limits::{Bound, Standing, Taken, Tallies, TallyKey};
use jiff::{SignedDuration, Timestamp};

use super::at_once;
use crate::clock::{MONDAY_MORNING, at};

const WINDOW: SignedDuration = SignedDuration::from_secs(60);

fn now() -> Timestamp {
    at(MONDAY_MORNING)
}

fn bound(number: u8, most: u32) -> Bound {
    Bound { key: TallyKey([number; 16]), most }
}

fn take(tallies: &dyn Tallies, bounds: &[Bound], now: Timestamp) -> Taken {
    tallies.take(bounds, WINDOW, now).unwrap()
}

fn granted(left: u32, began_at: Timestamp) -> Taken {
    Taken::Granted(Standing { left, ends_at: began_at + WINDOW })
}

fn refused(began_at: Timestamp) -> Taken {
    Taken::Refused(Standing { left: 0, ends_at: began_at + WINDOW })
}

/// A tally grants as many as its bound says, and then none until its window is over; others are not touched.
pub fn a_window_has_so_many_and_no_more(tallies: &dyn Tallies) {
    let (begun, bounds) = (now(), [bound(1, 3)]);
    assert_eq!(tallies.full(&bounds, begun).unwrap(), None, "what was never taken from is not full");
    for (millis, left) in [(0, 2), (20_000, 1), (59_000, 0)] {
        let now = begun + SignedDuration::from_millis(millis);
        assert_eq!(tallies.full(&bounds, now).unwrap(), None);
        assert_eq!(take(tallies, &bounds, now), granted(left, begun));
    }
    let last = begun + WINDOW - SignedDuration::from_millis(1);
    for _ in 0..3 {
        assert_eq!(take(tallies, &bounds, last), refused(begun));
        assert_eq!(tallies.full(&bounds, last).unwrap(), Some(Standing { left: 0, ends_at: begun + WINDOW }));
    }
    assert_eq!(take(tallies, &[bound(2, 3)], last), granted(2, last), "another tally");
    // The next window begins with the next that is taken, and not before.
    let next = begun + WINDOW + SignedDuration::from_secs(7);
    assert_eq!(tallies.full(&bounds, begun + WINDOW).unwrap(), None);
    assert_eq!(take(tallies, &bounds, next), granted(2, next));
}

/// Of several tallies each is counted, or none: the one that refuses is told, the fullest that grants is.
pub fn several_are_taken_from_together_or_not_at_all(tallies: &dyn Tallies) {
    let begun = now();
    let [narrow, middle, wide] = [bound(1, 1), bound(2, 2), bound(3, 9)];
    assert_eq!(take(tallies, &[middle], begun), granted(1, begun));
    let later = begun + SignedDuration::from_secs(1);
    assert_eq!(take(tallies, &[wide, narrow], later), granted(0, later));
    for _ in 0..5 {
        assert_eq!(take(tallies, &[narrow, middle, wide], later), refused(later));
    }
    // Nothing of that was counted.
    assert_eq!(take(tallies, &[middle], later), granted(0, begun));
    assert_eq!(take(tallies, &[wide], later), granted(7, later));
    // Of two full ones, the one that stays so for longer is told.
    assert_eq!(take(tallies, &[middle, narrow, wide], later), refused(later));
    assert_eq!(tallies.full(&[wide, middle], later).unwrap(), Some(Standing { left: 0, ends_at: begun + WINDOW }));
}

/// What is given back may be taken again, in its own window alone.
pub fn what_is_given_back_may_be_taken_again(tallies: &dyn Tallies) {
    let begun = now();
    let bounds = [bound(1, 2), bound(2, 9)];
    take(tallies, &bounds, begun);
    take(tallies, &bounds, begun);
    assert_eq!(take(tallies, &bounds, begun), refused(begun));
    tallies.give_back(&[bounds[0].key], None, begun).unwrap();
    assert_eq!(take(tallies, &bounds, begun), granted(0, begun));
    assert_eq!(take(tallies, &[bounds[1]], begun), granted(5, begun), "what was not given back still counts");
    // Nothing comes of giving back what is not there, or more than was taken.
    for _ in 0..9 {
        tallies.give_back(&[bounds[0].key, bound(9, 1).key], None, begun).unwrap();
    }
    let later = begun + WINDOW;
    assert_eq!(take(tallies, &[bounds[0]], later), granted(1, later));
    tallies.give_back(&[bounds[0].key], None, begun).unwrap();
    assert_eq!(take(tallies, &[bounds[0]], later), granted(0, later), "a window that began since is left alone");
}

/// What is forgotten begins anew, whatever it was.
pub fn what_is_forgotten_begins_anew(tallies: &dyn Tallies) {
    let begun = now();
    let [one, other] = [bound(1, 2), bound(2, 3)];
    take(tallies, &[one, other], begun);
    take(tallies, &[one, other], begun);
    assert_eq!(take(tallies, &[one], begun), refused(begun));
    tallies.give_back(&[other.key], Some(one.key), begun).unwrap();
    let later = begun + SignedDuration::from_secs(1);
    assert_eq!(take(tallies, &[one], later), granted(1, later));
    assert_eq!(take(tallies, &[other], later), granted(1, begun));
}

/// Of many at once exactly as many are granted as the bound says, over and over.
pub fn of_many_at_once_exactly_as_many_are_granted(tallies: &dyn Tallies) {
    for round in 0..20 {
        let now = now() + SignedDuration::from_secs(round);
        // The last is another each time, so that windows of it begin in the middle of the race.
        let bounds = [bound(100, 1_000), bound(u8::try_from(round).unwrap(), 5)];
        let outcomes = at_once(50, |_| take(tallies, &bounds, now));
        assert_eq!(outcomes.iter().filter(|taken| matches!(taken, Taken::Granted(_))).count(), 5);
    }
    let Taken::Granted(standing) = take(tallies, &[bound(100, 1_000)], now()) else { panic!("it is not full") };
    assert_eq!(standing.left, 1_000 - 20 * 5 - 1, "refusals count nowhere");
}
