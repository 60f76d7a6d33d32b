//! The contract of `Statements`, and of the use cases that stand on it.
use huntzen_booking::consultation::{BillingStatus, ConsultationStatus, EventType};
use huntzen_metrics::{
    ClosedStatement, MetricsError, Month, Payee, Period, Statement, StatementKeeping, StatementLine,
};
use huntzen_tenancy::{Job, Scope, clock::Clock};
use jiff::{SignedDuration, civil::date, tz::TimeZone};

use super::at_once;
use crate::{
    appointments::{booked, cancelled, carried_out, change},
    cast::{Cast, Person},
    clock::at,
    world::World,
};

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

fn closing() -> Scope {
    Scope::worker(Job::Closing)
}

fn payee(world: &World, by: &Person) -> Option<Payee> {
    world.metrics.run(&by.scope(), |tx| Ok(tx.payee()?)).unwrap()
}

fn lines(world: &World, scope: &Scope, cast: &Cast, of: &str) -> Vec<StatementLine> {
    let practitioner = cast.practitioner.1.id.0;
    world.metrics.run(scope, |tx| Ok(tx.statement_lines(practitioner, month(of))?)).unwrap()
}

fn missing(world: &World, scope: &Scope, last: &str, limit: u32) -> Vec<(Payee, Month)> {
    world.metrics.run(scope, |tx| Ok(tx.missing_statements(month(last), limit)?)).unwrap()
}

fn kept(world: &World, scope: &Scope, cast: &Cast, of: &str) -> Option<ClosedStatement> {
    let practitioner = cast.practitioner.1.id.0;
    world.metrics.run(scope, |tx| Ok(tx.closed_statement(practitioner, month(of))?)).unwrap()
}

/// A statement of Sophie's without lines.
pub fn empty_statement(world: &World, cast: &Cast, of: &str) -> ClosedStatement {
    let payee = payee(world, &cast.practitioner.0).unwrap();
    Statement { payee, month: month(of), lines: Vec::new() }.closed(world.clock.now(), &TimeZone::UTC)
}

/// Keeps a statement; answers whether it is the first.
///
/// # Errors
/// Those of the store.
pub fn close(world: &World, scope: &Scope, statement: &ClosedStatement) -> Result<bool, MetricsError> {
    world.metrics.run(scope, |tx| Ok(tx.add_statement(statement)?))
}

fn keeping(world: &World) -> StatementKeeping {
    StatementKeeping::new(world.metrics_ports(), 10)
}

/// Consultations of Sophie's that took place on these instants, each for three quarters of an hour.
fn took_place(world: &World, cast: &Cast, starts: &[&str]) {
    for start in starts {
        let end = (at(start) + SignedDuration::from_mins(45)).to_string();
        let one = booked(world, &cast.employee, &cast.practitioner, start);
        carried_out(world, &cast.practitioner.0, one, start, &end);
    }
}

/// The lines are the month's consultations that took place and are paid, on the company's days, oldest
/// first; a practitioner sees its own, closing all, nobody else any.
pub fn lines_are_what_is_paid(world: &World) {
    let cast = Cast::new(world);
    // The last of January in Paris is the last evening hour in UTC; the next one is February's.
    took_place(world, &cast, &["2027-01-20T09:00:00Z", "2027-01-05T14:00:00Z", "2027-01-31T22:00:00Z"]);
    took_place(world, &cast, &["2027-01-31T23:30:00Z"]);
    let called_off = booked(world, &cast.employee, &cast.practitioner, "2027-01-06T14:00:00Z");
    cancelled(world, &cast.employee.0, called_off);
    booked(world, &cast.employee, &cast.practitioner, "2027-01-07T14:00:00Z");
    let sophie = cast.practitioner.0.scope();
    let line =
        |day| StatementLine { day, company: cast.company.id.0, company_name: cast.company.name.clone(), minutes: 45 };
    let expected = [date(2027, 1, 5), date(2027, 1, 20), date(2027, 1, 31)].map(line);
    assert_eq!(lines(world, &sophie, &cast, "2027-01"), expected);
    assert_eq!(lines(world, &closing(), &cast, "2027-01"), expected);
    assert_eq!(lines(world, &sophie, &cast, "2027-02"), [line(date(2027, 2, 1))]);
    for stranger in [&cast.other_practitioner.0, &cast.employee.0, &cast.hr, &cast.administrator, &cast.operator] {
        assert_eq!(lines(world, &stranger.scope(), &cast, "2027-01"), [], "{:?}", stranger.user.role);
    }
    let own = payee(world, &cast.practitioner.0).unwrap();
    assert_eq!((own.practitioner, own.user), (cast.practitioner.1.id.0, cast.practitioner.0.id()));
    assert!(own.name.contains(&cast.practitioner.1.last_name));
    assert_eq!(payee(world, &cast.employee.0), None);
}

