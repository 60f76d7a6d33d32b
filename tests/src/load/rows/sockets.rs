//! Sockets that are open and say nothing.
use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::tcp::{OwnedReadHalf, OwnedWriteHalf},
    sync::Semaphore,
    task::JoinHandle,
    time::sleep,
};

use super::{
    super::{process::resident_kib, table::say, talk::connect},
    Bench,
};
use crate::server::Server;

/// How many are wanted.
const SOCKETS: usize = 10_000;
/// Long enough that who does not answer pings has been closed.
const HELD_FOR: Duration = Duration::from_secs(50);
/// Files that server and clients have open beside sockets.
const OTHER_FILES: usize = 300;
/// An empty ping of the server, and the answer to it (RFC 6455 §5.5); the mask is zero.
const PING: [u8; 2] = [0x89, 0];
const PONG: [u8; 6] = [0x8a, 0x80, 0, 0, 0, 0];

impl Bench<'_> {
    /// What each takes of a fresh server's memory, and whether all are held.
    pub(super) fn sockets(&mut self, server: &Server<'_>) {
        if !self.options.wants("sockets") {
            return;
        }
        // The server has two files for each.
        let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
        let sockets = SOCKETS.min((usize::try_from(files).unwrap() - OTHER_FILES) / 2);
        say(&format!("holding {sockets} sockets; at most {files} files may be open here"));
        assert_eq!(server.client().send("GET", "/health", None).unwrap().status, 200);
        let before = resident_kib(server.process());
        let people = self.employees.iter().chain(&self.practitioners).cycle();
        let tokens: Vec<String> = people.take(sockets).cloned().collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (open, after) = runtime.block_on(hold(server, &tokens));
        let hundredths = after.saturating_sub(before) * 100 / u64::try_from(sockets).unwrap();
        let each = format!("{}.{:02}", hundredths / 100, hundredths % 100);
        let measured = format!("{open} of {sockets} held for {} s, {each} KiB each", HELD_FOR.as_secs());
        let goal_ratio = hundredths / 20;
        let ratio = format!("{}.{:02}", goal_ratio / 100, goal_ratio % 100);
        self.push("idle sockets", measured, "-".to_owned(), "20 KiB each, 10,000 held", ratio);
    }
}

/// Opens a socket for each token and answers pings for a while. Answers how many are open then, and
/// the server's memory.
async fn hold(server: &Server<'_>, tokens: &[String]) -> (usize, u64) {
    let at_once = Arc::new(Semaphore::new(64));
    let opening: Vec<JoinHandle<_>> = tokens
        .iter()
        .enumerate()
        .map(|(number, token)| {
            let path = if number % 2 == 0 { "/chat" } else { "/notifications/live" };
            tokio::spawn(open(server.address(), path, token.clone(), Arc::clone(&at_once)))
        })
        .collect();
    let mut held = Vec::new();
    for socket in opening {
        let (reader, writer) = socket.await.unwrap();
        held.push(tokio::spawn(answer(reader, writer)));
    }
    sleep(HELD_FOR).await;
    let open = held.iter().filter(|one| !one.is_finished()).count();
    (open, resident_kib(server.process()))
}

async fn open(
    address: SocketAddr,
    path: &str,
    token: String,
    at_once: Arc<Semaphore>,
) -> (OwnedReadHalf, OwnedWriteHalf) {
    let _one = at_once.acquire().await.unwrap();
    connect(address, path, &token).await.unwrap()
}

/// Answers pings until the socket ends.
async fn answer(mut reader: OwnedReadHalf, mut writer: OwnedWriteHalf) {
    let mut piece = [0; 16];
    while let Ok(length @ 1..) = reader.read(&mut piece).await {
        for _ in piece[..length].chunks(PING.len()).filter(|frame| *frame == PING) {
            if writer.write_all(&PONG).await.is_err() {
                return;
            }
        }
    }
}
