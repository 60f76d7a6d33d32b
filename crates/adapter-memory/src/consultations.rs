//! Consultations.
use std::{cmp::Reverse, collections::BTreeSet};

use huntzen_booking::{
    BookingError,
    consultation::{
        BillingStatus, Consultation, ConsultationEvent, ConsultationList, ConsultationStatus, ConsultationView,
        Consultations, ParticipantNames,
    },
    ids::{ConsultationId, PractitionerId},
    timetable::Span,
};
use huntzen_tenancy::{
    Cursor, Job, Slice, StoreError,
    employee::EmployeeStatus,
    erasure::DeletionStatus,
    ids::{EmployeeId, UserId},
};
use jiff::{Timestamp, civil::Date};

use crate::{
    consultation_changes as changes, consultation_events as events,
    paging::slice,
    state::{ConsultationRow, State},
    store::MemoryTx,
    time::micros,
    visibility::Viewer,
};

impl Consultations for MemoryTx {
    fn hold_calendars(&mut self, _practitioner: PractitionerId, _employee: EmployeeId) -> Result<(), StoreError> {
        // No two units of work go on at once.
        self.read(|_, _| ())
    }

    fn add_consultation(&mut self, consultation: &Consultation, event: &ConsultationEvent) -> Result<(), BookingError> {
        self.write(|viewer, state| {
            let row = changes::add(viewer, state, consultation)?;
            Ok(events::add(viewer, state, &row, event)?)
        })
    }

    fn update_consultation(
        &mut self,
        consultation: &Consultation,
        event: Option<&ConsultationEvent>,
    ) -> Result<(), BookingError> {
        let is_found = self.write(|viewer, state| {
            let Some(row) = changes::update(viewer, state, consultation)? else {
                return Ok(false);
            };
            if let Some(event) = event {
                events::add(viewer, state, &row, event)?;
            }
            Ok::<_, BookingError>(true)
        })?;
        if is_found { Ok(()) } else { Err(BookingError::NotFound) }
    }

    fn consultation(&mut self, id: ConsultationId, for_update: bool) -> Result<Option<Consultation>, StoreError> {
        self.read(|viewer, state| {
            let row = seen(viewer, state, id)?;
            (!for_update || viewer.changes_consultation(row)).then(|| row.consultation.clone())
        })
    }

    fn consultation_view(&mut self, id: ConsultationId) -> Result<Option<ConsultationView>, StoreError> {
        self.read(|viewer, state| view(viewer, state, seen(viewer, state, id)?))
    }

    fn redacted_consultation(&mut self, id: ConsultationId) -> Result<Option<ConsultationView>, StoreError> {
        self.read(|viewer, state| {
            let row = state.consultations.get(&id).filter(|_| viewer.sees_redacted())?;
            let names = ParticipantNames { employee: None, ..names(state, row)? };
            Some(ConsultationView { consultation: redacted(&row.consultation), names })
        })
    }

