//! More requests than the server can do: sent at their times, whether or not others were answered.
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
    thread::{Builder, scope, sleep},
    time::{Duration, Instant},
};

use super::clients::Request;
use crate::client::Client;

/// Connections that share the requests out. While the server is slow to answer some, others are free.
const CONNECTIONS: u32 = 1_024;
/// What a thread that only sends and reads needs.
const STACK: usize = 256 * 1024;
/// Before anything counts.
const WARM_UP: Duration = Duration::from_secs(2);

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
    next: impl Fn(usize) -> Option<Request> + Sync,
) -> Withstood {
    let connections = CONNECTIONS.min(whole(rate));
    let period = Duration::from_secs_f64(f64::from(connections) / rate);
    let begun = Instant::now();
    let over = begun + WARM_UP + Duration::from_secs(seconds);
    let number = AtomicUsize::new(0);
    let answers: Vec<Answered> = scope(|scope| {
        let running: Vec<_> = (0..connections)
            .map(|connection| {
                let (next, number) = (&next, &number);
                let first = begun + period * connection / connections;
                let sending =
                    move || send(address, first, period, over, || next(number.fetch_add(1, Ordering::Relaxed)));
                Builder::new().stack_size(STACK).spawn_scoped(scope, sending).unwrap()
            })
            .collect();
        running.into_iter().flat_map(|connection| connection.join().unwrap()).collect()
    });
    let counted = answers.into_iter().filter(|answer| answer.sent >= begun + WARM_UP);
    summary(counted, seconds, status)
}

/// The whole connections for a rate; at least one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is positive and small")]
fn whole(rate: f64) -> u32 {
    (rate as u32).max(1)
}

/// One connection: a request each `period`, at once when it is late.
fn send(
    address: SocketAddr,
    first: Instant,
    period: Duration,
    over: Instant,
    next: impl Fn() -> Option<Request>,
) -> Vec<Answered> {
    let mut client = Client::new(address);
    let (mut due, mut answers) = (first, Vec::new());
    while due < over {
        sleep(due.saturating_duration_since(Instant::now()));
        let Some(request) = next() else { break };
        client = client.with_token(request.token);
        let sent = Instant::now();
        if sent >= over {
            break;
        }
        let status = match client.send(request.method, &request.path, request.body.as_ref()) {
            Ok(answer) if answer.status == 503 && answer.header("retry-after").is_none() => 0,
            Ok(answer) => answer.status,
            Err(_) => 0,
        };
        answers.push(Answered { sent, took: sent.elapsed(), status });
        due += period;
    }
    answers
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
