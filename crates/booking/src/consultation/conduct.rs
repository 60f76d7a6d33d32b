//! What the participants do with a booked consultation: confirm, cancel, start, end, mark as missed.
use huntzen_tenancy::{
    Caller, Scope,
    audit::{Action, Resource},
    error::Checks,
    fields,
    policy::Permission,
    sealing::SecretText,
};
use jiff::Timestamp;

use super::{
    Booking, Consultation, ConsultationEvent, OpenConsultation, Transition, booking::REASON, reasons::ReasonKind,
};
use crate::{BookingError, BookingPorts, BookingTx, ids::ConsultationId};

impl Booking {
    /// Confirms a consultation.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`; `InvalidTransition` unless it is scheduled.
    pub fn confirm(&self, caller: &Caller, id: ConsultationId) -> Result<OpenConsultation, BookingError> {
        caller.actor.require(Permission::ConsultationsOwnWrite)?;
        self.conduct(caller, id, |_| Ok(Transition::Confirm))
    }

    /// Calls a consultation off; its slot is free again at once.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid` for a reason that is too long; `NotFound`; `InvalidTransition`
    /// unless it is booked.
    pub fn cancel(
        &self,
        caller: &Caller,
        id: ConsultationId,
        reason: Option<&SecretText>,
    ) -> Result<OpenConsultation, BookingError> {
        caller.actor.require(Permission::BookingCancelOwn)?;
        let mut checks = Checks::default();
        let reason =
            fields::optional(&mut checks, reason.map(SecretText::expose), "reason", REASON).map(SecretText::new);
        checks.finish()?;
        let (by, now) = (Some(caller.actor.user), self.ports.clock.now());
        self.conduct(caller, id, |tx| {
            let place = (id, ReasonKind::Cancellation);
            let seal = |reason: &SecretText| self.ports.seal_reason(tx, place, reason, now);
            Ok(Transition::Cancel { by, reason: reason.as_ref().map(seal).transpose()? })
        })
    }

    /// Starts a consultation.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`; `InvalidTransition` unless it is booked, and once it was given
    /// up; `TooEarly`.
    pub fn start(&self, caller: &Caller, id: ConsultationId) -> Result<OpenConsultation, BookingError> {
        caller.actor.require(Permission::ConsultationsOwnWrite)?;
        let early = self.ports.rules.early_start();
        self.conduct(caller, id, |_| Ok(Transition::Start { early }))
    }

    /// Ends a consultation; it counts from now on.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`; `InvalidTransition` unless it goes on.
    pub fn end(&self, caller: &Caller, id: ConsultationId) -> Result<OpenConsultation, BookingError> {
        caller.actor.require(Permission::ConsultationsOwnWrite)?;
        self.conduct(caller, id, |_| Ok(Transition::End))
    }

    /// Marks a consultation as missed by the employee.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`; `InvalidTransition` unless it is booked and its start has passed,
    /// and once it was given up.
    pub fn no_show(&self, caller: &Caller, id: ConsultationId) -> Result<OpenConsultation, BookingError> {
        caller.actor.require(Permission::ConsultationsOwnWrite)?;
        let transition = Transition::NoShow { by: caller.actor.user, billing: self.ports.rules.no_show_billing };
        self.conduct(caller, id, |_| Ok(transition))
    }

    /// Takes a consultation of the caller's through what `transition` makes once it is held.
    fn conduct(
        &self,
        caller: &Caller,
        id: ConsultationId,
        transition: impl FnOnce(&mut dyn BookingTx) -> Result<Transition, BookingError>,
    ) -> Result<OpenConsultation, BookingError> {
        let (now, scope) = (self.ports.clock.now(), caller.scope());
        self.ports.store.run(&scope, |tx| {
            let mut consultation = tx
                .consultation(id, true)?
                .filter(|one| one.has_participant(caller.actor.user))
                .ok_or(BookingError::NotFound)?;
            let transition = transition(tx)?;
            self.ports.advance(tx, &scope, &mut consultation, transition, now)?;
            // Read again: the store computes what an ended consultation lasted.
            let view = tx.consultation_view(id)?.ok_or(BookingError::NotFound)?;
            Ok(self.ports.open(tx, view)?)
        })
    }
}

impl BookingPorts {
    /// Takes a consultation that is held through a transition, and keeps it with its event and
    /// its line of the audit trail.
    pub(crate) fn advance(
        &self,
        tx: &mut dyn BookingTx,
        scope: &Scope,
        consultation: &mut Consultation,
        transition: Transition,
        now: Timestamp,
    ) -> Result<(), BookingError> {
        let (action, moved) = match &transition {
            Transition::Confirm => (Action::Confirm, false),
            Transition::Cancel { .. } => (Action::Cancel, false),
            Transition::Reschedule { .. } => (Action::Reschedule, true),
            Transition::Start { .. } => (Action::Start, false),
            Transition::End | Transition::EndForgotten => (Action::End, false),
            Transition::NoShow { .. } => (Action::NoShow, false),
            Transition::Exclude => (Action::Exclude, false),
        };
        let previous_start = moved.then_some(consultation.scheduled_at);
        let event = consultation.apply(transition, now)?.map(|kind| ConsultationEvent {
            id: self.randomness.uuid_v7(now),
            kind,
            at: now,
            actor: scope.actor().map(|actor| actor.user),
            previous_start,
        });
        tx.update_consultation(consultation, event.as_ref())?;
        let entry = self
            .entry(scope, now, action, Resource::Consultation)
            .on(consultation.id)
            .within(Some(consultation.company));
        Ok(tx.record(&match consultation.employee_user {
            Some(employee) => entry.about(employee),
            None => entry,
        })?)
    }
}
