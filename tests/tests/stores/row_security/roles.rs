//! The role that the program works under: what it may not do, and which roles are refused in its
//! place.
use diesel::{Connection, PgConnection, RunQueryDsl, connection::SimpleConnection, sql_query};
use huntzen_adapter_diesel::{BypassError, PgStore, guard::refuse_bypassing_role};

use super::{count, scene::Scene, texts};

#[test]
fn the_audit_trail_is_append_only_for_everybody() {
    let scene = Scene::new();
    let mut owner = scene.owner();
    for privilege in ["UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"] {
        for role in ["huntzen_app", "huntzen_internal", "public"] {
            let held = format!(
                "SELECT count(*) AS count FROM information_schema.table_privileges
                 WHERE table_name = 'audit_entries' AND grantee ILIKE '{role}' AND privilege_type = '{privilege}'"
            );
            assert_eq!(count(&mut owner, &held), 0, "{role} may {privilege}");
        }
        if privilege != "REFERENCES" {
            let effective = format!(
                "SELECT has_table_privilege('huntzen_app', 'audit_entries', '{privilege}')::integer::bigint AS count"
            );
            assert_eq!(count(&mut owner, &effective), 0, "{privilege}");
        }
    }
    let before = count(&mut owner, "SELECT count(*) AS count FROM audit_entries");
    assert!(before > 0);
    for statement in [
        "UPDATE audit_entries SET outcome = 'REFUSED'",
        "DELETE FROM audit_entries",
        "DELETE FROM audit_entries WHERE false",
        "TRUNCATE audit_entries",
    ] {
        let refused = sql_query(statement).execute(&mut owner).unwrap_err().to_string();
        assert_eq!(refused, "the audit trail is append-only", "{statement}");
    }
    assert_eq!(count(&mut owner, "SELECT count(*) AS count FROM audit_entries"), before);
}

#[test]
fn the_programs_role_owns_nothing_and_is_nothing_more() {
    let scene = Scene::new();
    let mut owner = scene.owner();
    let attributes = "
        SELECT format('%s login=%s super=%s bypass=%s createrole=%s createdb=%s replication=%s', rolname, rolcanlogin,
                      rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication) AS text
        FROM pg_roles WHERE rolname IN ('huntzen_app', 'huntzen_internal') ORDER BY rolname";
    assert_eq!(
        texts(&mut owner, attributes),
        [
            "huntzen_app login=t super=f bypass=f createrole=f createdb=f replication=f",
            "huntzen_internal login=f super=f bypass=f createrole=f createdb=f replication=f",
        ]
    );
    let possessions = "
        SELECT count(*) AS count FROM pg_roles r
        WHERE r.rolname = 'huntzen_app' AND (
            EXISTS (SELECT FROM pg_class WHERE relowner = r.oid) OR EXISTS (SELECT FROM pg_proc WHERE proowner = r.oid)
            OR EXISTS (SELECT FROM pg_namespace WHERE nspowner = r.oid)
            OR EXISTS (SELECT FROM pg_type WHERE typowner = r.oid)
            OR EXISTS (SELECT FROM pg_database WHERE datdba = r.oid))";
    assert_eq!(count(&mut owner, possessions), 0);
    let memberships = "SELECT m.roleid::regrole::text AS text FROM pg_auth_members m
                       WHERE m.member IN ('huntzen_app'::regrole, 'huntzen_internal'::regrole)";
    assert_eq!(texts(&mut owner, memberships), Vec::<String>::new());
    let tables_of_internal = "SELECT relname::text AS text FROM pg_class WHERE relowner = 'huntzen_internal'::regrole";
    assert_eq!(texts(&mut owner, tables_of_internal), Vec::<String>::new());
    let mut application = scene.world.database.as_ref().unwrap().application();
    for statement in [
        "CREATE TABLE mine (id uuid)",
        "CREATE FUNCTION mine() RETURNS integer LANGUAGE sql RETURN 1",
        "CREATE SCHEMA mine",
        "ALTER TABLE users NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE users DISABLE ROW LEVEL SECURITY",
        "DROP POLICY users_self ON users",
        "CREATE POLICY mine ON users USING (true)",
        "ALTER TABLE audit_entries DISABLE TRIGGER audit_entries_append_only",
        "SET ROLE huntzen_internal",
        "SET ROLE huntzen_owner",
        "SET session_replication_role = 'replica'",
    ] {
        let refused = sql_query(statement).execute(&mut application).unwrap_err().to_string();
        assert!(refused.contains("denied") || refused.contains("must be owner"), "{statement}: {refused}");
    }
    // Asking for no row security is an error, not a way past it.
    application.batch_execute("SET row_security = off").unwrap();
    let refused = sql_query("SELECT id FROM users").execute(&mut application).unwrap_err().to_string();
    assert!(refused.contains("would be affected by row-level security"), "{refused}");
}

