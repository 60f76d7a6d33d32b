//! What a practitioner declares: weekly rules, leave and extra hours, each valid once it exists.
mod conflict;
mod consultation_type;
mod planning;
mod slot_search;

use huntzen_tenancy::{
    error::{Checks, FieldError},
    words,
};
use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time, Weekday},
};
use uuid::Uuid;

pub use self::{
    conflict::Conflict,
    consultation_type::{ConsultationType, TypeSet},
    planning::{PlannedException, PlannedRule, Planning, RuleChange},
    slot_search::{EARLIEST_MAX, EarliestQuestion, EarliestSlot, SlotSearch, SlotsQuestion},
};

/// The shortest and the longest slot, in minutes.
pub const SLOT_MINUTES: std::ops::RangeInclusive<u16> = 5..=480;
/// The longest pause after a slot, in minutes.
pub const BUFFER_MINUTES_MAX: u16 = 240;
/// The length of an extra slot when none is given, in minutes.
pub const EXTRA_SLOT_MINUTES: u16 = 50;
/// The longest stretch of extra hours, in days of 24 hours.
pub const EXTRA_DAYS_MAX: i64 = 92;
/// The longest single leave, in days of 24 hours.
pub const LEAVE_DAYS_MAX: i64 = 366;
/// The longest label of an exception, in characters.
pub const LABEL_CHARACTERS_MAX: usize = 120;

/// Reads a wall time written `HH:MM`, 00:00 to 23:59. There is no 24:00: a rule stays within its
/// civil day, and the minute after 23:59 belongs to the next one.
pub fn parse_wall_time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |part: &str| -> Option<i8> {
        let two_digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        two_digits.then(|| part.parse().ok()).flatten()
    };
    Time::new(number(hour)?, number(minute)?, 0, 0).ok()
}

/// Writes a wall time as `HH:MM`.
pub fn format_wall_time(time: Time) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

/// What a weekly rule says, before anybody checked it and, inside a rule, after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleTerms {
    /// ISO 8601: Monday 1 to Sunday 7, in the practitioner's zone.
    pub day_of_week: i8,
    /// When the first slot starts: a wall time, to the minute.
    pub start_time: Time,
    /// The wall time by which the last slot has ended, on the same day.
    pub end_time: Time,
    /// How long a slot lasts.
    pub slot_minutes: u16,
    /// How long the practitioner pauses after each slot.
    pub buffer_minutes: u16,
    /// The types offered.
    pub types: TypeSet,
    /// The first civil day on which the rule holds, when it has one.
    pub valid_from: Option<Date>,
    /// The last civil day on which the rule holds, when it has one.
    pub valid_until: Option<Date>,
}

/// A weekly rule: on this day of the week, slots from a wall time to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvailabilityRule {
    id: Uuid,
    practitioner_id: Uuid,
    weekday: Weekday,
    terms: RuleTerms,
}

impl AvailabilityRule {
    /// A rule with these terms.
    ///
    /// # Errors
    /// Every field that cannot be accepted: `dayOfWeek`, `slotMinutes` (also `does_not_fit` when
    /// not one slot fits between the two times) and `bufferMinutes` out of their bounds, times with
    /// seconds, an `endTime` not after `startTime`, no `types`, a `validUntil` before `validFrom`.
    pub fn new(id: Uuid, practitioner_id: Uuid, terms: RuleTerms) -> Result<Self, Vec<FieldError>> {
        let mut checks = Checks::default();
        let weekday =
            checks.parsed(Weekday::from_monday_one_offset(terms.day_of_week).ok(), "dayOfWeek", "out_of_range");
        let (start, end) = (minute_of_day(terms.start_time), minute_of_day(terms.end_time));
        checks.require(is_whole_minute(terms.start_time), "startTime", "not_whole_minutes");
        checks.require(is_whole_minute(terms.end_time), "endTime", "not_whole_minutes");
        checks.require(start < end, "endTime", "not_after_start");
        let length = terms.slot_minutes;
        checks.require(SLOT_MINUTES.contains(&length), "slotMinutes", "out_of_range");
        checks.require(start >= end || start + i64::from(length) <= end, "slotMinutes", "does_not_fit");
        let buffer = terms.buffer_minutes;
        checks.require(buffer <= BUFFER_MINUTES_MAX, "bufferMinutes", "out_of_range");
        checks.require(!terms.types.is_empty(), "types", "required");
        let ordered = terms.valid_from.zip(terms.valid_until).is_none_or(|(from, until)| from <= until);
        checks.require(ordered, "validUntil", "before_valid_from");
        let errors = checks.into_errors();
        match weekday {
            Some(weekday) if errors.is_empty() => Ok(Self { id, practitioner_id, weekday, terms }),
            Some(_) | None => Err(errors),
        }
    }

