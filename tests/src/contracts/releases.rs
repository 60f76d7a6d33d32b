//! The contract of `Releases`, and of the use case that closes months.
use std::collections::{BTreeMap, BTreeSet};

use huntzen_booking::{consultation::Consultation, practitioner::Practitioner};
use huntzen_metrics::{
    EligibleEmployee, MetricsError, Month, MonthTotal, NamedUsage, PublishedCell, Release, ReleaseClosing,
    ReleaseRules, ReportingRules, UsageTotals,
};
use huntzen_tenancy::{
    Job, Scope, StoreError,
    clock::Clock,
    company::{HrReporting, Reporting},
    employee::{Employee, EmployeeStatus},
};
use jiff::{SignedDuration, civil::date};
use uuid::Uuid;

use super::{at_once, preferences::agrees};
use crate::{
    appointments::{booked, cancelled, carried_out},
    cast::{Cast, Person, company, employee, listed, siret},
    clock::at,
    world::World,
};

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

fn closing() -> Scope {
    Scope::worker(Job::Closing)
}

/// A release of a cell and of these people, each with two consultations.
pub fn release_of(world: &World, cast: &Cast, of: &str, people: &[&(Person, Employee)]) -> Release {
    let totals = UsageTotals { consultations: 2, seconds: 5_520, minutes: 92 };
    let named = people.iter().map(|(person, employee)| NamedUsage {
        employee: employee.id.0,
        user: person.id(),
        department: employee.department.clone(),
        totals,
    });
    Release {
        company: cast.company.id.0,
        month: month(of),
        closed_at: world.clock.now(),
        cells: vec![
            PublishedCell { department: Some("Support".to_owned()), users: 15, consultations: 20, minutes: 930 },
            PublishedCell { department: Some("Autres".to_owned()), users: 10, consultations: 10, minutes: 480 },
        ],
        people: named.collect(),
        invoice: Some(UsageTotals { consultations: 33, seconds: 90_000, minutes: 1_480 }),
    }
}

/// The same, kept.
pub fn released(world: &World, cast: &Cast, of: &str, people: &[&(Person, Employee)]) -> Release {
    let release = release_of(world, cast, of, people);
    assert!(keep(world, &closing(), &release).unwrap());
    release
}

fn keep(world: &World, scope: &Scope, release: &Release) -> Result<bool, MetricsError> {
    world.metrics.run(scope, |tx| Ok(tx.add_release(release)?))
}

fn cells(world: &World, scope: &Scope, company: Uuid, (from, to): (&str, &str)) -> Vec<(Month, PublishedCell)> {
    world.metrics.run(scope, |tx| Ok(tx.released_cells(company, month(from), month(to))?)).unwrap()
}

fn missing(world: &World, scope: &Scope, now: &str, limit: u32) -> Vec<(Uuid, Month)> {
    world.metrics.run(scope, |tx| Ok(tx.missing_releases(at(now), 10, limit)?)).unwrap()
}

fn people(world: &World, scope: &Scope, company: Uuid, of: &str) -> Vec<EligibleEmployee> {
    world.metrics.run(scope, |tx| Ok(tx.release_people(company, month(of))?)).unwrap()
}

fn total(world: &World, scope: &Scope, company: Uuid, of: &str) -> MonthTotal {
    world.metrics.run(scope, |tx| Ok(tx.release_total(company, month(of))?)).unwrap()
}

fn rules(allow_named: bool) -> ReportingRules {
    ReportingRules { close_day: 10, release: ReleaseRules::with_k(10), allow_named }
}

fn closer(world: &World) -> ReleaseClosing {
    ReleaseClosing::new(world.metrics_ports(), rules(true))
}

/// A consultation of this employee with Sophie that took place for three quarters of an hour.
fn took_place(world: &World, cast: &Cast, who: &(Person, Employee), start: &str) -> Consultation {
    let end = (at(start) + SignedDuration::from_mins(45)).to_string();
    let one = booked(world, who, &cast.practitioner, start);
    carried_out(world, &cast.practitioner.0, one, start, &end)
}

