//! Which of the overlapping candidates become slots, whatever window is asked for.
//!
//! Candidates are taken in order (earlier start, then extra hours, then shorter, then lower id);
//! each is kept when it starts no earlier than the kept one before it is over, buffer included.
//! So a decision depends on the ones before it, back to the last *gap*: an instant that no
//! candidate, kept or not, spans. Practically every night is one.
//!
//! Rules that leave no gap for a whole week (Monday to Sunday) would reach back for ever. After
//! such a week resolution begins anew: on Monday nothing is kept before every earlier candidate is
//! over. The look-back is thus bounded by two weeks, and the answer is the same from everywhere.
use jiff::{
    ToSpan,
    civil::{Date, Weekday},
};
use uuid::Uuid;

use super::{
    Timetable,
    wall_clock::{Day, WallClock},
};
use crate::availability::{AvailabilityRule, BUFFER_MINUTES_MAX, ExceptionEffect, SLOT_MINUTES, SlotShape, TypeSet};

/// The longest slot with the longest buffer, in minutes.
pub(super) const REACH_MINUTES: i64 = *SLOT_MINUTES.end() as i64 + BUFFER_MINUTES_MAX as i64;

/// A slot that a rule or extra hours propose. Times are seconds since the Unix epoch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) starts: i64,
    pub(super) ends: i64,
    pub(super) busy_until: i64,
    pub(super) buffer_minutes: u16,
    pub(super) types: TypeSet,
    by_rule: bool,
    source: Uuid,
}

impl Candidate {
    fn new(starts: i64, shape: SlotShape, by_rule: bool, source: Uuid) -> Self {
        let ends = starts + i64::from(shape.slot_minutes) * 60;
        let busy_until = ends + i64::from(shape.buffer_minutes) * 60;
        let SlotShape { buffer_minutes, types, .. } = shape;
        Self { starts, ends, busy_until, buffer_minutes, types, by_rule, source }
    }

    /// Earlier start, then extra hours, then shorter, then lower id.
    fn rank(&self) -> (i64, bool, i64, Uuid) {
        (self.starts, self.by_rule, self.ends, self.source)
    }
}

/// Resolves one civil day after the other.
#[derive(Debug)]
pub(super) struct Resolution<'a> {
    timetable: Timetable<'a>,
    clock: WallClock<'a>,
    /// The day that comes next; none at the end of time.
    upcoming: Option<Date>,
    /// The candidates of one day, reused from day to day.
    candidates: Vec<Candidate>,
    /// When the last kept candidate is over.
    kept_until: i64,
    /// When every candidate so far is over.
    all_until: i64,
    /// Whether this week has had a gap.
    gap_this_week: bool,
}

impl<'a> Resolution<'a> {
    /// A resolution whose first day is `first`.
    pub(super) fn starting(timetable: Timetable<'a>, first: Date) -> Self {
        let mut resolution = Self {
            timetable,
            clock: WallClock::new(timetable.zone),
            upcoming: Some(first),
            candidates: Vec::new(),
            kept_until: i64::MIN,
            all_until: i64::MIN,
            gap_this_week: false,
        };
        let (anchor, spill) = resolution.anchor(first);
        resolution.upcoming = Some(anchor);
        resolution.kept_until = spill;
        resolution.all_until = spill;
        while resolution.upcoming.is_some_and(|date| date < first) {
            resolution.next_day();
        }
        resolution
    }

    /// The slots that start on the next civil day, in order; none at the end of time.
    pub(super) fn next_day(&mut self) -> Option<&[Candidate]> {
        let date = self.upcoming?;
        self.upcoming = date.tomorrow().ok();
        if date.weekday() == Weekday::Monday {
            if !self.gap_this_week {
                self.kept_until = self.all_until;
            }
            self.gap_this_week = false;
        }
        self.propose(date);
        let Self { candidates, kept_until, all_until, gap_this_week, .. } = self;
        candidates.retain(|candidate| {
            *gap_this_week |= *all_until <= candidate.starts;
            *all_until = candidate.busy_until.max(*all_until);
            let kept = *kept_until <= candidate.starts;
            if kept {
                *kept_until = candidate.busy_until;
            }
            kept
        });
        Some(&self.candidates)
    }

