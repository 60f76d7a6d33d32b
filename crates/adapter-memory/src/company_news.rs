//! News of companies.
use std::cmp::Reverse;

use huntzen_tenancy::{
    Page, PageRequest, StoreError,
    content::{CompanyNews, News},
    ids::{CompanyId, NewsId},
    policy::Role,
};

use crate::{
    paging::page,
    refusal::{allow, require},
    store::MemoryTx,
    telling::{self, is_meant_for},
    time::micros,
};

impl CompanyNews for MemoryTx {
    fn add_news(&mut self, news: &News) -> Result<(), StoreError> {
        self.write(|viewer, state| {
            allow(viewer.handles_news(news.company))?;
            require(!state.news.contains(&news.id), "news_pkey")?;
            require(state.companies.contains(&news.company), "news_company_id_fkey")?;
            let news =
                News { published_at: micros(news.published_at), updated_at: micros(news.updated_at), ..news.clone() };
            telling::news(state, &news)?;
            state.news.put(news.id, news);
            Ok(())
        })
    }

    fn update_news(&mut self, news: &News) -> Result<bool, StoreError> {
        self.write(|viewer, state| {
            let Some(held) = state.news.get(&news.id).filter(|held| viewer.handles_news(held.company)).cloned() else {
                return Ok(false);
            };
            let changed = News {
                title: news.title.clone(),
                text: news.text.clone(),
                target_departments: news.target_departments.clone(),
                updated_at: micros(news.updated_at),
                ..held
            };
            state.news.put(changed.id, changed);
            Ok(true)
        })
    }

    fn remove_news(&mut self, id: NewsId) -> Result<bool, StoreError> {
        self.write(|viewer, state| {
            let is_theirs = state.news.get(&id).is_some_and(|held| viewer.handles_news(held.company));
            Ok(is_theirs && state.news.remove(&id))
        })
    }

    fn news_for_update(&mut self, id: NewsId) -> Result<Option<News>, StoreError> {
        self.read(|viewer, state| state.news.get(&id).filter(|held| viewer.handles_news(held.company)).cloned())
    }

    fn company_news(&mut self, company: CompanyId, request: PageRequest) -> Result<Page<News>, StoreError> {
        self.read(|viewer, state| {
            let is_theirs = |row: &&News| row.company == company && viewer.handles_news(company);
            latest(state.news.rows().filter(is_theirs).collect(), request)
        })
    }

    fn own_news(&mut self, request: PageRequest) -> Result<Page<News>, StoreError> {
        self.read(|viewer, state| {
            let mut employees = state.employees.rows();
            let reader = employees.find(|row| viewer.is(Role::Employee) && viewer.is_user(row.user));
            let is_meant = |row: &&News| reader.is_some_and(|reader| is_meant_for(row, reader));
            latest(state.news.rows().filter(is_meant).collect(), request)
        })
    }
}

fn latest(mut rows: Vec<&News>, request: PageRequest) -> Page<News> {
    rows.sort_by_key(|row| Reverse((row.published_at, row.id)));
    let Page { items, total } = page(rows, request);
    Page { items: items.into_iter().cloned().collect(), total }
}
