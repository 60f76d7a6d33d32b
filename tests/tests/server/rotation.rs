//! The ring of master keys, turned while everybody reads.
use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread::scope,
};

use huntzen_tests::{client::Client, server::DataFolder};
use serde_json::json;

use crate::crowd::{employees, free_slots, practitioners, text};

/// The test environment's own key, published in `config/test.toml`, and the one that comes after it.
const OLD: &str = "1:ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";
const NEW: &str = "2:0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";

/// Entries of 64,000 bytes: 5 MB of confided text, and more.
const ENTRIES: usize = 84;
const ENTRY: usize = 64_000;
const READERS: usize = 4;

#[test]
fn five_megabytes_are_read_while_the_ring_is_turned() {
    let mut folder = DataFolder::seeded();
    let server = folder.serve();
    let tokens = employees(&folder, &server, READERS);
    let practitioner = practitioners(&folder, &server, 1).remove(0);
    for number in 0..ENTRIES {
        let mut client = Client::new(server.address()).with_token(tokens[number % READERS].clone());
        let entry = json!({ "content": format!("{number:04}").repeat(ENTRY / 4) });
        assert_eq!(client.send("POST", "/medical/journal", Some(&entry)).unwrap().status, 201);
    }
    let mut client = Client::new(server.address()).with_token(tokens[0].clone());
    let mut consultations = Vec::new();
    for start in free_slots(&mut client, &practitioner.id, 80).iter().take(30) {
        let body = json!({
            "practitionerId": practitioner.id, "type": "VIDEO", "scheduledAt": start, "reason": "Je dors mal.",
        });
        let answer = client.send("POST", "/consultations", Some(&body)).unwrap();
        assert_eq!(answer.status, 201, "{}", answer.json());
        consultations.push(text(&answer.json(), "id"));
    }
    assert!(server.stop().success());

    folder = folder.with("ENCRYPTION_KEYS", format!("{NEW},{OLD}"));
    let server = folder.serve();
    let (is_over, reads) = (AtomicBool::new(false), AtomicUsize::new(0));
    let address = server.address();
    scope(|scope| {
        for token in &tokens {
            let (is_over, reads, consultations) = (&is_over, &reads, &consultations);
            let is_first = *token == tokens[0];
            scope.spawn(move || {
                let mut client = Client::new(address).with_token(token.clone());
                while !is_over.load(Ordering::SeqCst) {
                    let answer = client.send("GET", "/medical/journal?limit=5", None).unwrap();
                    assert_eq!(answer.status, 200, "{}", answer.json());
                    let entries = answer.json()["items"].as_array().unwrap().clone();
                    assert!(entries.iter().all(|entry| text(entry, "content").len() == ENTRY));
                    for id in consultations.iter().filter(|_| is_first) {
                        let answer = client.send("GET", &format!("/consultations/{id}"), None).unwrap();
                        assert_eq!(answer.json()["reason"], "Je dors mal.", "{}", answer.json());
                    }
                    reads.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        while reads.load(Ordering::SeqCst) < READERS {
            std::thread::yield_now();
        }
        let done = folder.run(&["keys", "rotate", "--batch", "3"]);
        let seen = reads.load(Ordering::SeqCst);
        while reads.load(Ordering::SeqCst) < seen + READERS {
            std::thread::yield_now();
        }
        is_over.store(true, Ordering::SeqCst);
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let count: usize = said.split(' ').next().unwrap().parse().unwrap();
        assert!(count > 30, "{said}");
        assert!(said.contains("may leave the ring: 1."), "{said}");
    });
    assert!(server.stop().success());

    // The old key is needed no more; and it alone is of no use.
    folder = folder.with("ENCRYPTION_KEYS", NEW);
    let server = folder.serve();
    for token in &tokens {
        let mut client = server.client().with_token(token.clone());
        let answer = client.send("GET", "/medical/journal?limit=100", None).unwrap();
        let entries = answer.json()["items"].as_array().unwrap().clone();
        assert_eq!(entries.len(), ENTRIES / READERS);
        assert!(entries.iter().all(|entry| text(entry, "content").len() == ENTRY));
    }
    let again = folder.run(&["keys", "rotate"]);
    assert!(String::from_utf8_lossy(&again.stdout).starts_with("0 data keys"));
    assert!(server.stop().success());
    folder = folder.with("ENCRYPTION_KEYS", OLD);
    for command in [&["serve"][..], &["keys", "rotate"]] {
        let refused = folder.run(command);
        assert!(!refused.status.success());
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.contains("lacks the master key 2"), "{said}");
    }
    let fresh = folder.run(&["keys", "new"]);
    let fresh = String::from_utf8_lossy(&fresh.stdout).trim().to_owned();
    assert!(fresh.starts_with("2:") && fresh.len() == 66, "a key above those that are configured");
}
