//! Comparisons of counters with consultations; this store is small enough to compare all days.
use std::collections::{BTreeMap, BTreeSet};

use huntzen_booking::consultation::ConsultationStatus;
use huntzen_metrics::{
    counters::ActivityDay,
    reconciliation::{Comparison, CounterKind, Reconciliation, Reconciliations},
};
use huntzen_tenancy::{Job, StoreError, ids::EmployeeId};
use jiff::civil::Date;

use crate::{
    refusal::allow,
    state::{ConsultationRow, State},
    store::MemoryTx,
    table::Table,
    time::micros,
};

/// A recount: consultations, seconds, whole minutes, people.
#[derive(Default, PartialEq, Eq)]
struct Recount {
    consultations: u64,
    seconds: u64,
    minutes: u64,
    people: BTreeSet<EmployeeId>,
}

impl Reconciliations for MemoryTx {
    fn compare_counters(&mut self, _sample: u32) -> Result<Vec<Comparison>, StoreError> {
        self.read(|viewer, state| {
            if !viewer.is_job(Job::Reconcile) {
                return Vec::new();
            }
            let of_people = |recount: &Recount, row: &ActivityDay| {
                (recount.consultations, recount.seconds, recount.people.len() as u64)
                    == (row.consult_count.into(), row.total_duration_seconds, row.active_users_count.into())
            };
            vec![
                compare(
                    CounterKind::Practitioner,
                    &recounted(state, |row| row.consultation.practitioner),
                    &state.practitioner_days,
                    |recount, row| {
                        (recount.consultations, recount.seconds, recount.minutes)
                            == (row.consultations, row.total_duration_seconds, row.total_duration_minutes)
                    },
                ),
                compare(CounterKind::Employee, &recounted(state, |row| row.employee), &state.employee_days, of_people),
                compare(
                    CounterKind::Company,
                    &recounted(state, |row| row.consultation.company),
                    &state.company_days,
                    of_people,
                ),
            ]
        })
    }

    fn keep_reconciliation(&mut self, made: &Reconciliation) -> Result<(), StoreError> {
        self.write(|viewer, state| {
            allow(viewer.is_job(Job::Reconcile))?;
            state.reconciliation.put((), Reconciliation { at: micros(made.at), ..*made });
            Ok(())
        })
    }

    fn last_reconciliation(&mut self) -> Result<Option<Reconciliation>, StoreError> {
        self.read(|viewer, state| state.reconciliation.get(&()).filter(|_| viewer.is_job(Job::Reconcile)).copied())
    }
}

/// The completed consultations, counted anew by whoever's they are and by day.
fn recounted<Id: Copy + Ord>(state: &State, whose: impl Fn(&ConsultationRow) -> Id) -> BTreeMap<(Id, Date), Recount> {
    let mut days: BTreeMap<(Id, Date), Recount> = BTreeMap::new();
    let completed = state.consultations.rows().filter(|row| row.consultation.status == ConsultationStatus::Completed);
    for row in completed {
        let Some(day) = row.service_day else { continue };
        let recount = days.entry((whose(row), day)).or_default();
        recount.consultations += 1;
        recount.seconds += u64::from(row.consultation.duration_seconds.unwrap_or_default());
        recount.minutes += u64::from(row.consultation.actual_duration.unwrap_or_default());
        recount.people.insert(row.employee);
    }
    days
}

fn compare<Id: Copy + Ord, Row: Clone>(
    kind: CounterKind,
    recounted: &BTreeMap<(Id, Date), Recount>,
    counters: &Table<(Id, Date), Row>,
    agree: impl Fn(&Recount, &Row) -> bool,
) -> Comparison {
    let days: BTreeSet<(Id, Date)> = recounted.keys().chain(counters.entries().map(|(key, _)| key)).copied().collect();
    let differs = |key: &&(Id, Date)| {
        let both = recounted.get(key).zip(counters.get(key));
        !both.is_some_and(|(recount, row)| agree(recount, row))
    };
    let differing = days.iter().filter(differs).count() as u64;
    Comparison { kind, checked: days.len() as u64, differing }
}
