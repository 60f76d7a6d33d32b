//! Reading consultations: participants wholly, administrators and operators redacted.
use huntzen_tenancy::{
    Caller, Cursor, Slice,
    audit::{Action, Resource},
    error::Checks,
    policy::{Permission, Role},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{Consultation, ConsultationEvent, ConsultationList, ConsultationStatus, OpenConsultation};
use crate::{
    BookingError, BookingPorts, BookingTx,
    calendar::{CalendarEntry, calendar_file},
    ids::ConsultationId,
    timetable::Span,
};

/// The civil days on which the consultations asked for start, both included, in the caller's own
/// zone: an employee's is their company's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Starts {
    /// Only on this day or later.
    pub from: Option<Date>,
    /// Only on this day or earlier.
    pub to: Option<Date>,
}

/// The reading use cases.
#[derive(Clone)]
pub struct ConsultationReading {
    ports: BookingPorts,
}

impl ConsultationReading {
    /// Over these ports.
    pub fn new(ports: BookingPorts) -> Self {
        Self { ports }
    }

    /// One consultation: in full for a participant; without the employee and without reasons for
    /// administrators and operators, whose reading leaves a trace.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn one(&self, caller: &Caller, id: ConsultationId) -> Result<OpenConsultation, BookingError> {
        caller.actor.require(Permission::ConsultationRead)?;
        self.ports.store.run(&caller.scope(), |tx| {
            if participates(caller.actor.role) {
                let view = tx
                    .consultation_view(id)?
                    .filter(|view| view.consultation.has_participant(caller.actor.user))
                    .ok_or(BookingError::NotFound)?;
                return Ok(self.ports.open(tx, view)?);
            }
            let view = tx.redacted_consultation(id)?.ok_or(BookingError::NotFound)?;
            self.trace(tx, caller, &view.consultation)?;
            Ok(self.ports.open(tx, view)?)
        })
    }

    /// What happened to a consultation, oldest first; seen as the consultation itself is.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn events(&self, caller: &Caller, id: ConsultationId) -> Result<Vec<ConsultationEvent>, BookingError> {
        caller.actor.require(Permission::ConsultationRead)?;
        self.ports.store.run(&caller.scope(), |tx| {
            if participates(caller.actor.role) {
                own(tx, caller, id)?;
                return Ok(tx.events(id)?);
            }
            let view = tx.redacted_consultation(id)?.ok_or(BookingError::NotFound)?;
            self.trace(tx, caller, &view.consultation)?;
            Ok(tx.redacted_events(id)?)
        })
    }

    /// The caller's own consultations, newest start first.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid` when `to` comes before `from`.
    pub fn mine(
        &self,
        caller: &Caller,
        status: Option<ConsultationStatus>,
        starts: Starts,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Slice<OpenConsultation>, BookingError> {
        caller.actor.require(Permission::ConsultationsMyRead)?;
        let mut checks = Checks::default();
        let ordered = starts.from.zip(starts.to).is_none_or(|(from, to)| from <= to);
        checks.require(ordered, "to", "before_from");
        checks.finish()?;
        self.ports.store.run(&caller.scope(), |tx| {
            let starts = match starts {
                Starts { from: None, to: None } => None,
                bounded => Some(bounded.span(&zone_of(tx, caller)?)),
            };
            self.list(tx, caller, ConsultationList::Mine { status, starts }, cursor, limit)
        })
    }

    /// The caller's own consultations that lie ahead or go on, soonest first.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn upcoming(
        &self,
        caller: &Caller,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Slice<OpenConsultation>, BookingError> {
        caller.actor.require(Permission::ConsultationsMyRead)?;
        let ahead = ConsultationList::Upcoming(self.ports.clock.now());
        self.ports.store.run(&caller.scope(), |tx| self.list(tx, caller, ahead, cursor, limit))
    }

    /// The rest of the caller's own consultations, newest start first.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn history(
        &self,
        caller: &Caller,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Slice<OpenConsultation>, BookingError> {
        caller.actor.require(Permission::ConsultationsMyRead)?;
        let behind = ConsultationList::History(self.ports.clock.now());
        self.ports.store.run(&caller.scope(), |tx| self.list(tx, caller, behind, cursor, limit))
    }

    /// The calendar file (RFC 5545) of one's own consultation.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn calendar(&self, caller: &Caller, id: ConsultationId) -> Result<String, BookingError> {
        caller.actor.require(Permission::ConsultationsOwnJoin)?;
        let consultation = self.ports.store.run(&caller.scope(), |tx| own(tx, caller, id))?;
        Ok(calendar_file(&CalendarEntry {
            consultation_id: consultation.id.0,
            starts_at: consultation.scheduled_at,
            ends_at: consultation.ends_at,
            sequence: consultation.sequence,
            cancelled: consultation.status == ConsultationStatus::Cancelled,
            written_at: self.ports.clock.now(),
        }))
    }

    fn list(
        &self,
        tx: &mut dyn BookingTx,
        caller: &Caller,
        list: ConsultationList,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Slice<OpenConsultation>, BookingError> {
        let cursor = cursor.map(|cursor| Cursor { at: cursor.at.max(Timestamp::UNIX_EPOCH), ..cursor });
        let views = tx.consultations(caller.actor.user, list, cursor, limit)?;
        Ok(self.ports.open_all(tx, views)?)
    }

    fn trace(&self, tx: &mut dyn BookingTx, caller: &Caller, consultation: &Consultation) -> Result<(), BookingError> {
        let now = self.ports.clock.now();
        let entry = self
            .ports
            .entry(&caller.scope(), now, Action::Read, Resource::Consultation)
            .on(consultation.id)
            .within(Some(consultation.company));
        Ok(tx.record(&entry)?)
    }
}