/// A release is kept once, by closing alone, and nothing of a second one.
pub fn a_release_is_kept_once(world: &World) {
    let cast = Cast::new(world);
    let first = release_of(world, &cast, "2027-01", &[&cast.employee]);
    for other in [cast.hr.scope(), cast.administrator.scope(), Scope::worker(Job::Audit)] {
        let refused = keep(world, &other, &first);
        assert!(matches!(refused, Err(MetricsError::Store(StoreError::Refused(_)))), "{other:?}: {refused:?}");
    }
    assert!(keep(world, &closing(), &first).unwrap());
    let second = Release { cells: first.cells[..1].to_vec(), people: Vec::new(), ..first.clone() };
    assert!(!keep(world, &closing(), &second).unwrap());
    let january = first.cells.iter().map(|cell| (first.month, cell.clone())).collect::<Vec<_>>();
    assert_eq!(cells(world, &cast.hr.scope(), first.company, ("2027-01", "2027-01")), january);
    let february = released(world, &cast, "2027-02", &[]);
    let both: Vec<_> =
        january.into_iter().chain(february.cells.iter().map(|cell| (february.month, cell.clone()))).collect();
    assert_eq!(cells(world, &cast.hr.scope(), first.company, ("2026-12", "2027-03")), both);
    assert_eq!(cells(world, &cast.hr.scope(), first.company, ("2027-03", "2027-03")), []);
}

/// A failed unit of work leaves nothing of a release.
pub fn a_failed_unit_of_work_leaves_no_release(world: &World) {
    let cast = Cast::new(world);
    let release = release_of(world, &cast, "2027-01", &[&cast.employee]);
    let failed: Result<(), _> = world.metrics.run(&closing(), |tx| {
        tx.add_release(&release)?;
        Err(MetricsError::NotFound)
    });
    assert!(matches!(failed, Err(MetricsError::NotFound)), "{failed:?}");
    assert_eq!(cells(world, &cast.hr.scope(), release.company, ("2027-01", "2027-01")), []);
    assert!(keep(world, &closing(), &release).unwrap());
}

/// Cells are for the company's members and administrators, names for HR and for whoever has them,
/// invoices for administrators; nobody else sees anything.
pub fn a_release_is_seen_by_those_it_is_for(world: &World) {
    let cast = Cast::new(world);
    let release = released(world, &cast, "2027-01", &[&cast.employee, &cast.colleague]);
    let of = release.month;
    for (who, sees_cells, sees_names, sees_invoice) in [
        (&cast.hr, true, 2, false),
        (&cast.employee.0, true, 1, false),
        (&cast.colleague.0, true, 1, false),
        (&cast.administrator, true, 0, true),
        (&cast.operator, false, 0, false),
        (&cast.practitioner.0, false, 0, false),
        (&cast.other_hr, false, 0, false),
        (&cast.stranger.0, false, 0, false),
    ] {
        let scope = who.scope();
        let told = cells(world, &scope, release.company, ("2027-01", "2027-01"));
        assert_eq!(!told.is_empty(), sees_cells, "{}", who.user.email.as_str());
        let (names, invoice, name) = world
            .metrics
            .run(&scope, |tx| {
                Ok((
                    tx.released_people(release.company, of, of)?,
                    tx.invoice(release.company, of)?,
                    tx.company_name(release.company)?,
                ))
            })
            .unwrap();
        assert_eq!(names.len(), sees_names, "{}", who.user.email.as_str());
        assert!(names.iter().all(|row| sees_names == 2 || row.usage.user == who.id()));
        assert_eq!(invoice, release.invoice.filter(|_| sees_invoice), "{}", who.user.email.as_str());
        assert_eq!(name, Some(cast.company.name.clone()).filter(|_| sees_cells));
    }
    let hr = world.metrics.run(&cast.hr.scope(), |tx| Ok(tx.released_people(release.company, of, of)?)).unwrap();
    assert_eq!(hr.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["Claire Dupont", "Marc Dupont"]);
    assert_eq!(hr[1].usage, release.people[0]);
}