    /// Its id.
    pub const fn id(&self) -> Uuid {
        self.id
    }

    /// Whose rule it is.
    pub const fn practitioner_id(&self) -> Uuid {
        self.practitioner_id
    }

    /// What it says; change a copy and build a rule again to change it.
    pub const fn terms(&self) -> &RuleTerms {
        &self.terms
    }

    /// Whether it holds on that civil day of the practitioner.
    pub fn holds_on(&self, date: Date, weekday: Weekday) -> bool {
        self.weekday == weekday
            && self.terms.valid_from.is_none_or(|from| from <= date)
            && self.terms.valid_until.is_none_or(|until| date <= until)
    }

    /// What each of its slots is like.
    pub const fn shape(&self) -> SlotShape {
        SlotShape {
            slot_minutes: self.terms.slot_minutes,
            buffer_minutes: self.terms.buffer_minutes,
            types: self.terms.types,
        }
    }

    /// Its two wall times, in minutes since midnight.
    pub fn minutes(&self) -> (i64, i64) {
        (minute_of_day(self.terms.start_time), minute_of_day(self.terms.end_time))
    }
}

/// What each slot of a rule or of extra hours is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotShape {
    /// How long a slot lasts.
    pub slot_minutes: u16,
    /// How long the practitioner pauses after it.
    pub buffer_minutes: u16,
    /// The types offered.
    pub types: TypeSet,
}

words! {
    /// The two kinds of exception to the weekly rules.
    ExceptionKind {
        /// Time away: removes every slot it touches.
        Leave = "LEAVE",
        /// Extra hours: adds slots.
        Extra = "EXTRA",
    }
}

/// What an exception says, before anybody checked it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExceptionTerms {
    /// When it begins.
    pub starts_at: Timestamp,
    /// When it is over; this instant is no longer part of it.
    pub ends_at: Timestamp,
    /// Leave or extra hours.
    pub kind: ExceptionKind,
    /// For extra hours: the length of a slot, [`EXTRA_SLOT_MINUTES`] when absent.
    pub slot_minutes: Option<u16>,
    /// For extra hours: the pause after each slot, none when absent.
    pub buffer_minutes: Option<u16>,
    /// For extra hours: the types offered, all when absent.
    pub types: Option<TypeSet>,
    /// The practitioner's own words for it; never shown to anybody else.
    pub label: Option<String>,
}

/// What an exception does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExceptionEffect {
    /// Removes every slot it touches.
    Leave,
    /// Adds slots of this shape, one after the other from its beginning, in real time.
    Extra(SlotShape),
}

/// Leave or extra hours, between two instants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvailabilityException {
    id: Uuid,
    practitioner_id: Uuid,
    starts_at: Timestamp,
    ends_at: Timestamp,
    effect: ExceptionEffect,
    label: Option<String>,
}

