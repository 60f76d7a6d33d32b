//! What administrators do with articles, and what everybody reads of them.
use jiff::Timestamp;

use super::{
    article::{Article, ArticleFilter, ArticleName, ArticleStatus},
    manuscript::{ArticleChange, NewArticle, slug_stem, tag_key},
    ports::ContentPorts,
};
use crate::{
    TenancyTx,
    audit::{Action, AuditEntry, Resource},
    error::{Checks, TenancyError},
    fields,
    ids::ArticleId,
    policy::Permission,
    scope::{Caller, Scope},
    slugs,
    store::{Page, PageRequest, StoreError},
};

/// How often a slug is chosen anew when another article takes it meanwhile.
const SLUG_RACES: usize = 8;

/// The administrators' use cases.
#[derive(Clone)]
pub struct ArticleEditing {
    ports: ContentPorts,
}

impl ArticleEditing {
    /// Over these ports.
    pub fn new(ports: ContentPorts) -> Self {
        Self { ports }
    }

    /// Begins an article: a draft.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid`.
    pub fn create(&self, caller: &Caller, article: &NewArticle) -> Result<Article, TenancyError> {
        caller.actor.require(Permission::ArticlesWrite)?;
        let now = self.ports.clock.now();
        let id = ArticleId(self.ports.randomness.uuid_v7(now));
        let draft = article.to_draft(self.ports.markdown.as_ref(), id, now)?;
        self.racing(&caller.scope(), |tx, scope| {
            let mut article = draft.clone();
            article.slug = free_slug(tx, &article.title, None)?;
            tx.add_article(&article)?;
            tx.record(&self.entry(scope, now, Action::Create, id))?;
            Ok(article)
        })
    }

    /// Changes an article. The slug of a draft follows its title; that of a published one stays.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid`; `NotFound`.
    pub fn change(&self, caller: &Caller, name: &ArticleName, change: &ArticleChange) -> Result<Article, TenancyError> {
        caller.actor.require(Permission::ArticlesWrite)?;
        let change = change.accept(self.ports.markdown.as_ref())?;
        self.racing(&caller.scope(), |tx, scope| {
            let mut article = tx.article_for_update(name)?.ok_or(TenancyError::NotFound)?;
            let now = self.ports.clock.now();
            if change.clone().apply(&mut article, now) {
                article.slug = free_slug(tx, &article.title, Some(&article.slug))?;
            }
            self.write(tx, &article, (scope, now, Action::Update))?;
            Ok(article)
        })
    }

    /// Shows an article to everybody. Repeating changes nothing.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn publish(&self, caller: &Caller, name: &ArticleName) -> Result<Article, TenancyError> {
        caller.actor.require(Permission::ArticlesWrite)?;
        let scope = caller.scope();
        self.ports.store.run(&scope, |tx| {
            let mut article = tx.article_for_update(name)?.ok_or(TenancyError::NotFound)?;
            if article.status == ArticleStatus::Published {
                return Ok(article);
            }
            let now = self.ports.clock.now();
            article.status = ArticleStatus::Published;
            article.published_at = Some(now);
            article.updated_at = now;
            self.write(tx, &article, (&scope, now, Action::Publish))?;
            Ok(article)
        })
    }

    /// Deletes an article, with what was counted of it.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn delete(&self, caller: &Caller, name: &ArticleName) -> Result<(), TenancyError> {
        caller.actor.require(Permission::ArticlesWrite)?;
        let (now, scope) = (self.ports.clock.now(), caller.scope());
        self.ports.store.run(&scope, |tx| {
            let article = tx.article_for_update(name)?.ok_or(TenancyError::NotFound)?;
            if !tx.remove_article(article.id)? {
                return Err(TenancyError::NotFound);
            }
            Ok(tx.record(&self.entry(&scope, now, Action::Delete, article.id))?)
        })
    }

    fn write(
        &self,
        tx: &mut dyn TenancyTx,
        article: &Article,
        (scope, now, action): (&Scope, Timestamp, Action),
    ) -> Result<(), TenancyError> {
        if !tx.update_article(article)? {
            return Err(TenancyError::NotFound);
        }
        Ok(tx.record(&self.entry(scope, now, action, article.id))?)
    }

    /// Runs `work` again as long as others take the slug that it has found free.
    fn racing(
        &self,
        scope: &Scope,
        work: impl Fn(&mut dyn TenancyTx, &Scope) -> Result<Article, TenancyError>,
    ) -> Result<Article, TenancyError> {
        let mut races = 0;
        loop {
            match self.ports.store.run(scope, |tx| work(tx, scope)) {
                Err(TenancyError::Store(StoreError::Refused(rule)))
                    if rule == "articles_slug_key" && races < SLUG_RACES =>
                {
                    races += 1;
                }
                outcome => return outcome,
            }
        }
    }

    fn entry(&self, scope: &Scope, now: Timestamp, action: Action, id: ArticleId) -> AuditEntry {
        AuditEntry::new(scope, self.ports.randomness.as_ref(), now, action, Resource::Article).on(id)
    }
}

/// A slug for this title that no article has, but for the article itself.
fn free_slug(tx: &mut dyn TenancyTx, title: &str, own: Option<&str>) -> Result<String, StoreError> {
    let stem = slug_stem(title);
    let mut taken = tx.article_slugs_like(&stem)?;
    taken.retain(|slug| own != Some(slug.as_str()));
    Ok(slugs::free(&stem, &taken))
}

/// What everybody reads; whoever may write articles reads drafts as well. Nobody is counted by it, and
/// it leaves no trace of who read what.
#[derive(Clone)]
pub struct ArticleReading {
    ports: ContentPorts,
}

impl ArticleReading {
    /// Over these ports.
    pub fn new(ports: ContentPorts) -> Self {
        Self { ports }
    }

    /// A page of articles, the latest first. Whoever asks for drafts and may not read them gets none.
    ///
    /// # Errors
    /// `Invalid` for a category or a tag that no article can have.
    pub fn list(
        &self,
        reader: &Scope,
        filter: &ArticleFilter,
        page: PageRequest,
    ) -> Result<Page<Article>, TenancyError> {
        let mut checks = Checks::default();
        fields::searched(&mut checks, filter.category.as_deref(), "category");
        fields::searched(&mut checks, filter.tag.as_deref(), "tag");
        checks.finish()?;
        let status = match filter.status {
            status if reads_drafts(reader) => status,
            Some(ArticleStatus::Draft) => return Ok(Page { items: Vec::new(), total: 0 }),
            Some(ArticleStatus::Published) | None => Some(ArticleStatus::Published),
        };
        let tag = filter.tag.as_deref().map(tag_key);
        let filter = ArticleFilter { category: filter.category.clone(), tag, status };
        self.ports.store.run(reader, |tx| Ok(tx.articles(&filter, page)?))
    }

    /// An article.
    ///
    /// # Errors
    /// `NotFound`, of a draft too for whoever may not read it.
    pub fn get(&self, reader: &Scope, name: &ArticleName) -> Result<Article, TenancyError> {
        let article = self.ports.store.run(reader, |tx| Ok(tx.article(name)?))?;
        let is_open = |article: &Article| article.status == ArticleStatus::Published || reads_drafts(reader);
        article.filter(is_open).ok_or(TenancyError::NotFound)
    }
}

fn reads_drafts(reader: &Scope) -> bool {
    reader.actor().is_some_and(|actor| actor.role.may(Permission::ArticlesWrite))
}
