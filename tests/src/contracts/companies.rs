//! The contract of `Companies`.
use huntzen_tenancy::{
    FieldError, Origin, PageRequest, Scope, StoreError, TenancyError,
    clock::Clock,
    company::{Company, CompanyFilter, EmailDomain, HrReporting, Siret},
    ids::CompanyId,
    notifications::{NotificationFilter, NotificationType},
    policy::Role,
};
use jiff::{SignedDuration, civil::date};
use serde_json::json;

use super::{at_once, is_refused, undone, waiting_letters};
use crate::{
    cast::{Cast, Person, added, company, email, employee, new_company, operator, siret},
    world::World,
};

const ALL: PageRequest = PageRequest { page: 1, per_page: 100 };

fn found(world: &World, scope: &Scope, id: CompanyId) -> Option<Company> {
    world.tenancy.run(scope, |tx| Ok(tx.company(id)?)).unwrap()
}

fn administrator(world: &World) -> Person {
    added(world, &operator(world), "admin@huntzen.example", Role::AdminHuntzen, None)
}

/// A company of which every field says something.
fn full(world: &World, by: &Person) -> Company {
    let mut company = new_company(world, "Gamma", "gamma.example", &siret(1));
    company.email_domains.push(domain("filiale.gamma.example"));
    company.sector = Some("Énergie".to_owned());
    company.contact_name = Some("Zoé Petit".to_owned());
    company.contact_email = Some(email("zoe@gamma.example"));
    company.phone = Some("+33 1 23 45 67 89".to_owned());
    company.address = Some("1 rue de la Paix\n75002 Paris".to_owned());
    company.validated_by = Some(by.id());
    company.reporting =
        [(date(2027, 2, 1), HrReporting::Named), (date(2027, 5, 1), HrReporting::Aggregated)].into_iter().collect();
    company
}

fn domain(text: &str) -> EmailDomain {
    EmailDomain::parse(text).unwrap()
}

/// What was added is found field by field, its domains in order; nothing is None.
pub fn an_added_company_is_found(world: &World) {
    let administrator = administrator(world);
    let company = full(world, &administrator);
    world.tenancy.run(&administrator.scope(), |tx| tx.add_company(&company)).unwrap();
    assert_eq!(found(world, &administrator.scope(), company.id), Some(company));
    let unknown = CompanyId(world.randomness.uuid_v4());
    assert_eq!(found(world, &administrator.scope(), unknown), None);
}

/// Everything but id, slug and creation can change; a domain that is given up is free.
pub fn a_company_changes(world: &World) {
    let cast = Cast::new(world);
    world.clock.advance(SignedDuration::from_hours(1));
    let mut changed = full(world, &cast.administrator);
    changed.id = cast.company.id;
    changed.siret = Siret::parse(&siret(2)).unwrap();
    changed.is_active = false;
    changed.timezone = "Indian/Reunion".to_owned();
    world.tenancy.run(&cast.administrator.scope(), |tx| tx.update_company(&changed)).unwrap();
    changed.slug.clone_from(&cast.company.slug);
    changed.created_at = cast.company.created_at;
    assert_eq!(found(world, &cast.administrator.scope(), changed.id), Some(changed));
    let heir = company(world, &cast.administrator, "Heir", "alpha.example", &siret(3));
    assert_eq!(found(world, &cast.administrator.scope(), heir.id), Some(heir));
    let absent = new_company(world, "Absent", "absent.example", &siret(4));
    let refused = world.tenancy.run(&cast.administrator.scope(), |tx| tx.update_company(&absent));
    assert!(matches!(refused, Err(TenancyError::NotFound)), "{refused:?}");
}

/// Domains, SIRETs and slugs are one company's, be it added or changed.
pub fn no_two_companies_share_what_is_unique(world: &World) {
    let cast = Cast::new(world);
    let admin = cast.administrator.scope();
    let add = |company: &Company| world.tenancy.run(&admin, |tx| tx.add_company(company));
    let same_domain = new_company(world, "Gamma", "alpha.example", &siret(1));
    assert!(matches!(add(&same_domain), Err(TenancyError::DomainTaken)));
    let same_siret = new_company(world, "Gamma", "gamma.example", cast.company.siret.as_str());
    assert!(matches!(add(&same_siret), Err(TenancyError::SiretTaken)));
    let same_slug = new_company(world, "Alpha", "gamma.example", &siret(1));
    let refused = add(&same_slug);
    let Err(TenancyError::Store(StoreError::Refused(rule))) = refused else { panic!("{refused:?}") };
    assert_eq!(rule, "companies_slug_key");
    let change = |company: &Company| world.tenancy.run(&admin, |tx| tx.update_company(company));
    let mut changed = cast.company.clone();
    changed.email_domains = cast.other_company.email_domains.clone();
    assert!(matches!(change(&changed), Err(TenancyError::DomainTaken)));
    let mut changed = cast.company.clone();
    changed.siret = cast.other_company.siret.clone();
    assert!(matches!(change(&changed), Err(TenancyError::SiretTaken)));
    assert_eq!(found(world, &admin, cast.company.id), Some(cast.company));
}

