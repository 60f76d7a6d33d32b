//! Many clients at once, and what they saw.
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread::{scope, sleep},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::process::processor_time;
use crate::client::Client;

/// One request of a client.
#[derive(Debug)]
pub struct Request {
    /// The token that it is sent with.
    pub token: String,
    /// The method.
    pub method: &'static str,
    /// The path.
    pub path: String,
    /// The body.
    pub body: Option<Value>,
}

/// What was measured.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Answers a second with the status that was wanted.
    pub rate: f64,
    /// Half of the answers came within this.
    pub median: Duration,
    /// 99 of 100 did.
    pub p99: Duration,
    /// The server's processor time for each.
    pub processor: Duration,
    /// Answers with another status, by status.
    pub others: BTreeMap<u16, usize>,
}

/// Sends requests from so many clients for `seconds`, after a second of warming up. A client asks
/// `next` for its next request by its number and the count of those before, until there is none.
pub fn measure(
    server: (SocketAddr, u32),
    clients: usize,
    seconds: u64,
    status: u16,
    next: impl Fn(usize, usize) -> Option<Request> + Sync,
) -> Seen {
    let (address, process) = server;
    let (counts, over) = (AtomicBool::new(false), AtomicBool::new(false));
    let line = Barrier::new(clients + 1);
    scope(|scope| {
        let running: Vec<_> = (0..clients)
            .map(|number| {
                let (next, line, counts, over) = (&next, &line, &counts, &over);
                scope.spawn(move || run(address, number, status, next, line, counts, over))
            })
            .collect();
        line.wait();
        sleep(Duration::from_secs(1));
        let (began, used) = (Instant::now(), processor_time(process));
        counts.store(true, Ordering::SeqCst);
        sleep(Duration::from_secs(seconds));
        counts.store(false, Ordering::SeqCst);
        let (lasted, used) = (began.elapsed(), processor_time(process).saturating_sub(used));
        over.store(true, Ordering::SeqCst);
        let mut times = Vec::new();
        let mut others = BTreeMap::new();
        for client in running {
            let (own, odd) = client.join().unwrap();
            times.extend(own);
            for status in odd {
                *others.entry(status).or_default() += 1;
            }
        }
        summary(times, lasted, used, others)
    })
}

type Clock<'a> = &'a AtomicBool;

fn run(
    address: SocketAddr,
    number: usize,
    status: u16,
    next: &impl Fn(usize, usize) -> Option<Request>,
    line: &Barrier,
    counts: Clock<'_>,
    over: Clock<'_>,
) -> (Vec<Duration>, Vec<u16>) {
    let (mut times, mut others) = (Vec::new(), Vec::new());
    let mut client = Client::new(address);
    line.wait();
    for before in 0.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let Some(request) = next(number, before) else { break };
        client = client.with_token(request.token);
        let began = Instant::now();
        let answer = client.send(request.method, &request.path, request.body.as_ref()).unwrap();
        let took = began.elapsed();
        if answer.status != status {
            others.push(answer.status);
        } else if counts.load(Ordering::Relaxed) {
            times.push(took);
        }
    }
    (times, others)
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn summary(mut times: Vec<Duration>, lasted: Duration, used: Duration, others: BTreeMap<u16, usize>) -> Seen {
    times.sort_unstable();
    let count = times.len();
    let share = |hundredths: usize| times.get(count * hundredths / 100).copied().unwrap_or_default();
    Seen {
        rate: count as f64 / lasted.as_secs_f64(),
        median: share(50),
        p99: share(99),
        processor: used / u32::try_from(count.max(1)).unwrap(),
        others,
    }
}
