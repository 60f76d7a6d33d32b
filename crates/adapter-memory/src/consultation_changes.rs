//! Writing consultations: what the constraints refuse, and what the triggers do.
use huntzen_booking::{
    BookingError,
    consultation::{BillingStatus, Consultation, ConsultationStatus},
    slots::BusySpan,
};
use huntzen_tenancy::{StoreError, ids::UserId};
use jiff::{SignedDuration, Timestamp, civil::Date};

use crate::{
    counters,
    refusal::{allow, defect, require},
    releases::late_release,
    state::{BusyRow, ConsultationRow, State},
    statements::late_month,
    time::{civil_day, micros, whole_seconds},
    visibility::Viewer,
};

/// How long after its planned end a consultation still counts as going on.
const OVERTIME: SignedDuration = SignedDuration::from_mins(30);

/// Adds a consultation.
pub(crate) fn add(
    viewer: &Viewer,
    state: &mut State,
    consultation: &Consultation,
) -> Result<ConsultationRow, BookingError> {
    let row = ConsultationRow {
        employee: consultation.employee.ok_or_else(|| defect("a consultation without its employee"))?,
        employee_user: consultation.employee_user.ok_or_else(|| defect("a consultation without its employee"))?,
        consultation: Consultation { duration_seconds: None, actual_duration: None, ..stored(consultation) },
        service_day: None,
        late_month: None,
        late_release: None,
    };
    allow(viewer.books_for(row.employee_user, consultation.company))?;
    require(!state.consultations.contains(&consultation.id), "consultations_pkey")?;
    free_employee(state, &row)?;
    known_participants(state, &row)?;
    known_authors(state, &row)?;
    if row.is_live() {
        take_time(state, &row)?;
    }
    state.consultations.put(consultation.id, row.clone());
    Ok(row)
}

/// Writes what can change of a consultation; `None` when it is not in sight.
pub(crate) fn update(
    viewer: &Viewer,
    state: &mut State,
    consultation: &Consultation,
) -> Result<Option<ConsultationRow>, BookingError> {
    let held = state.consultations.get(&consultation.id);
    let Some(held) = held.filter(|held| viewer.changes_consultation(held)).cloned() else {
        return Ok(None);
    };
    let mut row = ConsultationRow { consultation: merged(&held.consultation, consultation), ..held.clone() };
    let is_completed = row.consultation.status == ConsultationStatus::Completed
        && held.consultation.status != ConsultationStatus::Completed;
    if is_completed {
        measure(state, &mut row)?;
    }
    let is_billed_absence = row.consultation.status == ConsultationStatus::NoShow
        && held.consultation.status != ConsultationStatus::NoShow
        && row.consultation.billing_status == BillingStatus::Validated;
    if is_billed_absence {
        let day = service_day(state, &row.consultation)?;
        row.service_day = Some(day);
        row.late_month = late_month(state, row.consultation.practitioner, day);
    }
    allow(viewer.writes_consultation(&row))?;
    free_employee(state, &row)?;
    known_authors(state, &row)?;
    if is_completed {
        counters::count(state, &row)?;
    }
    if !row.is_live() {
        state.practitioner_busy.remove(&consultation.id);
    } else if state.practitioner_busy.contains(&consultation.id) {
        take_time(state, &row)?;
    }
    state.consultations.put(consultation.id, row.clone());
    Ok(Some(row))
}

/// What `held` becomes when what can change is as in `given`.
fn merged(held: &Consultation, given: &Consultation) -> Consultation {
    Consultation {
        id: held.id,
        company: held.company,
        employee: held.employee,
        employee_user: held.employee_user,
        practitioner: held.practitioner,
        practitioner_user: held.practitioner_user,
        kind: held.kind,
        duration_seconds: held.duration_seconds,
        actual_duration: held.actual_duration,
        created_at: held.created_at,
        ..stored(given)
    }
}

/// The civil day of a consultation where its company is.
fn service_day(state: &State, consultation: &Consultation) -> Result<Date, StoreError> {
    let zone = state.companies.get(&consultation.company).map_or("UTC", |company| company.timezone.as_str());
    civil_day(consultation.scheduled_at, zone)
}

