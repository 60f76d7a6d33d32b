//! Releases of companies' months, and what they are made of.
use std::{
    collections::{BTreeMap, BTreeSet},
    iter::successors,
};

use huntzen_booking::consultation::ConsultationStatus;
use huntzen_metrics::{EligibleEmployee, Month, MonthTotal, NamedRow, PublishedCell, Release, Releases, UsageTotals};
use huntzen_tenancy::{
    Job, StoreError,
    company::{Company, Reporting},
    employee::{Employee, EmploymentPeriod},
    ids::{CompanyId, EmployeeId, UserId},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use uuid::Uuid;

use crate::{
    refusal::allow,
    state::{ConsultationRow, State},
    store::MemoryTx,
    time::{civil_day, micros},
};

impl Releases for MemoryTx {
    fn missing_releases(
        &mut self,
        now: Timestamp,
        close_day: i8,
        limit: u32,
    ) -> Result<Vec<(Uuid, Month)>, StoreError> {
        self.read(|viewer, state| {
            if !viewer.is_job(Job::Closing) {
                return Vec::new();
            }
            let of_company = |company: &Company| {
                let zone = TimeZone::get(&company.timezone).unwrap_or(TimeZone::UTC);
                let last = Month::last_closed(now, close_day, &zone);
                let months = successors(Some(first_month(state, company, &zone)), |month| {
                    Some(month.next()).filter(|next| next > month)
                });
                let id = company.id;
                months.take_while(move |month| *month <= last).map(move |month| (month, id))
            };
            let missing: BTreeSet<(Month, CompanyId)> = state
                .companies
                .rows()
                .flat_map(of_company)
                .filter(|(month, id)| !state.releases.contains(&(*id, month.first())))
                .collect();
            missing.into_iter().take(limit as usize).map(|(month, id)| (id.0, month)).collect()
        })
    }

    /// One unit of work writes at a time.
    fn hold_releases(&mut self, _company: Uuid) -> Result<(), StoreError> {
        self.read(|_, _| ())
    }

    fn release_people(&mut self, company: Uuid, month: Month) -> Result<Vec<EligibleEmployee>, StoreError> {
        self.read(|viewer, state| {
            if !viewer.is_job(Job::Closing) {
                return Vec::new();
            }
            let mut used: BTreeMap<EmployeeId, Vec<&ConsultationRow>> = BTreeMap::new();
            for row in counted(state, CompanyId(company), month) {
                used.entry(row.employee).or_default().push(row);
            }
            let employees = state.employees.rows().filter(|employee| employee.company == CompanyId(company));
            let eligible = |employee: &Employee| {
                let period = first_period(state, employee.id, month)?;
                let mut used = used.get(&employee.id).cloned().unwrap_or_default();
                used.sort_by_key(|row| (row.consultation.scheduled_at, row.consultation.id));
                Some(EligibleEmployee {
                    employee: employee.id.0,
                    user: employee.user,
                    agrees: agreed_in_time(state, employee, month),
                    department: period.department.clone(),
                    seconds: used.iter().filter_map(|row| row.consultation.duration_seconds).collect(),
                    minutes: used.iter().filter_map(|row| row.consultation.actual_duration).collect(),
                })
            };
            employees.filter_map(eligible).collect()
        })
    }

    fn release_total(&mut self, company: Uuid, month: Month) -> Result<MonthTotal, StoreError> {
        self.read(|viewer, state| {
            let rows = counted(state, CompanyId(company), month).filter(|_| viewer.is_job(Job::Closing));
            let mut users = BTreeSet::new();
            let mut totals = UsageTotals::default();
            for row in rows {
                users.insert(row.employee);
                totals = totals.plus(UsageTotals {
                    consultations: 1,
                    seconds: row.consultation.duration_seconds.unwrap_or_default().into(),
                    minutes: row.consultation.actual_duration.unwrap_or_default().into(),
                });
            }
            MonthTotal { users: users.len() as u64, totals }
        })
    }

    fn reporting(&mut self, company: Uuid) -> Result<Reporting, StoreError> {
        self.read(|viewer, state| {
            let company = state.companies.get(&CompanyId(company));
            let in_sight = company.filter(|company| viewer.sees_reporting(company.id));
            in_sight.map(|company| company.reporting.clone()).unwrap_or_default()
        })
    }

    fn add_release(&mut self, release: &Release) -> Result<bool, StoreError> {
        self.write(|viewer, state| {
            allow(viewer.is_job(Job::Closing))?;
            let key = (CompanyId(release.company), release.month.first());
            let is_first = !state.releases.contains(&key);
            if is_first {
                state.releases.put(key, Release { closed_at: micros(release.closed_at), ..release.clone() });
            }
            Ok(is_first)
        })
    }

    fn released_cells(
        &mut self,
        company: Uuid,
        from: Month,
        to: Month,
    ) -> Result<Vec<(Month, PublishedCell)>, StoreError> {
        self.read(|viewer, state| {
            let releases = between(state, company, from, to).filter(|_| viewer.sees_cells(CompanyId(company)));
            releases.flat_map(|one| one.cells.iter().map(|cell| (one.month, cell.clone()))).collect()
        })
    }

    fn released_people(&mut self, company: Uuid, from: Month, to: Month) -> Result<Vec<NamedRow>, StoreError> {
        self.read(|viewer, state| {
            let mut rows = Vec::new();
            for release in between(state, company, from, to) {
                for usage in release.people.iter().filter(|one| viewer.sees_named(CompanyId(company), one.user)) {
                    let Some(employee) = state.employees.get(&EmployeeId(usage.employee)) else { continue };
                    let names = (employee.last_name.clone(), employee.first_name.clone());
                    let name = format!("{} {}", employee.first_name, employee.last_name);
                    let row = NamedRow { month: release.month, name, usage: usage.clone() };
                    rows.push(((row.month, names, row.usage.employee), row));
                }
            }
            rows.sort_by(|(one, _), (other, _)| one.cmp(other));
            rows.into_iter().map(|(_, row)| row).collect()
        })
    }

    fn invoice(&mut self, company: Uuid, month: Month) -> Result<Option<UsageTotals>, StoreError> {
        self.read(|viewer, state| {
            let release = state.releases.get(&(CompanyId(company), month.first()))?;
            release.invoice.filter(|_| viewer.sees_invoices())
        })
    }

    fn company_name(&mut self, company: Uuid) -> Result<Option<String>, StoreError> {
        self.read(|viewer, state| {
            let company = state.companies.get(&CompanyId(company));
            company.filter(|company| viewer.sees_company(company.id)).map(|company| company.name.clone())
        })
    }
}

/// The month that a consultation counts in which ends now, when its own is closed.
pub(crate) fn late_release(state: &State, company: CompanyId, day: Date) -> Option<Month> {
    let own = Month::of(day);
    let closed = state.releases.entries().filter(|((id, _), held)| *id == company && held.month >= own);
    closed.map(|(_, held)| held.month).max().map(Month::next)
}

/// Who no longer agrees is no longer named, in no month.
pub(crate) fn withdraw(state: &mut State, user: UserId) {
    let is_named = |release: &Release| release.people.iter().any(|one| one.user == user);
    state.releases.change(is_named, |release| release.people.retain(|one| one.user != user));
}

/// The completed consultations that count in a month.
fn counted(state: &State, company: CompanyId, month: Month) -> impl Iterator<Item = &ConsultationRow> {
    let rows = state.consultations.rows().filter(move |row| {
        row.consultation.company == company && row.consultation.status == ConsultationStatus::Completed
    });
    rows.filter(move |row| row.service_day.is_some_and(|day| row.late_release.unwrap_or(Month::of(day)) == month))
}

/// Whether somebody had agreed to be named before the month was over where the company is.
fn agreed_in_time(state: &State, employee: &Employee, month: Month) -> bool {
    let zone = state.companies.get(&employee.company).map_or("UTC", |company| company.timezone.as_str());
    let since = state.shares_usage.get(&employee.user).and_then(|since| civil_day(*since, zone).ok());
    since.is_some_and(|since| since <= month.last())
}

/// The first period of an employee that has a day in the month.
fn first_period(state: &State, id: EmployeeId, month: Month) -> Option<&EmploymentPeriod> {
    let theirs = state.employment_periods.entries().filter(|((employee, _), _)| *employee == id);
    let in_month = theirs
        .map(|(_, period)| period)
        .filter(|period| period.from <= month.last() && period.until.is_none_or(|until| until > month.first()));
    in_month.min_by_key(|period| period.from)
}

fn between(state: &State, company: Uuid, from: Month, to: Month) -> impl Iterator<Item = &Release> {
    let entries = state.releases.entries().filter(move |((id, _), _)| id.0 == company);
    entries.map(|(_, release)| release).filter(move |release| from <= release.month && release.month <= to)
}

/// The month in which a company was made, or of the first day that counts.
fn first_month(state: &State, company: &Company, zone: &TimeZone) -> Month {
    let made = company.created_at.to_zoned(zone.clone()).date();
    let days = state.company_days.entries().filter(|((id, _), _)| *id == company.id);
    let first = days.map(|((_, day), _)| *day).min();
    Month::of(first.map_or(made, |first| first.min(made)))
}
