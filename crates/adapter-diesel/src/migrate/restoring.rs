//! A database that a backup is restored into: empty before, marked meanwhile, settled after.
use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use diesel::{
    connection::SimpleConnection,
    migration::{Migration, MigrationSource},
    pg::Pg,
    prelude::*,
    sql_query,
    sql_types::{Array, BigInt, Date as SqlDate, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use huntzen_tenancy::{erasure::Erased, ids::UserId};
use jiff::Timestamp;
use uuid::Uuid;

use super::{ALONE, MIGRATIONS, MigrateError, connect, failed};
use crate::{store::PgStore, stored::ToDiesel};

/// What the comment of a database begins with that a restore has not finished.
const MARK: &str = "huntzen: a restore is not finished: ";

/// How long a connection of the program that has just ended may still be there.
const PARTING: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(100);

/// The comment of the database, and how many things are in its schemas.
const STATE: &str = "
    SELECT shobj_description((SELECT oid FROM pg_database WHERE datname = current_database()), 'pg_database') AS mark,
        (SELECT count(*) FROM pg_class WHERE relnamespace IN (
            SELECT oid FROM pg_namespace WHERE nspname IN ('public', 'keys'))) AS things,
        current_setting('server_version_num')::bigint / 10000 AS server";

/// Takes away what an unfinished restore has left.
const WIPE: &str = "
    DROP SCHEMA IF EXISTS keys CASCADE;
    DROP SCHEMA IF EXISTS public CASCADE;
    CREATE SCHEMA public;
    ALTER SCHEMA public OWNER TO pg_database_owner;
    GRANT USAGE ON SCHEMA public TO PUBLIC";

/// Row security binds the owner too, and triggers would change keys on their way in.
const OPEN_KEYS: &str = "
    ALTER TABLE keys.data_keys NO FORCE ROW LEVEL SECURITY;
    ALTER TABLE keys.erased NO FORCE ROW LEVEL SECURITY;
    ALTER TABLE keys.data_keys DISABLE TRIGGER USER";

const CLOSE_KEYS: &str = "
    ALTER TABLE keys.data_keys ENABLE TRIGGER USER;
    ALTER TABLE keys.erased FORCE ROW LEVEL SECURITY;
    ALTER TABLE keys.data_keys FORCE ROW LEVEL SECURITY";

/// The tables that are settled, for the owner and within the transaction alone.
const TABLES: [&str; 10] = [
    "sessions",
    "one_time_tokens",
    "invitations",
    "outbox",
    "preferences",
    "deletion_requests",
    "users",
    "keys.data_keys",
    "keys.erased",
    "files",
];

/// What lets somebody in, or is to be sent: it may have been used, revoked or sent since. Whoever is in
/// the ledger and not erased has a request that is due; every other one waits until its owner could say
/// again that it was taken back. Nobody is taken to agree to be named who may have withdrawn that; a
/// trigger takes their names out of every month.
const SETTLE: &str = "
    WITH back AS (SELECT e.user_id, e.erased_at AS at FROM keys.erased e JOIN users u ON u.id = e.user_id WHERE u.erased_at IS NULL),
    sessions_ended AS (UPDATE sessions SET revoked_at = $1 WHERE revoked_at IS NULL RETURNING 1),
    tokens_ended AS (UPDATE one_time_tokens SET used_at = $1 WHERE used_at IS NULL RETURNING 1),
    invitations_ended AS (
        UPDATE invitations SET expires_at = $1 WHERE accepted_at IS NULL AND expires_at > $1 RETURNING 1),
    letters_ended AS (
        UPDATE outbox o SET given_up = true WHERE o.sent_at IS NULL AND NOT o.given_up
            AND (o.letter IN ('VERIFY_EMAIL', 'INVITATION', 'PRACTITIONER_INVITATION', 'PASSWORD_RESET', 'CONFIRM_EMAIL')
                 OR o.arguments IS NOT NULL AND NOT EXISTS (
                    SELECT FROM keys.data_keys k WHERE k.kind = 'LETTER' AND k.subject_id = o.id))
        RETURNING 1),
    consents_ended AS (
        UPDATE preferences SET share_usage_with_employer = false, sharing_since = NULL, updated_at = $1
        WHERE share_usage_with_employer RETURNING 1),
    due AS (
        UPDATE deletion_requests r
        SET deletion_date = least(r.deletion_date, b.at),
            created_at = least(r.created_at, least(r.deletion_date, b.at) - interval '31 days')
        FROM back b WHERE r.user_id = b.user_id AND r.status = 'PENDING' RETURNING 1),
    asked AS (
        INSERT INTO deletion_requests (id, user_id, status, created_at, deletion_date)
        SELECT gen_random_uuid(), b.user_id, 'PENDING', b.at - interval '31 days', b.at FROM back b
        WHERE NOT EXISTS (SELECT FROM deletion_requests r WHERE r.user_id = b.user_id AND r.status = 'PENDING')
        RETURNING 1),
    put_off AS (
        UPDATE deletion_requests r SET deletion_date = $2
        WHERE r.status = 'PENDING' AND r.deletion_date < $2 AND r.user_id NOT IN (SELECT b.user_id FROM back b)
        RETURNING 1)
    SELECT (SELECT count(*) FROM sessions_ended) AS sessions,
        (SELECT count(*) FROM tokens_ended) + (SELECT count(*) FROM invitations_ended) AS tokens,
        (SELECT count(*) FROM letters_ended) AS letters,
        (SELECT count(*) FROM consents_ended) AS consents,
        (SELECT count(*) FROM due) + (SELECT count(*) FROM asked) AS erased,
        (SELECT count(*) FROM put_off) AS put_off";

/// What was settled: how many of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct Settled {
    /// Sessions that were ended.
    #[diesel(sql_type = BigInt)]
    pub sessions: i64,
    /// Mailed tokens and invitations that are void.
    #[diesel(sql_type = BigInt)]
    pub tokens: i64,
    /// Letters that are not sent any more, since they are about such tokens or cannot be read.
    #[diesel(sql_type = BigInt)]
    pub letters: i64,
    /// People who had agreed to be named to their employer, and have to do so again.
    #[diesel(sql_type = BigInt)]
    pub consents: i64,
    /// People who had been erased and are to be erased again.
    #[diesel(sql_type = BigInt)]
    pub erased: i64,
    /// Requests to be erased that were put off.
    #[diesel(sql_type = BigInt)]
    pub put_off: i64,
}

/// What is known of a database before anything is done to it.
#[derive(QueryableByName)]
pub(super) struct State {
    #[diesel(sql_type = Nullable<Text>)]
    mark: Option<String>,
    #[diesel(sql_type = BigInt)]
    things: i64,
    #[diesel(sql_type = BigInt)]
    server: i64,
}

impl State {
    pub(super) fn of(connection: &mut PgConnection) -> Result<Self, MigrateError> {
        sql_query(STATE).get_result(connection).map_err(failed)
    }

    /// How to finish the restore that is not finished.
    fn unfinished(&self) -> Option<&str> {
        self.mark.as_deref()?.strip_prefix(MARK)
    }

    /// Refuses a database that a restore has not finished: half of it may be missing.
    pub(super) fn refuse_unfinished(&self) -> Result<(), MigrateError> {
        match self.unfinished() {
            Some(again) => Err(MigrateError::Unrestored(again.to_owned())),
            None => Ok(()),
        }
    }

    fn refuse_full(&self) -> Result<(), MigrateError> {
        if self.unfinished().is_none() && self.things > 0 { Err(MigrateError::NotEmpty) } else { Ok(()) }
    }
}

/// Refuses a database that a restore has not finished, under the program's own role.
///
/// # Errors
/// `Unrestored`; `Failed` when the database cannot be asked.
pub fn refuse_unfinished_restore(store: &PgStore) -> Result<(), MigrateError> {
    let mut tx = store.begin_with("BEGIN").map_err(failed)?;
    let state = tx.run(|connection| sql_query(STATE).get_result::<State>(connection)).map_err(failed)?;
    state.refuse_unfinished()
}

/// Makes sure that a backup can be restored into this database, and answers the major version of its
/// server. What an unfinished restore has left does not count.
///
/// # Errors
/// `Unreachable`; `NotEmpty`.
pub fn check_restorable(owner_url: &str) -> Result<u32, MigrateError> {
    let state = State::of(&mut connect(owner_url)?)?;
    state.refuse_full()?;
    u32::try_from(state.server).map_err(failed)
}

/// Marks an empty database as one that is being restored, or takes away what an unfinished restore has
/// left there. `again` is what to run to finish it. Nobody else restores into it while the answer lives, and
/// no node serves it: one that starts later sees the mark, and one that runs already is connected.
///
/// # Errors
/// `Unreachable`; `NotEmpty`; `Restoring`; `Served`; `Failed` when this role does not own the database.
pub fn begin_restore(owner_url: &str, again: &str) -> Result<RestoreLock, MigrateError> {
    let mut connection = connect(owner_url)?;
    let alone = "SELECT pg_try_advisory_lock(hashtextextended('huntzen:restore', 0))::text AS text";
    let super::Statement { text } = sql_query(alone).get_result(&mut connection).map_err(failed)?;
    if text != "true" {
        return Err(MigrateError::Restoring);
    }
    let state = State::of(&mut connection)?;
    state.refuse_full()?;
    comment(&mut connection, Some(&format!("{MARK}{again}")))?;
    if let Err(served) = refuse_served(&mut connection) {
        // Nothing was changed: it is as it was found.
        comment(&mut connection, state.mark.as_deref())?;
        return Err(served);
    }
    connection
        .transaction::<_, diesel::result::Error, _>(|connection| {
            connection.batch_execute(WIPE)?;
            // Functions are handed over to their owner only where that one may have them.
            connection.batch_execute("GRANT CREATE ON SCHEMA public TO huntzen_internal")
        })
        .map_err(failed)?;
    Ok(RestoreLock { _connection: connection })
}

/// Refuses a database that the program's role is connected to. One that was killed, a restore above all, may
/// be so for a moment longer.
fn refuse_served(connection: &mut PgConnection) -> Result<(), MigrateError> {
    let query = "SELECT EXISTS (SELECT FROM pg_stat_activity
                 WHERE datname = current_database() AND usename = 'huntzen_app')::text AS text";
    let asked = Instant::now();
    loop {
        let super::Statement { text } = sql_query(query).get_result(connection).map_err(failed)?;
        if text != "true" {
            return Ok(());
        }
        if asked.elapsed() >= PARTING {
            return Err(MigrateError::Served);
        }
        sleep(PAUSE);
    }
}

