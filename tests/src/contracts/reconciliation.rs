//! The contract of `Reconciliations`, and that figures are what a recount of any history gives.
use std::collections::{BTreeMap, BTreeSet};

use huntzen_booking::consultation::Consultation;
use huntzen_metrics::{
    DailyTotals, Month, MonthTotal, Period, PractitionerDay, UsageTotals,
    reconciliation::{Comparison, CounterKind, Reconciliation, Reconciling},
};
use huntzen_tenancy::{Job, Scope, clock::Clock, company::Company, employee::Employee, policy::Role};
use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, date},
    tz::TimeZone,
};

use crate::{
    appointments::{LENGTH, booked, cancelled, carried_out},
    cast::{Cast, Person, added, company, employee, siret},
    clock::at,
    scale::rounds,
    sequence::Sequence,
    world::World,
};

fn reconcile() -> Scope {
    Scope::worker(Job::Reconcile)
}

fn last(world: &World, scope: &Scope) -> Option<Reconciliation> {
    world.metrics.run(scope, |tx| Ok(tx.last_reconciliation()?)).unwrap()
}

/// Where companies are: where clocks jump by an hour, by half an hour, at midnight, and never.
const ZONES: [&str; 6] = [
    "Europe/Paris",
    "America/Martinique",
    "Pacific/Auckland",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Santiago",
];

/// Days around which something is special: a year ends, February does, clocks jump here or there.
const DAYS: [Date; 8] = [
    date(2026, 12, 31),
    date(2027, 2, 28),
    date(2027, 3, 28),
    date(2027, 4, 3),
    date(2027, 4, 4),
    date(2027, 9, 5),
    date(2027, 9, 26),
    date(2027, 10, 31),
];

/// A consultation that took place, with what it must count for.
struct Held {
    consultation: Consultation,
    zone: TimeZone,
    employee: Employee,
    seconds: u64,
}

impl Held {
    /// The civil day on which it was to start, where the company is.
    fn day(&self) -> Date {
        self.consultation.scheduled_at.to_zoned(self.zone.clone()).date()
    }

    fn minutes(&self) -> u64 {
        self.seconds / 60
    }
}

/// A company in each zone, with two employees each.
fn companies(world: &World, cast: &Cast) -> Vec<(Company, Vec<(Person, Employee)>)> {
    let make = |(zone, number): (&&str, u32)| {
        let name = format!("Zone{number}");
        let domain = format!("zone{number}.example");
        let mut made = company(world, &cast.administrator, &name, &domain, &siret(100 + number));
        made.timezone = (*zone).to_owned();
        world.tenancy.run(&cast.administrator.scope(), |tx| tx.update_company(&made)).unwrap();
        let hr = added(world, &cast.administrator, &format!("rh@{domain}"), Role::AdminRh, Some(made.id));
        let people = ["un", "deux"].map(|who| employee(world, &hr, &format!("{who}@{domain}"), "Camille"));
        (made, people.into())
    };
    ZONES.iter().zip(1..).map(make).collect()
}

