//! The contract of `Employees`.
use huntzen_tenancy::{
    Job, Origin, PageRequest, Scope, StoreError, TenancyError,
    employee::{Employee, EmployeeFilter, EmployeeStatus, EmploymentPeriod},
    ids::EmployeeId,
    policy::Role,
};
use jiff::{SignedDuration, civil::date};

use super::{at_once, is_refused, undone};
use crate::{
    cast::{Cast, Person, account, added, email, employee, new_employee},
    clock::at,
    world::World,
};

fn found(world: &World, scope: &Scope, id: EmployeeId) -> Option<Employee> {
    world.tenancy.run(scope, |tx| Ok(tx.employee(id)?)).unwrap()
}

fn change(world: &World, by: &Person, employee: &Employee) {
    world.tenancy.run(&by.scope(), |tx| tx.update_employee(employee)).unwrap();
}

/// What was added is found by id, by account and by address; nobody is None.
pub fn an_added_employee_is_found(world: &World) {
    let cast = Cast::new(world);
    let (person, mut entry) = cast.employee.clone();
    entry.phone = Some("+33 6 00 00 00 00".to_owned());
    entry.position = Some("Cheffe d’équipe".to_owned());
    change(world, &cast.hr, &entry);
    for scope in [cast.hr.scope(), person.scope()] {
        let ways = world
            .tenancy
            .run(&scope, |tx| {
                Ok([
                    tx.employee(entry.id)?,
                    tx.employee_for_update(entry.id)?,
                    tx.employee_of(person.id())?,
                    tx.employee_by_email(entry.company, &entry.email)?,
                ])
            })
            .unwrap();
        for way in ways {
            assert_eq!(way.as_ref(), Some(&entry), "{scope:?}");
        }
    }
    let absent = world
        .tenancy
        .run(&cast.hr.scope(), |tx| {
            Ok([
                tx.employee(EmployeeId(world.randomness.uuid_v4()))?,
                tx.employee_of(cast.hr.id())?,
                tx.employee_by_email(entry.company, &email("nobody@alpha.example"))?,
            ])
        })
        .unwrap();
    assert_eq!(absent, [None, None, None]);
}

/// Names, phone, department, position, status and the time of change can change, nothing else.
pub fn an_employee_changes(world: &World) {
    let cast = Cast::new(world);
    let mut entry = cast.employee.1.clone();
    entry.first_name = "Marco".to_owned();
    entry.last_name = "Durand".to_owned();
    entry.phone = Some("01".to_owned());
    entry.department = None;
    entry.position = Some("Comptable".to_owned());
    entry.status = EmployeeStatus::Ended;
    entry.updated_at += SignedDuration::from_hours(1);
    let mut asked = entry.clone();
    asked.email = email("other@alpha.example");
    asked.user = cast.colleague.0.id();
    asked.company = cast.other_company.id;
    asked.created_at = asked.updated_at;
    change(world, &cast.hr, &asked);
    assert_eq!(found(world, &cast.hr.scope(), entry.id), Some(entry.clone()));
    entry.phone = Some("02".to_owned());
    change(world, &cast.employee.0, &entry);
    assert_eq!(found(world, &cast.employee.0.scope(), entry.id), Some(entry));
    let mut absent = cast.employee.1.clone();
    absent.id = EmployeeId(world.randomness.uuid_v4());
    let refused = world.tenancy.run(&cast.hr.scope(), |tx| tx.update_employee(&absent));
    assert!(matches!(refused, Err(TenancyError::NotFound)), "{refused:?}");
}

/// The names of an entry are those of its account, whoever changes them.
pub fn names_follow_to_the_account(world: &World) {
    let cast = Cast::new(world);
    let (person, mut entry) = cast.employee.clone();
    entry.first_name = "Marc-André".to_owned();
    entry.last_name = "Lefèvre".to_owned();
    entry.updated_at += SignedDuration::from_hours(1);
    change(world, &cast.hr, &entry);
    let user = world.tenancy.run(&person.scope(), |tx| Ok(tx.user(person.id())?)).unwrap().unwrap();
    assert_eq!((user.first_name, user.last_name), (entry.first_name, entry.last_name));
    assert_eq!(user.updated_at, entry.updated_at);
}

/// A failed unit of work leaves no employee, no period, no audit entry and no letter.
pub fn a_failed_unit_of_work_leaves_no_employee(world: &World) {
    let cast = Cast::new(world);
    let user = account(world, "new@alpha.example", Role::Employee, cast.hr.user.company);
    let entry = new_employee(world, &user, "Nouvelle");
    undone(world, &cast.hr, entry.id, |tx| {
        tx.add_user(&user)?;
        tx.add_employee(&entry)
    });
    assert_eq!(found(world, &cast.hr.scope(), entry.id), None);
    assert_eq!(periods(world, entry.id), []);
}

