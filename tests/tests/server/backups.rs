//! Backups that are not made, and restores that are refused: what lacks something, is damaged, or does not
//! belong together.
use std::{
    fs,
    path::PathBuf,
    thread::sleep,
    time::{Duration, Instant},
};

use diesel::{Connection, PgConnection, RunQueryDsl, connection::SimpleConnection, sql_query};
use huntzen_adapter_diesel::migrate;
use huntzen_app::embedded::{Embedded, OWNER, Purpose};
use huntzen_tests::{api::forms::document, samples, scale, server::DataFolder};

use crate::{
    refusal::{SECRETS, production},
    shelf::{Line, Shelf, empty, erase, file, flip, folder, found, lose_an_object, named, refused, said, told},
};

/// Another ring than that of the environment, under the same id.
const OTHER_RING: &str = "1:0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";

/// Backups of the wrong data folder, or of one whose files are not mounted, night after night.
#[test]
fn a_backup_without_files_or_checkpoints_is_none_and_deletes_none() {
    let (shelf, old) = (Shelf::new(), folder());
    let server = old.serve();
    let mut client = server.client().with_token(server.sign_in("marc.dupont@techcorp.example"));
    file(&mut client, &document("DOCUMENT", &samples::pdf()));
    file(&mut client, &document("DOCUMENT", &samples::long_pdf(50_000)));
    shelf.backup(&old, "main", "keys");
    let taken = "SELECT count(*) FROM audit_entries e JOIN backups b ON b.id = e.resource_id
                 WHERE e.action = 'EXPORT' AND e.resource = 'BACKUP'";
    assert_eq!(told(&mut old.owner(), taken), "1", "it is in the trail that everything left");
    let backup = || old.run(&["backup", "--to", &shelf.path("main"), "--keys-to", &shelf.path("keys")]);
    let none_is_kept = |output, reason: &str| {
        let said = refused(&output);
        assert!(said.contains(reason), "{said}");
        assert_eq!((shelf.all("main").len(), shelf.all("keys").len()), (1, 1), "something is left of it");
        let recorded = "SELECT count(*) FROM audit_entries WHERE action = 'EXPORT' AND resource = 'BACKUP'
                        AND NOT EXISTS (SELECT FROM backups WHERE id = resource_id)";
        assert_ne!(told(&mut old.owner(), recorded), "0", "one that failed is recorded as finished");
    };
    let (files, away) = (old.path().join("files"), old.path().join("files.away"));
    fs::rename(&files, &away).unwrap();
    none_is_kept(backup(), "2 files of the database have no bytes");
    let elsewhere = ["backup", "--without-files", "--to", &shelf.path("main-x"), "--keys-to", &shelf.path("keys-x")];
    assert!(said(&old.run(&elsewhere)).contains("without the bytes of files"), "on demand they are left out");
    fs::remove_dir(&files).unwrap();
    fs::rename(&away, &files).unwrap();
    shelf.backup(&old, "main-y", "keys-y");
    let object = {
        let list = fs::read_to_string(shelf.only("main-y").join("objects.sha256")).unwrap();
        files.join(list.lines().next().unwrap().split_once("  objects/").unwrap().1)
    };
    fs::rename(&object, &away).unwrap();
    none_is_kept(backup(), "1 files of the database have no bytes");
    fs::rename(&away, &object).unwrap();

    // What was recorded long ago, as the demonstration has it, was signed long ago.
    let begun = Instant::now();
    while told(&mut old.owner(), "SELECT count(*) FROM audit_links") == "0" {
        assert!(begun.elapsed() < Duration::from_mins(1), "nothing is linked");
        sleep(Duration::from_millis(50));
    }
    // A program that runs would sign it anew.
    assert!(server.stop().success());
    let _ = fs::remove_dir_all(old.path().join("audit"));
    let said = refused(&backup());
    assert!(said.contains("holds no checkpoint"), "{said}");
    assert_eq!((shelf.all("main").len(), shelf.all("keys").len()), (1, 1), "something is left of it");
}

/// What a certificate promises holds on the day on which nothing else works.
#[test]
fn keys_are_deleted_on_their_day_also_when_nothing_else_can_be_done() {
    let shelf = Shelf::new();
    let expired = shelf.folder.path().join("keys/20200101T023500.000Z");
    fs::create_dir_all(&expired).unwrap();
    let folder = production(&SECRETS).with("DATABASE_URL", "postgres://huntzen_app:x@127.0.0.1:1/huntzen");
    let output = folder.run(&["backup", "--to", "/dev/null/main", "--keys-to", &shelf.path("keys")]);
    refused(&output);
    assert!(String::from_utf8_lossy(&output.stdout).contains("20200101T023500.000Z"));
    assert_eq!(shelf.all("keys"), Vec::<PathBuf>::new());
    // One folder for both is refused before anything of it is deleted.
    fs::create_dir_all(&expired).unwrap();
    refused(&folder.run(&["backup", "--to", &shelf.path("keys"), "--keys-to", &shelf.path("keys")]));
    assert_eq!(shelf.all("keys"), [expired]);
}

