//! A practitioner's own rules and exceptions, as rows.
use diesel::{prelude::*, sql_types};
use huntzen_booking::{
    BookingError,
    availability::{AvailabilityException, AvailabilityRule, ExceptionKind, ExceptionTerms, RuleTerms, TypeSet},
};
use huntzen_tenancy::StoreError;
use uuid::Uuid;

use crate::{
    schema::availabilities,
    stored::{StoredDate, StoredTimestamp, ToDiesel, number, optional_number, readable, wall_time},
};

/// A rule as the database holds it: id, day, first and last minute, slot and buffer in minutes,
/// types, first and last day.
pub(super) type RuleColumns = (
    sql_types::Uuid,
    sql_types::SmallInt,
    sql_types::SmallInt,
    sql_types::SmallInt,
    sql_types::SmallInt,
    sql_types::SmallInt,
    sql_types::SmallInt,
    sql_types::Nullable<sql_types::Date>,
    sql_types::Nullable<sql_types::Date>,
);
pub(super) type RuleRow = (Uuid, i16, i16, i16, i16, i16, i16, Option<StoredDate>, Option<StoredDate>);

/// An exception as the database holds it, without its label: id, whether it is extra hours, first
/// instant and the one after the last, slot and buffer in minutes, types.
pub(super) type ExceptionColumns = (
    sql_types::Uuid,
    sql_types::Bool,
    sql_types::Timestamptz,
    sql_types::Timestamptz,
    sql_types::Nullable<sql_types::SmallInt>,
    sql_types::Nullable<sql_types::SmallInt>,
    sql_types::Nullable<sql_types::SmallInt>,
);
pub(super) type ExceptionRow = (Uuid, bool, StoredTimestamp, StoredTimestamp, Option<i16>, Option<i16>, Option<i16>);

fn types_of(bits: i16, column: &'static str) -> Result<TypeSet, StoreError> {
    readable(u8::try_from(bits).ok().and_then(TypeSet::from_bits), column)
}

/// Reads a rule of `practitioner` back.
pub(super) fn rule(practitioner: Uuid, row: RuleRow) -> Result<AvailabilityRule, StoreError> {
    let (id, day, start, end, slot, buffer, types, from, until) = row;
    let terms = RuleTerms {
        day_of_week: number(day, "availabilities.day_of_week")?,
        start_time: wall_time(start, "availabilities.start_minute")?,
        end_time: wall_time(end, "availabilities.end_minute")?,
        slot_minutes: number(slot, "availabilities.slot_minutes")?,
        buffer_minutes: number(buffer, "availabilities.buffer_minutes")?,
        types: types_of(types, "availabilities.types")?,
        valid_from: from.map(StoredDate::to_jiff),
        valid_until: until.map(StoredDate::to_jiff),
    };
    readable(AvailabilityRule::new(id, practitioner, terms).ok(), "availabilities")
}

/// Reads an exception of `practitioner` back.
pub(super) fn exception(
    practitioner: Uuid,
    row: ExceptionRow,
    label: Option<String>,
) -> Result<AvailabilityException, StoreError> {
    let (id, extra, starts_at, ends_at, slot, buffer, types) = row;
    let terms = ExceptionTerms {
        starts_at: starts_at.to_jiff(),
        ends_at: ends_at.to_jiff(),
        kind: if extra { ExceptionKind::Extra } else { ExceptionKind::Leave },
        slot_minutes: optional_number(slot, "availability_exceptions.slot_minutes")?,
        buffer_minutes: optional_number(buffer, "availability_exceptions.buffer_minutes")?,
        types: types.map(|bits| types_of(bits, "availability_exceptions.types")).transpose()?,
        label,
    };
    readable(AvailabilityException::new(id, practitioner, terms).ok(), "availability_exceptions")
}

/// What can change of a rule.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = availabilities, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(super) struct RuleState {
    day_of_week: i16,
    start_minute: i16,
    end_minute: i16,
    slot_minutes: i16,
    buffer_minutes: i16,
    types: i16,
    valid_from: Option<StoredDate>,
    valid_until: Option<StoredDate>,
    updated_at: StoredTimestamp,
}

impl RuleState {
    /// The rule as it stands at `at`.
    pub(super) fn of(rule: &AvailabilityRule, at: StoredTimestamp) -> Result<Self, StoreError> {
        let terms = rule.terms();
        let (start, end) = rule.minutes();
        Ok(Self {
            day_of_week: terms.day_of_week.into(),
            start_minute: number(start, "availabilities.start_minute")?,
            end_minute: number(end, "availabilities.end_minute")?,
            slot_minutes: number(terms.slot_minutes, "availabilities.slot_minutes")?,
            buffer_minutes: number(terms.buffer_minutes, "availabilities.buffer_minutes")?,
            types: terms.types.bits().into(),
            valid_from: terms.valid_from.map(ToDiesel::to_diesel),
            valid_until: terms.valid_until.map(ToDiesel::to_diesel),
            updated_at: at,
        })
    }
}

/// The slots of extra hours as columns: length, buffer, types; none for leave.
pub(super) fn shape(exception: &AvailabilityException) -> Result<Option<(i16, i16, i16)>, BookingError> {
    let Some(shape) = exception.shape() else { return Ok(None) };
    Ok(Some((
        number(shape.slot_minutes, "availability_exceptions.slot_minutes")?,
        number(shape.buffer_minutes, "availability_exceptions.buffer_minutes")?,
        shape.types.bits().into(),
    )))
}