#[test]
fn functions_that_see_more_are_the_internal_roles_and_hold_their_path() {
    let scene = Scene::new();
    let mut owner = scene.owner();
    let loose = "
        SELECT oid::regprocedure::text AS text FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND prosecdef
            AND (proowner <> 'huntzen_internal'::regrole
                 OR NOT 'search_path=pg_catalog, public' = ANY (coalesce(proconfig, '{}'))
                 OR EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee = 0))";
    assert_eq!(texts(&mut owner, loose), Vec::<String>::new());
    let all = "SELECT count(*) AS count FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef";
    assert!(count(&mut owner, all) > 10);
}

/// Roles that would pass row security one way or another, and the one that does not.
#[test]
fn only_a_role_that_row_security_binds_is_accepted() {
    let scene = Scene::new();
    let database = scene.world.database.as_ref().unwrap();
    let mut owner = scene.owner();
    let refusal = |role: &str| refuse_bypassing_role(&PgStore::connect(&database.url_of(role), 1).unwrap()).err();
    assert!(refusal("huntzen_app").is_none());
    assert!(matches!(refusal("huntzen_owner"), Some(BypassError::Superuser(_))));
    let roles = [
        ("t_plain", "", ""),
        ("t_super", "SUPERUSER", ""),
        ("t_bypass", "BYPASSRLS", ""),
        ("t_creator", "CREATEROLE", ""),
        ("t_of_super", "", "t_super"),
        ("t_of_bypass", "", "t_bypass"),
        ("t_of_member", "", "t_of_bypass"),
        ("t_of_internal", "", "huntzen_internal"),
    ];
    // A run that was stopped may have left some.
    for (role, ..) in roles.iter().rev() {
        owner.batch_execute(&format!("DROP ROLE IF EXISTS {role}")).unwrap();
    }
    for (role, attributes, member_of) in roles {
        owner.batch_execute(&format!("CREATE ROLE {role} LOGIN {attributes}")).unwrap();
        if !member_of.is_empty() {
            owner.batch_execute(&format!("GRANT {member_of} TO {role}")).unwrap();
        }
    }
    let refusals: Vec<_> =
        roles.iter().map(|(role, ..)| (*role, refusal(role).map(|refusal| refusal.to_string()))).collect();
    let mut plain = PgConnection::establish(&database.url_of("t_plain")).unwrap();
    assert_eq!(count(&mut plain, "SELECT count(*) AS count FROM pg_roles WHERE rolname = 't_plain'"), 1);
    drop(plain);
    for (role, ..) in roles.iter().rev() {
        owner.batch_execute(&format!("DROP ROLE {role}")).unwrap();
    }
    for (role, refusal) in refusals {
        assert_eq!(refusal.is_some(), role != "t_plain", "{role}: {refusal:?}");
    }
}

#[test]
fn an_owner_and_an_unprotected_table_are_refused() {
    let scene = Scene::new();
    let database = scene.world.database.as_ref().unwrap();
    let mut owner = scene.owner();
    let refusal = || refuse_bypassing_role(&PgStore::connect(&database.url(), 1).unwrap()).err();
    owner.batch_execute("ALTER TABLE reminders OWNER TO huntzen_app").unwrap();
    assert!(matches!(refusal(), Some(BypassError::Owns(table)) if table == "reminders"));
    owner.batch_execute("ALTER TABLE reminders OWNER TO huntzen_owner").unwrap();
    assert!(refusal().is_none());
    for (change, back) in [("NO FORCE", "FORCE"), ("DISABLE", "ENABLE")] {
        owner.batch_execute(&format!("ALTER TABLE reminders {change} ROW LEVEL SECURITY")).unwrap();
        assert!(matches!(refusal(), Some(BypassError::Unprotected(table)) if table == "reminders"), "{change}");
        owner.batch_execute(&format!("ALTER TABLE reminders {back} ROW LEVEL SECURITY")).unwrap();
    }
    owner.batch_execute("GRANT DELETE ON audit_entries TO huntzen_app").unwrap();
    assert!(matches!(refusal(), Some(BypassError::Rewrites(_))));
    owner.batch_execute("REVOKE DELETE ON audit_entries FROM huntzen_app").unwrap();
    owner.batch_execute("GRANT CREATE ON SCHEMA public TO huntzen_app").unwrap();
    assert!(matches!(refusal(), Some(BypassError::Defines(_))));
    owner.batch_execute("REVOKE CREATE ON SCHEMA public FROM huntzen_app").unwrap();
    assert!(refusal().is_none());
}
