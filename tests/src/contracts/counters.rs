//! The contract of `Counters`.
use std::collections::{BTreeMap, BTreeSet};

use huntzen_booking::consultation::{Consultation, ConsultationStatus, EventType};
use huntzen_metrics::{DailyTotals, Period, counters::ActivityDay};
use huntzen_tenancy::{Job, Scope};
use jiff::civil::{Date, date};
use uuid::Uuid;

use super::at_once;
use crate::{
    appointments::{begun, booked, cancelled, carried_out, change, found},
    cast::{Cast, employee},
    clock::at,
    world::World,
};

fn january() -> Period {
    Period::new(date(2027, 1, 1), date(2027, 1, 31)).unwrap()
}

fn totals(world: &World, scope: &Scope, practitioner: Uuid, period: Period) -> DailyTotals {
    world.metrics.run(scope, |tx| Ok(tx.practitioner_totals(practitioner, period)?)).unwrap()
}

fn days_of_employee(world: &World, scope: &Scope, employee: Uuid, period: Period) -> Vec<ActivityDay> {
    world.metrics.run(scope, |tx| Ok(tx.employee_days(employee, period)?)).unwrap()
}

fn days_of_company(world: &World, scope: &Scope, company: Uuid, period: Period) -> Vec<ActivityDay> {
    world.metrics.run(scope, |tx| Ok(tx.company_days(company, period)?)).unwrap()
}

/// What the counters must say of these consultations, day by day, counted anew.
fn recounted<'a>(ended: impl Iterator<Item = &'a (Consultation, Date)>) -> Vec<ActivityDay> {
    let mut days: BTreeMap<Date, (u32, u64, BTreeSet<_>)> = BTreeMap::new();
    for (consultation, day) in ended {
        let (count, seconds, people) = days.entry(*day).or_default();
        *count += 1;
        *seconds += u64::from(consultation.duration_seconds.unwrap());
        people.insert(consultation.employee.unwrap());
    }
    days.into_iter()
        .map(|(day, (consult_count, total_duration_seconds, people))| ActivityDay {
            day,
            consult_count,
            total_duration_seconds,
            active_users_count: u32::try_from(people.len()).unwrap(),
        })
        .collect()
}

fn recounted_totals<'a>(ended: impl Iterator<Item = &'a (Consultation, Date)>) -> DailyTotals {
    let mut days = BTreeSet::new();
    let mut totals = DailyTotals::default();
    for (consultation, day) in ended {
        totals.consultations += 1;
        totals.total_duration_seconds += u64::from(consultation.duration_seconds.unwrap());
        totals.total_duration_minutes += u64::from(consultation.actual_duration.unwrap());
        days.insert(*day);
    }
    totals.active_days = u32::try_from(days.len()).unwrap();
    totals
}