/// A statement is kept once, by closing alone, and read by its practitioner alone.
pub fn a_statement_is_kept_once(world: &World) {
    let cast = Cast::new(world);
    let first = empty_statement(world, &cast, "2027-01");
    for other in [cast.practitioner.0.scope(), cast.administrator.scope(), Scope::worker(Job::Audit)] {
        assert!(close(world, &other, &first).is_err(), "{other:?}");
    }
    assert!(close(world, &closing(), &first).unwrap());
    world.clock.advance(SignedDuration::from_hours(48));
    let second = empty_statement(world, &cast, "2027-01");
    assert_ne!(first.bytes, second.bytes);
    assert!(!close(world, &closing(), &second).unwrap());
    let sophie = cast.practitioner.0.scope();
    assert_eq!(kept(world, &sophie, &cast, "2027-01"), Some(first));
    assert_eq!(kept(world, &sophie, &cast, "2027-02"), None);
    for stranger in [&cast.other_practitioner.0, &cast.employee.0, &cast.administrator, &cast.operator] {
        assert_eq!(kept(world, &stranger.scope(), &cast, "2027-01"), None);
    }
}

/// What ends after the statement of its month was closed is a line of the next one that is open.
pub fn what_ends_late_is_a_line_of_the_next_open_month(world: &World) {
    let cast = Cast::new(world);
    took_place(world, &cast, &["2027-01-05T14:00:00Z"]);
    let (forgotten, other) = (
        booked(world, &cast.employee, &cast.practitioner, "2027-01-06T14:00:00Z"),
        booked(world, &cast.employee, &cast.practitioner, "2027-01-07T14:00:00Z"),
    );
    let sophie = &cast.practitioner.0;
    close(world, &closing(), &empty_statement(world, &cast, "2027-01")).unwrap();
    carried_out(world, sophie, forgotten, "2027-01-06T14:00:00Z", "2027-01-06T14:45:00Z");
    let days = |of: &str| lines(world, &sophie.scope(), &cast, of).into_iter().map(|line| line.day).collect::<Vec<_>>();
    assert_eq!(days("2027-01"), [date(2027, 1, 5)]);
    assert_eq!(days("2027-02"), [date(2027, 1, 6)]);
    close(world, &closing(), &empty_statement(world, &cast, "2027-02")).unwrap();
    carried_out(world, sophie, other, "2027-01-07T14:00:00Z", "2027-01-07T14:45:00Z");
    assert_eq!((days("2027-02"), days("2027-03")), (vec![date(2027, 1, 6)], vec![date(2027, 1, 7)]));
}

/// Every practitioner has a statement for each month since it came, or since the first day that
/// counts; the oldest are closed first.
pub fn missing_statements_are_found(world: &World) {
    let cast = Cast::new(world);
    let sophie = cast.practitioner.1.id.0;
    let came = month("2027-01");
    let found = missing(world, &closing(), "2027-02", 100);
    let of_sophie = || found.iter().filter(|(payee, _)| payee.practitioner == sophie).map(|(_, month)| *month);
    assert_eq!(of_sophie().collect::<Vec<_>>(), [came, came.next()]);
    assert!(found.is_sorted_by_key(|(_, month)| *month));
    assert_eq!(missing(world, &closing(), "2027-02", 1), found[..1]);
    assert_eq!(missing(world, &closing(), "2026-12", 100), []);
    for other in [cast.practitioner.0.scope(), cast.administrator.scope(), Scope::worker(Job::Audit)] {
        assert_eq!(missing(world, &other, "2027-02", 100), [], "{other:?}");
    }
    close(world, &closing(), &empty_statement(world, &cast, "2027-01")).unwrap();
    let left = missing(world, &closing(), "2027-02", 100);
    assert_eq!(left.len(), found.len() - 1);
    assert!(!left.iter().any(|(payee, of)| payee.practitioner == sophie && *of == came));
}

