//! Slots worked out by hand: overlaps, leave, what is taken, and the window.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
mod clock_changes;

use jiff::civil::{Time, date};
use uuid::Uuid;

use super::*;
use crate::availability::{
    ConsultationType::{Chat, Video},
    ExceptionTerms, RuleTerms, parse_wall_time,
};

/// A window in which every slot of these tests lies.
const OPEN: BookingWindow = BookingWindow { now: Timestamp::UNIX_EPOCH, min_notice_minutes: 0, horizon_days: u16::MAX };

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn wall(text: &str) -> Time {
    parse_wall_time(text).unwrap()
}

/// A rule on that day of the week, of id `id`.
fn rule(id: u128, day: Date, times: (&str, &str), slot: u16, buffer: u16) -> AvailabilityRule {
    let terms = RuleTerms {
        day_of_week: day.weekday().to_monday_one_offset(),
        start_time: wall(times.0),
        end_time: wall(times.1),
        slot_minutes: slot,
        buffer_minutes: buffer,
        types: TypeSet::ALL,
        valid_from: None,
        valid_until: None,
    };
    AvailabilityRule::new(Uuid::from_u128(id), Uuid::nil(), terms).unwrap()
}

fn only(rule: &AvailabilityRule, kind: ConsultationType) -> AvailabilityRule {
    let terms = RuleTerms { types: TypeSet::from_iter([kind]), ..rule.terms().clone() };
    AvailabilityRule::new(rule.id(), rule.practitioner_id(), terms).unwrap()
}

fn exception(kind: ExceptionKind, times: (&str, &str), slot: u16) -> AvailabilityException {
    let terms = ExceptionTerms {
        starts_at: at(times.0),
        ends_at: at(times.1),
        kind,
        slot_minutes: Some(slot),
        buffer_minutes: None,
        types: None,
        label: None,
    };
    AvailabilityException::new(Uuid::nil(), Uuid::nil(), terms).unwrap()
}

/// The slots of a day, each as its wall times with the offset, `!` when not available.
fn day(
    zone: &str,
    date: Date,
    rules: &[AvailabilityRule],
    exceptions: &[AvailabilityException],
    busy: &[BusySpan],
) -> Vec<String> {
    let zone = TimeZone::get(zone).unwrap();
    let timetable = Timetable { zone: &zone, rules, exceptions, busy };
    slots(timetable, DateRange::day(date), None, &OPEN)
        .into_iter()
        .map(|slot| {
            let shown = |instant: Timestamp| instant.to_zoned(zone.clone()).strftime("%H:%M%:z").to_string();
            let mark = if slot.available { "" } else { "!" };
            format!("{}/{}{mark}", shown(slot.starts_at), shown(slot.ends_at))
        })
        .collect()
}

const MONDAY: Date = date(2027, 1, 4);

#[test]
fn the_buffer_need_not_fit_before_the_end() {
    let rules = [rule(1, MONDAY, ("09:00", "10:50"), 50, 10)];
    assert_eq!(day("UTC", MONDAY, &rules, &[], &[]), ["09:00+00:00/09:50+00:00", "10:00+00:00/10:50+00:00"]);
}

#[test]
fn overlaps_go_to_the_earlier_then_extra_then_shorter_then_lower_id() {
    let starts = |rules: &[AvailabilityRule], extra: &[AvailabilityException]| day("UTC", MONDAY, rules, extra, &[]);
    let earlier = rule(9, MONDAY, ("09:00", "10:00"), 60, 15);
    let later = rule(1, MONDAY, ("10:00", "10:30"), 30, 0);
    let after = rule(1, MONDAY, ("10:15", "10:45"), 30, 0);
    assert_eq!(starts(&[later, earlier.clone()], &[]), ["09:00+00:00/10:00+00:00"]);
    assert_eq!(starts(&[after, earlier.clone()], &[]), ["09:00+00:00/10:00+00:00", "10:15+00:00/10:45+00:00"]);
    let shorter = rule(8, MONDAY, ("09:00", "09:45"), 45, 0);
    assert_eq!(starts(&[earlier.clone(), shorter.clone()], &[]), ["09:00+00:00/09:45+00:00"]);
    let times = ("2027-01-04T09:00:00Z", "2027-01-04T10:30:00Z");
    let extra = exception(ExceptionKind::Extra, times, 90);
    assert_eq!(starts(&[earlier, shorter], &[extra]), ["09:00+00:00/10:30+00:00"]);

    let high = only(&rule(2, MONDAY, ("09:00", "10:00"), 60, 0), Chat);
    let low = only(&rule(1, MONDAY, ("09:00", "10:00"), 60, 0), Video);
    let zone = TimeZone::UTC;
    let timetable = Timetable { zone: &zone, rules: &[high, low], exceptions: &[], busy: &[] };
    let of = |kind| slots(timetable, DateRange::day(MONDAY), Some(kind), &OPEN).len();
    assert_eq!((of(Video), of(Chat)), (1, 0), "types are asked for after overlaps are resolved");
}