/// Every month of a company is closed once it is over where the company is, since the company was made
/// or since its first day that counts.
pub fn missing_releases_are_found(world: &World) {
    let cast = Cast::new(world);
    let alpha = cast.company.id.0;
    let of_alpha = |now: &str| -> Vec<String> {
        let found = missing(world, &closing(), now, 100);
        assert!(found.is_sorted_by_key(|(_, month)| *month));
        found.iter().filter(|(company, _)| *company == alpha).map(|(_, month)| month.to_string()).collect()
    };
    // Paris is an hour ahead of UTC in winter.
    assert_eq!(of_alpha("2027-02-09T22:59:59Z"), Vec::<String>::new());
    assert_eq!(of_alpha("2027-02-09T23:00:00Z"), ["2027-01"]);
    assert_eq!(of_alpha("2027-04-09T12:00:00Z"), ["2027-01", "2027-02"]);
    assert_eq!(missing(world, &closing(), "2027-04-09T12:00:00Z", 1).len(), 1);
    for other in [cast.hr.scope(), cast.administrator.scope(), Scope::worker(Job::Audit)] {
        assert_eq!(missing(world, &other, "2027-04-09T12:00:00Z", 100), [], "{other:?}");
    }
    released(world, &cast, "2027-01", &[]);
    assert_eq!(of_alpha("2027-04-09T12:00:00Z"), ["2027-02"]);
    // A session of before the company was listed: its month counts too.
    took_place(world, &cast, &cast.employee, "2026-12-07T09:00:00Z");
    assert_eq!(of_alpha("2027-03-09T12:00:00Z"), ["2026-12"]);
    // A zone of its own: noon in Paris is the evening before closing day in Honolulu.
    let mut far = company(world, &cast.administrator, "Lanai", "lanai.example", &siret(7));
    far.timezone = "Pacific/Honolulu".to_owned();
    world.tenancy.run(&cast.administrator.scope(), |tx| tx.update_company(&far)).unwrap();
    let is_over = |now: &str| missing(world, &closing(), now, 100).contains(&(far.id.0, month("2027-01")));
    assert!(!is_over("2027-02-10T09:59:59Z"));
    assert!(is_over("2027-02-10T10:00:00Z"));
}

/// Who was eligible is found with the department of the month's first day, or of their own first day in
/// it, and with what they used: only what took place, the oldest first.
pub fn people_are_those_of_the_month(world: &World) {
    let cast = Cast::new(world);
    let alpha = cast.company.id.0;
    let (marc, claire) = (&cast.employee, &cast.colleague);
    agrees(world, &claire.0, true);
    took_place(world, &cast, marc, "2027-01-20T09:00:00Z");
    let first = booked(world, marc, &cast.practitioner, "2027-01-05T14:00:00Z");
    carried_out(world, &cast.practitioner.0, first, "2027-01-05T14:00:00Z", "2027-01-05T14:30:59Z");
    // The last evening of January in Paris, and the first night of February.
    took_place(world, &cast, marc, "2027-01-31T22:00:00Z");
    took_place(world, &cast, marc, "2027-01-31T23:30:00Z");
    let called_off = booked(world, claire, &cast.practitioner, "2027-01-06T14:00:00Z");
    cancelled(world, &claire.0, called_off);
    booked(world, claire, &cast.practitioner, "2027-01-07T14:00:00Z");
    let seen = |of: &str| {
        let of_month = people(world, &closing(), alpha, of);
        of_month.into_iter().map(|one| (one.user, one)).collect::<BTreeMap<_, _>>()
    };
    let january = seen("2027-01");
    let used = EligibleEmployee {
        employee: marc.1.id.0,
        user: marc.0.id(),
        agrees: false,
        department: Some("Support".to_owned()),
        seconds: vec![1_859, 2_700, 2_700],
        minutes: vec![30, 45, 45],
    };
    assert_eq!(january[&marc.0.id()], used);
    let idle = EligibleEmployee {
        employee: claire.1.id.0,
        user: claire.0.id(),
        agrees: true,
        department: Some("Support".to_owned()),
        seconds: Vec::new(),
        minutes: Vec::new(),
    };
    assert_eq!(january[&claire.0.id()], idle);
    assert_eq!(january.len(), 2);
    assert_eq!(seen("2027-02")[&marc.0.id()].minutes, [45]);
    assert_eq!(seen("2026-12").len(), 0, "nobody was listed then");
    for other in [cast.hr.scope(), cast.administrator.scope(), Scope::worker(Job::Audit)] {
        assert_eq!(people(world, &other, alpha, "2027-01"), [], "{other:?}");
    }
}

