//! The answer by brute force: the wall clock is looked at minute by minute.
use std::collections::HashSet;

use huntzen_booking::{
    availability::{AvailabilityException, ExceptionEffect, ExceptionKind, TypeSet},
    slots::Slot,
};
use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time, Weekday},
    tz::TimeZone,
};
use uuid::Uuid;

use crate::question::{Question, instant, minute};

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
            let ExceptionEffect::Extra(shape) = exception.effect() else {
                continue;
            };
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

/// The slots that the question must be answered with.
pub fn oracle(question: &Question) -> Vec<Slot> {
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
        let taken = question.busy.iter().any(|busy| meets(one.starts, one.busy_until, busy.starts_at, busy.busy_until));
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
