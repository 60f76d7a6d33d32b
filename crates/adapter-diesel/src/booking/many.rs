//! The time of many practitioners at once: four questions, however many there are. A row for each
//! of them with all its times, as for a single one, would take the database several times as long.
use std::collections::HashMap;

use diesel::prelude::*;
use huntzen_booking::{availability::ExceptionKind, practitioner::DirectoryFilter, timetable::Span};
use huntzen_tenancy::words::Words;
use uuid::Uuid;

use super::{
    directory,
    rules::{ExceptionRow, RuleRow},
    timetables::TimeRow,
};
use crate::{
    schema::{availabilities, availability_exceptions, practitioner_busy, practitioners},
    stored::{StoredTimestamp, tellable},
};

type PractitionerColumns = (Uuid, Uuid, String, String, Option<String>, String, bool);

/// Finds the public practitioners that match, with all that meets `span`.
pub(super) fn times(connection: &mut PgConnection, filter: &DirectoryFilter, span: Span) -> QueryResult<Vec<TimeRow>> {
    let (from, until) = (tellable(span.from), tellable(span.until));
    let rows = directory::matching(filter)
        .select((
            practitioners::id,
            practitioners::user_id,
            practitioners::first_name,
            practitioners::last_name,
            practitioners::title,
            practitioners::timezone,
            practitioners::accepting_new_clients,
        ))
        .load::<PractitionerColumns>(connection)?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.0).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rules = availabilities::table
        .filter(availabilities::practitioner_id.eq_any(&ids))
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
        ))
        .load::<(Uuid, RuleRow)>(connection)?;
    let exceptions = availability_exceptions::table
        .filter(availability_exceptions::practitioner_id.eq_any(&ids))
        .filter(availability_exceptions::ends_at.gt(from))
        .filter(availability_exceptions::starts_at.lt(until))
        .select((
            availability_exceptions::practitioner_id,
            (
                availability_exceptions::id,
                availability_exceptions::kind.eq(ExceptionKind::Extra.as_str()),
                availability_exceptions::starts_at,
                availability_exceptions::ends_at,
                availability_exceptions::slot_minutes,
                availability_exceptions::buffer_minutes,
                availability_exceptions::types,
            ),
        ))
        .load::<(Uuid, ExceptionRow)>(connection)?;
    let busy = practitioner_busy::table
        .filter(practitioner_busy::practitioner_id.eq_any(&ids))
        .filter(practitioner_busy::busy_until.gt(from))
        .filter(practitioner_busy::starts_at.lt(until))
        .select((practitioner_busy::practitioner_id, (practitioner_busy::starts_at, practitioner_busy::busy_until)))
        .load::<(Uuid, (StoredTimestamp, StoredTimestamp))>(connection)?;
    let (mut rules, mut exceptions, mut busy) =
        (by_practitioner(rules), by_practitioner(exceptions), by_practitioner(busy));
    let together =
        rows.into_iter().map(|(id, user_id, first_name, last_name, title, timezone, accepting_new_clients)| TimeRow {
            id,
            user_id,
            first_name,
            last_name,
            title,
            timezone,
            is_public: true,
            accepting_new_clients,
            rules: rules.remove(&id).unwrap_or_default(),
            exceptions: exceptions.remove(&id).unwrap_or_default(),
            busy: busy.remove(&id).unwrap_or_default(),
        });
    Ok(together.collect())
}

fn by_practitioner<Row>(rows: Vec<(Uuid, Row)>) -> HashMap<Uuid, Vec<Row>> {
    let mut grouped: HashMap<Uuid, Vec<Row>> = HashMap::new();
    for (practitioner, row) in rows {
        grouped.entry(practitioner).or_default().push(row);
    }
    grouped
}
