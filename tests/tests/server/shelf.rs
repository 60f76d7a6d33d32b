//! Backups on a shelf, and what the tests of them ask, write and destroy.
use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use diesel::{
    PgConnection, RunQueryDsl,
    connection::SimpleConnection,
    sql_query,
    sql_types::{Nullable, Text},
};
use huntzen_tests::{
    api::forms::{Form, document},
    client::Client,
    samples,
    server::{DataFolder, Server},
};
use serde_json::{Value, json};

use crate::crowd::text;

#[derive(diesel::QueryableByName)]
pub struct Line {
    #[diesel(sql_type = Nullable<Text>)]
    pub text: Option<String>,
}

pub fn told(owner: &mut PgConnection, query: &str) -> String {
    let line = sql_query(format!("SELECT ({query})::text AS text")).get_result::<Line>(owner).unwrap();
    line.text.unwrap_or_default()
}

pub fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn refused(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "it was not refused: {said}");
    said
}

/// The folders that backups go to.
pub struct Shelf {
    pub folder: DataFolder,
}

impl Shelf {
    pub fn new() -> Self {
        Self { folder: DataFolder::new() }
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    pub fn backup(&self, of: &DataFolder, main: &str, keys: &str) -> String {
        said(&of.run(&["backup", "--to", &self.path(main), "--keys-to", &self.path(keys)]))
    }

    pub fn restore(&self, into: &DataFolder, main: &str, keys: &str) -> Output {
        into.run(&["restore", "--from", &self.path(main), "--keys-from", &self.path(keys)])
    }

    /// The one backup in a folder.
    pub fn only(&self, name: &str) -> PathBuf {
        let mut found = self.all(name);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    /// All backups in a folder, oldest first, and whatever else is a folder there.
    pub fn all(&self, name: &str) -> Vec<PathBuf> {
        let found = fs::read_dir(self.path(name)).into_iter().flatten().map(|entry| entry.unwrap().path());
        let mut found: Vec<PathBuf> = found.filter(|path| path.is_dir()).collect();
        found.sort();
        found
    }
}

pub fn folder() -> DataFolder {
    DataFolder::seeded()
        .with("HUNTZEN__CHAT__OPEN_HOURS_BEFORE", "2160")
        .with("HUNTZEN__BOOKING__EARLY_START_MINUTES", "129600")
}

pub fn empty() -> DataFolder {
    DataFolder::new().with("HUNTZEN__CHAT__OPEN_HOURS_BEFORE", "2160")
}

pub fn sent(client: &mut Client, path: &str, body: &Value, status: u16) -> Value {
    let answer = client.send("POST", path, Some(body)).unwrap();
    assert_eq!(answer.status, status, "{path}: {}", answer.json());
    answer.json()
}

pub fn file(client: &mut Client, form: &Form) -> String {
    let sent = client.send_bytes("POST", "/files/upload", (&Form::media(), &form.bytes())).unwrap();
    assert_eq!(sent.status, 201, "{}", sent.json());
    text(&sent.json(), "url")
}

/// An employee whose name nobody else has, with something to hide; answers id, address and token.
pub fn named(folder: &DataFolder, server: &Server<'_>, name: &str) -> (String, String, String) {
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
pub fn erase(folder: &DataFolder, person: &str) {
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
pub fn found(folder: &DataFolder, needle: &str) -> Vec<String> {
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
pub fn holding(folder: &Path, needle: &str) -> Vec<String> {
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

/// Changes one bit in the middle of a file.
pub fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, &bytes).unwrap();
}

/// Takes an object that a data folder holds out of a backup, as if it had never been in it; answers its name. One that
/// the folder does not hold may be that of somebody who is erased, and is not missed.
pub fn lose_an_object(main: &Path, held: &DataFolder) -> String {
    let (list, manifest) = (main.join("objects.sha256"), main.join("manifest.json"));
    let lines = fs::read_to_string(&list).unwrap();
    let object = |line: &str| line.split_once("  objects/").unwrap().1.to_owned();
    let is_held = |line: &&str| held.path().join("files").join(object(line)).exists();
    let missing = lines.lines().find(is_held).unwrap();
    fs::remove_file(main.join("objects").join(object(missing))).unwrap();
    fs::write(&list, lines.replace(&format!("{missing}\n"), "")).unwrap();
    let mut said: Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
    said["files"].as_array_mut().unwrap().retain(|record| record["name"] != "objects.sha256");
    fs::write(&manifest, said.to_string()).unwrap();
    object(missing)
}