/// Whatever closes at once, and whatever ends meanwhile: each consultation is a line of one statement.
pub fn every_consultation_is_a_line_of_one_statement(world: &World) {
    let cast = Cast::new(world);
    let starts: Vec<String> = (5..=12).map(|day| format!("2027-01-{day:02}T14:00:00Z")).collect();
    let begun: Vec<_> = starts.iter().map(|start| booked(world, &cast.employee, &cast.practitioner, start)).collect();
    world.clock.set(at("2027-02-10T08:00:00Z"));
    at_once(begun.len() + 2, |number| match begun.get(number) {
        Some(one) => {
            let (start, end) = (one.scheduled_at, one.scheduled_at + SignedDuration::from_mins(45));
            carried_out(world, &cast.practitioner.0, one.clone(), &start.to_string(), &end.to_string());
        }
        None => while keeping(world).close(1).unwrap() > 0 {},
    });
    let statement = kept(world, &closing(), &cast, "2027-01").unwrap();
    let text = String::from_utf8(statement.bytes).unwrap();
    let on_file: Vec<String> =
        text.lines().filter(|line| line.ends_with("VALIDATED")).map(|line| line[..10].to_owned()).collect();
    let days = |of: &str| lines(world, &closing(), &cast, of).into_iter().map(|line| line.day.to_string());
    assert_eq!(on_file, days("2027-01").collect::<Vec<_>>(), "the file is what the month's lines are");
    let mut all: Vec<String> = days("2027-01").chain(days("2027-02")).collect();
    all.sort();
    assert_eq!(all, starts.iter().map(|start| start[..10].to_owned()).collect::<Vec<_>>());
}

/// An absence that is billed is a line of no minutes, on its day, also when it is noted late; one that is
/// not billed is none, and neither counts anywhere else.
pub fn a_billed_absence_is_a_line_of_no_minutes(world: &World) {
    let cast = Cast::new(world);
    let (sophie, practitioner) = (&cast.practitioner.0, cast.practitioner.1.id.0);
    let absent = |start: &str, billing: BillingStatus| {
        let mut missed = booked(world, &cast.employee, &cast.practitioner, start);
        missed.status = ConsultationStatus::NoShow;
        missed.billing_status = billing;
        missed.no_show_at = Some(world.clock.now());
        missed.no_show_by = Some(sophie.id());
        change(world, &sophie.scope(), &missed, Some(EventType::NoShow)).unwrap();
    };
    took_place(world, &cast, &["2027-01-05T14:00:00Z"]);
    // The first of February in Paris.
    absent("2027-01-31T23:30:00Z", BillingStatus::Validated);
    absent("2027-01-06T14:00:00Z", BillingStatus::Validated);
    absent("2027-01-07T14:00:00Z", BillingStatus::Excluded);
    let told = |of: &str| {
        let lines = lines(world, &sophie.scope(), &cast, of);
        lines.into_iter().map(|line| (line.day, line.minutes)).collect::<Vec<_>>()
    };
    assert_eq!(told("2027-01"), [(date(2027, 1, 5), 45), (date(2027, 1, 6), 0)]);
    assert_eq!(told("2027-02"), [(date(2027, 2, 1), 0)]);
    close(world, &closing(), &empty_statement(world, &cast, "2027-01")).unwrap();
    absent("2027-01-08T14:00:00Z", BillingStatus::Validated);
    assert_eq!(told("2027-02"), [(date(2027, 1, 8), 0), (date(2027, 2, 1), 0)]);
    let period = Period::new(date(2027, 1, 1), date(2027, 2, 28)).unwrap();
    let totals = world.metrics.run(&sophie.scope(), |tx| Ok(tx.practitioner_totals(practitioner, period)?)).unwrap();
    assert_eq!((totals.consultations, totals.active_days), (1, 1));
    let released = world.metrics.run(&closing(), |tx| Ok(tx.release_total(cast.company.id.0, month("2027-01"))?));
    assert_eq!(released.unwrap().totals.consultations, 1);
}
