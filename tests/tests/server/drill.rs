//! The restore drill: a backup of a company at work, everything destroyed, and what is there again
//! afterwards: all that could be read, and nobody who was erased.
use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread::scope,
};

use diesel::{
    Connection, PgConnection, RunQueryDsl,
    connection::SimpleConnection,
    sql_query,
    sql_types::{Nullable, Text},
};
use huntzen_adapter_diesel::migrate;
use huntzen_app::embedded::{Embedded, OWNER, Purpose};
use huntzen_tests::{
    api::forms::{Form, document},
    client::Client,
    samples, scale,
    server::{DataFolder, Server, program},
};
use serde_json::{Value, json};

use crate::{
    crowd::{Dice, book, employees, free_slots, practitioners, text},
    ledger,
    refusal::{SECRETS, production},
};

/// Part of what is known of whoever is erased.
const BEFORE: &str = "zaunkoenig";
const AFTER: &str = "kleiber";

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = Nullable<Text>)]
    text: Option<String>,
}

fn told(owner: &mut PgConnection, query: &str) -> String {
    let line = sql_query(format!("SELECT ({query})::text AS text")).get_result::<Line>(owner).unwrap();
    line.text.unwrap_or_default()
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn refused(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "it was not refused: {said}");
    said
}

/// The folders that backups go to.
struct Shelf {
    folder: DataFolder,
}

impl Shelf {
    fn new() -> Self {
        Self { folder: DataFolder::new() }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn backup(&self, of: &DataFolder, main: &str, keys: &str) -> String {
        said(&of.run(&["backup", "--to", &self.path(main), "--keys-to", &self.path(keys)]))
    }

    fn restore(&self, into: &DataFolder, main: &str, keys: &str) -> Output {
        into.run(&["restore", "--from", &self.path(main), "--keys-from", &self.path(keys)])
    }

    /// The one backup in a folder.
    fn only(&self, name: &str) -> PathBuf {
        let found = fs::read_dir(self.path(name)).unwrap().map(|entry| entry.unwrap().path());
        let mut found: Vec<PathBuf> = found.filter(|path| path.is_dir()).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }
}

/// Everything of a dump as SQL.
fn sql_of(dump: &Path) -> String {
    let programs = std::env::var_os("HUNTZEN_PG_BIN").map(PathBuf::from).unwrap_or_default();
    let output = Command::new(programs.join("pg_restore")).args(["--file=-"]).arg(dump).output().unwrap();
    said(&output)
}

/// The tables that a dump has rows of.
fn tables_of(sql: &str) -> Vec<&str> {
    sql.lines().filter_map(|line| line.strip_prefix("COPY ")?.split_whitespace().next()).collect()
}

fn folder() -> DataFolder {
    DataFolder::seeded()
        .with("HUNTZEN__CHAT__OPEN_HOURS_BEFORE", "2160")
        .with("HUNTZEN__BOOKING__EARLY_START_MINUTES", "129600")
}

fn empty() -> DataFolder {
    DataFolder::new().with("HUNTZEN__CHAT__OPEN_HOURS_BEFORE", "2160")
}

fn sent(client: &mut Client, path: &str, body: &Value, status: u16) -> Value {
    let answer = client.send("POST", path, Some(body)).unwrap();
    assert_eq!(answer.status, status, "{path}: {}", answer.json());
    answer.json()
}

fn file(client: &mut Client, form: &Form) -> String {
    let sent = client.send_bytes("POST", "/files/upload", (&Form::media(), &form.bytes())).unwrap();
    assert_eq!(sent.status, 201, "{}", sent.json());
    text(&sent.json(), "url")
}

/// What one person and a practitioner can read of what they wrote.
struct Confided {
    employee: String,
    practitioner: String,
    /// Whose it is, and where.
    places: Vec<(bool, String)>,
}

impl Confided {
    /// Says what can be said, from everything that is sealed.
    fn new(folder: &DataFolder, server: &Server<'_>, employee: &str) -> Self {
        let with = practitioners(folder, server, 1).remove(0);
        let email = told(
            &mut folder.owner(),
            &format!("SELECT u.email FROM users u JOIN practitioners p ON p.user_id = u.id WHERE p.id = '{}'", with.id),
        );
        let mut marc = server.client().with_token(server.sign_in(employee));
        let mut sophie = server.client().with_token(with.token.clone());
        let start = free_slots(&mut marc, &with.id, 60).remove(0);
        let body =
            json!({ "practitionerId": with.id, "type": "VIDEO", "scheduledAt": start, "reason": "Je dors mal." });
        let held = text(&sent(&mut marc, "/consultations", &body, 201), "id");
        for client in [&mut marc, &mut sophie] {
            let message = json!({ "content": "Bonjour, ça va ?" });
            sent(client, &format!("/chat/{held}/messages"), &message, 201);
        }
        let note = json!({ "consultationId": held, "content": "Insomnie depuis mars." });
        sent(&mut sophie, "/medical/clinical-notes", &note, 201);
        let entry = json!({ "content": "Nuit blanche.", "mood": 2, "tags": ["sommeil"] });
        sent(&mut marc, "/medical/journal", &entry, 201);
        let document = file(&mut marc, &document("DOCUMENT", &samples::long_pdf(300_000)));
        let attachment = Form::new()
            .text("fileType", "ATTACHMENT")
            .file("a.pdf", "application/pdf", &samples::pdf_with("Une ordonnance."))
            .text("relatedResource", "CONSULTATION")
            .text("relatedId", &held);
        let attachment = file(&mut sophie, &attachment);
        let places = [
            (false, format!("/chat/{held}/messages")),
            (false, format!("/consultations/{held}")),
            (false, "/medical/journal".to_owned()),
            (false, document),
            (false, attachment.clone()),
            (true, attachment),
            (true, format!("/chat/{held}/messages")),
            (true, format!("/medical/clinical-notes/consultation/{held}")),
        ];
        Self { employee: employee.to_owned(), practitioner: email, places: places.into() }
    }