/// A department is that of the month's first day, whoever moves afterwards; people come and go.
pub fn departments_are_those_of_the_first_day(world: &World) {
    let cast = Cast::new(world);
    let alpha = cast.company.id.0;
    let change = |day: &str, entry: &Employee, department: Option<&str>, status: EmployeeStatus| {
        let department = department.map(str::to_owned);
        let updated_at = at(&format!("{day}T08:00:00Z"));
        let changed = Employee { department, status, updated_at, ..entry.clone() };
        world.tenancy.run(&cast.hr.scope(), |tx| tx.update_employee(&changed)).unwrap();
    };
    let (marc, claire) = (&cast.employee.1, &cast.colleague.1);
    let eligible = EmployeeStatus::Eligible;
    change("2027-01-20", marc, Some("Ventes"), eligible);
    change("2027-02-01", marc, None, eligible);
    change("2027-02-15", marc, Some("Achats"), eligible);
    change("2027-01-31", claire, Some("Support"), EmployeeStatus::Ended);
    change("2027-03-10", claire, Some("Achats"), eligible);
    let departments = |of: &str| -> BTreeMap<Uuid, Option<String>> {
        people(world, &closing(), alpha, of).into_iter().map(|one| (one.employee, one.department)).collect()
    };
    let named = |entry: &Employee, department: Option<&str>| (entry.id.0, department.map(str::to_owned));
    let expected = |people: Vec<(Uuid, Option<String>)>| people.into_iter().collect::<BTreeMap<_, _>>();
    assert_eq!(departments("2027-01"), expected(vec![named(marc, Some("Support")), named(claire, Some("Support"))]));
    assert_eq!(departments("2027-02"), expected(vec![named(marc, None)]), "Claire left with January");
    assert_eq!(departments("2027-03"), expected(vec![named(marc, Some("Achats")), named(claire, Some("Achats"))]));
}

/// The total counts everybody, people who were not eligible in the month too.
pub fn the_total_is_of_everybody(world: &World) {
    let cast = Cast::new(world);
    let alpha = cast.company.id.0;
    for (who, start) in [
        (&cast.employee, "2027-01-05T14:00:00Z"),
        (&cast.employee, "2027-01-06T14:00:00Z"),
        (&cast.colleague, "2027-01-07T14:00:00Z"),
        (&cast.stranger, "2027-01-08T14:00:00Z"),
    ] {
        took_place(world, &cast, who, start);
    }
    took_place(world, &cast, &cast.employee, "2026-12-07T09:00:00Z");
    let totals = UsageTotals { consultations: 3, seconds: 8_100, minutes: 135 };
    assert_eq!(total(world, &closing(), alpha, "2027-01"), MonthTotal { users: 2, totals });
    let before = total(world, &closing(), alpha, "2026-12");
    assert_eq!((before.users, before.totals.consultations), (1, 1), "although nobody was eligible then");
    assert_eq!(total(world, &closing(), alpha, "2027-02"), MonthTotal::default());
    assert_eq!(total(world, &cast.administrator.scope(), alpha, "2027-01"), MonthTotal::default());
}

/// How a company is reported is seen by its members, administrators and closing.
pub fn reporting_is_seen_by_those_it_concerns(world: &World) {
    let cast = Cast::new(world);
    let mut named = cast.company.clone();
    named.reporting = [(date(2027, 2, 1), HrReporting::Named)].into_iter().collect();
    world.tenancy.run(&cast.administrator.scope(), |tx| tx.update_company(&named)).unwrap();
    let read = |scope: &Scope| world.metrics.run(scope, |tx| Ok(tx.reporting(named.id.0)?)).unwrap();
    for scope in [cast.administrator.scope(), cast.hr.scope(), cast.employee.0.scope(), closing()] {
        assert_eq!(read(&scope), named.reporting, "{scope:?}");
    }
    for scope in [cast.other_hr.scope(), cast.operator.scope(), cast.practitioner.0.scope()] {
        assert_eq!(read(&scope), Reporting::default(), "{scope:?}");
    }
}

