//! Stopping as an operator does, with requests under way.
use std::sync::mpsc;

use huntzen_app::demo;
use huntzen_tests::{
    client::Client,
    server::{DataFolder, is_closed},
};
use serde_json::json;

/// How many sign-ins are under way.
const CLIENTS: usize = 6;

/// Hashing passwords takes its time and one comes after the other: when the first answer is there,
/// the others are still waited for.
#[test]
fn what_was_accepted_before_the_signal_is_answered() {
    let folder = DataFolder::new().with("HUNTZEN__AUTH__BCRYPT_COST", "10");
    folder.seed();
    let mut server = folder.serve();
    let address = server.address();
    let (say, heard) = mpsc::channel();
    let (statuses, at_the_signal) = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let say = say.clone();
                scope.spawn(move || {
                    let mut client = Client::new(address);
                    assert_eq!(client.send("GET", "/health/live", None).unwrap().status, 200);
                    let credentials = json!({ "email": demo::SIGN_INS[4].1, "password": demo::PASSWORD });
                    let answer = client.send("POST", "/auth/login", Some(&credentials)).unwrap();
                    say.send(()).unwrap();
                    answer.status
                })
            })
            .collect();
        heard.recv().unwrap();
        server.terminate();
        let at_the_signal = 1 + heard.try_iter().count();
        (clients.into_iter().map(|client| client.join().unwrap()).collect::<Vec<_>>(), at_the_signal)
    });
    assert_eq!(statuses, [200; CLIENTS]);
    assert!(at_the_signal < CLIENTS, "nothing was under way when the signal came");
    assert!(server.wait().success(), "{}", server.log());
    assert!(is_closed(address).unwrap(), "somebody still listens");
    assert!(!folder.path().join("postgres/postmaster.pid").exists(), "the database outlived the server");
}
