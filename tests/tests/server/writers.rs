//! Employees who book and cancel without a pause, and remember what they were promised.
use std::{
    io,
    net::SocketAddr,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread::{Scope, ScopedJoinHandle, sleep},
    time::Duration,
};

use huntzen_tests::{
    client::{Answer, Client},
    server::{DataFolder, Server},
};

use crate::crowd::{book, employees, free_slots, practitioners, text};

/// As many as there are practitioners, each with one of their own: none gets in another's way.
const WRITERS: usize = 6;
/// How far ahead they book.
const DAYS: i32 = 89;

/// An employee and the practitioner that they see.
pub struct Writer {
    token: String,
    practitioner: String,
}

/// What the server acknowledged about one consultation.
pub struct Promise {
    id: String,
    start: String,
    cancelled: Cancelled,
}

#[derive(Clone, Copy, PartialEq)]
enum Cancelled {
    No,
    /// It was asked for, and the answer never came.
    Perhaps,
    Yes,
}

/// What is to happen to the server, as the writers see it.
#[derive(Default)]
pub struct Weather {
    /// How much was acknowledged so far.
    pub acknowledged: AtomicUsize,
    /// Failures are expected from now on.
    pub storm: AtomicBool,
    /// Time to stop.
    pub over: AtomicBool,
}

impl Weather {
    /// Waits until so much more was acknowledged.
    pub fn after(&self, more: usize) {
        let wanted = self.acknowledged.load(Ordering::SeqCst) + more;
        while self.acknowledged.load(Ordering::SeqCst) < wanted {
            assert!(!self.over.load(Ordering::SeqCst), "a writer gave up");
            sleep(Duration::from_millis(1));
        }
    }

    /// The answer, or nothing when the server was not able to give one. That is an error before
    /// the storm; and whatever is no success and no `503` always is one.
    fn answer(&self, answer: io::Result<Answer>, status: u16) -> Option<Answer> {
        // Read after the answer came: it may have broken out meanwhile.
        let storm = self.storm.load(Ordering::SeqCst);
        match answer {
            Ok(answer) if answer.status == status => {
                self.acknowledged.fetch_add(1, Ordering::SeqCst);
                Some(answer)
            }
            Ok(answer) => {
                assert!(storm && answer.status == 503, "{} {}", answer.status, answer.json());
                assert!(answer.header("retry-after").is_some(), "a 503 does not say when to come back");
                None
            }
            Err(error) => {
                assert!(storm, "{error}");
                None
            }
        }
    }
}

/// Stops the others when one panics, so that the test ends.
struct StopsAll<'a>(&'a Weather);

impl Drop for StopsAll<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.over.store(true, Ordering::SeqCst);
        }
    }
}

/// The writers, signed in; their tokens outlive the server.
pub fn writers(folder: &DataFolder, server: &Server<'_>) -> Vec<Writer> {
    let tokens = employees(folder, server, WRITERS);
    let practitioners = practitioners(folder, server, WRITERS);
    let pairs = tokens.into_iter().zip(practitioners);
    pairs.map(|(token, practitioner)| Writer { token, practitioner: practitioner.id }).collect()
}

impl Writer {
    fn client(&self, address: SocketAddr) -> Client {
        Client::new(address).with_token(self.token.clone())
    }

    /// Books one slot after the other and cancels every second one, until it is over or, when it
    /// does not persist, until the first answer fails to come.
    fn write(&self, address: SocketAddr, weather: &Weather, persists: bool) -> Vec<Promise> {
        let _stops_all = StopsAll(weather);
        let mut client = self.client(address);
        let mut promises = Vec::new();
        let slots = free_slots(&mut client, &self.practitioner, DAYS);
        for (number, start) in slots.into_iter().enumerate() {
            if weather.over.load(Ordering::SeqCst) {
                break;
            }
            let booked = weather.answer(book(&mut client, &self.practitioner, &start), 201);
            if let Some(answer) = &booked {
                let id = text(&answer.json(), "id");
                let mut promise = Promise { id, start, cancelled: Cancelled::No };
                if number % 2 == 1 {
                    let path = format!("/consultations/{}/cancel", promise.id);
                    let answer = weather.answer(client.send("POST", &path, None), 200);
                    promise.cancelled = if answer.is_some() { Cancelled::Yes } else { Cancelled::Perhaps };
                }
                promises.push(promise);
            } else if persists {
                // A dead connection is not used again.
                client = self.client(address);
                sleep(Duration::from_millis(20));
            } else {
                break;
            }
        }
        promises
    }

    /// Checks that every promise is kept, and gives the time of all consultations back.
    fn collect(&self, address: SocketAddr, promises: &[Promise]) {
        let mut client = self.client(address);
        for promise in promises {
            let path = format!("/consultations/{}", promise.id);
            let answer = client.send("GET", &path, None).unwrap();
            assert_eq!(answer.status, 200, "the consultation at {} is lost", promise.start);
            let found = answer.json();
            assert_eq!(text(&found, "scheduledAt"), promise.start);
            let status = text(&found, "status");
            match promise.cancelled {
                Cancelled::No => assert_eq!(status, "SCHEDULED"),
                Cancelled::Yes => assert_eq!(status, "CANCELLED", "the cancellation of {} is lost", promise.start),
                Cancelled::Perhaps => assert!(status == "SCHEDULED" || status == "CANCELLED", "{status}"),
            }
        }
        loop {
            let upcoming = client.send("GET", "/consultations/upcoming?limit=100", None).unwrap().json();
            let upcoming = upcoming["items"].as_array().unwrap().clone();
            if upcoming.is_empty() {
                break;
            }
            for consultation in upcoming {
                let path = format!("/consultations/{}/cancel", text(&consultation, "id"));
                assert_eq!(client.send("POST", &path, None).unwrap().status, 200);
            }
        }
    }
}

/// Lets all writers write; they end when the weather is over or, unless they persist, at the
/// first failure.
pub fn write<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    writers: &'env [Writer],
    address: SocketAddr,
    weather: &'scope Weather,
    persist: bool,
) -> Vec<ScopedJoinHandle<'scope, Vec<Promise>>> {
    writers.iter().map(|writer| scope.spawn(move || writer.write(address, weather, persist))).collect()
}

/// Checks what all of them were promised.
pub fn collect(writers: &[Writer], address: SocketAddr, promised: &[Vec<Promise>]) {
    for (writer, promises) in writers.iter().zip(promised) {
        writer.collect(address, promises);
    }
}
