//! The contract of `Articles`.
use huntzen_tenancy::{
    Origin, PageRequest, Scope, StoreError, TenancyError,
    clock::Clock,
    content::{Article, ArticleFilter, ArticleName, ArticleStatus, RenderedText},
    ids::ArticleId,
};
use jiff::SignedDuration;

use super::{at_once, is_refused, undone};
use crate::{
    cast::{Cast, Person},
    world::World,
};

/// A draft that nobody has added yet.
pub fn unwritten(world: &World, slug: &str) -> Article {
    let now = world.clock.now();
    Article {
        id: ArticleId(world.randomness.uuid_v7(now)),
        slug: slug.to_owned(),
        title: "Bien dormir".to_owned(),
        excerpt: Some("Des horaires, du calme.".to_owned()),
        text: RenderedText { content: "**Dormez.**".to_owned(), html: "<p><strong>Dormez.</strong></p>\n".to_owned() },
        category: Some("Sommeil".to_owned()),
        tags: vec!["sommeil".to_owned(), "été".to_owned()],
        status: ArticleStatus::Draft,
        published_at: None,
        view_count: 0,
        created_at: now,
        updated_at: now,
    }
}

/// Adds an article.
///
/// # Errors
/// Those of the store.
pub fn add(world: &World, by: &Person, article: &Article) -> Result<(), TenancyError> {
    world.tenancy.run(&by.scope(), |tx| Ok(tx.add_article(article)?))
}

/// A published article.
pub fn published(world: &World, by: &Person, slug: &str) -> Article {
    let draft = unwritten(world, slug);
    let article = Article { status: ArticleStatus::Published, published_at: Some(world.clock.now()), ..draft };
    add(world, by, &article).unwrap();
    article
}

/// An article as `scope` sees it.
pub fn found(world: &World, scope: &Scope, id: ArticleId) -> Option<Article> {
    world.tenancy.run(scope, |tx| Ok(tx.article(&ArticleName::Id(id))?)).unwrap()
}

fn change(world: &World, by: &Person, article: &Article) -> Result<bool, TenancyError> {
    world.tenancy.run(&by.scope(), |tx| Ok(tx.update_article(article)?))
}

fn anonymous() -> Scope {
    Scope::anonymous(Origin::default())
}

fn slugs(world: &World, scope: &Scope, filter: &ArticleFilter, page: PageRequest) -> (Vec<String>, u64) {
    let page = world.tenancy.run(scope, |tx| Ok(tx.articles(filter, page)?)).unwrap();
    (page.items.into_iter().map(|article| article.slug).collect(), page.total)
}

const ALL: PageRequest = PageRequest { page: 1, per_page: 100 };

/// What was added is found by both of its names; nothing is None.
pub fn an_article_is_found_by_id_and_by_slug(world: &World) {
    let cast = Cast::new(world);
    let by = &cast.administrator;
    let mut article = unwritten(world, "bien-dormir");
    article.view_count = 7;
    add(world, by, &article).unwrap();
    article.view_count = 0;
    for name in [ArticleName::Id(article.id), ArticleName::Slug("bien-dormir".to_owned())] {
        let ways = world.tenancy.run(&by.scope(), |tx| Ok([tx.article(&name)?, tx.article_for_update(&name)?]));
        assert_eq!(ways.unwrap(), [Some(article.clone()), Some(article.clone())], "{name:?}");
    }
    let unknown = ArticleName::Slug("bien".to_owned());
    assert_eq!(world.tenancy.run(&by.scope(), |tx| Ok(tx.article(&unknown)?)).unwrap(), None);
    assert_eq!(found(world, &by.scope(), ArticleId(world.randomness.uuid_v4())), None);
}

/// Everything but id, creation and views changes; nothing else does.
pub fn an_article_changes(world: &World) {
    let cast = Cast::new(world);
    let by = &cast.administrator;
    let article = unwritten(world, "bien-dormir");
    add(world, by, &article).unwrap();
    world.clock.advance(SignedDuration::from_hours(1));
    let now = world.clock.now();
    let changed = Article {
        slug: "mieux-dormir".to_owned(),
        title: "Mieux dormir".to_owned(),
        excerpt: None,
        text: RenderedText { content: "Levez-vous.".to_owned(), html: "<p>Levez-vous.</p>\n".to_owned() },
        category: None,
        tags: Vec::new(),
        status: ArticleStatus::Published,
        published_at: Some(now),
        updated_at: now,
        ..article.clone()
    };
    let asked = Article { view_count: 99, created_at: now, ..changed.clone() };
    assert!(change(world, by, &asked).unwrap());
    assert_eq!(found(world, &anonymous(), article.id), Some(changed.clone()));
    let absent = Article { id: ArticleId(world.randomness.uuid_v4()), slug: "absent".to_owned(), ..changed };
    assert!(!change(world, by, &absent).unwrap());
}

