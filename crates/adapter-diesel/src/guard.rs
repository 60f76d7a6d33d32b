//! Refuses to work under a role that row security would not bind.
use diesel::{prelude::*, sql_query, sql_types::Text};
use huntzen_tenancy::StoreError;

use crate::store::PgStore;

/// Everything that would let the present role past row security, worst first.
const FINDINGS: &str = "
WITH ours AS (SELECT oid FROM pg_namespace WHERE nspname IN ('public', 'keys'))
SELECT kind, name FROM (
    SELECT 1 AS rank, 'superuser' AS kind, rolname::text AS name FROM pg_roles
    WHERE rolname IN (current_user, session_user) AND rolsuper
    UNION ALL
    SELECT 2, 'bypasses', rolname::text FROM pg_roles
    WHERE rolname IN (current_user, session_user) AND rolbypassrls
    UNION ALL
    SELECT 3, 'creates_roles', rolname::text FROM pg_roles
    WHERE rolname IN (current_user, session_user) AND rolcreaterole
    UNION ALL
    SELECT 4, 'owns', c.oid::regclass::text FROM pg_class c JOIN pg_roles o ON o.oid = c.relowner
    WHERE c.relnamespace IN (SELECT oid FROM ours) AND c.relkind IN ('r', 'p')
        AND o.rolname IN (current_user, session_user)
    UNION ALL
    SELECT 5, 'member', r.rolname::text FROM pg_roles r
    WHERE r.rolname NOT IN (current_user, session_user)
        AND (r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolname = 'huntzen_internal'
             OR r.oid IN (SELECT relowner FROM pg_class
                          WHERE relnamespace IN (SELECT oid FROM ours) AND relkind IN ('r', 'p')))
        AND (pg_has_role(current_user, r.oid, 'MEMBER') OR pg_has_role(session_user, r.oid, 'MEMBER'))
    UNION ALL
    SELECT 6, 'defines', nspname::text FROM pg_namespace
    WHERE oid IN (SELECT oid FROM ours) AND has_schema_privilege(oid, 'CREATE')
    UNION ALL
    SELECT 7, 'not_migrated', '' WHERE to_regclass('public.company_activity_daily') IS NULL
    UNION ALL
    SELECT 8, 'unprotected', c.oid::regclass::text FROM pg_class c
    WHERE c.relnamespace IN (SELECT oid FROM ours) AND c.relkind IN ('r', 'p')
        AND c.relname <> '__diesel_schema_migrations' AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
    UNION ALL
    SELECT 9, 'rewrites', c.oid::regclass::text FROM pg_class c
    WHERE c.oid IN (to_regclass('public.audit_entries')::oid, to_regclass('public.audit_links')::oid)
        AND has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE')
) found ORDER BY rank, name LIMIT 1";

/// Why the program must not work under this role.
#[derive(Debug, thiserror::Error)]
pub enum BypassError {
    /// Superusers pass row security.
    #[error("the role {0} is a superuser, whom row security does not bind; connect as huntzen_app")]
    Superuser(String),
    /// So does BYPASSRLS.
    #[error("the role {0} has BYPASSRLS, so that row security does not bind it; connect as huntzen_app")]
    Bypasses(String),
    /// CREATEROLE can make itself a member of other roles.
    #[error("the role {0} has CREATEROLE and could become any other; run: ALTER ROLE \"{0}\" NOCREATEROLE")]
    CreatesRoles(String),
    /// An owner can switch row security off.
    #[error("the role owns the table {0} and could switch its row security off; connect as huntzen_app")]
    Owns(String),
    /// A member can act as the role.
    #[error("the role is a member of {0}, through which it could pass row security; run: REVOKE \"{0}\" FROM it")]
    Member(String),
    /// The program changes no schema.
    #[error("the role may create things in the schema {0}; run: REVOKE CREATE ON SCHEMA {0} FROM PUBLIC and from it")]
    Defines(String),
    /// There is nothing to work with yet.
    #[error("the database is not migrated; run: huntzen migrate")]
    NotMigrated,
    /// A table is not protected.
    #[error(
        "the table {0} has no forced row security; run: ALTER TABLE {0} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
    )]
    Unprotected(String),
    /// The audit trail could be rewritten.
    #[error("the role may change {0}; run: REVOKE UPDATE, DELETE, TRUNCATE ON {0} FROM it")]
    Rewrites(String),
    /// The question could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(QueryableByName)]
struct Finding {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    name: String,
}

/// Passes when row security binds the role that `store` works under, in every table.
///
/// # Errors
/// What would let the role past it, the worst alone; or `Store` when the server cannot be asked.
pub fn refuse_bypassing_role(store: &PgStore) -> Result<(), BypassError> {
    let mut tx = store.begin_with("BEGIN")?;
    let finding = tx.run(|connection| sql_query(FINDINGS).get_result::<Finding>(connection).optional())?;
    let Some(Finding { kind, name }) = finding else { return Ok(()) };
    Err(match kind.as_str() {
        "superuser" => BypassError::Superuser(name),
        "bypasses" => BypassError::Bypasses(name),
        "creates_roles" => BypassError::CreatesRoles(name),
        "owns" => BypassError::Owns(name),
        "member" => BypassError::Member(name),
        "defines" => BypassError::Defines(name),
        "not_migrated" => BypassError::NotMigrated,
        "unprotected" => BypassError::Unprotected(name),
        _ => BypassError::Rewrites(name),
    })
}
