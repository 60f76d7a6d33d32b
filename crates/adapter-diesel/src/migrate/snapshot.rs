//! One state of the database that several dumps are taken of, while everybody works.
use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use diesel::{
    connection::SimpleConnection,
    prelude::*,
    sql_query,
    sql_types::{Array, Bool, Date as SqlDate, Text, Timestamptz, Uuid as SqlUuid},
};
use huntzen_tenancy::{erasure::Erased, ids::UserId};
use jiff::Timestamp;
use uuid::Uuid;

use super::{MigrateError, connect, failed};
use crate::stored::{StoredDate, StoredTimestamp, ToDiesel};

/// How long a standby may take to hold what the primary has committed.
const LAG: Duration = Duration::from_secs(10);
/// How often it is asked.
const PAUSE: Duration = Duration::from_millis(100);

/// Row security that hides a row is an error: half of a table would be taken for all of it.
const SEE_ALL: &str = "SET row_security = off";

/// A private cluster ends transactions in which nothing happens for long.
const BEGIN: &str =
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 0";

/// What the state is called, what server holds it, and of which installation it is: the instant of the first
/// migration stands in the data, goes wherever they go, and never changes.
const ABOUT: &str = "
    SELECT pg_export_snapshot() AS id, current_setting('server_version_num') AS server,
        (SELECT max(version)::text FROM __diesel_schema_migrations) AS schema,
        (SELECT encode(sha256(convert_to(
            'huntzen installation ' || to_char(run_on, 'YYYY-MM-DD HH24:MI:SS.US'), 'UTF8')), 'hex')
         FROM __diesel_schema_migrations ORDER BY version LIMIT 1) AS installation";

/// A transaction that holds a state of the database for as long as this lives.
pub struct Snapshot {
    connection: PgConnection,
    id: String,
    server: u32,
    schema: String,
    installation: String,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    server: String,
    #[diesel(sql_type = Text)]
    schema: String,
    #[diesel(sql_type = Text)]
    installation: String,
}

#[derive(QueryableByName)]
struct Whether {
    #[diesel(sql_type = Bool)]
    so: bool,
}

#[derive(QueryableByName)]
struct Object {
    #[diesel(sql_type = SqlUuid)]
    object: Uuid,
}

#[derive(QueryableByName)]
struct ErasedRow {
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    erased_at: StoredTimestamp,
    #[diesel(sql_type = SqlUuid)]
    certificate_id: Uuid,
    #[diesel(sql_type = SqlDate)]
    keys_gone_on: StoredDate,
}

impl ErasedRow {
    fn erased(self) -> (UserId, Erased) {
        let Self { user_id, erased_at, certificate_id, keys_gone_on } = self;
        let (at, keys_gone_on) = (erased_at.to_jiff(), keys_gone_on.to_jiff());
        (UserId(user_id), Erased { at, certificate: certificate_id, keys_gone_on })
    }
}

impl Snapshot {
    /// Holds the present state of the database that a role which may read all of it signs in to, once
    /// that holds the entry of the audit trail `written`, which was just committed where the program serves.
    ///
    /// # Errors
    /// `Unreachable`; `Unreadable`; `NotServed` when the entry does not come within ten seconds; `Failed`
    /// when the database was never migrated.
    pub fn hold(url: &str, written: Uuid) -> Result<Self, MigrateError> {
        let mut connection = connect(url)?;
        connection.batch_execute(SEE_ALL).map_err(failed)?;
        await_entry(&mut connection, written, LAG)?;
        connection.batch_execute(BEGIN).map_err(failed)?;
        let Line { id, server, schema, installation } = sql_query(ABOUT).get_result(&mut connection).map_err(failed)?;
        let server = server.parse::<u32>().map_err(failed)? / 10_000;
        Ok(Self { connection, id, server, schema, installation })
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

    /// What tells this installation from every other, also once it was restored elsewhere.
    pub fn installation(&self) -> &str {
        &self.installation
    }

    /// The objects that files refer to in this state.
    ///
    /// # Errors
    /// `Unreadable`.
    pub fn objects(&mut self) -> Result<Vec<Uuid>, MigrateError> {
        sql_query("SELECT object FROM files").load(&mut self.connection).map(objects).map_err(unreadable)
    }

    /// Everybody who was erased before this state.
    ///
    /// # Errors
    /// `Unreadable`.
    pub fn erased(&mut self) -> Result<Vec<(UserId, Erased)>, MigrateError> {
        let query =
            sql_query("SELECT user_id, erased_at, certificate_id, keys_gone_on FROM keys.erased ORDER BY erased_at");
        let rows: Vec<ErasedRow> = query.load(&mut self.connection).map_err(unreadable)?;
        Ok(rows.into_iter().map(ErasedRow::erased).collect())
    }

    /// Whether anything in the audit trail that is linked in this state was done before `before`.
    ///
    /// # Errors
    /// `Unreadable`.
    pub fn has_links_of_before(&mut self, before: Timestamp) -> Result<bool, MigrateError> {
        let query = "SELECT EXISTS (SELECT FROM audit_entries e JOIN audit_links l ON l.entry_id = e.id
                     WHERE e.at < $1) AS so";
        let asked = sql_query(query).bind::<Timestamptz, _>(before.to_diesel());
        asked.get_result(&mut self.connection).map(|Whether { so }| so).map_err(unreadable)
    }
}

/// Which of these objects files still refer to. What was deleted a moment ago is so on a standby as well
/// within `patience`.
///
/// # Errors
/// `Unreachable`; `Unreadable`.
pub fn still_referred_to(url: &str, wanted: &[Uuid], patience: Duration) -> Result<Vec<Uuid>, MigrateError> {
    let mut connection = connect(url)?;
    connection.batch_execute(SEE_ALL).map_err(failed)?;
    let asked = Instant::now();
    loop {
        let query = sql_query("SELECT object FROM files WHERE object = ANY ($1) ORDER BY object");
        let left = query.bind::<Array<SqlUuid>, _>(wanted).load(&mut connection).map(objects).map_err(unreadable)?;
        if left.is_empty() || asked.elapsed() >= patience {
            return Ok(left);
        }
        sleep(PAUSE);
    }
}

fn objects(found: Vec<Object>) -> Vec<Uuid> {
    found.into_iter().map(|Object { object }| object).collect()
}

fn await_entry(connection: &mut PgConnection, entry: Uuid, patience: Duration) -> Result<(), MigrateError> {
    let asked = Instant::now();
    loop {
        let query = sql_query("SELECT EXISTS (SELECT FROM audit_entries WHERE id = $1) AS so");
        if query.bind::<SqlUuid, _>(entry).get_result::<Whether>(connection).map_err(unreadable)?.so {
            return Ok(());
        }
        if asked.elapsed() >= patience {
            return Err(MigrateError::NotServed);
        }
        sleep(PAUSE);
    }
}

fn unreadable(error: diesel::result::Error) -> MigrateError {
    MigrateError::Unreadable(Box::new(error))
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("schema", &self.schema).finish_non_exhaustive()
    }
}
