//! Who may not act any more on one node may not on the other.
use std::time::{Duration, Instant};

use huntzen_tests::{client::Client, server::Server};
use serde_json::json;

use super::{Nodes, eventually, socket};
use crate::crowd::text;

/// How soon it has to be.
const SOON: Duration = Duration::from_secs(5);

/// A client whose session this server knows, and one of its sockets.
fn known(server: &Server<'_>, path: &str, token: &str) -> (Client, huntzen_tests::websocket::WebSocket) {
    let mut client = server.client().with_token(token);
    assert_eq!(client.send("GET", "/auth/me", None).unwrap().status, 200);
    (client, socket(server, path, token))
}

/// A client is refused, and its socket closed with 4401, soon.
fn is_out(mut client: Client, mut socket: huntzen_tests::websocket::WebSocket) {
    let begun = Instant::now();
    assert_eq!(socket.closing(), Some(4401));
    assert!(begun.elapsed() < SOON, "its socket stays for {:?}", begun.elapsed());
    eventually("a request is refused", SOON, || client.send("GET", "/auth/me", None).unwrap().status == 401);
}

#[test]
fn a_revocation_takes_effect_on_the_other_node_within_seconds() {
    let nodes = Nodes::with(&[]);
    let servers = nodes.serve();
    let [one, other] = [&servers[0], &servers[1]];
    let employee = nodes.employees(one, 1).remove(0);
    let practitioner = nodes.practitioners(one, 1).remove(0);
    let hr = one.sign_in("rh@techcorp.example");
    let operator = one.sign_in("super@huntzen.example");
    let administrator = one.sign_in("admin@huntzen.example");
    let post = |token: &str, path: &str| {
        let answer = one.client().with_token(token).send("POST", path, Some(&json!({}))).unwrap();
        assert!(answer.status < 300, "{path}: {}", answer.json());
    };

    let (client, socket) = known(other, "/chat", &employee);
    post(&employee, "/auth/logout");
    is_out(client, socket);

    let (client, socket) = known(other, "/audio-call", &practitioner.token);
    let mut looking = one.client().with_token(practitioner.token.clone());
    let user = text(&looking.send("GET", "/auth/me", None).unwrap().json(), "id");
    post(&operator, &format!("/super-admin/users/{user}/block"));
    is_out(client, socket);

    let (client, socket) = known(other, "/notifications/live", &hr);
    let company = one.client().with_token(hr.clone()).send("GET", "/companies/me", None).unwrap();
    post(&administrator, &format!("/companies/{}/suspend", text(&company.json(), "id")));
    is_out(client, socket);
}

#[test]
fn what_was_revoked_while_redis_was_gone_is_found_afterwards() {
    let mut nodes = Nodes::with(&[]);
    let mut redis = std::mem::replace(&mut nodes.redis, huntzen_tests::redis::RedisServer::stopped());
    let servers = nodes.serve();
    let employee = nodes.employees(&servers[0], 1).remove(0);
    let mut client = servers[1].client().with_token(employee.clone());
    let is_in = |client: &mut Client| client.send("GET", "/auth/me", None).unwrap().status == 200;
    assert!(is_in(&mut client));
    redis.kill();
    let logout = servers[0].client().with_token(employee).send("POST", "/auth/logout", Some(&json!({}))).unwrap();
    assert!(logout.status < 300);
    // For a minute the other node may believe what it knows, as long as nobody tells it.
    assert!(is_in(&mut client));
    redis.start_again();
    eventually("the other node has asked again", SOON, || !is_in(&mut client));
}
