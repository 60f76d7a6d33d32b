//! The slots against an oracle that knows no arithmetic of time zones: it looks at the wall clock
//! minute by minute, in six zones, around the days on which their clocks change.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
mod oracle;
mod question;

use huntzen_booking::{
    availability::ConsultationType,
    slots::{DateRange, Offer, find, first_free},
};
use jiff::{SignedDuration, tz::TimeZone};
use proptest::prelude::*;

use self::{
    oracle::oracle,
    question::{Question, question},
};

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
