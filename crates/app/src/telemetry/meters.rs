//! What the program counts while it works. No label says who: routes, lanes, jobs and words of ours alone.
use std::{cell::OnceCell, time::Duration};

use actix_web::http::{Method, StatusCode};
use prometheus_client::{
    encoding::{EncodeLabelSet, LabelSetEncoder},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

/// Upper bounds of the classes of latencies, in seconds; the last request is given up after some four.
const LATENCIES: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
/// The same for what waits in a lane.
const WAITS: [f64; 8] = [0.0005, 0.002, 0.01, 0.05, 0.2, 0.5, 1.0, 3.5];
/// Upper bounds of the classes of batches, in messages.
const BATCHES: [f64; 6] = [1.0, 4.0, 16.0, 64.0, 128.0, 256.0];

/// The route of everything that no operation takes.
pub const UNMATCHED: &str = "unmatched";

/// A set of labels, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Labels<const N: usize>([(&'static str, &'static str); N]);

impl<const N: usize> EncodeLabelSet for Labels<N> {
    fn encode(&self, encoder: &mut LabelSetEncoder) -> Result<(), std::fmt::Error> {
        self.0.encode(encoder)
    }
}

type Histograms<const N: usize> = Family<Labels<N>, Histogram, fn() -> Histogram>;

/// A histogram of how long something waits in a lane.
pub fn waits() -> Histogram {
    Histogram::new(WAITS)
}

fn latencies() -> Histogram {
    Histogram::new(LATENCIES)
}

/// Every count of a process; clones count together.
#[derive(Clone, Debug)]
pub struct Meters {
    requests: Histograms<3>,
    in_flight: Gauge,
    refused: Family<Labels<1>, Counter>,
    sockets: Family<Labels<1>, Gauge>,
    sockets_closed: Family<Labels<1>, Counter>,
    letters: Family<Labels<1>, Counter>,
    job_durations: Family<Labels<1>, Gauge<f64, std::sync::atomic::AtomicU64>>,
    job_runs: Family<Labels<1>, Gauge>,
    jobs: Family<Labels<2>, Counter>,
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            requests: Family::new_with_constructor(latencies),
            in_flight: Gauge::default(),
            refused: Family::default(),
            sockets: Family::default(),
            sockets_closed: Family::default(),
            letters: Family::default(),
            job_durations: Family::default(),
            job_runs: Family::default(),
            jobs: Family::default(),
        }
    }
}

impl Meters {
    /// Puts all of them under `registry`.
    pub fn register(&self, registry: &mut Registry) {
        let what = "Time from the head of a request to the head of its answer, in seconds";
        registry.register("huntzen_http_request_duration_seconds", what, self.requests.clone());
        registry.register("huntzen_http_requests_in_flight", "Requests that are worked on", self.in_flight.clone());
        registry.register(
            "huntzen_http_refused",
            "Requests that were refused unheard, by reason",
            self.refused.clone(),
        );
        registry.register("huntzen_sockets_open", "WebSockets that are open, by endpoint", self.sockets.clone());
        let what = "WebSockets that were closed, by reason";
        registry.register("huntzen_sockets_closed", what, self.sockets_closed.clone());
        registry.register("huntzen_letters", "Tries to send a letter, by outcome", self.letters.clone());
        registry.register("huntzen_job_runs", "Runs of a recurring job, by outcome", self.jobs.clone());
        let what = "How long the last run of a job took";
        registry.register("huntzen_job_last_duration_seconds", what, self.job_durations.clone());
        let what = "Whether the last run of a job succeeded";
        registry.register("huntzen_job_last_succeeded", what, self.job_runs.clone());
    }

    /// A request that is worked on, until what this answers is dropped.
    pub fn begin(&self) -> Counted {
        Counted::one_of(self.in_flight.clone())
    }

    /// A request was refused unheard.
    pub fn refuse(&self, reason: Refusal) {
        self.refused.get_or_create_owned(&Labels([("reason", reason.word())])).inc();
    }

