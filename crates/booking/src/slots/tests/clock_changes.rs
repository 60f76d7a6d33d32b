//! Slots worked out by hand on the days on which clocks change.
use jiff::civil::date;

use super::{day, rule};

#[test]
fn paris_loses_an_hour() {
    let sunday = date(2027, 3, 28);
    let rules = [rule(1, sunday, ("00:30", "05:00"), 50, 10)];
    assert_eq!(
        day("Europe/Paris", sunday, &rules, &[], &[]),
        ["00:30+01:00/01:20+01:00", "01:30+01:00/03:20+02:00", "03:30+02:00/04:20+02:00"]
    );
}

#[test]
fn a_slot_across_the_lost_hour_does_not_outlast_the_rule() {
    let sunday = date(2027, 3, 28);
    let to = |end| [rule(1, sunday, ("01:00", end), 90, 0)];
    assert_eq!(day("Europe/Paris", sunday, &to("03:29"), &[], &[]), [""; 0]);
    assert_eq!(day("Europe/Paris", sunday, &to("03:30"), &[], &[]), ["01:00+01:00/03:30+02:00"]);
    // The clock jumps over 02:30, so the rule is over at the jump.
    let until_the_jump = [rule(1, sunday, ("01:30", "02:30"), 30, 0)];
    assert_eq!(day("Europe/Paris", sunday, &until_the_jump, &[], &[]), ["01:30+01:00/03:00+02:00"]);
}

#[test]
fn a_slot_that_real_time_pushes_onto_the_next_displaces_it() {
    let sunday = date(2027, 3, 28);
    let rules = [rule(1, sunday, ("00:00", "06:00"), 90, 0)];
    assert_eq!(
        day("Europe/Paris", sunday, &rules, &[], &[]),
        ["00:00+01:00/01:30+01:00", "01:30+01:00/04:00+02:00", "04:30+02:00/06:00+02:00"]
    );
}

#[test]
fn paris_gains_an_hour_and_uses_its_first() {
    let sunday = date(2027, 10, 31);
    let rules = [rule(1, sunday, ("01:00", "04:00"), 60, 0)];
    assert_eq!(
        day("Europe/Paris", sunday, &rules, &[], &[]),
        ["01:00+02:00/02:00+02:00", "02:00+02:00/02:00+01:00", "03:00+01:00/04:00+01:00"]
    );
}

#[test]
fn new_york_changes_both_ways() {
    let spring = date(2027, 3, 14);
    let rules = [rule(1, spring, ("01:00", "04:00"), 60, 0)];
    assert_eq!(
        day("America/New_York", spring, &rules, &[], &[]),
        ["01:00-05:00/03:00-04:00", "03:00-04:00/04:00-04:00"]
    );
    let autumn = date(2027, 11, 7);
    assert_eq!(
        day("America/New_York", autumn, &rules, &[], &[]),
        ["01:00-04:00/01:00-05:00", "02:00-05:00/03:00-05:00", "03:00-05:00/04:00-05:00"]
    );
}

#[test]
fn lord_howe_changes_by_half_an_hour() {
    let spring = date(2027, 10, 3);
    let rules = [rule(1, spring, ("01:30", "03:30"), 30, 0)];
    assert_eq!(
        day("Australia/Lord_Howe", spring, &rules, &[], &[]),
        ["01:30+10:30/02:30+11:00", "02:30+11:00/03:00+11:00", "03:00+11:00/03:30+11:00"]
    );
    let autumn = date(2027, 4, 4);
    assert_eq!(
        day("Australia/Lord_Howe", autumn, &rules, &[], &[]),
        ["01:30+11:00/01:30+10:30", "02:00+10:30/02:30+10:30", "02:30+10:30/03:00+10:30", "03:00+10:30/03:30+10:30"]
    );
}

#[test]
fn casablanca_changes_for_ramadan() {
    let begins = date(2027, 2, 7);
    let rules = [rule(1, begins, ("01:30", "04:30"), 60, 0)];
    assert_eq!(
        day("Africa/Casablanca", begins, &rules, &[], &[]),
        ["01:30+01:00/02:30+01:00", "02:30+01:00/02:30+00:00", "03:30+00:00/04:30+00:00"]
    );
    let ends = date(2027, 3, 14);
    assert_eq!(
        day("Africa/Casablanca", ends, &rules, &[], &[]),
        ["01:30+00:00/03:30+01:00", "03:30+01:00/04:30+01:00"]
    );
}
