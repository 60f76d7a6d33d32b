//! The contract of `ArticleVisits`.
use std::{thread, time::Duration};

use huntzen_tenancy::{
    Job, Origin, Scope,
    content::{ArticleName, DaySalt, VisitorKey},
    ids::ArticleId,
};
use jiff::civil::{Date, date};

use super::{
    articles::{add, found, published, unwritten},
    at_once,
};
use crate::{cast::Cast, world::World};

const MONDAY: Date = date(2027, 1, 4);

fn anonymous() -> Scope {
    Scope::anonymous(Origin::default())
}

/// What keys the visitors of a day.
pub fn salt(world: &World, day: Date, fresh: u8) -> DaySalt {
    world.tenancy.run(&anonymous(), |tx| Ok(tx.visit_salt(day, [fresh; 32])?)).unwrap()
}

/// Counts a visitor.
pub fn count(world: &World, article: ArticleId, day: Date, visitor: u8) -> bool {
    world.tenancy.run(&anonymous(), |tx| Ok(tx.count_visit(article, day, VisitorKey([visitor; 32]))?)).unwrap()
}

fn views(world: &World, article: ArticleId) -> u64 {
    found(world, &anonymous(), article).unwrap().view_count
}

/// A visitor is counted once a day and article, and only of what is published.
pub fn a_visitor_is_counted_once_a_day(world: &World) {
    let cast = Cast::new(world);
    let by = &cast.administrator;
    let (first, second) = (published(world, by, "un"), published(world, by, "deux"));
    let draft = unwritten(world, "brouillon");
    add(world, by, &draft).unwrap();
    salt(world, MONDAY, 1);
    assert_eq!([1, 2, 1, 2].map(|visitor| count(world, first.id, MONDAY, visitor)), [true, true, false, false]);
    assert!(count(world, second.id, MONDAY, 1));
    assert!(!count(world, draft.id, MONDAY, 1));
    assert!(!count(world, ArticleId(world.randomness.uuid_v4()), MONDAY, 1));
    salt(world, date(2027, 1, 5), 2);
    assert!(count(world, first.id, date(2027, 1, 5), 1));
    assert_eq!((views(world, first.id), views(world, second.id)), (3, 1));
    assert_eq!(found(world, &by.scope(), draft.id).unwrap().view_count, 0);
}

/// Everybody gets the salt of whoever came first that day; the next day forgets it.
pub fn a_day_has_one_salt_and_it_does_not_outlive_it(world: &World) {
    let first = salt(world, MONDAY, 1);
    assert_eq!(first, DaySalt { day: MONDAY, salt: [1; 32] });
    assert_eq!(salt(world, MONDAY, 2), first);
    let tuesday = date(2027, 1, 5);
    let second = salt(world, tuesday, 3);
    assert_eq!(second, DaySalt { day: tuesday, salt: [3; 32] });
    // A node whose clock is behind goes on in the day that has begun, and does not bring back the other.
    assert_eq!(salt(world, MONDAY, 4), second);
    let forget = |scope: &Scope, day| world.tenancy.run(scope, |tx| Ok(tx.forget_visits(day)?)).unwrap();
    let job = Scope::worker(Job::Visits);
    assert_eq!(forget(&job, tuesday), 0, "Monday's is gone, and Tuesday is not over");
    for scope in [anonymous(), Scope::worker(Job::Outbox)] {
        assert_eq!(forget(&scope, date(2027, 1, 9)), 0, "{scope:?}");
    }
    assert_eq!(salt(world, tuesday, 5), second);
    assert_eq!(forget(&job, date(2027, 1, 6)), 1);
    assert_eq!(salt(world, tuesday, 6).salt, [6; 32]);
}