    /// A socket is open, until what this answers is dropped.
    pub fn open_socket(&self, endpoint: &'static str) -> Counted {
        Counted::one_of(self.sockets.get_or_create_owned(&Labels([("endpoint", endpoint)])))
    }

    /// A socket was closed for this reason.
    pub fn close_socket(&self, reason: &'static str) {
        self.sockets_closed.get_or_create_owned(&Labels([("reason", reason)])).inc();
    }

    /// So many tries to send letters came out like this.
    pub fn letters(&self, outcome: &'static str, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.letters.get_or_create_owned(&Labels([("outcome", outcome)])).inc_by(count);
    }

    /// A recurring job has run for so long.
    pub fn job(&self, job: &'static str, succeeded: bool, duration: Duration) {
        let labels = Labels([("job", job)]);
        self.job_durations.get_or_create_owned(&labels).set(duration.as_secs_f64());
        self.job_runs.get_or_create_owned(&labels).set(i64::from(succeeded));
        let outcome = if succeeded { "success" } else { "failure" };
        self.jobs.get_or_create_owned(&Labels([("job", job), ("outcome", outcome)])).inc();
    }

    /// The latencies of a route; found anew each time, so callers keep what they get.
    fn latencies(&self, method: &'static str, route: &'static str, status: &'static str) -> Histogram {
        let labels = Labels([("method", method), ("route", route), ("status", status)]);
        self.requests.get_or_create_owned(&labels)
    }
}

/// Why a request was refused unheard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 429: the general limit.
    Requests,
    /// 429: too many attempts have failed.
    Attempts,
    /// 429: too many sockets of one person.
    Sockets,
    /// 503: a lane or a queue is full, or its turn came too late.
    Overloaded,
    /// 503: the database or the storage is out of reach.
    Unavailable,
}

impl Refusal {
    const fn word(self) -> &'static str {
        match self {
            Self::Requests => "request_limit",
            Self::Attempts => "failed_attempts",
            Self::Sockets => "sockets_per_person",
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
        }
    }
}

/// Something that is counted as long as this lives.
#[derive(Debug)]
pub struct Counted(Gauge);

impl Counted {
    fn one_of(gauge: Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The methods that are told apart; any other is `OTHER`.
pub const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "OTHER"];
/// The classes of statuses.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

fn position(method: &Method) -> usize {
    METHODS.iter().position(|known| *known == method.as_str()).unwrap_or(METHODS.len() - 1)
}

/// The word for a method, of those that are told apart: a stranger may have made up another.
pub fn method_word(method: &Method) -> &'static str {
    METHODS.get(position(method)).copied().unwrap_or("OTHER")
}

/// The latencies of one path template in one worker, each looked up once.
pub struct RouteMeter {
    route: &'static str,
    is_socket: bool,
    latencies: Box<[[OnceCell<Histogram>; CLASSES.len()]; METHODS.len()]>,
}

impl RouteMeter {
    /// Of this path template.
    pub fn of(route: &'static str) -> Self {
        Self { route, is_socket: false, latencies: Box::default() }
    }

    /// Of the socket at this path.
    pub fn of_socket(route: &'static str) -> Self {
        Self { is_socket: true, ..Self::of(route) }
    }

    /// The path template; `None` of what no operation takes.
    pub fn pattern(&self) -> Option<&'static str> {
        (self.route != UNMATCHED).then_some(self.route)
    }

    /// Whether a socket is opened there.
    pub fn is_socket(&self) -> bool {
        self.is_socket
    }

    /// An answer of this status was given after so long.
    pub fn observe(&self, meters: &Meters, method: &Method, status: StatusCode, duration: Duration) {
        let known = position(method);
        let class = usize::from(status.as_u16() / 100).saturating_sub(1).min(CLASSES.len() - 1);
        let cell = self.latencies.get(known).and_then(|classes| classes.get(class));
        if let (Some(cell), Some(method), Some(class)) = (cell, METHODS.get(known), CLASSES.get(class)) {
            cell.get_or_init(|| meters.latencies(method, self.route, class)).observe(duration.as_secs_f64());
        }
    }
}