    fn consultations(
        &mut self,
        user: UserId,
        list: ConsultationList,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Slice<ConsultationView>, StoreError> {
        let cursor = cursor.map(|cursor| (micros(cursor.at), ConsultationId(cursor.id)));
        self.read(|viewer, state| {
            let is_theirs =
                |row: &&ConsultationRow| row.concerns(user) && viewer.is_user(user) && viewer.sees_consultation(row);
            let mut rows: Vec<&ConsultationRow> = state.consultations.rows().filter(is_theirs).collect();
            rows.retain(|row| is_listed(&row.consultation, list));
            if matches!(list, ConsultationList::Upcoming(_)) {
                rows.retain(|row| cursor.is_none_or(|cursor| row.place() > cursor));
                rows.sort_by_key(|row| row.place());
            } else {
                rows.retain(|row| cursor.is_none_or(|cursor| row.place() < cursor));
                rows.sort_by_key(|row| Reverse(row.place()));
            }
            let part = slice(rows, limit, |row| Cursor { at: row.place().0, id: row.place().1.0 });
            let items = part.items.into_iter().filter_map(|row| view(viewer, state, row)).collect();
            Slice { items, next: part.next }
        })
    }

    fn events(&mut self, id: ConsultationId) -> Result<Vec<ConsultationEvent>, StoreError> {
        self.read(|viewer, state| events::of(state, id, |row| viewer.sees_event(row).then(|| row.event.clone())))
    }

    fn redacted_events(&mut self, id: ConsultationId) -> Result<Vec<ConsultationEvent>, StoreError> {
        self.read(|viewer, state| {
            events::of(state, id, |row| {
                let actor = row.event.actor.filter(|actor| *actor == row.practitioner_user);
                viewer.sees_redacted().then(|| ConsultationEvent { actor, ..row.event.clone() })
            })
        })
    }

    fn add_room_event(&mut self, consultation: &Consultation, event: &ConsultationEvent) -> Result<(), StoreError> {
        self.write(|viewer, state| events::add_room_event(viewer, state, consultation, event))
    }

    fn has_completed_with(&mut self, employee: UserId, practitioner: PractitionerId) -> Result<bool, StoreError> {
        self.read(|viewer, state| completed_with(viewer, state, employee).contains(&practitioner))
    }

    fn completed_with(&mut self, employee: UserId) -> Result<Vec<PractitionerId>, StoreError> {
        self.read(|viewer, state| completed_with(viewer, state, employee).into_iter().collect())
    }

    fn live_between(&mut self, practitioner: UserId, span: Span) -> Result<Vec<Consultation>, StoreError> {
        self.read(|viewer, state| {
            let is_wanted = |row: &&ConsultationRow| {
                row.consultation.practitioner_user == practitioner
                    && row.is_live()
                    && row.meets(span)
                    && viewer.sees_consultation(row)
            };
            soonest(state.consultations.rows().filter(is_wanted), usize::MAX)
        })
    }

    fn forgotten(
        &mut self,
        ended_before: Timestamp,
        started_before: Timestamp,
        limit: u32,
    ) -> Result<Vec<Consultation>, StoreError> {
        let (ended_before, started_before) = (micros(ended_before), micros(started_before));
        self.read(|viewer, state| {
            let is_forgotten = |row: &&ConsultationRow| {
                let consultation = &row.consultation;
                let is_over = match consultation.status {
                    ConsultationStatus::InProgress => consultation.ends_at < ended_before,
                    ConsultationStatus::Scheduled | ConsultationStatus::Confirmed => {
                        consultation.billing_status == BillingStatus::Pending
                            && consultation.scheduled_at < started_before
                    }
                    ConsultationStatus::Completed | ConsultationStatus::Cancelled | ConsultationStatus::NoShow => false,
                };
                is_over && viewer.is_job(Job::EndForgotten)
            };
            soonest(state.consultations.rows().filter(is_forgotten), limit as usize)
        })
    }

    fn far_and_ineligible(&mut self, after: Timestamp, limit: u32) -> Result<Vec<Consultation>, StoreError> {
        let after = micros(after);
        self.read(|viewer, state| {
            let is_ineligible = |row: &ConsultationRow| {
                let both = state.employees.get(&row.employee).zip(state.companies.get(&row.consultation.company));
                both.is_some_and(|(employee, company)| {
                    employee.status != EmployeeStatus::Eligible || !company.is_active
                })
            };
            let is_wanted = |row: &&ConsultationRow| {
                row.is_awaited()
                    && row.consultation.scheduled_at > after
                    && viewer.is_job(Job::Eligibility)
                    && is_ineligible(row)
            };
            soonest(state.consultations.rows().filter(is_wanted), limit as usize)
        })
    }

    fn of_departing(&mut self, now: Timestamp, limit: u32) -> Result<Vec<Consultation>, StoreError> {
        let now = micros(now);
        self.read(|viewer, state| {
            let is_departing = |user: UserId| {
                state.deletion_requests.rows().any(|request| {
                    let is_due = request.status == DeletionStatus::Pending && request.deletion_date <= now;
                    request.user == user && (is_due || request.status == DeletionStatus::Completed)
                })
            };
            let is_wanted = |row: &&ConsultationRow| {
                row.is_awaited()
                    && row.consultation.scheduled_at > now
                    && viewer.is_job(Job::Erasure)
                    && (is_departing(row.employee_user) || is_departing(row.consultation.practitioner_user))
            };
            soonest(state.consultations.rows().filter(is_wanted), limit as usize)
        })
    }

    fn service_day(&mut self, id: ConsultationId) -> Result<Option<Date>, StoreError> {
        self.read(|viewer, state| seen(viewer, state, id)?.service_day)
    }
}

impl ConsultationRow {
    /// Whether it holds the time of its participants.
    pub(crate) fn is_live(&self) -> bool {
        is_live(self.consultation.status)
    }

