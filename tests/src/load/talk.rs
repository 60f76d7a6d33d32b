//! Many people talking at once: two in each room, each on a socket of their own, at a steady pace.
use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    time::{interval_at, sleep},
};

use super::process::processor_time;

/// One conversation and the tokens of its two participants.
#[derive(Clone, Debug)]
pub struct Room {
    /// The consultation.
    pub consultation: String,
    /// The access tokens of the employee and of the practitioner.
    pub tokens: [String; 2],
}

/// What was measured.
#[derive(Clone, Debug, Default)]
pub struct Talked {
    /// Messages a second that were acknowledged and delivered to the other participant.
    pub rate: f64,
    /// Half of the messages reached the other participant within this.
    pub median: Duration,
    /// 99 of 100 did.
    pub p99: Duration,
    /// The server's processor time for each.
    pub processor: Duration,
    /// Messages that were refused, or never came.
    pub lost: usize,
}

/// When each message left, by what it says, and how long each took to reach the other side.
#[derive(Default)]
struct Ledger {
    sent: Mutex<HashMap<String, Instant>>,
    took: Mutex<Vec<Duration>>,
    counts: AtomicBool,
    over: AtomicBool,
    refused: AtomicUsize,
}

/// Lets everybody say `pace` messages a second for `seconds`, after two seconds of warming up. `round`
/// is another one each time: a message that was said before is not told again.
pub fn talk(server: (SocketAddr, u32), rooms: &[Room], round: usize, pace: f64, seconds: u64) -> Talked {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(everybody(server, rooms, round, pace, seconds))
}

