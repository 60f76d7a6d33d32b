//! Two servers over one database.
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use diesel::{Connection, PgConnection, RunQueryDsl, sql_query, sql_types::BigInt};
use huntzen_app::embedded::{Embedded, OWNER, Purpose};
use huntzen_tests::{client::Client, server::DataFolder};

use crate::crowd::{book, free_slots};

const BOOKINGS: usize = 24;
const EMPLOYEE: &str = "marc.dupont@techcorp.example";

#[test]
fn each_letter_leaves_once() {
    let database = DataFolder::new();
    let cluster = Embedded::start(database.path(), Purpose::Command).unwrap();
    let url = format!("postgresql:///huntzen?host={}&user={OWNER}", cluster.socket_folder().display());
    let node = || DataFolder::new().with("DATABASE_URL", url.clone());
    let (first, second) = (node(), node());
    let migrated = first.run(&["migrate"]);
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    first.seed();
    let mut owner = PgConnection::establish(&url).unwrap();
    // What the demonstration wrote is too old to be sent; it is out of the way before the start.
    sql_query("UPDATE outbox SET given_up = true").execute(&mut owner).unwrap();
    let servers = [first.serve(), second.serve()];

    let practitioner: Text =
        sql_query("SELECT id::text AS text FROM practitioners ORDER BY id LIMIT 1").get_result(&mut owner).unwrap();
    // A session of one node is known to the other.
    let token = servers[0].sign_in(EMPLOYEE);
    let mut clients = [&servers[0], &servers[1]].map(|server| server.client().with_token(token.clone()));
    let free = free_slots(&mut clients[0], &practitioner.text, 89);
    for (number, start) in free.iter().take(BOOKINGS).enumerate() {
        let client: &mut Client = &mut clients[number % 2];
        assert_eq!(book(client, &practitioner.text, start).unwrap().status, 201);
    }
    let started = Instant::now();
    let waiting = "SELECT count(*) AS found FROM outbox WHERE sent_at IS NULL AND NOT given_up";
    while sql_query(waiting).get_result::<Count>(&mut owner).unwrap().found > 0 {
        assert!(started.elapsed() < Duration::from_mins(1), "letters stay: {}", servers[0].log());
        sleep(Duration::from_millis(20));
    }
    let letters: Vec<_> =
        [&first, &second].into_iter().flat_map(|node| message_ids(&node.path().join("mail"))).collect();
    assert_eq!(letters.len(), 2 * BOOKINGS, "one for each participant");
    assert_eq!(letters.iter().collect::<BTreeSet<_>>().len(), letters.len(), "a letter left twice");
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    found: i64,
}

#[derive(diesel::QueryableByName)]
struct Text {
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

/// The `Message-ID` (RFC 5322) of each letter in a folder.
fn message_ids(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).into_iter().flatten();
    let letters = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    letters
        .map(|letter| {
            let line = letter.lines().find(|line| line.to_ascii_lowercase().starts_with("message-id:"));
            line.unwrap().to_owned()
        })
        .collect()
}
