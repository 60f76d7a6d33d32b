//! Opening sockets and losing them: tickets, origins, roles, limits, revocation, and the live inbox.
use std::sync::Arc;

use huntzen_tenancy::{Scope, StoreError, TenancyStore, TenancyTx, clock::Clock, live::LiveFeed};
use huntzen_tests::{
    api::{Listening, NOBODY, PASSWORD, Played},
    api_suite,
    clock::TestClock,
    websocket::{Refused, WebSocket},
};
use jiff::SignedDuration;
use serde_json::{Value, json};

api_suite! {
    a_ticket_opens_one_socket_once,
    a_socket_is_opened_by_whoever_may,
    a_browser_shows_one_of_our_pages,
    a_person_has_ten_sockets_at_most,
    an_ended_session_closes_its_sockets,
    a_blocked_account_loses_its_sockets,
    the_inbox_is_told_live,
    what_was_written_while_the_store_was_away_is_told_afterwards,
}

const START: &str = "2027-01-05T09:00:00Z";

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn refused(server: &Listening, path: &str, headers: &[(&str, &str)]) -> Refused {
    WebSocket::open(server.address, path, headers).unwrap_err()
}

async fn ticket(play: &Played, who: &str) -> String {
    let answer = play.post(who, "/auth/ws-ticket", Value::Null).await;
    assert_eq!(answer.expect(200)["expiresIn"], 30);
    answer.text_at("/ticket")
}

/// Answers as long as the server keeps the socket open.
fn is_open(socket: &mut WebSocket) -> bool {
    socket.ask("nothing:known", &json!({}))["code"] == "invalid_event"
}

async fn a_ticket_opens_one_socket_once(play: &Played) {
    let server = play.listen();
    let ticket_of_marc = ticket(play, Played::MARC).await;
    assert!(ticket_of_marc.len() == 64 && ticket_of_marc != ticket(play, Played::MARC).await);
    let path = format!("/chat?ticket={ticket_of_marc}");
    let mut socket = WebSocket::open(server.address, &path, &[]).unwrap();
    assert!(is_open(&mut socket));
    let used = refused(&server, &path, &[]);
    assert_eq!(used.status, 401);
    assert!(used.text.contains("invalid_token") && !used.text.contains(&ticket_of_marc), "{}", used.text);
    let late = ticket(play, Played::MARC).await;
    play.advance(SignedDuration::from_secs(30));
    assert_eq!(refused(&server, &format!("/chat?ticket={late}"), &[]).status, 401, "expired");
    for wrong in ["", "x", &"0".repeat(64), &"x".repeat(5_000)] {
        assert_eq!(refused(&server, &format!("/chat?ticket={wrong}"), &[]).status, 401, "{}", wrong.len());
    }
    // Of many at once exactly one comes in.
    let raced = format!("/chat?ticket={}", ticket(play, Played::MARC).await);
    let address = server.address;
    let opened = huntzen_tests::contracts::at_once(8, |_| WebSocket::open(address, &raced, &[]).is_ok());
    assert_eq!(opened.into_iter().filter(|opened| *opened).count(), 1);
    // A ticket dies with the session that it was issued to.
    let orphan = ticket(play, Played::MARC).await;
    play.post(Played::MARC, "/auth/logout", Value::Null).await.expect(204);
    assert_eq!(refused(&server, &format!("/chat?ticket={orphan}"), &[]).status, 401);
    play.post(NOBODY, "/auth/ws-ticket", Value::Null).await.refused(401, "unauthenticated");
}

