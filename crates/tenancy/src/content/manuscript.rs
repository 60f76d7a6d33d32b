//! What an article can be made from and changed to.
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    article::{Article, ArticleStatus},
    text::{Markdown, RenderedText},
};
use crate::{
    error::{Checks, TenancyError},
    fields,
    ids::ArticleId,
    slugs,
};

/// The most characters of a title.
pub(super) const TITLE: usize = 200;
const EXCERPT: usize = 500;
const CATEGORY: usize = 80;
const TAG: usize = 40;
const TAGS: usize = 20;

/// What an article is made from; texts as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewArticle {
    /// Its title.
    pub title: String,
    /// What it is about.
    pub excerpt: Option<String>,
    /// What it says, in Markdown.
    pub content: String,
    /// Under what it is filed.
    pub category: Option<String>,
    /// What it touches on: at most 20, in any case.
    pub tags: Vec<String>,
}

/// What changes about an article; texts as typed.
/// In doubled options the outer `None` leaves the field and the inner one clears it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArticleChange {
    /// Its title; the slug of a draft follows.
    pub title: Option<String>,
    /// What it is about.
    pub excerpt: Option<Option<String>>,
    /// What it says, in Markdown.
    pub content: Option<String>,
    /// Under what it is filed.
    pub category: Option<Option<String>>,
    /// All of its tags.
    pub tags: Option<Vec<String>>,
}

impl NewArticle {
    /// The draft, rendered, with its slug still to be chosen.
    pub(super) fn to_draft(
        &self,
        markdown: &dyn Markdown,
        id: ArticleId,
        now: Timestamp,
    ) -> Result<Article, TenancyError> {
        let mut checks = Checks::default();
        let article = Article {
            id,
            slug: String::new(),
            title: fields::required(&mut checks, &self.title, "title", TITLE),
            excerpt: fields::optional(&mut checks, self.excerpt.as_deref(), "excerpt", EXCERPT),
            text: RenderedText::render(&mut checks, markdown, &self.content),
            category: fields::optional(&mut checks, self.category.as_deref(), "category", CATEGORY),
            tags: tags(&mut checks, &self.tags),
            status: ArticleStatus::Draft,
            published_at: None,
            view_count: 0,
            created_at: now,
            updated_at: now,
        };
        checks.pass(Some(article))
    }
}

/// A change whose every value is valid, rendered.
#[derive(Clone, Debug)]
#[expect(clippy::option_option, reason = "outer `None` leaves the field, inner `None` clears it")]
pub(super) struct AcceptedChange {
    title: Option<String>,
    excerpt: Option<Option<String>>,
    text: Option<RenderedText>,
    category: Option<Option<String>>,
    tags: Option<Vec<String>>,
}

impl ArticleChange {
    /// Cleans and renders the change, and refuses what an article cannot hold.
    pub(super) fn accept(&self, markdown: &dyn Markdown) -> Result<AcceptedChange, TenancyError> {
        let mut checks = Checks::default();
        let to = &mut checks;
        let change = AcceptedChange {
            title: self.title.as_deref().map(|raw| fields::required(to, raw, "title", TITLE)),
            excerpt: self.excerpt.as_ref().map(|raw| fields::optional(to, raw.as_deref(), "excerpt", EXCERPT)),
            text: self.content.as_deref().map(|raw| RenderedText::render(to, markdown, raw)),
            category: self.category.as_ref().map(|raw| fields::optional(to, raw.as_deref(), "category", CATEGORY)),
            tags: self.tags.as_deref().map(|raw| tags(to, raw)),
        };
        checks.pass(Some(change))
    }
}

impl AcceptedChange {
    /// Writes the change into `article`; whether its slug has to be chosen anew.
    pub(super) fn apply(self, article: &mut Article, now: Timestamp) -> bool {
        let is_renamed = self.title.as_ref().is_some_and(|title| *title != article.title);
        set(&mut article.title, self.title);
        set(&mut article.excerpt, self.excerpt);
        set(&mut article.text, self.text);
        set(&mut article.category, self.category);
        set(&mut article.tags, self.tags);
        article.updated_at = now;
        is_renamed && article.status == ArticleStatus::Draft
    }
}

fn set<T>(field: &mut T, change: Option<T>) {
    if let Some(value) = change {
        *field = value;
    }
}

/// The tags, trimmed, in lower case, each once, in the order in which they were typed.
fn tags(checks: &mut Checks, raw: &[String]) -> Vec<String> {
    checks.require(raw.len() <= TAGS, "tags", "too_many");
    let mut tags: Vec<String> = Vec::new();
    for raw in raw.iter().take(TAGS) {
        let tag = tag_key(&fields::required(checks, raw, "tags", TAG));
        // Some letters are longer in lower case.
        checks.require(tag.chars().count() <= TAG, "tags", "too_long");
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

/// A tag as articles have it.
pub(super) fn tag_key(tag: &str) -> String {
    tag.trim().to_lowercase()
}

/// The slug of a title, before it is told apart from others; never in the form of an id.
pub(super) fn slug_stem(title: &str) -> String {
    let stem = slugs::stem(title, "article");
    if Uuid::try_parse(&stem).is_ok() { format!("article-{stem}") } else { stem }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::{content::text::tests::Paragraph, error::FieldError};

    fn draft(tags: &[&str]) -> Result<Article, TenancyError> {
        let new = NewArticle {
            title: " Bien dormir ".to_owned(),
            content: "Dormez.".to_owned(),
            tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
            ..NewArticle::default()
        };
        new.to_draft(&Paragraph, ArticleId(Uuid::from_u128(1)), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn tags_are_lower_case_and_each_once() {
        let article = draft(&[" Sommeil", "STRESS", "sommeil", "Épuisement"]).unwrap();
        assert_eq!(article.tags, ["sommeil", "stress", "épuisement"]);
        assert_eq!((article.title.as_str(), article.text.html.as_str()), ("Bien dormir", "<p>Dormez.</p>"));
        for (tags, code) in [(vec![" "], "required"), (vec!["a"; 21], "too_many")] {
            let refused = draft(&tags).unwrap_err();
            let TenancyError::Invalid(errors) = refused else { panic!("{refused}") };
            assert_eq!(errors, [FieldError::new("tags", code)]);
        }
        assert!(draft(&[&"é".repeat(TAG + 1)]).is_err());
        // U+0130 has two letters in lower case.
        assert!(draft(&[&"İ".repeat(TAG)]).is_err());
    }

    #[test]
    fn a_slug_never_looks_like_an_id() {
        let id = "0190B6C0-0000-7000-8000-000000000000";
        assert_eq!(slug_stem(id), format!("article-{}", id.to_lowercase()));
        assert_eq!(slug_stem("?!"), "article");
        assert_eq!(slug_stem("L'épuisement, et après ?"), "l-epuisement-et-apres");
    }

    #[test]
    fn the_slug_of_what_is_published_stays() {
        let mut article = draft(&[]).unwrap();
        let renamed = || ArticleChange { title: Some("Mieux dormir".to_owned()), ..ArticleChange::default() };
        let accept = |change: ArticleChange| change.accept(&Paragraph).unwrap();
        assert!(accept(renamed()).apply(&mut article, Timestamp::UNIX_EPOCH));
        assert!(!accept(renamed()).apply(&mut article, Timestamp::UNIX_EPOCH), "the same title");
        article.status = ArticleStatus::Published;
        let other = ArticleChange { title: Some("Autrement".to_owned()), ..ArticleChange::default() };
        assert!(!accept(other).apply(&mut article, Timestamp::UNIX_EPOCH));
        assert_eq!(article.title, "Autrement");
    }
}
