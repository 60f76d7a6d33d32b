//! What HR publishes to its company, and what its people read of it.
use jiff::Timestamp;

use super::{
    news::{NewNews, News, NewsChange},
    ports::ContentPorts,
};
use crate::{
    audit::{Action, AuditEntry, Resource},
    error::TenancyError,
    ids::{CompanyId, NewsId},
    policy::Permission,
    scope::{Caller, Scope},
    store::{Page, PageRequest},
};

/// The use cases of company news. HR learns of no reading: nothing counts or keeps it.
#[derive(Clone)]
pub struct Newsroom {
    ports: ContentPorts,
}

impl Newsroom {
    /// Over these ports.
    pub fn new(ports: ContentPorts) -> Self {
        Self { ports }
    }

    /// Publishes news of the caller's company, and tells in the app whom they are meant for.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid`.
    pub fn publish(&self, caller: &Caller, news: &NewNews) -> Result<News, TenancyError> {
        let company = editor(caller)?;
        let (now, scope) = (self.ports.clock.now(), caller.scope());
        let ids = (NewsId(self.ports.randomness.uuid_v7(now)), company);
        let news = news.to_news(self.ports.markdown.as_ref(), ids, now)?;
        self.ports.store.run(&scope, |tx| {
            tx.add_news(&news)?;
            Ok(tx.record(&self.entry(&scope, now, Action::Create, news.id))?)
        })?;
        Ok(news)
    }

    /// A page of the news of the caller's company, the latest first.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn list(&self, caller: &Caller, page: PageRequest) -> Result<Page<News>, TenancyError> {
        let company = editor(caller)?;
        self.ports.store.run(&caller.scope(), |tx| Ok(tx.company_news(company, page)?))
    }

    /// Changes news. Nobody is told again, and when they were published stays.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid`; `NotFound`.
    pub fn change(&self, caller: &Caller, id: NewsId, change: &NewsChange) -> Result<News, TenancyError> {
        let company = editor(caller)?;
        let change = change.accept(self.ports.markdown.as_ref())?;
        let (now, scope) = (self.ports.clock.now(), caller.scope());
        self.ports.store.run(&scope, |tx| {
            let news = tx.news_for_update(id)?.filter(|news| news.company == company);
            let mut news = news.ok_or(TenancyError::NotFound)?;
            change.apply(&mut news, now);
            if !tx.update_news(&news)? {
                return Err(TenancyError::NotFound);
            }
            tx.record(&self.entry(&scope, now, Action::Update, id))?;
            Ok(news)
        })
    }

    /// Deletes news. What people were told of them stays in their inboxes, which are theirs.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn delete(&self, caller: &Caller, id: NewsId) -> Result<(), TenancyError> {
        let company = editor(caller)?;
        let (now, scope) = (self.ports.clock.now(), caller.scope());
        self.ports.store.run(&scope, |tx| {
            tx.news_for_update(id)?.filter(|news| news.company == company).ok_or(TenancyError::NotFound)?;
            if !tx.remove_news(id)? {
                return Err(TenancyError::NotFound);
            }
            Ok(tx.record(&self.entry(&scope, now, Action::Delete, id))?)
        })
    }

    /// A page of the news that are meant for the caller, the latest first.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn own(&self, caller: &Caller, page: PageRequest) -> Result<Page<News>, TenancyError> {
        caller.actor.require(Permission::NewsRead)?;
        self.ports.store.run(&caller.scope(), |tx| Ok(tx.own_news(page)?))
    }

    fn entry(&self, scope: &Scope, now: Timestamp, action: Action, id: NewsId) -> AuditEntry {
        AuditEntry::new(scope, self.ports.randomness.as_ref(), now, action, Resource::News).on(id)
    }
}

/// The company whose news the caller writes.
fn editor(caller: &Caller) -> Result<CompanyId, TenancyError> {
    caller.actor.require(Permission::NewsWrite)?;
    caller.actor.company.ok_or(TenancyError::NotFound)
}
