//! The PostgreSQL server of the tests: one private cluster a process, one database a test.
use std::{
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use diesel::{Connection, PgConnection, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::Text};
use huntzen_adapter_diesel::migrate;
use huntzen_app::embedded::{Embedded, EmbeddedError, OWNER, Purpose};

use crate::world::{RING, vault};

const TEMPLATE: &str = "huntzen_template";
const APPLICATION: &str = "huntzen_app";

static CLUSTER: OnceLock<Embedded> = OnceLock::new();
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// Starts the cluster on first use and migrates the template that every database is cloned from.
/// The cluster ends with the process. It lies in the folder that `HUNTZEN_TEST_FOLDER` names, else beside what was
/// built.
pub fn cluster() -> &'static Embedded {
    CLUSTER.get_or_init(|| {
        let named = std::env::var_os("HUNTZEN_TEST_FOLDER").map(PathBuf::from);
        let folder = named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-data"));
        let cluster = started(&folder);
        let maintenance = cluster.url_of(OWNER, "postgres");
        let mut connection = PgConnection::establish(&maintenance).unwrap();
        drop_left_overs(&mut connection);
        connection.batch_execute(&format!("CREATE DATABASE {TEMPLATE}")).unwrap();
        let template = cluster.url_of(OWNER, TEMPLATE);
        migrate::ensure_roles(&template, "test").unwrap();
        migrate::run(&template, vault(RING).as_ref()).unwrap();
        cluster
    })
}

/// Starts the cluster once no other program of tests has it: each waits for the one before it.
fn started(folder: &Path) -> Embedded {
    let is_busy = |start: &Result<Embedded, EmbeddedError>| matches!(start, Err(EmbeddedError::Busy { .. }));
    let mut starts = (0..10).map(|_| Embedded::start(folder, Purpose::Command)).skip_while(is_busy);
    starts.next().unwrap_or_else(|| Embedded::start(folder, Purpose::Command)).unwrap()
}

#[derive(diesel::QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

fn drop_left_overs(connection: &mut PgConnection) {
    let left = sql_query("SELECT datname::text AS name FROM pg_database WHERE datname ~ '^(t_|huntzen_template)'")
        .load::<Name>(connection)
        .unwrap();
    for Name { name } in left {
        connection.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).unwrap();
    }
}

/// A database of its own for one test, dropped with it.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
}

impl TestDatabase {
    /// Clones the migrated template.
    pub fn cloned() -> Self {
        let cluster = cluster();
        let name = format!("t_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::establish(&cluster.url_of(OWNER, "postgres")).unwrap();
        connection.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}")).unwrap();
        Self { name }
    }

    /// An empty one, not migrated.
    pub fn empty() -> Self {
        let cluster = cluster();
        let name = format!("t_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::establish(&cluster.url_of(OWNER, "postgres")).unwrap();
        connection.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        Self { name }
    }

    /// The URL for the role that the program works under.
    pub fn url(&self) -> String {
        self.url_of(APPLICATION)
    }

    /// The URL for the owner of the schema.
    pub fn owner_url(&self) -> String {
        self.url_of(OWNER)
    }

    /// The URL for any role of the cluster.
    pub fn url_of(&self, role: &str) -> String {
        cluster().url_of(role, &self.name)
    }

    /// A connection of the owner, who passes row security.
    pub fn owner(&self) -> PgConnection {
        PgConnection::establish(&self.owner_url()).unwrap()
    }

    /// A connection of the program's role, without a scope.
    pub fn application(&self) -> PgConnection {
        PgConnection::establish(&self.url()).unwrap()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Ok(mut connection) = PgConnection::establish(&cluster().url_of(OWNER, "postgres")) {
            // The next run drops what is left.
            let _ = connection.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}
