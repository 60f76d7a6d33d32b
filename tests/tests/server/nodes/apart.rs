//! Nodes of which one cannot be heard: its own link to Redis is gone, or it was killed; and what health says of that.
use std::time::Duration;

use huntzen_tests::{
    redis::RedisServer,
    server::{DataFolder, Server},
    websocket::WebSocket,
};
use serde_json::{Value, json};

use super::{Couple, Nodes, eventually, socket};

/// What a node tells of somebody whom it has not heard of for 25 seconds, and a margin for a busy machine.
const BELIEVED: Duration = Duration::from_secs(40);

/// Somebody who is in the conversation.
fn joined(server: &Server<'_>, token: &str, consultation: &str) -> WebSocket {
    let mut socket = socket(server, "/chat", token);
    let answer = socket.ask("chat:join", &json!({ "consultationId": consultation }));
    assert_eq!(answer["code"], Value::Null, "{answer}");
    socket.event("chat:history");
    socket
}

/// What somebody is told of the other in this time.
fn presence(socket: &mut WebSocket, what: &str, within: Duration) -> bool {
    let mut told = Vec::new();
    eventually(what, within, || {
        told = socket.events_so_far("chat:presence");
        !told.is_empty()
    });
    assert_eq!(told.len(), 1, "{told:?}");
    told[0]["isOnline"].as_bool().unwrap()
}

/// How many lines of messages stand in somebody's inbox.
fn lines(server: &Server<'_>, token: &str) -> usize {
    let answer = server.client().with_token(token).send("GET", "/notifications?type=MESSAGE_RECEIVED", None).unwrap();
    answer.json()["items"].as_array().unwrap().len()
}

#[test]
fn what_a_node_says_that_alone_has_lost_redis_arrives() {
    let mut nodes = Nodes::with(&[]);
    let (relay, url) = nodes.redis.relay();
    let [far, _near] = &mut nodes.folders;
    *far = std::mem::take(far).with("REDIS_URL", url);
    let servers = nodes.serve();
    let Couple { employee, practitioner, consultation } = nodes.couple(&servers[0]);
    let mut sophie = joined(&servers[1], &practitioner.token, &consultation);
    let mut marc = joined(&servers[0], &employee, &consultation);
    assert!(presence(&mut sophie, "somebody comes", Duration::from_secs(15)));
    let mut say = |content: &str| {
        marc.ask("chat:message", &json!({ "consultationId": consultation, "content": content }));
    };
    say("first");
    assert_eq!(sophie.event("chat:message:received")["content"], "first");
    relay.cut();
    for content in ["second", "third"] {
        say(content);
    }
    let mut told = Vec::new();
    eventually("they are read", Duration::from_secs(8), || {
        told.extend(sophie.events_so_far("chat:message:received"));
        told.len() >= 2
    });
    let contents: Vec<&Value> = told.iter().map(|message| &message["content"]).collect();
    assert_eq!(contents, ["second", "third"]);
    // Nobody is heard of any more, and then again.
    assert!(!presence(&mut sophie, "nobody is believed to be there", BELIEVED));
    relay.mend();
    assert!(presence(&mut sophie, "they were there all along", Duration::from_secs(15)));
    let mut seq = 3;
    eventually("what is said is heard at once", Duration::from_secs(20), || {
        seq += 1;
        say("and more");
        assert_eq!(sophie.event("chat:message:received")["seq"], seq);
        servers[0].client().send("GET", "/health", None).unwrap().json()["checks"]["redis"] == "ok"
    });
}