/// What the writer of messages counts.
#[derive(Clone, Debug)]
pub struct MessageMeters {
    waiting: Gauge,
    written: Counter,
    batches: Histogram,
}

impl Default for MessageMeters {
    fn default() -> Self {
        Self { waiting: Gauge::default(), written: Counter::default(), batches: Histogram::new(BATCHES) }
    }
}

impl MessageMeters {
    /// Puts all of them under `registry`.
    pub fn register(&self, registry: &mut Registry) {
        let what = "Messages that wait for the writer of this process";
        registry.register("huntzen_messages_waiting", what, self.waiting.clone());
        registry.register("huntzen_messages_written", "Messages that were kept", self.written.clone());
        let what = "Messages in each unit of work of the writer";
        registry.register("huntzen_messages_batch_size", what, self.batches.clone());
    }

    /// A message that waits for the writer, until what this answers is dropped.
    pub fn begin(&self) -> Counted {
        Counted::one_of(self.waiting.clone())
    }

    /// How many wait.
    pub fn waiting(&self) -> u64 {
        u64::try_from(self.waiting.get()).unwrap_or_default()
    }

    /// The writer has tried to keep a batch: this came of each message.
    pub fn wrote<T, E>(&self, outcomes: &[Result<T, E>]) {
        let of = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        self.batches.observe(of(outcomes.len()).into());
        self.written.inc_by(of(outcomes.iter().filter(|outcome| outcome.is_ok()).count()).into());
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use prometheus_client::encoding::text::encode;

    use super::*;

    fn told(meters: &Meters) -> String {
        let mut registry = Registry::default();
        meters.register(&mut registry);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        text
    }

    #[test]
    fn requests_count_by_method_route_and_class_whichever_worker_answers() {
        let meters = Meters::default();
        let workers = [RouteMeter::of("/companies/{id}"), RouteMeter::of("/companies/{id}")];
        for worker in &workers {
            worker.observe(&meters, &Method::GET, StatusCode::OK, Duration::from_millis(3));
            worker.observe(&meters, &Method::GET, StatusCode::NOT_FOUND, Duration::from_secs(9));
            // A stranger chooses the method: it becomes no label.
            let method = Method::from_bytes(b"MARC").unwrap();
            worker.observe(&meters, &method, StatusCode::from_u16(999).unwrap(), Duration::ZERO);
        }
        let text = told(&meters);
        let name = "huntzen_http_request_duration_seconds";
        for (labels, count) in [("method=\"GET\",route=\"/companies/{id}\",status=\"2xx\"", 2), ("method=\"OTHER\"", 2)]
        {
            let line = text.lines().find(|line| line.starts_with(&format!("{name}_count{{{labels}"))).unwrap();
            assert!(line.ends_with(&format!(" {count}")), "{line}");
        }
        assert!(text.contains("status=\"4xx\"} 18.0"), "{text}");
        assert!(!text.contains("MARC"), "{text}");
    }

    #[test]
    fn what_is_under_way_is_counted_until_it_ends_however_it_ends() {
        let meters = Meters::default();
        let (one, two) = (meters.begin(), meters.open_socket("/chat"));
        let text = told(&meters);
        assert!(text.contains("in_flight 1\n") && text.contains("open{endpoint=\"/chat\"} 1\n"), "{text}");
        drop((one, two));
        let text = told(&meters);
        assert!(text.contains("in_flight 0\n") && text.contains("open{endpoint=\"/chat\"} 0\n"), "{text}");
    }

    #[test]
    fn a_job_tells_how_it_went_last_and_how_often_it_went_how() {
        let meters = Meters::default();
        meters.job("erasure", true, Duration::from_millis(500));
        meters.job("erasure", false, Duration::from_millis(1_500));
        let text = told(&meters);
        for line in [
            "huntzen_job_last_succeeded{job=\"erasure\"} 0",
            "huntzen_job_last_duration_seconds{job=\"erasure\"} 1.5",
            "huntzen_job_runs_total{job=\"erasure\",outcome=\"success\"} 1",
            "huntzen_job_runs_total{job=\"erasure\",outcome=\"failure\"} 1",
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
    }
}
