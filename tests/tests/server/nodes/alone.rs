//! Two nodes that start without the Redis that they are to share.
use std::time::{Duration, Instant};

use huntzen_tests::redis::RedisServer;
use serde_json::{Value, json};

use super::{Couple, Nodes, eventually, socket};

#[test]
fn nodes_serve_without_redis_and_find_it_when_it_comes() {
    let mut nodes = Nodes::over(RedisServer::stopped(), &[]);
    let mut redis = std::mem::replace(&mut nodes.redis, RedisServer::stopped());
    let servers = nodes.serve();
    let Couple { employee, practitioner, consultation } = nodes.couple(&servers[0]);
    nodes.begin(&consultation);
    let room = json!({ "consultationId": consultation });
    let mut marc = socket(&servers[0], "/chat", &employee);
    let mut sophie = socket(&servers[1], "/chat", &practitioner.token);
    for socket in [&mut marc, &mut sophie] {
        assert_eq!(socket.ask("chat:join", &room)["code"], Value::Null);
    }
    // Each node looks into the database every second or two.
    let said = Instant::now();
    marc.ask("chat:message", &json!({ "consultationId": consultation, "content": "is anybody there?" }));
    assert_eq!(sophie.event("chat:message:received")["content"], "is anybody there?");
    assert!(said.elapsed() < Duration::from_secs(5), "{:?}", said.elapsed());
    // A ticket opens sockets of its own node, and nobody can call.
    let mut client = servers[0].client().with_token(employee.clone());
    let ticket = client.send("POST", "/auth/ws-ticket", Some(&json!({}))).unwrap().json();
    let path = format!("/chat?ticket={}", ticket["ticket"].as_str().unwrap());
    assert!(huntzen_tests::websocket::WebSocket::open(servers[0].address(), &path, &[]).is_ok());
    let mut phone = socket(&servers[0], "/audio-call", &employee);
    assert_eq!(phone.ask("call:initiate", &room)["code"], "unavailable");

    redis.start_again();
    eventually("they can call", Duration::from_secs(10), || phone.ask("call:initiate", &room)["code"] == Value::Null);
    for number in 2..=30 {
        let said = Instant::now();
        marc.ask("chat:message", &json!({ "consultationId": consultation, "content": format!("{number}") }));
        let heard = sophie.event("chat:message:received");
        assert_eq!(heard["seq"], number);
        if said.elapsed() < Duration::from_millis(200) {
            return;
        }
    }
    panic!("messages take their time although Redis is there");
}
