//! Consultations: what one is, and where they are kept.
use huntzen_tenancy::{
    Cursor, Slice, StoreError,
    ids::{CompanyId, EmployeeId, UserId},
    sealing::Sealed,
    words,
};
use jiff::{Timestamp, civil::Date};
use uuid::Uuid;

use crate::{
    BookingError,
    availability::ConsultationType,
    ids::{ConsultationId, PractitionerId},
    room::RoomName,
    timetable::Span,
};

mod booking;
mod conduct;
mod reading;
mod reasons;
mod state;
pub use booking::{Booking, NewBooking, Present};
pub(crate) use reading::own;
pub use reading::{ConsultationReading, Starts};
pub use reasons::OpenConsultation;
pub use state::Transition;
pub(crate) use state::{ABANDONED_AFTER, FORGOTTEN_AFTER};

words! {
    /// Where a consultation stands.
    ConsultationStatus {
        /// Booked.
        Scheduled = "SCHEDULED",
        /// Booked and confirmed by the practitioner.
        Confirmed = "CONFIRMED",
        /// Going on.
        InProgress = "IN_PROGRESS",
        /// Over.
        Completed = "COMPLETED",
        /// Called off by either side.
        Cancelled = "CANCELLED",
        /// The employee did not come.
        NoShow = "NO_SHOW",
    }
}

impl ConsultationStatus {
    /// Whether a consultation takes the time of both participants: booked or going on.
    pub fn is_live(self) -> bool {
        match self {
            Self::Scheduled | Self::Confirmed | Self::InProgress => true,
            Self::Completed | Self::Cancelled | Self::NoShow => false,
        }
    }
}

words! {
    /// Whether a consultation is a line of the practitioner's statement.
    BillingStatus {
        /// Not decided yet.
        Pending = "PENDING",
        /// It is.
        Validated = "VALIDATED",
        /// It is not.
        Excluded = "EXCLUDED",
    }
}

words! {
    /// What happened to a consultation.
    EventType {
        /// It was booked.
        Scheduled = "SCHEDULED",
        /// It was confirmed.
        Confirmed = "CONFIRMED",
        /// It was called off.
        Cancelled = "CANCELLED",
        /// It was moved.
        Rescheduled = "RESCHEDULED",
        /// It began.
        Started = "STARTED",
        /// It ended.
        Ended = "ENDED",
        /// The employee did not come.
        NoShow = "NO_SHOW",
        /// A participant got a first token for the room.
        RoomJoined = "ROOM_JOINED",
        /// A participant got a further one.
        RoomTokenIssued = "ROOM_TOKEN_ISSUED",
    }
}

/// A consultation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consultation {
    /// Its id.
    pub id: ConsultationId,
    /// The employee's company.
    pub company: CompanyId,
    /// The employee; `None` in a redacted view.
    pub employee: Option<EmployeeId>,
    /// The employee's account; `None` in a redacted view.
    pub employee_user: Option<UserId>,
    /// The practitioner.
    pub practitioner: PractitionerId,
    /// The practitioner's account.
    pub practitioner_user: UserId,
    /// How it takes place.
    pub kind: ConsultationType,
    /// Where it stands.
    pub status: ConsultationStatus,
    /// When it is to start.
    pub scheduled_at: Timestamp,
    /// When it is to end.
    pub ends_at: Timestamp,
    /// The practitioner's pause after it, in minutes: fixed when it was booked.
    pub buffer_minutes: u16,
    /// Why, in the employee's words, sealed under the consultation's key; `None` in a redacted view.
    pub reason: Option<Sealed>,
    /// The room of a video or audio consultation.
    pub room_name: Option<RoomName>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What it lasted, in seconds; the store computes it when it ends.
    pub duration_seconds: Option<u32>,
    /// What it lasted, in whole minutes; the store computes it when it ends.
    pub actual_duration: Option<u32>,
    /// Whether it is billed.
    pub billing_status: BillingStatus,
    /// When it was called off.
    pub cancelled_at: Option<Timestamp>,
    /// By whom; `None` for the system.
    pub cancelled_by: Option<UserId>,
    /// Why, in their words, sealed under the consultation's key; `None` in a redacted view.
    pub cancel_reason: Option<Sealed>,
    /// When it was marked as missed.
    pub no_show_at: Option<Timestamp>,
    /// By whom.
    pub no_show_by: Option<UserId>,
    /// Grows with each change that a calendar must show.
    pub sequence: u32,
    /// When its present time was chosen: reminders that were due before are not sent.
    pub planned_at: Timestamp,
    /// When it was booked.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Consultation {
    /// Whether this account is one of the two who meet.
    pub fn has_participant(&self, user: UserId) -> bool {
        self.employee_user == Some(user) || self.practitioner_user == user
    }

    /// Whether it takes the time of both participants: booked or going on.
    pub fn is_live(&self) -> bool {
        self.status.is_live()
    }
}

