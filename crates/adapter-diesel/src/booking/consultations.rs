//! Consultations.
use diesel::{
    dsl::{exists, insert_into, not, select, update},
    prelude::*,
    sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use huntzen_booking::{
    BookingError,
    availability::SLOT_MINUTES,
    consultation::{
        BillingStatus, Consultation, ConsultationEvent, ConsultationList, ConsultationStatus, ConsultationView,
        Consultations, EventType,
    },
    ids::{ConsultationId, PractitionerId},
    timetable::Span,
};
use huntzen_tenancy::{
    Cursor, Job, Slice, StoreError,
    employee::EmployeeStatus,
    erasure::DeletionStatus,
    ids::{EmployeeId, UserId},
    policy::Role,
    words::Words,
};
use jiff::{SignedDuration, Timestamp, civil::Date};
use uuid::Uuid;

use super::{
    calendars::HoldCalendars,
    consultation_row::{ConsultationRow, ConsultationState, ViewRow, view},
    events::{EventRow, NewEvent},
    redacted,
};
use crate::{
    error::booking_error,
    schema::{
        companies, consultation_events, consultations, deletion_requests, employees, participant_names, scope_role,
    },
    scope::role_of,
    statement::Both,
    stored::{StoredDate, StoredTimestamp, ToDiesel, all, one, readable, slice, tellable},
    unit_of_work::PgTx,
};

const SCHEDULED: &str = "SCHEDULED";
const CONFIRMED: &str = "CONFIRMED";
const IN_PROGRESS: &str = "IN_PROGRESS";
/// The statuses that hold time.
const LIVE: [&str; 3] = [SCHEDULED, CONFIRMED, IN_PROGRESS];
/// The statuses of what is still to come.
pub(super) const AWAITED: [&str; 2] = [SCHEDULED, CONFIRMED];

/// The earliest start that can still last at `instant`: no slot is longer than the longest.
fn earliest_start(instant: Timestamp) -> StoredTimestamp {
    let longest = SignedDuration::from_mins(i64::from(*SLOT_MINUTES.end()));
    tellable(instant.checked_sub(longest).unwrap_or(Timestamp::MIN))
}

/// The live consultations that meet `span`, for one more condition.
macro_rules! live_in {
    ($span:expr) => {
        consultations::table
            .filter(consultations::status.eq_any(LIVE))
            .filter(consultations::scheduled_at.ge(earliest_start($span.from)))
            .filter(consultations::scheduled_at.lt(tellable($span.until)))
            .filter(consultations::ends_at.gt(tellable($span.from)))
    };
}

impl Consultations for PgTx {
    fn hold_calendars(&mut self, practitioner: PractitionerId, employee: EmployeeId) -> Result<(), StoreError> {
        let statement = HoldCalendars { owners: vec![practitioner.0, employee.0] };
        self.run(|connection| statement.execute(connection)).map(drop)
    }

    fn add_consultation(&mut self, consultation: &Consultation, event: &ConsultationEvent) -> Result<(), BookingError> {
        let row = (
            consultations::id.eq(consultation.id.0),
            consultations::company_id.eq(consultation.company.0),
            consultations::employee_id.eq(readable(consultation.employee, "consultations.employee_id")?.0),
            consultations::employee_user_id
                .eq(readable(consultation.employee_user, "consultations.employee_user_id")?.0),
            consultations::practitioner_id.eq(consultation.practitioner.0),
            consultations::practitioner_user_id.eq(consultation.practitioner_user.0),
            consultations::kind.eq(consultation.kind.as_str()),
            consultations::created_at.eq(consultation.created_at.to_diesel()),
            ConsultationState::try_from(consultation)?,
        );
        let statement = Both {
            main: insert_into(consultations::table).values(row),
            also: insert_into(consultation_events::table).values(NewEvent::of(consultation, event, event.kind)?),
        };
        self.run(|connection| statement.execute(connection)).map(drop).map_err(booking_error)
    }

    fn update_consultation(
        &mut self,
        consultation: &Consultation,
        event: Option<&ConsultationEvent>,
    ) -> Result<(), BookingError> {
        let change =
            update(consultations::table.find(consultation.id.0)).set(ConsultationState::try_from(consultation)?);
        let changed = match event {
            Some(event) => {
                // Taken from the row itself, so that one out of sight takes no event either.
                let also = consultations::table
                    .find(consultation.id.0)
                    .select((
                        event.id.into_sql::<SqlUuid>(),
                        consultations::id,
                        consultations::company_id,
                        consultations::employee_user_id,
                        consultations::practitioner_user_id,
                        event.kind.as_str().into_sql::<Text>(),
                        event.at.to_diesel().into_sql::<Timestamptz>(),
                        event.actor.map(|user| user.0).into_sql::<Nullable<SqlUuid>>(),
                        event.previous_start.map(StoredTimestamp::from).into_sql::<Nullable<Timestamptz>>(),
                    ))
                    .insert_into(consultation_events::table)
                    .into_columns((
                        consultation_events::id,
                        consultation_events::consultation_id,
                        consultation_events::company_id,
                        consultation_events::employee_user_id,
                        consultation_events::practitioner_user_id,
                        consultation_events::kind,
                        consultation_events::at,
                        consultation_events::actor_user_id,
                        consultation_events::previous_start,
                    ));
                self.run(|connection| Both { main: change, also }.execute(connection))
            }
            None => self.run(|connection| change.execute(connection)),
        };
        match changed.map_err(booking_error)? {
            0 => Err(BookingError::NotFound),
            _ => Ok(()),
        }
    }

    fn consultation(&mut self, id: ConsultationId, for_update: bool) -> Result<Option<Consultation>, StoreError> {
        let query = consultations::table.find(id.0).select(ConsultationRow::as_select());
        let row = self.run(|connection| {
            if for_update {
                query.for_no_key_update().first(connection).optional()
            } else {
                query.first(connection).optional()
            }
        })?;
        one(row)
    }

    fn consultation_view(&mut self, id: ConsultationId) -> Result<Option<ConsultationView>, StoreError> {
        let query = consultations::table
            .find(id.0)
            .select((ConsultationRow::as_select(), participant_names(consultations::id)));
        self.run(|connection| query.first::<ViewRow>(connection).optional())?.map(view).transpose()
    }

    fn redacted_consultation(&mut self, id: ConsultationId) -> Result<Option<ConsultationView>, StoreError> {
        self.run(|connection| redacted::consultation(connection, id))?.map(redacted::view).transpose()
    }

    fn consultations(
        &mut self,
        user: UserId,
        list: ConsultationList,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Slice<ConsultationView>, StoreError> {
        let mut query = consultations::table
            .select((ConsultationRow::as_select(), participant_names(consultations::id)))
            .limit(i64::from(limit) + 1)
            .into_boxed();
        // Each role has its own index; either condition alone lets row security use it.
        query = if self.actor.is_some_and(|actor| actor.role == Role::Practitioner) {
            query.filter(consultations::practitioner_user_id.eq(user.0))
        } else {
            query.filter(consultations::employee_user_id.eq(user.0))
        };
        let upcoming =
            |now: Timestamp| consultations::status.eq_any(LIVE).and(consultations::ends_at.gt(now.to_diesel()));
        query = match list {
            ConsultationList::Mine { status, starts } => {
                if let Some(status) = status {
                    query = query.filter(consultations::status.eq(status.as_str()));
                }
                match starts {
                    Some(span) => query
                        .filter(consultations::scheduled_at.ge(tellable(span.from)))
                        .filter(consultations::scheduled_at.lt(tellable(span.until))),
                    None => query,
                }
            }
            ConsultationList::Upcoming(now) => query.filter(upcoming(now)),
            ConsultationList::History(now) => query.filter(not(upcoming(now))),
        };
        let soonest_first = matches!(list, ConsultationList::Upcoming(_));
        if let Some(Cursor { at, id }) = cursor {
            let at = tellable(at);
            query = if soonest_first {
                query
                    .filter(consultations::scheduled_at.ge(at))
                    .filter(consultations::scheduled_at.gt(at).or(consultations::id.gt(id)))
            } else {
                query
                    .filter(consultations::scheduled_at.le(at))
                    .filter(consultations::scheduled_at.lt(at).or(consultations::id.lt(id)))
            };
        }
        query = if soonest_first {
            query.order((consultations::scheduled_at, consultations::id))
        } else {
            query.order((consultations::scheduled_at.desc(), consultations::id.desc()))
        };
        let rows = self.run(|connection| query.load::<ViewRow>(connection))?;
        let items = rows.into_iter().map(view).collect::<Result<Vec<_>, _>>()?;
        Ok(slice(items, limit, |one| Cursor { at: one.consultation.scheduled_at, id: one.consultation.id.0 }))
    }

    fn events(&mut self, id: ConsultationId) -> Result<Vec<ConsultationEvent>, StoreError> {
        let query = consultation_events::table
            .filter(consultation_events::consultation_id.eq(id.0))
            .select(EventRow::as_select())
            .order((consultation_events::at, consultation_events::id));
        all(self.run(|connection| query.load(connection))?)
    }

    fn redacted_events(&mut self, id: ConsultationId) -> Result<Vec<ConsultationEvent>, StoreError> {
        all(self.run(|connection| redacted::events(connection, id))?)
    }

    fn add_room_event(&mut self, consultation: &Consultation, event: &ConsultationEvent) -> Result<(), StoreError> {
        let first = NewEvent::of(consultation, event, EventType::RoomJoined)?;
        let later = NewEvent::of(consultation, event, EventType::RoomTokenIssued)?;
        // The index that knows who joined decides, even between two requests at once.
        let joins = insert_into(consultation_events::table).values(first).on_conflict_do_nothing();
        self.run(|connection| match joins.execute(connection)? {
            0 => insert_into(consultation_events::table).values(later).execute(connection),
            joined => Ok(joined),
        })
        .map(drop)
    }

    fn has_completed_with(&mut self, employee: UserId, practitioner: PractitionerId) -> Result<bool, StoreError> {
        let completed = consultations::table
            .filter(consultations::employee_user_id.eq(employee.0))
            .filter(consultations::practitioner_id.eq(practitioner.0))
            .filter(consultations::status.eq(ConsultationStatus::Completed.as_str()));
        self.run(|connection| select(exists(completed)).get_result(connection))
    }

    fn completed_with(&mut self, employee: UserId) -> Result<Vec<PractitionerId>, StoreError> {
        let query = consultations::table
            .filter(consultations::employee_user_id.eq(employee.0))
            .filter(consultations::status.eq(ConsultationStatus::Completed.as_str()))
            .select(consultations::practitioner_id)
            .distinct();
        let ids = self.run(|connection| query.load::<Uuid>(connection))?;
        Ok(ids.into_iter().map(PractitionerId).collect())
    }

    fn live_between(&mut self, practitioner: UserId, span: Span) -> Result<Vec<Consultation>, StoreError> {
        let query = live_in!(span)
            .filter(consultations::practitioner_user_id.eq(practitioner.0))
            .select(ConsultationRow::as_select())
            .order((consultations::scheduled_at, consultations::id));
        all(self.run(|connection| query.load(connection))?)
    }

    fn forgotten(
        &mut self,
        ended_before: Timestamp,
        started_before: Timestamp,
        limit: u32,
    ) -> Result<Vec<Consultation>, StoreError> {
        let running = consultations::status.eq(IN_PROGRESS).and(consultations::ends_at.lt(ended_before.to_diesel()));
        let never_started = consultations::status
            .eq_any(AWAITED)
            .and(consultations::billing_status.eq(BillingStatus::Pending.as_str()))
            .and(consultations::scheduled_at.lt(started_before.to_diesel()));
        let query = consultations::table
            .filter(scope_role().eq(role_of(Job::EndForgotten)))
            .filter(running.or(never_started))
            .select(ConsultationRow::as_select())
            .order((consultations::scheduled_at, consultations::id))
            .limit(limit.into())
            .for_no_key_update()
            .skip_locked();
        all(self.run(|connection| query.load(connection))?)
    }

    fn far_and_ineligible(&mut self, after: Timestamp, limit: u32) -> Result<Vec<Consultation>, StoreError> {
        let ineligible = employees::table
            .inner_join(companies::table)
            .filter(employees::status.ne(EmployeeStatus::Eligible.as_str()).or(not(companies::is_active)))
            .select(employees::id);
        let query = consultations::table
            .filter(scope_role().eq(role_of(Job::Eligibility)))
            .filter(consultations::status.eq_any(AWAITED))
            .filter(consultations::scheduled_at.gt(after.to_diesel()))
            .filter(consultations::employee_id.eq_any(ineligible))
            .select(ConsultationRow::as_select())
            .order((consultations::scheduled_at, consultations::id))
            .limit(limit.into())
            .for_no_key_update()
            .skip_locked();
        all(self.run(|connection| query.load(connection))?)
    }

    fn of_departing(&mut self, now: Timestamp, limit: u32) -> Result<Vec<Consultation>, StoreError> {
        let now = now.to_diesel();
        let departing = deletion_requests::table
            .filter(
                deletion_requests::status.eq(DeletionStatus::Completed.as_str()).or(deletion_requests::status
                    .eq(DeletionStatus::Pending.as_str())
                    .and(deletion_requests::deletion_date.le(now))),
            )
            .select(deletion_requests::user_id);
        let query = consultations::table
            .filter(scope_role().eq(role_of(Job::Erasure)))
            .filter(consultations::status.eq_any(AWAITED))
            .filter(consultations::scheduled_at.gt(now))
            .filter(
                consultations::employee_user_id
                    .eq_any(departing)
                    .or(consultations::practitioner_user_id.eq_any(departing)),
            )
            .select(ConsultationRow::as_select())
            .order((consultations::scheduled_at, consultations::id))
            .limit(limit.into())
            .for_no_key_update()
            .skip_locked();
        all(self.run(|connection| query.load(connection))?)
    }

    fn service_day(&mut self, id: ConsultationId) -> Result<Option<Date>, StoreError> {
        let query = consultations::table.find(id.0).select(consultations::service_day);
        let day = self.run(|connection| query.first::<Option<StoredDate>>(connection).optional())?;
        Ok(day.flatten().map(StoredDate::to_jiff))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_the_domain() {
        use ConsultationStatus::{Confirmed, InProgress, Scheduled};
        assert_eq!(LIVE, [Scheduled, Confirmed, InProgress].map(Words::as_str));
        assert_eq!(AWAITED, [Scheduled, Confirmed].map(Words::as_str));
    }
}
