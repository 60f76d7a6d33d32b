//! What people confide is found nowhere in clear: not in a dump, in the data folder with its WAL, in
//! logs at the finest level, in the folder of letters, nor in Redis and on the way there.
use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
};

use data_encoding::{BASE64, HEXLOWER, HEXUPPER};
use diesel::{RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::Text};
use huntzen_tests::{
    api::forms::{Form, document},
    client::{Answer, Client},
    redis::RedisServer,
    samples,
    scale::rounds,
    server::{DataFolder, Server},
    websocket::WebSocket,
};
use memchr::memmem::Finder;
use serde_json::{Value, json};

use crate::crowd::{Practitioner, employees, free_slots, practitioners, text};

/// Part of every canary.
pub const SONG: &str = "kanarienvogel-im-bergwerk-";

/// The ways in which a text could lie somewhere, each with the bytes that give it away.
pub struct Search(Vec<(&'static str, Finder<'static>)>);

impl Search {
    /// For canaries.
    pub fn new() -> Self {
        let mut search = Self(Vec::new());
        search.look_for(SONG);
        search
    }

    /// Looks for this text as well.
    pub fn look_for(&mut self, text: &str) {
        let utf16 = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        let mut needles = vec![
            ("plain", text.as_bytes().to_vec()),
            ("hexadecimal", HEXLOWER.encode(text.as_bytes()).into_bytes()),
            ("HEXADECIMAL", HEXUPPER.encode(text.as_bytes()).into_bytes()),
            ("UTF-16LE", utf16(u16::to_le_bytes)),
            ("UTF-16BE", utf16(u16::to_be_bytes)),
        ];
        for (shift, name) in ["base64", "base64, one byte on", "base64, two bytes on"].into_iter().enumerate() {
            // Only what stands wholly within the text: what is around it changes the ends.
            let encoded = BASE64.encode(&[vec![0; shift], text.as_bytes().to_vec()].concat());
            let inner = encoded.trim_end_matches('=');
            needles.push((name, inner.as_bytes()[4 * usize::from(shift > 0)..inner.len() - 2].to_vec()));
        }
        self.0.extend(needles.into_iter().map(|(name, needle)| (name, Finder::new(&needle).into_owned())));
    }

    /// The names of the ways in which it lies in these bytes.
    pub fn within(&self, bytes: &[u8]) -> Vec<&'static str> {
        self.0.iter().filter(|(_, finder)| finder.find(bytes).is_some()).map(|(name, _)| *name).collect()
    }

    /// Every place in a folder.
    fn folder(&self, folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                self.folder(&path, found);
            } else if kind.is_file() {
                // Files of a running server come and go.
                let bytes = fs::read(&path).unwrap_or_default();
                found.extend(self.within(&bytes).into_iter().map(|way| format!("{way} in {}", path.display())));
            }
        }
    }

    /// Every place in a dump of all tables, as text.
    fn dump(&self, folder: &DataFolder, found: &mut Vec<String>) {
        let mut owner = folder.owner();
        let tables = "SELECT format('%I.%I', schemaname, tablename) AS text FROM pg_tables
                      WHERE schemaname IN ('public', 'keys')";
        for Line { text: table } in sql_query(tables).load::<Line>(&mut owner).unwrap() {
            let query = format!("SELECT coalesce(string_agg(t::text, E'\\n'), '') AS text FROM {table} t");
            let Line { text } = sql_query(query).get_result(&mut owner).unwrap();
            found.extend(self.within(text.as_bytes()).into_iter().map(|way| format!("{way} in a dump of {table}")));
        }
    }

    fn everywhere(&self, folder: &DataFolder, is_running: bool) -> Vec<String> {
        let mut found = Vec::new();
        if is_running {
            folder.owner().batch_execute("CHECKPOINT").unwrap();
            self.dump(folder, &mut found);
        }
        self.folder(folder.path(), &mut found);
        found
    }
}

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

/// Makes canaries, and counts them.
struct Aviary(usize);

impl Aviary {
    fn canary(&mut self) -> String {
        self.0 += 1;
        format!("{SONG}{:06}", self.0)
    }
}