/// What ends after its month was closed counts in the next one that is open, and in no other.
pub fn what_ends_late_counts_in_the_next_open_month(world: &World) {
    let cast = Cast::new(world);
    let (alpha, marc) = (cast.company.id.0, &cast.employee);
    took_place(world, &cast, marc, "2027-01-05T14:00:00Z");
    let late = booked(world, marc, &cast.practitioner, "2027-01-06T14:00:00Z");
    released(world, &cast, "2027-01", &[]);
    carried_out(world, &cast.practitioner.0, late, "2027-01-06T14:00:00Z", "2027-01-06T14:30:00Z");
    let counted = |of: &str| total(world, &closing(), alpha, of).totals.minutes;
    assert_eq!((counted("2027-01"), counted("2027-02")), (45, 30));
    let of_marc = people(world, &closing(), alpha, "2027-02").into_iter().find(|one| one.user == marc.0.id());
    assert_eq!(of_marc.unwrap().minutes, [30]);
    // The other company's months are its own.
    took_place(world, &cast, &cast.stranger, "2027-01-07T14:00:00Z");
    assert_eq!(total(world, &closing(), cast.other_company.id.0, "2027-01").users, 1);
}

/// A team of so many people of one department, with the practitioners that they need to meet at once.
fn team(world: &World, cast: &Cast, size: usize) -> Vec<((Person, Employee), (Person, Practitioner))> {
    let member = |number: usize| {
        let who = employee(world, &cast.hr, &format!("e{number}@alpha.example"), "Camille");
        let address = format!("p{number}@huntzen.example");
        (who, listed(world, &cast.administrator, &address, "Dominique", |_| ()))
    };
    (0..size).map(member).collect()
}

/// Whatever closes at once, and whatever ends meanwhile: a consultation counts in one month, and what
/// was published of the first is what had ended by then.
pub fn every_consultation_counts_in_one_month(world: &World) {
    let cast = Cast::new(world);
    let alpha = cast.company.id.0;
    let team = team(world, &cast, 16);
    let start = "2027-01-06T14:00:00Z";
    let begun: Vec<_> = team.iter().take(12).map(|(who, with)| (with, booked(world, who, with, start))).collect();
    world.clock.set(at("2027-02-10T08:00:00Z"));
    at_once(begun.len() + 2, |number| match begun.get(number) {
        Some((with, one)) => {
            carried_out(world, &with.0, one.clone(), start, "2027-01-06T14:45:00Z");
        }
        None => while closer(world).close(1).unwrap() > 0 {},
    });
    let (january, february) = (total(world, &closing(), alpha, "2027-01"), total(world, &closing(), alpha, "2027-02"));
    assert_eq!(january.totals.consultations + february.totals.consultations, 12);
    let invoice = world.metrics.run(&cast.administrator.scope(), |tx| Ok(tx.invoice(alpha, month("2027-01"))?));
    assert_eq!(invoice.unwrap(), Some(january.totals).filter(|_| january.users >= 10));
    let published = cells(world, &cast.hr.scope(), alpha, ("2027-01", "2027-01"));
    assert_eq!(published.is_empty(), january.users < 10, "{january:?}: {published:?}");
}

/// Who agrees to be named agrees for months that are not over yet, and for none before.
pub fn consent_counts_for_no_month_that_was_over(world: &World) {
    let cast = Cast::new(world);
    let (alpha, marc) = (cast.company.id.0, &cast.employee.0);
    // The last evening of January in Paris, and the first night of February.
    for (decided, january) in [("2027-01-31T22:59:59Z", true), ("2027-01-31T23:00:00Z", false)] {
        agrees(world, marc, false);
        world.clock.set(at(decided));
        agrees(world, marc, true);
        // Said again later, it holds since the first time.
        world.clock.advance(SignedDuration::from_hours(24));
        agrees(world, marc, true);
        for (of, expected) in [("2027-01", january), ("2027-02", true)] {
            let of_month = people(world, &closing(), alpha, of);
            let of_marc = of_month.iter().find(|one| one.user == marc.id()).unwrap();
            assert_eq!(of_marc.agrees, expected, "{decided} {of}");
        }
    }
}

