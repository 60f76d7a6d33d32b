//! RFC 6455 at the raw socket: what is closed, with which code, and that TCP ends then.
use huntzen_tests::{
    api::{ApiWorld, Listening, Played},
    websocket::{Frame, WebSocket, frame},
};
use serde_json::json;

/// A server and sockets of Marc's, one after the other.
struct Door {
    play: Played,
    server: Listening,
}

impl Door {
    async fn new() -> Self {
        let play = Played::new(ApiWorld::memory().await).await;
        let server = play.listen();
        Self { play, server }
    }

    async fn open(&self) -> WebSocket {
        self.play.socket(&self.server, Played::MARC, "/chat").await
    }

    /// Sends bytes as they are, and expects to be closed with this code, and TCP to end after it.
    async fn closes(&self, bytes: &[u8], code: u16, why: &str) {
        let mut socket = self.open().await;
        socket.send_raw(bytes).unwrap();
        assert_eq!(socket.closing(), Some(code), "{why}");
        assert_eq!(socket.hear(), Frame::End, "{why}: TCP stays open");
    }
}

fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes()[..], reason].concat()
}

#[actix_web::test]
async fn a_close_is_echoed_with_its_code_and_tcp_ends() {
    let door = Door::new().await;
    for code in [1000, 1001, 1011, 3000, 4999] {
        door.closes(&frame(0x88, &close(code, "au revoir".as_bytes())), code, "the peer's own code").await;
    }
    let mut socket = door.open().await;
    socket.send_frame(0x88, b"").unwrap();
    assert_eq!(socket.hear(), Frame::Close(None), "no code for no code");
    assert_eq!(socket.hear(), Frame::End);
    // What was asked before the close is answered before the echo.
    let mut socket = door.open().await;
    socket.send_event("nothing:known", "1", &json!({})).unwrap();
    socket.send_frame(0x88, &close(1000, b"")).unwrap();
    assert!(matches!(socket.hear(), Frame::Text(text) if text.contains("\"id\":\"1\"")));
    assert_eq!(socket.hear(), Frame::Close(Some(1000)));
}

#[actix_web::test]
async fn what_breaks_the_protocol_is_closed_with_1002() {
    let door = Door::new().await;
    door.closes(&[0x81, 1, b'x'], 1002, "unmasked").await;
    for reserved in [0x40, 0x20, 0x10] {
        door.closes(&frame(0x81 | reserved, b"{}"), 1002, "a reserved bit").await;
    }
    for opcode in [3, 7, 11, 15] {
        door.closes(&frame(0x80 | opcode, b""), 1002, "an unknown opcode").await;
    }
    door.closes(&frame(0x80, b"x"), 1002, "a continuation of nothing").await;
    door.closes(&[frame(0x01, b"x"), frame(0x81, b"x")].concat(), 1002, "a message within a message").await;
    door.closes(&frame(0x89, &[b'x'; 126]), 1002, "a long ping").await;
    door.closes(&frame(0x09, b"x"), 1002, "a fragmented ping").await;
    door.closes(&frame(0x88, b"x"), 1002, "half a code").await;
    for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
        door.closes(&frame(0x88, &close(code, b"")), 1002, "a code that is never sent").await;
    }
    door.closes(&[0x81, 0x80 | 0x7e, 0, 5, 0, 0, 0, 0], 1002, "a length that is longer than it need be").await;
}

#[actix_web::test]
async fn texts_are_utf_8_and_nothing_is_binary() {
    let door = Door::new().await;
    door.closes(&frame(0x81, b"\xff\xfe"), 1007, "not UTF-8").await;
    door.closes(&frame(0x81, b"\xed\xa0\x80"), 1007, "a surrogate").await;
    door.closes(&[frame(0x01, b"\xc3"), frame(0x80, b"\x28")].concat(), 1007, "broken across fragments").await;
    door.closes(&frame(0x88, &close(1000, b"\xff")), 1007, "a reason that is not UTF-8").await;
    door.closes(&frame(0x82, b"{}"), 1003, "binary").await;
    let mut socket = door.open().await;
    let event = json!({ "event": "né", "id": "é", "data": {} }).to_string();
    let (head, rest) = event.as_bytes().split_at(event.find('é').unwrap() + 1);
    socket.send_frame(0x01, head).unwrap();
    socket.send_frame(0x89, b"between").unwrap();
    socket.send_frame(0x00, b"").unwrap();
    socket.send_frame(0x80, rest).unwrap();
    assert_eq!(socket.hear(), Frame::Pong(b"between".to_vec()), "control frames come between fragments");
    assert_eq!(socket.answer("é")["code"], "invalid_event", "a letter across fragments is whole again");
}

#[actix_web::test]
async fn frames_come_in_whatever_pieces_the_network_makes_of_them() {
    let door = Door::new().await;
    let event = |id: &str| json!({ "event": "nothing:known", "id": id, "data": {} }).to_string();
    // Each byte in a segment of its own: head, mask, content, and a ping and a fragment among them.
    let mut socket = door.open().await;
    let (first, second) = (event("un"), event("deux"));
    let (head, rest) = second.as_bytes().split_at(9);
    let frames = [
        frame(0x81, first.as_bytes()),
        frame(0x01, head),
        frame(0x89, b"between"),
        frame(0x80, rest),
        frame(0x88, &close(1000, b"")),
    ];
    for byte in frames.concat() {
        socket.send_raw(&[byte]).unwrap();
    }
    let (mut answers, mut pongs) = (Vec::new(), Vec::new());
    let code = loop {
        match socket.hear() {
            Frame::Text(text) => answers.push(text),
            Frame::Pong(content) => pongs.push(content),
            Frame::Ping(_) => {}
            Frame::Close(code) => break code,
            Frame::End => panic!("ended without a close"),
        }
    };
    assert_eq!((code, pongs), (Some(1000), vec![b"between".to_vec()]));
    assert!(answers.len() == 2 && answers[0].contains("\"un\"") && answers[1].contains("\"deux\""), "{answers:?}");
    // Many frames in one segment; a pong that nothing asked for is none of them that is answered.
    let mut socket = door.open().await;
    let together = [frame(0x8a, b"unasked"), frame(0x81, event("trois").as_bytes()), frame(0x8a, b"")].concat();
    socket.send_raw(&together).unwrap();
    assert_eq!(socket.answer("trois")["code"], "invalid_event");
    assert_eq!(socket.ask("nothing:known", &json!({}))["code"], "invalid_event", "it goes on");
}