fn sent(client: &mut Client, method: &str, path: &str, body: &Value, status: u16) -> Value {
    let answer: Answer = client.send(method, path, Some(body)).unwrap();
    assert_eq!(answer.status, status, "{method} {path}: {}", answer.json());
    answer.json()
}

fn booked(client: &mut Client, with: &Practitioner, start: &str, reason: &str) -> String {
    let body = json!({ "practitionerId": with.id, "type": "VIDEO", "scheduledAt": start, "reason": reason });
    text(&sent(client, "POST", "/consultations", &body, 201), "id")
}

/// Says everything that can be said about two consultations, a canary each.
fn confide(server: &Server<'_>, employee: &str, with: &Practitioner, starts: [&str; 2], aviary: &mut Aviary) {
    let mut marc = Client::new(server.address()).with_token(employee);
    let mut sophie = Client::new(server.address()).with_token(with.token.clone());
    let called_off = booked(&mut marc, with, starts[0], &aviary.canary());
    let reason = json!({ "reason": aviary.canary() });
    let answer = sent(&mut marc, "POST", &format!("/consultations/{called_off}/cancel"), &reason, 200);
    assert!(text(&answer, "cancelReason").starts_with(SONG), "what was confided comes back to whoever may read it");
    let id = booked(&mut marc, with, starts[1], &aviary.canary());
    let note = json!({ "consultationId": id, "content": aviary.canary() });
    let note = text(&sent(&mut sophie, "POST", "/medical/clinical-notes", &note, 201), "id");
    let change = json!({ "content": aviary.canary() });
    sent(&mut sophie, "PATCH", &format!("/medical/clinical-notes/{note}"), &change, 200);
    for client in [&mut marc, &mut sophie] {
        let message = json!({ "content": aviary.canary() });
        sent(client, "POST", &format!("/chat/{id}/messages"), &message, 201);
    }
    let entry = json!({ "content": aviary.canary(), "mood": 3, "tags": [aviary.canary()] });
    let entry = text(&sent(&mut marc, "POST", "/medical/journal", &entry, 201), "id");
    let change = json!({ "content": aviary.canary() });
    sent(&mut marc, "PATCH", &format!("/medical/journal/{entry}"), &change, 200);
    let form = document("ATTACHMENT", &samples::pdf_with(&aviary.canary()));
    let form = form.text("relatedResource", "CONSULTATION").text("relatedId", &id);
    let file = marc.send_bytes("POST", "/files/upload", (&Form::media(), &form.bytes())).unwrap();
    assert_eq!(file.status, 201, "{}", file.json());
    let got = sophie.send("GET", &text(&file.json(), "url"), None).unwrap();
    assert!(String::from_utf8(got.body).unwrap().contains(SONG), "what was sent comes back");
    let nothing = json!({});
    sent(&mut sophie, "POST", &format!("/consultations/{id}/start"), &nothing, 200);
    sent(&mut sophie, "POST", &format!("/consultations/{id}/end"), &nothing, 200);
    let feedback = json!({ "rating": 5, "comment": aviary.canary() });
    sent(&mut marc, "POST", &format!("/consultations/{id}/feedback"), &feedback, 201);
    for path in [format!("/chat/{id}/messages"), "/medical/journal".to_owned(), format!("/consultations/{id}")] {
        let answer = marc.send("GET", &path, None).unwrap();
        assert!(String::from_utf8_lossy(answer.json().to_string().as_bytes()).contains(SONG), "{path}");
    }
}

/// Says something over sockets that tickets open: it travels through Redis, whoever listens.
fn converse(server: &Server<'_>, employee: &str, with: &Practitioner, start: &str, aviary: &mut Aviary) {
    let mut client = Client::new(server.address()).with_token(employee);
    let id = booked(&mut client, with, start, &aviary.canary());
    let mut sockets = [employee, &with.token].map(|token| {
        let mut client = Client::new(server.address()).with_token(token);
        let ticket = text(&sent(&mut client, "POST", "/auth/ws-ticket", &json!({}), 200), "ticket");
        let mut socket = WebSocket::open(server.address(), &format!("/chat?ticket={ticket}"), &[]).unwrap();
        assert_eq!(socket.ask("chat:join", &json!({ "consultationId": id }))["code"], Value::Null);
        socket
    });
    let message = json!({ "consultationId": id, "content": aviary.canary() });
    assert_eq!(sockets[0].ask("chat:message", &message)["seq"], 1);
    assert_eq!(sockets[1].event("chat:message:received")["content"], message["content"]);
}