/// HR changes how its own company is reached, but neither its domains nor another company.
pub fn hr_changes_its_own_company_alone(world: &World) {
    let cast = Cast::new(world);
    let mut changed = cast.company.clone();
    changed.phone = Some("+33 1 00 00 00 00".to_owned());
    world.tenancy.run(&cast.hr.scope(), |tx| tx.update_company(&changed)).unwrap();
    assert_eq!(found(world, &cast.hr.scope(), changed.id), Some(changed.clone()));
    let mut more = changed.clone();
    more.email_domains.push(domain("more.example"));
    assert!(is_refused(&world.tenancy.run(&cast.hr.scope(), |tx| tx.update_company(&more))));
    for person in [&cast.other_hr, &cast.employee.0, &cast.practitioner.0, &cast.operator] {
        let refused = world.tenancy.run(&person.scope(), |tx| tx.update_company(&cast.company));
        assert!(matches!(refused, Err(TenancyError::NotFound)), "{}: {refused:?}", person.user.role);
    }
    assert_eq!(found(world, &cast.hr.scope(), changed.id), Some(changed));
}

/// Administrators see all companies, members their own, others none; only administrators add.
pub fn another_tenant_sees_no_company(world: &World) {
    let cast = Cast::new(world);
    for (scope, expected) in [
        (cast.administrator.scope(), true),
        (cast.hr.scope(), true),
        (cast.employee.0.scope(), true),
        (cast.other_hr.scope(), false),
        (cast.stranger.0.scope(), false),
        (cast.practitioner.0.scope(), false),
        (cast.operator.scope(), false),
        (Scope::anonymous(Origin::default()), false),
    ] {
        assert_eq!(found(world, &scope, cast.company.id).is_some(), expected, "{scope:?}");
        let listed = world.tenancy.run(&scope, |tx| Ok(tx.companies(&CompanyFilter::default(), ALL)?)).unwrap();
        assert_eq!(listed.items.contains(&cast.company), expected, "{scope:?}");
        assert_eq!(listed.total, listed.items.len() as u64);
    }
    for person in [&cast.hr, &cast.employee.0, &cast.operator, &cast.practitioner.0] {
        let company = new_company(world, "Gamma", "gamma.example", &siret(1));
        let refused = world.tenancy.run(&person.scope(), |tx| tx.add_company(&company));
        assert!(is_refused(&refused), "{}: {refused:?}", person.user.role);
    }
}

/// A failed unit of work leaves no company, no domain, no audit entry and no letter.
pub fn a_failed_unit_of_work_leaves_no_company(world: &World) {
    let administrator = administrator(world);
    let company = full(world, &administrator);
    undone(world, &administrator, company.id, |tx| tx.add_company(&company));
    assert_eq!(found(world, &administrator.scope(), company.id), None);
    world.tenancy.run(&administrator.scope(), |tx| tx.add_company(&company)).unwrap();
}

