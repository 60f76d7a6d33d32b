//! Articles.
use std::cmp::Reverse;

use huntzen_tenancy::{
    Page, PageRequest, StoreError,
    content::{Article, ArticleFilter, ArticleName, Articles},
    ids::ArticleId,
};

use crate::{
    paging::page,
    refusal::{allow, require},
    state::State,
    store::MemoryTx,
    time::micros,
    visibility::Viewer,
};

impl Articles for MemoryTx {
    fn add_article(&mut self, article: &Article) -> Result<(), StoreError> {
        self.write(|viewer, state| {
            allow(viewer.writes_articles())?;
            require(!state.articles.contains(&article.id), "articles_pkey")?;
            require_free_slug(state, article)?;
            state.articles.put(article.id, Article { view_count: 0, ..stored(article) });
            Ok(())
        })
    }

    fn update_article(&mut self, article: &Article) -> Result<bool, StoreError> {
        self.write(|viewer, state| {
            let Some(held) = state.articles.get(&article.id).filter(|_| viewer.writes_articles()) else {
                return Ok(false);
            };
            let (view_count, created_at) = (held.view_count, held.created_at);
            require_free_slug(state, article)?;
            state.articles.put(article.id, Article { view_count, created_at, ..stored(article) });
            Ok(true)
        })
    }

    fn remove_article(&mut self, id: ArticleId) -> Result<bool, StoreError> {
        self.write(|viewer, state| {
            let removed = viewer.writes_articles() && state.articles.remove(&id);
            if removed {
                state.forget_visits_where(|(article, ..)| *article == id);
            }
            Ok(removed)
        })
    }

    fn article(&mut self, name: &ArticleName) -> Result<Option<Article>, StoreError> {
        self.read(|viewer, state| {
            let is_meant = |row: &&Article| match name {
                ArticleName::Id(id) => row.id == *id,
                ArticleName::Slug(slug) => row.slug == *slug,
            };
            seen(viewer, state).find(is_meant).cloned()
        })
    }

    fn articles(&mut self, filter: &ArticleFilter, request: PageRequest) -> Result<Page<Article>, StoreError> {
        self.read(|viewer, state| {
            let is_wanted = |row: &&Article| {
                filter.status.is_none_or(|status| row.status == status)
                    && (filter.category.is_none() || filter.category == row.category)
                    && filter.tag.as_ref().is_none_or(|tag| row.tags.contains(tag))
            };
            let mut rows: Vec<&Article> = seen(viewer, state).filter(is_wanted).collect();
            rows.sort_by_key(|row| Reverse((row.published_at.unwrap_or(row.created_at), row.id)));
            let Page { items, total } = page(rows, request);
            Page { items: items.into_iter().cloned().collect(), total }
        })
    }

    fn article_slugs_like(&mut self, stem: &str) -> Result<Vec<String>, StoreError> {
        self.read(|viewer, state| {
            seen(viewer, state).filter(|row| row.slug.starts_with(stem)).map(|row| row.slug.clone()).collect()
        })
    }
}

fn seen<'a>(viewer: &'a Viewer, state: &'a State) -> impl Iterator<Item = &'a Article> {
    state.articles.rows().filter(|row| viewer.sees_article(row))
}

fn require_free_slug(state: &State, article: &Article) -> Result<(), StoreError> {
    let is_free = state.articles.rows().all(|row| row.id == article.id || row.slug != article.slug);
    require(is_free, "articles_slug_key")
}

fn stored(article: &Article) -> Article {
    Article {
        published_at: article.published_at.map(micros),
        created_at: micros(article.created_at),
        updated_at: micros(article.updated_at),
        ..article.clone()
    }
}