/// Drafts are the administrators' alone, to see and to count.
pub fn drafts_are_seen_by_administrators_alone(world: &World) {
    let cast = Cast::new(world);
    let by = &cast.administrator;
    let draft = unwritten(world, "brouillon");
    add(world, by, &draft).unwrap();
    let open = published(world, by, "ouvert");
    assert_eq!(slugs(world, &by.scope(), &ArticleFilter::default(), ALL).1, 2);
    let others = [&cast.operator, &cast.hr, &cast.employee.0, &cast.practitioner.0].map(Person::scope);
    for scope in others.into_iter().chain([anonymous()]) {
        assert_eq!(found(world, &scope, draft.id), None, "{scope:?}");
        assert_eq!(found(world, &scope, open.id), Some(open.clone()), "{scope:?}");
        for tag in [None, Some("sommeil".to_owned())] {
            let filter = ArticleFilter { tag, ..ArticleFilter::default() };
            assert_eq!(slugs(world, &scope, &filter, ALL), (vec!["ouvert".to_owned()], 1), "{scope:?}");
        }
        let named = world.tenancy.run(&scope, |tx| Ok(tx.article_slugs_like("")?)).unwrap();
        assert_eq!(named, ["ouvert"]);
    }
}

/// Nobody but administrators writes, whatever the article.
pub fn articles_are_written_by_administrators_alone(world: &World) {
    let cast = Cast::new(world);
    let open = published(world, &cast.administrator, "ouvert");
    for other in [&cast.operator, &cast.hr, &cast.employee.0, &cast.practitioner.0] {
        let role = other.user.role;
        assert!(is_refused(&add(world, other, &unwritten(world, "autre"))), "{role}");
        assert!(!change(world, other, &Article { title: "Autre".to_owned(), ..open.clone() }).unwrap(), "{role}");
        assert!(!world.tenancy.run(&other.scope(), |tx| Ok(tx.remove_article(open.id)?)).unwrap(), "{role}");
    }
    assert!(is_refused(&world.tenancy.run(&anonymous(), |tx| Ok(tx.add_article(&unwritten(world, "autre"))?))));
    assert_eq!(found(world, &anonymous(), open.id), Some(open));
}

/// The latest come first, by when they were published or begun; filters and pages follow.
pub fn articles_are_listed_latest_first(world: &World) {
    let cast = Cast::new(world);
    let by = &cast.administrator;
    for (slug, category, tags, open) in [
        ("a", Some("Sommeil"), vec!["nuit", "stress"], true),
        ("b", Some("Stress"), vec!["stress"], true),
        ("c", None, vec![], false),
        ("d", Some("Sommeil"), vec!["nuit"], true),
        ("e", Some("Sommeil"), vec!["stress"], false),
    ] {
        world.clock.advance(SignedDuration::from_mins(1));
        let draft = unwritten(world, slug);
        let (status, published_at) =
            if open { (ArticleStatus::Published, Some(world.clock.now())) } else { (ArticleStatus::Draft, None) };
        let tags = tags.into_iter().map(str::to_owned).collect();
        let article = Article { category: category.map(str::to_owned), tags, status, published_at, ..draft };
        add(world, by, &article).unwrap();
    }
    // Published later than it was begun: it moves to the front.
    world.clock.advance(SignedDuration::from_mins(1));
    let named = ArticleName::Slug("c".to_owned());
    let late = world.tenancy.run(&by.scope(), |tx| Ok(tx.article(&named)?)).unwrap().unwrap();
    let late = Article { status: ArticleStatus::Published, published_at: Some(world.clock.now()), ..late };
    assert!(change(world, by, &late).unwrap());
    let filter = |category: Option<&str>, tag: Option<&str>, status| ArticleFilter {
        category: category.map(str::to_owned),
        tag: tag.map(str::to_owned),
        status,
    };
    for (filter, expected) in [
        (filter(None, None, None), vec!["c", "e", "d", "b", "a"]),
        (filter(None, None, Some(ArticleStatus::Draft)), vec!["e"]),
        (filter(None, None, Some(ArticleStatus::Published)), vec!["c", "d", "b", "a"]),
        (filter(Some("Sommeil"), None, None), vec!["e", "d", "a"]),
        (filter(Some("sommeil"), None, None), vec![]),
        (filter(None, Some("stress"), None), vec!["e", "b", "a"]),
        (filter(None, Some("Stress"), None), vec![]),
        (filter(Some("Sommeil"), Some("stress"), Some(ArticleStatus::Published)), vec!["a"]),
    ] {
        let total = expected.len() as u64;
        assert_eq!(slugs(world, &by.scope(), &filter, ALL), (expected.into_iter().map(str::to_owned).collect(), total));
    }
    let second = PageRequest { page: 2, per_page: 2 };
    assert_eq!(
        slugs(world, &anonymous(), &filter(None, None, None), second),
        (vec!["b".to_owned(), "a".to_owned()], 4)
    );
    let beyond = PageRequest { page: 9, per_page: 2 };
    assert_eq!(slugs(world, &anonymous(), &filter(None, None, None), beyond), (vec![], 4));
}

