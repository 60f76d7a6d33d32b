//! What a rule and an exception accept and refuse, field by field.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
use huntzen_tenancy::words::Words as _;
use jiff::civil::{date, time};

use super::*;

fn terms() -> RuleTerms {
    RuleTerms {
        day_of_week: 1,
        start_time: time(9, 0, 0, 0),
        end_time: time(12, 0, 0, 0),
        slot_minutes: 50,
        buffer_minutes: 10,
        types: TypeSet::ALL,
        valid_from: None,
        valid_until: None,
    }
}

fn rule(terms: RuleTerms) -> Result<AvailabilityRule, Vec<(&'static str, &'static str)>> {
    AvailabilityRule::new(Uuid::nil(), Uuid::nil(), terms).map_err(pairs)
}

fn pairs(errors: Vec<FieldError>) -> Vec<(&'static str, &'static str)> {
    errors.into_iter().map(|error| (error.field, error.code)).collect()
}

fn extra() -> ExceptionTerms {
    ExceptionTerms {
        starts_at: "2027-01-04T09:00:00Z".parse().unwrap(),
        ends_at: "2027-01-04T12:00:00Z".parse().unwrap(),
        kind: ExceptionKind::Extra,
        slot_minutes: None,
        buffer_minutes: None,
        types: None,
        label: None,
    }
}

fn exception(terms: ExceptionTerms) -> Result<AvailabilityException, Vec<(&'static str, &'static str)>> {
    AvailabilityException::new(Uuid::nil(), Uuid::nil(), terms).map_err(pairs)
}

#[test]
fn a_rule_keeps_its_terms() {
    assert_eq!(rule(terms()).unwrap().terms(), &terms());
}

#[test]
fn every_wrong_field_of_a_rule_is_named_at_once() {
    let wrong = RuleTerms {
        day_of_week: 8,
        start_time: time(12, 0, 1, 0),
        end_time: time(12, 0, 0, 0),
        slot_minutes: 4,
        buffer_minutes: 241,
        types: TypeSet::EMPTY,
        valid_from: Some(date(2027, 2, 1)),
        valid_until: Some(date(2027, 1, 31)),
    };
    assert_eq!(
        rule(wrong),
        Err(vec![
            ("dayOfWeek", "out_of_range"),
            ("startTime", "not_whole_minutes"),
            ("endTime", "not_after_start"),
            ("slotMinutes", "out_of_range"),
            ("bufferMinutes", "out_of_range"),
            ("types", "required"),
            ("validUntil", "before_valid_from"),
        ])
    );
}

#[test]
fn a_rule_holds_at_least_one_slot() {
    let exact = RuleTerms { slot_minutes: 180, ..terms() };
    assert!(rule(exact).is_ok());
    let over = RuleTerms { slot_minutes: 181, ..terms() };
    assert_eq!(rule(over), Err(vec![("slotMinutes", "does_not_fit")]));
}

#[test]
fn a_rule_holds_on_its_weekday_and_between_its_days_both_included() {
    let rule = rule(RuleTerms { valid_from: Some(date(2027, 1, 4)), valid_until: Some(date(2027, 1, 11)), ..terms() })
        .unwrap();
    let holds = |day: i8| {
        let date = date(2027, 1, day);
        rule.holds_on(date, date.weekday())
    };
    assert!(holds(4) && holds(11));
    assert!(!holds(5) && !holds(18));
    let before = date(2026, 12, 28);
    assert!(!rule.holds_on(before, before.weekday()));
}

#[test]
fn extra_hours_have_defaults_and_leave_has_no_slots() {
    let shape = exception(extra()).unwrap().shape().unwrap();
    assert_eq!((shape.slot_minutes, shape.buffer_minutes, shape.types), (50, 0, TypeSet::ALL));
    let leave = exception(ExceptionTerms { kind: ExceptionKind::Leave, ..extra() }).unwrap();
    assert_eq!((leave.kind(), leave.shape()), (ExceptionKind::Leave, None));
}

#[test]
fn every_wrong_field_of_an_exception_is_named_at_once() {
    let wrong = ExceptionTerms {
        starts_at: "2027-01-04T09:00:30Z".parse().unwrap(),
        ends_at: "2027-04-07T09:00:00Z".parse().unwrap(),
        slot_minutes: Some(481),
        buffer_minutes: Some(241),
        types: Some(TypeSet::EMPTY),
        label: Some("é".repeat(121)),
        ..extra()
    };
    assert_eq!(
        exception(wrong),
        Err(vec![
            ("endsAt", "too_long"),
            ("label", "too_long"),
            ("startsAt", "not_whole_minutes"),
            ("slotMinutes", "out_of_range"),
            ("bufferMinutes", "out_of_range"),
            ("types", "required"),
        ])
    );
    let reversed = ExceptionTerms { ends_at: extra().starts_at, ..extra() };
    assert_eq!(exception(reversed), Err(vec![("endsAt", "not_after_start")]));
    let short = ExceptionTerms { slot_minutes: Some(181), ..extra() };
    assert_eq!(exception(short), Err(vec![("slotMinutes", "does_not_fit")]));
}

#[test]
fn a_leave_may_begin_at_any_second_and_last_a_year() {
    let leave = ExceptionTerms {
        starts_at: "2027-01-04T09:00:30Z".parse().unwrap(),
        ends_at: "2028-01-05T09:00:30Z".parse().unwrap(),
        kind: ExceptionKind::Leave,
        label: Some("   ".to_owned()),
        ..extra()
    };
    assert_eq!(exception(leave).unwrap().label(), None);
}

#[test]
fn wall_times_are_two_digits_a_side() {
    assert_eq!(parse_wall_time("00:00"), Some(time(0, 0, 0, 0)));
    assert_eq!(parse_wall_time("23:59").map(format_wall_time).as_deref(), Some("23:59"));
    for wrong in ["24:00", "9:00", "09:60", "0900", "09:00:00", "+9:00", "09:+1", "", "é:00"] {
        assert_eq!(parse_wall_time(wrong), None, "{wrong}");
    }
}

#[test]
fn types_are_named_as_in_json() {
    for kind in ConsultationType::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
    }
    assert_eq!(ConsultationType::parse("video"), Some(ConsultationType::Video));
    let set = TypeSet::from_iter([ConsultationType::Chat, ConsultationType::Video]);
    assert_eq!(serde_json::to_string(&set).unwrap(), r#"["VIDEO","CHAT"]"#);
    assert_eq!(serde_json::from_str::<TypeSet>(r#"["CHAT","VIDEO","CHAT"]"#).unwrap(), set);
    assert_eq!(set.intersection(TypeSet::from_iter([ConsultationType::Phone])), TypeSet::EMPTY);
}

#[test]
fn sets_of_types_are_stored_as_bits() {
    assert_eq!(
        ConsultationType::ALL.iter().map(|kind| TypeSet::from_iter([*kind]).bits()).collect::<Vec<_>>(),
        [1, 2, 4, 8]
    );
    for bits in 0..16 {
        assert_eq!(TypeSet::from_bits(bits).map(TypeSet::bits), Some(bits));
    }
    assert_eq!(TypeSet::from_bits(16), None);
}