/// Many are listed as each alone would be, their periods included; whose addresses are listed is known
/// to those who see the entries.
pub fn many_are_listed_at_once(world: &World) {
    let cast = Cast::new(world);
    let people = ["a@alpha.example", "b@alpha.example"].map(|address| {
        let user = added(world, &cast.hr, address, Role::Employee, cast.hr.user.company).user;
        new_employee(world, &user, "Nouvelle")
    });
    world.tenancy.run(&cast.hr.scope(), |tx| tx.add_employees(&people)).unwrap();
    for entry in &people {
        assert_eq!(found(world, &cast.hr.scope(), entry.id).as_ref(), Some(entry));
        assert_eq!(periods(world, entry.id).len(), 1);
    }
    let asked = ["a@alpha.example", "b@alpha.example", "lea@beta.example", "new@alpha.example"].map(email);
    let listed = |scope: &Scope| {
        let listed = world.tenancy.run(scope, |tx| Ok(tx.listed_emails(cast.company.id, &asked)?));
        let mut listed = listed.unwrap();
        listed.sort();
        listed
    };
    assert_eq!(listed(&cast.hr.scope()), asked[..2]);
    for scope in [cast.other_hr.scope(), cast.administrator.scope(), Scope::anonymous(Origin::default())] {
        assert_eq!(listed(&scope), [], "{scope:?}");
    }

    let user = added(world, &cast.hr, "c@alpha.example", Role::Employee, cast.hr.user.company).user;
    let fresh = new_employee(world, &user, "Encore");
    let twin = Employee { id: EmployeeId(world.randomness.uuid_v4()), email: people[0].email.clone(), ..fresh.clone() };
    let refused = world.tenancy.run(&cast.hr.scope(), |tx| tx.add_employees(&[fresh.clone(), twin]));
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(found(world, &cast.hr.scope(), fresh.id), None);
}

/// HR sees its company's employees, each sees itself, nobody else sees any.
pub fn another_tenant_sees_no_employee(world: &World) {
    let cast = Cast::new(world);
    let entry = &cast.employee.1;
    for (scope, expected) in [
        (cast.hr.scope(), true),
        (cast.employee.0.scope(), true),
        (cast.colleague.0.scope(), false),
        (cast.other_hr.scope(), false),
        (cast.stranger.0.scope(), false),
        (cast.practitioner.0.scope(), false),
        (cast.administrator.scope(), false),
        (cast.operator.scope(), false),
        (Scope::anonymous(Origin::default()), false),
        (Scope::worker(Job::Outbox), false),
    ] {
        assert_eq!(found(world, &scope, entry.id).is_some(), expected, "{scope:?}");
        let listed = list(world, &scope, entry, &EmployeeFilter::default());
        assert_eq!(listed.0.contains(&entry.first_name), expected, "{scope:?}");
        let by_address = world.tenancy.run(&scope, |tx| Ok(tx.employee_by_email(entry.company, &entry.email)?));
        assert_eq!(by_address.unwrap().is_some(), expected, "{scope:?}");
        if !expected {
            assert_eq!(listed.1, u64::from(scope == cast.colleague.0.scope()), "{scope:?}");
            let refused = world.tenancy.run(&scope, |tx| tx.update_employee(entry));
            assert!(matches!(refused, Err(TenancyError::NotFound)), "{scope:?}: {refused:?}");
        }
    }
}

/// Nobody lists people in a company that is not theirs to manage.
pub fn nobody_lists_people_elsewhere(world: &World) {
    let cast = Cast::new(world);
    let user = added(world, &cast.hr, "new@alpha.example", Role::Employee, cast.hr.user.company).user;
    let entry = new_employee(world, &user, "Nouvelle");
    for person in [&cast.other_hr, &cast.employee.0, &cast.administrator, &cast.practitioner.0] {
        let refused = world.tenancy.run(&person.scope(), |tx| tx.add_employee(&entry));
        assert!(is_refused(&refused), "{}: {refused:?}", person.user.role);
    }
}

