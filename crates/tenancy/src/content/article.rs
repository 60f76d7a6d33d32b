//! An article: a draft until it is published, and then everybody's to read.
use jiff::Timestamp;
use uuid::Uuid;

use super::text::RenderedText;
use crate::{
    ids::ArticleId,
    store::{Page, PageRequest, StoreError},
    words,
};

words! {
    /// Who reads an article.
    ArticleStatus {
        /// Administrators.
        Draft = "DRAFT",
        /// Everybody.
        Published = "PUBLISHED",
    }
}

/// An article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Article {
    /// Its id.
    pub id: ArticleId,
    /// The word in its address: unique, made from the title, the same for ever once it is published.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// What it is about, in a few sentences.
    pub excerpt: Option<String>,
    /// What it says.
    pub text: RenderedText,
    /// Under what it is filed.
    pub category: Option<String>,
    /// What it touches on, in lower case.
    pub tags: Vec<String>,
    /// Who reads it.
    pub status: ArticleStatus,
    /// Since when everybody does.
    pub published_at: Option<Timestamp>,
    /// How many visitors it had, each counted once a day. The store alone counts.
    pub view_count: u64,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// How somebody names an article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArticleName {
    /// By its id.
    Id(ArticleId),
    /// By the word in its address.
    Slug(String),
}

impl ArticleName {
    /// The name that `text` is: an id in its hyphenated form (RFC 9562 §4), which no slug has, or a slug.
    pub fn of(text: &str) -> Self {
        let id = (text.len() == 36).then(|| Uuid::try_parse(text).ok()).flatten();
        id.map_or_else(|| Self::Slug(text.to_owned()), |id| Self::Id(ArticleId(id)))
    }
}

/// Which articles a list holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArticleFilter {
    /// Only those filed under this, exactly.
    pub category: Option<String>,
    /// Only those with this tag, in lower case.
    pub tag: Option<String>,
    /// Only those with this status.
    pub status: Option<ArticleStatus>,
}

/// Articles. Any scope sees the published ones; administrators see all, and write.
pub trait Articles {
    /// Adds an article, with no views.
    ///
    /// # Errors
    /// `Refused`; of a taken slug, by `articles_slug_key`.
    fn add_article(&mut self, article: &Article) -> Result<(), StoreError>;

    /// Writes every field of an article but its id, creation and views; `false` when it is not in sight.
    ///
    /// # Errors
    /// The same.
    fn update_article(&mut self, article: &Article) -> Result<bool, StoreError>;

    /// Deletes an article; `false` when it is not in sight.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn remove_article(&mut self, id: ArticleId) -> Result<bool, StoreError>;

    /// The article with this name.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn article(&mut self, name: &ArticleName) -> Result<Option<Article>, StoreError>;

    /// The same, held against other writers until the unit of work ends, so that `update_article`
    /// writes back nothing stale. A store whose units of work overlap must lock.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn article_for_update(&mut self, name: &ArticleName) -> Result<Option<Article>, StoreError> {
        self.article(name)
    }

    /// A page of articles, the latest first: by when each was published, or begun; then by id.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn articles(&mut self, filter: &ArticleFilter, page: PageRequest) -> Result<Page<Article>, StoreError>;

    /// The slugs in use that start with `stem`; administrators alone learn those of drafts.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn article_slugs_like(&mut self, stem: &str) -> Result<Vec<String>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_and_a_slug_are_told_apart() {
        let id = "0190b6c0-0000-7000-8000-000000000000";
        assert_eq!(ArticleName::of(id), ArticleName::Id(ArticleId(id.parse().unwrap_or_default())));
        for slug in ["bien-dormir", "0190b6c0000070008000000000000000", "", "x".repeat(36).as_str()] {
            assert_eq!(ArticleName::of(slug), ArticleName::Slug(slug.to_owned()));
        }
    }
}
