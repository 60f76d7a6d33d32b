//! More requests than the server can do: sent at their times, whether or not others were answered.
//!
//! One thread sends them all and reads every answer: a thousand threads would take the processor from the server
//! that they share it with, and a real flood comes from elsewhere.
use std::{
    cell::Cell,
    collections::BTreeMap,
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Builder,
    time::{sleep_until, timeout},
};

use super::clients::Request;

/// Connections that share the requests out. While the server is slow to answer some, others are free.
const CONNECTIONS: u32 = 1_024;
/// Before anything counts.
const WARM_UP: Duration = Duration::from_secs(2);

/// How long an answer is waited for; one that does not come counts as a connection that broke.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the server did.
#[derive(Clone, Debug, Default)]
pub struct Withstood {
    /// Requests a second that were sent.
    pub offered: f64,
    /// Answers a second with the status that was wanted.
    pub good: f64,
    /// Refusals a second: 503 with `Retry-After`.
    pub shed: f64,
    /// Half of the good answers came within this.
    pub median: Duration,
    /// 99 of 100 did.
    pub p99: Duration,
    /// Other answers, by status; 0 is a connection that broke, or a 503 that says not when to come back.
    pub others: BTreeMap<u16, usize>,
}

/// One answer.
struct Answered {
    sent: Instant,
    took: Duration,
    status: u16,
}

/// Sends `rate` requests a second for `seconds`, after a time of warming up. `next` makes each by its number.
pub fn flood(
    address: SocketAddr,
    rate: f64,
    seconds: u64,
    status: u16,
    next: impl Fn(usize) -> Option<Request>,
) -> Withstood {
    let connections = CONNECTIONS.min(whole(rate));
    let period = Duration::from_secs_f64(f64::from(connections) / rate);
    let begun = Instant::now();
    let over = begun + WARM_UP + Duration::from_secs(seconds);
    let number = Cell::new(0);
    let next = || next(number.replace(number.get() + 1));
    let sending = (0..connections).map(|connection| {
        let first = begun + period * connection / connections;
        send(Connection::new(address), (first, period, over), &next)
    });
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let answers = runtime.block_on(join_all(sending));
    let counted = answers.into_iter().flatten().filter(|answer| answer.sent >= begun + WARM_UP);
    summary(counted, seconds, status)
}

/// The whole connections for a rate; at least one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is positive and small")]
fn whole(rate: f64) -> u32 {
    (rate as u32).max(1)
}

/// One connection: from its first instant until all is over a request each period, at once when it is late.
async fn send(
    mut connection: Connection,
    (first, period, over): (Instant, Duration, Instant),
    next: &impl Fn() -> Option<Request>,
) -> Vec<Answered> {
    let (mut due, mut answers) = (first, Vec::new());
    while due < over {
        sleep_until(due.into()).await;
        let Some(request) = next() else { break };
        let sent = Instant::now();
        if sent >= over {
            break;
        }
        let asked = timeout(PATIENCE, connection.ask(&request)).await;
        let status = asked.unwrap_or_else(|elapsed| Err(elapsed.into())).unwrap_or(0);
        answers.push(Answered { sent, took: sent.elapsed(), status });
        due += period;
    }
    answers
}

/// A connection that is kept as long as it is good.
struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

impl Connection {
    fn new(address: SocketAddr) -> Self {
        Self { address, stream: None, buffer: Vec::new() }
    }

    /// The status of the answer; 0 for a 503 that says not when to come back.
    async fn ask(&mut self, request: &Request) -> io::Result<u16> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => TcpStream::connect(self.address).await?,
        };
        stream.set_nodelay(true)?;
        stream.write_all(written(self.address, request).as_bytes()).await?;
        self.buffer.clear();
        let (status, is_kept) = read_answer(&mut stream, &mut self.buffer).await?;
        self.stream = Some(stream).filter(|_| is_kept);
        Ok(status)
    }
}

fn written(address: SocketAddr, Request { token, method, path, body }: &Request) -> String {
    let body = body.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n", body.len());
    if !token.is_empty() {
        head.extend(["Authorization: Bearer ", token, "\r\n"]);
    }
    if !body.is_empty() {
        head.push_str("Content-Type: application/json\r\n");
    }
    head.extend(["\r\n", &body]);
    head
}

/// The status of an answer that has a length (RFC 9112 §6.2), and whether the connection is good for another one.
async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<(u16, bool)> {
    let head = loop {
        if let Some(end) = memchr::memmem::find(buffer, b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let text = std::str::from_utf8(&buffer[..head]).map_err(io::Error::other)?;
    let status = text.get(9..12).and_then(|code| code.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    let field = |name: &str| {
        let mut fields = text.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    };
    let length = field("content-length").map_or(Ok(0), str::parse::<usize>).map_err(io::Error::other)?;
    let is_kept = field("connection").is_none_or(|value| !value.eq_ignore_ascii_case("close"));
    let status = if status == 503 && field("retry-after").is_none() { 0 } else { status };
    while buffer.len() < head + length {
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok((status, is_kept))
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn summary(answers: impl Iterator<Item = Answered>, seconds: u64, status: u16) -> Withstood {
    let (mut good, mut shed, mut offered) = (Vec::new(), 0_usize, 0_usize);
    let mut others = BTreeMap::new();
    for answer in answers {
        offered += 1;
        match answer.status {
            wanted if wanted == status => good.push(answer.took),
            503 => shed += 1,
            other => *others.entry(other).or_default() += 1,
        }
    }
    good.sort_unstable();
    let share = |hundredths: usize| good.get(good.len() * hundredths / 100).copied().unwrap_or_default();
    let a_second = |count: usize| count as f64 / seconds as f64;
    Withstood {
        offered: a_second(offered),
        good: a_second(good.len()),
        shed: a_second(shed),
        median: share(50),
        p99: share(99),
        others,
    }
}
