//! Visits of articles: no scope reads them.
use huntzen_tenancy::{
    Job, StoreError,
    content::{ArticleStatus, ArticleVisits, DaySalt, VisitorKey},
    ids::ArticleId,
};
use jiff::{ToSpan, civil::Date};

use crate::{state::State, store::MemoryTx};

impl ArticleVisits for MemoryTx {
    fn visit_salt(&mut self, day: Date, fresh: [u8; 32]) -> Result<DaySalt, StoreError> {
        self.write(|_, state| {
            let begun = state.article_visit_salts.entries().filter(|(of, _)| **of >= day).last();
            if let Some((day, salt)) = begun.map(|(day, salt)| (*day, *salt)) {
                return Ok(DaySalt { day, salt });
            }
            state.forget_days(|of| of < day);
            state.article_visit_salts.put(day, fresh);
            Ok(DaySalt { day, salt: fresh })
        })
    }

    fn count_visit(&mut self, article: ArticleId, day: Date, visitor: VisitorKey) -> Result<bool, StoreError> {
        self.write(|_, state| {
            let is_open = |id| state.articles.get(id).is_some_and(|row| row.status == ArticleStatus::Published);
            let visit = (article, day, visitor);
            if !is_open(&article) || state.article_visits.contains(&visit) {
                return Ok(false);
            }
            state.article_visits.put(visit, ());
            state.articles.change(|row| row.id == article, |row| row.view_count += 1);
            Ok(true)
        })
    }

    fn forget_visits(&mut self, today: Date) -> Result<u64, StoreError> {
        let tomorrow = today.saturating_add(1.day());
        let is_wrong = |day| day < today || day > tomorrow;
        self.write(|viewer, state| Ok(if viewer.is_job(Job::Visits) { state.forget_days(is_wrong) } else { 0 }))
    }
}

impl State {
    /// Forgets the salts and visits of the days for which `chosen` holds; answers how many days that were.
    fn forget_days(&mut self, chosen: impl Fn(Date) -> bool) -> u64 {
        self.forget_visits_where(|(_, of, _)| chosen(*of));
        let over: Vec<Date> = self.article_visit_salts.entries().map(|(of, _)| *of).filter(|of| chosen(*of)).collect();
        over.iter().map(|of| u64::from(self.article_visit_salts.remove(of))).sum()
    }

    /// Forgets the visits for which `chosen` holds.
    pub(crate) fn forget_visits_where(&mut self, chosen: impl Fn(&(ArticleId, Date, VisitorKey)) -> bool) {
        let visits: Vec<_> =
            self.article_visits.entries().map(|(visit, ())| *visit).filter(|one| chosen(one)).collect();
        for visit in visits {
            self.article_visits.remove(&visit);
        }
    }
}
