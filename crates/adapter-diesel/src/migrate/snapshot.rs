//! One state of the database that several dumps are taken of, while everybody works.
use diesel::{connection::SimpleConnection, prelude::*, sql_query, sql_types::Text};

use super::{MigrateError, connect, failed};

/// A transaction that holds a state of the database for as long as this lives.
pub struct Snapshot {
    _connection: PgConnection,
    id: String,
    server: u32,
    schema: String,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    server: String,
    #[diesel(sql_type = Text)]
    schema: String,
}

impl Snapshot {
    /// Holds the present state of the database that a role which may read all of it signs in to.
    ///
    /// # Errors
    /// `Unreachable`, or `Failed` when the database was never migrated or may not be read.
    pub fn hold(url: &str) -> Result<Self, MigrateError> {
        let mut connection = connect(url)?;
        // A private cluster ends transactions in which nothing happens for long.
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
                     SET LOCAL idle_in_transaction_session_timeout = 0";
        connection.batch_execute(begin).map_err(failed)?;
        let query = "SELECT pg_export_snapshot() AS id, current_setting('server_version_num') AS server, \
                     (SELECT max(version)::text FROM __diesel_schema_migrations) AS schema";
        let Line { id, server, schema } = sql_query(query).get_result(&mut connection).map_err(failed)?;
        let server = server.parse::<u32>().map_err(failed)? / 10_000;
        Ok(Self { _connection: connection, id, server, schema })
    }

    /// What `pg_dump --snapshot` takes.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The major version of the server.
    pub fn server(&self) -> u32 {
        self.server
    }

    /// The version of the schema: the last migration.
    pub fn schema(&self) -> &str {
        &self.schema
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("schema", &self.schema).finish_non_exhaustive()
    }
}
