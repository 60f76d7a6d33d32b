//! The contract of `Consultations`: what the jobs find to do.
use huntzen_booking::{
    consultation::{BillingStatus, Consultation, ConsultationStatus, EventType},
    ids::ConsultationId,
};
use huntzen_tenancy::{Job, Origin, Scope, clock::Clock, employee::EmployeeStatus};

use super::at_once;
use crate::{
    appointments::{begun, booked, cancelled, carried_out, change, found},
    cast::Cast,
    clock::at,
    world::World,
};

const DAY_BEFORE: &str = "2027-01-11T12:00:00Z";
const HOUR_BEFORE: &str = "2027-01-12T11:00:00Z";

fn sorted(consultations: &[Consultation]) -> Vec<ConsultationId> {
    let mut ids: Vec<_> = consultations.iter().map(|consultation| consultation.id).collect();
    ids.sort_unstable();
    ids
}

fn forgotten(world: &World, scope: &Scope, limit: u32) -> Vec<Consultation> {
    world.booking.run(scope, |tx| Ok(tx.forgotten(at(HOUR_BEFORE), at(DAY_BEFORE), limit)?)).unwrap()
}

fn ineligible(world: &World, scope: &Scope, after: &str, limit: u32) -> Vec<Consultation> {
    world.booking.run(scope, |tx| Ok(tx.far_and_ineligible(at(after), limit)?)).unwrap()
}

/// Forgotten is what goes on long after its end and what never began, unless that is settled.
pub fn what_nobody_ended_is_found(world: &World) {
    let cast = Cast::new(world);
    let sophie = &cast.practitioner.0;
    let book = |start| booked(world, &cast.employee, &cast.practitioner, start);
    let going_on = begun(world, sophie, book("2027-01-12T10:09:00Z"), "2027-01-12T10:09:00Z");
    begun(world, sophie, book("2027-01-12T11:30:00Z"), "2027-01-12T11:30:00Z");
    let never_begun = book("2027-01-10T10:00:00Z");
    let mut confirmed = book("2027-01-10T12:00:00Z");
    confirmed.status = ConsultationStatus::Confirmed;
    change(world, &sophie.scope(), &confirmed, Some(EventType::Confirmed)).unwrap();
    let mut settled = book("2027-01-10T14:00:00Z");
    settled.billing_status = BillingStatus::Excluded;
    change(world, &sophie.scope(), &settled, None).unwrap();
    // Its start is the instant asked about: not before it.
    book(DAY_BEFORE);
    cancelled(world, sophie, book("2027-01-10T16:00:00Z"));
    carried_out(world, sophie, book("2027-01-10T18:00:00Z"), "2027-01-10T18:00:00Z", "2027-01-10T18:30:00Z");
    let job = Scope::worker(Job::EndForgotten);
    let expected = [going_on, never_begun, confirmed];
    let seen = forgotten(world, &job, 100);
    assert_eq!(sorted(&seen), sorted(&expected));
    for consultation in &expected {
        assert!(seen.contains(consultation), "the job sees {:?} in full", consultation.id);
    }
    assert_eq!(forgotten(world, &job, 2).len(), 2);
}

/// A consultation that ends at the instant asked about is not forgotten yet.
pub fn what_just_ended_is_not_forgotten(world: &World) {
    let cast = Cast::new(world);
    let mut consultation = booked(world, &cast.employee, &cast.practitioner, "2027-01-12T10:10:00Z");
    consultation.status = ConsultationStatus::InProgress;
    change(world, &cast.practitioner.0.scope(), &consultation, None).unwrap();
    assert_eq!(consultation.ends_at, at(HOUR_BEFORE));
    assert_eq!(forgotten(world, &Scope::worker(Job::EndForgotten), 10), []);
    let later = at("2027-01-12T11:00:00.000001Z");
    let seen = world.booking.run(&Scope::worker(Job::EndForgotten), |tx| Ok(tx.forgotten(later, later, 10)?)).unwrap();
    assert_eq!(seen, [consultation]);
}

