//! The slots against an oracle that knows no arithmetic of time zones: it looks at the wall clock
//! minute by minute, in four zones, around the days on which their clocks change.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
use std::collections::HashSet;

use huntzen_booking::{
    availability::{
        AvailabilityException, AvailabilityRule, ConsultationType, ExceptionEffect, ExceptionKind,
        ExceptionTerms, RuleTerms, TypeSet,
    },
    slots::{BookingWindow, BusySpan, DateRange, Offer, Slot, Timetable, find, first_free, slots},
};
use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{Date, Time, Weekday, date},
    tz::TimeZone,
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use uuid::Uuid;

/// Days on which clocks change, half an hour in Lord Howe, for Ramadan in Casablanca, and one on
/// which nothing happens.
const DAYS: [(&str, Date); 11] = [
    ("Europe/Paris", date(2027, 3, 28)),
    ("Europe/Paris", date(2027, 10, 31)),
    ("Europe/Paris", date(2027, 6, 9)),
    ("America/New_York", date(2027, 3, 14)),
    ("America/New_York", date(2027, 11, 7)),
    ("Australia/Lord_Howe", date(2027, 4, 4)),
    ("Australia/Lord_Howe", date(2027, 10, 3)),
    ("Africa/Casablanca", date(2026, 2, 15)),
    ("Africa/Casablanca", date(2026, 3, 22)),
    ("Africa/Casablanca", date(2027, 2, 7)),
    ("Africa/Casablanca", date(2027, 3, 14)),
];

/// One question, with all that its answer follows from.
#[derive(Clone, Debug)]
struct Question {
    zone: &'static str,
    first: Date,
    last: Date,
    rules: Vec<AvailabilityRule>,
    exceptions: Vec<AvailabilityException>,
    busy: Vec<BusySpan>,
    kind: Option<ConsultationType>,
    window: BookingWindow,
}

