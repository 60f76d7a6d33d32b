//! When practitioners work and when they are taken.
use diesel::{
    dsl::{delete, insert_into, update},
    prelude::*,
    sql_types::{Array, Bool, Nullable, Record, Text, Timestamptz},
};
use huntzen_booking::{
    BookingError,
    availability::{AvailabilityException, AvailabilityRule},
    ids::PractitionerId,
    practitioner::DirectoryFilter,
    slots::BusySpan,
    timetable::{PractitionerTime, Span, Timetables},
};
use huntzen_tenancy::{StoreError, ids::UserId, words::Words};
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    calendars::HoldCalendars,
    many,
    rules::{ExceptionColumns, ExceptionRow, RuleColumns, RuleRow, RuleState, exception, rule, shape},
};
use crate::{
    error::booking_error,
    schema::{availabilities, availability_exceptions},
    statement::statement,
    stored::{StoredTimestamp, ToDiesel, one, tellable},
    unit_of_work::PgTx,
};

statement! {
    /// All that the slots of one practitioner follow from, in one row and one round trip.
    FindTime { practitioner: Uuid, from: StoredTimestamp, until: StoredTimestamp } -> (
        diesel::sql_types::Uuid, diesel::sql_types::Uuid, Text, Text, Nullable<Text>, Text, Bool, Bool,
        Array<Record<RuleColumns>>, Array<Record<ExceptionColumns>>, Array<Record<(Timestamptz, Timestamptz)>>,
    );
    "SELECT p.id, p.user_id, p.first_name, p.last_name, p.title, p.timezone, \
     p.is_validated AND p.suspended_at IS NULL, p.accepting_new_clients, \
     ARRAY(SELECT ROW(r.id, r.day_of_week, r.start_minute, r.end_minute, r.slot_minutes, r.buffer_minutes, r.types, \
     r.valid_from, r.valid_until) FROM availabilities r WHERE r.practitioner_id = p.id), \
     ARRAY(SELECT ROW(e.id, e.kind = 'EXTRA', e.starts_at, e.ends_at, e.slot_minutes, e.buffer_minutes, e.types) \
     FROM availability_exceptions e WHERE e.practitioner_id = p.id AND e.ends_at > ", from as Timestamptz;
    " AND e.starts_at < ", until as Timestamptz;
    "), ARRAY(SELECT ROW(b.starts_at, b.busy_until) FROM practitioner_busy b \
     WHERE b.practitioner_id = p.id AND b.busy_until > ", from as Timestamptz;
    " AND b.starts_at < ", until as Timestamptz;
    ") FROM practitioners p WHERE p.id = ", practitioner as diesel::sql_types::Uuid
}

/// What a practitioner's slots follow from, as the database holds it.
#[derive(Queryable)]
pub(super) struct TimeRow {
    pub(super) id: Uuid,
    pub(super) user_id: Uuid,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) title: Option<String>,
    pub(super) timezone: String,
    pub(super) is_public: bool,
    pub(super) accepting_new_clients: bool,
    pub(super) rules: Vec<RuleRow>,
    pub(super) exceptions: Vec<ExceptionRow>,
    pub(super) busy: Vec<(StoredTimestamp, StoredTimestamp)>,
}

impl TryFrom<TimeRow> for PractitionerTime {
    type Error = StoreError;

    fn try_from(row: TimeRow) -> Result<Self, StoreError> {
        let busy = |(starts_at, busy_until): (StoredTimestamp, StoredTimestamp)| BusySpan {
            starts_at: starts_at.to_jiff(),
            busy_until: busy_until.to_jiff(),
        };
        Ok(Self {
            practitioner: PractitionerId(row.id),
            user: UserId(row.user_id),
            first_name: row.first_name,
            last_name: row.last_name,
            title: row.title,
            timezone: row.timezone,
            is_public: row.is_public,
            accepting_new_clients: row.accepting_new_clients,
            rules: row.rules.into_iter().map(|one| rule(row.id, one)).collect::<Result<_, _>>()?,
            exceptions: row.exceptions.into_iter().map(|one| exception(row.id, one, None)).collect::<Result<_, _>>()?,
            busy: row.busy.into_iter().map(busy).collect(),
        })
    }
}

statement! {
    /// The caller's own exceptions, whose labels no column grant lets it read.
    FindOwnExceptions { owner: Uuid } ->
        (diesel::sql_types::Uuid, Nullable<Text>, Record<ExceptionColumns>);
    "SELECT practitioner_id, label, \
     ROW(id, kind = 'EXTRA', starts_at, ends_at, slot_minutes, buffer_minutes, types) \
     FROM own_availability_exceptions() WHERE practitioner_user_id = ", owner as diesel::sql_types::Uuid;
    " ORDER BY starts_at, id"
}

