//! What is left when the database is gone or does not answer: whom to call, and soon a clear refusal.
use std::{
    fs,
    thread::sleep,
    time::{Duration, Instant},
};

use huntzen_adapter_diesel::migrate;
use huntzen_app::embedded::{Embedded, OWNER, Purpose};
use huntzen_tests::{
    client::Client,
    server::{DataFolder, Server, postmaster},
    world::{RING, vault},
};
use rustix::process::{Pid, Signal, kill_process};

use crate::refusal::{SECRETS, production};

/// How long a request may take whose database does not answer.
pub const AT_MOST: Duration = Duration::from_secs(4);

/// A report is given out again while it is fresh, and the first one may come late.
fn wait_until_the_database_is(server: &Server<'_>, standing: &str) {
    let begun = Instant::now();
    loop {
        let report = server.client().send("GET", "/health", None).unwrap().json();
        if report["checks"]["database"] == standing {
            return;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "{report}");
        sleep(Duration::from_millis(100));
    }
}

#[test]
fn whom_to_call_is_told_without_a_database_and_leaves_no_line() {
    let elsewhere = DataFolder::new();
    let cluster = Embedded::start(elsewhere.path(), Purpose::Command).unwrap();
    migrate::ensure_roles(&cluster.url(OWNER), "unused over a socket").unwrap();
    migrate::run(&cluster.url(OWNER), vault(RING).as_ref()).unwrap();
    let folder = production(&SECRETS).with("RUST_LOG", "trace").with("DATABASE_URL", cluster.url("huntzen_app"));
    let server = folder.serve();
    wait_until_the_database_is(&server, "ok");
    drop(cluster);
    wait_until_the_database_is(&server, "down");
    let answer = server.client().send("GET", "/crisis", None).unwrap();
    assert_eq!(answer.status, 200);
    let body = answer.json();
    let numbers: Vec<_> = body["items"].as_array().into_iter().flatten().map(|line| &line["number"]).collect();
    assert_eq!(numbers, ["3114", "15", "112", "114"]);
    // A token is not looked at, and a question that is refused leaves no line either.
    let known = server.client().with_token("nonsense").send("GET", "/crisis", None).unwrap();
    assert_eq!(known.status, 200);
    assert_eq!(server.client().send("GET", "/crisis?who=me", None).unwrap().status, 400);
    // Lines of the last milliseconds may be on their way.
    sleep(Duration::from_millis(200));
    let log = server.log();
    assert!(log.contains("\"level\":\"TRACE\""), "the finest level is on");
    assert!(log.lines().any(|line| line.contains("\"route\":\"/health\"")), "other routes are named");
    let lines: Vec<&str> = log.lines().filter(|line| line.to_lowercase().contains("crisis")).collect();
    assert!(lines.is_empty(), "{lines:?}");
}

/// The processes of a cluster, which stand still until this is dropped.
pub struct Frozen(Vec<Pid>);

impl Frozen {
    /// The postmaster and all of its children.
    pub fn of(postmaster: i32) -> Self {
        let process = |id| Pid::from_raw(id).unwrap();
        // The first one cannot make others any more, once it stands still.
        kill_process(process(postmaster), Signal::STOP).unwrap();
        let mut all = vec![process(postmaster)];
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            // pid (name) state parent …
            let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
            if parent == Some(postmaster) {
                all.push(process(entry.file_name().to_str().unwrap().parse().unwrap()));
            }
        }
        let frozen = Self(all);
        frozen.tell(Signal::STOP);
        frozen
    }
}

impl Frozen {
    /// Some may have ended by then.
    fn tell(&self, signal: Signal) {
        for process in &self.0 {
            let _ = kill_process(*process, signal);
        }
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.tell(Signal::CONT);
    }
}

#[test]
fn a_database_that_does_not_answer_is_told_in_time_by_every_kind_of_request() {
    let folder = DataFolder::seeded();
    let server = folder.serve();
    let token = server.sign_in("rh@techcorp.example");
    let client = || Client::new(server.address()).with_token(token.clone());
    // From now on the session is known without the database.
    assert_eq!(client().send("GET", "/auth/me", None).unwrap().status, 200);
    let frozen = Frozen::of(postmaster(&mut folder.owner()));
    assert!(frozen.0.len() > 1, "connections stand still as well");
    let file = "email,firstName,lastName\nzoe@techcorp.example,Zoé,Petit\n";
    for number in 0..2 {
        let begun = Instant::now();
        let answer = match number {
            0 => client().send("GET", "/employees", None).unwrap(),
            _ => client().send_file("/employees/import", "text/csv", file.as_bytes()).unwrap(),
        };
        assert_eq!(answer.status, 503, "{}", answer.json());
        assert!(begun.elapsed() < AT_MOST, "{number}: {:?}", begun.elapsed());
        assert_eq!(client().send("GET", "/crisis", None).unwrap().status, 200);
    }
    drop(frozen);
    let begun = Instant::now();
    while client().send_file("/employees/import", "text/csv", file.as_bytes()).unwrap().status != 200 {
        assert!(begun.elapsed() < Duration::from_mins(1), "{}", server.log());
    }
}