/// A company lists an address once, an account once; another company may know the same address.
pub fn an_address_is_listed_once_a_company(world: &World) {
    let cast = Cast::new(world);
    let listed = |hr: &Person, address: &str, user_address: &str| {
        let user = added(world, hr, user_address, Role::Employee, hr.user.company).user;
        let mut entry = new_employee(world, &user, "Jumelle");
        entry.email = email(address);
        world.tenancy.run(&hr.scope(), |tx| tx.add_employee(&entry))
    };
    let refused = listed(&cast.hr, "marc@alpha.example", "m1@alpha.example");
    assert!(matches!(refused, Err(TenancyError::EmailTaken)), "{refused:?}");
    listed(&cast.other_hr, "marc@alpha.example", "m2@beta.example").unwrap();
    let mut again = new_employee(world, &cast.employee.0.user, "Encore");
    again.email = email("m3@alpha.example");
    let refused = world.tenancy.run(&cast.hr.scope(), |tx| tx.add_employee(&again));
    let Err(TenancyError::Store(StoreError::Refused(rule))) = refused else { panic!("{refused:?}") };
    assert_eq!(rule, "employees_user_id_key");
}

fn list(world: &World, scope: &Scope, of: &Employee, filter: &EmployeeFilter) -> (Vec<String>, u64) {
    listed(world, scope, of, filter, PageRequest { page: 1, per_page: 100 })
}

fn listed(
    world: &World,
    scope: &Scope,
    of: &Employee,
    filter: &EmployeeFilter,
    page: PageRequest,
) -> (Vec<String>, u64) {
    let page = world.tenancy.run(scope, |tx| Ok(tx.employees(of.company, filter, page)?)).unwrap();
    (page.items.into_iter().map(|entry| entry.first_name).collect(), page.total)
}