/// What an ended consultation lasted, and on which day it counts: fixed once, here.
fn measure(state: &State, row: &mut ConsultationRow) -> Result<(), StoreError> {
    let consultation = &mut row.consultation;
    let latest = consultation.ends_at.checked_add(OVERTIME).unwrap_or(Timestamp::MAX);
    let until = consultation.ended_at.map_or(latest, |ended_at| ended_at.min(latest));
    let seconds = consultation.started_at.map_or(0, |started_at| whole_seconds(started_at, until));
    consultation.duration_seconds = Some(seconds);
    consultation.actual_duration = Some(seconds / 60);
    let day = service_day(state, consultation)?;
    row.service_day = Some(day);
    row.late_month = late_month(state, row.consultation.practitioner, day);
    row.late_release = late_release(state, row.consultation.company, day);
    Ok(())
}

/// The constraints on the consultation's own times and on the employee's other ones.
fn free_employee(state: &State, row: &ConsultationRow) -> Result<(), BookingError> {
    let consultation = &row.consultation;
    require(consultation.scheduled_at < consultation.ends_at, "consultations_times")?;
    let meets = |other: &ConsultationRow| {
        other.employee == row.employee
            && other.consultation.id != consultation.id
            && other.is_live()
            && other.consultation.scheduled_at < consultation.ends_at
            && other.consultation.ends_at > consultation.scheduled_at
    };
    if row.is_live() && state.consultations.rows().any(meets) { Err(BookingError::AlreadyBooked) } else { Ok(()) }
}

/// Holds the practitioner's time, buffer included, unless another live consultation meets it.
fn take_time(state: &mut State, row: &ConsultationRow) -> Result<(), BookingError> {
    let consultation = &row.consultation;
    let buffer = SignedDuration::from_mins(consultation.buffer_minutes.into());
    let busy_until = consultation.ends_at.checked_add(buffer).unwrap_or(Timestamp::MAX);
    let span = BusySpan { starts_at: consultation.scheduled_at, busy_until };
    let is_taken = state.practitioner_busy.entries().any(|(id, other)| {
        *id != consultation.id
            && other.practitioner == consultation.practitioner
            && other.span.starts_at < span.busy_until
            && other.span.busy_until > span.starts_at
    });
    if is_taken {
        return Err(BookingError::SlotTaken);
    }
    state.practitioner_busy.put(consultation.id, BusyRow { practitioner: consultation.practitioner, span });
    Ok(())
}

fn known_participants(state: &State, row: &ConsultationRow) -> Result<(), StoreError> {
    let consultation = &row.consultation;
    require(state.companies.contains(&consultation.company), "consultations_company_id_fkey")?;
    let practitioner = state.practitioners.get(&consultation.practitioner);
    let is_theirs = practitioner.is_some_and(|one| one.user == consultation.practitioner_user);
    require(is_theirs, "consultations_practitioner_id_fkey")?;
    let employee = state.employees.get(&row.employee);
    let is_theirs = employee.is_some_and(|one| one.company == consultation.company && one.user == row.employee_user);
    require(is_theirs, "consultations_employee_fkey")
}

fn known_authors(state: &State, row: &ConsultationRow) -> Result<(), StoreError> {
    let is_known = |user: Option<UserId>| user.is_none_or(|user| state.users.contains(&user));
    require(is_known(row.consultation.cancelled_by), "consultations_cancelled_by_fkey")?;
    require(is_known(row.consultation.no_show_by), "consultations_no_show_by_fkey")
}

fn stored(consultation: &Consultation) -> Consultation {
    Consultation {
        scheduled_at: micros(consultation.scheduled_at),
        ends_at: micros(consultation.ends_at),
        started_at: consultation.started_at.map(micros),
        ended_at: consultation.ended_at.map(micros),
        cancelled_at: consultation.cancelled_at.map(micros),
        no_show_at: consultation.no_show_at.map(micros),
        planned_at: micros(consultation.planned_at),
        created_at: micros(consultation.created_at),
        updated_at: micros(consultation.updated_at),
        ..consultation.clone()
    }
}
