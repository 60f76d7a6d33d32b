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

use diesel::connection::SimpleConnection;
use huntzen_tests::{
    api::forms::{Form, document},
    samples,
    server::{DataFolder, Server, program},
};
use serde_json::json;

use crate::{
    crowd::{Dice, book, employees, free_slots, practitioners, text},
    ledger,
    shelf::{
        Shelf, empty, erase, file, flip, folder, found, holding, lose_an_object, named, refused, said, sent, told,
    },
};

/// Part of what is known of whoever is erased.
const BEFORE: &str = "zaunkoenig";
const AFTER: &str = "kleiber";

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
    let settings = |name: &str, data: &DataFolder, main: &Path| {
        let path = shelf.folder.path().join(name);
        let programs = std::env::var("HUNTZEN_PG_BIN").unwrap_or_default();
        let lines = [
            format!("HUNTZEN={}", program().display()),
            format!("BACKUP_TO={}", main.display()),
            format!("BACKUP_KEYS_TO={}", shelf.path("keys")),
            format!("DRILL_DIR={}", drills.display()),
            format!("HUNTZEN_DATA_DIR={}", data.path().display()),
            format!("HUNTZEN_PG_BIN={programs}"),
            "HUNTZEN_ENV=test".to_owned(),
        ];
        fs::write(&path, lines.join("\n")).unwrap();
        path
    };
    let of_old = settings("old.env", &old, Path::new(&shelf.path("main")));
    let server = old.serve();
    let confided = Confided::new(&old, &server, "marc.dupont@techcorp.example");
    let (person, address, _) = named(&old, &server, AFTER);
    let whole = confided.read(&server);
    said(&script("backup", &of_old));
    let lock = fs::File::open(shelf.folder.path().join("main/.scheduler.lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(script("backup", &of_old).status.code(), Some(75), "one is being made");
    drop(lock);
    // Somebody is erased whom the first backup still holds; the keys of the second know.
    let first = shelf.only("main");
    erase(&old, &person);
    said(&script("backup", &of_old));
    assert!(server.stop().success());
    assert_eq!(shelf.all("main").len(), 2);

    let of_first = settings("first.env", &old, &first);
    for settings in [&of_old, &of_first] {
        let rehearsed = said(&script("restore-drill", settings));
        assert!(rehearsed.contains("\nvalid ") && rehearsed.contains("The drill succeeded"), "{rehearsed}");
        assert_eq!(fs::read_dir(&drills).unwrap().count(), 0, "something is left of the drill");
    }
    let of_new = settings("new.env", &new, &first);
    assert!(said(&script("restore", &of_new)).contains("\nvalid "));
    let server = new.serve();
    assert_eq!(confided.read(&server), whole);
    assert_eq!(found(&new, AFTER), Vec::<String>::new(), "{address} is back");
    assert!(server.stop().success());
    assert_eq!(script("restore", &of_new).status.code(), Some(1), "nothing is overwritten");

    // What is not there as it was is no success, of the rehearsal least of all.
    lose_an_object(&first, &new);
    let rehearsed = script("restore-drill", &of_first);
    assert_eq!(rehearsed.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&rehearsed.stdout).contains("1 files have no bytes"));
    flip(&shelf.all("keys")[1].join("keys.dump"));
    assert_eq!(script("restore-drill", &of_old).status.code(), Some(1));
}