/// A secret that somebody chooses, and one that somebody gets by mail.
fn sign_up(server: &Server<'_>, token: &str, aviary: &mut Aviary) {
    let mut client = Client::new(server.address()).with_token(token);
    let me = client.send("GET", "/auth/me", None).unwrap().json();
    let change = json!({ "currentPassword": huntzen_app::demo::PASSWORD, "newPassword": aviary.canary() });
    let answer = client.send("POST", "/auth/change-password", Some(&change)).unwrap();
    assert!(answer.status < 300, "{}", answer.status);
    let forgot = json!({ "email": me["email"] });
    assert_eq!(client.send("POST", "/auth/forgot-password", Some(&forgot)).unwrap().status, 202);
}

/// The secret of a second factor and one of its backup codes, which are shown once: however it is written.
fn second_factor(server: &Server<'_>, token: &str) -> [String; 3] {
    let mut client = Client::new(server.address()).with_token(token);
    let shown = sent(&mut client, "POST", "/auth/2fa/setup", &json!({}), 200);
    let secret = text(&shown, "secret");
    assert_eq!((secret.len(), shown["backupCodes"].as_array().unwrap().len()), (32, 10));
    let code = shown["backupCodes"][0].as_str().unwrap().to_owned();
    let bare = code.replace('-', "");
    assert_ne!(code, bare);
    [secret, code, bare]
}