/// The disk of the database dies in the evening: of whoever was erased since the night's backup, and has a
/// letter that says so, the ledger knows.
#[test]
fn whoever_was_erased_after_the_last_backup_stays_erased_where_the_ledger_is_at_hand() {
    let (shelf, new) = (Shelf::new(), empty());
    let old = folder().with("HUNTZEN__JOBS__ERASURE", "* * * * *");
    let server = old.serve();
    let (by_job, ..) = named(&old, &server, "zaunkoenig");
    let (by_another, ..) = named(&old, &server, "kleiber");
    shelf.backup(&old, "main", "keys");
    let ledger = old.path().join("audit/erased.jsonl");
    assert!(!ledger.exists());
    // Another node erases, and is killed before it can write.
    erase(&old, &by_another);
    let due = format!(
        "INSERT INTO deletion_requests (id, user_id, status, created_at, deletion_date)
         VALUES (gen_random_uuid(), '{by_job}', 'PENDING', now() - interval '31 days', now())"
    );
    old.owner().batch_execute(&due).unwrap();
    let begun = Instant::now();
    while !fs::read_to_string(&ledger).unwrap_or_default().ends_with('\n') {
        assert!(begun.elapsed() < Duration::from_mins(3), "nobody is in the ledger");
        sleep(Duration::from_millis(100));
    }
    let known = fs::read_to_string(&ledger).unwrap();
    assert!(known.contains(&by_job) && !known.contains(&by_another) && !known.contains("zaunkoenig"), "{known}");
    shelf.backup(&old, "main-later", "keys-later");
    let known = fs::read_to_string(&ledger).unwrap();
    assert!(known.contains(&by_job) && known.contains(&by_another) && known.lines().count() == 2, "{known}");
    assert!(server.stop().success());

    let kept = shelf.path("erased.jsonl");
    fs::copy(&ledger, &kept).unwrap();
    let (main, keys) = (shelf.path("main"), shelf.path("keys"));
    let restore = ["restore", "--from", &main, "--keys-from", &keys, "--erased"];
    let absent = shelf.path("absent.jsonl");
    assert!(refused(&new.run(&[&restore[..], &[&absent]].concat())).contains("absent.jsonl"));
    let restored = said(&new.run(&[&restore[..], &[&kept]].concat()));
    assert!(restored.contains("2 people who were erased after the backup were erased again."), "{restored}");
    assert!(restored.contains("2 of all who were ever erased were known to the ledger"), "{restored}");
    let server = new.serve();
    for name in ["zaunkoenig", "kleiber"] {
        assert_eq!(found(&new, name), Vec::<String>::new(), "{name} is back");
    }
    assert!(server.stop().success());
}

