//! What leaves the machine, as a collector on the wire gets it: spans and reports without anything of the requests.
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use actix_web::test::TestRequest;
use huntzen_app::telemetry::{
    faults::{Faults, Reporter},
    spans::Spans,
};
use huntzen_tenancy::StoreError;
use tracing_subscriber::layer::SubscriberExt;

use crate::house::House;

const PATIENCE: Duration = Duration::from_secs(30);
const CANARY: &str = "kanarienvogel";

/// A request as it arrived.
struct Arrived {
    head: String,
    body: Vec<u8>,
}

/// A collector on this machine; where it is, and what arrives.
fn collector() -> (String, Receiver<Arrived>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (arrive, arrived) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                if stream.read_line(&mut head).unwrap() == 0 {
                    break;
                }
            }
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length:").and_then(|text| text.trim().parse().ok())
            });
            let mut body = vec![0; length.unwrap_or(0)];
            stream.read_exact(&mut body).unwrap();
            let answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
            if arrive.send(Arrived { head, body }).is_err() {
                return;
            }
        }
    });
    (address, arrived)
}

/// A request that is full of canaries.
fn singing(path: &str) -> TestRequest {
    TestRequest::with_uri(path)
        .insert_header(("authorization", format!("Bearer {CANARY}")))
        .insert_header(("x-request-id", CANARY))
        .insert_header(("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
        .insert_header(("user-agent", CANARY))
        .insert_header(("cookie", CANARY))
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[actix_web::test]
async fn a_span_tells_method_route_and_status_and_nothing_of_the_request() {
    let (address, arrived) = collector();
    let spans = Spans::start(&format!("http://{address}"), "test").unwrap();
    let house = House::new();
    assert_eq!(house.send(singing(&format!("/books/{CANARY}?of={CANARY}"))).await.status, 401);
    assert_eq!(house.send(singing("/books/newest")).await.status, 200);
    assert_eq!(house.send(singing(&format!("/{CANARY}"))).await.status, 404);
    thread::spawn(move || spans.stop()).join().unwrap();
    let Arrived { head, body } = arrived.recv_timeout(PATIENCE).unwrap();
    assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
    assert!(head.to_ascii_lowercase().contains("content-type: application/x-protobuf"), "{head}");
    for text in ["GET /books/{id}", "GET /books/newest", "GET unmatched", "http.response.status_code", "huntzen"] {
        assert!(holds(&body, text), "{text} is not in {}", String::from_utf8_lossy(&body));
    }
    assert!(!holds(&body, CANARY), "{}", String::from_utf8_lossy(&body));
    // The client's own trace is not joined: it would tell which request was theirs.
    let theirs = [0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd];
    assert!(!body.windows(theirs.len()).any(|window| window == theirs));
}

#[actix_web::test]
async fn a_report_tells_what_failed_where_and_nothing_of_the_request() {
    let (address, arrived) = collector();
    let faults = Faults::start(&format!("http://public@{address}/42"), "test").unwrap();
    let listening = tracing::subscriber::set_default(tracing_subscriber::registry().with(Reporter));
    let house = House::new();
    assert_eq!(house.send(singing("/books/defect")).await.status, 500);
    // A refusal that is as it should be is none.
    assert_eq!(house.send(singing("/books/unavailable")).await.status, 503);
    // Lines of others: their messages and fields may hold anything.
    let error = StoreError::Unavailable(CANARY.into());
    tracing::error!(error = &error as &dyn std::error::Error, route = CANARY, "{CANARY} could not be found");
    drop(listening);
    thread::spawn(move || faults.stop()).join().unwrap();
    let mut reports = Vec::new();
    while let Ok(Arrived { head, body }) = arrived.recv_timeout(Duration::from_millis(200)) {
        assert!(head.starts_with("POST /api/42/envelope/ HTTP/1.1\r\n"), "{head}");
        let text = String::from_utf8(body).unwrap();
        assert!(!text.contains(CANARY), "{text}");
        reports.push(text);
    }
    let [request, other] = reports.as_slice() else { panic!("{reports:?}") };
    for text in
        ["\"route\":\"/books/defect\"", "\"status\":\"500\"", "\"method\":\"GET\"", "edge.rs:", "\"value\":\"request\""]
    {
        assert!(request.contains(text), "{text} is not in {request}");
    }
    for absent in ["\"user\"", "\"request\":{", "server_name", "breadcrumbs", "micros", "causes"] {
        assert!(!request.contains(absent), "{absent} is in {request}");
    }
    assert!(other.contains("\"type\":\"StoreError::Unavailable\"") && !other.contains("\"route\""), "{other}");
}
