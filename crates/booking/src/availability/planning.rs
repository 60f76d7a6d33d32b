//! What practitioners do with their weekly rules, leave and extra hours.
use huntzen_tenancy::{
    Caller, FieldError,
    audit::{Action, Resource},
    error::Checks,
    ids::UserId,
    policy::Permission,
};
use jiff::{
    Timestamp,
    civil::{Date, Time},
    tz::TimeZone,
};
use uuid::Uuid;

use super::{
    AvailabilityException, AvailabilityRule, Conflict, ExceptionKind, ExceptionTerms, RuleTerms, TypeSet, conflict,
};
use crate::{
    BookingError, BookingPorts, BookingTx,
    consultation::Consultation,
    timetable::{PractitionerTime, Span},
};

/// The most weekly rules of one practitioner.
const RULES_MAX: usize = 200;
/// The most exceptions of one practitioner, past ones included.
const EXCEPTIONS_MAX: usize = 2000;
/// Nothing is planned before this year, and not every store can tell such times.
const FIRST_YEAR: i16 = 1970;

/// What changes about a weekly rule.
/// In doubled options the outer `None` leaves the field and the inner one clears it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleChange {
    /// ISO 8601: Monday 1 to Sunday 7.
    pub day_of_week: Option<i8>,
    /// When the first slot starts.
    pub start_time: Option<Time>,
    /// When the last slot has ended.
    pub end_time: Option<Time>,
    /// How long a slot lasts, in minutes.
    pub slot_minutes: Option<u16>,
    /// The pause after each slot, in minutes.
    pub buffer_minutes: Option<u16>,
    /// The types offered.
    pub types: Option<TypeSet>,
    /// The first civil day on which the rule holds.
    pub valid_from: Option<Option<Date>>,
    /// The last civil day on which the rule holds.
    pub valid_until: Option<Option<Date>>,
}

/// A rule as it is kept now, and the booked consultations that it leaves without a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedRule {
    /// The rule.
    pub rule: AvailabilityRule,
    /// The consultations, soonest first: they stand.
    pub conflicts: Vec<Conflict>,
}

/// An exception as it is kept now, and the booked consultations that it leaves without a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedException {
    /// The exception.
    pub exception: AvailabilityException,
    /// The consultations, soonest first: they stand.
    pub conflicts: Vec<Conflict>,
}

/// The use cases of practitioners over their own availability. Each change holds the calendar:
/// whoever is booking then is either done, or sees the change.
#[derive(Clone)]
pub struct Planning {
    ports: BookingPorts,
}

/// The caller's time as it was before a change, and what is booked in it.
struct Plan {
    user: UserId,
    time: PractitionerTime,
    zone: TimeZone,
    booked: Vec<Consultation>,
}

impl Planning {
    /// Over these ports.
    pub fn new(ports: BookingPorts) -> Self {
        Self { ports }
    }