impl Question {
    fn ask<T>(&self, ask: impl FnOnce(Timetable<'_>) -> T) -> T {
        let zone = TimeZone::get(self.zone).unwrap();
        ask(Timetable {
            zone: &zone,
            rules: &self.rules,
            exceptions: &self.exceptions,
            busy: &self.busy,
        })
    }

    fn slots(&self) -> Vec<Slot> {
        let range = DateRange::new(self.first, self.last).unwrap();
        self.ask(|timetable| slots(timetable, range, self.kind, &self.window))
    }
}

/// A minute of real time and what the wall shows then.
struct Minute {
    instant: i64,
    date: Date,
    of_day: i64,
    shown_for_the_first_time: bool,
}

/// A proposed slot; all times are minutes since the Unix epoch.
struct Proposal {
    starts: i64,
    ends: i64,
    busy_until: i64,
    by_rule: bool,
    source: Uuid,
    buffer_minutes: u16,
    types: TypeSet,
}

fn minute(instant: Timestamp) -> i64 {
    instant.as_second().div_euclid(60)
}

fn instant(minute: i64) -> Timestamp {
    Timestamp::from_second(minute * 60).unwrap()
}

fn of_day(time: Time) -> i64 {
    i64::from(time.hour()) * 60 + i64::from(time.minute())
}

/// The wall clock from 16 days before the question (so that the answer is settled, whatever came
/// before) to two days after it.
fn look_at_the_clock(question: &Question) -> Vec<Minute> {
    let zone = TimeZone::get(question.zone).unwrap();
    let utc = |date: Date| minute(date.to_zoned(TimeZone::UTC).unwrap().timestamp());
    let mut seen = HashSet::new();
    (utc(question.first) - 16 * 1_440..utc(question.last) + 3 * 1_440)
        .map(|at| {
            let wall = zone.to_datetime(instant(at));
            let shown_for_the_first_time = seen.insert(wall);
            let (date, of_day) = (wall.date(), of_day(wall.time()));
            Minute { instant: at, date, of_day, shown_for_the_first_time }
        })
        .collect()
}

fn proposals(question: &Question, clock: &[Minute]) -> Vec<Proposal> {
    let mut proposals = Vec::new();
    for (index, now) in clock.iter().enumerate() {
        for rule in &question.rules {
            let terms = rule.terms();
            let (slot, buffer) = (i64::from(terms.slot_minutes), i64::from(terms.buffer_minutes));
            let since_start = now.of_day - of_day(terms.start_time);
            let closing = of_day(terms.end_time);
            let on_this_day = now.date.weekday().to_monday_one_offset() == terms.day_of_week
                && terms.valid_from.is_none_or(|from| now.date >= from)
                && terms.valid_until.is_none_or(|until| now.date <= until);
            if on_this_day
                && now.shown_for_the_first_time
                && since_start >= 0
                && since_start % (slot + buffer) == 0
                && now.of_day + slot <= closing
                && clock[index..]
                    .iter()
                    .take_while(|later| later.instant < now.instant + slot)
                    .all(|later| (later.date, later.of_day) < (now.date, closing))
            {
                proposals.push(Proposal {
                    starts: now.instant,
                    ends: now.instant + slot,
                    busy_until: now.instant + slot + buffer,
                    by_rule: true,
                    source: rule.id(),
                    buffer_minutes: terms.buffer_minutes,
                    types: terms.types,
                });
            }
        }
        for exception in &question.exceptions {
            let ExceptionEffect::Extra(shape) = exception.effect() else { continue };
            let (slot, buffer) = (i64::from(shape.slot_minutes), i64::from(shape.buffer_minutes));
            let since_start = now.instant - minute(exception.starts_at());
            if since_start >= 0
                && since_start % (slot + buffer) == 0
                && now.instant + slot <= minute(exception.ends_at())
            {
                proposals.push(Proposal {
                    starts: now.instant,
                    ends: now.instant + slot,
                    busy_until: now.instant + slot + buffer,
                    by_rule: false,
                    source: exception.id(),
                    buffer_minutes: shape.buffer_minutes,
                    types: shape.types,
                });
            }
        }
    }
    proposals.sort_by_key(|one| (one.starts, one.by_rule, one.ends - one.starts, one.source));
    proposals
}

/// Keeps what does not meet what is kept; a week without a gap makes the next one start anew.
fn resolve(question: &Question, proposals: Vec<Proposal>) -> Vec<Proposal> {
    let zone = TimeZone::get(question.zone).unwrap();
    let monday_of = |starts: i64| {
        let mut day = zone.to_datetime(instant(starts)).date();
        while day.weekday() != Weekday::Monday {
            day = day.yesterday().unwrap();
        }
        day
    };
    let (mut week, mut gap, mut kept_until, mut all_until) = (Date::MIN, true, i64::MIN, i64::MIN);
    let mut kept = Vec::new();
    for proposal in proposals {
        let monday = monday_of(proposal.starts);
        if monday != week {
            if !gap {
                kept_until = all_until;
            }
            (week, gap) = (monday, false);
        }
        gap = gap || proposal.starts >= all_until;
        all_until = all_until.max(proposal.busy_until);
        if proposal.starts >= kept_until {
            kept_until = proposal.busy_until;
            kept.push(proposal);
        }
    }
    kept
}

fn oracle(question: &Question) -> Vec<Slot> {
    let clock = look_at_the_clock(question);
    let meets = |from: i64, until: i64, starts: Timestamp, ends: Timestamp| {
        (from..until).any(|at| minute(starts) <= at && at < minute(ends))
    };
    let leave = |one: &&AvailabilityException| one.kind() == ExceptionKind::Leave;
    let in_range = |starts: i64| {
        let at = clock.iter().find(|minute| minute.instant == starts).unwrap();
        question.first <= at.date && at.date <= question.last
    };
    let mut answer = Vec::new();
    for one in resolve(question, proposals(question, &clock)) {
        let asked = question.kind.is_none_or(|kind| one.types.contains(kind));
        let away = question
            .exceptions
            .iter()
            .filter(leave)
            .any(|leave| meets(one.starts, one.ends, leave.starts_at(), leave.ends_at()));
        if !asked || away || !in_range(one.starts) {
            continue;
        }
        let taken = question
            .busy
            .iter()
            .any(|busy| meets(one.starts, one.busy_until, busy.starts_at, busy.busy_until));
        let ahead = instant(one.starts).duration_since(question.window.now);
        let near = ahead < SignedDuration::from_mins(question.window.min_notice_minutes.into());
        let far = ahead > SignedDuration::from_hours(24 * i64::from(question.window.horizon_days));
        answer.push(Slot {
            starts_at: instant(one.starts),
            ends_at: instant(one.ends),
            buffer_minutes: one.buffer_minutes,
            types: one.types,
            available: !taken && !near && !far,
        });
    }
    answer
}

fn types() -> impl Strategy<Value = TypeSet> {
    vec(select(ConsultationType::ALL.to_vec()), 1..=4).prop_map(TypeSet::from_iter)
}

fn slot_minutes() -> impl Strategy<Value = u16> {
    prop_oneof![select(vec![5, 15, 20, 25, 30, 45, 50, 60, 90, 120, 480]), 5_u16..=480]
}

fn buffer_minutes() -> impl Strategy<Value = u16> {
    prop_oneof![select(vec![0, 0, 5, 10, 15, 30, 60, 240]), 0_u16..=240]
}

/// A rule, most often near the day in question and near the hour at which clocks change.
fn rule(day: Date) -> impl Strategy<Value = Option<AvailabilityRule>> {
    let near = i64::from(day.weekday().to_monday_zero_offset());
    let weekday = prop_oneof![3 => near + 6..near + 9, 1 => 0_i64..7]
        .prop_map(|weekday| i8::try_from(weekday % 7 + 1).unwrap());
    let start = prop_oneof![3 => 0_i64..240, 1 => 0_i64..1_440, 1 => 1_200_i64..1_435];
    let length = prop_oneof![2 => 30_i64..600, 1 => 5_i64..1_440];
    let bound = || option::weighted(0.2, -8_i64..8);
    (
        0_u128..50,
        weekday,
        start,
        length,
        slot_minutes(),
        buffer_minutes(),
        types(),
        bound(),
        bound(),
    )
        .prop_map(move |(id, day_of_week, start, length, slot, buffer, types, from, until)| {
            let time = |minute: i64| Time::midnight() + minute.min(1_439).minutes();
            let terms = RuleTerms {
                day_of_week,
                start_time: time(start),
                end_time: time(start + length),
                slot_minutes: slot,
                buffer_minutes: buffer,
                types,
                valid_from: from.map(|days| day + days.days()),
                valid_until: until.map(|days| day + days.days()),
            };
            AvailabilityRule::new(Uuid::from_u128(id), Uuid::nil(), terms).ok()
        })
}

/// Rules that leave no gap at all on some days, or on all seven.
fn round_the_clock() -> impl Strategy<Value = Vec<AvailabilityRule>> {
    (1_i8..=7, 0_i64..30, 120_u16..=480, 1_000_u128..1_050).prop_map(|(days, start, slot, id)| {
        (1..=days)
            .flat_map(|day_of_week| [(0, 0), (start, 240), (2 * start, 120)].map(|(start, buffer)| {
                let terms = RuleTerms {
                    day_of_week,
                    start_time: Time::midnight() + start.minutes(),
                    end_time: Time::midnight() + 1_439.minutes(),
                    slot_minutes: slot,
                    buffer_minutes: buffer,
                    types: TypeSet::ALL,
                    valid_from: None,
                    valid_until: None,
                };
                AvailabilityRule::new(Uuid::from_u128(id), Uuid::nil(), terms).unwrap()
            }))
            .collect()
    })
}

fn exception(noon: i64) -> impl Strategy<Value = Option<AvailabilityException>> {
    let kind = select(vec![ExceptionKind::Leave, ExceptionKind::Extra, ExceptionKind::Extra]);
    let length = prop_oneof![3 => 5_i64..600, 1 => 600_i64..20_000];
    (0_u128..50, kind, -4_000_i64..6_000, length, slot_minutes(), buffer_minutes(), types()).prop_map(
        move |(id, kind, from, length, slot, buffer, types)| {
            let terms = ExceptionTerms {
                starts_at: instant(noon + from),
                ends_at: instant(noon + from + length),
                kind,
                slot_minutes: Some(slot),
                buffer_minutes: Some(buffer),
                types: Some(types),
                label: None,
            };
            AvailabilityException::new(Uuid::from_u128(id), Uuid::nil(), terms).ok()
        },
    )
}

fn question() -> impl Strategy<Value = Question> {
    (select(DAYS.to_vec()), -2_i64..=1, 0_i64..=3).prop_flat_map(|((zone, day), from, length)| {
        let (first, last) = (day + from.days(), day + (from + length).days());
        let noon = minute(day.at(12, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp());
        let rules = (
            vec(rule(day), 0..7),
            option::weighted(0.2, round_the_clock()),
        );
        let busy = (-4_000_i64..6_000, 5_i64..700).prop_map(move |(from, length)| BusySpan {
            starts_at: instant(noon + from),
            busy_until: instant(noon + from + length),
        });
        let window = (-6_000_i64..3_000, 0_u32..300, 0_u16..7).prop_map(
            move |(from, min_notice_minutes, horizon_days)| BookingWindow {
                now: instant(noon + from),
                min_notice_minutes,
                horizon_days,
            },
        );
        (
            rules,
            vec(exception(noon), 0..5),
            vec(busy, 0..8),
            option::of(select(ConsultationType::ALL.to_vec())),
            window,
        )
            .prop_map(move |((rules, dense), exceptions, busy, kind, window)| Question {
                zone,
                first,
                last,
                rules: rules.into_iter().flatten().chain(dense.into_iter().flatten()).collect(),
                exceptions: exceptions.into_iter().flatten().collect(),
                busy,
                kind,
                window,
            })
    })
}

/// A twentieth of the rounds, unless `HUNTZEN_TEST_SCALE=full`.
fn rounds(twentieth: u32) -> ProptestConfig {
    let full = std::env::var("HUNTZEN_TEST_SCALE").is_ok_and(|scale| scale == "full");
    let cases = if full { twentieth * 20 } else { twentieth };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(rounds(150))]

    #[test]
    fn the_slots_are_those_of_the_oracle(question in question()) {
        prop_assert_eq!(question.slots(), oracle(&question));
    }
}

proptest! {
    #![proptest_config(rounds(500))]

    #[test]
    fn no_two_slots_meet(question in question()) {
        let slots = question.slots();
        for pair in slots.windows(2) {
            prop_assert!(pair[0].busy_span().busy_until <= pair[1].starts_at);
        }
    }

    #[test]
    fn the_window_asked_for_changes_nothing(question in question()) {
        let mut one_by_one = Vec::new();
        let mut day = question.first;
        while day <= question.last {
            one_by_one.extend(Question { first: day, last: day, ..question.clone() }.slots());
            day = day.tomorrow().unwrap();
        }
        prop_assert_eq!(question.slots(), one_by_one);
    }

    #[test]
    fn loading_only_what_the_range_needs_changes_nothing(question in question()) {
        let zone = TimeZone::get(question.zone).unwrap();
        let range = DateRange::new(question.first, question.last).unwrap();
        let mut loaded = question.clone();
        let (from, until) = range.busy_span(&zone);
        loaded.busy.retain(|busy| from < busy.busy_until && busy.starts_at < until);
        let (from, until) = range.exceptions_span(&zone);
        loaded.exceptions.retain(|one| from < one.ends_at() && one.starts_at() < until);
        prop_assert_eq!(loaded.slots(), question.slots());
    }

    #[test]
    fn the_first_free_slot_is_the_first_of_all(question in question(), hours in -48_i64..96) {
        let zone = TimeZone::get(question.zone).unwrap();
        let not_before = question.window.now + SignedDuration::from_hours(hours);
        let dates = question.window.dates(&zone);
        let all = Question { first: dates.first(), last: dates.last(), ..question.clone() }.slots();
        let expected = all.into_iter().find(|slot| slot.available && slot.starts_at >= not_before);
        let found = question
            .ask(|timetable| first_free(timetable, question.kind, not_before, &question.window));
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_start_is_found_as_it_is_listed(question in question(), off in 1_i64..5) {
        let kind = question.kind.unwrap_or(ConsultationType::Video);
        let question = Question { kind: Some(kind), ..question };
        let slots = question.slots();
        let window = question.window;
        for slot in &slots {
            let start = slot.starts_at;
            let expected = if start < window.earliest() || window.latest() < start {
                Offer::NotASlot
            } else if slot.available {
                Offer::Free(*slot)
            } else {
                Offer::Taken(*slot)
            };
            let found = question.ask(|timetable| find(timetable, start, kind, &window));
            prop_assert_eq!(found, expected);
            // No slot is shorter than five minutes.
            let beside = start + SignedDuration::from_mins(off);
            let found = question.ask(|timetable| find(timetable, beside, kind, &window));
            prop_assert_eq!(found, Offer::NotASlot);
        }
    }
}
