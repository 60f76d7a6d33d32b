//! The server and its database, killed in the middle of bookings.
use std::{
    sync::atomic::Ordering,
    thread::{scope, sleep},
    time::{Duration, Instant},
};

use huntzen_tests::{
    scale::rounds,
    server::{DataFolder, Server, kill_at_once, postmaster},
};

use crate::{
    crowd::Dice,
    ledger,
    writers::{Weather, collect, write, writers},
};

/// Acknowledged writes before the blow, at least.
const WRITES: usize = 25;

#[test]
fn a_killed_server_loses_nothing_that_it_acknowledged() {
    let folder = DataFolder::seeded();
    let mut server = folder.serve();
    let writers = writers(&folder, &server);
    let mut dice = Dice::new(9);
    for _ in 0..rounds(50) {
        let weather = Weather::default();
        let promised: Vec<_> = scope(|scope| {
            let running = write(scope, &writers, server.address(), &weather, false);
            weather.after(WRITES + dice.below(WRITES));
            weather.storm.store(true, Ordering::SeqCst);
            server.kill();
            running.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        server = folder.serve();
        ledger::check(&mut folder.owner());
        collect(&writers, server.address(), &promised);
    }
    ledger::check(&mut folder.owner());
}

#[test]
fn a_killed_database_comes_back_under_the_same_server() {
    let folder = DataFolder::seeded();
    let mut server = folder.serve();
    let writers = writers(&folder, &server);
    let mut dice = Dice::new(10);
    for _ in 0..rounds(20) {
        let weather = Weather::default();
        let promised: Vec<_> = scope(|scope| {
            let running = write(scope, &writers, server.address(), &weather, true);
            weather.after(WRITES + dice.below(WRITES));
            weather.storm.store(true, Ordering::SeqCst);
            kill_at_once(postmaster(&mut folder.owner()));
            // Writing goes on: the same server serves again.
            weather.after(WRITES);
            weather.over.store(true, Ordering::SeqCst);
            running.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        assert!(server.is_running(), "the server ended with its database: {}", server.log());
        wait_until_healthy(&server);
        ledger::check(&mut folder.owner());
        collect(&writers, server.address(), &promised);
    }
    ledger::check(&mut folder.owner());
    assert!(server.is_running(), "the server ended: {}", server.log());
}

fn wait_until_healthy(server: &Server<'_>) {
    let started = Instant::now();
    while server.client().send("GET", "/health", None).unwrap().status != 200 {
        assert!(started.elapsed() < Duration::from_mins(1), "the server stays sick: {}", server.log());
        sleep(Duration::from_millis(20));
    }
}
