//! The metrics on their own port: what they count, what they never tell, and that they are there when nothing
//! else is.
use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    thread,
    time::{Duration, Instant},
};

use diesel::connection::SimpleConnection;
use huntzen_tests::{
    client::{Answer, Client},
    server::{DataFolder, Server, postmaster},
    websocket::WebSocket,
};
use serde_json::json;

use crate::without_database::Frozen;

const KEY: &str = "HUNTZEN__TELEMETRY__PROMETHEUS";
const DURATION: &str = "huntzen_http_request_duration_seconds_count";

fn watched() -> DataFolder {
    DataFolder::seeded().with(KEY, "127.0.0.1:0")
}

fn metrics_of(server: &Server<'_>) -> SocketAddr {
    server.metrics_address().unwrap_or_else(|| panic!("no metrics: {}", server.log()))
}

fn scraped(address: SocketAddr) -> String {
    let answer = Client::new(address).send("GET", "/metrics", None).unwrap();
    assert_eq!(answer.status, 200);
    let media = answer.header("content-type").unwrap();
    assert!(media.starts_with("application/openmetrics-text"), "{media}");
    String::from_utf8(answer.body).unwrap()
}

/// The values by name and labels.
fn values(text: &str) -> BTreeMap<&str, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let parts = lines.map(|line| line.rsplit_once(' ').unwrap_or_else(|| panic!("no value in {line}")));
    parts.map(|(name, value)| (name, value.parse().unwrap_or_else(|_| panic!("{name} is {value}")))).collect()
}

fn asked(client: &mut Client, method: &str, path: &str) -> Answer {
    client.send(method, path, None).unwrap()
}

#[test]
fn requests_are_counted_by_route_and_nobody_is_named() {
    let folder = watched();
    let server = folder.serve();
    let address = metrics_of(&server);
    assert!(address.ip().is_loopback() && address != server.address());
    let token = server.sign_in("rh@techcorp.example");
    let company =
        Client::new(server.address()).with_token(&*token).send("GET", "/auth/me", None).unwrap().json()["companyId"]
            .as_str()
            .unwrap()
            .to_owned();
    let (threads, rounds) = (4, 20);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut client = Client::new(server.address()).with_token(&*token);
                for _ in 0..rounds {
                    assert_eq!(asked(&mut client, "GET", &format!("/companies/{company}")).status, 200);
                    assert_eq!(asked(&mut client, "GET", "/companies/nonsense@example.org").status, 404);
                    assert_eq!(asked(&mut client, "GET", "/canary-7d1f/nowhere?canary=secret").status, 404);
                    assert_eq!(asked(&mut client, "GET", "/crisis").status, 200);
                    // The endpoint answers under load.
                    assert!(scraped(address).ends_with("# EOF\n"));
                }
            });
        }
    });
    let credentials = json!({ "email": "canary@techcorp.example", "password": "canary-password" });
    assert_eq!(server.client().send("POST", "/auth/login", Some(&credentials)).unwrap().status, 401);
    let socket = WebSocket::signed_in(server.address(), "/notifications/live", &token);
    let text = scraped(address);
    let values = values(&text);
    let count = |labels: &str| values.get(format!("{DURATION}{{{labels}}}").as_str()).copied();
    let all = f64::from(threads * rounds);
    assert_eq!(count("method=\"GET\",route=\"/companies/{id}\",status=\"2xx\""), Some(all));
    assert_eq!(count("method=\"GET\",route=\"/companies/{id}\",status=\"4xx\""), Some(all));
    assert_eq!(count("method=\"GET\",route=\"unmatched\",status=\"4xx\""), Some(all));
    assert_eq!(count("method=\"POST\",route=\"/auth/login\",status=\"4xx\""), Some(1.0));
    assert_eq!(values.get("huntzen_sockets_open{endpoint=\"/notifications/live\"}"), Some(&1.0));
    assert_eq!(values.get("huntzen_http_requests_in_flight"), Some(&0.0));
    assert_eq!(values.get("huntzen_lane_running{lane=\"general\"}"), Some(&0.0));
    assert!(values["huntzen_lane_wait_seconds_count{lane=\"general\"}"] > 0.0);
    assert!(values["huntzen_lane_wait_seconds_count{lane=\"password\"}"] >= 2.0);
    assert!(values["huntzen_database_pool_size"] >= values["huntzen_database_pool_connections{state=\"in_use\"}"]);
    assert!(values["process_resident_memory_bytes"] > 1e6 && values["process_cpu_seconds_total"] > 0.0);
    assert!(values["process_open_fds"] > 3.0 && values["process_start_time_seconds"] > 1.7e9);
    // Whoever asks for emergency numbers leaves no trace here either, and nobody is named.
    for word in ["crisis", "canary", "nonsense", "@", "rh", &company] {
        assert!(!text.contains(&format!("{word}\"")) && !text.contains(&format!("\"{word}")), "{word}: {text}");
    }
    for line in text.lines() {
        assert!(!line.contains('@') && !holds_an_id(line), "{line}");
    }
    drop(socket);
    // Nothing else is served there, and no metrics on the port of the API.
    for path in ["/", "/health", "/metrics/", "/companies"] {
        assert_eq!(asked(&mut Client::new(address), "GET", path).status, 404, "{path}");
    }
    assert_eq!(asked(&mut Client::new(address), "POST", "/metrics").status, 405);
    assert_eq!(asked(&mut server.client(), "GET", "/metrics").status, 404);
    assert!(server.stop().success());
}

