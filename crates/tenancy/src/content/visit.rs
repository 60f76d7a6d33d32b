//! Counting the visitors of an article without knowing any of them.
use std::{fmt, net::IpAddr};

use jiff::{civil::Date, tz::TimeZone};

use super::{
    article::{ArticleName, ArticleStatus},
    ports::ContentPorts,
};
use crate::{Job, Origin, Scope, error::TenancyError, ids::ArticleId, store::StoreError};

/// Whoever looks at an article, as far as a request tells. Never stored, and never shown.
#[derive(Clone)]
pub struct Visitor {
    /// Where the request came from.
    pub address: Option<IpAddr>,
    /// What the client says it is.
    pub client: String,
}

impl fmt::Debug for Visitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visitor").finish_non_exhaustive()
    }
}

/// What keys the visitors of one day, the same on every node. It is forgotten when the day is over:
/// from then on nobody can tell whose a key was.
#[derive(Clone, PartialEq, Eq)]
pub struct DaySalt {
    /// The day, in UTC.
    pub day: Date,
    /// Random.
    pub salt: [u8; 32],
}

impl fmt::Debug for DaySalt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DaySalt").field("day", &self.day).finish_non_exhaustive()
    }
}

/// What stands for a visitor on one day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct VisitorKey(pub [u8; 32]);

impl fmt::Debug for VisitorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VisitorKey")
    }
}

/// Makes keys of visitors.
pub trait VisitorKeys: Send + Sync {
    /// The key of `visitor` under this salt: a keyed digest, from which without the salt nothing can
    /// be learnt, not by trying every address either. IPv6 addresses of one /64 network are one: a
    /// device changes its own within it.
    fn key(&self, salt: &DaySalt, visitor: &Visitor) -> VisitorKey;
}

/// Visits of the present day. No scope reads them.
pub trait ArticleVisits {
    /// What keys the visitors of `day`: `fresh` when nothing does yet, which forgets earlier days and
    /// their visits; that of a later day where one has begun. Of many at once all get the same.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn visit_salt(&mut self, day: Date, fresh: [u8; 32]) -> Result<DaySalt, StoreError>;

    /// Counts a visit of a published article; `false` when this visitor was counted that day, or the
    /// article is none.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn count_visit(&mut self, article: ArticleId, day: Date, visitor: VisitorKey) -> Result<bool, StoreError>;

    /// Forgets the salts and visits of the days before `today`, and of days later than the next one, which
    /// some clock has made up; answers how many days that were. `Job::Visits` alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn forget_visits(&mut self, today: Date) -> Result<u64, StoreError>;
}

/// The use cases of counting.
#[derive(Clone)]
pub struct VisitCounting {
    ports: ContentPorts,
}

impl VisitCounting {
    /// Over these ports.
    pub fn new(ports: ContentPorts) -> Self {
        Self { ports }
    }

    /// Counts that `visitor` looks at a published article, once a day; answers its visitors so far.
    /// Whether somebody is signed in makes no difference: nobody is counted as a person.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn count(&self, origin: &Origin, name: &ArticleName, visitor: &Visitor) -> Result<u64, TenancyError> {
        let (today, fresh) = (self.today(), self.ports.randomness.secret());
        self.ports.store.run(&Scope::anonymous(origin.clone()), |tx| {
            let article = tx.article(name)?.filter(|article| article.status == ArticleStatus::Published);
            let article = article.ok_or(TenancyError::NotFound)?;
            let salt = tx.visit_salt(today, fresh)?;
            let is_counted = tx.count_visit(article.id, salt.day, self.ports.visitor_keys.key(&salt, visitor))?;
            Ok(article.view_count + u64::from(is_counted))
        })
    }

    /// Forgets who looked at articles on days that are over; answers how many days that were.
    ///
    /// # Errors
    /// `StoreError` alone.
    pub fn forget(&self) -> Result<u64, TenancyError> {
        let today = self.today();
        self.ports.store.run(&Scope::worker(Job::Visits), |tx| Ok(tx.forget_visits(today)?))
    }

    fn today(&self) -> Date {
        self.ports.clock.now().to_zoned(TimeZone::UTC).date()
    }
}