impl Timetables for PgTx {
    fn hold_calendar(&mut self, practitioner: PractitionerId) -> Result<(), StoreError> {
        let statement = HoldCalendars { owners: vec![practitioner.0] };
        self.run(|connection| statement.execute(connection)).map(drop)
    }

    fn time_of(&mut self, practitioner: PractitionerId, span: Span) -> Result<Option<PractitionerTime>, StoreError> {
        let query = FindTime { practitioner: practitioner.0, from: tellable(span.from), until: tellable(span.until) };
        one(self.run(|connection| query.get_result::<TimeRow>(connection).optional())?)
    }

    fn times(&mut self, filter: &DirectoryFilter, span: Span) -> Result<Vec<PractitionerTime>, StoreError> {
        self.run(|connection| many::times(connection, filter, span))?
            .into_iter()
            .map(PractitionerTime::try_from)
            .collect()
    }

    fn add_rule(&mut self, owner: UserId, rule: &AvailabilityRule, at: Timestamp) -> Result<(), BookingError> {
        let at = at.to_diesel();
        let row = (
            availabilities::id.eq(rule.id()),
            availabilities::practitioner_id.eq(rule.practitioner_id()),
            availabilities::practitioner_user_id.eq(owner.0),
            availabilities::created_at.eq(at),
            RuleState::of(rule, at)?,
        );
        self.run(|connection| insert_into(availabilities::table).values(row).execute(connection))
            .map(drop)
            .map_err(booking_error)
    }

    fn update_rule(&mut self, rule: &AvailabilityRule, at: Timestamp) -> Result<bool, StoreError> {
        let change = update(availabilities::table.find(rule.id())).set(RuleState::of(rule, at.to_diesel())?);
        self.run(|connection| change.execute(connection)).map(|changed| changed > 0)
    }

    fn remove_rule(&mut self, owner: UserId, id: Uuid) -> Result<bool, StoreError> {
        let one = availabilities::table
            .filter(availabilities::id.eq(id))
            .filter(availabilities::practitioner_user_id.eq(owner.0));
        self.run(|connection| delete(one).execute(connection)).map(|removed| removed > 0)
    }

    fn rules_of(&mut self, owner: UserId) -> Result<Vec<AvailabilityRule>, StoreError> {
        let query = availabilities::table
            .filter(availabilities::practitioner_user_id.eq(owner.0))
            .order((availabilities::day_of_week, availabilities::start_minute, availabilities::id))
            .select((
                availabilities::practitioner_id,
                (
                    availabilities::id,
                    availabilities::day_of_week,
                    availabilities::start_minute,
                    availabilities::end_minute,
                    availabilities::slot_minutes,
                    availabilities::buffer_minutes,
                    availabilities::types,
                    availabilities::valid_from,
                    availabilities::valid_until,
                ),
            ));
        let rows = self.run(|connection| query.load::<(Uuid, RuleRow)>(connection))?;
        rows.into_iter().map(|(practitioner, row)| rule(practitioner, row)).collect()
    }

    fn add_exception(
        &mut self,
        owner: UserId,
        exception: &AvailabilityException,
        at: Timestamp,
    ) -> Result<(), BookingError> {
        let shape = shape(exception)?;
        let row = (
            availability_exceptions::id.eq(exception.id()),
            availability_exceptions::practitioner_id.eq(exception.practitioner_id()),
            availability_exceptions::practitioner_user_id.eq(owner.0),
            availability_exceptions::kind.eq(exception.kind().as_str()),
            availability_exceptions::starts_at.eq(exception.starts_at().to_diesel()),
            availability_exceptions::ends_at.eq(exception.ends_at().to_diesel()),
            availability_exceptions::slot_minutes.eq(shape.map(|(slot, _, _)| slot)),
            availability_exceptions::buffer_minutes.eq(shape.map(|(_, buffer, _)| buffer)),
            availability_exceptions::types.eq(shape.map(|(_, _, types)| types)),
            availability_exceptions::label.eq(exception.label()),
            availability_exceptions::created_at.eq(at.to_diesel()),
        );
        self.run(|connection| insert_into(availability_exceptions::table).values(row).execute(connection))
            .map(drop)
            .map_err(booking_error)
    }

    fn remove_exception(&mut self, owner: UserId, id: Uuid) -> Result<bool, StoreError> {
        let one = availability_exceptions::table
            .filter(availability_exceptions::id.eq(id))
            .filter(availability_exceptions::practitioner_user_id.eq(owner.0));
        self.run(|connection| delete(one).execute(connection)).map(|removed| removed > 0)
    }

    fn exceptions_of(&mut self, owner: UserId) -> Result<Vec<AvailabilityException>, StoreError> {
        let query = FindOwnExceptions { owner: owner.0 };
        let rows = self.run(|connection| query.load::<(Uuid, Option<String>, ExceptionRow)>(connection))?;
        rows.into_iter().map(|(practitioner, label, row)| exception(practitioner, row, label)).collect()
    }
}
