//! Notes and journals: what is sealed, beside the bare statements and the bare cipher.
use std::time::{Duration, Instant};

use huntzen_tenancy::{
    ids::UserId,
    sealing::{KeySubject, Place},
};
use serde_json::{Value, json};

use super::{
    super::{
        capture::{Log, Statements},
        clients::{Request, Seen},
        dataset::{self, Kind, id},
        table::{say, shown},
    },
    Bench, Captured, ask, get,
};
use crate::{server::Server, world::vault};

/// Entries of a journal.
const ENTRIES: usize = 100;
/// How often the cipher alone opens them.
const TIMES: u32 = 200;
const JOURNAL: &str = "/journal?limit=100";
/// About as much as people write at once.
const SENTENCE: &str = "Je dors mieux depuis que je marche une demi-heure chaque matin. ";

fn content() -> String {
    SENTENCE.repeat(6)
}

impl Bench<'_> {
    fn note_request(&self, client: usize) -> Request {
        let consultation = id(Kind::Ahead, (client + 1) * 100);
        let body = json!({ "consultationId": consultation, "kind": "RECORD", "content": content() });
        Request {
            token: self.practitioners[client].clone(),
            method: "POST",
            path: "/clinical-notes".to_owned(),
            body: Some(body),
        }
    }

    /// What a note says to the database, once there is a key for its patient.
    pub(super) fn capture_note(&self, server: &Server<'_>, log: &Log) -> Statements {
        let write = || {
            let (status, answer) = ask(server, &self.note_request(0));
            assert_eq!(status, 201, "{answer}");
        };
        write();
        log.during(write)
    }

    /// What a journal of a hundred entries says to the database.
    pub(super) fn capture_journal(&self, server: &Server<'_>, log: &Log) -> Statements {
        self.keep_journal(server, 0);
        let read = || self.read_journal(server, 0);
        read();
        log.during(read)
    }

    fn read_journal(&self, server: &Server<'_>, client: usize) {
        let (status, part) = ask(server, &get(&self.employees[client], JOURNAL));
        assert_eq!((status, part["items"].as_array().map(Vec::len)), (200, Some(ENTRIES)));
    }

    fn keep_journal(&self, server: &Server<'_>, client: usize) {
        let body = json!({ "content": content(), "mood": 4, "tags": ["sommeil", "marche"] });
        let entry = Request {
            token: self.employees[client].clone(),
            method: "POST",
            path: "/journal".to_owned(),
            body: Some(body),
        };
        for _ in 0..ENTRIES {
            assert_eq!(ask(server, &entry).0, 201);
        }
    }

    fn list(&self, server: &Server<'_>, clients: usize) -> Seen {
        self.measure(server, clients, |client, _| Some(get(&self.employees[client], JOURNAL)), 200)
    }

    pub(super) fn notes(&mut self, server: &Server<'_>, captured: &Captured) {
        if !self.options.wants("note") {
            return;
        }
        let clients = self.options.clients;
        let seen = self.measure(server, clients, |client, _| Some(self.note_request(client)), 201);
        let limit = self.limit(&captured.note, clients, 3_000_000);
        self.push_rates("write a clinical note", &seen, limit, captured.note.round_trips.len(), "0.5");
    }

    pub(super) fn journals(&mut self, server: &Server<'_>, captured: &Captured) {
        if !self.options.wants("journal") {
            return;
        }
        let clients = self.options.clients;
        say("preparing a hundred entries in each journal");
        (1..clients).for_each(|client| self.keep_journal(server, client));
        let (seen, alone) = (self.list(server, clients), self.list(server, 1));
        let limit = self.limit(&captured.journal, clients, 0);
        self.push_rates("list 100 journal entries", &seen, limit, captured.journal.round_trips.len(), "1,000/s");
        let opening = opening();
        let ratio = format!("{:.2}", opening.as_secs_f64() / alone.median.as_secs_f64());
        let limit = format!("{} (the request, 1 client)", shown(alone.median));
        self.push("opening these entries, computed", shown(opening), limit, "0.2 of the request", ratio);
    }
}

/// How long the cipher alone takes for the texts, moods and tags of a journal.
fn opening() -> Duration {
    let vault = vault(dataset::RING);
    let key = vault.generate(id(Kind::Rule, 1), KeySubject::Person(UserId(id(Kind::EmployeeUser, 1)))).unwrap();
    let place = Place::new("journal_entries", "content", id(Kind::Rule, 1));
    let tags = Value::from(["sommeil", "marche"].as_slice()).to_string();
    let sealed = [content(), "4".to_owned(), tags].map(|text| vault.seal(&key, &place, text.as_bytes()).unwrap());
    let began = Instant::now();
    for _ in 0..TIMES {
        let key = vault.unlock(&key).unwrap();
        for one in sealed.iter().cycle().take(sealed.len() * ENTRIES) {
            std::hint::black_box(key.open(&place, one).unwrap());
        }
    }
    began.elapsed() / TIMES
}
