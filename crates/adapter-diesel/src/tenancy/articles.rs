//! Articles. Their tags stand in a table of their own as well, written by trigger: under row security
//! no operator on arrays reaches an index.
use diesel::{
    dsl::{delete, insert_into, update},
    pg::Pg,
    prelude::*,
};
use huntzen_tenancy::{
    Page, PageRequest, StoreError,
    content::{Article, ArticleFilter, ArticleName, Articles, RenderedText},
    ids::ArticleId,
    words::Words,
};
use uuid::Uuid;

use crate::{
    schema::{article_tags, articles},
    stored::{StoredTimestamp, ToDiesel, all, instant, number, one, word},
    unit_of_work::PgTx,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = articles)]
struct ArticleRow {
    id: Uuid,
    slug: String,
    title: String,
    excerpt: Option<String>,
    content: String,
    content_html: String,
    category: Option<String>,
    tags: Vec<String>,
    status: String,
    published_at: Option<StoredTimestamp>,
    view_count: i64,
    created_at: StoredTimestamp,
    updated_at: StoredTimestamp,
}

impl TryFrom<ArticleRow> for Article {
    type Error = StoreError;

    fn try_from(row: ArticleRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: ArticleId(row.id),
            slug: row.slug,
            title: row.title,
            excerpt: row.excerpt,
            text: RenderedText { content: row.content, html: row.content_html },
            category: row.category,
            tags: row.tags,
            status: word(&row.status, "articles.status")?,
            published_at: instant(row.published_at),
            view_count: number(row.view_count, "articles.view_count")?,
            created_at: row.created_at.to_jiff(),
            updated_at: row.updated_at.to_jiff(),
        })
    }
}

/// What can change of an article by hand; its views are counted by a function of the database.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = articles, treat_none_as_default_value = false, treat_none_as_null = true)]
struct ArticleState<'a> {
    slug: &'a str,
    title: &'a str,
    excerpt: Option<&'a str>,
    content: &'a str,
    content_html: &'a str,
    category: Option<&'a str>,
    tags: &'a [String],
    status: &'static str,
    published_at: Option<StoredTimestamp>,
    updated_at: StoredTimestamp,
}

impl<'a> From<&'a Article> for ArticleState<'a> {
    fn from(article: &'a Article) -> Self {
        Self {
            slug: &article.slug,
            title: &article.title,
            excerpt: article.excerpt.as_deref(),
            content: &article.text.content,
            content_html: &article.text.html,
            category: article.category.as_deref(),
            tags: &article.tags,
            status: article.status.as_str(),
            published_at: article.published_at.map(ToDiesel::to_diesel),
            updated_at: article.updated_at.to_diesel(),
        }
    }
}

/// The articles that a filter lets through.
fn matching(filter: &ArticleFilter) -> articles::BoxedQuery<'_, Pg> {
    let mut query = articles::table.into_boxed();
    if let Some(status) = filter.status {
        query = query.filter(articles::status.eq(status.as_str()));
    }
    if let Some(category) = &filter.category {
        query = query.filter(articles::category.eq(category));
    }
    if let Some(tag) = &filter.tag {
        let tagged = article_tags::table.filter(article_tags::tag.eq(tag)).select(article_tags::article_id);
        query = query.filter(articles::id.eq_any(tagged));
    }
    query
}

impl Articles for PgTx {
    fn add_article(&mut self, article: &Article) -> Result<(), StoreError> {
        let row = (
            articles::id.eq(article.id.0),
            articles::created_at.eq(article.created_at.to_diesel()),
            ArticleState::from(article),
        );
        self.run(|connection| insert_into(articles::table).values(row).execute(connection)).map(drop)
    }

    fn update_article(&mut self, article: &Article) -> Result<bool, StoreError> {
        let change = update(articles::table.find(article.id.0)).set(ArticleState::from(article));
        self.run(|connection| change.execute(connection)).map(|changed| changed > 0)
    }

    fn remove_article(&mut self, id: ArticleId) -> Result<bool, StoreError> {
        self.run(|connection| delete(articles::table.find(id.0)).execute(connection)).map(|removed| removed > 0)
    }

    fn article(&mut self, name: &ArticleName) -> Result<Option<Article>, StoreError> {
        let row = match name {
            ArticleName::Id(id) => {
                let query = articles::table.find(id.0).select(ArticleRow::as_select());
                self.run(|connection| query.first(connection).optional())
            }
            ArticleName::Slug(slug) => {
                let query = articles::table.filter(articles::slug.eq(slug)).select(ArticleRow::as_select());
                self.run(|connection| query.first(connection).optional())
            }
        };
        one(row?)
    }

    fn article_for_update(&mut self, name: &ArticleName) -> Result<Option<Article>, StoreError> {
        let row = match name {
            ArticleName::Id(id) => {
                let query = articles::table.find(id.0).select(ArticleRow::as_select()).for_no_key_update();
                self.run(|connection| query.first(connection).optional())
            }
            ArticleName::Slug(slug) => {
                let named = articles::table.filter(articles::slug.eq(slug)).select(ArticleRow::as_select());
                self.run(|connection| named.for_no_key_update().first(connection).optional())
            }
        };
        one(row?)
    }

    fn articles(&mut self, filter: &ArticleFilter, page: PageRequest) -> Result<Page<Article>, StoreError> {
        let total: i64 = self.run(|connection| matching(filter).count().get_result(connection))?;
        let query = matching(filter)
            .select(ArticleRow::as_select())
            .order((articles::listed_at.desc(), articles::id.desc()))
            .limit(page.per_page.into())
            .offset(number(page.offset(), "offset")?);
        let rows = self.run(|connection| query.load(connection))?;
        Ok(Page { items: all(rows)?, total: number(total, "count")? })
    }

    fn article_slugs_like(&mut self, stem: &str) -> Result<Vec<String>, StoreError> {
        // A stem is made of the characters of a search key, none of which is a wildcard.
        let query = articles::table.filter(articles::slug.like(format!("{stem}%"))).select(articles::slug);
        self.run(|connection| query.load(connection))
    }
}