/// Every counter equals what a recount of the ended consultations gives.
pub fn counters_equal_a_recount(world: &World) {
    let cast = Cast::new(world);
    let mut ended = Vec::new();
    for (who, with, start, minutes, seconds) in [
        (&cast.employee, &cast.practitioner, "2027-01-05T09:00:00Z", 45, 59),
        (&cast.employee, &cast.practitioner, "2027-01-05T11:00:00Z", 30, 59),
        (&cast.colleague, &cast.practitioner, "2027-01-05T13:00:00Z", 20, 0),
        (&cast.colleague, &cast.other_practitioner, "2027-01-05T15:00:00Z", 50, 30),
        (&cast.stranger, &cast.practitioner, "2027-01-05T17:00:00Z", 10, 1),
        // The next day in Paris.
        (&cast.employee, &cast.practitioner, "2027-01-05T23:30:00Z", 40, 0),
        (&cast.stranger, &cast.other_practitioner, "2027-01-31T10:00:00Z", 0, 0),
        (&cast.employee, &cast.practitioner, "2027-02-01T10:00:00Z", 50, 0),
    ] {
        let consultation = booked(world, who, with, start);
        let over = at(start) + jiff::SignedDuration::from_secs(minutes * 60 + seconds);
        let over = carried_out(world, &with.0, consultation, start, &over.to_string());
        let day = world.booking.run(&with.0.scope(), |tx| Ok(tx.service_day(over.id)?)).unwrap().unwrap();
        ended.push((over, day));
    }
    // What never took place counts nowhere.
    cancelled(world, &cast.employee.0, booked(world, &cast.employee, &cast.practitioner, "2027-01-07T09:00:00Z"));
    booked(world, &cast.employee, &cast.practitioner, "2027-01-08T09:00:00Z");
    let audit = Scope::worker(Job::Audit);
    let february = Period::new(date(2027, 2, 1), date(2027, 2, 28)).unwrap();
    let fifth = Period::new(date(2027, 1, 5), date(2027, 1, 5)).unwrap();
    for period in [january(), february, fifth] {
        let within = |day: &Date| (period.from()..=period.to()).contains(day);
        for one in [&cast.practitioner, &cast.other_practitioner] {
            let theirs = ended.iter().filter(|(over, day)| over.practitioner == one.1.id && within(day));
            let expected = recounted_totals(theirs);
            for scope in [one.0.scope(), cast.administrator.scope()] {
                assert_eq!(totals(world, &scope, one.1.id.0, period), expected, "{period:?} {scope:?}");
            }
        }
        for one in [&cast.employee, &cast.colleague, &cast.stranger] {
            let theirs = ended.iter().filter(|(over, day)| over.employee == Some(one.1.id) && within(day));
            assert_eq!(days_of_employee(world, &audit, one.1.id.0, period), recounted(theirs), "{period:?}");
        }
        for company in [&cast.company, &cast.other_company] {
            let theirs = ended.iter().filter(|(over, day)| over.company == company.id && within(day));
            assert_eq!(days_of_company(world, &audit, company.id.0, period), recounted(theirs), "{period:?}");
        }
    }
    assert_eq!(days_of_company(world, &audit, cast.company.id.0, january()).len(), 2);
}

/// A consultation counts when it ends, once, whatever is written of it later.
pub fn a_consultation_counts_once(world: &World) {
    let cast = Cast::new(world);
    let sophie = &cast.practitioner.0;
    let start = "2027-01-05T09:00:00Z";
    let consultation = begun(world, sophie, booked(world, &cast.employee, &cast.practitioner, start), start);
    let counted = || totals(world, &sophie.scope(), cast.practitioner.1.id.0, january()).consultations;
    assert_eq!(counted(), 0);
    let mut ended = carried_out(world, sophie, consultation, start, "2027-01-05T09:50:00Z");
    assert_eq!(counted(), 1);
    ended.sequence += 1;
    change(world, &sophie.scope(), &ended, None).unwrap();
    assert_eq!(counted(), 1);
    assert_eq!(days_of_company(world, &Scope::worker(Job::Audit), cast.company.id.0, january()).len(), 1);
}

/// An end that fails counts nowhere.
pub fn a_failed_end_counts_nowhere(world: &World) {
    let cast = Cast::new(world);
    let sophie = &cast.practitioner.0;
    let start = "2027-01-05T09:00:00Z";
    let mut consultation = begun(world, sophie, booked(world, &cast.employee, &cast.practitioner, start), start);
    consultation.status = ConsultationStatus::Completed;
    consultation.ended_at = Some(at("2027-01-05T09:50:00Z"));
    let event = crate::appointments::happened(world, EventType::Ended, Some(sophie.id()));
    super::booking_undone(world, sophie, consultation.id, |tx| tx.update_consultation(&consultation, Some(&event)));
    let audit = Scope::worker(Job::Audit);
    assert_eq!(totals(world, &sophie.scope(), cast.practitioner.1.id.0, january()), DailyTotals::default());
    assert_eq!(days_of_employee(world, &audit, cast.employee.1.id.0, january()), []);
    assert_eq!(days_of_company(world, &audit, cast.company.id.0, january()), []);
    assert_eq!(found(world, &sophie.scope(), consultation.id).unwrap().status, ConsultationStatus::InProgress);
}

