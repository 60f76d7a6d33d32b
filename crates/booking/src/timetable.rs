//! The stored side of a practitioner's time: rules, exceptions, and what is booked.
use huntzen_tenancy::{StoreError, ids::UserId};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use uuid::Uuid;

use crate::{
    BookingError,
    availability::{AvailabilityException, AvailabilityRule},
    ids::PractitionerId,
    practitioner::DirectoryFilter,
    slots::{BusySpan, LOOK_BACK_DAYS, Timetable},
};

/// A span of time, `[from, until)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
}

impl Span {
    /// A span that holds all that decides about slots which start from `first` to `last`, in
    /// whatever zone: who asks for a practitioner's time does not know their zone yet.
    pub fn deciding(first: Timestamp, last: Timestamp) -> Self {
        let from = first.checked_sub(DECIDING_BEFORE).unwrap_or(Timestamp::MIN);
        let until = last.checked_add(DECIDING_AFTER).unwrap_or(Timestamp::MAX);
        // Nothing is kept of earlier times, and not every store can tell them.
        Self { from: from.max(Timestamp::UNIX_EPOCH), until: until.max(Timestamp::UNIX_EPOCH) }
    }
}

/// Covers [`LOOK_BACK_DAYS`] from the start of the day in any zone.
const DECIDING_BEFORE: SignedDuration = SignedDuration::from_hours(24 * (LOOK_BACK_DAYS + 2));
/// Covers the rest of the day in any zone, the longest slot and the longest pause.
const DECIDING_AFTER: SignedDuration = SignedDuration::from_hours(24 * 3);

/// All that a practitioner's slots follow from, and their standing, as one read finds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PractitionerTime {
    /// Whose time.
    pub practitioner: PractitionerId,
    /// The account.
    pub user: UserId,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// How they are addressed.
    pub title: Option<String>,
    /// Their IANA zone.
    pub timezone: String,
    /// Validated and not suspended.
    pub is_public: bool,
    /// Whether people who never completed a consultation with them may book.
    pub accepting_new_clients: bool,
    /// Every weekly rule, in any order.
    pub rules: Vec<AvailabilityRule>,
    /// The exceptions that meet the span asked for, in any order, without their labels.
    pub exceptions: Vec<AvailabilityException>,
    /// What is booked and meets the span, in any order.
    pub busy: Vec<BusySpan>,
}

impl PractitionerTime {
    /// The practitioner's zone.
    ///
    /// # Errors
    /// `Defect` when the time zone database does not know it: only known ones are kept.
    pub fn zone(&self) -> Result<TimeZone, StoreError> {
        TimeZone::get(&self.timezone).map_err(|error| StoreError::Defect(Box::new(error)))
    }

    /// What slots are computed from.
    pub fn timetable<'a>(&'a self, zone: &'a TimeZone) -> Timetable<'a> {
        Timetable { zone, rules: &self.rules, exceptions: &self.exceptions, busy: &self.busy }
    }
}

/// Rules, exceptions and busy times. A practitioner sees and writes its own; those of public
/// practitioners are everybody's to read (but for labels), and so are all busy times.
pub trait Timetables {
    /// Waits until no other unit of work holds this practitioner's calendar, and holds it until
    /// the end of this one. What was read before may be stale: read again.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn hold_calendar(&mut self, practitioner: PractitionerId) -> Result<(), StoreError>;

    /// The time of one practitioner in sight, with what meets `span`: one round trip.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn time_of(&mut self, practitioner: PractitionerId, span: Span) -> Result<Option<PractitionerTime>, StoreError>;

    /// The time of every public practitioner that matches, with what meets `span`: as many round
    /// trips however many match.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn times(&mut self, filter: &DirectoryFilter, span: Span) -> Result<Vec<PractitionerTime>, StoreError>;

    /// Adds a rule of the acting practitioner, made at `at`.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn add_rule(&mut self, owner: UserId, rule: &AvailabilityRule, at: Timestamp) -> Result<(), BookingError>;

    /// Writes a rule again at `at`; `false` when it is not in sight.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn update_rule(&mut self, rule: &AvailabilityRule, at: Timestamp) -> Result<bool, StoreError>;

    /// Deletes a rule of the acting practitioner; `false` when it has none with this id.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn remove_rule(&mut self, owner: UserId, id: Uuid) -> Result<bool, StoreError>;

    /// The rules of the acting practitioner, by day, start, id.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn rules_of(&mut self, owner: UserId) -> Result<Vec<AvailabilityRule>, StoreError>;

    /// Adds an exception of the acting practitioner, made at `at`.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn add_exception(
        &mut self,
        owner: UserId,
        exception: &AvailabilityException,
        at: Timestamp,
    ) -> Result<(), BookingError>;

    /// Deletes an exception of the acting practitioner; `false` when it has none with this id.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn remove_exception(&mut self, owner: UserId, id: Uuid) -> Result<bool, StoreError>;

    /// The exceptions of the acting practitioner with their labels, by start, id.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn exceptions_of(&mut self, owner: UserId) -> Result<Vec<AvailabilityException>, StoreError>;
}