#[test]
fn what_spills_over_midnight_counts_on_the_next_day() {
    let sunday = date(2027, 1, 3);
    let rules = [rule(1, sunday, ("22:30", "23:30"), 60, 60), rule(2, MONDAY, ("00:00", "01:00"), 30, 0)];
    assert_eq!(day("UTC", MONDAY, &rules, &[], &[]), ["00:30+00:00/01:00+00:00"]);
    let times = ("2027-01-03T23:00:00Z", "2027-01-04T01:30:00Z");
    let extra = [exception(ExceptionKind::Extra, times, 50)];
    assert_eq!(
        day("UTC", MONDAY, &[], &extra, &[]),
        ["00:40+00:00/01:30+00:00"],
        "23:00 and 23:50 start the day before"
    );
}

#[test]
fn leave_removes_what_it_touches_and_makes_nothing_appear() {
    let rules = [rule(1, MONDAY, ("09:00", "12:00"), 60, 0), rule(2, MONDAY, ("09:30", "10:30"), 60, 0)];
    let leave = |from, until| [exception(ExceptionKind::Leave, (from, until), 60)];
    let touching = leave("2027-01-04T09:59:00Z", "2027-01-04T11:00:00Z");
    assert_eq!(day("UTC", MONDAY, &rules, &touching, &[]), ["11:00+00:00/12:00+00:00"]);
    let beside = leave("2027-01-04T10:00:00Z", "2027-01-04T11:00:00Z");
    assert_eq!(day("UTC", MONDAY, &rules, &beside, &[]), ["09:00+00:00/10:00+00:00", "11:00+00:00/12:00+00:00"]);
}

#[test]
fn overlapping_leaves_count_together() {
    let rules = [rule(1, MONDAY, ("09:00", "13:00"), 60, 0)];
    let leave = |from, until| exception(ExceptionKind::Leave, (from, until), 60);
    let leaves =
        [leave("2027-01-04T10:30:00Z", "2027-01-04T10:40:00Z"), leave("2027-01-04T09:30:00Z", "2027-01-04T11:30:00Z")];
    assert_eq!(day("UTC", MONDAY, &rules, &leaves, &[]), ["12:00+00:00/13:00+00:00"]);
}

#[test]
fn a_slot_is_taken_when_its_time_or_buffer_meets_a_busy_span() {
    let rules = [rule(1, MONDAY, ("09:00", "12:00"), 50, 10)];
    let busy = |from: &str, until: &str| {
        let span = BusySpan { starts_at: at(from), busy_until: at(until) };
        day("UTC", MONDAY, &rules, &[], &[span])
    };
    let taken = ["09:00+00:00/09:50+00:00!", "10:00+00:00/10:50+00:00", "11:00+00:00/11:50+00:00"];
    assert_eq!(busy("2027-01-04T09:55:00Z", "2027-01-04T10:00:00Z"), taken);
    assert_eq!(busy("2027-01-04T08:00:00Z", "2027-01-04T09:01:00Z"), taken);
    assert!(busy("2027-01-04T08:00:00Z", "2027-01-04T09:00:00Z").iter().all(|slot| !slot.ends_with('!')));
}

#[test]
fn notice_and_horizon_are_inclusive() {
    let rules = [rule(1, MONDAY, ("09:00", "10:00"), 60, 0)];
    let zone = TimeZone::UTC;
    let timetable = Timetable { zone: &zone, rules: &rules, exceptions: &[], busy: &[] };
    let start = at("2027-01-04T09:00:00Z");
    let offer = |now: &str| {
        let window = BookingWindow { now: at(now), min_notice_minutes: 120, horizon_days: 90 };
        find(timetable, start, Video, &window)
    };
    assert!(matches!(offer("2027-01-04T07:00:00Z"), Offer::Free(_)));
    assert_eq!(offer("2027-01-04T07:00:00.000001Z"), Offer::NotASlot);
    assert!(matches!(offer("2026-10-06T09:00:00Z"), Offer::Free(_)));
    assert_eq!(offer("2026-10-06T08:59:59Z"), Offer::NotASlot);
}

#[test]
fn the_first_free_slot_skips_what_is_taken_and_ends_at_the_horizon() {
    let rules = [rule(1, MONDAY, ("09:00", "11:00"), 60, 0)];
    let busy = [BusySpan { starts_at: at("2027-01-04T09:00:00Z"), busy_until: at("2027-01-04T11:00:00Z") }];
    let zone = TimeZone::UTC;
    let timetable = Timetable { zone: &zone, rules: &rules, exceptions: &[], busy: &busy };
    let now = at("2027-01-01T00:00:00Z");
    let first = |horizon_days| {
        let window = BookingWindow { now, min_notice_minutes: 120, horizon_days };
        first_free(timetable, None, now, &window).map(|slot| slot.starts_at)
    };
    assert_eq!(first(90), Some(at("2027-01-11T09:00:00Z")));
    assert_eq!(first(10), None);
    let idle = Timetable { rules: &[], ..timetable };
    assert_eq!(first_free(idle, None, now, &OPEN), None);
}

#[test]
fn a_range_has_an_order_and_a_limit() {
    let first = date(2027, 1, 1);
    assert!(DateRange::new(first, first).is_ok());
    assert!(DateRange::new(first, date(2027, 4, 2)).is_ok());
    assert_eq!(DateRange::new(first, date(2027, 4, 3)), Err(DateRangeError::TooLong));
    assert_eq!(DateRange::new(first, date(2026, 12, 31)), Err(DateRangeError::Reversed));
}