#[test]
fn what_is_confided_lies_nowhere_in_clear() {
    let redis = RedisServer::start();
    let overheard = redis.overhear();
    let folder = DataFolder::seeded()
        .with("RUST_LOG", "trace")
        .with("REDIS_URL", redis.url())
        .with("HUNTZEN__RATE_LIMIT__ENABLED", "true")
        .with("HUNTZEN__RATE_LIMIT__GENERAL_LIMIT", "1000000")
        .with("HUNTZEN__CHAT__OPEN_HOURS_BEFORE", "2160")
        .with("HUNTZEN__BOOKING__EARLY_START_MINUTES", "129600");
    let server = folder.serve();
    let mut search = Search::new();
    let tokens = employees(&folder, &server, 5);
    let practitioners = practitioners(&folder, &server, 6);
    let mut aviary = Aviary(0);
    let wanted = rounds(1_000);
    for with in practitioners.iter().cycle() {
        if aviary.0 >= wanted {
            break;
        }
        let turn = aviary.0 % 4;
        let mut client = Client::new(server.address()).with_token(tokens[turn].clone());
        let starts = free_slots(&mut client, &with.id, 80);
        // The first one is free again once it was called off, and later ones are taken from behind: no
        // employee is in two places.
        let [first, .., last] = starts.as_slice() else { panic!("{} has no time left", with.id) };
        confide(&server, &tokens[turn], with, [first, last], &mut aviary);
    }
    let mut client = Client::new(server.address()).with_token(tokens[4].clone());
    let start = free_slots(&mut client, &practitioners[0].id, 80).remove(1);
    converse(&server, &tokens[4], &practitioners[0], &start, &mut aviary);
    sign_up(&server, &tokens[4], &mut aviary);
    for secret in second_factor(&server, &tokens[3]) {
        search.look_for(&secret);
    }
    assert!(aviary.0 >= wanted, "{} canaries", aviary.0);
    assert!(server.log().contains("\"level\":\"TRACE\""), "the finest level is on");
    assert_eq!(search.everywhere(&folder, true), Vec::<String>::new());
    let (told, kept) = (overheard.plain_until_now(), redis.snapshot());
    for command in ["PUBLISH", "GETDEL", "EVALSHA"] {
        assert!(memchr::memmem::find(&told, command.as_bytes()).is_some(), "Redis was not told {command}");
    }
    assert!(memchr::memmem::find(&kept, b":tally:").is_some(), "Redis keeps nothing");
    assert_eq!((search.within(&told), search.within(&kept)), (Vec::new(), Vec::new()));
    assert!(server.stop().success());
    assert_eq!(search.everywhere(&folder, false), Vec::<String>::new());

    // The same search finds what is planted, wherever and however it lies.
    let search = Search::new();
    let server = folder.serve();
    folder.owner().batch_execute(&format!("UPDATE companies SET sector = '{SONG}'")).unwrap();
    let found = search.everywhere(&folder, true);
    for place in ["plain in a dump of public.companies", "/base/", "/pg_wal/"] {
        assert!(found.iter().any(|one| one.contains(place)), "{place} is not in {found:?}");
    }
    assert!(server.stop().success());
    let around = format!("xy{SONG}zz");
    for (name, planted) in [
        ("plain", around.clone().into_bytes()),
        ("hexadecimal", HEXLOWER.encode(around.as_bytes()).into_bytes()),
        ("HEXADECIMAL", HEXUPPER.encode(around.as_bytes()).into_bytes()),
        ("UTF-16LE", around.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("UTF-16BE", around.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("base64", BASE64.encode(&around.as_bytes()[2..]).into_bytes()),
        ("base64, one byte on", BASE64.encode(&around.as_bytes()[1..]).into_bytes()),
        ("base64, two bytes on", BASE64.encode(around.as_bytes()).into_bytes()),
    ] {
        let place = folder.path().join("mail").join("planted.eml");
        fs::write(&place, &planted).unwrap();
        let expected = format!("{name} in {}", place.display());
        assert!(search.everywhere(&folder, false).contains(&expected), "{expected} is not found");
        fs::remove_file(place).unwrap();
        let overheard = redis.overhear();
        redis::cmd("SET").arg("planted").arg(planted).exec(&mut redis.connection()).unwrap();
        let (told, kept) = (overheard.plain_until_now(), redis.snapshot());
        assert!(search.within(&told).contains(&name) && search.within(&kept).contains(&name), "{name} in Redis");
    }
}

/// A request whose every part is a canary, as it travels; the answer's status.
fn sung(server: &Server<'_>, head: &str, body: &str) -> u16 {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let length = body.len();
    let request = format!(
        "{head} HTTP/1.1\r\nHost: {SONG}host\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nAuthorization: Bearer {SONG}token\r\nCookie: a={SONG}cookie\r\n\
         User-Agent: {SONG}agent\r\nReferer: https://{SONG}referer/\r\nX-Forwarded-For: {SONG}address\r\n\
         Accept-Language: {SONG}language\r\nX-Request-Id: {SONG}with spaces\r\ntraceparent: 00-{SONG}-01\r\n\
         X-{SONG}: 1\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let head = String::from_utf8_lossy(&answer).into_owned();
    head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no status in {head}"))
}

#[test]
fn nothing_of_a_request_stands_in_the_log_however_fine_it_is() {
    let folder = DataFolder::new().with("RUST_LOG", "trace");
    let server = folder.serve();
    let body = format!("{{\"email\":\"{SONG}@example.org\",\"password\":\"{SONG}password\",\"{SONG}key\":1}}");
    for (head, status) in [
        (format!("GET /companies/{SONG}path?name={SONG}query"), 401),
        (format!("GET /{SONG}nowhere?{SONG}=1"), 404),
        (format!("POST /auth/login?next={SONG}query"), 400),
        ("POST /auth/login".to_owned(), 400),
        (format!("GET /articles/{SONG}slug?tag={SONG}"), 401),
        ("KANARIENVOGEL-IM-BERGWERK-METHOD /companies".to_owned(), 405),
        (format!("GET /chat?ticket={SONG}ticket"), 401),
        ("PATCH /auth/login".to_owned(), 405),
    ] {
        assert_eq!(sung(&server, &head, &body), status, "{head}");
    }
    // Lines wait for others before they leave; a server that has stopped owes none.
    let log = server.stopped_log();
    assert!(log.contains("\"level\":\"TRACE\""), "the finest level is on");
    let lines = |route: &str| log.lines().filter(|line| line.contains(&format!("\"route\":\"{route}\""))).count();
    assert_eq!((lines("/companies/{id}"), lines("/auth/login"), lines("/companies")), (1, 3, 1), "{log}");
    // An id that is safe to repeat is the client's choice, and stands there by design.
    let found: Vec<&str> = log.lines().filter(|line| line.to_lowercase().contains("kanarienvogel")).collect();
    assert_eq!(found, Vec::<&str>::new());
}
