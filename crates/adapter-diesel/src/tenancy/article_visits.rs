//! Visits of articles: functions of the database alone see them.
use diesel::{
    dsl::select,
    prelude::*,
    sql_types::{Binary, Date as SqlDate},
};
use huntzen_tenancy::{
    StoreError,
    content::{ArticleVisits, DaySalt, VisitorKey},
    ids::ArticleId,
};
use jiff::civil::Date;

use crate::{
    schema::{count_article_visit, forget_article_visits},
    statement::statement,
    stored::{StoredDate, ToDiesel, number, readable},
    unit_of_work::PgTx,
};

statement! {
    /// What keys the visitors of a day.
    VisitSalt { day: StoredDate, fresh: Vec<u8> } -> (SqlDate, Binary);
    "SELECT day, salt FROM article_visit_salt(", day as SqlDate; ", ", fresh as Binary; ")"
}

impl ArticleVisits for PgTx {
    fn visit_salt(&mut self, day: Date, fresh: [u8; 32]) -> Result<DaySalt, StoreError> {
        let query = VisitSalt { day: day.to_diesel(), fresh: fresh.to_vec() };
        let (day, salt): (StoredDate, Vec<u8>) = self.run(|connection| query.get_result(connection))?;
        let salt = readable(<[u8; 32]>::try_from(salt).ok(), "article_visit_salts.salt")?;
        Ok(DaySalt { day: day.to_jiff(), salt })
    }

    fn count_visit(&mut self, article: ArticleId, day: Date, visitor: VisitorKey) -> Result<bool, StoreError> {
        let query = select(count_article_visit(article.0, day.to_diesel(), visitor.0.to_vec()));
        self.run(|connection| query.get_result(connection))
    }

    fn forget_visits(&mut self, today: Date) -> Result<u64, StoreError> {
        let query = select(forget_article_visits(today.to_diesel()));
        number(self.run(|connection| query.get_result::<i64>(connection))?, "days")
    }
}
