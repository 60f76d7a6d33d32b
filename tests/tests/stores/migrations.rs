//! The schema goes up, down and up again, with data in it, and leaves nothing behind.
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query, sql_types::Text};
use huntzen_adapter_diesel::migrate;
use huntzen_tests::{
    appointments::{booked, carried_out},
    cast::Cast,
    cluster::TestDatabase,
    world::{RING, World, vault},
};

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

/// All that a migration could have made in the database, but for the list of migrations itself.
const MADE: &str = "
    WITH ours AS (SELECT oid FROM pg_namespace WHERE nspname IN ('public', 'keys'))
    SELECT format('%s %s', relkind, relname) AS name FROM pg_class
    WHERE relnamespace IN (SELECT oid FROM ours) AND relname NOT LIKE '__diesel_schema_migrations%'
    UNION ALL SELECT format('function %s', oid::regprocedure) FROM pg_proc
    WHERE pronamespace IN (SELECT oid FROM ours)
    UNION ALL SELECT format('type %s', typname) FROM pg_type
    WHERE typnamespace IN (SELECT oid FROM ours) AND typname NOT LIKE '%\\_\\_diesel_schema_migrations'
    UNION ALL SELECT format('extension %s', extname) FROM pg_extension WHERE extname <> 'plpgsql'
    UNION ALL SELECT format('policy %s', policyname) FROM pg_policies
    UNION ALL SELECT format('trigger %s', tgname) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT format('right of %s', rolname) FROM pg_roles, pg_namespace
    WHERE nspname IN ('public', 'keys') AND rolname IN ('huntzen_app', 'huntzen_internal')
        AND EXISTS (SELECT FROM aclexplode(nspacl) WHERE grantee = pg_roles.oid)
    ORDER BY 1";

fn made(connection: &mut PgConnection) -> Vec<String> {
    let names = sql_query(MADE).load::<Name>(connection).unwrap();
    names.into_iter().map(|Name { name }| name).collect()
}

/// Fills every kind of row that follows from people and a consultation.
fn use_it(world: &World) {
    let cast = Cast::new(world);
    let consultation = booked(world, &cast.employee, &cast.practitioner, "2027-01-05T14:00:00Z");
    let ended = carried_out(world, &cast.practitioner.0, consultation, "2027-01-05T14:00:00Z", "2027-01-05T14:45:00Z");
    assert_eq!(ended.duration_seconds, Some(2700));
}

#[test]
fn up_down_and_up_again_with_data() {
    let mut world = World::over_database(TestDatabase::empty(), |url| {
        migrate::ensure_roles(url, "test").unwrap();
        let applied = migrate::run(url, vault(RING).as_ref()).unwrap();
        assert_eq!(applied.len(), migrations_in_the_repository());
    });
    let owner_url = world.database.as_ref().unwrap().owner_url();
    let mut owner = world.database.as_ref().unwrap().owner();
    use_it(&world);
    let first = made(&mut owner);
    assert!(first.len() > 100, "{first:?}");
    let undone = migrate::revert_all(&owner_url).unwrap();
    assert_eq!(undone.len(), migrations_in_the_repository());
    assert_eq!(made(&mut owner), Vec::<String>::new());
    assert_eq!(migrate::pending(&owner_url).unwrap().len(), undone.len());
    let again = migrate::run(&owner_url, vault(RING).as_ref()).unwrap();
    assert_eq!(again.len(), undone.len());
    assert_eq!(made(&mut owner), first);
    // Whoever works with the schema asks for its types anew.
    world = World::over_database(world.database.take().unwrap(), |_| ());
    use_it(&world);
    assert_eq!(migrate::run(&owner_url, vault(RING).as_ref()).unwrap(), Vec::<String>::new());
}

fn migrations_in_the_repository() -> usize {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations");
    std::fs::read_dir(folder).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count()
}