    /// Whether it is yet to start.
    pub(crate) fn is_awaited(&self) -> bool {
        matches!(self.consultation.status, ConsultationStatus::Scheduled | ConsultationStatus::Confirmed)
    }

    /// Whether its time, without the buffer, meets `span`.
    fn meets(&self, span: Span) -> bool {
        self.consultation.scheduled_at < micros(span.until) && self.consultation.ends_at > micros(span.from)
    }

    pub(crate) fn concerns(&self, user: UserId) -> bool {
        self.employee_user == user || self.consultation.practitioner_user == user
    }

    /// Its place in lists by start.
    pub(crate) fn place(&self) -> (Timestamp, ConsultationId) {
        (self.consultation.scheduled_at, self.consultation.id)
    }
}

fn is_live(status: ConsultationStatus) -> bool {
    matches!(status, ConsultationStatus::Scheduled | ConsultationStatus::Confirmed | ConsultationStatus::InProgress)
}

fn is_listed(consultation: &Consultation, list: ConsultationList) -> bool {
    let is_upcoming = |now: Timestamp| is_live(consultation.status) && consultation.ends_at > micros(now);
    match list {
        ConsultationList::Mine { status, starts } => {
            let at = consultation.scheduled_at;
            status.is_none_or(|status| consultation.status == status)
                && starts.is_none_or(|span| micros(span.from) <= at && at < micros(span.until))
        }
        ConsultationList::Upcoming(now) => is_upcoming(now),
        ConsultationList::History(now) => !is_upcoming(now),
    }
}

/// With whom this employee account completed a consultation.
fn completed_with(viewer: &Viewer, state: &State, employee: UserId) -> BTreeSet<PractitionerId> {
    let is_theirs = |row: &&ConsultationRow| {
        row.employee_user == employee
            && row.consultation.status == ConsultationStatus::Completed
            && viewer.sees_consultation(row)
    };
    state.consultations.rows().filter(is_theirs).map(|row| row.consultation.practitioner).collect()
}

fn seen<'a>(viewer: &Viewer, state: &'a State, id: ConsultationId) -> Option<&'a ConsultationRow> {
    state.consultations.get(&id).filter(|row| viewer.sees_consultation(row))
}

fn soonest<'a>(rows: impl Iterator<Item = &'a ConsultationRow>, limit: usize) -> Vec<Consultation> {
    let mut rows: Vec<&ConsultationRow> = rows.collect();
    rows.sort_by_key(|row| row.place());
    rows.into_iter().take(limit).map(|row| row.consultation.clone()).collect()
}

/// The consultation with both names, which are for its participants alone.
fn view(viewer: &Viewer, state: &State, row: &ConsultationRow) -> Option<ConsultationView> {
    let names = names(state, row).filter(|_| viewer.user().is_some_and(|user| row.concerns(user)))?;
    Some(ConsultationView { consultation: row.consultation.clone(), names })
}

fn names(state: &State, row: &ConsultationRow) -> Option<ParticipantNames> {
    let employee = state.employees.get(&row.employee)?;
    let practitioner = state.practitioners.get(&row.consultation.practitioner)?;
    Some(ParticipantNames {
        employee: Some((employee.first_name.clone(), employee.last_name.clone())),
        practitioner_first_name: practitioner.first_name.clone(),
        practitioner_last_name: practitioner.last_name.clone(),
        practitioner_title: practitioner.title.clone(),
    })
}

/// The consultation without the employee, the reasons and the room.
fn redacted(consultation: &Consultation) -> Consultation {
    let practitioners = |user: Option<UserId>| user.filter(|user| *user == consultation.practitioner_user);
    Consultation {
        employee: None,
        employee_user: None,
        reason: None,
        room_name: None,
        cancelled_by: practitioners(consultation.cancelled_by),
        cancel_reason: None,
        no_show_by: practitioners(consultation.no_show_by),
        sequence: 0,
        planned_at: consultation.created_at,
        ..consultation.clone()
    }
}
