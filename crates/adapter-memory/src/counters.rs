//! Usage counters, a row a day, written when a consultation is completed.
use huntzen_booking::ids::PractitionerId;
use huntzen_metrics::{Counters, DailyTotals, Period, PractitionerDay as Day, counters::ActivityDay};
use huntzen_tenancy::{
    Job, StoreError,
    ids::{CompanyId, EmployeeId, UserId},
};
use jiff::civil::Date;
use uuid::Uuid;

use crate::{
    refusal::defect,
    state::{ConsultationRow, PractitionerDay, State},
    store::MemoryTx,
    table::Table,
};

impl Counters for MemoryTx {
    fn practitioner_totals(&mut self, practitioner: Uuid, period: Period) -> Result<DailyTotals, StoreError> {
        self.read(|viewer, state| {
            let days = state.practitioner_days.entries().filter(|((id, day), row)| {
                id.0 == practitioner && holds(period, *day) && viewer.sees_figures(row.user)
            });
            days.fold(DailyTotals::default(), |sum, (_, row)| DailyTotals {
                consultations: sum.consultations + row.consultations,
                total_duration_seconds: sum.total_duration_seconds + row.total_duration_seconds,
                total_duration_minutes: sum.total_duration_minutes + row.total_duration_minutes,
                active_days: sum.active_days + 1,
            })
        })
    }

    fn practitioner_days(&mut self, practitioner: Uuid, period: Period) -> Result<Vec<Day>, StoreError> {
        self.read(|viewer, state| {
            let days = state.practitioner_days.entries().filter(|((id, day), row)| {
                id.0 == practitioner && holds(period, *day) && viewer.sees_figures(row.user)
            });
            let day = |((_, day), row): (&(PractitionerId, Date), &PractitionerDay)| Day {
                day: *day,
                consultations: row.consultations,
                minutes: row.total_duration_minutes,
            };
            days.map(day).collect()
        })
    }

    fn practitioner_account(&mut self, practitioner: Uuid) -> Result<Option<UserId>, StoreError> {
        self.read(|viewer, state| {
            let row = state.practitioners.get(&PractitionerId(practitioner));
            row.map(|row| row.user).filter(|user| viewer.sees_figures(*user))
        })
    }

    fn employee_days(&mut self, employee: Uuid, period: Period) -> Result<Vec<ActivityDay>, StoreError> {
        self.read(|viewer, state| {
            let days = state
                .employee_days
                .entries()
                .filter(|((id, day), _)| id.0 == employee && holds(period, *day) && viewer.is_job(Job::Audit));
            days.map(|(_, day)| *day).collect()
        })
    }

    fn company_days(&mut self, company: Uuid, period: Period) -> Result<Vec<ActivityDay>, StoreError> {
        self.read(|viewer, state| {
            let days = state
                .company_days
                .entries()
                .filter(|((id, day), _)| id.0 == company && holds(period, *day) && viewer.is_job(Job::Audit));
            days.map(|(_, day)| *day).collect()
        })
    }
}

/// Adds a completed consultation to its day.
pub(crate) fn count(state: &mut State, row: &ConsultationRow) -> Result<(), StoreError> {
    let consultation = &row.consultation;
    let measured = row.service_day.zip(consultation.duration_seconds).zip(consultation.actual_duration);
    let ((day, seconds), minutes) = measured.ok_or_else(|| defect("a completed consultation without its duration"))?;
    count_practitioner(state, consultation.practitioner, consultation.practitioner_user, day, (seconds, minutes));
    let is_first_of_day = !state.employee_days.contains(&(row.employee, day));
    add::<EmployeeId>(&mut state.employee_days, row.employee, day, seconds, false);
    add::<CompanyId>(&mut state.company_days, consultation.company, day, seconds, is_first_of_day);
    Ok(())
}

fn count_practitioner(state: &mut State, id: PractitionerId, user: UserId, day: Date, (seconds, minutes): (u32, u32)) {
    let held = state.practitioner_days.get(&(id, day)).copied();
    let sum = held.unwrap_or(PractitionerDay {
        user,
        consultations: 0,
        total_duration_seconds: 0,
        total_duration_minutes: 0,
    });
    let row = PractitionerDay {
        user: sum.user,
        consultations: sum.consultations + 1,
        total_duration_seconds: sum.total_duration_seconds + u64::from(seconds),
        total_duration_minutes: sum.total_duration_minutes + u64::from(minutes),
    };
    state.practitioner_days.put((id, day), row);
}

/// Adds to a day of an employee (who is one person) or of a company (which has one more then).
fn add<Id: Copy + Ord>(days: &mut Table<(Id, Date), ActivityDay>, id: Id, day: Date, seconds: u32, one_more: bool) {
    let held = days.get(&(id, day)).copied();
    let row = match held {
        Some(held) => ActivityDay {
            day,
            consult_count: held.consult_count + 1,
            total_duration_seconds: held.total_duration_seconds + u64::from(seconds),
            active_users_count: held.active_users_count + u32::from(one_more),
        },
        None => {
            ActivityDay { day, consult_count: 1, total_duration_seconds: u64::from(seconds), active_users_count: 1 }
        }
    };
    days.put((id, day), row);
}

fn holds(period: Period, day: Date) -> bool {
    period.from() <= day && day <= period.to()
}
