//! Questions at random, most of them about the nights on which clocks change.
use huntzen_booking::{
    availability::{
        AvailabilityException, AvailabilityRule, ConsultationType, ExceptionKind, ExceptionTerms, RuleTerms, TypeSet,
    },
    slots::{BookingWindow, BusySpan, DateRange, Slot, Timetable, slots},
};
use huntzen_tenancy::words::Words as _;
use jiff::{
    Timestamp, ToSpan,
    civil::{Date, Time, date},
    tz::TimeZone,
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use uuid::Uuid;

/// Days on which clocks change, half an hour in Lord Howe, for Ramadan in Casablanca, at
/// midnight in Cairo and Havana, and one on which nothing happens.
const DAYS: [(&str, Date); 13] = [
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
    ("Africa/Cairo", date(2027, 10, 28)),
    ("America/Havana", date(2027, 11, 7)),
];

/// One question, with all that its answer follows from.
#[derive(Clone, Debug)]
pub struct Question {
    pub zone: &'static str,
    pub first: Date,
    pub last: Date,
    pub rules: Vec<AvailabilityRule>,
    pub exceptions: Vec<AvailabilityException>,
    pub busy: Vec<BusySpan>,
    pub kind: Option<ConsultationType>,
    pub window: BookingWindow,
}

impl Question {
    pub fn ask<T>(&self, ask: impl FnOnce(Timetable<'_>) -> T) -> T {
        let zone = TimeZone::get(self.zone).unwrap();
        ask(Timetable { zone: &zone, rules: &self.rules, exceptions: &self.exceptions, busy: &self.busy })
    }

    pub fn slots(&self) -> Vec<Slot> {
        let range = DateRange::new(self.first, self.last).unwrap();
        self.ask(|timetable| slots(timetable, range, self.kind, &self.window))
    }
}

/// Minutes since the Unix epoch.
pub fn minute(instant: Timestamp) -> i64 {
    instant.as_second().div_euclid(60)
}

/// The instant of a minute since the Unix epoch.
pub fn instant(minute: i64) -> Timestamp {
    Timestamp::from_second(minute * 60).unwrap()
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
    let weekday =
        prop_oneof![3 => near + 6..near + 9, 1 => 0_i64..7].prop_map(|weekday| i8::try_from(weekday % 7 + 1).unwrap());
    let start = prop_oneof![3 => 0_i64..240, 1 => 0_i64..1_440, 1 => 1_200_i64..1_435];
    let length = prop_oneof![2 => 30_i64..600, 2 => 5_i64..150, 1 => 5_i64..1_440];
    let bound = || option::weighted(0.2, -8_i64..8);
    (0_u128..50, weekday, start, length, slot_minutes(), buffer_minutes(), types(), bound(), bound()).prop_map(
        move |(id, day_of_week, start, length, slot, buffer, types, from, until)| {
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
        },
    )
}

/// Rules that leave no gap at all on some days, or on all seven.
fn round_the_clock() -> impl Strategy<Value = Vec<AvailabilityRule>> {
    (1_i8..=7, 0_i64..30, 120_u16..=480, 1_000_u128..1_050).prop_map(|(days, start, slot, id)| {
        (1..=days)
            .flat_map(|day_of_week| {
                [(0, 0), (start, 240), (2 * start, 120)].map(|(start, buffer)| {
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
                })
            })
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

/// Any question.
pub fn question() -> impl Strategy<Value = Question> {
    (select(DAYS.to_vec()), -2_i64..=1, 0_i64..=3).prop_flat_map(|((zone, day), from, length)| {
        let (first, last) = (day + from.days(), day + (from + length).days());
        let noon = minute(day.at(12, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp());
        let rules = (vec(rule(day), 0..7), option::weighted(0.2, round_the_clock()));
        let busy = (-4_000_i64..6_000, 5_i64..700).prop_map(move |(from, length)| BusySpan {
            starts_at: instant(noon + from),
            busy_until: instant(noon + from + length),
        });
        let window =
            (-6_000_i64..3_000, 0_u32..300, 0_u16..7).prop_map(move |(from, min_notice_minutes, horizon_days)| {
                BookingWindow { now: instant(noon + from), min_notice_minutes, horizon_days }
            });
        (rules, vec(exception(noon), 0..5), vec(busy, 0..8), option::of(select(ConsultationType::ALL.to_vec())), window)
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