async fn everybody(
    (address, process): (SocketAddr, u32),
    rooms: &[Room],
    round: usize,
    pace: f64,
    seconds: u64,
) -> Talked {
    let ledger = Arc::new(Ledger::default());
    let mut readers = Vec::new();
    let mut writers = Vec::new();
    for (number, room) in rooms.iter().enumerate() {
        for (side, token) in room.tokens.iter().enumerate() {
            let (reader, mut writer) = connect(address, "/chat", token).await.unwrap();
            let join = json!({ "event": "chat:join", "data": { "consultationId": room.consultation } });
            writer.write_all(&masked(&join.to_string())).await.unwrap();
            readers.push(tokio::spawn(listen(reader, Arc::clone(&ledger), side)));
            writers.push((writer, room.consultation.clone(), number * 2 + side));
        }
    }
    sleep(Duration::from_secs(1)).await;
    let start = tokio::time::Instant::now() + Duration::from_millis(200);
    let each = Duration::from_secs_f64(1.0 / pace);
    let people = u32::try_from(writers.len()).unwrap();
    let speaking: Vec<_> = writers
        .into_iter()
        .map(|(writer, consultation, number)| {
            // Spread over the period, so that people do not speak in chorus.
            let offset = each * u32::try_from(number).unwrap() / people;
            tokio::spawn(speak(writer, consultation, (round, number), (start + offset, each), Arc::clone(&ledger)))
        })
        .collect();
    sleep(Duration::from_secs(2)).await;
    let (began, used) = (Instant::now(), processor_time(process));
    ledger.counts.store(true, Ordering::SeqCst);
    sleep(Duration::from_secs(seconds)).await;
    ledger.counts.store(false, Ordering::SeqCst);
    let (lasted, used) = (began.elapsed(), processor_time(process).saturating_sub(used));
    ledger.over.store(true, Ordering::SeqCst);
    let mut writers = Vec::new();
    for one in speaking {
        writers.push(one.await.unwrap());
    }
    // What is under way arrives; what has not come by then never will. A writer that is dropped closes
    // its socket.
    sleep(Duration::from_secs(2)).await;
    readers.iter().for_each(tokio::task::JoinHandle::abort);
    drop(writers);
    let mut took = std::mem::take(&mut *ledger.took.lock().unwrap());
    let lost = ledger.sent.lock().unwrap().len();
    summary(&mut took, lasted, used, lost)
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn summary(took: &mut [Duration], lasted: Duration, used: Duration, lost: usize) -> Talked {
    took.sort_unstable();
    let share = |hundredths: usize| took.get(took.len() * hundredths / 100).copied().unwrap_or_default();
    Talked {
        rate: took.len() as f64 / lasted.as_secs_f64(),
        median: share(50),
        p99: share(99),
        processor: used / u32::try_from(took.len().max(1)).unwrap(),
        lost,
    }
}

async fn speak(
    mut writer: OwnedWriteHalf,
    consultation: String,
    (round, number): (usize, usize),
    (start, each): (tokio::time::Instant, Duration),
    ledger: Arc<Ledger>,
) -> OwnedWriteHalf {
    let mut pace = interval_at(start, each);
    let mut count = 0_usize;
    loop {
        pace.tick().await;
        if ledger.over.load(Ordering::Relaxed) {
            return writer;
        }
        // Of the length that people write, and told apart by its beginning.
        let name = format!("{number}-{round}-{count}");
        let content = format!("{name} {}", "Je voulais vous dire que cela va mieux depuis lundi. ".repeat(2));
        let event = json!({
            "event": "chat:message", "id": name,
            "data": { "consultationId": consultation, "content": content },
        });
        ledger.sent.lock().unwrap().insert(name, Instant::now());
        if writer.write_all(&masked(&event.to_string())).await.is_err() {
            return writer;
        }
        count += 1;
    }
}

/// Reads everything; the other side's messages are what counts.
async fn listen(mut reader: OwnedReadHalf, ledger: Arc<Ledger>, side: usize) {
    let mut unread = Vec::new();
    let mut piece = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = reader.read(&mut piece).await {
        unread.extend_from_slice(&piece[..length]);
        let mut from = 0;
        while let Some((text, next)) = frame(&unread, from) {
            hear(text, &ledger, side);
            from = next;
        }
        unread.drain(..from);
    }
}

fn hear(text: &str, ledger: &Ledger, side: usize) {
    const CONTENT: &str = "\"content\":\"";
    if text.starts_with("{\"event\":\"error\"") {
        if ledger.refused.fetch_add(1, Ordering::Relaxed) == 0 {
            super::table::say(text);
        }
        return;
    }
    if !text.starts_with("{\"event\":\"chat:message:received\"") {
        return;
    }
    let Some(at) = text.find(CONTENT) else { return };
    let name = text[at + CONTENT.len()..].split(' ').next().unwrap_or_default();
    let speaker: usize = name.split('-').next().and_then(|number| number.parse().ok()).unwrap_or_default();
    if speaker % 2 == side {
        return;
    }
    if let Some(sent) = ledger.sent.lock().unwrap().remove(name)
        && ledger.counts.load(Ordering::Relaxed)
    {
        ledger.took.lock().unwrap().push(sent.elapsed());
    }
}

/// Opens a socket.
///
/// # Errors
/// When the server refuses, or cannot be reached.
pub(super) async fn connect(
    address: SocketAddr,
    path: &str,
    token: &str,
) -> io::Result<(OwnedReadHalf, OwnedWriteHalf)> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    if !head.starts_with(b"HTTP/1.1 101") {
        return Err(io::Error::other(String::from_utf8_lossy(&head).into_owned()));
    }
    Ok(stream.into_split())
}

/// A client's text frame (RFC 6455 §5.2). Its mask is zero: only the server's work is measured.
fn masked(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap();
    let mut bytes = vec![0x81];
    if length < 126 {
        bytes.push(0x80 | u8::try_from(length).unwrap());
    } else {
        bytes.push(0x80 | 0x7e);
        bytes.extend_from_slice(&length.to_be_bytes());
    }
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// The server's frame that begins at `from`, if it is whole, and where the next begins.
fn frame(bytes: &[u8], from: usize) -> Option<(&str, usize)> {
    let bytes_left = bytes.get(from..)?;
    let (head, length) = match *bytes_left.get(1)? {
        126 => (4, usize::from(u16::from_be_bytes(*bytes_left.get(2..4)?.first_chunk()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(*bytes_left.get(2..10)?.first_chunk()?)).unwrap()),
        short => (2, usize::from(short)),
    };
    let content = bytes_left.get(head..head + length)?;
    // Pings and closes hold nothing that is looked for.
    Some((std::str::from_utf8(content).unwrap_or_default(), from + head + length))
}
