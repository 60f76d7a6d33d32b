//! The free and taken slots of a practitioner: a pure function of rules, exceptions, what is
//! booked, and the time.
//!
//! - Rules are wall-clock times in the practitioner's zone. A wall time that the clock jumps over
//!   gives no slot; one that it shows twice gives the first. A slot lasts its minutes of real time
//!   and never ends after the rule's `endTime`, by the face of the clock or in real time.
//! - Extra hours are instants and step in real time.
//! - Overlaps, buffers included, are resolved among candidates of all types (see `resolution`);
//!   only then does leave remove the slots that it touches, and the asked type select. Leave thus
//!   never makes another slot appear. It touches a slot, not the buffer after it.
//! - A slot is taken when its time and buffer meet a busy span: exactly when the database's
//!   exclusion constraint would refuse it.
mod resolution;
mod wall_clock;

use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date, tz::TimeZone};

use self::resolution::{Candidate, REACH_MINUTES, Resolution};
use crate::availability::{AvailabilityException, AvailabilityRule, ConsultationType, ExceptionKind, TypeSet};

/// The longest range of civil days that one question may ask for.
pub const DAYS_MAX: i32 = 92;

/// How far before a range the extra hours reach that its overlaps are resolved with, in days.
pub(crate) const LOOK_BACK_DAYS: i64 = 15;

/// All that the slots of one practitioner follow from.
#[derive(Clone, Copy, Debug)]
pub struct Timetable<'a> {
    /// The practitioner's zone.
    pub zone: &'a TimeZone,
    /// The weekly rules, in any order.
    pub rules: &'a [AvailabilityRule],
    /// Leave and extra hours, in any order: at least those that meet
    /// [`DateRange::exceptions_span`].
    pub exceptions: &'a [AvailabilityException],
    /// What is booked, in any order: at least what meets [`DateRange::busy_span`].
    pub busy: &'a [BusySpan],
}

/// Time of the practitioner that a consultation takes, its buffer included: `[starts_at,
/// busy_until)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusySpan {
    /// When the consultation starts.
    pub starts_at: Timestamp,
    /// When the buffer after it is over.
    pub busy_until: Timestamp,
}

/// How near and how far ahead a slot can be booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookingWindow {
    /// The present instant.
    pub now: Timestamp,
    /// A slot nearer than this is not available; one exactly this far is.
    pub min_notice_minutes: u32,
    /// A slot further than this many days of 24 hours is not available; one exactly this far is.
    pub horizon_days: u16,
}

impl BookingWindow {
    /// The earliest start that can be booked.
    pub fn earliest(&self) -> Timestamp {
        later(self.now, SignedDuration::from_mins(self.min_notice_minutes.into()))
    }

    /// The latest start that can be booked.
    pub fn latest(&self) -> Timestamp {
        later(self.now, SignedDuration::from_hours(24 * i64::from(self.horizon_days)))
    }

    /// The civil days that [`first_free`] searches, for knowing which facts to load.
    pub fn dates(&self, zone: &TimeZone) -> DateRange {
        let first = zone.to_datetime(self.now).date();
        DateRange { first, last: zone.to_datetime(self.latest()).date() }
    }

    fn admits(&self, start: Timestamp) -> bool {
        self.earliest() <= start && start <= self.latest()
    }
}

/// Civil days in the practitioner's zone, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateRange {
    first: Date,
    last: Date,
}

/// Why two dates are not a range that may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateRangeError {
    /// The last day comes before the first.
    #[error("the range ends before it begins")]
    Reversed,
    /// More than [`DAYS_MAX`] days.
    #[error("the range is longer than {DAYS_MAX} days")]
    TooLong,
}

impl DateRange {
    /// The days from `first` to `last`.
    ///
    /// # Errors
    /// When `last` comes first, or when there are more than [`DAYS_MAX`] days.
    pub fn new(first: Date, last: Date) -> Result<Self, DateRangeError> {
        let days = first.duration_until(last).as_hours() / 24 + 1;
        if last < first {
            Err(DateRangeError::Reversed)
        } else if i64::from(DAYS_MAX) < days {
            Err(DateRangeError::TooLong)
        } else {
            Ok(Self { first, last })
        }
    }

    /// One day.
    pub const fn day(date: Date) -> Self {
        Self { first: date, last: date }
    }

    /// The first day.
    pub const fn first(&self) -> Date {
        self.first
    }

    /// The last day.
    pub const fn last(&self) -> Date {
        self.last
    }

    /// The span of time whose busy spans decide what is taken in this range.
    pub fn busy_span(&self, zone: &TimeZone) -> (Timestamp, Timestamp) {
        let starts = start_of_day(zone, self.first);
        let ends = start_of_day(zone, self.last.saturating_add(1.day()));
        (starts, later(ends, SignedDuration::from_mins(REACH_MINUTES)))
    }

    /// The span of time whose exceptions decide which slots there are in this range. It begins
    /// earlier than the range: overlaps of extra hours are resolved from the last gap on.
    pub fn exceptions_span(&self, zone: &TimeZone) -> (Timestamp, Timestamp) {
        let (_, ends) = self.busy_span(zone);
        (start_of_day(zone, self.first.saturating_sub(LOOK_BACK_DAYS.days())), ends)
    }
}

/// A time at which a consultation can be offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// When it starts.
    pub starts_at: Timestamp,
    /// When it ends, the buffer not included.
    pub ends_at: Timestamp,
    /// The pause after it, which a consultation booked here keeps.
    pub buffer_minutes: u16,
    /// The types offered.
    pub types: TypeSet,
    /// Whether it can be booked: neither taken, nor past, too near or too far.
    pub available: bool,
}