impl AvailabilityException {
    /// An exception with these terms. A blank label is none; what concerns slots is ignored for
    /// leave.
    ///
    /// # Errors
    /// Every field that cannot be accepted: an `endsAt` not after `startsAt` or further away than
    /// [`EXTRA_DAYS_MAX`] or [`LEAVE_DAYS_MAX`], a `label` over [`LABEL_CHARACTERS_MAX`]; for extra
    /// hours also a `startsAt` with seconds (slots start on whole minutes), `slotMinutes` and
    /// `bufferMinutes` out of their bounds or not fitting, an empty `types`.
    pub fn new(id: Uuid, practitioner_id: Uuid, terms: ExceptionTerms) -> Result<Self, Vec<FieldError>> {
        let ExceptionTerms { starts_at, ends_at, kind, .. } = terms;
        let mut checks = Checks::default();
        let length = starts_at.duration_until(ends_at);
        checks.require(length.is_positive(), "endsAt", "not_after_start");
        let days_max = match kind {
            ExceptionKind::Leave => LEAVE_DAYS_MAX,
            ExceptionKind::Extra => EXTRA_DAYS_MAX,
        };
        checks.require(length <= SignedDuration::from_hours(24 * days_max), "endsAt", "too_long");
        let label = terms.label.map(|label| label.trim().to_owned()).filter(|label| !label.is_empty());
        let label_fits = label.as_ref().is_none_or(|label| label.chars().count() <= LABEL_CHARACTERS_MAX);
        checks.require(label_fits, "label", "too_long");
        let effect = match kind {
            ExceptionKind::Leave => ExceptionEffect::Leave,
            ExceptionKind::Extra => {
                let shape = SlotShape {
                    slot_minutes: terms.slot_minutes.unwrap_or(EXTRA_SLOT_MINUTES),
                    buffer_minutes: terms.buffer_minutes.unwrap_or(0),
                    types: terms.types.unwrap_or(TypeSet::ALL),
                };
                let slot = SignedDuration::from_mins(shape.slot_minutes.into());
                let whole = starts_at.as_second() % 60 == 0 && starts_at.subsec_nanosecond() == 0;
                checks.require(whole, "startsAt", "not_whole_minutes");
                let in_range = SLOT_MINUTES.contains(&shape.slot_minutes);
                checks.require(in_range, "slotMinutes", "out_of_range");
                let fits = !length.is_positive() || slot <= length;
                checks.require(fits, "slotMinutes", "does_not_fit");
                let pause_fits = shape.buffer_minutes <= BUFFER_MINUTES_MAX;
                checks.require(pause_fits, "bufferMinutes", "out_of_range");
                checks.require(!shape.types.is_empty(), "types", "required");
                ExceptionEffect::Extra(shape)
            }
        };
        let errors = checks.into_errors();
        if errors.is_empty() {
            Ok(Self { id, practitioner_id, starts_at, ends_at, effect, label })
        } else {
            Err(errors)
        }
    }

    /// Its id.
    pub const fn id(&self) -> Uuid {
        self.id
    }

    /// Whose exception it is.
    pub const fn practitioner_id(&self) -> Uuid {
        self.practitioner_id
    }

    /// When it begins.
    pub const fn starts_at(&self) -> Timestamp {
        self.starts_at
    }

    /// When it is over; this instant is no longer part of it.
    pub const fn ends_at(&self) -> Timestamp {
        self.ends_at
    }

    /// What it does.
    pub const fn effect(&self) -> ExceptionEffect {
        self.effect
    }

    /// Leave or extra hours.
    pub const fn kind(&self) -> ExceptionKind {
        match self.effect {
            ExceptionEffect::Leave => ExceptionKind::Leave,
            ExceptionEffect::Extra(_) => ExceptionKind::Extra,
        }
    }

    /// The shape of its slots; none for leave.
    pub const fn shape(&self) -> Option<SlotShape> {
        match self.effect {
            ExceptionEffect::Leave => None,
            ExceptionEffect::Extra(shape) => Some(shape),
        }
    }

    /// The practitioner's own words for it.
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }
}

fn minute_of_day(time: Time) -> i64 {
    i64::from(time.hour()) * 60 + i64::from(time.minute())
}

fn is_whole_minute(time: Time) -> bool {
    time.second() == 0 && time.subsec_nanosecond() == 0
}

#[cfg(test)]
mod tests;
