//! Booking a slot, and moving a consultation to another one.
use huntzen_tenancy::{
    Caller, StoreError,
    audit::{Action, Resource},
    employee::Eligibility,
    error::Checks,
    fields,
    idempotency::{Answer, Answered, Repeatable},
    ids::{CompanyId, UserId},
    policy::{Permission, Role},
    sealing::SecretText,
};
use jiff::Timestamp;

use super::{
    BillingStatus, Consultation, ConsultationEvent, ConsultationStatus, ConsultationView, EventType, OpenConsultation,
    ParticipantNames, Transition,
};
use crate::{
    BookingError, BookingPorts, BookingTx,
    availability::ConsultationType,
    ids::{ConsultationId, PractitionerId},
    room::RoomName,
    slots::{self, BusySpan, Offer, Slot},
    timetable::{PractitionerTime, Span},
};

/// The most characters of a reason.
pub(super) const REASON: usize = 2000;

/// What an employee asks for; texts as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBooking {
    /// With whom.
    pub practitioner: PractitionerId,
    /// How.
    pub kind: ConsultationType,
    /// When it is to start.
    pub scheduled_at: Timestamp,
    /// Why, in the employee's words.
    pub reason: Option<SecretText>,
    /// The employee's own company, for clients that repeat it.
    pub company: Option<CompanyId>,
}

/// What a client is told of a consultation.
pub type Present = fn(OpenConsultation) -> Result<Answer, StoreError>;

/// What an employee asks for, once it is acceptable, and when.
struct Accepted {
    company: CompanyId,
    reason: Option<SecretText>,
    now: Timestamp,
}

/// What the participants do with a consultation: book it, move it, conduct it, call it off.
#[derive(Clone)]
pub struct Booking {
    pub(super) ports: BookingPorts,
}

impl Booking {
    /// Over these ports.
    pub fn new(ports: BookingPorts) -> Self {
        Self { ports }
    }

    /// Books a slot. Both calendars are held from before the practitioner's time is read until
    /// the consultation is kept, so that nobody else can book either of them meanwhile.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid` for a reason that is too long and for a company that is not the
    /// caller's; then, in this order, `NotFound` for an unknown practitioner, `NotEligible`,
    /// `PractitionerUnavailable`, `NotASlot`, `SlotTaken`, `AlreadyBooked`.
    pub fn book(&self, caller: &Caller, booking: &NewBooking) -> Result<OpenConsultation, BookingError> {
        let asked = self.asked(caller, booking)?;
        self.ports.store.run(&caller.scope(), |tx| self.place(tx, caller, booking, asked))
    }

    /// The same for a client that may send `request` again: once, and `present` says what is answered.
    ///
    /// # Errors
    /// As for [`book`](Booking::book); `IdempotencyKeyReused`, `RequestInProgress` of tenancy.
    pub fn book_once(
        &self,
        caller: &Caller,
        booking: &NewBooking,
        request: &Repeatable,
        present: Present,
    ) -> Result<Answered, BookingError> {
        let asked = self.asked(caller, booking)?;
        let sealing = (&self.ports.sealer, asked.now);
        self.ports.store.run(&caller.scope(), |tx| {
            request.once(tx, sealing, |tx| Ok(present(self.place(tx, caller, booking, asked)?)?))
        })
    }

    fn asked(&self, caller: &Caller, booking: &NewBooking) -> Result<Accepted, BookingError> {
        caller.actor.require(Permission::BookingCreate)?;
        let company = caller.actor.company.ok_or(BookingError::NotEligible)?;
        let reason = accept(booking, company)?;
        Ok(Accepted { company, reason, now: self.ports.clock.now() })
    }