/// A random history of Sophie's: at any minute of special days, begun late or early, ended early or far
/// too late, some called off.
fn history(world: &World, cast: &Cast, seed: u64, length: usize) -> Vec<Held> {
    let companies = companies(world, cast);
    let mut chance = Sequence::new(seed);
    let mut taken: BTreeSet<Timestamp> = BTreeSet::new();
    let mut history = Vec::new();
    while history.len() < length {
        let (company, people) = &companies[chance.below(companies.len())];
        let who = &people[chance.below(people.len())];
        let day = DAYS[chance.below(DAYS.len())];
        let minute = SignedDuration::from_mins(i64::try_from(chance.below(36 * 60)).unwrap());
        let noon = day.at(0, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp();
        let start = noon - SignedDuration::from_hours(6) + minute;
        let hour = SignedDuration::from_hours(1);
        if taken.range(start - hour..=start + hour).next().is_some() {
            continue;
        }
        taken.insert(start);
        let planned = booked(world, who, &cast.practitioner, &start.to_string());
        if chance.below(8) == 0 {
            cancelled(world, &who.0, planned);
            continue;
        }
        let began = start + SignedDuration::from_secs(i64::try_from(chance.below(20 * 60)).unwrap() - 600);
        let lasted = SignedDuration::from_secs(i64::try_from(chance.below(3 * 3600)).unwrap() - 60);
        let ended = began + lasted;
        let practitioner = &cast.practitioner.0;
        let over = carried_out(world, practitioner, planned, &began.to_string(), &ended.to_string());
        // It counts until half an hour after its planned end, and never backwards.
        let until = ended.min(start + LENGTH + SignedDuration::from_mins(30));
        let seconds = u64::try_from(until.duration_since(began).as_secs().max(0)).unwrap();
        let zone = TimeZone::get(&company.timezone).unwrap();
        history.push(Held { consultation: over, zone, employee: who.1.clone(), seconds });
    }
    history
}

/// Every figure equals a recomputation from the consultations themselves: a practitioner's sums and days
/// over any period, the lines of its statements, and what a company's months come to.
pub fn figures_equal_a_recomputation_of_any_history(world: &World) {
    let cast = Cast::new(world);
    let history = history(world, &cast, 7 + rounds(20) as u64, rounds(400) + 40);
    let sophie = cast.practitioner.1.id.0;
    let scope = cast.practitioner.0.scope();
    let mut chance = Sequence::new(11);
    for _ in 0..30 {
        let from = DAYS[chance.below(DAYS.len())].checked_sub(jiff::Span::new().days(1)).unwrap();
        let span = i64::try_from(chance.below(200)).unwrap();
        let period = Period::new(from, from.checked_add(jiff::Span::new().days(span)).unwrap()).unwrap();
        let mut days: BTreeMap<Date, PractitionerDay> = BTreeMap::new();
        let mut totals = DailyTotals::default();
        for held in history.iter().filter(|held| period.from() <= held.day() && held.day() <= period.to()) {
            let none = PractitionerDay { day: held.day(), consultations: 0, minutes: 0 };
            let day = days.entry(held.day()).or_insert(none);
            day.consultations += 1;
            day.minutes += held.minutes();
            totals.consultations += 1;
            totals.total_duration_seconds += held.seconds;
            totals.total_duration_minutes += held.minutes();
        }
        totals.active_days = u32::try_from(days.len()).unwrap();
        let (told, told_by_day) = world
            .metrics
            .run(&scope, |tx| Ok((tx.practitioner_totals(sophie, period)?, tx.practitioner_days(sophie, period)?)))
            .unwrap();
        assert_eq!(told, totals, "{period:?}");
        assert_eq!(told_by_day, days.into_values().collect::<Vec<_>>(), "{period:?}");
    }
    check_months(world, &cast, &history);
    let compared = Reconciling::new(world.metrics_ports()).run().unwrap();
    assert_eq!(compared.len(), 3);
    assert!(compared.iter().all(|one| one.checked > 0 && one.differing == 0), "{compared:?}");
}

fn check_months(world: &World, cast: &Cast, history: &[Held]) {
    let closing = Scope::worker(Job::Closing);
    let months: BTreeSet<Month> = history.iter().map(|held| Month::of(held.day())).collect();
    let companies: BTreeSet<_> = history.iter().map(|held| held.consultation.company).collect();
    for month in months {
        let of_month = || history.iter().filter(|held| Month::of(held.day()) == month);
        let lines = world.metrics.run(&closing, |tx| Ok(tx.statement_lines(cast.practitioner.1.id.0, month)?)).unwrap();
        let mut told: Vec<_> =
            lines.into_iter().map(|line| (line.day, line.company, u64::from(line.minutes))).collect();
        let mut expected: Vec<_> =
            of_month().map(|held| (held.day(), held.consultation.company.0, held.minutes())).collect();
        told.sort_unstable();
        expected.sort_unstable();
        assert_eq!(told, expected, "{month}");
        for company in &companies {
            let theirs = || of_month().filter(|held| held.consultation.company == *company);
            let totals = UsageTotals {
                consultations: theirs().count() as u64,
                seconds: theirs().map(|held| held.seconds).sum(),
                minutes: theirs().map(Held::minutes).sum(),
            };
            let users = theirs().map(|held| held.employee.id).collect::<BTreeSet<_>>().len() as u64;
            let told = world.metrics.run(&closing, |tx| Ok(tx.release_total(company.0, month)?)).unwrap();
            assert_eq!(told, MonthTotal { users, totals }, "{month}");
        }
    }
}

/// Counters that triggers keep agree with the consultations; what comes of a comparison is kept until
/// the next, for the job alone.
pub fn counters_are_compared_with_consultations(world: &World) {
    let cast = Cast::new(world);
    assert_eq!(last(world, &reconcile()), None);
    for (who, start) in [
        (&cast.employee, "2027-01-05T14:00:00Z"),
        (&cast.colleague, "2027-01-05T16:00:00Z"),
        (&cast.stranger, "2027-01-06T14:00:00Z"),
    ] {
        let end = (at(start) + SignedDuration::from_mins(45)).to_string();
        carried_out(world, &cast.practitioner.0, booked(world, who, &cast.practitioner, start), start, &end);
    }
    booked(world, &cast.employee, &cast.practitioner, "2027-01-07T14:00:00Z");
    let mut compared = Reconciling::new(world.metrics_ports()).run().unwrap();
    compared.sort_by_key(|one| one.checked);
    let all_agree = |kind, checked| Comparison { kind, checked, differing: 0 };
    assert_eq!(compared[2], all_agree(CounterKind::Employee, 3));
    assert_eq!(compared[..2].iter().map(|one| (one.checked, one.differing)).collect::<Vec<_>>(), [(2, 0), (2, 0)]);
    let made = Reconciliation { at: world.clock.now(), checked: 7, differing: 0 };
    assert_eq!(last(world, &reconcile()), Some(made));
    world.clock.advance(SignedDuration::from_hours(6));
    Reconciling::new(world.metrics_ports()).run().unwrap();
    assert_eq!(last(world, &reconcile()).map(|made| made.at), Some(world.clock.now()));
    for other in [cast.hr.scope(), cast.administrator.scope(), cast.operator.scope(), Scope::worker(Job::Audit)] {
        assert_eq!(last(world, &other), None, "{other:?}");
        let compared = world.metrics.run(&other, |tx| Ok(tx.compare_counters(10)?)).unwrap();
        assert_eq!(compared, [], "{other:?}");
        assert!(world.metrics.run(&other, |tx| Ok(tx.keep_reconciliation(&made)?)).is_err(), "{other:?}");
    }
}
