//! Two servers over one database, and over one Redis.
mod alone;
mod apart;
mod calls;
mod jobs;
mod limits;
mod meeting;
mod outage;
mod revocation;

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use diesel::{Connection, PgConnection, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::BigInt};
use huntzen_app::embedded::{Embedded, OWNER, Purpose};
use huntzen_tests::{
    client::Client,
    redis::RedisServer,
    server::{DataFolder, Server},
    websocket::WebSocket,
};

use crate::crowd::{Practitioner, book, employees_in, free_slots, practitioners_in, text};

const BOOKINGS: usize = 24;

/// Two data folders whose servers share a database and a Redis.
struct Nodes {
    cluster: Embedded,
    /// Goes after the cluster in it.
    _database: DataFolder,
    redis: RedisServer,
    folders: [DataFolder; 2],
}

impl Nodes {
    /// With these settings beside those that all have.
    fn with(settings: &[(&str, &str)]) -> Self {
        Self::over(RedisServer::start(), settings)
    }

    fn over(redis: RedisServer, settings: &[(&str, &str)]) -> Self {
        let database = DataFolder::seeded();
        let cluster = Embedded::start(database.path(), Purpose::Command).unwrap();
        let url = format!("postgresql:///huntzen?host={}&user={OWNER}", cluster.socket_folder().display());
        let folders = [(); 2].map(|()| {
            let folder = DataFolder::new().with("DATABASE_URL", url.clone()).with("REDIS_URL", redis.url());
            let folder = folder.with("HUNTZEN__CHAT__OPEN_HOURS_BEFORE", "2160");
            settings.iter().fold(folder, |folder, (name, value)| folder.with(name, *value))
        });
        Self { cluster, _database: database, redis, folders }
    }

    fn serve(&self) -> [Server<'_>; 2] {
        let [first, second] = &self.folders;
        [first.serve(), second.serve()]
    }

    fn owner(&self) -> PgConnection {
        PgConnection::establish(&self.cluster.url(OWNER)).unwrap()
    }

    fn employees(&self, server: &Server<'_>, count: usize) -> Vec<String> {
        employees_in(&mut self.owner(), server, count)
    }

    fn practitioners(&self, server: &Server<'_>, count: usize) -> Vec<Practitioner> {
        practitioners_in(&mut self.owner(), server, count)
    }

    /// An employee and a practitioner with a consultation.
    fn couple(&self, server: &Server<'_>) -> Couple {
        let employee = self.employees(server, 1).remove(0);
        let practitioner = self.practitioners(server, 1).remove(0);
        let consultation = booked(server, &employee, &practitioner, 0);
        Couple { employee, practitioner, consultation }
    }

    /// Has a consultation begin right now.
    fn begin(&self, consultation: &str) {
        let moved = format!(
            "UPDATE consultations SET scheduled_at = now(), ends_at = now() + interval '50 minutes' \
             WHERE id = '{consultation}'"
        );
        self.owner().batch_execute(&moved).unwrap();
    }

    /// Has every call ring since so many seconds earlier.
    fn has_rung(&self, seconds: i64) {
        let mut connection = self.redis.connection();
        let keys: Vec<String> = redis::cmd("KEYS").arg("*:calls:ringing").query(&mut connection).unwrap();
        for key in keys {
            let ids: Vec<String> = redis::cmd("ZRANGE").arg(&key).arg(0).arg(-1).query(&mut connection).unwrap();
            for id in ids {
                let back = -seconds * 1_000_000;
                redis::cmd("ZINCRBY").arg(&key).arg(back).arg(id).exec(&mut connection).unwrap();
            }
        }
    }
}

/// Two people who talk, and what about.
struct Couple {
    employee: String,
    practitioner: Practitioner,
    consultation: String,
}

/// A consultation at the free time of this number.
fn booked(server: &Server<'_>, employee: &str, with: &Practitioner, number: usize) -> String {
    let mut client = server.client().with_token(employee);
    let start = free_slots(&mut client, &with.id, 80).remove(number);
    let answer = book(&mut client, &with.id, &start).unwrap();
    assert_eq!(answer.status, 201, "{}", answer.json());
    text(&answer.json(), "id")
}

/// A socket of this kind.
fn socket(server: &Server<'_>, path: &str, token: &str) -> WebSocket {
    WebSocket::signed_in(server.address(), path, token)
}

fn eventually(what: &str, within: Duration, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < within, "it takes more than {within:?} until {what}");
        // A socket may be asked twenty times a second.
        sleep(Duration::from_millis(100));
    }
}

#[test]
fn each_letter_leaves_once() {
    let nodes = Nodes::with(&[]);
    let mut owner = nodes.owner();
    // What the demonstration wrote is too old to be sent; it is out of the way before the start.
    sql_query("UPDATE outbox SET given_up = true").execute(&mut owner).unwrap();
    let servers = nodes.serve();

    // A session of one node is known to the other.
    let token = nodes.employees(&servers[0], 1).remove(0);
    let practitioner = nodes.practitioners(&servers[1], 1).remove(0);
    let mut clients = [&servers[0], &servers[1]].map(|server| server.client().with_token(token.clone()));
    let free = free_slots(&mut clients[0], &practitioner.id, 89);
    for (number, start) in free.iter().take(BOOKINGS).enumerate() {
        let client: &mut Client = &mut clients[number % 2];
        assert_eq!(book(client, &practitioner.id, start).unwrap().status, 201);
    }
    let started = Instant::now();
    let waiting = "SELECT count(*) AS found FROM outbox WHERE sent_at IS NULL AND NOT given_up";
    while number(&mut owner, waiting) > 0 {
        assert!(started.elapsed() < Duration::from_mins(1), "letters stay: {}", servers[0].log());
        sleep(Duration::from_millis(20));
    }
    let letters: Vec<_> = nodes.folders.iter().flat_map(|node| message_ids(&node.path().join("mail"))).collect();
    let booked = "SELECT count(*) AS found FROM outbox WHERE NOT given_up";
    let written = number(&mut owner, booked);
    assert_eq!(i64::try_from(letters.len()).unwrap(), written, "all of them");
    assert!(letters.len() >= 2 * BOOKINGS, "one for each participant");
    assert_eq!(letters.iter().collect::<BTreeSet<_>>().len(), letters.len(), "a letter left twice");
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    found: i64,
}

/// What a query has `found`.
fn number(owner: &mut PgConnection, query: &str) -> i64 {
    sql_query(query).get_result::<Count>(owner).unwrap().found
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