#[test]
fn who_was_on_a_node_that_was_killed_is_away_and_their_sockets_are_free() {
    let nodes = Nodes::with(&[]);
    let [one, other] = nodes.serve();
    let Couple { employee, practitioner, consultation } = nodes.couple(&one);
    let mut marc = joined(&one, &employee, &consultation);
    let sophie = joined(&other, &practitioner.token, &consultation);
    assert!(presence(&mut marc, "somebody comes", Duration::from_secs(15)));
    // Ten sockets, on both nodes together.
    let open = |server: &Server<'_>| {
        let authorization = format!("Bearer {}", practitioner.token);
        WebSocket::open(server.address(), "/notifications/live", &[("Authorization", &authorization)])
    };
    let mut sockets: Vec<_> = (0..9).map(|number| open(if number % 2 == 0 { &one } else { &other }).unwrap()).collect();
    for server in [&one, &other] {
        eventually("the eleventh is refused", Duration::from_secs(15), || {
            open(server).is_err_and(|refused| refused.status == 429)
        });
    }
    drop(sockets.pop());
    eventually("one more is free", Duration::from_secs(15), || match open(&other) {
        Ok(socket) => {
            sockets.push(socket);
            true
        }
        Err(refused) => {
            assert_eq!(refused.status, 429);
            false
        }
    });
    let before = lines(&one, &practitioner.token);
    other.kill();
    assert!(!presence(&mut marc, "nobody is believed to be there", BELIEVED));
    marc.ask("chat:message", &json!({ "consultationId": consultation, "content": "where are you?" }));
    assert_eq!(lines(&one, &practitioner.token), before + 1, "somebody who is away is told in their inbox");
    eventually("the sockets of that node are free", Duration::from_secs(15), || open(&one).is_ok());
    drop((sophie, sockets));
}

#[test]
fn two_devices_that_leave_two_nodes_at_once_are_told_to_the_room() {
    let nodes = Nodes::with(&[]);
    let servers = nodes.serve();
    let Couple { employee, practitioner, consultation } = nodes.couple(&servers[0]);
    let mut watchers = [0, 1].map(|node: usize| joined(&servers[node], &employee, &consultation));
    assert_eq!(watchers[0].event("chat:presence")["isOnline"], true, "one's own other device");
    for _ in 0..10 {
        let tabs = [0, 1].map(|node: usize| joined(&servers[node], &practitioner.token, &consultation));
        for watcher in &mut watchers {
            let mut told = 0;
            eventually("both tabs come", Duration::from_secs(15), || {
                told += watcher.events_so_far("chat:presence").iter().filter(|told| told["isOnline"] == true).count();
                told >= 2
            });
        }
        std::thread::scope(|scope| {
            for tab in tabs {
                scope.spawn(move || drop(tab));
            }
        });
        for watcher in &mut watchers {
            assert!(!presence(watcher, "they go", Duration::from_secs(15)));
        }
    }
}

#[test]
fn who_is_there_is_known_to_a_node_that_starts_later() {
    let nodes = Nodes::with(&[]);
    let [first, second] = &nodes.folders;
    let one: Server<'_> = first.serve();
    let Couple { employee, practitioner, consultation } = nodes.couple(&one);
    let _marc = joined(&one, &employee, &consultation);
    let other = second.serve();
    let mut sophie = socket(&other, "/chat", &practitioner.token);
    let room = json!({ "consultationId": consultation });
    eventually("it is known", Duration::from_secs(15), || sophie.ask("chat:join", &room)["otherIsOnline"] == true);
}

#[test]
fn health_says_when_redis_is_gone_and_when_it_is_back() {
    let mut redis = RedisServer::start();
    let folder = DataFolder::seeded().with("REDIS_URL", redis.url());
    let server = folder.serve();
    let says = |standing: &str| {
        let report = server.client().send("GET", "/health", None).unwrap();
        let body = report.json();
        let is_well = body["checks"].as_object().unwrap().values().all(|check| check == "ok");
        assert_eq!((report.status, &body["status"]), (200, &json!(if is_well { "ok" } else { "degraded" })), "{body}");
        body["checks"]["redis"] == standing
    };
    eventually("all is well", Duration::from_secs(20), || says("ok"));
    redis.kill();
    eventually("it is gone", Duration::from_secs(10), || says("degraded"));
    redis.start_again();
    eventually("it is back", Duration::from_secs(10), || says("ok"));
    redis.freeze();
    eventually("it does not answer", Duration::from_secs(15), || says("degraded"));
    redis.thaw();
    eventually("it answers again", Duration::from_secs(15), || says("ok"));
}