    /// All of it, byte for byte.
    fn read(&self, server: &Server<'_>) -> Vec<Vec<u8>> {
        let mut readers =
            [&self.employee, &self.practitioner].map(|email| server.client().with_token(server.sign_in(email)));
        let read = |(by_practitioner, path): &(bool, String)| {
            let answer = readers[usize::from(*by_practitioner)].send("GET", path, None).unwrap();
            assert_eq!(answer.status, 200, "{path}: {}", answer.json());
            answer.body
        };
        self.places.iter().map(read).collect()
    }
}

/// An employee whose name nobody else has, with something to hide; answers id, address and token.
fn named(folder: &DataFolder, server: &Server<'_>, name: &str) -> (String, String, String) {
    let mut hr = server.client().with_token(server.sign_in("rh@techcorp.example"));
    let address = format!("{name}@techcorp.example");
    let listed = json!({ "email": address, "firstName": "Vogel", "lastName": name });
    sent(&mut hr, "/employees", &listed, 201);
    let mut owner = folder.owner();
    owner
        .batch_execute(&format!(
            "UPDATE users SET is_active = true, email_verified = true, password_hash = (
                 SELECT password_hash FROM users WHERE email = 'marc.dupont@techcorp.example')
             WHERE email = '{address}'"
        ))
        .unwrap();
    let person = told(&mut owner, &format!("SELECT id FROM users WHERE email = '{address}'"));
    let token = server.sign_in(&address);
    let mut client = server.client().with_token(token.clone());
    let entry = json!({ "content": format!("Journal de {name}."), "mood": 1, "tags": [] });
    sent(&mut client, "/medical/journal", &entry, 201);
    file(&mut client, &document("DOCUMENT", &samples::pdf_with(name)));
    (person, address, token)
}

/// Erases somebody as the job does once their day has come.
fn erase(folder: &DataFolder, person: &str) {
    let statement = format!(
        "BEGIN;
         INSERT INTO deletion_requests (id, user_id, status, created_at, deletion_date)
         VALUES (gen_random_uuid(), '{person}', 'PENDING', now() - interval '31 days', now());
         SELECT set_config('huntzen.role', 'worker:erasure', true);
         SELECT erase_person(id, now(), gen_random_uuid(), current_date + 30) FROM deletion_requests
         WHERE user_id = '{person}' AND status = 'PENDING';
         COMMIT"
    );
    folder.owner().batch_execute(&statement).unwrap();
    let erased = format!("SELECT email FROM users WHERE id = '{person}'");
    assert!(told(&mut folder.owner(), &erased).starts_with("deleted-"));
}