impl Starts {
    fn span(self, zone: &TimeZone) -> Span {
        let starts = |day: Date| day.to_zoned(zone.clone()).ok().map(|start| start.timestamp());
        // Nothing was booked before 1970, and not every store can tell such times.
        let from = self.from.and_then(starts).unwrap_or(Timestamp::UNIX_EPOCH);
        let next = self.to.and_then(|last| last.tomorrow().ok());
        Span {
            from: from.max(Timestamp::UNIX_EPOCH),
            until: next.and_then(starts).unwrap_or(Timestamp::MAX).max(Timestamp::UNIX_EPOCH),
        }
    }
}

/// Whether accounts of this role take part in consultations.
fn participates(role: Role) -> bool {
    match role {
        Role::Employee | Role::Practitioner => true,
        Role::SuperAdmin | Role::AdminHuntzen | Role::AdminRh => false,
    }
}

/// A consultation in which the caller takes part.
pub(crate) fn own(tx: &mut dyn BookingTx, caller: &Caller, id: ConsultationId) -> Result<Consultation, BookingError> {
    tx.consultation(id, false)?.filter(|one| one.has_participant(caller.actor.user)).ok_or(BookingError::NotFound)
}

/// The zone in which the caller's civil days are meant.
fn zone_of(tx: &mut dyn BookingTx, caller: &Caller) -> Result<TimeZone, BookingError> {
    let name = if caller.actor.role == Role::Practitioner {
        tx.practitioner_of(caller.actor.user)?.map(|one| one.timezone)
    } else {
        tx.eligibility(caller.actor.user)?.map(|one| one.timezone)
    };
    Ok(name.and_then(|name| TimeZone::get(&name).ok()).unwrap_or(TimeZone::UTC))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use jiff::civil::date;

    use super::*;

    #[test]
    fn civil_days_are_those_of_the_zone_with_both_ends() {
        let starts = Starts { from: Some(date(2027, 3, 28)), to: Some(date(2027, 3, 28)) };
        let span = starts.span(&TimeZone::get("Europe/Paris").unwrap());
        assert_eq!(span.from, "2027-03-27T23:00:00Z".parse().unwrap());
        assert_eq!(span.until, "2027-03-28T22:00:00Z".parse().unwrap());
    }

    #[test]
    fn an_open_end_and_the_last_day_of_time_reach_as_far_as_time() {
        for to in [None, Some(Date::MAX)] {
            let span = Starts { from: Some(Date::MIN), to }.span(&TimeZone::UTC);
            assert_eq!(span.from, Timestamp::UNIX_EPOCH);
            assert_eq!(span.until, Timestamp::MAX);
        }
    }
}