/// A list is by family name, given name, id, in pages that know the total; it is searched in any
/// case, without accents, by name and address.
pub fn lists_are_searched_and_paged(world: &World) {
    let cast = Cast::new(world);
    for (address, first, last, department, status) in [
        ("eloise@alpha.example", "Éloïse", "Côté", Some("Ventes"), EmployeeStatus::Eligible),
        ("bruno@alpha.example", "Bruno", "Côté", Some("Ventes & Conseil"), EmployeeStatus::Ended),
        ("zoe@alpha.example", "Zoé", "Adam", None, EmployeeStatus::Eligible),
    ] {
        let (_, mut entry) = employee(world, &cast.hr, address, first);
        entry.last_name = last.to_owned();
        entry.department = department.map(str::to_owned);
        entry.status = status;
        change(world, &cast.hr, &entry);
    }
    let of = &cast.employee.1;
    let scope = cast.hr.scope();
    let page = |page| listed(world, &scope, of, &EmployeeFilter::default(), PageRequest { page, per_page: 2 });
    assert_eq!(page(1), (names(&["Zoé", "Bruno"]), 5));
    assert_eq!(page(2), (names(&["Éloïse", "Claire"]), 5));
    assert_eq!(page(3), (names(&["Marc"]), 5));
    assert_eq!(page(4), (names(&[]), 5));
    let search = |text: &str| {
        list(world, &scope, of, &EmployeeFilter { text: Some(text.to_owned()), ..EmployeeFilter::default() })
    };
    assert_eq!(search("ELOISE"), (names(&["Éloïse"]), 1));
    assert_eq!(search("cote"), (names(&["Bruno", "Éloïse"]), 2));
    assert_eq!(search("Éloïse Côt"), (names(&["Éloïse"]), 1));
    assert_eq!(search("zoe@alpha.example"), (names(&["Zoé"]), 1));
    assert_eq!(search("nobody"), (names(&[]), 0));
    let in_sales = EmployeeFilter { department: Some("Ventes".to_owned()), ..EmployeeFilter::default() };
    assert_eq!(list(world, &scope, of, &in_sales), (names(&["Éloïse"]), 1));
    let ended = EmployeeFilter { status: Some(EmployeeStatus::Ended), ..EmployeeFilter::default() };
    assert_eq!(list(world, &scope, of, &ended), (names(&["Bruno"]), 1));
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Booking learns whether the person's own status and the company's both allow it.
pub fn eligibility_takes_both_standings(world: &World) {
    let cast = Cast::new(world);
    let (person, entry) = &cast.employee;
    let asked = |scope: &Scope| world.tenancy.run(scope, |tx| Ok(tx.eligibility(person.id())?)).unwrap();
    let eligibility = asked(&person.scope()).unwrap();
    assert_eq!((eligibility.employee, eligibility.eligible), (entry.id, true));
    assert_eq!((eligibility.first_name, eligibility.last_name), (entry.first_name.clone(), entry.last_name.clone()));
    assert_eq!(eligibility.timezone, "Europe/Paris");
    for scope in [cast.colleague.0.scope(), cast.stranger.0.scope(), cast.other_hr.scope()] {
        assert_eq!(asked(&scope), None, "{scope:?}");
    }
    let nobody = world.tenancy.run(&cast.hr.scope(), |tx| Ok(tx.eligibility(cast.hr.id())?)).unwrap();
    assert_eq!(nobody, None);
    let mut ended = entry.clone();
    ended.status = EmployeeStatus::Ended;
    change(world, &cast.hr, &ended);
    assert!(!asked(&person.scope()).unwrap().eligible);
    change(world, &cast.hr, entry);
    assert!(asked(&person.scope()).unwrap().eligible);
    let mut suspended = cast.company.clone();
    suspended.is_active = false;
    world.tenancy.run(&cast.administrator.scope(), |tx| tx.update_company(&suspended)).unwrap();
    assert!(!asked(&person.scope()).unwrap().eligible);
}

fn periods(world: &World, id: EmployeeId) -> Vec<EmploymentPeriod> {
    world.tenancy.run(&Scope::worker(Job::Audit), |tx| Ok(tx.employment_periods(id)?)).unwrap()
}

/// Employment opens, closes and opens again by itself, on civil days of the company's zone; what
/// changes within a day leaves only what held at its end.
pub fn employment_periods_follow_every_change(world: &World) {
    let cast = Cast::new(world);
    let mut entry = cast.employee.1.clone();
    let period = |department: Option<&str>, from, until| EmploymentPeriod {
        department: department.map(str::to_owned),
        from,
        until,
    };
    assert_eq!(periods(world, entry.id), [period(Some("Support"), date(2027, 1, 4), None)]);
    let mut at_instant = |instant: &str, department: Option<&str>, status| {
        entry.updated_at = at(instant);
        entry.department = department.map(str::to_owned);
        entry.status = status;
        change(world, &cast.hr, &entry);
    };
    // Half past eleven at night in London is the next day in Paris.
    at_instant("2027-01-09T23:30:00Z", Some("Ventes"), EmployeeStatus::Eligible);
    at_instant("2027-01-10T10:00:00Z", Some("Achats"), EmployeeStatus::Eligible);
    at_instant("2027-01-11T10:00:00Z", Some("Achats"), EmployeeStatus::Eligible);
    at_instant("2027-02-01T10:00:00Z", Some("Achats"), EmployeeStatus::Ended);
    at_instant("2027-02-02T10:00:00Z", None, EmployeeStatus::Ended);
    at_instant("2027-03-01T10:00:00Z", None, EmployeeStatus::Eligible);
    assert_eq!(
        periods(world, cast.employee.1.id),
        [
            period(Some("Support"), date(2027, 1, 4), Some(date(2027, 1, 10))),
            period(Some("Achats"), date(2027, 1, 10), Some(date(2027, 2, 1))),
            period(None, date(2027, 3, 1), None),
        ]
    );
}

/// Nobody but the audit reads who worked where when.
pub fn employment_periods_are_the_audits_alone(world: &World) {
    let cast = Cast::new(world);
    let id = cast.employee.1.id;
    assert_eq!(periods(world, id).len(), 1);
    for scope in [
        cast.hr.scope(),
        cast.employee.0.scope(),
        cast.administrator.scope(),
        cast.operator.scope(),
        Scope::worker(Job::Eligibility),
    ] {
        let seen = world.tenancy.run(&scope, |tx| Ok(tx.employment_periods(id)?)).unwrap();
        assert_eq!(seen, [], "{scope:?}");
    }
}

/// Of many entries with one address at once, exactly one is made.
pub fn of_many_at_once_one_address_is_listed(world: &World) {
    let cast = Cast::new(world);
    let users: Vec<_> = (0..6)
        .map(|number| {
            added(world, &cast.hr, &format!("r{number}@alpha.example"), Role::Employee, cast.hr.user.company).user
        })
        .collect();
    let outcomes = at_once(users.len(), |number| {
        let mut entry = new_employee(world, users.get(number).unwrap(), "Course");
        entry.email = email("race@alpha.example");
        world.tenancy.run(&cast.hr.scope(), |tx| tx.add_employee(&entry))
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(()) | Err(TenancyError::EmailTaken))), "{outcomes:?}");
}

/// An employee that is held while it is changed loses no change of anybody's.
pub fn a_held_employee_loses_no_change(world: &World) {
    let cast = Cast::new(world);
    let id = cast.employee.1.id;
    at_once(6, |number| {
        let change = world.tenancy.run(&cast.hr.scope(), |tx| {
            let mut entry = tx.employee_for_update(id)?.unwrap();
            entry.position = Some(format!("{}{number}", entry.position.unwrap_or_default()));
            tx.update_employee(&entry)
        });
        change.unwrap();
    });
    let position = found(world, &cast.hr.scope(), id).unwrap().position.unwrap();
    let mut changes: Vec<char> = position.chars().collect();
    changes.sort_unstable();
    assert_eq!(changes, ['0', '1', '2', '3', '4', '5']);
}
