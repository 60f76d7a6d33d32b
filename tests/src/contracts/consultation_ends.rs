//! The contract of `Consultations`: what follows from an end — the duration, the day, who met whom.
use huntzen_booking::{consultation::Consultation, ids::ConsultationId};
use huntzen_tenancy::{Scope, policy::Role};
use jiff::civil::{Date, date};

use crate::{
    appointments::{begun, booked, cancelled, carried_out, change},
    cast::{Cast, Person, added, company, employee, siret},
    world::World,
};

const START: &str = "2027-01-05T14:00:00Z";

fn lasted(consultation: &Consultation) -> (Option<u32>, Option<u32>) {
    (consultation.duration_seconds, consultation.actual_duration)
}

fn service_day(world: &World, scope: &Scope, id: ConsultationId) -> Option<Date> {
    world.booking.run(scope, |tx| Ok(tx.service_day(id)?)).unwrap()
}

/// The store measures: whole seconds and whole minutes, at most half an hour beyond the planned
/// end, never less than nothing.
pub fn a_duration_is_measured(world: &World) {
    let cast = Cast::new(world);
    let sophie = &cast.practitioner.0;
    for (started, ended, seconds) in [
        ("2027-01-05T14:00:00Z", "2027-01-05T14:45:30Z", 2730),
        ("2027-01-05T14:02:00.5Z", "2027-01-05T14:03:00Z", 59),
        ("2027-01-05T14:00:00Z", "2027-01-05T14:00:59.999999Z", 59),
        ("2027-01-05T13:55:00Z", "2027-01-05T15:10:00Z", 4500),
        ("2027-01-05T14:00:00Z", "2027-01-05T15:20:00Z", 4800),
        ("2027-01-05T14:00:00Z", "2027-01-05T15:20:00.000001Z", 4800),
        ("2027-01-05T14:00:00Z", "2027-01-06T14:00:00Z", 4800),
        ("2027-01-05T14:00:00Z", "2027-01-05T14:00:00Z", 0),
        ("2027-01-05T14:30:00Z", "2027-01-05T14:00:00Z", 0),
        ("2027-01-05T16:00:00Z", "2027-01-05T16:30:00Z", 0),
    ] {
        let consultation = booked(world, &cast.employee, &cast.practitioner, START);
        assert_eq!(lasted(&consultation), (None, None));
        let ended = carried_out(world, sophie, consultation, started, ended);
        assert_eq!(lasted(&ended), (Some(seconds), Some(seconds / 60)), "from {started} to {:?}", ended.ended_at);
    }
}

/// What is written as the duration is never believed, and a measured one stays.
pub fn a_duration_is_the_stores_to_say(world: &World) {
    let cast = Cast::new(world);
    let sophie = &cast.practitioner.0;
    let mut consultation = booked(world, &cast.employee, &cast.practitioner, START);
    consultation.duration_seconds = Some(9999);
    consultation.actual_duration = Some(166);
    let mut ended = carried_out(world, sophie, consultation, START, "2027-01-05T14:45:00Z");
    assert_eq!(lasted(&ended), (Some(2700), Some(45)));
    ended.duration_seconds = Some(1);
    ended.actual_duration = Some(0);
    change(world, &sophie.scope(), &ended, None).unwrap();
    let kept = crate::appointments::found(world, &sophie.scope(), ended.id).unwrap();
    assert_eq!(lasted(&kept), (Some(2700), Some(45)));
}

/// A consultation counts on the civil day of its planned start in the company's zone; before its
/// end on none.
pub fn a_consultation_counts_on_the_companys_day(world: &World) {
    let cast = Cast::new(world);
    let sophie = &cast.practitioner.0;
    let mut island = company(world, &cast.administrator, "Island", "island.example", &siret(1));
    island.timezone = "Indian/Reunion".to_owned();
    world.tenancy.run(&cast.administrator.scope(), |tx| tx.update_company(&island)).unwrap();
    let hr = added(world, &cast.administrator, "rh@island.example", Role::AdminRh, Some(island.id));
    let islander = employee(world, &hr, "ana@island.example", "Ana");
    for (who, start, day) in [
        (&cast.employee, "2027-01-05T22:59:00Z", date(2027, 1, 5)),
        (&cast.employee, "2027-01-06T23:00:00Z", date(2027, 1, 7)),
        // In summer Paris is two hours ahead.
        (&cast.employee, "2027-07-06T21:59:00Z", date(2027, 7, 6)),
        (&cast.employee, "2027-07-07T22:00:00Z", date(2027, 7, 8)),
        (&islander, "2027-01-08T19:59:00Z", date(2027, 1, 8)),
        (&islander, "2027-01-09T20:00:00Z", date(2027, 1, 10)),
    ] {
        let consultation = booked(world, who, &cast.practitioner, start);
        assert_eq!(service_day(world, &sophie.scope(), consultation.id), None);
        // It began late, on another day: the planned start decides.
        let ended = carried_out(world, sophie, consultation, "2027-08-01T10:00:00Z", "2027-08-01T10:30:00Z");
        for scope in [sophie.scope(), who.0.scope()] {
            assert_eq!(service_day(world, &scope, ended.id), Some(day), "{start}");
        }
    }
}

/// Who met whom is known to the employee once a consultation is over, and not before.
pub fn who_met_whom_is_known(world: &World) {
    let cast = Cast::new(world);
    let (sophie, paul) = (cast.practitioner.1.id, cast.other_practitioner.1.id);
    let met = |person: &Person| {
        world
            .booking
            .run(&person.scope(), |tx| {
                Ok((
                    tx.has_completed_with(person.id(), sophie)?,
                    tx.has_completed_with(person.id(), paul)?,
                    tx.completed_with(person.id())?,
                ))
            })
            .unwrap()
    };
    let marc = &cast.employee.0;
    let first = booked(world, &cast.employee, &cast.practitioner, START);
    cancelled(world, marc, booked(world, &cast.employee, &cast.other_practitioner, "2027-01-06T14:00:00Z"));
    let first = begun(world, &cast.practitioner.0, first, START);
    assert_eq!(met(marc), (false, false, vec![]));
    carried_out(world, &cast.practitioner.0, first, START, "2027-01-05T14:45:00Z");
    let second = booked(world, &cast.employee, &cast.practitioner, "2027-01-07T14:00:00Z");
    carried_out(world, &cast.practitioner.0, second, "2027-01-07T14:00:00Z", "2027-01-07T14:45:00Z");
    assert_eq!(met(marc), (true, false, vec![sophie]));
    assert_eq!(met(&cast.colleague.0), (false, false, vec![]));
    let third = booked(world, &cast.employee, &cast.other_practitioner, "2027-01-08T14:00:00Z");
    carried_out(world, &cast.other_practitioner.0, third, "2027-01-08T14:00:00Z", "2027-01-08T14:45:00Z");
    let (_, _, mut practitioners) = met(marc);
    practitioners.sort_unstable();
    let mut expected = vec![sophie, paul];
    expected.sort_unstable();
    assert_eq!(practitioners, expected);
    // Nobody asks it of another.
    for scope in [cast.colleague.0.scope(), cast.hr.scope(), cast.administrator.scope()] {
        let asked = world
            .booking
            .run(&scope, |tx| Ok((tx.has_completed_with(marc.id(), sophie)?, tx.completed_with(marc.id())?)));
        assert_eq!(asked.unwrap(), (false, vec![]), "{scope:?}");
    }
}
