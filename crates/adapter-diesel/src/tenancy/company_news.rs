//! News of companies. A trigger tells people of them; employees read theirs through a function, which
//! knows their department.
use diesel::{
    dsl::{delete, insert_into, update},
    prelude::*,
    sql_types::{Array, BigInt, Text, Timestamptz, Uuid as SqlUuid},
};
use huntzen_tenancy::{
    Page, PageRequest, StoreError,
    content::{CompanyNews, News, RenderedText},
    ids::{CompanyId, NewsId},
};
use uuid::Uuid;

use crate::{
    schema::news,
    statement::statement,
    stored::{StoredTimestamp, ToDiesel, number},
    unit_of_work::PgTx,
};

type NewsColumns = (SqlUuid, SqlUuid, Text, Text, Text, Array<Text>, Timestamptz, Timestamptz);

statement! {
    /// A page of what the acting employee is meant to read.
    OwnNews { limit: i64, offset: i64 } -> NewsColumns;
    "SELECT id, company_id, title, content, content_html, target_departments, published_at, updated_at \
     FROM own_news(", limit as BigInt; ", ", offset as BigInt; ")"
}

statement! {
    /// How much that is.
    OwnNewsTotal {} -> BigInt;
    "SELECT count(*) FROM own_news_ids()"
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = news)]
struct NewsRow {
    id: Uuid,
    company_id: Uuid,
    title: String,
    content: String,
    content_html: String,
    target_departments: Vec<String>,
    published_at: StoredTimestamp,
    updated_at: StoredTimestamp,
}

impl From<NewsRow> for News {
    fn from(row: NewsRow) -> Self {
        Self {
            id: NewsId(row.id),
            company: CompanyId(row.company_id),
            title: row.title,
            text: RenderedText { content: row.content, html: row.content_html },
            target_departments: row.target_departments,
            published_at: row.published_at.to_jiff(),
            updated_at: row.updated_at.to_jiff(),
        }
    }
}

fn page_of(rows: Vec<NewsRow>, total: i64) -> Result<Page<News>, StoreError> {
    Ok(Page { items: rows.into_iter().map(News::from).collect(), total: number(total, "count")? })
}

impl CompanyNews for PgTx {
    fn add_news(&mut self, added: &News) -> Result<(), StoreError> {
        let row = (
            news::id.eq(added.id.0),
            news::company_id.eq(added.company.0),
            news::title.eq(&added.title),
            news::content.eq(&added.text.content),
            news::content_html.eq(&added.text.html),
            news::target_departments.eq(&added.target_departments),
            news::published_at.eq(added.published_at.to_diesel()),
            news::updated_at.eq(added.updated_at.to_diesel()),
        );
        self.run(|connection| insert_into(news::table).values(row).execute(connection)).map(drop)
    }

    fn update_news(&mut self, changed: &News) -> Result<bool, StoreError> {
        let change = update(news::table.find(changed.id.0)).set((
            news::title.eq(&changed.title),
            news::content.eq(&changed.text.content),
            news::content_html.eq(&changed.text.html),
            news::target_departments.eq(&changed.target_departments),
            news::updated_at.eq(changed.updated_at.to_diesel()),
        ));
        self.run(|connection| change.execute(connection)).map(|changed| changed > 0)
    }

    fn remove_news(&mut self, id: NewsId) -> Result<bool, StoreError> {
        self.run(|connection| delete(news::table.find(id.0)).execute(connection)).map(|removed| removed > 0)
    }

    fn news_for_update(&mut self, id: NewsId) -> Result<Option<News>, StoreError> {
        let query = news::table.find(id.0).select(NewsRow::as_select()).for_no_key_update();
        Ok(self.run(|connection| query.first(connection).optional())?.map(News::from))
    }

    fn company_news(&mut self, company: CompanyId, page: PageRequest) -> Result<Page<News>, StoreError> {
        let published = || news::table.filter(news::company_id.eq(company.0));
        let total: i64 = self.run(|connection| published().count().get_result(connection))?;
        let query = published()
            .select(NewsRow::as_select())
            .order((news::published_at.desc(), news::id.desc()))
            .limit(page.per_page.into())
            .offset(number(page.offset(), "offset")?);
        page_of(self.run(|connection| query.load(connection))?, total)
    }

    fn own_news(&mut self, page: PageRequest) -> Result<Page<News>, StoreError> {
        let query = OwnNews { limit: page.per_page.into(), offset: number(page.offset(), "offset")? };
        let total = self.run(|connection| OwnNewsTotal {}.get_result::<i64>(connection))?;
        page_of(self.run(|connection| query.load(connection))?, total)
    }
}
