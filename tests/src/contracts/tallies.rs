//! The contract of tallies, wherever they are kept.
use huntzen_tenancy::limits::{Bound, Portion, Standing, Taken, Tallies, TallyKey};
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

/// Whether one was granted, what was the most, how many are left, and when the window began.
type Told = (bool, u32, u32, Timestamp);

fn take(tallies: &dyn Tallies, bounds: &[Bound], now: Timestamp) -> Told {
    let (is_granted, Standing { most, left, ends_at }) = match tallies.take(bounds, WINDOW, now).unwrap() {
        Taken::Granted(standing, portions) => {
            assert!(portions.iter().map(|portion| portion.key).eq(bounds.iter().map(|bound| bound.key)));
            (true, standing)
        }
        Taken::Refused(standing) => (false, standing),
    };
    (is_granted, most, left, ends_at - WINDOW)
}

fn portions(tallies: &dyn Tallies, bounds: &[Bound], now: Timestamp) -> Vec<Portion> {
    let Taken::Granted(_, portions) = tallies.take(bounds, WINDOW, now).unwrap() else { panic!("none is left") };
    portions
}

fn granted(most: u32, left: u32, began_at: Timestamp) -> Told {
    (true, most, left, began_at)
}

fn refused(most: u32, began_at: Timestamp) -> Told {
    (false, most, 0, began_at)
}

fn full(most: u32, began_at: Timestamp) -> Standing {
    Standing { most, left: 0, ends_at: began_at + WINDOW }
}

/// A tally grants as many as its bound says, and then none until its window is over; others are not touched.
pub fn a_window_has_so_many_and_no_more(tallies: &dyn Tallies) {
    let (begun, bounds) = (now(), [bound(1, 3)]);
    assert_eq!(tallies.full(&bounds, begun).unwrap(), None, "what was never taken from is not full");
    for (millis, left) in [(0, 2), (20_000, 1), (59_000, 0)] {
        let now = begun + SignedDuration::from_millis(millis);
        assert_eq!(tallies.full(&bounds, now).unwrap(), None);
        assert_eq!(take(tallies, &bounds, now), granted(3, left, begun));
    }
    let last = begun + WINDOW - SignedDuration::from_millis(1);
    for _ in 0..3 {
        assert_eq!(take(tallies, &bounds, last), refused(3, begun));
        assert_eq!(tallies.full(&bounds, last).unwrap(), Some(full(3, begun)));
    }
    assert_eq!(take(tallies, &[bound(2, 3)], last), granted(3, 2, last), "another tally");
    // The next window begins with the next that is taken, and not before.
    let next = begun + WINDOW + SignedDuration::from_secs(7);
    assert_eq!(tallies.full(&bounds, begun + WINDOW).unwrap(), None);
    assert_eq!(take(tallies, &bounds, next), granted(3, 2, next));
}

/// Of several tallies each is counted, or none: the one that refuses is told, the fullest that grants is.
pub fn several_are_taken_from_together_or_not_at_all(tallies: &dyn Tallies) {
    let begun = now();
    let [narrow, middle, wide] = [bound(1, 1), bound(2, 2), bound(3, 9)];
    assert_eq!(take(tallies, &[middle], begun), granted(2, 1, begun));
    let later = begun + SignedDuration::from_secs(1);
    assert_eq!(take(tallies, &[wide, narrow], later), granted(1, 0, later));
    for _ in 0..5 {
        assert_eq!(take(tallies, &[narrow, middle, wide], later), refused(1, later));
    }
    // Nothing of that was counted.
    assert_eq!(take(tallies, &[middle], later), granted(2, 0, begun));
    assert_eq!(take(tallies, &[wide], later), granted(9, 7, later));
    // Of two full ones, the one that stays so for longer is told.
    assert_eq!(take(tallies, &[middle, narrow, wide], later), refused(1, later));
    assert_eq!(tallies.full(&[wide, middle], later).unwrap(), Some(full(2, begun)));
}

/// What is given back may be taken again, in its own window alone.
pub fn what_is_given_back_may_be_taken_again(tallies: &dyn Tallies) {
    let begun = now();
    let bounds = [bound(1, 2), bound(2, 9)];
    take(tallies, &bounds, begun);
    let last = begun + WINDOW - SignedDuration::from_millis(1);
    let [first, _] = portions(tallies, &bounds, last)[..] else { panic!("of each") };
    assert_eq!(take(tallies, &bounds, begun), refused(2, begun));
    tallies.give_back(&[first], None).unwrap();
    assert_eq!(take(tallies, &bounds, begun), granted(2, 0, begun));
    assert_eq!(take(tallies, &[bounds[1]], begun), granted(9, 5, begun), "what was not given back still counts");
    // Nothing comes of giving back what is not there, or more than was taken.
    for _ in 0..9 {
        tallies.give_back(&[first, Portion { key: bound(9, 1).key, ..first }], None).unwrap();
    }
    // A window that began since is left alone, however soon after it was taken.
    let later = begun + WINDOW;
    assert_eq!(take(tallies, &[bounds[0]], later), granted(2, 1, later));
    tallies.give_back(&[first], None).unwrap();
    assert_eq!(take(tallies, &[bounds[0]], later), granted(2, 0, later));
}

/// Whoever looked at the clock a moment before another began the window gives back what was taken all the same.
pub fn a_clock_a_little_behind_gives_back(tallies: &dyn Tallies) {
    let (begun, bounds) = (now(), [bound(1, 2)]);
    take(tallies, &bounds, begun);
    for behind in [SignedDuration::from_micros(1), SignedDuration::from_millis(900)] {
        let taken = portions(tallies, &bounds, begun - behind);
        assert_eq!(take(tallies, &bounds, begun), refused(2, begun));
        tallies.give_back(&taken, None).unwrap();
    }
    assert_eq!(take(tallies, &bounds, begun), granted(2, 0, begun));
}

/// What is forgotten begins anew, whatever it was.
pub fn what_is_forgotten_begins_anew(tallies: &dyn Tallies) {
    let begun = now();
    let [one, other] = [bound(1, 2), bound(2, 3)];
    take(tallies, &[one, other], begun);
    let [_, portion] = portions(tallies, &[one, other], begun)[..] else { panic!("of each") };
    assert_eq!(take(tallies, &[one], begun), refused(2, begun));
    tallies.give_back(&[portion], Some(one.key)).unwrap();
    let later = begun + SignedDuration::from_secs(1);
    assert_eq!(take(tallies, &[one], later), granted(2, 1, later));
    assert_eq!(take(tallies, &[other], later), granted(3, 1, begun));
}

/// Of many at once exactly as many are granted as the bound says, over and over.
pub fn of_many_at_once_exactly_as_many_are_granted(tallies: &dyn Tallies) {
    for round in 0..20 {
        let now = now() + SignedDuration::from_secs(round);
        // The last is another each time, so that windows of it begin in the middle of the race.
        let bounds = [bound(100, 1_000), bound(u8::try_from(round).unwrap(), 5)];
        let outcomes = at_once(50, |_| take(tallies, &bounds, now));
        assert_eq!(outcomes.iter().filter(|(is_granted, ..)| *is_granted).count(), 5);
    }
    let (is_granted, _, left, _) = take(tallies, &[bound(100, 1_000)], now());
    assert_eq!((is_granted, left), (true, 1_000 - 20 * 5 - 1), "refusals count nowhere");
}