async fn a_socket_is_opened_by_whoever_may(play: &Played) {
    let server = play.listen();
    for (path, who, expected) in [
        ("/chat", Played::OPERATOR, 403),
        ("/chat", Played::ADMIN, 403),
        ("/chat", Played::HR, 403),
        ("/chat", Played::SOPHIE, 101),
        ("/chat", Played::MARC, 101),
        ("/notifications/live", Played::OPERATOR, 101),
        ("/notifications/live", Played::ADMIN, 101),
        ("/notifications/live", Played::HR, 101),
        ("/notifications/live", Played::SOPHIE, 101),
        ("/notifications/live", Played::MARC, 101),
    ] {
        let authorization = bearer(&play.token_of(who).await);
        let status = match WebSocket::open(server.address, path, &[("Authorization", &authorization)]) {
            Ok(_) => 101,
            Err(refused) => refused.status,
        };
        assert_eq!(status, expected, "{path} for {who}");
    }
    for path in ["/chat", "/notifications/live"] {
        assert_eq!(refused(&server, path, &[]).status, 401);
        assert_eq!(refused(&server, path, &[("Authorization", "Bearer nonsense")]).status, 401);
        let token = play.token_of(Played::MARC).await;
        let authorization = bearer(&token);
        let more = format!("{path}?more=1");
        assert_eq!(refused(&server, &more, &[("Authorization", &authorization)]).status, 400);
        // The same path without an upgrade, and with another method.
        play.get(NOBODY, path).await.refused(401, "unauthenticated");
        play.get(Played::MARC, path).await.refused(426, "upgrade_required");
        play.post(Played::MARC, path, Value::Null).await.refused(405, "method_not_allowed");
    }
    let authorization = bearer(&play.token_of(Played::MARC).await);
    let offered = [("Authorization", authorization.as_str()), ("Sec-WebSocket-Protocol", "soap, huntzen.v1")];
    let socket = WebSocket::open(server.address, "/chat", &offered).unwrap();
    let head = socket.head.to_lowercase();
    assert!(head.contains("sec-websocket-protocol: huntzen.v1\r\n"), "{head}");
    assert!(head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"), "{head}");
    assert!(!head.contains("sec-websocket-extensions"), "{head}");
}

async fn a_browser_shows_one_of_our_pages(play: &Played) {
    let server = play.listen();
    let authorization = bearer(&play.token_of(Played::MARC).await);
    let opened = |origin: &str| {
        let headers = [("Authorization", authorization.as_str()), ("Origin", origin)];
        WebSocket::open(server.address, "/chat", &headers).map_err(|refused| refused.status)
    };
    assert!(opened("http://localhost:5173").is_ok());
    for evil in ["https://evil.example", "null", "http://localhost:5173.evil.example", "http://localhost", ""] {
        assert_eq!(opened(evil).err(), Some(403), "{evil}");
    }
    // The ticket of a page that was turned away is used up.
    let ticket = ticket(play, Played::MARC).await;
    let path = format!("/chat?ticket={ticket}");
    assert_eq!(refused(&server, &path, &[("Origin", "https://evil.example")]).status, 403);
    assert_eq!(refused(&server, &path, &[]).status, 401);
}

async fn a_person_has_ten_sockets_at_most(play: &Played) {
    let server = play.listen();
    let token = play.token_of(Played::MARC).await;
    let mut sockets: Vec<_> = (0..10)
        .map(|number| {
            let path = if number % 2 == 0 { "/chat" } else { "/notifications/live" };
            WebSocket::signed_in(server.address, path, &token)
        })
        .collect();
    let authorization = bearer(&token);
    let eleventh = refused(&server, "/chat", &[("Authorization", &authorization)]);
    assert_eq!(eleventh.status, 429);
    assert!(eleventh.text.to_lowercase().contains("retry-after:"), "{}", eleventh.text);
    assert!(is_open(&mut play.socket(&server, Played::CLAIRE, "/chat").await), "another person is free to come");
    let mut last = sockets.pop().unwrap();
    last.send_frame(0x88, &1000_u16.to_be_bytes()).unwrap();
    assert_eq!(last.closing(), Some(1000));
    assert_eq!(last.hear(), huntzen_tests::websocket::Frame::End);
    assert!(is_open(&mut play.socket(&server, Played::MARC, "/chat").await), "a place was given back");
}

async fn an_ended_session_closes_its_sockets(play: &Played) {
    let server = play.listen();
    let mut first = play.socket(&server, Played::MARC, "/chat").await;
    let mut live = play.socket(&server, Played::MARC, "/notifications/live").await;
    let old = play.token_of(Played::MARC).await;
    play.forget_tokens();
    let mut other = play.socket(&server, Played::MARC, "/chat").await;
    assert!(is_open(&mut first) && is_open(&mut other));
    let request = actix_web::test::TestRequest::post().uri("/auth/logout");
    play.send(request.insert_header(("authorization", bearer(&old)))).await.expect(204);
    // That signs out every session of Marc.
    for socket in [&mut first, &mut live, &mut other] {
        assert_eq!(socket.closing(), Some(4401));
    }
    play.forget_tokens();
    let mut phone = play.socket(&server, Played::MARC, "/chat").await;
    play.forget_tokens();
    let mut laptop = play.socket(&server, Played::MARC, "/chat").await;
    let change = json!({ "currentPassword": PASSWORD, "newPassword": "cinq mots pour rentrer ici" });
    play.post(Played::MARC, "/auth/change-password", change).await.expect(200);
    assert_eq!(phone.closing(), Some(4401), "a changed password ends the other sessions");
    assert!(is_open(&mut laptop));
}

async fn a_blocked_account_loses_its_sockets(play: &Played) {
    let server = play.listen();
    let mut socket = play.socket(&server, Played::SOPHIE, "/chat").await;
    let mut bystander = play.socket(&server, Played::PAUL, "/chat").await;
    assert!(is_open(&mut socket));
    let mut watch = huntzen_app::realtime::watch::Watch::default();
    let mut look =
        || watch.look(&play.services.live, &play.edge.hub, huntzen_tenancy::clock::Clock::now(&*play.world.clock));
    look().unwrap();
    assert!(is_open(&mut socket), "nothing has happened yet");
    let id = play.account_of(Played::SOPHIE).await;
    play.post(Played::OPERATOR, &format!("/super-admin/users/{id}/block"), Value::Null).await.expect(200);
    look().unwrap();
    assert_eq!(socket.closing(), Some(4401));
    assert!(is_open(&mut bystander));
}

async fn the_inbox_is_told_live(play: &Played) {
    let server = play.listen();
    let mut phone = play.socket(&server, Played::SOPHIE, "/notifications/live").await;
    let mut laptop = play.socket(&server, Played::SOPHIE, "/notifications/live").await;
    let mut stranger = play.socket(&server, Played::PAUL, "/notifications/live").await;
    let mut watch = huntzen_app::realtime::watch::Watch::default();
    let mut look =
        || watch.look(&play.services.live, &play.edge.hub, huntzen_tenancy::clock::Clock::now(&*play.world.clock));
    look().unwrap();
    let id = play.booked(Played::MARC, START).await;
    look().unwrap();
    look().unwrap();
    let listed = play.get(Played::SOPHIE, "/notifications").await;
    for socket in [&mut phone, &mut laptop] {
        let told = socket.event("notification:new");
        assert_eq!(told, json!({ "notification": listed.json["items"][0], "unreadCount": 1 }));
        assert_eq!(told["notification"]["data"]["consultationId"], *id);
        assert!(socket.events_so_far("notification:new").is_empty(), "told twice");
    }
    assert!(stranger.events_so_far("notification:new").is_empty());
    let notification = listed.text_at("/items/0/id");
    play.put(Played::SOPHIE, &format!("/notifications/{notification}/read"), Value::Null).await.expect(200);
    for socket in [&mut phone, &mut laptop] {
        let read = socket.event("notification:read");
        assert_eq!((&read["id"], &read["unreadCount"]), (&json!(notification), &json!(0)));
    }
    play.transition(Played::MARC, &id, "cancel").await.expect(200);
    look().unwrap();
    assert_eq!(phone.event("notification:new")["unreadCount"], 1);
    play.put(Played::SOPHIE, "/notifications/read-all", Value::Null).await.expect(200);
    assert_eq!(phone.event("notification:read")["id"], Value::Null);
}

/// A store that is out of reach.
struct Away;

impl TenancyStore for Away {
    fn begin(&self, _: &Scope) -> Result<Box<dyn TenancyTx>, StoreError> {
        Err(StoreError::Unavailable("the store is away".into()))
    }
}

async fn what_was_written_while_the_store_was_away_is_told_afterwards(play: &Played) {
    let server = play.listen();
    let mut phone = play.socket(&server, Played::SOPHIE, "/notifications/live").await;
    let clock: Arc<TestClock> = Arc::clone(&play.world.clock);
    let mut watch = huntzen_app::realtime::watch::Watch::default();
    let unreachable = LiveFeed::new(Arc::new(Away), clock);
    let mut look = |feed: &LiveFeed| watch.look(feed, &play.edge.hub, play.world.clock.now());
    look(&play.services.live).unwrap();
    let id = play.booked(Played::MARC, START).await;
    for _ in 0..10 {
        assert!(look(&unreachable).is_err());
        play.world.clock.advance(SignedDuration::from_secs(12));
    }
    assert!(phone.events_so_far("notification:new").is_empty());
    // This node's clock is set, too.
    for step in [SignedDuration::ZERO, SignedDuration::from_mins(-3), SignedDuration::from_mins(4)] {
        play.world.clock.advance(step);
        look(&play.services.live).unwrap();
    }
    assert_eq!(phone.event("notification:new")["notification"]["data"]["consultationId"], *id);
    assert!(phone.events_so_far("notification:new").is_empty(), "told twice");
}