#[actix_web::test]
async fn what_comes_after_a_close_is_never_heard() {
    let door = Door::new().await;
    let said = json!({ "event": "nothing:known", "id": "late", "data": {} }).to_string();
    let late = [frame(0x81, said.as_bytes()), frame(0x89, b"late"), frame(0x88, &close(4999, b""))].concat();
    let mut socket = door.open().await;
    socket.send_raw(&[frame(0x88, &close(1000, b"")), late].concat()).unwrap();
    assert_eq!((socket.hear(), socket.hear()), (Frame::Close(Some(1000)), Frame::End));
}

#[actix_web::test]
async fn what_is_too_big_is_closed_with_1009_before_it_is_read() {
    let door = Door::new().await;
    let announced = |length: u64| [&[0x81, 0x80 | 0x7f][..], &length.to_be_bytes()].concat();
    door.closes(&announced(64 * 1024 + 1), 1009, "announced").await;
    door.closes(&announced(u64::MAX >> 1), 1009, "announced without measure").await;
    let parts = [frame(0x01, &vec![b'x'; 40_000]), frame(0x80, &vec![b'x'; 40_000])].concat();
    door.closes(&parts, 1009, "reassembled").await;
    let mut socket = door.open().await;
    socket.send_frame(0x81, &vec![b' '; 64 * 1024]).unwrap();
    assert!(matches!(socket.hear(), Frame::Text(text) if text.contains("invalid_event")), "64 KiB are read");
}

#[actix_web::test]
async fn a_flood_is_closed_with_1008() {
    let door = Door::new().await;
    let mut socket = door.open().await;
    for number in 0..200 {
        // The server may close while this still writes.
        if socket.send_event("nothing:known", &number.to_string(), &json!({})).is_err() {
            break;
        }
    }
    let mut answers = 0;
    let code = loop {
        match socket.hear() {
            Frame::Text(_) => answers += 1,
            Frame::Close(code) => break code,
            Frame::Ping(_) | Frame::Pong(_) => {}
            Frame::End => panic!("ended after {answers} answers without a close"),
        }
    };
    assert_eq!(code, Some(1008));
    assert!((40..100).contains(&answers), "{answers} of 200 at once were answered");
    let mut pings = door.open().await;
    for _ in 0..500 {
        if pings.send_frame(0x89, b"").is_err() {
            break;
        }
    }
    assert_eq!(pings.closing(), Some(1008), "pings are no way around it");
}

#[actix_web::test]
async fn a_reader_that_never_reads_is_let_go() {
    let door = Door::new().await;
    let id = door.play.booked(Played::MARC, "2027-01-05T09:00:00Z").await;
    door.play.set_clock("2027-01-05T08:00:00Z");
    let mut deaf = door.open().await;
    deaf.ask("chat:join", &json!({ "consultationId": id }));
    let mut other = door.play.socket(&door.server, Played::SOPHIE, "/chat").await;
    other.ask("chat:join", &json!({ "consultationId": id }));
    // Each message is 8 KiB: what the sockets' buffers and the queue of 256 hold is soon full.
    let content = "x".repeat(8 * 1024);
    for _ in 0..2_000 {
        let path = format!("/chat/{id}/messages");
        door.play.post(Played::SOPHIE, &path, json!({ "content": content })).await.expect(201);
        other.event("chat:message:received");
        if !door.play.edge.hub.has(id.parse().unwrap(), door.marc()) {
            break;
        }
    }
    // The room has forgotten it; whoever reads is not disturbed.
    let room = id.parse().unwrap();
    let began = std::time::Instant::now();
    while door.play.edge.hub.has(room, door.marc()) {
        assert!(began.elapsed().as_secs() < 30, "a reader that never reads stays");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(
        other.ask("chat:message", &json!({ "consultationId": id, "content": "Et alors ?" }))["code"],
        json!(null)
    );
    let mut last = None;
    loop {
        match deaf.hear() {
            Frame::Text(_) | Frame::Ping(_) | Frame::Pong(_) => {}
            Frame::Close(code) => last = code,
            Frame::End => break,
        }
    }
    assert!(last.is_none() || last == Some(1013), "{last:?}");
}

impl Door {
    fn marc(&self) -> huntzen_tenancy::ids::UserId {
        self.play.account(Played::MARC).id
    }
}

#[actix_web::test]
async fn a_server_that_stops_says_so() {
    let door = Door::new().await;
    let mut socket = door.open().await;
    assert_eq!(socket.ask("nothing:known", &json!({}))["code"], "invalid_event");
    door.play.edge.hub.close_all();
    assert_eq!(socket.closing(), Some(1001));
    assert_eq!(socket.hear(), Frame::End);
    let token = format!("Bearer {}", door.play.token_of(Played::MARC).await);
    let refused = WebSocket::open(door.server.address, "/chat", &[("Authorization", &token)]).unwrap_err();
    assert_eq!(refused.status, 503);
}