impl Slot {
    /// The time that a consultation here would take, its buffer included.
    pub fn busy_span(&self) -> BusySpan {
        let buffer = SignedDuration::from_mins(self.buffer_minutes.into());
        BusySpan { starts_at: self.starts_at, busy_until: later(self.ends_at, buffer) }
    }
}

/// What a start is worth to somebody who wants to book it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// No slot of this type starts then, or it is past, too near or too far.
    NotASlot,
    /// The slot is offered, but somebody has it.
    Taken(Slot),
    /// The slot can be booked.
    Free(Slot),
}

/// The slots that start in this range, soonest first; of one type only, when one is given.
pub fn slots(
    timetable: Timetable<'_>,
    range: DateRange,
    kind: Option<ConsultationType>,
    window: &BookingWindow,
) -> Vec<Slot> {
    let mut slots = Vec::new();
    let mut view = View::new(timetable, range.first, kind, window);
    let mut resolution = Resolution::starting(timetable, range.first);
    for _ in 0..=range.first.duration_until(range.last).as_hours() / 24 {
        let Some(day) = resolution.next_day() else {
            break;
        };
        slots.extend(day.iter().filter_map(|candidate| view.show(candidate)));
    }
    slots
}

/// The first slot that can be booked and starts no earlier than `not_before`. It looks one day
/// after the other and stops at the first.
pub fn first_free(
    timetable: Timetable<'_>,
    kind: Option<ConsultationType>,
    not_before: Timestamp,
    window: &BookingWindow,
) -> Option<Slot> {
    let never = timetable.rules.is_empty() && timetable.exceptions.iter().all(|one| one.kind() == ExceptionKind::Leave);
    let (from, until) = (not_before.max(window.earliest()), window.latest());
    if never || until < from {
        return None;
    }
    let (first, last) = (timetable.zone.to_datetime(from).date(), timetable.zone.to_datetime(until).date());
    let mut view = View::new(timetable, first, kind, window);
    let mut resolution = Resolution::starting(timetable, first);
    for _ in 0..=first.duration_until(last).as_hours() / 24 {
        let found = resolution
            .next_day()?
            .iter()
            .filter_map(|candidate| view.show(candidate))
            .find(|slot| slot.available && from <= slot.starts_at);
        if found.is_some() {
            return found;
        }
    }
    None
}

/// Whether a slot of this type starts at `start`, and whether it can be booked. Who moves a
/// consultation leaves its own busy span out of the timetable.
pub fn find(timetable: Timetable<'_>, start: Timestamp, kind: ConsultationType, window: &BookingWindow) -> Offer {
    if !window.admits(start) {
        return Offer::NotASlot;
    }
    let range = DateRange::day(timetable.zone.to_datetime(start).date());
    match slots(timetable, range, Some(kind), window).into_iter().find(|slot| slot.starts_at == start) {
        None => Offer::NotASlot,
        Some(slot) if slot.available => Offer::Free(slot),
        Some(slot) => Offer::Taken(slot),
    }
}

/// What is to be seen of resolved candidates, which it must be shown in order.
struct View {
    leave: Spans,
    busy: Spans,
    kind: Option<ConsultationType>,
    earliest: Timestamp,
    latest: Timestamp,
}

impl View {
    fn new(timetable: Timetable<'_>, first: Date, kind: Option<ConsultationType>, window: &BookingWindow) -> Self {
        let from = start_of_day(timetable.zone, first);
        let leave = timetable.exceptions.iter().filter(|one| one.kind() == ExceptionKind::Leave);
        Self {
            leave: Spans::ending_after(from, leave.map(|one| (one.starts_at(), one.ends_at()))),
            busy: Spans::ending_after(from, timetable.busy.iter().map(|span| (span.starts_at, span.busy_until))),
            kind,
            earliest: window.earliest(),
            latest: window.latest(),
        }
    }

    fn show(&mut self, candidate: &Candidate) -> Option<Slot> {
        if self.kind.is_some_and(|kind| !candidate.types.contains(kind)) {
            return None;
        }
        let starts_at = Timestamp::from_second(candidate.starts).ok()?;
        let ends_at = Timestamp::from_second(candidate.ends).ok()?;
        let busy_until = Timestamp::from_second(candidate.busy_until).ok()?;
        if self.leave.meet(starts_at, ends_at) {
            return None;
        }
        let available =
            self.earliest <= starts_at && starts_at <= self.latest && !self.busy.meet(starts_at, busy_until);
        let Candidate { buffer_minutes, types, .. } = *candidate;
        Some(Slot { starts_at, ends_at, buffer_minutes, types, available })
    }
}

/// Half-open spans of time, questioned in the order of time.
struct Spans {
    spans: Vec<(Timestamp, Timestamp)>,
    passed: usize,
}

impl Spans {
    fn ending_after(from: Timestamp, spans: impl Iterator<Item = (Timestamp, Timestamp)>) -> Self {
        let mut spans: Vec<_> = spans.filter(|(_, ends)| from < *ends).collect();
        spans.sort_unstable();
        Self { spans, passed: 0 }
    }

    /// Whether one of them meets `[from, until)`; `from` never goes back from call to call.
    fn meet(&mut self, from: Timestamp, until: Timestamp) -> bool {
        let ahead = self.spans.iter().skip(self.passed);
        self.passed += ahead.take_while(|(_, ends)| *ends <= from).count();
        // The first that is not over decides: the ones after it start no earlier.
        self.spans.get(self.passed).is_some_and(|(starts, _)| *starts < until)
    }
}

fn start_of_day(zone: &TimeZone, date: Date) -> Timestamp {
    let day = wall_clock::WallClock::new(zone).day(date);
    day.and_then(|day| Timestamp::from_second(day.starts).ok()).unwrap_or(Timestamp::MIN)
}

fn later(instant: Timestamp, by: SignedDuration) -> Timestamp {
    instant.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
