//! Brings a database to the schema of this release, as its owner.
use std::error::Error;

use diesel::{
    connection::SimpleConnection,
    migration::{Migration, MigrationSource},
    pg::Pg,
    prelude::*,
    sql_types::Text,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use huntzen_tenancy::sealing::Vault;

use crate::store::PgStore;

mod pruning;
mod restoring;
mod sealing;
mod snapshot;
pub use pruning::prune_audit;
pub use restoring::{
    RestoreLock, Settled, add_erased, begin_restore, check_restorable, close_schema, finish_restore, knows,
    not_erased_again, objects_of_files, refuse_unfinished_restore, settle_restored, with_open_keys,
};
pub use snapshot::{Snapshot, still_referred_to};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// One migrator at a time; the connection's end releases it.
const ALONE: &str = "SELECT pg_advisory_lock(hashtextextended('huntzen:migrate', 0))";

/// Makes the two roles, or brings them back to what they must be. Another migrator may make them
/// at the same moment in another database of the server, which is as good. An owner who is no
/// superuser becomes a member of `huntzen_internal`, to hand functions over to it; from PostgreSQL 16
/// on, a membership says separately that it lets one act as the role.
const ROLES: &str = "
DO $$
DECLARE
    wanted record;
    plain CONSTANT text := 'NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION';
BEGIN
    FOR wanted IN VALUES ('huntzen_app', 'LOGIN'), ('huntzen_internal', 'NOLOGIN') LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.column1) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I %s', wanted.column1, wanted.column2);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;
            END;
        END IF;
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.column1
                   AND (rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole OR rolreplication
                        OR rolcanlogin <> (wanted.column2 = 'LOGIN'))) THEN
            EXECUTE format('ALTER ROLE %I %s %s', wanted.column1, wanted.column2, plain);
        END IF;
    END LOOP;
    IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        -- Some refusals are told apart by their text.
        ALTER ROLE huntzen_app SET lc_messages TO 'C';
    ELSE
        IF current_setting('server_version_num')::integer >= 160000 THEN
            -- As text: an older server would not even parse it.
            EXECUTE 'GRANT huntzen_internal TO CURRENT_USER WITH INHERIT TRUE, SET TRUE';
        ELSE
            GRANT huntzen_internal TO CURRENT_USER;
        END IF;
    END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO huntzen_app', current_database());
END $$";

/// Why a database could not be migrated.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The server cannot be reached, or does not let the owner in.
    #[error("the database cannot be reached as its owner")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// A statement failed; the migration that holds it was undone as a whole.
    #[error("the database could not be migrated")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
    /// Half of the data may be missing.
    #[error("a backup was being restored into this database and is not wholly there; run again: {0}")]
    Unrestored(String),
    /// A role that row security hides rows from, or that may not read a table.
    #[error("the database cannot be read as a whole")]
    Unreadable(#[source] Box<dyn Error + Send + Sync>),
    /// What was just written where the program serves is not in the database that is to be copied.
    #[error(
        "the database of DATABASE_BACKUP_URL lacks what was just written over DATABASE_URL: it is another one, a primary \
         of before, or a standby that lags"
    )]
    NotServed,
    /// Half of the data would be served.
    #[error(
        "somebody is connected to this database as huntzen_app: stop the program on every node first (or end what else \
         is connected as that role)"
    )]
    Served,
    /// One restore at a time.
    #[error("another restore into this database is going on")]
    Restoring,
    /// Nothing is ever overwritten.
    #[error("the database is not empty: a backup is restored into an empty one")]
    NotEmpty,
}

fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> MigrateError {
    MigrateError::Failed(error.into())
}

fn connect(owner_url: &str) -> Result<PgConnection, MigrateError> {
    PgConnection::establish(owner_url).map_err(|error| MigrateError::Unreachable(Box::new(error)))
}

#[derive(QueryableByName)]
struct Statement {
    #[diesel(sql_type = Text)]
    text: String,
}