/// Keeps others from restoring into the same database.
pub struct RestoreLock {
    _connection: PgConnection,
}

/// Takes back what [`begin_restore`] allowed, once the dump is in.
///
/// # Errors
/// `Unreachable`, or `Failed`.
pub fn close_schema(owner_url: &str) -> Result<(), MigrateError> {
    connect(owner_url)?.batch_execute("REVOKE CREATE ON SCHEMA public FROM huntzen_internal").map_err(failed)
}

/// Takes the mark away: the database may be served.
///
/// # Errors
/// `Unreachable`, or `Failed`.
pub fn finish_restore(owner_url: &str) -> Result<(), MigrateError> {
    comment(&mut connect(owner_url)?, None)
}

/// COMMENT takes no parameters: the server itself quotes the text into the statement.
fn comment(connection: &mut PgConnection, text: Option<&str>) -> Result<(), MigrateError> {
    let query = "SELECT format('COMMENT ON DATABASE %I IS %L', current_database(), $1) AS text";
    let statement = sql_query(query).bind::<Nullable<Text>, _>(text);
    let super::Statement { text } = statement.get_result(connection).map_err(failed)?;
    connection.batch_execute(&text).map_err(failed)
}

/// Whether this release knows a version of the schema.
///
/// # Errors
/// `Failed` when its own migrations cannot be read.
pub fn knows(schema: &str) -> Result<bool, MigrateError> {
    let migrations: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations().map_err(failed)?;
    Ok(migrations.iter().any(|migration| migration.name().version().to_string() == schema))
}