/// A practitioner's figures are their own and administrators' to see; a person's and a company's
/// are the audit's alone; nobody in sight is zero.
pub fn counters_are_seen_by_few(world: &World) {
    let cast = Cast::new(world);
    let start = "2027-01-05T09:00:00Z";
    let consultation = booked(world, &cast.employee, &cast.practitioner, start);
    carried_out(world, &cast.practitioner.0, consultation, start, "2027-01-05T09:50:00Z");
    let (sophie, marc, alpha) = (cast.practitioner.1.id.0, cast.employee.1.id.0, cast.company.id.0);
    let audit = Scope::worker(Job::Audit);
    assert_eq!(days_of_employee(world, &audit, marc, january()).len(), 1);
    assert_eq!(days_of_company(world, &audit, alpha, january()).len(), 1);
    for (scope, sees) in [
        (cast.practitioner.0.scope(), true),
        (cast.administrator.scope(), true),
        (cast.other_practitioner.0.scope(), false),
        (cast.hr.scope(), false),
        (cast.other_hr.scope(), false),
        (cast.employee.0.scope(), false),
        (cast.operator.scope(), false),
        (Scope::worker(Job::Outbox), false),
    ] {
        assert_eq!(totals(world, &scope, sophie, january()).consultations, u64::from(sees), "{scope:?}");
        assert_eq!(days_of_employee(world, &scope, marc, january()), [], "{scope:?}");
        assert_eq!(days_of_company(world, &scope, alpha, january()), [], "{scope:?}");
    }
    let unknown = world.randomness.uuid_v4();
    assert_eq!(totals(world, &cast.administrator.scope(), unknown, january()), DailyTotals::default());
    assert_eq!(days_of_employee(world, &audit, unknown, january()), []);
}

/// The account behind a practitioner's figures is known to themselves and to administrators.
pub fn an_account_of_figures_is_found(world: &World) {
    let cast = Cast::new(world);
    let account = |scope: &Scope, practitioner: Uuid| {
        world.metrics.run(scope, |tx| Ok(tx.practitioner_account(practitioner)?)).unwrap()
    };
    let (person, entry) = &cast.practitioner;
    assert_eq!(account(&person.scope(), entry.id.0), Some(person.id()));
    assert_eq!(account(&cast.administrator.scope(), entry.id.0), Some(person.id()));
    assert_eq!(account(&cast.administrator.scope(), world.randomness.uuid_v4()), None);
}

/// Of many consultations that end at once, every one is counted.
pub fn of_many_ends_at_once_every_one_counts(world: &World) {
    let cast = Cast::new(world);
    let sophie = &cast.practitioner.0;
    let going_on: Vec<_> = (0..6)
        .map(|number| {
            let who = employee(world, &cast.hr, &format!("p{number}@alpha.example"), "Personne");
            let start = format!("2027-01-05T{:02}:00:00Z", 8 + number);
            begun(world, sophie, booked(world, &who, &cast.practitioner, &start), &start)
        })
        .collect();
    at_once(going_on.len(), |number| {
        let mut consultation = going_on.get(number).unwrap().clone();
        consultation.status = ConsultationStatus::Completed;
        consultation.ended_at = Some(consultation.ends_at);
        change(world, &sophie.scope(), &consultation, Some(EventType::Ended)).unwrap();
    });
    let expected = DailyTotals {
        consultations: 6,
        total_duration_seconds: 6 * 3000,
        total_duration_minutes: 6 * 50,
        active_days: 1,
    };
    assert_eq!(totals(world, &sophie.scope(), cast.practitioner.1.id.0, january()), expected);
    let days = days_of_company(world, &Scope::worker(Job::Audit), cast.company.id.0, january());
    assert_eq!(days.iter().map(|day| (day.consult_count, day.active_users_count)).collect::<Vec<_>>(), [(6, 6)]);
}