/// Creates the roles that the program works with and gives `huntzen_app` its password and its way
/// into this database. Again changes nothing but the password.
///
/// # Errors
/// `Unreachable`, or `Failed` when the owner may not create roles.
pub fn ensure_roles(owner_url: &str, app_password: &str) -> Result<(), MigrateError> {
    let mut connection = connect(owner_url)?;
    connection.batch_execute(ALONE).map_err(failed)?;
    connection.batch_execute(ROLES).map_err(failed)?;
    // ALTER ROLE takes no parameters: the server itself quotes the password into the statement.
    let Statement { text } = diesel::sql_query("SELECT format('ALTER ROLE huntzen_app PASSWORD %L', $1) AS text")
        .bind::<Text, _>(app_password)
        .get_result(&mut connection)
        .map_err(failed)?;
    connection.batch_execute(&text).map_err(failed)
}

/// Applies every migration that is not applied yet; answers their names. What confidential values
/// older releases kept in clear is sealed by `vault` on the way.
///
/// # Errors
/// `Unreachable`, or `Failed` at the first migration that fails; those before it stay applied.
/// `Unrestored` for a database that a restore has not finished.
pub fn run(owner_url: &str, vault: &dyn Vault) -> Result<Vec<String>, MigrateError> {
    let mut connection = connect(owner_url)?;
    restoring::State::of(&mut connection)?.refuse_unfinished()?;
    apply(&mut connection, vault, None)
}

/// The same for a database that is being restored, as far as the migration of this version.
///
/// # Errors
/// `Unreachable`, or `Failed`.
pub fn run_restored(owner_url: &str, vault: &dyn Vault, last: Option<&str>) -> Result<Vec<String>, MigrateError> {
    apply(&mut connect(owner_url)?, vault, last)
}

fn apply(connection: &mut PgConnection, vault: &dyn Vault, last: Option<&str>) -> Result<Vec<String>, MigrateError> {
    connection.batch_execute(ALONE).map_err(failed)?;
    let mut applied = Vec::new();
    for migration in connection.pending_migrations(MIGRATIONS).map_err(failed)? {
        let version = migration.name().version().to_string();
        if last.is_some_and(|last| version.as_str() > last) {
            break;
        }
        if version == sealing::BEFORE {
            sealing::seal_what_lies_in_clear(connection, vault).map_err(failed)?;
        }
        connection.run_migration(&migration).map_err(failed)?;
        applied.push(version);
    }
    // So that the program itself can tell whether the schema is the one that it was built for.
    connection.batch_execute("GRANT SELECT ON __diesel_schema_migrations TO huntzen_app").map_err(failed)?;
    Ok(applied)
}

/// The versions that this release brings and the database of `store` lacks, oldest first.
///
/// # Errors
/// `Failed` when the database cannot be asked, or was never migrated.
pub fn missing(store: &PgStore) -> Result<Vec<String>, MigrateError> {
    let migrations: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations().map_err(failed)?;
    let mut tx = store.begin_with("BEGIN").map_err(failed)?;
    let applied = tx
        .run(|connection| {
            diesel::sql_query("SELECT version::text AS text FROM __diesel_schema_migrations")
                .load::<Statement>(connection)
        })
        .map_err(failed)?;
    let versions = migrations.iter().map(|migration| migration.name().version().to_string());
    Ok(versions.filter(|version| !applied.iter().any(|known| known.text == *version)).collect())
}

/// The names of the migrations that are not applied yet, oldest first.
///
/// # Errors
/// As for [`run`].
pub fn pending(owner_url: &str) -> Result<Vec<String>, MigrateError> {
    let mut connection = connect(owner_url)?;
    let pending = connection.pending_migrations(MIGRATIONS).map_err(failed)?;
    Ok(pending.iter().map(|migration| migration.name().to_string()).collect())
}

/// Undoes every migration, and with them all data; answers their names, latest first.
///
/// # Errors
/// As for [`run`].
pub fn revert_all(owner_url: &str) -> Result<Vec<String>, MigrateError> {
    let mut connection = connect(owner_url)?;
    connection.batch_execute(ALONE).map_err(failed)?;
    let undone = connection.revert_all_migrations(MIGRATIONS).map_err(failed)?;
    Ok(undone.iter().map(ToString::to_string).collect())
}