/// Lets the owner put keys in as they are, while `load` does.
///
/// # Errors
/// `Unreachable` and `Failed`; those of `load`.
pub fn with_open_keys<E: From<MigrateError>>(owner_url: &str, load: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
    let mut connection = connect(owner_url)?;
    connection.batch_execute(OPEN_KEYS).map_err(failed)?;
    load()?;
    connection.batch_execute(CLOSE_KEYS).map_err(failed)?;
    Ok(())
}

/// Adds those who were erased after the backup of the keys to its ledger, while that is open
/// ([`with_open_keys`]). Who stands there already stays as they do.
///
/// # Errors
/// `Unreachable`, or `Failed` when this role does not own the schema.
pub fn add_erased(owner_url: &str, erased: &[(UserId, Erased)]) -> Result<usize, MigrateError> {
    let each = |of: fn(&(UserId, Erased)) -> Uuid| erased.iter().map(of).collect::<Vec<_>>();
    let statement = "INSERT INTO keys.erased (user_id, erased_at, certificate_id, keys_gone_on)
                     SELECT DISTINCT ON (u) u, a, c, g FROM unnest($1, $2, $3, $4) AS n (u, a, c, g) ORDER BY u, a
                     ON CONFLICT (user_id) DO NOTHING";
    sql_query(statement)
        .bind::<Array<SqlUuid>, _>(each(|(user, _)| user.0))
        .bind::<Array<Timestamptz>, _>(erased.iter().map(|(_, erased)| erased.at.to_diesel()).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(each(|(_, erased)| erased.certificate))
        .bind::<Array<SqlDate>, _>(erased.iter().map(|(_, erased)| erased.keys_gone_on.to_diesel()).collect::<Vec<_>>())
        .execute(&mut connect(owner_url)?)
        .map_err(failed)
}

/// Settles what a backup brings back and must not, at `at`, in one transaction; requests to be erased
/// are put off to `until` at least. Again settles what is left.
///
/// # Errors
/// `Unreachable`, or `Failed` when this role does not own the schema.
pub fn settle_restored(owner_url: &str, at: Timestamp, until: Timestamp) -> Result<Settled, MigrateError> {
    as_owner_of_all(owner_url, |connection| {
        sql_query(SETTLE)
            .bind::<Timestamptz, _>(at.to_diesel())
            .bind::<Timestamptz, _>(until.to_diesel())
            .get_result(connection)
    })
}

#[derive(QueryableByName)]
struct Object {
    #[diesel(sql_type = SqlUuid)]
    object: Uuid,
}

/// The objects that files of this database refer to.
///
/// # Errors
/// As for [`settle_restored`].
pub fn objects_of_files(owner_url: &str) -> Result<Vec<Uuid>, MigrateError> {
    let query = "SELECT object FROM files ORDER BY object";
    let objects = as_owner_of_all(owner_url, |connection| sql_query(query).load::<Object>(connection))?;
    Ok(objects.into_iter().map(|Object { object }| object).collect())
}

/// How many people are in the ledger of erasures and not erased.
///
/// # Errors
/// As for [`settle_restored`].
pub fn not_erased_again(owner_url: &str) -> Result<i64, MigrateError> {
    #[derive(QueryableByName)]
    struct Number {
        #[diesel(sql_type = BigInt)]
        people: i64,
    }
    let query = "SELECT count(*) AS people FROM keys.erased e JOIN users u ON u.id = e.user_id
                 WHERE u.erased_at IS NULL";
    as_owner_of_all(owner_url, |connection| sql_query(query).get_result::<Number>(connection))
        .map(|Number { people }| people)
}

/// Works past row security, which binds the owner too but for this transaction.
fn as_owner_of_all<T>(
    owner_url: &str,
    work: impl FnOnce(&mut PgConnection) -> QueryResult<T>,
) -> Result<T, MigrateError> {
    let mut connection = connect(owner_url)?;
    connection.batch_execute(ALONE).map_err(failed)?;
    let each = |what: &str| TABLES.map(|table| format!("ALTER TABLE {table} {what} ROW LEVEL SECURITY")).join("; ");
    connection
        .transaction::<_, diesel::result::Error, _>(|connection| {
            connection.batch_execute(&each("NO FORCE"))?;
            let done = work(connection)?;
            // What a constraint puts off to the end must be checked before.
            connection.batch_execute("SET CONSTRAINTS ALL IMMEDIATE")?;
            connection.batch_execute(&each("FORCE"))?;
            Ok(done)
        })
        .map_err(failed)
}