/// Files without bytes do not keep the rest from coming back, and are told of by a code of their own.
#[test]
fn a_restore_without_the_bytes_of_a_file_says_so() {
    let (shelf, old, new) = (Shelf::new(), folder(), empty());
    let server = old.serve();
    let mut client = server.client().with_token(server.sign_in("marc.dupont@techcorp.example"));
    file(&mut client, &document("DOCUMENT", &samples::pdf()));
    file(&mut client, &document("DOCUMENT", &samples::long_pdf(50_000)));
    shelf.backup(&old, "main", "keys");
    assert!(server.stop().success());
    let lost = lose_an_object(&shelf.only("main"), &old);
    let output = shelf.restore(&new, "main", "keys");
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("1 files were copied") && told.contains("1 files have no bytes") && told.contains(&lost));
    assert!(String::from_utf8_lossy(&output.stderr).contains("all is restored but the bytes of 1 files"));
    assert!(said(&new.run(&["audit", "verify"])).starts_with("valid "));
    let server = new.serve();
    server.sign_in("marc.dupont@techcorp.example");
    assert!(server.stop().success());
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
    for manifest in [main.join("manifest.json"), keys.join("manifest.json")] {
        let whole = fs::read(&manifest).unwrap();
        fs::write(&manifest, &whole[..whole.len() / 2]).unwrap();
        let said = refused(&shelf.restore(&new, "main", "keys"));
        assert!(said.contains("manifest cannot be read") && said.contains("nothing was changed"), "{said}");
        fs::write(&manifest, whole).unwrap();
    }
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

    // A ring with the right id and other bytes opens nothing, and nobody works with it.
    let old = old.with("ENCRYPTION_KEYS", OTHER_RING);
    let elsewhere = empty().with("ENCRYPTION_KEYS", OTHER_RING);
    for output in [
        old.run(&["serve"]),
        old.run(&["backup", "--to", &shelf.path("main-other"), "--keys-to", &shelf.path("keys-other")]),
        shelf.restore(&elsewhere, "main", "keys"),
    ] {
        let said = refused(&output);
        assert!(said.contains("ENCRYPTION_KEYS names other bytes for the master key 1"), "{said}");
    }
    assert!(refused(&elsewhere.run(&["serve"])).contains("huntzen restore --from"), "it is not restored");

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
    for database in ["care", "again", "other"] {
        superuser.batch_execute(&format!("CREATE DATABASE {database} OWNER care_owner")).unwrap();
    }
    let over = |database: &str, backup: &str| {
        production(&SECRETS)
            .with("DATABASE_URL", cluster.url_of("huntzen_app", database))
            .with("DATABASE_OWNER_URL", cluster.url_of("care_owner", database))
            .with("DATABASE_BACKUP_URL", cluster.url_of(backup, database))
    };
    let old = over("care", "care_backup");
    let other = over("other", "care_backup");
    said(&old.run(&["migrate"]));
    said(&other.run(&["migrate"]));
    let demonstration = SECRETS.iter().fold(DataFolder::new(), |folder, (name, value)| folder.with(name, *value));
    // As the `url` crate reads it, which puts another role into it.
    let socket = cluster.socket_folder().display().to_string().replace('/', "%2F");
    let care = format!("postgresql:///care?host={socket}&port=5432");
    said(&demonstration.with("DATABASE_URL", care).run(&["seed"]));
    for (role, reason) in [("care_owner", "row-level security"), ("huntzen_app", "row-level security")] {
        let said =
            refused(&over("care", role).run(&["backup", "--to", &shelf.path("x"), "--keys-to", &shelf.path("y")]));
        assert!(said.contains(reason), "{role}: {said}");
    }
    // Another database than the one that is served, as an old primary would be.
    let wrong = over("care", "care_backup").with("DATABASE_BACKUP_URL", cluster.url_of("care_backup", "other"));
    let said_of_it = refused(&wrong.run(&["backup", "--to", &shelf.path("x"), "--keys-to", &shelf.path("y")]));
    assert!(said_of_it.contains("lacks what was just written over DATABASE_URL"), "{said_of_it}");
    for folder in ["x", "y"] {
        assert_eq!(shelf.all(folder), Vec::<PathBuf>::new(), "something is left of a backup that failed");
    }
    let nobody = production(&SECRETS).with("DATABASE_URL", cluster.url_of("huntzen_app", "care"));
    let without = refused(&nobody.run(&["backup", "--to", &shelf.path("x"), "--keys-to", &shelf.path("y")]));
    assert!(without.contains("DATABASE_BACKUP_URL"), "{without}");
    shelf.backup(&old, "main", "keys");
    shelf.backup(&other, "main-other", "keys-other");
    // Any of several hosts, as an operator of several servers names them.
    let hosts = format!("{socket}:5432,{socket}:5432");
    let new = over("again", "care_backup").with(
        "DATABASE_OWNER_URL",
        format!("postgresql://care_owner:unused@{hosts}/again?target_session_attrs=read-write"),
    );
    let mixed = refused(&shelf.restore(&new, "main", "keys-other"));
    assert!(mixed.contains("of another installation"), "{mixed}");
    let no_url = over("again", "care_backup").with("DATABASE_OWNER_URL", "host=db user=care_owner password=unused");
    assert!(refused(&shelf.restore(&no_url, "main", "keys")).contains("DATABASE_OWNER_URL is not a postgres:// URL"));
    let node = PgConnection::establish(&cluster.url_of("huntzen_app", "again")).unwrap();
    let in_use = refused(&shelf.restore(&new, "main", "keys"));
    assert!(in_use.contains("connected to this database as huntzen_app"), "{in_use}");
    let mark = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'again'";
    assert_eq!(told(&mut superuser, mark), "", "it is as it was found");
    drop(node);
    said(&shelf.restore(&new, "main", "keys"));
    assert!(said(&new.run(&["audit", "verify"])).starts_with("valid "));
    let program = new.serve();
    assert_eq!(program.client().send("GET", "/health", None).unwrap().status, 200);
    program.sign_in("marc.dupont@techcorp.example");
    assert!(program.stop().success());
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
