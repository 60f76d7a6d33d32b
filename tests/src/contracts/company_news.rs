//! The contract of `CompanyNews`.
use huntzen_tenancy::{
    Origin, PageRequest, Scope, TenancyError,
    clock::Clock,
    content::{News, RenderedText},
    employee::{Employee, EmployeeStatus},
    ids::{CompanyId, NewsId},
    notifications::{Notification, NotificationFilter, NotificationType},
};
use jiff::SignedDuration;
use serde_json::json;

use super::{is_refused, undone};
use crate::{
    cast::{Cast, Person, member},
    world::World,
};

const ALL: PageRequest = PageRequest { page: 1, per_page: 100 };

/// News that nobody has added yet.
pub fn unwritten(world: &World, company: CompanyId, departments: &[&str]) -> News {
    let now = world.clock.now();
    News {
        id: NewsId(world.randomness.uuid_v7(now)),
        company,
        title: "La cantine ouvre".to_owned(),
        text: RenderedText { content: "*Lundi*.".to_owned(), html: "<p><em>Lundi</em>.</p>\n".to_owned() },
        target_departments: departments.iter().map(|&name| name.to_owned()).collect(),
        published_at: now,
        updated_at: now,
    }
}

/// Adds news.
///
/// # Errors
/// Those of the store.
pub fn add(world: &World, by: &Person, news: &News) -> Result<(), TenancyError> {
    world.tenancy.run(&by.scope(), |tx| Ok(tx.add_news(news)?))
}

/// Published news of this HR's company.
pub fn published(world: &World, hr: &Person, departments: &[&str]) -> News {
    let news = unwritten(world, hr.user.company.unwrap(), departments);
    add(world, hr, &news).unwrap();
    news
}

fn own(world: &World, reader: &Scope, page: PageRequest) -> (Vec<NewsId>, u64) {
    let page = world.tenancy.run(reader, |tx| Ok(tx.own_news(page)?)).unwrap();
    (page.items.into_iter().map(|news| news.id).collect(), page.total)
}

fn listed(world: &World, scope: &Scope, company: CompanyId, page: PageRequest) -> (Vec<NewsId>, u64) {
    let page = world.tenancy.run(scope, |tx| Ok(tx.company_news(company, page)?)).unwrap();
    (page.items.into_iter().map(|news| news.id).collect(), page.total)
}

fn held(world: &World, scope: &Scope, id: NewsId) -> Option<News> {
    world.tenancy.run(scope, |tx| Ok(tx.news_for_update(id)?)).unwrap()
}

/// What somebody was told of news.
fn told(world: &World, who: &Person) -> Vec<Notification> {
    let filter = NotificationFilter { unread: None, kind: Some(NotificationType::NewsPublished) };
    world.tenancy.run(&who.scope(), |tx| Ok(tx.inbox(who.id(), filter, None, 100)?)).unwrap().items
}

fn move_to(world: &World, cast: &Cast, employee: &Employee, department: Option<&str>, status: EmployeeStatus) {
    let department = department.map(str::to_owned);
    let moved = Employee { department, status, updated_at: world.clock.now(), ..employee.clone() };
    world.tenancy.run(&cast.hr.scope(), |tx| tx.update_employee(&moved)).unwrap();
}

/// What was added is found, changes and goes; when it was published stays.
pub fn news_are_kept(world: &World) {
    let cast = Cast::new(world);
    let (hr, marc) = (&cast.hr, &cast.employee.0);
    let news = published(world, hr, &["Support", "Ventes"]);
    assert_eq!(held(world, &hr.scope(), news.id), Some(news.clone()));
    let read = world.tenancy.run(&marc.scope(), |tx| Ok(tx.own_news(ALL)?)).unwrap();
    assert_eq!(read.items, std::slice::from_ref(&news));
    world.clock.advance(SignedDuration::from_hours(1));
    let now = world.clock.now();
    let changed = News {
        title: "La cantine ferme".to_owned(),
        text: RenderedText { content: "Mardi.".to_owned(), html: "<p>Mardi.</p>\n".to_owned() },
        target_departments: Vec::new(),
        updated_at: now,
        ..news.clone()
    };
    let asked = News { published_at: now, company: cast.other_company.id, ..changed.clone() };
    assert!(world.tenancy.run(&hr.scope(), |tx| Ok(tx.update_news(&asked)?)).unwrap());
    assert_eq!(held(world, &hr.scope(), news.id), Some(changed));
    assert_eq!(told(world, marc).len(), 1, "a change tells nobody");
    let remove = || world.tenancy.run(&hr.scope(), |tx| Ok(tx.remove_news(news.id)?)).unwrap();
    assert_eq!((remove(), remove()), (true, false));
    assert_eq!((held(world, &hr.scope(), news.id), own(world, &marc.scope(), ALL)), (None, (vec![], 0)));
    assert_eq!(told(world, marc).len(), 1, "an inbox is its owner's");
}

/// HR lists its company's latest first; an employee what is meant for them.
pub fn news_are_listed_latest_first(world: &World) {
    let cast = Cast::new(world);
    let mut ids = Vec::new();
    for departments in [vec![], vec!["Ventes"], vec!["Support"], vec![], vec!["Ventes", "Support"]] {
        world.clock.advance(SignedDuration::from_mins(1));
        ids.insert(0, published(world, &cast.hr, &departments).id);
    }
    let company = cast.company.id;
    assert_eq!(listed(world, &cast.hr.scope(), company, ALL), (ids.clone(), 5));
    let second = PageRequest { page: 2, per_page: 2 };
    assert_eq!(listed(world, &cast.hr.scope(), company, second), (ids[2..4].to_vec(), 5));
    let support = vec![ids[0], ids[1], ids[2], ids[4]];
    assert_eq!(own(world, &cast.employee.0.scope(), ALL), (support.clone(), 4));
    let third = PageRequest { page: 2, per_page: 3 };
    assert_eq!(own(world, &cast.employee.0.scope(), third), (support[3..].to_vec(), 4));
    assert_eq!(own(world, &cast.employee.0.scope(), PageRequest { page: 9, per_page: 3 }), (vec![], 4));
}