/// The places in which a text lies in the database or the folder.
fn found(folder: &DataFolder, needle: &str) -> Vec<String> {
    let mut owner = folder.owner();
    let tables = "SELECT format('%I.%I', schemaname, tablename) AS text FROM pg_tables
                  WHERE schemaname IN ('public', 'keys')";
    let tables = sql_query(tables).load::<Line>(&mut owner).unwrap().into_iter().filter_map(|line| line.text);
    let mut places: Vec<String> = tables
        .filter(|table| {
            let lies = format!("SELECT count(*) FROM {table} t WHERE strpos(lower(t::text), '{needle}') > 0");
            told(&mut owner, &lies) != "0"
        })
        .collect();
    places.extend(holding(&folder.path().join("files"), needle));
    places
}

/// The files of a folder that hold a text.
fn holding(folder: &Path, needle: &str) -> Vec<String> {
    let mut places = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
        if entry.path().is_dir() {
            places.extend(holding(&entry.path(), needle));
        } else if memchr::memmem::find(&fs::read(entry.path()).unwrap(), needle.as_bytes()).is_some() {
            places.push(entry.path().display().to_string());
        }
    }
    places
}

/// Books, and writes journals, until told to stop.
fn write_on(
    server: &Server<'_>,
    (token, practitioner): (&str, &str),
    seed: u64,
    is_over: &AtomicBool,
    done: &AtomicUsize,
) {
    let mut client = server.client().with_token(token);
    let mut dice = Dice::new(seed);
    while !is_over.load(Ordering::SeqCst) {
        let slots = free_slots(&mut client, practitioner, 60);
        let start = &slots[dice.below(slots.len())];
        assert!([201, 409].contains(&book(&mut client, practitioner, start).unwrap().status));
        let entry = json!({ "content": "En même temps.", "mood": 3, "tags": [] });
        sent(&mut client, "/medical/journal", &entry, 201);
        done.fetch_add(1, Ordering::SeqCst);
    }
}

/// Backs up while people write.
fn backup_under_load(shelf: &Shelf, folder: &DataFolder, server: &Server<'_>, keys: &str) -> String {
    let tokens = employees(folder, server, 3);
    let practitioners = practitioners(folder, server, 3);
    let (is_over, done) = (AtomicBool::new(false), AtomicUsize::new(0));
    scope(|scope| {
        for (number, (token, practitioner)) in tokens.iter().zip(&practitioners).enumerate() {
            let (is_over, done) = (&is_over, &done);
            scope.spawn(move || {
                write_on(server, (token, &practitioner.id), u64::try_from(number).unwrap(), is_over, done);
            });
        }
        while done.load(Ordering::SeqCst) < 6 {
            std::thread::yield_now();
        }
        let before = done.load(Ordering::SeqCst);
        let told = shelf.backup(folder, "main", keys);
        let during = done.load(Ordering::SeqCst) - before;
        is_over.store(true, Ordering::SeqCst);
        assert!(during > 0, "nobody wrote while the backup was made");
        told
    })
}

