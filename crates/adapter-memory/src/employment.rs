//! What follows from a change of an employee: employment periods, and the account's names.
use huntzen_tenancy::{
    Job, StoreError,
    employee::{Employee, EmployeeStatus, EmploymentPeriod},
    ids::{EmployeeId, UserId},
};
use jiff::{Timestamp, civil::Date};

use crate::{refusal::require, state::State, time::civil_day, visibility::Viewer};

/// The periods of one employee, oldest first.
pub(crate) fn periods(viewer: &Viewer, state: &State, id: EmployeeId) -> Vec<EmploymentPeriod> {
    if !viewer.is_job(Job::Audit) {
        return Vec::new();
    }
    let theirs = state.employment_periods.entries().filter(|((employee, _), _)| *employee == id);
    theirs.map(|(_, period)| period.clone()).collect()
}

/// Opens a period on the day of `updated_at`, when the employee is eligible; not before the last
/// one ended, should the company's zone have moved westwards meanwhile.
pub(crate) fn open(state: &mut State, employee: &Employee) -> Result<(), StoreError> {
    let theirs = state.employment_periods.entries().filter(|((id, _), _)| *id == employee.id);
    let ended = theirs.filter_map(|(_, period)| period.until).max();
    let today = day_of_change(state, employee)?;
    let today = ended.map_or(today, |ended| today.max(ended));
    if employee.status == EmployeeStatus::Eligible {
        let meets = |id: &EmployeeId, period: &EmploymentPeriod| {
            *id == employee.id && period.until.is_none_or(|until| until > today)
        };
        let is_free = !state.employment_periods.entries().any(|((id, _), period)| meets(id, period));
        require(is_free, "employment_periods_no_overlap")?;
        let period = EmploymentPeriod { department: employee.department.clone(), from: today, until: None };
        state.employment_periods.put((employee.id, today), period);
    }
    Ok(())
}

/// Closes the open period on the day of `updated_at` (one that began that day never was) and
/// opens the next.
pub(crate) fn change(state: &mut State, employee: &Employee) -> Result<(), StoreError> {
    let today = day_of_change(state, employee)?;
    let open_period = state
        .employment_periods
        .entries()
        .find(|((id, _), period)| *id == employee.id && period.until.is_none())
        .map(|(key, period)| (*key, period.clone()));
    if let Some((key, period)) = open_period {
        if period.from >= today {
            state.employment_periods.remove(&key);
        } else {
            state.employment_periods.put(key, EmploymentPeriod { until: Some(today), ..period });
        }
    }
    open(state, employee)
}

fn day_of_change(state: &State, employee: &Employee) -> Result<Date, StoreError> {
    let zone = state.companies.get(&employee.company).map_or("UTC", |company| company.timezone.as_str());
    civil_day(employee.updated_at, zone)
}

impl State {
    /// Gives an account the names of its entry.
    pub(crate) fn name_account(&mut self, id: UserId, (first, last): (&String, &String), at: Timestamp) {
        self.users.change(
            |user| user.id == id,
            |user| {
                user.first_name.clone_from(first);
                user.last_name.clone_from(last);
                user.updated_at = at;
            },
        );
    }
}
