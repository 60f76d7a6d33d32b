//! Row security, tried in raw SQL as the role that the program works under.
mod expectations;
mod leaks;
mod matrix;
mod policies;
mod roles;
mod scene;

use std::collections::BTreeSet;

use diesel::{
    PgConnection, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Text},
};

use self::scene::Scene;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// The texts that a query answers in its column `text`.
fn texts(connection: &mut PgConnection, query: &str) -> Vec<String> {
    sql_query(query).load::<Line>(connection).unwrap().into_iter().map(|Line { text }| text).collect()
}

/// The number that a query answers in its column `count`.
fn count(connection: &mut PgConnection, query: &str) -> i64 {
    sql_query(query).get_result::<Number>(connection).unwrap().count
}

/// Every table of both schemas, but for the list of migrations, which holds nobody's data.
const TABLES: &str = "
    SELECT oid::regclass::text AS text FROM pg_class
    WHERE relnamespace IN ('public'::regnamespace, 'keys'::regnamespace) AND relkind IN ('r', 'p') AND relname <> '__diesel_schema_migrations'";

#[test]
fn every_table_is_protected_from_its_owner_too() {
    let scene = Scene::new();
    let mut owner = scene.owner();
    let tables = texts(&mut owner, TABLES);
    assert!(tables.len() >= 20, "{tables:?}");
    let unprotected = texts(&mut owner, &format!("{TABLES} AND NOT (relrowsecurity AND relforcerowsecurity)"));
    assert_eq!(unprotected, Vec::<String>::new());
    let without_policy =
        texts(&mut owner, &format!("{TABLES} AND NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid)"));
    assert_eq!(without_policy, Vec::<String>::new());
    let for_everybody =
        texts(&mut owner, "SELECT policyname::text AS text FROM pg_policies WHERE 'public' = ANY (roles)");
    assert_eq!(for_everybody, Vec::<String>::new(), "a policy is for one of the two roles");
    let views = texts(
        &mut owner,
        "
        SELECT relname::text AS text FROM pg_class
        WHERE relnamespace IN ('public'::regnamespace, 'keys'::regnamespace) AND (relkind = 'm'
            OR relkind = 'v' AND NOT coalesce('security_invoker=true' = ANY (reloptions), false))",
    );
    assert_eq!(views, Vec::<String>::new(), "a view reads as its reader, and keeps nothing");
}

#[test]
fn every_table_is_tried_with_rows_in_it() {
    let scene = Scene::new();
    let mut owner = scene.owner();
    let tables: BTreeSet<String> = texts(&mut owner, TABLES).into_iter().collect();
    let tried: BTreeSet<String> = scene.subjects().iter().map(|subject| subject.table.to_owned()).collect();
    assert_eq!(tried, tables, "a new table needs rows in the scene and lines in the matrix");
    for subject in scene.subjects() {
        let rows =
            count(&mut owner, &format!("SELECT count(*) AS count FROM {} WHERE {}", subject.table, subject.rows));
        assert!(rows > 0, "the scene has no row for {}", subject.name);
    }
}

#[test]
fn without_a_scope_nothing_is_there() {
    let scene = Scene::new();
    let mut application = scene.world.database.as_ref().unwrap().application();
    // Of the others nothing is granted at all.
    let readable = format!("{TABLES} AND has_any_column_privilege('huntzen_app', oid, 'SELECT')");
    for table in texts(&mut scene.owner(), &readable) {
        assert_eq!(count(&mut application, &format!("SELECT count(*) AS count FROM {table}")), 0, "{table}");
    }
    for function in [
        format!("participant_names('{}')", scene.booked.id),
        format!("redacted_consultation('{}')", scene.booked.id),
        format!("redacted_consultation_events('{}')", scene.booked.id),
        format!("token_owner('\\x{}')", scene.refresh.to_hex()),
        "own_availability_exceptions()".to_owned(),
        "own_news_ids()".to_owned(),
        "own_news(10, 0)".to_owned(),
        format!("article_visit_salt('2027-01-05', '\\x{}')", "00".repeat(32)),
        "ended_sessions(ARRAY[gen_random_uuid()], now())".to_owned(),
        format!("hold_conversations(ARRAY['{}']::uuid[])", scene.booked.id),
        "file_key(gen_random_uuid())".to_owned(),
    ] {
        assert_eq!(count(&mut application, &format!("SELECT count(*) AS count FROM {function}")), 0, "{function}");
    }
}
