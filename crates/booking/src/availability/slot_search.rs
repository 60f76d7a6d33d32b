//! Looking for a time: the slots of one practitioner, and the earliest slot of each.
use huntzen_tenancy::{
    Caller, FieldError,
    policy::{Permission, Role},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::ConsultationType;
use crate::{
    BookingError, BookingPorts,
    ids::PractitionerId,
    practitioner::{DirectoryFilter, Practitioner},
    slots::{DateRange, DateRangeError, Slot, first_free, slots},
    timetable::Span,
};

/// The most practitioners whose earliest slot one question answers.
pub const EARLIEST_MAX: u32 = 50;

/// Which slots are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotsQuestion {
    /// Whose; a practitioner who does not say means themselves.
    pub practitioner: Option<PractitionerId>,
    /// The first civil day, in the practitioner's zone.
    pub first: Date,
    /// The last civil day, included; at most 92 days in all.
    pub last: Date,
    /// Only of this type.
    pub kind: Option<ConsultationType>,
}

/// Whose earliest slots are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EarliestQuestion {
    /// Only of these practitioners.
    pub filter: DirectoryFilter,
    /// Only of this type.
    pub kind: Option<ConsultationType>,
    /// Only slots that start then or later.
    pub from: Option<Timestamp>,
    /// At most so many, from 1 to 50.
    pub limit: u32,
}

/// The earliest slot of a practitioner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarliestSlot {
    /// Who offers it.
    pub practitioner: Practitioner,
    /// The slot.
    pub slot: Slot,
}

/// The use cases of looking for a time. Slots are computed outside of any unit of work.
#[derive(Clone)]
pub struct SlotSearch {
    ports: BookingPorts,
}

impl SlotSearch {
    /// Over these ports.
    pub fn new(ports: BookingPorts) -> Self {
        Self { ports }
    }

    /// The slots of one practitioner who takes bookings, or one's own, soonest first. A slot that
    /// cannot be booked says so, and never why.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid` for a range that is reversed or too long, and for an employee who
    /// does not say whose; `NotFound`.
    pub fn slots(&self, caller: &Caller, question: &SlotsQuestion) -> Result<Vec<Slot>, BookingError> {
        caller.actor.require(Permission::SlotsRead)?;
        let range = range(question)?;
        if question.practitioner.is_none() && caller.actor.role != Role::Practitioner {
            return Err(refused("practitionerId", "required"));
        }
        // The days are meant in a zone that is not known yet; the span has room for any.
        let noon = |date: Date| {
            let noon = date.at(12, 0, 0, 0).to_zoned(TimeZone::UTC);
            noon.map_or(Timestamp::MAX, |noon| noon.timestamp())
        };
        let span = Span::deciding(noon(question.first), noon(question.last));
        let time = self.ports.store.run(&caller.scope(), |tx| {
            let id = match question.practitioner {
                Some(id) => Some(id),
                None => tx.practitioner_of(caller.actor.user)?.map(|own| own.id),
            };
            match id {
                Some(id) => Ok(tx.time_of(id, span)?),
                None => Ok(None),
            }
        })?;
        let time =
            time.filter(|time| time.is_public || time.user == caller.actor.user).ok_or(BookingError::NotFound)?;
        let (zone, window) = (time.zone()?, self.ports.rules.window(self.ports.clock.now()));
        Ok(slots(time.timetable(&zone), range, question.kind, &window))
    }

    /// The first free slot of each matching practitioner who would take the caller, soonest first;
    /// ties by id.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid` for a limit out of its bounds, for texts that no entry can contain
    /// and for what is no language.
    pub fn earliest(&self, caller: &Caller, question: &EarliestQuestion) -> Result<Vec<EarliestSlot>, BookingError> {
        caller.actor.require(Permission::SlotsEarliest)?;
        if !(1..=EARLIEST_MAX).contains(&question.limit) {
            return Err(refused("limit", "out_of_range"));
        }
        let filter = question.filter.accept()?;
        let window = self.ports.rules.window(self.ports.clock.now());
        let from = question.from.map_or(window.now, |from| from.max(window.now));
        if window.latest() < from {
            return Ok(Vec::new());
        }
        let span = Span::deciding(from, window.latest());
        let (times, known) = self.ports.store.run(&caller.scope(), |tx| {
            let times = tx.times(&filter, span)?;
            let known = if times.iter().all(|time| time.accepting_new_clients) {
                Vec::new()
            } else {
                tx.completed_with(caller.actor.user)?
            };
            Ok((times, known))
        })?;
        let mut found = Vec::new();
        for time in &times {
            if time.accepting_new_clients || known.contains(&time.practitioner) {
                let zone = time.zone()?;
                let first = first_free(time.timetable(&zone), question.kind, from, &window);
                found.extend(first.map(|slot| (time.practitioner, slot)));
            }
        }
        found.sort_unstable_by_key(|(id, slot)| (slot.starts_at, *id));
        found.truncate(question.limit as usize);
        self.present(caller, found)
    }

    fn present(&self, caller: &Caller, found: Vec<(PractitionerId, Slot)>) -> Result<Vec<EarliestSlot>, BookingError> {
        let ids: Vec<_> = found.iter().map(|(id, _)| *id).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut entries = self.ports.store.run(&caller.scope(), |tx| Ok(tx.public_practitioners(&ids)?))?;
        // Whoever was suspended since the slots were read is left out.
        let slots = found.into_iter().filter_map(|(id, slot)| {
            let place = entries.iter().position(|entry| entry.id == id)?;
            Some(EarliestSlot { practitioner: entries.swap_remove(place), slot })
        });
        Ok(slots.collect())
    }
}

fn range(question: &SlotsQuestion) -> Result<DateRange, BookingError> {
    DateRange::new(question.first, question.last).map_err(|error| match error {
        DateRangeError::Reversed => refused("endDate", "before_start"),
        DateRangeError::TooLong => refused("endDate", "out_of_range"),
    })
}

fn refused(field: &'static str, code: &'static str) -> BookingError {
    BookingError::Invalid(vec![FieldError::new(field, code)])
}
