//! Requests with a key, sent again to a server that died, or after connections that were cut: what was
//! acknowledged is told again to the byte, and nothing is done twice.
use std::{
    io::Write,
    net::TcpStream,
    sync::atomic::{AtomicUsize, Ordering},
    thread::{scope, sleep},
    time::{Duration, Instant},
};

use huntzen_tests::{
    api::forms::{Form, document},
    client::{Answer, Client},
    samples,
    scale::rounds,
    server::{DataFolder, Server, kill_at_once},
};
use serde_json::{Value, json};

use crate::crowd::{Dice, count, employees, free_slots, practitioners};

/// Acknowledged requests before the blow, at least.
const WRITES: usize = 10;
/// How long a server that died may hold a request of several parts.
const HELD: Duration = Duration::from_secs(30);

/// Something that a client has asked for: by which key, at which path, and what it was told.
struct Asked {
    key: String,
    path: String,
    body: Value,
    told: Option<Answer>,
}

impl Asked {
    fn send(&self, client: &mut Client) -> std::io::Result<Answer> {
        client.set_key(Some(&self.key));
        client.send("POST", &self.path, Some(&self.body))
    }
}

fn told_alike(again: &Answer, first: &Answer) {
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    for name in ["content-type", "location"] {
        assert_eq!(again.header(name), first.header(name));
    }
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
}

/// Books one slot after the other until the server is gone; every second time moves to the next one.
fn book_until_the_end(mut client: Client, practitioner: &str, run: &str, told: &AtomicUsize) -> Vec<Asked> {
    let slots = free_slots(&mut client, practitioner, 89);
    let mut asked: Vec<Asked> = Vec::new();
    for (number, slot) in slots.iter().enumerate() {
        let booked = asked.last().and_then(|last| last.told.as_ref()).filter(|_| number % 2 == 1);
        let (path, body) = match booked.and_then(|one| one.json()["id"].as_str().map(str::to_owned)) {
            Some(id) => (format!("/consultations/{id}/reschedule"), json!({ "scheduledAt": slot })),
            None => (
                "/consultations".to_owned(),
                json!({ "practitionerId": practitioner, "type": "VIDEO", "scheduledAt": slot, "reason": run }),
            ),
        };
        let mut one = Asked { key: format!("{run}-{number}"), path, body, told: None };
        let answer = one.send(&mut client);
        let is_over = answer.is_err();
        one.told = answer.ok().filter(|answer| answer.status < 500);
        asked.push(one);
        if is_over {
            break;
        }
        told.fetch_add(1, Ordering::SeqCst);
    }
    asked
}

#[test]
fn what_was_asked_of_a_server_that_died_is_done_once() {
    let folder = DataFolder::seeded();
    let mut server = folder.serve();
    let tokens = employees(&folder, &server, 4);
    let people = practitioners(&folder, &server, 4);
    let mut dice = Dice::new(14);
    let mut expected = count(&folder, "consultations");
    for round in 0..rounds(50) {
        let told = AtomicUsize::new(0);
        let asked: Vec<Vec<Asked>> = scope(|scope| {
            let (told, server) = (&told, &server);
            let running: Vec<_> = tokens
                .iter()
                .zip(&people)
                .enumerate()
                .map(|(number, (token, practitioner))| {
                    let client = server.client().with_token(token.clone());
                    let run = format!("{round}-{number}");
                    scope.spawn(move || book_until_the_end(client, &practitioner.id, &run, told))
                })
                .collect();
            let (begun, wanted) = (Instant::now(), WRITES + dice.below(WRITES));
            while told.load(Ordering::SeqCst) < wanted {
                assert!(begun.elapsed() < Duration::from_mins(2), "nothing goes on: {}", server.log());
                sleep(Duration::from_millis(1));
            }
            kill_at_once(i32::try_from(server.process()).unwrap());
            running.into_iter().map(|one| one.join().unwrap()).collect()
        });
        drop(server);
        server = folder.serve();
        for (token, asked) in tokens.iter().zip(&asked) {
            let mut client = server.client().with_token(token.clone());
            for one in asked {
                let again = one.send(&mut client).unwrap();
                match &one.told {
                    Some(first) => told_alike(&again, first),
                    // Nobody knows whether it was done; it is now, or refused for good.
                    None => assert!(again.status < 500, "{}", again.json()),
                }
                // Moves are answered with 200.
                expected += i64::from(again.status == 201);
                let third = one.send(&mut client).unwrap();
                told_alike(&third, &again);
            }
        }
        assert_eq!(count(&folder, "consultations"), expected, "round {round}");
    }
}