/// Tags follow the article: what it has no longer does not find it, nor what it is deleted with.
pub fn tags_follow_the_article(world: &World) {
    let cast = Cast::new(world);
    let by = &cast.administrator;
    let mut article = unwritten(world, "bien-dormir");
    add(world, by, &article).unwrap();
    let tagged = |scope: &Scope, tag: &str| {
        let filter = ArticleFilter { tag: Some(tag.to_owned()), ..ArticleFilter::default() };
        slugs(world, scope, &filter, ALL).1
    };
    assert_eq!((tagged(&by.scope(), "sommeil"), tagged(&anonymous(), "sommeil")), (1, 0));
    article.tags = vec!["repos".to_owned()];
    article.status = ArticleStatus::Published;
    article.published_at = Some(world.clock.now());
    assert!(change(world, by, &article).unwrap());
    assert_eq!((tagged(&by.scope(), "sommeil"), tagged(&anonymous(), "repos")), (0, 1));
    let remove = || world.tenancy.run(&by.scope(), |tx| Ok(tx.remove_article(article.id)?)).unwrap();
    assert_eq!((remove(), remove()), (true, false));
    assert_eq!((tagged(&by.scope(), "repos"), found(world, &by.scope(), article.id)), (0, None));
}

/// A failed unit of work leaves no article, no audit entry and no letter.
pub fn a_failed_unit_of_work_leaves_no_article(world: &World) {
    let cast = Cast::new(world);
    let by = &cast.administrator;
    let article = unwritten(world, "bien-dormir");
    undone(world, by, article.id, |tx| Ok(tx.add_article(&article)?));
    assert_eq!(found(world, &by.scope(), article.id), None);
    let kept = published(world, by, "ouvert");
    undone(world, by, kept.id, |tx| {
        assert!(tx.update_article(&Article { title: "Autre".to_owned(), ..kept.clone() })?);
        assert!(tx.remove_article(kept.id)?);
        Ok(())
    });
    assert_eq!(found(world, &anonymous(), kept.id), Some(kept));
}

/// Of many articles with one slug at once, exactly one is made; a change cannot take another's either.
pub fn of_many_at_once_one_slug_wins(world: &World) {
    let cast = Cast::new(world);
    let by = &cast.administrator;
    let outcomes = at_once(8, |_| add(world, by, &unwritten(world, "bien-dormir")));
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let by_rule = |outcome: &Result<_, _>| matches!(outcome, Err(TenancyError::Store(StoreError::Refused(rule))) if rule == "articles_slug_key");
    assert_eq!(outcomes.iter().filter(|outcome| by_rule(outcome)).count(), 7, "{outcomes:?}");
    let other = published(world, by, "autre");
    let taken = change(world, by, &Article { slug: "bien-dormir".to_owned(), ..other.clone() });
    assert!(by_rule(&taken.map(drop)), "taken");
    assert_eq!(found(world, &anonymous(), other.id), Some(other));
}