    /// The caller's weekly rules, by day and start.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn rules(&self, caller: &Caller) -> Result<Vec<AvailabilityRule>, BookingError> {
        caller.actor.require(Permission::AvailabilityOwn)?;
        self.ports.store.run(&caller.scope(), |tx| Ok(tx.rules_of(caller.actor.user)?))
    }

    /// Adds a weekly rule.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid`, with `too_many` for one rule more than a practitioner may have;
    /// `NotFound` for an account without an entry in the directory.
    pub fn add_rule(&self, caller: &Caller, terms: RuleTerms) -> Result<PlannedRule, BookingError> {
        caller.actor.require(Permission::AvailabilityOwn)?;
        check_dates(&terms)?;
        let now = self.ports.clock.now();
        self.ports.store.run(&caller.scope(), |tx| {
            let plan = Plan::hold(tx, caller, now)?;
            within(plan.time.rules.len(), RULES_MAX)?;
            let id = self.ports.randomness.uuid_v7(now);
            let rule = AvailabilityRule::new(id, plan.time.practitioner.0, terms).map_err(BookingError::Invalid)?;
            tx.add_rule(plan.user, &rule, now)?;
            self.trace(tx, caller, now, (Action::Create, Resource::Availability, id))?;
            let conflicts = plan.conflicts_with(|time| time.rules.push(rule.clone()));
            Ok(PlannedRule { rule, conflicts })
        })
    }

    /// Changes a weekly rule.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid`; `NotFound`.
    pub fn change_rule(&self, caller: &Caller, id: Uuid, change: &RuleChange) -> Result<PlannedRule, BookingError> {
        caller.actor.require(Permission::AvailabilityOwn)?;
        let now = self.ports.clock.now();
        self.ports.store.run(&caller.scope(), |tx| {
            let plan = Plan::hold(tx, caller, now)?;
            let kept = plan.time.rules.iter().find(|rule| rule.id() == id);
            let terms = change.over(kept.ok_or(BookingError::NotFound)?.terms());
            check_dates(&terms)?;
            let rule = AvailabilityRule::new(id, plan.time.practitioner.0, terms).map_err(BookingError::Invalid)?;
            if !tx.update_rule(&rule, now)? {
                return Err(BookingError::NotFound);
            }
            self.trace(tx, caller, now, (Action::Update, Resource::Availability, id))?;
            let conflicts = plan.conflicts_with(|time| {
                time.rules.retain(|kept| kept.id() != id);
                time.rules.push(rule.clone());
            });
            Ok(PlannedRule { rule, conflicts })
        })
    }

    /// Deletes a weekly rule; what is booked stands.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn remove_rule(&self, caller: &Caller, id: Uuid) -> Result<(), BookingError> {
        let removed = (Action::Delete, Resource::Availability, id);
        self.remove(caller, removed, |tx| Ok(tx.remove_rule(caller.actor.user, id)?))
    }

    /// The caller's leave and extra hours, by start.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn exceptions(&self, caller: &Caller) -> Result<Vec<AvailabilityException>, BookingError> {
        caller.actor.require(Permission::AvailabilityOwn)?;
        self.ports.store.run(&caller.scope(), |tx| Ok(tx.exceptions_of(caller.actor.user)?))
    }

    /// Adds leave or extra hours.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid`, with `too_many` for one exception more than a practitioner may
    /// have; `NotFound` for an account without an entry in the directory.
    pub fn add_exception(&self, caller: &Caller, terms: ExceptionTerms) -> Result<PlannedException, BookingError> {
        caller.actor.require(Permission::AvailabilityOwn)?;
        if terms.starts_at < Timestamp::UNIX_EPOCH {
            return Err(refused("startsAt", "out_of_range"));
        }
        let now = self.ports.clock.now();
        self.ports.store.run(&caller.scope(), |tx| {
            let plan = Plan::hold(tx, caller, now)?;
            within(tx.exceptions_of(plan.user)?.len(), EXCEPTIONS_MAX)?;
            let id = self.ports.randomness.uuid_v7(now);
            let exception =
                AvailabilityException::new(id, plan.time.practitioner.0, terms).map_err(BookingError::Invalid)?;
            tx.add_exception(plan.user, &exception, now)?;
            let added = (Action::Create, Resource::AvailabilityException, id);
            self.trace(tx, caller, now, added)?;
            let conflicts = match exception.kind() {
                ExceptionKind::Leave => conflict::during(&exception, &plan.booked),
                ExceptionKind::Extra => plan.conflicts_with(|time| time.exceptions.push(exception.clone())),
            };
            Ok(PlannedException { exception, conflicts })
        })
    }

    /// Deletes leave or extra hours; what is booked stands.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn remove_exception(&self, caller: &Caller, id: Uuid) -> Result<(), BookingError> {
        let removed = (Action::Delete, Resource::AvailabilityException, id);
        self.remove(caller, removed, |tx| Ok(tx.remove_exception(caller.actor.user, id)?))
    }

    fn remove(
        &self,
        caller: &Caller,
        removed: (Action, Resource, Uuid),
        remove: impl FnOnce(&mut dyn BookingTx) -> Result<bool, BookingError>,
    ) -> Result<(), BookingError> {
        caller.actor.require(Permission::AvailabilityOwn)?;
        let now = self.ports.clock.now();
        self.ports.store.run(&caller.scope(), |tx| {
            let practitioner = tx.practitioner_of(caller.actor.user)?.ok_or(BookingError::NotFound)?;
            tx.hold_calendar(practitioner.id)?;
            if !remove(tx)? {
                return Err(BookingError::NotFound);
            }
            self.trace(tx, caller, now, removed)
        })
    }

    fn trace(
        &self,
        tx: &mut dyn BookingTx,
        caller: &Caller,
        now: Timestamp,
        (action, resource, id): (Action, Resource, Uuid),
    ) -> Result<(), BookingError> {
        let entry = self.ports.entry(&caller.scope(), now, action, resource);
        Ok(tx.record(&entry.on(id).about(caller.actor.user))?)
    }
}

impl Plan {
    /// Holds the caller's calendar and reads what a change of it may touch.
    fn hold(tx: &mut dyn BookingTx, caller: &Caller, now: Timestamp) -> Result<Self, BookingError> {
        let user = caller.actor.user;
        let practitioner = tx.practitioner_of(user)?.ok_or(BookingError::NotFound)?.id;
        tx.hold_calendar(practitioner)?;
        let ahead = Span { from: now, until: Timestamp::MAX };
        let booked = tx.live_between(user, ahead)?;
        let last = booked.last().map_or(now, |last| last.scheduled_at);
        let time = tx.time_of(practitioner, Span::deciding(now, last))?.ok_or(BookingError::NotFound)?;
        let zone = time.zone()?;
        Ok(Self { user, time, zone, booked })
    }

    /// The consultations that lose their slot when `change` happens to the time.
    fn conflicts_with(&self, change: impl FnOnce(&mut PractitionerTime)) -> Vec<Conflict> {
        let mut after = self.time.clone();
        change(&mut after);
        conflict::left_over(&self.time, &after, &self.zone, &self.booked)
    }
}

impl RuleChange {
    /// What a rule with these terms says after the change.
    fn over(&self, kept: &RuleTerms) -> RuleTerms {
        RuleTerms {
            day_of_week: self.day_of_week.unwrap_or(kept.day_of_week),
            start_time: self.start_time.unwrap_or(kept.start_time),
            end_time: self.end_time.unwrap_or(kept.end_time),
            slot_minutes: self.slot_minutes.unwrap_or(kept.slot_minutes),
            buffer_minutes: self.buffer_minutes.unwrap_or(kept.buffer_minutes),
            types: self.types.unwrap_or(kept.types),
            valid_from: self.valid_from.unwrap_or(kept.valid_from),
            valid_until: self.valid_until.unwrap_or(kept.valid_until),
        }
    }
}

fn check_dates(terms: &RuleTerms) -> Result<(), BookingError> {
    let mut checks = Checks::default();
    for (date, field) in [(terms.valid_from, "validFrom"), (terms.valid_until, "validUntil")] {
        let told = date.is_none_or(|date| date.year() >= FIRST_YEAR);
        checks.require(told, field, "out_of_range");
    }
    Ok(checks.finish()?)
}

fn within(count: usize, most: usize) -> Result<(), BookingError> {
    if count < most { Ok(()) } else { Err(refused("", "too_many")) }
}

fn refused(field: &'static str, code: &'static str) -> BookingError {
    BookingError::Invalid(vec![FieldError::new(field, code)])
}
