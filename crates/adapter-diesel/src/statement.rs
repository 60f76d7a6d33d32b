//! Statements that diesel's own builder cannot say, prepared once a connection like all others.
//! (`diesel::sql_query` would be parsed and planned anew each time.)
use diesel::{
    pg::Pg,
    prelude::*,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
};

/// Declares a statement: its values, the types of its columns, and its text, in pieces that each
/// end with a value and the value's SQL type. Nothing is ever formatted into the text.
macro_rules! statement {
    (
        $(#[$about:meta])*
        $seen:vis $name:ident { $($field:ident: $value:ty),* $(,)? } -> $columns:ty;
        $($text:expr $(, $bind:ident as $kind:ty)?);+ $(;)?
    ) => {
        $(#[$about])*
        $seen struct $name { $($seen $field: $value),* }

        // The text depends on the type alone, which is therefore its key among prepared ones.
        impl ::diesel::query_builder::QueryId for $name {
            type QueryId = Self;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl ::diesel::query_builder::Query for $name {
            type SqlType = $columns;
        }

        impl ::diesel::query_builder::QueryFragment<::diesel::pg::Pg> for $name {
            fn walk_ast<'b>(
                &'b self,
                mut out: ::diesel::query_builder::AstPass<'_, 'b, ::diesel::pg::Pg>,
            ) -> ::diesel::QueryResult<()> {
                $(
                    out.push_sql($text);
                    $( out.push_bind_param::<$kind, _>(&self.$bind)?; )?
                )+
                Ok(())
            }
        }

        impl ::diesel::RunQueryDsl<::diesel::PgConnection> for $name {}
    };
}
pub(crate) use statement;

/// The most rows of one insertion: a statement can bind 65,535 values, and no table has more than
/// twenty columns.
pub(crate) const MOST_ROWS: usize = 3_000;

/// Two writes in one statement, and so in one round trip: `also` runs with `main`, whose count of
/// rows is the answer. Both see the tables as they were before.
#[derive(QueryId)]
pub(crate) struct Both<Main, Also> {
    /// The write that is counted.
    pub(crate) main: Main,
    /// The write that goes with it.
    pub(crate) also: Also,
}

impl<Main: QueryFragment<Pg>, Also: QueryFragment<Pg>> QueryFragment<Pg> for Both<Main, Also> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH also AS (");
        self.also.walk_ast(out.reborrow())?;
        out.push_sql(") ");
        self.main.walk_ast(out.reborrow())
    }
}

impl<Main, Also> RunQueryDsl<PgConnection> for Both<Main, Also> {}

/// A query whose rows of `sessions` are held until the unit of work ends, and those of no other table.
#[derive(QueryId)]
pub(crate) struct HoldingSessions<Joined>(pub(crate) Joined);

impl<Joined: Query> Query for HoldingSessions<Joined> {
    type SqlType = Joined::SqlType;
}

impl<Joined: QueryFragment<Pg>> QueryFragment<Pg> for HoldingSessions<Joined> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(" FOR NO KEY UPDATE OF \"sessions\"");
        Ok(())
    }
}

impl<Joined> RunQueryDsl<PgConnection> for HoldingSessions<Joined> {}
