//! Statements, their lines, and which of them are missing.
use std::{collections::BTreeSet, iter::successors};

use huntzen_booking::{
    consultation::{BillingStatus, ConsultationStatus},
    ids::PractitionerId,
    practitioner::Practitioner,
};
use huntzen_metrics::{ClosedStatement, Month, Payee, StatementLine, Statements, month::CLOSING_ZONE};
use huntzen_tenancy::{Job, StoreError};
use jiff::{civil::Date, tz::TimeZone};
use uuid::Uuid;

use crate::{
    refusal::allow,
    state::{ConsultationRow, State},
    store::MemoryTx,
};

impl Statements for MemoryTx {
    fn payee(&mut self) -> Result<Option<Payee>, StoreError> {
        self.read(|viewer, state| state.practitioners.rows().find(|row| viewer.is_user(row.user)).map(payee))
    }

    fn missing_statements(&mut self, last: Month, limit: u32) -> Result<Vec<(Payee, Month)>, StoreError> {
        self.read(|viewer, state| {
            if !viewer.is_job(Job::Closing) {
                return Vec::new();
            }
            let missing: BTreeSet<(Month, PractitionerId)> = state
                .practitioners
                .entries()
                .flat_map(|(id, row)| {
                    let months = successors(Some(first_month(state, *id, row)), |month| {
                        Some(month.next()).filter(|next| next > month)
                    });
                    months.take_while(|month| *month <= last).map(|month| (month, *id))
                })
                .filter(|(month, id)| !state.practitioner_statements.contains(&(*id, month.first())))
                .collect();
            let named = missing.into_iter().take(limit as usize);
            named.filter_map(|(month, id)| Some((payee(state.practitioners.get(&id)?), month))).collect()
        })
    }

    /// One unit of work writes at a time.
    fn hold_statements(&mut self, _practitioner: Uuid) -> Result<(), StoreError> {
        self.read(|_, _| ())
    }

    fn statement_lines(&mut self, practitioner: Uuid, month: Month) -> Result<Vec<StatementLine>, StoreError> {
        self.read(|viewer, state| {
            let mut rows: Vec<(Date, &ConsultationRow)> = state
                .consultations
                .rows()
                .filter(|row| row.consultation.practitioner.0 == practitioner && is_paid(row))
                .filter(|row| viewer.is_job(Job::Closing) || viewer.is_user(row.consultation.practitioner_user))
                .filter_map(|row| Some((row.service_day?, row)))
                .filter(|(day, row)| row.late_month.unwrap_or(Month::of(*day)) == month)
                .collect();
            rows.sort_by_key(|(day, row)| (*day, row.consultation.scheduled_at, row.consultation.id));
            let line = |(day, row): (Date, &ConsultationRow)| {
                let company = state.companies.get(&row.consultation.company)?;
                let minutes = row.consultation.actual_duration.unwrap_or_default();
                Some(StatementLine { day, company: company.id.0, company_name: company.name.clone(), minutes })
            };
            rows.into_iter().filter_map(line).collect()
        })
    }

    fn closed_statement(&mut self, practitioner: Uuid, month: Month) -> Result<Option<ClosedStatement>, StoreError> {
        self.read(|viewer, state| {
            let held = state.practitioner_statements.get(&(PractitionerId(practitioner), month.first()));
            held.filter(|held| viewer.is_job(Job::Closing) || viewer.is_user(held.user)).cloned()
        })
    }

    fn add_statement(&mut self, statement: &ClosedStatement) -> Result<bool, StoreError> {
        self.write(|viewer, state| {
            allow(viewer.is_job(Job::Closing))?;
            let key = (PractitionerId(statement.practitioner), statement.month.first());
            let is_first = !state.practitioner_statements.contains(&key);
            if is_first {
                state.practitioner_statements.put(key, statement.clone());
            }
            Ok(is_first)
        })
    }
}

/// The statement that a consultation is a line of which ends now, when its own is closed.
pub(crate) fn late_month(state: &State, practitioner: PractitionerId, day: Date) -> Option<Month> {
    let own = Month::of(day);
    let closed =
        state.practitioner_statements.entries().filter(|((id, _), held)| *id == practitioner && held.month >= own);
    closed.map(|(_, held)| held.month).max().map(Month::next)
}

fn is_paid(row: &ConsultationRow) -> bool {
    matches!(row.consultation.status, ConsultationStatus::Completed | ConsultationStatus::NoShow)
        && row.consultation.billing_status == BillingStatus::Validated
}

fn payee(one: &Practitioner) -> Payee {
    Payee::new(one.id.0, one.user, one.title.as_deref(), &one.first_name, &one.last_name)
}

/// The month in which a practitioner came, or of the first day that counts.
fn first_month(state: &State, id: PractitionerId, one: &Practitioner) -> Month {
    let paris = TimeZone::get(CLOSING_ZONE).unwrap_or(TimeZone::UTC);
    let came = one.created_at.to_zoned(paris).date();
    let first = state.practitioner_days.entries().filter(|((of, _), _)| *of == id).map(|((_, day), _)| *day).min();
    Month::of(first.map_or(came, |first| first.min(came)))
}
