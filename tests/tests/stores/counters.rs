//! Counters that somebody has tampered with.
use diesel::connection::SimpleConnection;
use huntzen_metrics::reconciliation::{CounterKind, Reconciling};
use huntzen_tests::{
    appointments::{booked, carried_out},
    cast::Cast,
    clock::at,
    world::World,
};
use jiff::SignedDuration;

/// Days that differ after `tamper`, of practitioners, employees and companies.
fn differing(tamper: &str) -> [u64; 3] {
    let world = World::postgres();
    let cast = Cast::new(&world);
    for start in ["2027-01-05T14:00:00Z", "2027-01-06T14:00:00Z"] {
        let end = (at(start) + SignedDuration::from_mins(45)).to_string();
        let one = booked(&world, &cast.employee, &cast.practitioner, start);
        carried_out(&world, &cast.practitioner.0, one, start, &end);
    }
    world.database.as_ref().unwrap().owner().batch_execute(tamper).unwrap();
    let found = compared(&world);
    // A day that differed is looked at until it agrees, drawn again or not.
    assert_eq!(compared(&world), found);
    world.database.as_ref().unwrap().owner().batch_execute(MENDED).unwrap();
    assert_eq!(compared(&world), [0, 0, 0]);
    found
}

/// Days that differ: of practitioners, employees and companies.
fn compared(world: &World) -> [u64; 3] {
    let compared = Reconciling::new(world.metrics_ports()).run().unwrap();
    [CounterKind::Practitioner, CounterKind::Employee, CounterKind::Company]
        .map(|kind| compared.iter().find(|one| one.kind == kind).map_or(0, |one| one.differing))
}

/// Writes every counter anew.
const MENDED: &str = "
    DELETE FROM practitioner_activity_daily;
    DELETE FROM employee_activity_daily;
    DELETE FROM company_activity_daily;
    INSERT INTO practitioner_activity_daily
        SELECT practitioner_id, practitioner_user_id, service_day, count(*), sum(duration_seconds), sum(actual_duration)
        FROM consultations WHERE status = 'COMPLETED' GROUP BY 1, 2, 3;
    INSERT INTO employee_activity_daily
        SELECT employee_id, company_id, service_day, count(*), sum(duration_seconds)
        FROM consultations WHERE status = 'COMPLETED' GROUP BY 1, 2, 3;
    INSERT INTO company_activity_daily
        SELECT company_id, service_day, count(*), sum(duration_seconds), count(DISTINCT employee_id)
        FROM consultations WHERE status = 'COMPLETED' GROUP BY 1, 2";

#[test]
fn a_counter_that_is_off_or_lost_or_invented_is_found() {
    assert_eq!(differing("SELECT 1"), [0, 0, 0]);
    let off = "UPDATE practitioner_activity_daily SET total_duration_minutes = 44 WHERE day = '2027-01-05'";
    assert_eq!(differing(off), [1, 0, 0]);
    let off = "UPDATE employee_activity_daily SET consult_count = 2 WHERE day = '2027-01-05'";
    assert_eq!(differing(off), [0, 1, 0]);
    assert_eq!(differing("UPDATE company_activity_daily SET active_users_count = 9"), [0, 0, 2]);
    assert_eq!(differing("DELETE FROM practitioner_activity_daily WHERE day = '2027-01-06'"), [1, 0, 0]);
    let invented = "INSERT INTO company_activity_daily SELECT company_id, '2027-01-09', 1, 60, 1
                    FROM company_activity_daily WHERE day = '2027-01-05'";
    assert_eq!(differing(invented), [0, 0, 1]);
}