/// What was booked far ahead is found once its employee, or the company, may book no more.
pub fn what_nobody_pays_for_is_found(world: &World) {
    let cast = Cast::new(world);
    let sophie = &cast.practitioner.0;
    let after = "2027-01-05T10:00:00Z";
    booked(world, &cast.employee, &cast.practitioner, after);
    let far = booked(world, &cast.employee, &cast.practitioner, "2027-01-06T10:00:00Z");
    let mut confirmed = booked(world, &cast.employee, &cast.practitioner, "2027-01-07T10:00:00Z");
    confirmed.status = ConsultationStatus::Confirmed;
    change(world, &sophie.scope(), &confirmed, Some(EventType::Confirmed)).unwrap();
    cancelled(world, sophie, booked(world, &cast.employee, &cast.practitioner, "2027-01-08T10:00:00Z"));
    let of_colleague = booked(world, &cast.colleague, &cast.practitioner, "2027-01-09T10:00:00Z");
    booked(world, &cast.stranger, &cast.practitioner, "2027-01-10T10:00:00Z");
    let job = Scope::worker(Job::Eligibility);
    assert_eq!(ineligible(world, &job, after, 10), []);
    let mut ended = cast.employee.1.clone();
    ended.status = EmployeeStatus::Ended;
    world.tenancy.run(&cast.hr.scope(), |tx| tx.update_employee(&ended)).unwrap();
    assert_eq!(sorted(&ineligible(world, &job, after, 10)), sorted(&[far.clone(), confirmed.clone()]));
    assert_eq!(ineligible(world, &job, after, 1).len(), 1);
    let mut suspended = cast.company.clone();
    suspended.is_active = false;
    world.tenancy.run(&cast.administrator.scope(), |tx| tx.update_company(&suspended)).unwrap();
    assert_eq!(sorted(&ineligible(world, &job, after, 10)), sorted(&[far, confirmed, of_colleague]));
}

/// Each job finds its own work, and nobody else any.
pub fn work_is_found_by_its_job_alone(world: &World) {
    let cast = Cast::new(world);
    booked(world, &cast.employee, &cast.practitioner, "2027-01-10T10:00:00Z");
    let mut ended = cast.employee.1.clone();
    ended.status = EmployeeStatus::Ended;
    world.tenancy.run(&cast.hr.scope(), |tx| tx.update_employee(&ended)).unwrap();
    assert_eq!(forgotten(world, &Scope::worker(Job::EndForgotten), 10).len(), 1);
    assert_eq!(ineligible(world, &Scope::worker(Job::Eligibility), DAY_BEFORE, 10).len(), 0);
    assert_eq!(ineligible(world, &Scope::worker(Job::Eligibility), "2027-01-05T00:00:00Z", 10).len(), 1);
    assert_eq!(forgotten(world, &Scope::worker(Job::Eligibility), 10), []);
    assert_eq!(ineligible(world, &Scope::worker(Job::EndForgotten), "2027-01-05T00:00:00Z", 10), []);
    for scope in [
        cast.employee.0.scope(),
        cast.practitioner.0.scope(),
        cast.hr.scope(),
        cast.administrator.scope(),
        cast.operator.scope(),
        cast.stranger.0.scope(),
        Scope::anonymous(Origin::default()),
        Scope::worker(Job::Outbox),
        Scope::worker(Job::Reminders),
    ] {
        assert_eq!(forgotten(world, &scope, 10), [], "{scope:?}");
        assert_eq!(ineligible(world, &scope, "2027-01-05T00:00:00Z", 10), [], "{scope:?}");
    }
}

/// A job changes what it found, with an event of nobody's.
pub fn a_job_settles_what_it_found(world: &World) {
    let cast = Cast::new(world);
    let sophie = &cast.practitioner.0;
    let start = "2027-01-12T10:00:00Z";
    let going_on = begun(world, sophie, booked(world, &cast.employee, &cast.practitioner, start), start);
    let job = Scope::worker(Job::EndForgotten);
    let mut ended = found(world, &job, going_on.id).unwrap();
    ended.status = ConsultationStatus::Completed;
    ended.billing_status = BillingStatus::Validated;
    ended.ended_at = Some(ended.ends_at);
    change(world, &job, &ended, Some(EventType::Ended)).unwrap();
    let seen = found(world, &sophie.scope(), going_on.id).unwrap();
    assert_eq!((seen.status, seen.duration_seconds), (ConsultationStatus::Completed, Some(3000)));
    assert_eq!(forgotten(world, &job, 10), []);
}

/// Of many nodes at once, each consultation is settled by exactly one.
pub fn of_many_nodes_each_consultation_has_one(world: &World) {
    let cast = Cast::new(world);
    for hour in 0..8 {
        booked(world, &cast.employee, &cast.practitioner, &format!("2027-01-10T{:02}:00:00Z", hour + 8));
    }
    let job = Scope::worker(Job::EndForgotten);
    let settle = |limit| {
        let settled = world.booking.run(&job, |tx| {
            let mut taken = tx.forgotten(at(HOUR_BEFORE), at(DAY_BEFORE), limit)?;
            for consultation in &mut taken {
                consultation.billing_status = BillingStatus::Excluded;
                consultation.updated_at = world.clock.now();
                tx.update_consultation(consultation, None)?;
            }
            Ok(taken)
        });
        settled.unwrap()
    };
    let mut all: Vec<_> = at_once(4, |_| settle(3)).into_iter().flatten().collect();
    all.extend(settle(100));
    let ids = sorted(&all);
    let mut distinct = ids.clone();
    distinct.dedup();
    assert_eq!((ids.len(), distinct.len()), (8, 8));
}