/// The names of the two participants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParticipantNames {
    /// The employee's given and family name; `None` in a redacted view.
    pub employee: Option<(String, String)>,
    /// The practitioner's given name.
    pub practitioner_first_name: String,
    /// The practitioner's family name.
    pub practitioner_last_name: String,
    /// How the practitioner is addressed.
    pub practitioner_title: Option<String>,
}

/// A consultation with the names that its readers see, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsultationView {
    /// The consultation.
    pub consultation: Consultation,
    /// The names.
    pub names: ParticipantNames,
}

/// Something that happened to a consultation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsultationEvent {
    /// Its id (UUID version 7).
    pub id: Uuid,
    /// What happened.
    pub kind: EventType,
    /// When.
    pub at: Timestamp,
    /// Who did it; `None` for the system, and in a redacted view for the employee.
    pub actor: Option<UserId>,
    /// For a move: the start before it.
    pub previous_start: Option<Timestamp>,
}

/// Which of one's own consultations are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsultationList {
    /// All, newest start first.
    Mine {
        /// Only with this status.
        status: Option<ConsultationStatus>,
        /// Only those that start in this span.
        starts: Option<Span>,
    },
    /// `SCHEDULED`, `CONFIRMED` and `IN_PROGRESS` ones whose end lies after this instant, soonest first.
    Upcoming(Timestamp),
    /// The rest at this instant, newest start first.
    History(Timestamp),
}

/// Consultations. A participant sees its own; administrators and operators see a redacted view.
pub trait Consultations {
    /// Waits until no other unit of work books for this practitioner or this employee, and keeps
    /// both to itself until the end. Always the two in one fixed order.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn hold_calendars(&mut self, practitioner: PractitionerId, employee: EmployeeId) -> Result<(), StoreError>;

    /// Adds a consultation with its first event, which tells both participants (inbox and letter).
    ///
    /// # Errors
    /// `SlotTaken` when the practitioner's time, buffers included, meets another live
    /// consultation's; `AlreadyBooked` when the employee's does: even one added at the same time.
    fn add_consultation(&mut self, consultation: &Consultation, event: &ConsultationEvent) -> Result<(), BookingError>;

    /// Writes what can change of a consultation (all but id, participants, type and creation),
    /// with the event, if any, that says why; an event tells those whom it concerns. A status
    /// that becomes `COMPLETED` makes the store compute the duration, the day and the counters.
    ///
    /// # Errors
    /// `SlotTaken` and `AlreadyBooked` as for `add_consultation`; `NotFound` when not in sight.
    fn update_consultation(
        &mut self,
        consultation: &Consultation,
        event: Option<&ConsultationEvent>,
    ) -> Result<(), BookingError>;

    /// The consultation in full, for a participant (or a job), held against changes until the end
    /// of the unit of work when `for_update`.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn consultation(&mut self, id: ConsultationId, for_update: bool) -> Result<Option<Consultation>, StoreError>;

    /// The consultation with both names, for a participant: one round trip.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn consultation_view(&mut self, id: ConsultationId) -> Result<Option<ConsultationView>, StoreError>;