    fn place(
        &self,
        tx: &mut dyn BookingTx,
        caller: &Caller,
        booking: &NewBooking,
        Accepted { company, reason, now }: Accepted,
    ) -> Result<OpenConsultation, BookingError> {
        let (scope, user) = (caller.scope(), caller.actor.user);
        let employee = eligible(tx, user, booking.practitioner)?;
        tx.hold_calendars(booking.practitioner, employee.employee)?;
        let span = Span::deciding(booking.scheduled_at, booking.scheduled_at);
        let time = tx.time_of(booking.practitioner, span)?.ok_or(BookingError::NotFound)?;
        let slot = self.offered(tx, &time, user, booking.scheduled_at, booking.kind, now)?;
        let id = ConsultationId(self.ports.randomness.uuid_v4());
        let sealed = reason.as_ref().map(|reason| self.ports.seal_new(id, reason, now)).transpose()?;
        let (sealed, key) = sealed.unzip();
        let consultation = Consultation {
            id,
            company,
            employee: Some(employee.employee),
            employee_user: Some(user),
            practitioner: time.practitioner,
            practitioner_user: time.user,
            kind: booking.kind,
            status: ConsultationStatus::Scheduled,
            scheduled_at: slot.starts_at,
            ends_at: slot.ends_at,
            buffer_minutes: slot.buffer_minutes,
            reason: sealed,
            room_name: self.room_for(booking.kind),
            started_at: None,
            ended_at: None,
            duration_seconds: None,
            actual_duration: None,
            billing_status: BillingStatus::Pending,
            cancelled_at: None,
            cancelled_by: None,
            cancel_reason: None,
            no_show_at: None,
            no_show_by: None,
            sequence: 0,
            planned_at: now,
            created_at: now,
            updated_at: now,
        };
        let event = ConsultationEvent {
            id: self.ports.randomness.uuid_v7(now),
            kind: EventType::Scheduled,
            at: now,
            actor: Some(user),
            previous_start: None,
        };
        tx.add_consultation(&consultation, &event)?;
        if let Some(key) = key {
            tx.add_data_keys(&[key])?;
        }
        let entry = self.ports.entry(&scope, now, Action::Book, Resource::Consultation);
        tx.record(&entry.on(consultation.id).about(user))?;
        let names = names(employee, time);
        Ok(OpenConsultation { consultation, names, reason, cancel_reason: None })
    }

    /// Moves a consultation to another slot, at once or not at all: the old slot is freed only
    /// when the new one is won.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`; `InvalidTransition` unless it is booked; then as for [`book`].
    /// A practitioner does not see whether the employee is eligible: that binds the employee.
    ///
    /// [`book`]: Booking::book
    pub fn reschedule(
        &self,
        caller: &Caller,
        id: ConsultationId,
        scheduled_at: Timestamp,
    ) -> Result<OpenConsultation, BookingError> {
        caller.actor.require(Permission::BookingRescheduleOwn)?;
        let now = self.ports.clock.now();
        self.ports.store.run(&caller.scope(), |tx| self.relocate(tx, caller, (id, scheduled_at), now))
    }

    /// The same for a client that may send `request` again: once, and `present` says what is answered.
    ///
    /// # Errors
    /// As for [`reschedule`](Booking::reschedule); `IdempotencyKeyReused`, `RequestInProgress` of tenancy.
    pub fn reschedule_once(
        &self,
        caller: &Caller,
        (id, scheduled_at): (ConsultationId, Timestamp),
        request: &Repeatable,
        present: Present,
    ) -> Result<Answered, BookingError> {
        caller.actor.require(Permission::BookingRescheduleOwn)?;
        let now = self.ports.clock.now();
        self.ports.store.run(&caller.scope(), |tx| {
            request.once(tx, (&self.ports.sealer, now), |tx| {
                Ok(present(self.relocate(tx, caller, (id, scheduled_at), now)?)?)
            })
        })
    }

    fn relocate(
        &self,
        tx: &mut dyn BookingTx,
        caller: &Caller,
        (id, scheduled_at): (ConsultationId, Timestamp),
        now: Timestamp,
    ) -> Result<OpenConsultation, BookingError> {
        let (scope, user) = (caller.scope(), caller.actor.user);
        // Participants and names never change: they tell whose calendars to hold.
        let seen = tx
            .consultation_view(id)?
            .filter(|view| view.consultation.has_participant(user))
            .ok_or(BookingError::NotFound)?;
        let practitioner = seen.consultation.practitioner;
        let (employee, client) =
            seen.consultation.employee.zip(seen.consultation.employee_user).ok_or(BookingError::NotFound)?;
        tx.hold_calendars(practitioner, employee)?;
        let mut consultation = tx.consultation(id, true)?.ok_or(BookingError::NotFound)?;
        if !consultation.is_booked() {
            return Err(BookingError::InvalidTransition(consultation.status));
        }
        let by_employee = caller.actor.role == Role::Employee;
        if by_employee {
            eligible(tx, user, practitioner)?;
        }
        let span = Span::deciding(scheduled_at, scheduled_at);
        let mut time = tx.time_of(practitioner, span)?.ok_or(BookingError::NotFound)?;
        let own = consultation.busy_span();
        time.busy.retain(|busy| *busy != own);
        let slot = self.offered(tx, &time, client, scheduled_at, consultation.kind, now)?;
        let transition = Transition::Reschedule { slot, room: self.room_for(consultation.kind), by_employee };
        self.ports.advance(tx, &scope, &mut consultation, transition, now)?;
        let names = seen.names;
        Ok(self.ports.open(tx, ConsultationView { consultation, names })?)
    }

