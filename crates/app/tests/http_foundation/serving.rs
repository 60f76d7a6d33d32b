//! Real sockets: the server finishes what it accepted before it stops.
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use actix_web::web::Data;
use huntzen_app::server::{ServerSettings, listen, serve_until};

use crate::{
    house::House,
    routes::{self, Shelf},
};

/// Sends a request and reads until the server closes.
fn ask(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut socket = TcpStream::connect(address)?;
    write!(socket, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    socket.read_to_string(&mut text)?;
    Ok(text)
}

#[actix_web::test]
async fn what_was_accepted_is_finished() {
    let settings = ServerSettings { host: "127.0.0.1".to_owned(), port: 0, workers: 2, pool_size: 4 };
    let edge = House::new().edge;
    let listening = listen(&settings, edge, Data::new(Shelf::default()), routes::operations).unwrap();
    let address = listening.addresses[0];
    let (asked, stop) = tokio::sync::oneshot::channel();
    let client = thread::spawn(move || {
        assert!(ask(address, "/books/newest").unwrap().starts_with("HTTP/1.1 200"));
        let slow = thread::spawn(move || ask(address, "/books/slow").unwrap());
        // Long enough for the request to be accepted, shorter than its handler takes.
        thread::sleep(Duration::from_millis(150));
        asked.send(()).unwrap();
        slow.join().unwrap()
    });
    let begun = Instant::now();
    serve_until(listening, async move { stop.await.unwrap() }).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(client.join().unwrap().contains("at last"));
    assert!(TcpStream::connect(address).is_err());
}
