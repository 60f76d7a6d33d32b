//! News of a company: published at once, to everybody or to some departments.
use jiff::Timestamp;

use super::{
    manuscript::TITLE,
    text::{Markdown, RenderedText},
};
use crate::{
    error::{Checks, TenancyError},
    fields,
    ids::{CompanyId, NewsId},
    store::{Page, PageRequest, StoreError},
};

/// The most characters of a department's name.
const DEPARTMENT: usize = 120;
const DEPARTMENTS: usize = 50;

/// One piece of news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// Its id.
    pub id: NewsId,
    /// Whose news it is.
    pub company: CompanyId,
    /// Its title.
    pub title: String,
    /// What it says.
    pub text: RenderedText,
    /// The departments that it is meant for, by their exact names; empty for everybody.
    pub target_departments: Vec<String>,
    /// When it was published.
    pub published_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What news are made from; texts as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewNews {
    /// The title.
    pub title: String,
    /// What they say, in Markdown.
    pub content: String,
    /// For whom: at most 50 departments, none for everybody.
    pub target_departments: Vec<String>,
}

/// What changes about news; `None` leaves it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewsChange {
    /// The title.
    pub title: Option<String>,
    /// What they say, in Markdown.
    pub content: Option<String>,
    /// For whom.
    pub target_departments: Option<Vec<String>>,
}

impl NewNews {
    /// The news, rendered.
    pub(super) fn to_news(
        &self,
        markdown: &dyn Markdown,
        (id, company): (NewsId, CompanyId),
        now: Timestamp,
    ) -> Result<News, TenancyError> {
        let mut checks = Checks::default();
        let news = News {
            id,
            company,
            title: fields::required(&mut checks, &self.title, "title", TITLE),
            text: RenderedText::render(&mut checks, markdown, &self.content),
            target_departments: departments(&mut checks, &self.target_departments),
            published_at: now,
            updated_at: now,
        };
        checks.pass(Some(news))
    }
}

/// A change whose every value is valid, rendered.
#[derive(Debug)]
pub(super) struct AcceptedChange {
    title: Option<String>,
    text: Option<RenderedText>,
    target_departments: Option<Vec<String>>,
}

impl NewsChange {
    /// Cleans and renders the change, and refuses what news cannot hold.
    pub(super) fn accept(&self, markdown: &dyn Markdown) -> Result<AcceptedChange, TenancyError> {
        let mut checks = Checks::default();
        let to = &mut checks;
        let change = AcceptedChange {
            title: self.title.as_deref().map(|raw| fields::required(to, raw, "title", TITLE)),
            text: self.content.as_deref().map(|raw| RenderedText::render(to, markdown, raw)),
            target_departments: self.target_departments.as_deref().map(|raw| departments(to, raw)),
        };
        checks.pass(Some(change))
    }
}

impl AcceptedChange {
    /// Writes the change into `news`.
    pub(super) fn apply(self, news: &mut News, now: Timestamp) {
        if let Some(title) = self.title {
            news.title = title;
        }
        if let Some(text) = self.text {
            news.text = text;
        }
        if let Some(departments) = self.target_departments {
            news.target_departments = departments;
        }
        news.updated_at = now;
    }
}

/// The departments, trimmed, each once, in the order in which they were typed.
fn departments(checks: &mut Checks, raw: &[String]) -> Vec<String> {
    checks.require(raw.len() <= DEPARTMENTS, "targetDepartments", "too_many");
    let mut departments = Vec::new();
    for raw in raw.iter().take(DEPARTMENTS) {
        let department = fields::required(checks, raw, "targetDepartments", DEPARTMENT);
        if !departments.contains(&department) {
            departments.push(department);
        }
    }
    departments
}

/// News. HR sees and writes its company's; an employee reads those that are meant for them.
pub trait CompanyNews {
    /// Adds news, and tells everybody whom they are meant for and who is eligible then, in their
    /// inboxes (`NewsPublished`, with the id of the news). Nothing says how many they are.
    ///
    /// # Errors
    /// `Refused` when it is another company's.
    fn add_news(&mut self, news: &News) -> Result<(), StoreError>;

    /// Writes title, text, departments and `updated_at`, and tells nobody; `false` when they are not in
    /// sight.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn update_news(&mut self, news: &News) -> Result<bool, StoreError>;

    /// Deletes news; `false` when they are not in sight.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn remove_news(&mut self, id: NewsId) -> Result<bool, StoreError>;

    /// The news with this id, for HR, held against other writers until the unit of work ends. A store
    /// whose units of work overlap must lock.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn news_for_update(&mut self, id: NewsId) -> Result<Option<News>, StoreError>;

    /// A page of the news of HR's company, the latest first, then by id.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn company_news(&mut self, company: CompanyId, page: PageRequest) -> Result<Page<News>, StoreError>;

    /// A page of the news that are meant for the acting employee, in the same order: to everybody, or
    /// to the department in which they are today. None once their eligibility has ended, and for
    /// everybody else.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn own_news(&mut self, page: PageRequest) -> Result<Page<News>, StoreError>;
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use uuid::Uuid;

    use super::*;
    use crate::{content::text::tests::Paragraph, error::FieldError};

    fn news(departments: &[&str]) -> Result<News, TenancyError> {
        let new = NewNews {
            title: "Cantine".to_owned(),
            content: "Elle ouvre.".to_owned(),
            target_departments: departments.iter().map(|&name| name.to_owned()).collect(),
        };
        let ids = (NewsId(Uuid::from_u128(1)), CompanyId(Uuid::from_u128(2)));
        new.to_news(&Paragraph, ids, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn departments_are_named_once_and_exactly() {
        assert_eq!(news(&[" Ventes ", "ventes", "Ventes"]).unwrap().target_departments, ["Ventes", "ventes"]);
        for (departments, code) in [(vec![""], "required"), (vec!["a"; 51], "too_many")] {
            let refused = news(&departments).unwrap_err();
            let TenancyError::Invalid(errors) = refused else { panic!("{refused}") };
            assert_eq!(errors, [FieldError::new("targetDepartments", code)]);
        }
    }
}