/// A list is by name, then id; it filters by standing and by text in any case.
pub fn lists_are_filtered_and_paged(world: &World) {
    let administrator = administrator(world);
    let scope = administrator.scope();
    let mut expected = Vec::new();
    for (number, (name, active)) in
        [("Delta", true), ("Beta", false), ("Gamma", true), ("Alpha", true)].iter().enumerate()
    {
        let number = u32::try_from(number).unwrap() + 1;
        let mut company = new_company(world, name, &format!("c{number}.example"), &siret(number));
        company.is_active = *active;
        world.tenancy.run(&scope, |tx| tx.add_company(&company)).unwrap();
        expected.push(company);
    }
    expected.sort_by(|one, other| one.name.cmp(&other.name));
    let list = |filter: &CompanyFilter, page, per_page| {
        let page = world.tenancy.run(&scope, |tx| Ok(tx.companies(filter, PageRequest { page, per_page })?)).unwrap();
        (page.items.into_iter().map(|company| company.name).collect::<Vec<_>>(), page.total)
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let everything = CompanyFilter::default();
    assert_eq!(list(&everything, 1, 3), (names(&["Alpha", "Beta", "Delta"]), 4));
    assert_eq!(list(&everything, 2, 3), (names(&["Gamma"]), 4));
    assert_eq!(list(&everything, 3, 3), (names(&[]), 4));
    let inactive = CompanyFilter { active: Some(false), text: None };
    assert_eq!(list(&inactive, 1, 10), (names(&["Beta"]), 1));
    let text = CompanyFilter { active: Some(true), text: Some("ELT".to_owned()) };
    assert_eq!(list(&text, 1, 10), (names(&["Delta"]), 1));
    let wildcard = CompanyFilter { active: None, text: Some("100%_x".to_owned()) };
    assert_eq!(list(&wildcard, 1, 10), (names(&[]), 0));
    let page = world.tenancy.run(&scope, |tx| Ok(tx.companies(&everything, ALL)?)).unwrap();
    assert_eq!(page.items, expected);
}

/// Anybody learns which active company a domain belongs to, and nothing more.
pub fn a_domain_leads_to_its_active_company(world: &World) {
    let cast = Cast::new(world);
    let asked =
        |scope: &Scope, text: &str| world.tenancy.run(scope, |tx| Ok(tx.company_for_domain(&domain(text))?)).unwrap();
    let anonymous = Scope::anonymous(Origin::default());
    for scope in [&anonymous, &cast.other_hr.scope(), &cast.operator.scope()] {
        assert_eq!(asked(scope, "alpha.example"), Some(cast.company.id));
        assert_eq!(asked(scope, "unknown.example"), None);
    }
    let mut suspended = cast.company.clone();
    suspended.is_active = false;
    world.tenancy.run(&cast.administrator.scope(), |tx| tx.update_company(&suspended)).unwrap();
    assert_eq!(asked(&anonymous, "alpha.example"), None);
}

/// Administrators learn which slugs with a stem are taken.
pub fn slugs_in_use_are_known_to_administrators(world: &World) {
    let cast = Cast::new(world);
    company(world, &cast.administrator, "Alpha-2", "alpha2.example", &siret(1));
    let slugs = |scope: &Scope| {
        let mut slugs = world.tenancy.run(scope, |tx| Ok(tx.slugs_like("alpha")?)).unwrap();
        slugs.sort();
        slugs
    };
    assert_eq!(slugs(&cast.administrator.scope()), ["alpha", "alpha-2"]);
    assert_eq!(slugs(&cast.other_hr.scope()), Vec::<String>::new());
}

/// Of many companies with one domain at once, exactly one is made.
pub fn of_many_at_once_one_takes_the_domain(world: &World) {
    let administrator = administrator(world);
    let outcomes = at_once(6, |number| {
        let number = u32::try_from(number).unwrap() + 1;
        let company = new_company(world, &format!("C{number}"), "race.example", &siret(number));
        world.tenancy.run(&administrator.scope(), |tx| tx.add_company(&company))
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(()) | Err(TenancyError::DomainTaken))), "{outcomes:?}");
}

/// A company that is held while it is changed loses no change of anybody's.
pub fn a_held_company_loses_no_change(world: &World) {
    let cast = Cast::new(world);
    at_once(6, |_| {
        let change = world.tenancy.run(&cast.administrator.scope(), |tx| {
            let mut company = tx.company_for_update(cast.company.id)?.unwrap();
            company.size = company.size.map(|size| size + 1);
            tx.update_company(&company)
        });
        change.unwrap();
    });
    let size = found(world, &cast.administrator.scope(), cast.company.id).unwrap().size;
    assert_eq!(size, cast.company.size.map(|size| size + 6));
}