    /// The slot that `client` may take of this practitioner.
    fn offered(
        &self,
        tx: &mut dyn BookingTx,
        time: &PractitionerTime,
        client: UserId,
        start: Timestamp,
        kind: ConsultationType,
        now: Timestamp,
    ) -> Result<Slot, BookingError> {
        let available =
            time.is_public && (time.accepting_new_clients || tx.has_completed_with(client, time.practitioner)?);
        if !available {
            return Err(BookingError::PractitionerUnavailable);
        }
        let (zone, window) = (time.zone()?, self.ports.rules.window(now));
        match slots::find(time.timetable(&zone), start, kind, &window) {
            Offer::Free(slot) => Ok(slot),
            Offer::Taken(_) => Err(BookingError::SlotTaken),
            Offer::NotASlot => Err(BookingError::NotASlot),
        }
    }

    /// A room that nobody can guess, for what takes place in one.
    fn room_for(&self, kind: ConsultationType) -> Option<RoomName> {
        kind.has_room().then(|| {
            let mut random = [0; 16];
            self.ports.randomness.fill(&mut random);
            RoomName::from_random(random)
        })
    }
}

impl Consultation {
    /// The practitioner's time that it takes while it is live.
    fn busy_span(&self) -> BusySpan {
        let slot = Slot {
            starts_at: self.scheduled_at,
            ends_at: self.ends_at,
            buffer_minutes: self.buffer_minutes,
            types: [self.kind].into_iter().collect(),
            available: false,
        };
        slot.busy_span()
    }
}

/// The reason, cleaned, once everything that the employee wrote is acceptable.
fn accept(booking: &NewBooking, company: CompanyId) -> Result<Option<SecretText>, BookingError> {
    let mut checks = Checks::default();
    let own = booking.company.is_none_or(|named| named == company);
    checks.require(own, "companyId", "not_yours");
    let reason = fields::optional(&mut checks, booking.reason.as_ref().map(SecretText::expose), "reason", REASON);
    checks.finish()?;
    Ok(reason.map(SecretText::new))
}

/// The caller as an employee who may book; an unknown practitioner is said first.
fn eligible(tx: &mut dyn BookingTx, user: UserId, practitioner: PractitionerId) -> Result<Eligibility, BookingError> {
    if let Some(employee) = tx.eligibility(user)?.filter(|one| one.eligible) {
        return Ok(employee);
    }
    match tx.practitioner(practitioner)? {
        Some(_) => Err(BookingError::NotEligible),
        None => Err(BookingError::NotFound),
    }
}

fn names(employee: Eligibility, time: PractitionerTime) -> ParticipantNames {
    ParticipantNames {
        employee: Some((employee.first_name, employee.last_name)),
        practitioner_first_name: time.first_name,
        practitioner_last_name: time.last_name,
        practitioner_title: time.title,
    }
}

#[cfg(test)]
mod tests {
    use huntzen_tenancy::FieldError;

    use super::*;

    const OWN: CompanyId = CompanyId(uuid::Uuid::from_u128(1));

    fn booking() -> NewBooking {
        NewBooking {
            practitioner: PractitionerId(uuid::Uuid::from_u128(2)),
            kind: ConsultationType::Video,
            scheduled_at: Timestamp::UNIX_EPOCH,
            reason: None,
            company: None,
        }
    }

    fn refusals(booking: &NewBooking) -> Vec<FieldError> {
        match accept(booking, OWN) {
            Err(BookingError::Invalid(refusals)) => refusals,
            Err(_) | Ok(_) => Vec::new(),
        }
    }

    #[test]
    fn one_books_within_ones_own_company() {
        let named = |company| NewBooking { company: Some(company), ..booking() };
        assert_eq!(refusals(&named(OWN)), []);
        assert_eq!(refusals(&named(CompanyId(uuid::Uuid::from_u128(3)))), [FieldError::new("companyId", "not_yours")]);
    }

    #[test]
    fn a_reason_is_trimmed_and_bounded() {
        let given = |reason: String| NewBooking { reason: Some(SecretText::new(reason)), ..booking() };
        assert!(matches!(accept(&given("  ".to_owned()), OWN), Ok(None)));
        assert_eq!(refusals(&given("é".repeat(REASON))), []);
        assert_eq!(refusals(&given("é".repeat(REASON + 1))), [FieldError::new("reason", "too_long")]);
    }
}