    /// The consultation without the employee and without reasons: administrators and operators.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn redacted_consultation(&mut self, id: ConsultationId) -> Result<Option<ConsultationView>, StoreError>;

    /// A part of the acting user's own consultations.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn consultations(
        &mut self,
        user: UserId,
        list: ConsultationList,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Slice<ConsultationView>, StoreError>;

    /// What happened to a consultation, oldest first, for a participant.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn events(&mut self, id: ConsultationId) -> Result<Vec<ConsultationEvent>, StoreError>;

    /// The same for administrators and operators, without the employee.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn redacted_events(&mut self, id: ConsultationId) -> Result<Vec<ConsultationEvent>, StoreError>;

    /// Notes that a participant got a room token: `ROOM_JOINED` the first time of that person,
    /// `ROOM_TOKEN_ISSUED` later (the event's own type is ignored).
    ///
    /// # Errors
    /// `StoreError` alone.
    fn add_room_event(&mut self, consultation: &Consultation, event: &ConsultationEvent) -> Result<(), StoreError>;

    /// Whether the acting employee ever completed a consultation with this practitioner.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn has_completed_with(&mut self, employee: UserId, practitioner: PractitionerId) -> Result<bool, StoreError>;

    /// The practitioners with whom the acting employee ever completed a consultation, each once,
    /// in any order.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn completed_with(&mut self, employee: UserId) -> Result<Vec<PractitionerId>, StoreError>;

    /// The live consultations of the acting practitioner that meet `span`, soonest first.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn live_between(&mut self, practitioner: UserId, span: Span) -> Result<Vec<Consultation>, StoreError>;

    /// Up to `limit` consultations, held against changes, others' holds skipped, that are
    /// `IN_PROGRESS` with an end before `ended_before`, or `SCHEDULED` or `CONFIRMED` with billing
    /// `PENDING` and a start before `started_before`. `Job::EndForgotten` alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn forgotten(
        &mut self,
        ended_before: Timestamp,
        started_before: Timestamp,
        limit: u32,
    ) -> Result<Vec<Consultation>, StoreError>;

    /// Up to `limit` `SCHEDULED` or `CONFIRMED` consultations, held against changes, others' holds
    /// skipped, that start after `after` and whose employee is no longer eligible (own status or
    /// company). `Job::Eligibility` alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn far_and_ineligible(&mut self, after: Timestamp, limit: u32) -> Result<Vec<Consultation>, StoreError>;

    /// Up to `limit` `SCHEDULED` or `CONFIRMED` consultations, held against changes, others' holds
    /// skipped, that start after `now` and one of whose participants was erased, or is due to be.
    /// `Job::Erasure` alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn of_departing(&mut self, now: Timestamp, limit: u32) -> Result<Vec<Consultation>, StoreError>;

    /// The civil day on which an ended consultation counts; for tests and reconciliation, visible
    /// to its participants.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn service_day(&mut self, id: ConsultationId) -> Result<Option<Date>, StoreError>;
}

/// A video consultation of 50 minutes and a pause of 10, scheduled at `starts`, for tests.
#[cfg(test)]
pub(crate) fn a_consultation(starts: Timestamp) -> Consultation {
    use jiff::SignedDuration;

    let booked = starts - SignedDuration::from_hours(168);
    Consultation {
        id: ConsultationId(Uuid::from_u128(3)),
        company: CompanyId(Uuid::from_u128(4)),
        employee: Some(EmployeeId(Uuid::from_u128(5))),
        employee_user: Some(UserId(Uuid::from_u128(1))),
        practitioner: PractitionerId(Uuid::from_u128(6)),
        practitioner_user: UserId(Uuid::from_u128(2)),
        kind: ConsultationType::Video,
        status: ConsultationStatus::Scheduled,
        scheduled_at: starts,
        ends_at: starts + SignedDuration::from_mins(50),
        buffer_minutes: 10,
        reason: None,
        room_name: Some(RoomName::from_random([0; 16])),
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
        planned_at: booked,
        created_at: booked,
        updated_at: booked,
    }
}
