//! What is limited is limited for both nodes together.
use std::time::{Duration, Instant};

use huntzen_tests::client::Answer;
use serde_json::json;

use super::Nodes;
use crate::crowd::code;

const LIMITED: [(&str, &str); 2] =
    [("HUNTZEN__RATE_LIMIT__ENABLED", "true"), ("HUNTZEN__RATE_LIMIT__GENERAL_LIMIT", "40")];

fn left(answer: &Answer) -> u32 {
    answer.header("ratelimit-remaining").unwrap().parse().unwrap()
}

#[test]
fn requests_and_failed_attempts_are_counted_together() {
    let nodes = Nodes::with(&LIMITED);
    let servers = nodes.serve();
    let token = nodes.employees(&servers[0], 1).remove(0);
    let mut clients = [&servers[0], &servers[1]].map(|server| server.client().with_token(token.clone()));
    let before = nodes.redis.calls("evalsha");
    for number in 0..40_u32 {
        let client = &mut clients[number as usize % 2];
        let answer = client.send("GET", "/auth/me", None).unwrap();
        assert_eq!((answer.status, left(&answer)), (200, 39 - number));
    }
    // Beside those there is one a second of each node that looks for missed calls.
    let asked = nodes.redis.calls("evalsha") - before;
    assert!((40..80).contains(&asked), "{asked} round trips for 40 requests");
    for client in &mut clients {
        assert_eq!(client.send("GET", "/auth/me", None).unwrap().status, 429);
    }

    let wrong = json!({ "email": "marc.dupont@techcorp.example", "password": "not the password 1" });
    let mut strangers = [&servers[0], &servers[1]].map(huntzen_tests::server::Server::client);
    for number in 0..5 {
        let answer = strangers[number % 2].send("POST", "/auth/login", Some(&wrong)).unwrap();
        assert_eq!((answer.status, code(&answer).as_str()), (401, "invalid_credentials"));
    }
    for stranger in &mut strangers {
        assert_eq!(stranger.send("POST", "/auth/login", Some(&wrong)).unwrap().status, 429);
    }
}

#[test]
fn without_redis_each_node_counts_for_itself_and_nobody_waits() {
    let mut nodes = Nodes::with(&LIMITED);
    // What is started borrows what it was started from.
    let redis = std::mem::replace(&mut nodes.redis, huntzen_tests::redis::RedisServer::stopped());
    let servers = nodes.serve();
    let token = nodes.employees(&servers[0], 1).remove(0);
    let [mut first, mut second] = [0, 1].map(|number: usize| servers[number].client().with_token(token.clone()));
    assert_eq!(left(&first.send("GET", "/auth/me", None).unwrap()), 39);
    redis.freeze();
    let begun = Instant::now();
    let mut slowest = Duration::ZERO;
    for (client, most) in [(&mut first, 40), (&mut second, 40)] {
        for number in 0..most {
            let asked = Instant::now();
            let answer = client.send("GET", "/auth/me", None).unwrap();
            slowest = slowest.max(asked.elapsed());
            assert_eq!((answer.status, left(&answer)), (200, 39 - number));
        }
        assert_eq!(client.send("GET", "/auth/me", None).unwrap().status, 429, "the node's own limit holds");
    }
    assert!(slowest < Duration::from_secs(3), "a request waited for {slowest:?}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    redis.thaw();
    super::eventually("they count together again", Duration::from_secs(10), || {
        let mut client = servers[0].client().with_token(token.clone());
        client.send("GET", "/auth/me", None).unwrap().status == 200
    });
}