/// Whether a text holds something that looks like a UUID.
fn holds_an_id(text: &str) -> bool {
    let is_id = |word: &str| word.len() == 36 && word.bytes().filter(|byte| *byte == b'-').count() == 4;
    text.split(|letter: char| !(letter.is_ascii_hexdigit() || letter == '-')).any(is_id)
}

#[test]
fn the_metrics_tell_what_the_health_check_found_and_that_a_database_stands_still() {
    let folder = watched();
    let server = folder.serve();
    let address = metrics_of(&server);
    let until = |name: &str, wanted: f64| {
        let begun = Instant::now();
        loop {
            let asking = Instant::now();
            let text = scraped(address);
            assert!(asking.elapsed() < Duration::from_secs(2), "a scrape took {:?}", asking.elapsed());
            if values(&text).get(name) == Some(&wanted) {
                return text;
            }
            assert!(begun.elapsed() < Duration::from_mins(1), "{name} is not {wanted}: {text}");
            thread::sleep(Duration::from_millis(50));
        }
    };
    let text = until("huntzen_health{check=\"database\"}", 0.0);
    let known = values(&text);
    for name in ["huntzen_outbox_waiting", "huntzen_outbox_oldest_seconds", "huntzen_audit_unlinked"] {
        assert!(known.contains_key(name), "{name} is not in {text}");
    }
    assert!(!text.contains("check=\"redis\""), "there is none");
    let age = "huntzen_last_backup_age_seconds";
    assert!(!known.contains_key(age), "no backup was ever made: {text}");
    let made = "INSERT INTO backups VALUES (gen_random_uuid(), now() - interval '27 hours', 1)";
    folder.owner().batch_execute(made).unwrap();
    let begun = Instant::now();
    let told = loop {
        if let Some(age) = values(&scraped(address)).get(age) {
            break *age;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "{age} is not told");
        thread::sleep(Duration::from_millis(50));
    };
    assert!((97_200.0..97_500.0).contains(&told), "{told}");
    let operator = server.sign_in("super@huntzen.example");
    let mut client = Client::new(server.address()).with_token(&*operator);
    assert_eq!(client.send("GET", "/super-admin/health", None).unwrap().json()["status"], "ok");
    let frozen = Frozen::of(postmaster(&mut folder.owner()));
    until("huntzen_health{check=\"database\"}", 2.0);
    // Whom the server still knows is told as well, in time.
    let begun = Instant::now();
    let answer = client.send("GET", "/super-admin/health", None).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert_eq!(answer.status, 200, "{}", answer.json());
    let told = answer.json();
    assert_eq!((&told["status"], &told["services"]["postgres"]), (&json!("down"), &json!("down")), "{told}");
    assert_eq!(told["services"]["disk"], "ok", "{told}");
    drop(frozen);
    until("huntzen_health{check=\"database\"}", 0.0);
    assert!(server.stop().success());
}

#[test]
fn a_taken_port_of_the_metrics_is_named() {
    let other = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let taken = other.local_addr().unwrap().to_string();
    let folder = DataFolder::new().with(KEY, taken.clone());
    let refused = folder.run(&["serve"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains(KEY) && said.contains(&taken), "{said}");
    // Who only tries something out is warned.
    let folder = DataFolder::new().with("HUNTZEN_ENV", "development").with("PORT", "0").with(KEY, taken.clone());
    let server = folder.serve();
    assert_eq!(server.metrics_address(), None);
    let log = server.log();
    let warned = log.lines().any(|line| line.contains("\"WARN\"") && line.contains(KEY) && line.contains(&taken));
    assert!(warned, "{log}");
    assert!(server.stop().success());
}