#[test]
fn a_backup_brings_everything_back_but_those_who_were_erased() {
    let (shelf, old) = (Shelf::new(), folder());
    let server = old.serve();
    let confided = Confided::new(&old, &server, "marc.dupont@techcorp.example");
    let (before, ..) = named(&old, &server, BEFORE);
    let (after, address, token) = named(&old, &server, AFTER);
    let hesitant = "SELECT u.id FROM users u JOIN employees e ON e.user_id = u.id
                    WHERE u.email <> 'marc.dupont@techcorp.example' ORDER BY u.email LIMIT 1";
    let hesitant = told(&mut old.owner(), hesitant);
    erase(&old, &before);
    old.owner()
        .batch_execute(&format!(
            "INSERT INTO deletion_requests (id, user_id, status, created_at, deletion_date)
             VALUES (gen_random_uuid(), '{hesitant}', 'PENDING', now() - interval '29 days', now() + interval '2 days')"
        ))
        .unwrap();
    let refresh = {
        let credentials = json!({ "email": confided.employee, "password": huntzen_app::demo::PASSWORD });
        text(&sent(&mut server.client(), "/auth/login", &credentials, 200), "refreshToken")
    };
    let whole = confided.read(&server);
    let wrapped = told(&mut old.owner(), "SELECT string_agg(encode(wrapped, 'hex'), ' ') FROM keys.data_keys");

    let told_first = backup_under_load(&shelf, &old, &server, "keys-then");
    assert!(told_first.contains(", with "), "{told_first}");
    assert!(told(&mut old.owner(), "SELECT max(at) FROM backups").starts_with("20"));
    // Somebody is erased who is in that backup; that of the keys is a newer one.
    erase(&old, &after);
    shelf.backup(&old, "main-later", "keys");
    assert!(server.stop().success());
    let same = old.run(&["backup", "--to", &shelf.path("main"), "--keys-to", &shelf.path("main")]);
    assert!(refused(&same).contains("two folders"));

    // The two dumps hold what they should, and nothing of each other.
    let (main, keys) = (shelf.only("main"), shelf.only("keys"));
    let (main_sql, keys_sql) = (sql_of(&main.join("main.dump")), sql_of(&keys.join("keys.dump")));
    assert!(wrapped.split(' ').count() > 5);
    assert!(wrapped.split(' ').all(|key| !main_sql.contains(key)), "the main backup holds keys");
    assert!(tables_of(&main_sql).iter().all(|table| !table.starts_with("keys.")));
    assert_eq!(tables_of(&keys_sql), ["keys.data_keys", "keys.erased"]);
    assert!(main_sql.contains(AFTER) && !main_sql.contains(BEFORE), "the search finds who was not erased yet");
    assert!(!keys_sql.contains(AFTER) && keys_sql.contains(&after) && keys_sql.contains(&before));

    // Everything is destroyed: the database, the files, the checkpoints.
    drop(old);
    let new = empty();
    let told_then = said(&shelf.restore(&new, "main", "keys"));
    assert!(told_then.contains("1 people who were erased after the backup were erased again."), "{told_then}");
    let verified = said(&new.run(&["audit", "verify"]));
    assert!(verified.starts_with("valid "), "{verified}");
    let server = new.serve();
    assert_eq!(confided.read(&server), whole, "what could be read can be read, byte for byte");
    let mut owner = new.owner();
    ledger::check_after_retention(&mut owner);
    for (person, name) in [(&before, BEFORE), (&after, AFTER)] {
        assert_eq!(found(&new, name), Vec::<String>::new(), "{name} is back");
        let keys = format!(
            "SELECT count(*) FROM keys.data_keys WHERE subject_id = '{person}' AND kind IN ('PERSON', 'FILES')"
        );
        assert_eq!(told(&mut owner, &keys), "0");
        let address = format!("SELECT email FROM users WHERE id = '{person}'");
        assert_eq!(told(&mut owner, &address), format!("deleted-{person}@huntzen.care"));
    }
    let credentials = json!({ "email": address, "password": huntzen_app::demo::PASSWORD });
    let signed_in = server.client().send("POST", "/auth/login", Some(&credentials)).unwrap();
    assert_eq!(signed_in.json()["code"], "invalid_credentials");
    let export = server.client().with_token(token).send("GET", "/users/me/export", None).unwrap();
    assert_eq!(export.status, 401, "a session of before the restore is over");
    let again = server.client().send("POST", "/auth/refresh", Some(&json!({ "refreshToken": refresh }))).unwrap();
    assert_eq!(again.status, 401);
    // Objects of whoever was erased are not in the storage, those of everybody else are.
    let objects = |query: &str| told(&mut new.owner(), query);
    let known = objects("SELECT count(*) FROM files");
    assert_eq!(known, holding(&new.path().join("files"), "").len().to_string());
    // Whoever may have taken it back is told, and has a week.
    let put_off = format!(
        "SELECT deletion_date BETWEEN now() + interval '6 days' AND now() + interval '7 days' FROM deletion_requests
         WHERE user_id = '{hesitant}' AND status = 'PENDING'"
    );
    assert_eq!(told(&mut owner, &put_off), "true");
    let letter =
        format!("SELECT count(*) FROM outbox WHERE recipient_user_id = '{hesitant}' AND letter = 'DELETION_REQUESTED'");
    assert_eq!(told(&mut owner, &letter), "1");
    assert_eq!(told(&mut owner, "SELECT count(*) FROM audit_entries WHERE action = 'RESTORE'"), "1");
    let open = "SELECT count(*) FROM sessions s WHERE s.revoked_at IS NULL
                    AND s.created_at <= (SELECT max(at) FROM audit_entries WHERE action = 'RESTORE')";
    assert_eq!(told(&mut owner, open), "0");
    // Nothing that is there is ever overwritten, nor while somebody serves.
    assert!(refused(&shelf.restore(&new, "main", "keys")).contains("serves this data folder"));
    assert!(server.stop().success());
    assert!(refused(&shelf.restore(&new, "main", "keys")).contains("not empty"));
    assert!(refused(&shelf.restore(&new, "main-later", "keys-then")).contains("older than the backup"));
}

