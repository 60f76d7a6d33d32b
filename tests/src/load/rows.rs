//! The rows: each measures the server and, right after it, its limit.
mod files;
mod overload;
mod people;
mod secrets;
mod sockets;

use std::{
    net::TcpListener,
    sync::Arc,
    thread::sleep,
    time::{Duration, Instant},
};

use diesel::PgConnection;
use huntzen_adapter_crypto::OsRandomness;
use huntzen_adapter_diesel::PgStore;
use huntzen_app::{
    clock::SystemClock,
    database::APPLICATION,
    embedded::{Embedded, OWNER, Purpose},
};
use huntzen_clinical::{
    ClinicalPorts,
    conversation::{ConversationRules, MessageWriter, NewMessage},
};
use huntzen_tenancy::sealing::{Sealer, SecretText};
use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde_json::{Value, json};

use super::{
    Options,
    capture::{self, Log, Statements},
    clients::{Request, Seen, measure},
    dataset::{self, Kind, PEOPLE, id},
    limit::Pgbench,
    process::resident_kib,
    pure::Month,
    table::{Row, say, shown},
    talk::{Room, Talked, talk},
};
use crate::{
    server::{DataFolder, Server, postmaster},
    world::vault,
};

/// Conversations that go on at once.
const ROOMS: usize = 200;
/// Starts whose median counts.
const STARTS: usize = 5;
/// The hours by which pgbench books further ahead than the server lets anybody.
const BEYOND: u64 = 4_000;

/// Everything that the rows need.
struct Bench<'a> {
    options: &'a Options,
    now: Timestamp,
    employees: Vec<String>,
    practitioners: Vec<String>,
    hr: String,
    pgbench: Pgbench,
    rows: Vec<Row>,
}

/// What each request says to the database, and how often.
struct Captured {
    slots: Statements,
    one: Statements,
    earliest: Statements,
    metrics: Statements,
    company: Statements,
    book: Statements,
    note: Statements,
    journal: Statements,
    /// The starts that can be booked with everybody.
    free: Vec<String>,
}

/// Runs the rows that are wanted.
pub fn run(options: &Options, now: Timestamp) -> Vec<Row> {
    // A mail server that takes connections and says nothing: letters are written and none leaves,
    // so that what is measured is the requests alone.
    let mail = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let folder = DataFolder::new()
        .with("JWT_SECRET", dataset::SECRET)
        .with("HUNTZEN__DATABASE__POOL_SIZE", options.pool.to_string())
        // A few clients send what thousands of people do.
        .with("HUNTZEN__RATE_LIMIT__ENABLED", "false")
        .with("SMTP_HOST", "127.0.0.1")
        .with("SMTP_PORT", mail.local_addr().unwrap().port().to_string())
        .with("HUNTZEN__SMTP__TLS", "none")
        // The conversations of the consultations ahead are open.
        .with("HUNTZEN__CHAT__OPEN_HOURS_BEFORE", "2160");
    say("preparing a thousand practitioners and 10,000 past consultations");
    let server = folder.serve();
    let mut owner = folder.owner();
    dataset::fill(&mut owner);
    dataset::add_history(&mut owner, 0, 10_000, true);
    let cluster = folder.cluster();
    let pgbench = Pgbench::beside(postmaster(&mut owner), cluster.socket_folder(), folder.path());
    let log = Log { path: cluster.socket_folder().with_file_name("server.log") };
    capture::switch_on(&mut owner);
    drop(owner);
    assert!(server.stop().success());

    let (employees, practitioners, hr) = dataset::tokens(now);
    let mut bench = Bench { options, now, employees, practitioners, hr, pgbench, rows: Vec::new() };
    bench.starts(&folder);
    let server = folder.serve();
    let captured = bench.capture(&server, &log);
    capture::switch_off(&mut folder.owner());
    server.kill();

    let server = folder.serve();
    bench.idle_memory(&server);
    bench.without_history(&server, &captured);
    bench.with_history(&server, &captured, &mut folder.owner());
    bench.book(&server, &captured);
    bench.notes(&server, &captured);
    bench.journals(&server, &captured);
    bench.chat(&server, &folder);
    bench.memory_after(&server);
    bench.files(&server);
    server.kill();

    let folder = folder.with("HUNTZEN__AUTH__BCRYPT_COST", "10");
    let server = folder.serve();
    bench.overload(&server, &captured);
    bench.login_flood(&server);
    server.kill();

    let server = folder.serve();
    bench.import(&server, &mut folder.owner());
    server.kill();

    let server = folder.serve();
    bench.sockets(&server);
    server.kill();
    bench.rows
}