/// A node whose clock is years ahead stops the forgetting until the job comes by; whoever is a day ahead
/// may be right.
pub fn a_day_that_has_not_begun_is_forgotten(world: &World) {
    let cast = Cast::new(world);
    let article = published(world, &cast.administrator, "un");
    let (tuesday, far) = (date(2027, 1, 5), date(2038, 1, 19));
    let forget = |today| world.tenancy.run(&Scope::worker(Job::Visits), |tx| Ok(tx.forget_visits(today)?)).unwrap();
    salt(world, tuesday, 1);
    assert!(count(world, article.id, tuesday, 1));
    assert_eq!(forget(MONDAY), 0, "tomorrow may have begun");
    assert!(!count(world, article.id, tuesday, 1), "it is remembered");
    salt(world, far, 2);
    assert!(count(world, article.id, far, 1));
    assert_eq!(salt(world, tuesday, 3).day, far, "all follow the clock that is ahead");
    assert_eq!(forget(tuesday), 1);
    assert!(count(world, article.id, far, 1), "who was there is forgotten too");
    assert_eq!(salt(world, tuesday, 3), DaySalt { day: tuesday, salt: [3; 32] });
}

/// Whoever holds an article to delete it and whoever visits it meanwhile come to an end, one after the other.
pub fn a_visit_waits_for_a_deletion(world: &World) {
    let cast = Cast::new(world);
    let article = published(world, &cast.administrator, "un");
    salt(world, MONDAY, 1);
    let visited = thread::scope(|scope| {
        let visiting = world.tenancy.run(&cast.administrator.scope(), |tx| {
            tx.article_for_update(&ArticleName::Id(article.id))?.unwrap();
            let visiting = scope.spawn(|| count(world, article.id, MONDAY, 1));
            // By then the visitor is there, and holds whatever it takes.
            thread::sleep(Duration::from_millis(300));
            assert!(tx.remove_article(article.id)?);
            Ok(visiting)
        });
        visiting.unwrap().join().unwrap()
    });
    assert!(!visited, "it is gone");
}

/// Visits go with their day, and with their article; what was counted stays.
pub fn visits_are_forgotten_with_their_day(world: &World) {
    let cast = Cast::new(world);
    let article = published(world, &cast.administrator, "un");
    salt(world, MONDAY, 1);
    assert!(count(world, article.id, MONDAY, 1));
    let forgotten = world.tenancy.run(&Scope::worker(Job::Visits), |tx| Ok(tx.forget_visits(date(2027, 1, 5))?));
    assert_eq!(forgotten.unwrap(), 1);
    // Were it remembered, it would not count.
    assert!(count(world, article.id, MONDAY, 1));
    assert_eq!(views(world, article.id), 2);
    let remove = world.tenancy.run(&cast.administrator.scope(), |tx| Ok(tx.remove_article(article.id)?));
    assert!(remove.unwrap());
    assert!(!count(world, article.id, MONDAY, 2));
}

/// A failed unit of work counts nobody.
pub fn a_failed_unit_of_work_counts_nobody(world: &World) {
    let cast = Cast::new(world);
    let article = published(world, &cast.administrator, "un");
    let failed: Result<(), _> = world.tenancy.run(&anonymous(), |tx| {
        tx.visit_salt(MONDAY, [1; 32])?;
        assert!(tx.count_visit(article.id, MONDAY, VisitorKey([1; 32]))?);
        assert_eq!(tx.article(&ArticleName::Id(article.id))?.map(|article| article.view_count), Some(1));
        Err(huntzen_tenancy::TenancyError::NotFound)
    });
    assert!(failed.is_err());
    assert_eq!(views(world, article.id), 0);
    assert_eq!(salt(world, MONDAY, 2).salt, [2; 32]);
    assert!(count(world, article.id, MONDAY, 1));
}

/// Of many at once all have one salt, and one visitor counts once.
pub fn of_many_at_once_one_is_counted(world: &World) {
    let cast = Cast::new(world);
    let article = published(world, &cast.administrator, "un");
    salt(world, date(2027, 1, 3), 99);
    let salts = at_once(8, |thread| salt(world, MONDAY, u8::try_from(thread).unwrap()));
    assert!(salts.iter().all(|salt| *salt == salts[0] && salt.day == MONDAY), "{salts:?}");
    let counted = at_once(8, |_| count(world, article.id, MONDAY, 1));
    assert_eq!(counted.into_iter().filter(|counted| *counted).count(), 1);
    let others = at_once(8, |thread| count(world, article.id, MONDAY, 100 + u8::try_from(thread).unwrap()));
    assert!(others.into_iter().all(|counted| counted));
    assert_eq!(views(world, article.id), 9);
}