/// Every employee of a company is told how it will be reported, by letter and in the app; nobody else
/// is, and nobody but an administrator tells them.
pub fn every_employee_is_told_of_reporting(world: &World) {
    let cast = Cast::new(world);
    let planned = (date(2027, 2, 1), HrReporting::Named);
    let announce = |by: &Person| {
        let now = world.clock.now();
        world.tenancy.run(&by.scope(), |tx| Ok(tx.announce_reporting(cast.company.id, planned, now)?)).unwrap()
    };
    for other in [&cast.hr, &cast.operator, &cast.employee.0] {
        assert_eq!(announce(other), 0, "{}", other.user.role);
    }
    let before = waiting_letters(world);
    assert_eq!(announce(&cast.administrator), 2);
    assert_eq!(waiting_letters(world) - before, 2);
    let inbox = |of: &Person| {
        let inbox =
            world.tenancy.run(&of.scope(), |tx| Ok(tx.inbox(of.id(), NotificationFilter::default(), None, 10)?));
        inbox.unwrap().items.into_iter().map(|one| (one.kind, one.data)).next()
    };
    let told = (NotificationType::ReportingChanged, json!({ "mode": "NAMED", "from": "2027-02-01" }));
    for employee in [&cast.employee.0, &cast.colleague.0] {
        assert_eq!(inbox(employee).as_ref(), Some(&told));
    }
    for other in [&cast.stranger.0, &cast.hr] {
        assert_eq!(inbox(other), None);
    }
}

/// HR, who may change the rest of its company, changes nothing about how it is reported.
pub fn reporting_is_the_administrators_to_decide(world: &World) {
    let cast = Cast::new(world);
    let mut company = cast.company.clone();
    company.reporting = [(date(2027, 2, 1), HrReporting::Named)].into_iter().collect();
    let refused = world.tenancy.run(&cast.hr.scope(), |tx| tx.update_company(&company));
    assert!(is_refused(&refused), "{refused:?}");
    assert_eq!(found(world, &cast.hr.scope(), company.id), Some(cast.company.clone()));
    world.tenancy.run(&cast.administrator.scope(), |tx| tx.update_company(&company)).unwrap();
    assert_eq!(found(world, &cast.hr.scope(), company.id), Some(company.clone()));
    company.phone = Some("+33 1 02 03 04 05".to_owned());
    world.tenancy.run(&cast.hr.scope(), |tx| tx.update_company(&company)).unwrap();
    assert_eq!(found(world, &cast.administrator.scope(), company.id), Some(company));
}

/// Whoever is listed once a company is reported by name, or about to be, is told so as well.
pub fn whoever_is_listed_later_is_told_too(world: &World) {
    let cast = Cast::new(world);
    let told = |who: &Person| {
        let inbox =
            world.tenancy.run(&who.scope(), |tx| Ok(tx.inbox(who.id(), NotificationFilter::default(), None, 10)?));
        inbox.unwrap().items.into_iter().map(|one| (one.kind, one.data)).collect::<Vec<_>>()
    };
    let mut company = cast.company.clone();
    let report = |company: &Company| {
        world.tenancy.run(&cast.administrator.scope(), |tx| tx.update_company(company)).unwrap();
    };
    let before = employee(world, &cast.hr, "un@alpha.example", "Camille").0;
    assert_eq!(told(&before), []);
    company.reporting = [(date(2027, 2, 1), HrReporting::Named)].into_iter().collect();
    report(&company);
    let letters = waiting_letters(world);
    let during = employee(world, &cast.hr, "deux@alpha.example", "Camille").0;
    assert_eq!(told(&during), [(NotificationType::ReportingChanged, json!({ "mode": "NAMED", "from": "2027-02-01" }))]);
    assert_eq!(waiting_letters(world) - letters, 1);
    let modes = [(date(2027, 2, 1), HrReporting::Named), (date(2027, 3, 1), HrReporting::Aggregated)];
    company.reporting = modes.into_iter().collect();
    report(&company);
    let after = employee(world, &cast.hr, "trois@alpha.example", "Camille").0;
    assert_eq!(told(&after), []);
}

/// A company is in a zone that the store can count days in.
pub fn a_company_is_in_a_known_zone(world: &World) {
    let cast = Cast::new(world);
    let nowhere = |company: &Company| Company { timezone: "Mars/Olympus".to_owned(), ..company.clone() };
    let scope = cast.administrator.scope();
    let unknown = [FieldError::new("timezone", "invalid")];
    let changed = world.tenancy.run(&scope, |tx| tx.update_company(&nowhere(&cast.company)));
    assert!(matches!(changed, Err(TenancyError::Invalid(errors)) if errors == unknown));
    let new = nowhere(&new_company(world, "Gamma", "gamma.example", &siret(1)));
    let added = world.tenancy.run(&scope, |tx| tx.add_company(&new));
    assert!(matches!(added, Err(TenancyError::Invalid(errors)) if errors == unknown));
    assert_eq!(found(world, &scope, cast.company.id), Some(cast.company));
}