/// Sends a request and goes away without hearing the answer.
fn cut(server: &Server<'_>, token: &str, key: &str, path: &str, (media, body): (&str, &[u8])) {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: {key}\r\n\
         Content-Type: {media}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
}

#[test]
fn fifty_at_once_over_cut_connections_do_it_once() {
    let folder = DataFolder::seeded();
    let server = folder.serve();
    let token = employees(&folder, &server, 1).remove(0);
    let practitioner = practitioners(&folder, &server, 1).remove(0);
    let mut client = server.client().with_token(token.clone());
    let slot = free_slots(&mut client, &practitioner.id, 89).remove(3);
    let booking = json!({ "practitionerId": practitioner.id, "type": "VIDEO", "scheduledAt": slot }).to_string();
    let form = document("DOCUMENT", &samples::long_pdf(100_000));
    let (consultations, files) = (count(&folder, "consultations"), count(&folder, "files"));
    for (key, path, media, body) in [
        ("book", "/consultations", "application/json".to_owned(), booking.into_bytes()),
        ("send", "/files/upload", Form::media(), form.bytes()),
    ] {
        let answers: Vec<Answer> = scope(|scope| {
            let running: Vec<_> = (0..50)
                .map(|number| {
                    let (server, token, content) = (&server, &token, (media.as_str(), body.as_slice()));
                    scope.spawn(move || {
                        if number % 2 == 0 {
                            cut(server, token, key, path, content);
                            return None;
                        }
                        let mut client = server.client().with_token(token.clone());
                        client.set_key(Some(key));
                        Some(client.send_bytes("POST", path, content).unwrap())
                    })
                })
                .collect();
            running.into_iter().filter_map(|one| one.join().unwrap()).collect()
        });
        client.set_key(Some(key));
        let last = until_it_is_done(&mut client, path, (&media, &body));
        assert_eq!(last.status, 201, "{}", last.json());
        for answer in answers.iter().filter(|answer| answer.status != 409) {
            assert_eq!((answer.status, &answer.body), (201, &last.body));
        }
        for refused in answers.iter().filter(|answer| answer.status == 409) {
            assert_eq!(refused.json()["code"], "request_in_progress");
        }
    }
    assert_eq!(count(&folder, "consultations"), consultations + 1);
    assert_eq!(count(&folder, "files"), files + 1);
    let begun = Instant::now();
    while count(&folder, "file_uploads") > 0 {
        assert!(begun.elapsed() < HELD, "an upload that was cut is not given up");
        sleep(Duration::from_millis(50));
    }
}

/// Asks until nobody else is at it.
fn until_it_is_done(client: &mut Client, path: &str, body: (&str, &[u8])) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = client.send_bytes("POST", path, body).unwrap();
        if answer.json()["code"] != "request_in_progress" {
            return answer;
        }
        assert!(begun.elapsed() < HELD, "it stays in progress");
    }
}

#[test]
fn an_import_that_was_cut_is_taken_over_under_its_key() {
    let folder = DataFolder::seeded();
    let server = folder.serve();
    let token = server.sign_in("rh@techcorp.example");
    let people: Vec<String> =
        (0..3_000).map(|number| format!("import{number}@techcorp.example,Camille,Petit {number}\n")).collect();
    let file = format!("email,firstName,lastName\n{}", people.concat());
    let listed = || count(&folder, "employees WHERE email LIKE 'import%@techcorp.example'");
    scope(|scope| {
        let sending = scope.spawn(|| {
            let mut client = server.client().with_token(token.clone());
            client.set_key(Some("import"));
            client.send_file("/employees/import", "text/csv", file.as_bytes())
        });
        let begun = Instant::now();
        while listed() < 500 {
            assert!(begun.elapsed() < Duration::from_mins(2), "the import stands still: {}", server.log());
        }
        kill_at_once(i32::try_from(server.process()).unwrap());
        sending.join().unwrap().unwrap_err();
    });
    drop(server);
    let server = folder.serve();
    let mut client = server.client().with_token(server.sign_in("rh@techcorp.example"));
    client.set_key(Some("import"));
    let before = listed();
    assert!((500..3_000).contains(&before), "{before} were kept");
    let done = until_it_is_done(&mut client, "/employees/import", ("text/csv", file.as_bytes()));
    assert_eq!((done.status, &done.json()["skipped"]), (200, &json!(before)));
    assert_eq!((listed(), done.json()["created"].as_i64()), (3_000, Some(3_000 - before)));
    let again = client.send_file("/employees/import", "text/csv", file.as_bytes()).unwrap();
    told_alike(&again, &done);
}