    /// The nearest day from which resolving yields the right slots on `first`, and when every
    /// candidate before that day is over.
    fn anchor(&mut self, first: Date) -> (Date, i64) {
        let days_since_monday = i64::from(first.weekday().to_monday_zero_offset());
        let monday = first.saturating_sub(days_since_monday.days());
        let earliest = monday.saturating_sub(7.days());
        let mut date = first;
        loop {
            let spill = self.spill(date);
            let gap_at_midnight = self.propose(date).is_none_or(|day| spill <= day.starts);
            if gap_at_midnight || self.has_gap(spill, date == first) {
                return (date, spill);
            }
            match date.yesterday() {
                Ok(yesterday) if earliest <= yesterday => date = yesterday,
                Ok(_) | Err(_) => return (monday, self.spill(monday)),
            }
        }
    }

    /// When every candidate that starts before this day is over.
    fn spill(&mut self, date: Date) -> i64 {
        let mut spill = i64::MIN;
        let Some(boundary) = self.clock.day(date).map(|day| day.starts) else {
            return spill;
        };
        let mut date = date;
        // One day is enough wherever days are longer than a slot can be; a skipped day is not.
        while let Ok(yesterday) = date.yesterday() {
            let day = self.propose(yesterday);
            spill = self.candidates.iter().fold(spill, |spill, one| spill.max(one.busy_until));
            if day.is_none_or(|day| day.starts <= boundary - REACH_MINUTES * 60) {
                break;
            }
            date = yesterday;
        }
        spill
    }

    /// Whether a candidate of the proposed day starts when all before it are over; `at_once`: the
    /// first one does.
    fn has_gap(&self, spill: i64, at_once: bool) -> bool {
        let mut all_until = spill;
        let looked_at = if at_once { 1 } else { self.candidates.len() };
        self.candidates.iter().take(looked_at).any(|candidate| {
            let gap = all_until <= candidate.starts;
            all_until = all_until.max(candidate.busy_until);
            gap
        })
    }

    /// Fills `candidates` with all that start on this day, in order.
    fn propose(&mut self, date: Date) -> Option<Day> {
        self.candidates.clear();
        let day = self.clock.day(date)?;
        let weekday = date.weekday();
        for rule in self.timetable.rules.iter().filter(|rule| rule.holds_on(date, weekday)) {
            self.propose_rule(&day, rule);
        }
        for exception in self.timetable.exceptions {
            if let ExceptionEffect::Extra(shape) = exception.effect() {
                let (from, until) = (exception.starts_at(), exception.ends_at());
                self.propose_extra(&day, from.as_second(), until.as_second(), shape, exception.id());
            }
        }
        // Each source proposes in order, which this sort recognises and merges.
        self.candidates.sort_by_key(Candidate::rank);
        Some(day)
    }

    /// The wall times `startTime`, then every slot and buffer further, while the slot ends by
    /// `endTime`: by the face of the clock, and, where the clock jumps, before it shows or passes
    /// `endTime` for the first time.
    fn propose_rule(&mut self, day: &Day, rule: &AvailabilityRule) {
        let shape = rule.shape();
        let (mut minute, end) = rule.minutes();
        let Some(closing) = self.clock.instant_from(day, end) else {
            return;
        };
        let slot = i64::from(shape.slot_minutes);
        while minute + slot <= end {
            if let Some(starts) = self.clock.instant(day, minute) {
                let candidate = Candidate::new(starts, shape, true, rule.id());
                if candidate.ends <= closing {
                    self.candidates.push(candidate);
                }
            }
            minute += slot + i64::from(shape.buffer_minutes);
        }
    }

    /// The part of extra hours that starts on this day. They step in real time from their own
    /// beginning, so the first of the day is found by division.
    fn propose_extra(&mut self, day: &Day, from: i64, until: i64, shape: SlotShape, id: Uuid) {
        let step = (i64::from(shape.slot_minutes) + i64::from(shape.buffer_minutes)) * 60;
        let passed = (day.starts - from).max(0);
        let mut starts = from + (passed + step - 1) / step * step;
        while starts < day.ends {
            let candidate = Candidate::new(starts, shape, false, id);
            if until < candidate.ends {
                break;
            }
            self.candidates.push(candidate);
            starts += step;
        }
    }
}