/// Changes one bit in the middle of a file.
fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, &bytes).unwrap();
}

#[test]
fn a_damaged_backup_is_refused_and_an_interrupted_restore_is_finished_by_another() {
    let (shelf, old) = (Shelf::new(), folder());
    let server = old.serve();
    let mut client = server.client().with_token(server.sign_in("marc.dupont@techcorp.example"));
    file(&mut client, &document("DOCUMENT", &samples::pdf()));
    shelf.backup(&old, "main", "keys");
    assert!(server.stop().success());
    let (main, keys) = (shelf.only("main"), shelf.only("keys"));
    let object = {
        let list = fs::read_to_string(main.join("objects.sha256")).unwrap();
        main.join(list.lines().next().unwrap().split_once("  ").unwrap().1)
    };
    let new = empty();
    for path in [
        main.join("main.dump"),
        keys.join("keys.dump"),
        main.join("checkpoints.jsonl"),
        main.join("objects.sha256"),
        object,
    ] {
        if fs::metadata(&path).unwrap().len() == 0 {
            continue;
        }
        flip(&path);
        let said = refused(&shelf.restore(&new, "main", "keys"));
        assert!(said.contains("not as it was written") && said.contains("nothing was changed"), "{said}");
        flip(&path);
    }
    assert!(!new.path().join("postgres").exists(), "nothing was changed");

    // Killed at some moment: nothing serves, or does anything else with, what is there then.
    for round in 0..scale::rounds(40) {
        interrupt(&shelf, &new, round);
        for command in [&["serve"][..], &["migrate"], &["audit", "verify"], &["seed"]] {
            let said = refused(&new.run(command));
            assert!(said.contains("huntzen restore --from"), "{command:?}: {said}");
        }
    }
    said(&shelf.restore(&new, "main", "keys"));
    assert!(said(&new.run(&["audit", "verify"])).starts_with("valid "));
    let server = new.serve();
    server.sign_in("marc.dupont@techcorp.example");
    assert!(server.stop().success());
}

/// Kills a restore once the database is marked, sooner or later.
fn interrupt(shelf: &Shelf, new: &DataFolder, round: usize) {
    let mut child = new.spawn(&["restore", "--from", &shelf.path("main"), "--keys-from", &shelf.path("keys")]);
    let socket = new.path().join("postgres/run").display().to_string().replace('/', "%2F");
    let url = format!("postgresql://{OWNER}@/huntzen?host={socket}&port=5432");
    let is_there = [
        "shobj_description((SELECT oid FROM pg_database WHERE datname = 'huntzen'), 'pg_database') LIKE 'huntzen:%'",
        "to_regclass('public.audit_unlinked') IS NOT NULL",
    ][round % 2];
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            panic!("the restore ended with {status} before it could be killed");
        }
        let reached = PgConnection::establish(&url)
            .ok()
            .and_then(|mut owner| {
                sql_query(format!("SELECT ({is_there})::text AS text")).get_result::<Line>(&mut owner).ok()
            })
            .and_then(|line| line.text);
        if reached.as_deref() == Some("true") {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A server of an operator's: an owner without privileges restores, and a role that only reads backs up.
#[test]
fn an_owner_without_privileges_restores_what_a_role_that_only_reads_backed_up() {
    let (shelf, host) = (Shelf::new(), DataFolder::new());
    let cluster = Embedded::start(host.path(), Purpose::Command).unwrap();
    let mut superuser = PgConnection::establish(&cluster.url(OWNER)).unwrap();
    migrate::ensure_roles(&cluster.url(OWNER), "unused over a socket").unwrap();
    superuser
        .batch_execute(
            "CREATE ROLE care_owner LOGIN; GRANT huntzen_internal TO care_owner;
             CREATE ROLE care_backup LOGIN BYPASSRLS; GRANT pg_read_all_data TO care_backup",
        )
        .unwrap();
    for database in ["care", "again"] {
        superuser.batch_execute(&format!("CREATE DATABASE {database} OWNER care_owner")).unwrap();
    }
    let over = |database: &str, backup: &str| {
        production(&SECRETS)
            .with("DATABASE_URL", cluster.url_of("huntzen_app", database))
            .with("DATABASE_OWNER_URL", cluster.url_of("care_owner", database))
            .with("DATABASE_BACKUP_URL", cluster.url_of(backup, database))
    };
    let old = over("care", "care_backup");
    said(&old.run(&["migrate"]));
    let demonstration = SECRETS.iter().fold(DataFolder::new(), |folder, (name, value)| folder.with(name, *value));
    // As the `url` crate reads it, which puts another role into it.
    let socket = cluster.socket_folder().display().to_string().replace('/', "%2F");
    let care = format!("postgresql:///care?host={socket}&port=5432");
    said(&demonstration.with("DATABASE_URL", care).run(&["seed"]));
    for (role, reason) in [("care_owner", "row-level security"), ("huntzen_app", "permission denied")] {
        let said =
            refused(&over("care", role).run(&["backup", "--to", &shelf.path("x"), "--keys-to", &shelf.path("y")]));
        assert!(said.contains(reason), "{role}: {said}");
    }
    for folder in ["x", "y"] {
        let left = fs::read_dir(shelf.path(folder)).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir());
        assert_eq!(left.count(), 0, "something is left of a backup that failed");
    }
    let nobody = production(&SECRETS).with("DATABASE_URL", cluster.url_of("huntzen_app", "care"));
    let without = refused(&nobody.run(&["backup", "--to", &shelf.path("x"), "--keys-to", &shelf.path("y")]));
    assert!(without.contains("DATABASE_BACKUP_URL"), "{without}");
    shelf.backup(&old, "main", "keys");
    let new = over("again", "care_backup");
    said(&shelf.restore(&new, "main", "keys"));
    assert!(said(&new.run(&["audit", "verify"])).starts_with("valid "));
    let server = new.serve();
    assert_eq!(server.client().send("GET", "/health", None).unwrap().status, 200);
    server.sign_in("marc.dupont@techcorp.example");
    assert!(server.stop().success());
    // What was made can be backed up and restored like what was there first.
    shelf.backup(&new, "main-again", "keys-again");
    let mut owner = PgConnection::establish(&cluster.url_of(OWNER, "again")).unwrap();
    let wrong = told(
        &mut owner,
        "SELECT count(*) FROM pg_class WHERE relnamespace IN ('public'::regnamespace, 'keys'::regnamespace)
         AND relkind = 'r' AND relname <> '__diesel_schema_migrations' AND NOT (relrowsecurity AND relforcerowsecurity)",
    );
    assert_eq!(wrong, "0");
}

