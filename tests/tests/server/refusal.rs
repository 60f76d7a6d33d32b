//! Circumstances under which the server must not start, and says why.
use std::{
    io::{Read, Write},
    net::TcpListener,
    process::Output,
    sync::mpsc,
    thread,
};

use diesel::{Connection, PgConnection, connection::SimpleConnection};
use huntzen_adapter_diesel::migrate;
use huntzen_app::embedded::{Embedded, OWNER, Purpose};
use huntzen_tests::{
    server::DataFolder,
    world::{RING, vault},
};

pub const SECRETS: [(&str, &str); 5] = [
    ("HUNTZEN__AUDIT__SIGNING_KEY", "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f1"),
    ("ENCRYPTION_KEYS", "1:0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"),
    ("JWT_SECRET", "a-secret-that-only-this-test-knows-0001"),
    ("JWT_REFRESH_SECRET", "a-secret-that-only-this-test-knows-0002"),
    ("JITSI_SECRET", "a-secret-that-only-this-test-knows-0003"),
];

/// A folder whose program takes itself for one that holds real people's data.
pub fn production(secrets: &[(&str, &str)]) -> DataFolder {
    let settings = [
        ("HUNTZEN_ENV", "production"),
        ("PORT", "0"),
        ("SMTP_HOST", "127.0.0.1"),
        ("HUNTZEN__TELEMETRY__PROMETHEUS", "off"),
        // How full the disk of the tests is says nothing of the program.
        ("HUNTZEN__HEALTH__DISK_PERCENT", "off"),
    ];
    let all = settings.iter().chain(secrets);
    all.fold(DataFolder::new(), |folder, (name, value)| folder.with(name, *value))
}

/// What it said when it refused.
fn refused(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "it was not refused: {said}");
    said
}

#[test]
fn production_serves_under_the_role_that_row_security_binds_and_under_no_other() {
    let server = DataFolder::new();
    let cluster = Embedded::start(server.path(), Purpose::Command).unwrap();
    migrate::ensure_roles(&cluster.url(OWNER), "unused over a socket").unwrap();
    migrate::run(&cluster.url(OWNER), vault(RING).as_ref()).unwrap();
    let mut owner = PgConnection::establish(&cluster.url(OWNER)).unwrap();
    owner
        .batch_execute(
            "CREATE ROLE passing LOGIN BYPASSRLS; CREATE ROLE joining LOGIN; GRANT huntzen_internal TO joining; \
             GRANT SELECT ON ALL TABLES IN SCHEMA public TO passing, joining",
        )
        .unwrap();
    for (role, reason) in [(OWNER, "superuser"), ("passing", "BYPASSRLS"), ("joining", "member of huntzen_internal")] {
        let folder = production(&SECRETS).with("DATABASE_URL", cluster.url(role));
        let said = refused(&folder.run(&["serve"]));
        assert!(said.contains(reason), "{role}: {said}");
    }
    let folder = production(&SECRETS).with("DATABASE_URL", cluster.url("huntzen_app"));
    let said = refused(&folder.run(&["audit", "prune", "--before", "2027-01-01"]));
    assert!(said.contains("DATABASE_OWNER_URL"), "{said}");
    let server = folder.serve();
    assert_eq!(server.client().send("GET", "/health", None).unwrap().status, 200);
}

#[test]
fn production_without_secrets_names_every_one_that_is_missing() {
    let said = refused(&production(&[]).run(&["serve"]));
    for (name, _) in SECRETS {
        assert!(said.contains(name), "{name} is not named: {said}");
    }
}

#[test]
fn a_taken_port_is_named() {
    let other = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    let folder = DataFolder::new().with("PORT", port.clone());
    let said = refused(&folder.run(&["serve"]));
    assert!(said.contains(&port) && said.contains("taken"), "{said}");
}

/// `sslmode=require` means TLS or nothing, whichever libpq the program has: the one that is compiled in knows
/// no TLS and refuses before it connects; the system's asks, and goes away when the server has none.
#[test]
fn a_database_without_tls_is_refused_where_tls_is_required() {
    /// Length and code of an `SSLRequest` (PostgreSQL's protocol, "Message Formats").
    const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
    let server = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = server.local_addr().unwrap().port();
    let (heard, in_clear) = mpsc::channel();
    thread::spawn(move || {
        for client in server.incoming() {
            let mut client = client.unwrap();
            let mut request = [0; 8];
            let asked = client.read_exact(&mut request).is_ok() && request == SSL_REQUEST;
            let mut rest = Vec::new();
            if asked && client.write_all(b"N").is_ok() {
                let _ = client.read_to_end(&mut rest);
            }
            let _ = heard.send(!asked || !rest.is_empty());
        }
    });
    let url = format!("postgres://huntzen_app:secret@127.0.0.1:{port}/huntzen?sslmode=require");
    for command in ["serve", "migrate"] {
        let folder = production(&SECRETS).with("DATABASE_URL", url.clone()).with("DATABASE_OWNER_URL", url.clone());
        let said = refused(&folder.run(&[command]));
        assert!(said.contains("SSL") && !said.contains("secret"), "{command}: {said}");
    }
    assert!(!in_clear.try_iter().any(|in_clear| in_clear), "something was said in clear");
}