/// Whoever is eligible and meant is told once, at once; nobody else is.
pub fn whom_news_are_meant_for_is_told(world: &World) {
    let cast = Cast::new(world);
    let (sales, _) = member(world, &cast.hr, "ines@alpha.example", ("Inès", Some("Ventes")));
    let (nowhere, _) = member(world, &cast.hr, "omar@alpha.example", ("Omar", None));
    let (left, entry) = member(world, &cast.hr, "paul@alpha.example", ("Paul", Some("Ventes")));
    move_to(world, &cast, &entry, Some("Ventes"), EmployeeStatus::Ended);
    let for_sales = published(world, &cast.hr, &["Ventes", "Achats"]);
    let lines = told(world, &sales);
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].data, json!({ "newsId": for_sales.id }));
    assert_eq!((lines[0].created_at, lines[0].read_at), (for_sales.published_at, None));
    for other in [&cast.employee.0, &nowhere, &left, &cast.stranger.0, &cast.hr, &cast.other_hr] {
        assert_eq!(told(world, other), [], "{}", other.user.email.as_str());
    }
    published(world, &cast.hr, &[]);
    for (who, lines) in [(&sales, 2), (&cast.employee.0, 1), (&cast.colleague.0, 1), (&nowhere, 1), (&left, 0)] {
        assert_eq!(told(world, who).len(), lines, "{}", who.user.email.as_str());
    }
    for other in [&cast.stranger.0, &cast.hr, &cast.other_hr, &cast.practitioner.0, &cast.administrator] {
        assert_eq!(told(world, other), [], "{}", other.user.email.as_str());
    }
}

/// The department of today counts for reading, and eligibility does.
pub fn reading_follows_the_department_of_today(world: &World) {
    let cast = Cast::new(world);
    let (marc, entry) = (&cast.employee.0, &cast.employee.1);
    let for_all = published(world, &cast.hr, &[]).id;
    let for_support = published(world, &cast.hr, &["Support"]).id;
    let for_sales = published(world, &cast.hr, &["Ventes"]).id;
    let read = || {
        let (mut ids, total) = own(world, &marc.scope(), ALL);
        assert_eq!(ids.len() as u64, total);
        ids.sort_unstable();
        ids
    };
    for (department, status, expected) in [
        (Some("Support"), EmployeeStatus::Eligible, vec![for_all, for_support]),
        (Some("Ventes"), EmployeeStatus::Eligible, vec![for_all, for_sales]),
        (Some("ventes"), EmployeeStatus::Eligible, vec![for_all]),
        (None, EmployeeStatus::Eligible, vec![for_all]),
        (Some("Support"), EmployeeStatus::Ended, vec![]),
    ] {
        world.clock.advance(SignedDuration::from_hours(24));
        move_to(world, &cast, entry, department, status);
        let mut expected = expected;
        expected.sort_unstable();
        assert_eq!(read(), expected, "{department:?} {status}");
    }
}

/// Nobody reads or writes another company's news, and only HR its own.
pub fn news_are_a_companys_own(world: &World) {
    let cast = Cast::new(world);
    let news = published(world, &cast.hr, &[]);
    let company = cast.company.id;
    for other in [&cast.other_hr, &cast.administrator, &cast.operator, &cast.practitioner.0, &cast.employee.0] {
        let (scope, role) = (other.scope(), other.user.role);
        assert_eq!(held(world, &scope, news.id), None, "{role}");
        assert_eq!(listed(world, &scope, company, ALL), (vec![], 0), "{role}");
        assert!(is_refused(&add(world, other, &unwritten(world, company, &[]))), "{role}");
        assert!(!world.tenancy.run(&scope, |tx| Ok(tx.update_news(&news)?)).unwrap(), "{role}");
        assert!(!world.tenancy.run(&scope, |tx| Ok(tx.remove_news(news.id)?)).unwrap(), "{role}");
    }
    let others = [&cast.stranger.0, &cast.hr, &cast.administrator, &cast.practitioner.0].map(Person::scope);
    for scope in others.into_iter().chain([Scope::anonymous(Origin::default())]) {
        assert_eq!(own(world, &scope, ALL), (vec![], 0), "{scope:?}");
    }
    assert!(is_refused(&add(world, &cast.hr, &unwritten(world, cast.other_company.id, &[]))));
    assert_eq!(held(world, &cast.hr.scope(), news.id), Some(news));
}

/// A failed unit of work leaves no news, and nobody told.
pub fn a_failed_unit_of_work_leaves_no_news(world: &World) {
    let cast = Cast::new(world);
    let news = unwritten(world, cast.company.id, &[]);
    undone(world, &cast.hr, news.id, |tx| Ok(tx.add_news(&news)?));
    assert_eq!(held(world, &cast.hr.scope(), news.id), None);
    assert_eq!(told(world, &cast.employee.0), []);
    let kept = published(world, &cast.hr, &[]);
    undone(world, &cast.hr, kept.id, |tx| {
        assert!(tx.remove_news(kept.id)?);
        Ok(())
    });
    assert_eq!(held(world, &cast.hr.scope(), kept.id), Some(kept));
}