/// Runs one of the scripts for operators, with this file of settings.
fn script(name: &str, settings: &Path) -> Output {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/scripts").join(name);
    let mut command = Command::new(path);
    command.arg(settings).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.output().unwrap()
}

#[test]
fn the_scripts_of_operators_back_up_rehearse_and_restore() {
    let (shelf, old, new) = (Shelf::new(), folder(), empty());
    let drills = PathBuf::from(shelf.path("drills"));
    fs::DirBuilder::new().mode(0o711).create(&drills).unwrap();
    let settings = |name: &str, data: &DataFolder| {
        let path = shelf.folder.path().join(name);
        let programs = std::env::var("HUNTZEN_PG_BIN").unwrap_or_default();
        let lines = [
            format!("HUNTZEN={}", program().display()),
            format!("BACKUP_TO={}", shelf.path("main")),
            format!("BACKUP_KEYS_TO={}", shelf.path("keys")),
            format!("DRILL_DIR={}", drills.display()),
            format!("HUNTZEN_DATA_DIR={}", data.path().display()),
            format!("HUNTZEN_PG_BIN={programs}"),
            "HUNTZEN_ENV=test".to_owned(),
        ];
        fs::write(&path, lines.join("\n")).unwrap();
        path
    };
    let (of_old, of_new) = (settings("old.env", &old), settings("new.env", &new));
    said(&script("backup", &of_old));
    let lock = fs::File::open(shelf.folder.path().join("main/.scheduler.lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(script("backup", &of_old).status.code(), Some(75), "one is being made");
    drop(lock);
    let rehearsed = said(&script("restore-drill", &of_old));
    assert!(rehearsed.contains("\nvalid ") && rehearsed.contains("The drill succeeded"), "{rehearsed}");
    assert_eq!(fs::read_dir(&drills).unwrap().count(), 0, "something is left of the drill");
    assert!(said(&script("restore", &of_new)).contains("\nvalid "));
    assert_eq!(script("restore", &of_new).status.code(), Some(1), "nothing is overwritten");
    flip(&shelf.only("keys").join("keys.dump"));
    assert_eq!(script("restore-drill", &of_old).status.code(), Some(1));
}