/// Who takes consent back while a month closes is named in it afterwards under no circumstances.
pub fn who_withdraws_while_a_month_closes_is_not_named(world: &World) {
    let cast = Cast::new(world);
    let team = team(world, &cast, 10);
    let mut named = cast.company.clone();
    named.reporting = [(date(2027, 1, 1), HrReporting::Named)].into_iter().collect();
    world.tenancy.run(&cast.administrator.scope(), |tx| tx.update_company(&named)).unwrap();
    let start = "2027-01-06T14:00:00Z";
    for (who, with) in &team {
        let one = booked(world, who, with, start);
        carried_out(world, &with.0, one, start, "2027-01-06T14:45:00Z");
        agrees(world, &who.0, true);
    }
    world.clock.set(at("2027-02-10T08:00:00Z"));
    at_once(team.len() + 1, |number| match team.get(number) {
        Some((who, _)) => agrees(world, &who.0, false),
        None => while closer(world).close(1).unwrap() > 0 {},
    });
    let (of, company) = (month("2027-01"), cast.company.id.0);
    let rows = world.metrics.run(&cast.hr.scope(), |tx| Ok(tx.released_people(company, of, of)?)).unwrap();
    assert_eq!(rows, []);
}

/// Closing publishes what the rules say, once for each month, in order; names only in months that are
/// reported so.
pub fn closing_publishes_each_month_once(world: &World) {
    let cast = Cast::new(world);
    let alpha = cast.company.id.0;
    let team = team(world, &cast, 18);
    let mut named = cast.company.clone();
    named.reporting = [(date(2027, 2, 1), HrReporting::Named)].into_iter().collect();
    world.tenancy.run(&cast.administrator.scope(), |tx| tx.update_company(&named)).unwrap();
    for (who, with) in team.iter().take(12) {
        for start in ["2027-01-06T14:00:00Z", "2027-02-03T14:00:00Z"] {
            let one = booked(world, who, with, start);
            let end = (at(start) + SignedDuration::from_mins(50)).to_string();
            carried_out(world, &with.0, one, start, &end);
        }
    }
    let (first, second) = (&team[0].0, &team[1].0);
    agrees(world, &first.0, true);
    agrees(world, &second.0, true);
    world.clock.set(at("2027-03-10T08:00:00Z"));
    assert_eq!(closer(world).close(100).unwrap(), 4, "two companies and two months");
    assert_eq!(closer(world).close(100).unwrap(), 0);
    let cell = PublishedCell { department: Some("Support".to_owned()), users: 10, consultations: 10, minutes: 600 };
    let told = cells(world, &cast.hr.scope(), alpha, ("2027-01", "2027-02"));
    let february = PublishedCell { minutes: 510, ..cell.clone() };
    assert_eq!(told, [(month("2027-01"), cell), (month("2027-02"), february)], "ten others in February");
    let told_of = |of: &str| {
        let rows = world.metrics.run(&cast.hr.scope(), |tx| Ok(tx.released_people(alpha, month(of), month(of))?));
        rows.unwrap().into_iter().map(|row| row.usage.user).collect::<BTreeSet<_>>()
    };
    assert_eq!(told_of("2027-01"), BTreeSet::new());
    assert_eq!(told_of("2027-02"), BTreeSet::from([first.0.id(), second.0.id()]));
    let invoice =
        |of: &str| world.metrics.run(&cast.administrator.scope(), |tx| Ok(tx.invoice(alpha, month(of))?)).unwrap();
    assert_eq!(invoice("2027-02").map(|totals| totals.minutes), Some(600), "of everybody");
    assert_eq!(cells(world, &cast.other_hr.scope(), cast.other_company.id.0, ("2027-01", "2027-02")), []);
}