fn get(token: &str, path: &str) -> Request {
    Request { token: token.to_owned(), method: "GET", path: path.to_owned(), body: None }
}

fn ask(server: &Server<'_>, request: &Request) -> (u16, Value) {
    let mut client = server.client().with_token(request.token.clone());
    let answer = client.send(request.method, &request.path, request.body.as_ref()).unwrap();
    (answer.status, answer.json())
}

impl Bench<'_> {
    fn today(&self) -> Date {
        self.now.to_zoned(TimeZone::UTC).date()
    }

    fn slots_request(&self, client: usize, practitioner: usize, days: i32) -> Request {
        let last = self.today().saturating_add((days - 1).days());
        let practitioner = id(Kind::Practitioner, practitioner);
        let path =
            format!("/availability/slots?practitionerId={practitioner}&startDate={}&endDate={last}", self.today());
        get(&self.employees[client], &path)
    }

    fn one_request(&self, client: usize) -> Request {
        let path = format!("/consultations/{}", id(Kind::Ahead, (client + 1) * 100));
        get(&self.employees[client], &path)
    }

    fn metrics_request(&self, client: usize) -> Request {
        let from = self.today().saturating_sub(89.days());
        let practitioner = id(Kind::Practitioner, client + 1);
        let path = format!("/metrics/practitioners/{practitioner}?from={from}&to={}", self.today());
        get(&self.practitioners[client], &path)
    }

    /// The company's last three whole months.
    fn company_request(&self) -> Request {
        let (company, first) = (id(Kind::Company, 1), self.today().first_of_month());
        let (from, to) = (first.saturating_sub(3.months()), first.saturating_sub(1.day()));
        get(&self.hr, &format!("/metrics/companies/{company}?from={from}&to={to}"))
    }

    fn booking(&self, person: usize, start: &str) -> Request {
        let practitioner = id(Kind::Practitioner, person + 1);
        let body = json!({ "practitionerId": practitioner, "type": "VIDEO", "scheduledAt": start });
        Request {
            token: self.employees[person].clone(),
            method: "POST",
            path: "/consultations".to_owned(),
            body: Some(body),
        }
    }

    /// Sends each request once to warm up and once to see what it says to the database.
    fn capture(&self, server: &Server<'_>, log: &Log) -> Captured {
        let seen = |request: &Request, status: u16| {
            let once = || {
                let (found, answer) = ask(server, request);
                assert_eq!(found, status, "{} {answer}", request.path);
            };
            if request.method == "GET" {
                once();
            }
            log.during(once)
        };
        let (_, slots) = ask(server, &self.slots_request(0, 1, 89));
        let free = slots.as_array().unwrap().iter().filter(|slot| slot["available"] == true);
        let mut free: Vec<String> = free.map(|slot| slot["startTime"].as_str().unwrap().to_owned()).collect();
        let last = free.pop().unwrap();
        Captured {
            slots: seen(&self.slots_request(0, 1, 30), 200),
            one: seen(&self.one_request(0), 200),
            earliest: seen(&get(&self.employees[0], "/availability/earliest"), 200),
            metrics: seen(&self.metrics_request(0), 200),
            company: seen(&self.company_request(), 200),
            book: seen(&self.booking(0, &last), 201),
            note: self.capture_note(server, log),
            journal: self.capture_journal(server, log),
            free,
        }
    }

    fn measure(
        &self,
        server: &Server<'_>,
        clients: usize,
        next: impl Fn(usize, usize) -> Option<Request> + Sync,
        status: u16,
    ) -> Seen {
        measure((server.address(), server.process()), clients, self.options.seconds, status, next)
    }

    /// The rate of the statements for so many clients, each with people of their own. What they
    /// write gets ids that follow from `runs` on.
    fn limit(&self, statements: &Statements, clients: usize, runs: u64) -> Result<f64, String> {
        let (made, ahead) = (statements.made_ids(), capture::ahead(self.now));
        let script = |client: usize| statements.of(1, client).writing_script(&made, ahead, client);
        let scripts: Vec<_> = (1..=clients).map(script).collect();
        self.pgbench.rate(&scripts, self.options.seconds, runs)
    }

    fn push(&mut self, work: &str, measured: String, limit: String, goal: &str, ratio: String) {
        say(&format!("{work}: {measured}; limit {limit}"));
        self.rows.push(Row { work: work.to_owned(), measured, limit, goal: goal.to_owned(), ratio });
    }

    /// A row of rates, with the round trips of the request to the database.
    fn push_rates(&mut self, work: &str, seen: &Seen, limit: Result<f64, String>, trips: usize, goal: &str) {
        let ratio = limit.as_ref().map_or("-".to_owned(), |limit| format!("{:.2}", seen.rate / limit));
        let limit = limit.map_or_else(|missing| missing, |limit| format!("{limit:.0}/s, {trips} round trips"));
        self.push(work, rates(seen), limit, goal, ratio);
    }

    fn without_history(&mut self, server: &Server<'_>, captured: &Captured) {
        let clients = self.options.clients;
        if self.options.wants("me") {
            let live = self.measure(server, clients, |_, _| Some(get("", "/health/live")), 200);
            let seen = self.measure(server, clients, |client, _| Some(get(&self.employees[client], "/auth/me")), 200);
            let ratio = format!("{:.2}", seen.rate / live.rate);
            let limit = format!("{:.0}/s (GET /health/live)", live.rate);
            self.push("GET /auth/me", rates(&seen), limit, "10,000/s, CPU 50 µs", ratio);
        }
        if self.options.wants("slots") {
            let month = Month::default();
            let began = Instant::now();
            let times = 2_000;
            for _ in 0..times {
                std::hint::black_box(month.slots());
            }
            let each = began.elapsed() / times;
            let ratio = format!("{:.2}", each.as_secs_f64() / 100e-6);
            self.push("free slots 30 days, computed", shown(each), "-".to_owned(), "100 µs", ratio);
            let seen = self.measure(server, clients, |client, _| Some(self.slots_request(client, client + 1, 30)), 200);
            let limit = self.limit(&captured.slots, clients, 0);
            let goal = "0.6; 3,000/s, CPU 0.3 ms";
            self.push_rates("free slots 30 days", &seen, limit, captured.slots.round_trips.len(), goal);
        }
        if self.options.wants("one") {
            let seen = self.measure(server, clients, |client, _| Some(self.one_request(client)), 200);
            let limit = self.limit(&captured.one, clients, 0);
            self.push_rates("one consultation by id", &seen, limit, captured.one.round_trips.len(), "0.6");
        }
        if self.options.wants("earliest") {
            let path = "/availability/earliest";
            let seen = self.measure(server, 1, |_, _| Some(get(&self.employees[0], path)), 200);
            let limit = self.limit(&captured.earliest, 1, 0);
            let limit = limit.map_or_else(|missing| missing, |rate| shown(Duration::from_secs_f64(1.0 / rate)));
            let ratio = format!("{:.2}", seen.median.as_secs_f64() / 50e-3);
            let measured = rates(&seen);
            self.push("earliest over 1,000, 1 client", measured, limit, "p50 50 ms", ratio);
        }
    }

    fn with_history(&mut self, server: &Server<'_>, captured: &Captured, owner: &mut PgConnection) {
        let clients = self.options.clients;
        let trips = captured.metrics.round_trips.len();
        let of_own =
            |bench: &Self| bench.measure(server, clients, |client, _| Some(bench.metrics_request(client)), 200);
        let of_company = |bench: &Self| bench.measure(server, clients, |_, _| Some(bench.company_request()), 200);
        let company_trips = captured.company.round_trips.len();
        let mut before = None;
        if self.options.wants("metrics") {
            let company = of_company(self);
            let limit = self.limit(&captured.company, clients, 3_000_000);
            self.push_rates("company metrics of 3 months, 10,000 past", &company, limit, company_trips, "-");
            let seen = of_own(self);
            let limit = self.limit(&captured.metrics, clients, 1_000_000);
            self.push_rates("practitioner metrics 90 days, 10,000 past", &seen, limit, trips, "-");
            before = Some((seen, company));
        }
        if self.options.wants("slots") {
            say("preparing 100,000 past consultations of one practitioner");
            let fresh = self.measure(server, clients, |client, _| Some(self.slots_request(client, 1, 30)), 200);
            dataset::add_history(owner, 10_000, 110_000, false);
            let seen = self.measure(server, clients, |client, _| Some(self.slots_request(client, 1, 30)), 200);
            let ratio = format!("{:.2}", seen.rate / fresh.rate);
            let limit = format!("{:.0}/s (with 10 past)", fresh.rate);
            self.push("free slots 30 days, 100,000 past", rates(&seen), limit, "the same", ratio);
        }
        if let Some((before, company_before)) = before.filter(|_| self.options.million) {
            say("preparing 1,000,000 past consultations");
            dataset::add_history(owner, 110_000, 1_000_000, true);
            let seen = of_own(self);
            let limit = self.limit(&captured.metrics, clients, 2_000_000);
            self.push_rates("practitioner metrics 90 days, 1,000,000 past", &seen, limit, trips, "-");
            let ratio = format!("{:.2}", seen.rate / before.rate);
            let limit = format!("{:.0}/s with 10,000", before.rate);
            self.push("the same, against 10,000", format!("{:.0}/s", seen.rate), limit, "0.8 to 1.2", ratio);
            let seen = of_company(self);
            let limit = self.limit(&captured.company, clients, 4_000_000);
            self.push_rates("company metrics of 3 months, 1,000,000 past", &seen, limit, company_trips, "-");
            let ratio = format!("{:.2}", seen.rate / company_before.rate);
            let limit = format!("{:.0}/s with 10,000", company_before.rate);
            self.push("the same, against 10,000", format!("{:.0}/s", seen.rate), limit, "0.8 to 1.2", ratio);
        }
    }

    fn book(&mut self, server: &Server<'_>, captured: &Captured) {
        if !self.options.wants("book") {
            return;
        }
        let clients = self.options.clients;
        let people = PEOPLE / clients;
        // A client goes through its employees before it comes to the next time.
        let next = |client: usize, before: usize| {
            let start = captured.free.get(before / people)?;
            Some(self.booking(client + clients * (before % people), start))
        };
        let seen = self.measure(server, clients, next, 201);
        let limit = self.limit(&captured.book, clients, BEYOND);
        let trips = captured.book.round_trips.len();
        self.push_rates("book a consultation", &seen, limit, trips, "0.5; 1,000/s, CPU 1 ms");
    }

    /// Two people in each of 200 rooms; the limit is the same writer without sockets.
    fn chat(&mut self, server: &Server<'_>, folder: &DataFolder) {
        if !self.options.wants("chat") {
            return;
        }
        let rooms: Vec<Room> = (0..ROOMS)
            .map(|number| Room {
                consultation: id(Kind::Ahead, (number + 1) * 100).to_string(),
                tokens: [self.employees[number].clone(), self.practitioners[number].clone()],
            })
            .collect();
        let limit = self.bare_writer(folder);
        let at = (server.address(), server.process());
        let offers = [(2_500.0, "p99 50 ms"), (5_000.0, "5,000/s"), (7_200.0, "-")];
        for (round, (offered, goal)) in offers.into_iter().enumerate() {
            let pace = offered / f64::from(u32::try_from(ROOMS * 2).unwrap());
            let talked = talk(at, &rooms, round, pace, self.options.seconds);
            let Talked { rate, median, p99, processor, lost } = talked;
            let measured = format!(
                "{rate:.0}/s, p50 {}, p99 {}, CPU {}, lost {lost}",
                shown(median),
                shown(p99),
                shown(processor)
            );
            let ratio = format!("{:.2}", rate / limit);
            let work = format!("chat over {ROOMS} rooms, {offered:.0}/s offered");
            self.push(&work, measured, format!("{limit:.0}/s (the writer without sockets)"), goal, ratio);
        }
    }

    /// Messages a second that the writer keeps, 256 in a unit of work, over the same rooms.
    fn bare_writer(&self, folder: &DataFolder) -> f64 {
        let cluster = folder.cluster();
        let store = Arc::new(PgStore::connect(&cluster.url(APPLICATION), 1).unwrap());
        let (clock, randomness) = (Arc::new(SystemClock), Arc::new(OsRandomness));
        let ports = ClinicalPorts {
            store,
            sealer: Sealer::new(vault(dataset::RING), Arc::<OsRandomness>::clone(&randomness)),
            clock,
            randomness,
        };
        let rules = ConversationRules { opens_before: SignedDuration::from_hours(2_160), ..Default::default() };
        let writer = MessageWriter::new(ports, rules);
        let message = |number: usize| NewMessage {
            caller: dataset::employee(number % ROOMS + 1),
            consultation: id(Kind::Ahead, (number % ROOMS + 1) * 100).into(),
            client_id: Some(format!("bare-{number}")),
            content: SecretText::new("Je voulais vous dire que cela va mieux depuis lundi. ".repeat(2)),
            once: None,
        };
        let (began, mut written) = (Instant::now(), 0);
        while began.elapsed() < Duration::from_secs(self.options.seconds) {
            let batch: Vec<_> = (written..written + 256).map(message).collect();
            let outcomes = writer.write(&batch, &|_, _| false);
            assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
            written += batch.len();
        }
        f64::from(u32::try_from(written).unwrap()) / began.elapsed().as_secs_f64()
    }

    /// Until the first 200 of `/health`, which asks the database.
    fn starts(&mut self, folder: &DataFolder) {
        if !self.options.wants("start") {
            return;
        }
        let start = |folder: &DataFolder| {
            let began = Instant::now();
            let server = folder.serve();
            while server.client().send("GET", "/health", None).unwrap().status != 200 {
                sleep(Duration::from_millis(1));
            }
            let took = began.elapsed();
            assert!(server.stop().success());
            took
        };
        let warm = median(|| start(folder));
        let database = median(|| {
            let began = Instant::now();
            drop_after(Embedded::start(folder.path(), Purpose::Command).unwrap(), began)
        });
        let ratio = format!("{:.2}", warm.as_secs_f64());
        let limit = format!("{} (PostgreSQL alone)", shown(database));
        self.push("start, own cluster warm", shown(warm), limit, "1 s", ratio);

        let cluster = Embedded::start(folder.path(), Purpose::Command).unwrap();
        let url = format!("postgresql:///huntzen?host={}&user={OWNER}", cluster.socket_folder().display());
        let beside = DataFolder::new().with("JWT_SECRET", dataset::SECRET).with("DATABASE_URL", url);
        let at_hand = median(|| start(&beside));
        let nothing = median(|| {
            let began = Instant::now();
            assert!(beside.run(&["config", "check"]).status.success());
            began.elapsed()
        });
        let ratio = format!("{:.2}", at_hand.as_secs_f64() / 0.1);
        let limit = format!("{} (config check)", shown(nothing));
        self.push("start, database at hand", shown(at_hand), limit, "100 ms", ratio);
    }

    fn idle_memory(&mut self, server: &Server<'_>) {
        assert_eq!(server.client().send("GET", "/health", None).unwrap().status, 200);
        sleep(Duration::from_secs(1));
        self.memory(server, "resident memory, idle", 30);
    }

    fn memory_after(&mut self, server: &Server<'_>) {
        sleep(Duration::from_secs(1));
        self.memory(server, "resident memory, after the load", 60);
    }

    fn memory(&mut self, server: &Server<'_>, work: &str, goal_mib: u64) {
        if !self.options.wants("memory") {
            return;
        }
        let kib = resident_kib(server.process());
        let hundredths = kib * 100 / (goal_mib * 1024);
        let ratio = format!("{}.{:02}", hundredths / 100, hundredths % 100);
        let measured = format!("{}.{} MiB", kib / 1024, kib % 1024 * 10 / 1024);
        self.push(work, measured, "-".to_owned(), &format!("{goal_mib} MiB"), ratio);
    }
}

fn rates(seen: &Seen) -> String {
    let Seen { rate, median, p99, processor, others } = seen;
    let refused = if others.is_empty() { String::new() } else { format!(", others {others:?}") };
    format!("{rate:.0}/s, p50 {}, p99 {}, CPU {}{refused}", shown(*median), shown(*p99), shown(*processor))
}

fn median(mut once: impl FnMut() -> Duration) -> Duration {
    let mut times: Vec<_> = (0..STARTS).map(|_| once()).collect();
    times.sort_unstable();
    times[STARTS / 2]
}

/// How long it took to get this; ending it does not count.
fn drop_after(cluster: Embedded, began: Instant) -> Duration {
    let took = began.elapsed();
    drop(cluster);
    took
}
