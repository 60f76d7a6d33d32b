//! Traces (OTLP over HTTP): one span a request, of its method, route pattern, status and duration.
//!
//! Spans are made here, of these four things, and not of what the program or its crates log: nothing that is
//! ever put into a log line can come to leave the machine with them.
use std::{
    error::Error,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use opentelemetry::{
    KeyValue,
    trace::{Span, SpanBuilder, SpanKind, Status, TracerProvider},
};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracer, SdkTracerProvider},
};
use ureq::Agent;

/// How long the collector may take for a batch.
const PATIENCE: Duration = Duration::from_secs(5);
/// Where traces go on a collector (OTLP 1.x, §OTLP/HTTP).
const PATH: &str = "/v1/traces";

static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// What sends spans until it is shut down.
#[derive(Debug)]
pub struct Spans(SdkTracerProvider);

impl Spans {
    /// From now on requests leave spans at the collector of this URL. A second call changes nothing.
    ///
    /// # Errors
    /// When the URL cannot be used; it is never repeated.
    pub fn start(endpoint: &str, environment: &'static str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client::default())
            .with_endpoint(format!("{}{PATH}", endpoint.trim_end_matches('/')))
            .with_timeout(PATIENCE)
            .build()
            // Its own error quotes it.
            .ok()
            .ok_or("the collector's URL cannot be used")?;
        let resource = Resource::builder_empty().with_attributes([
            KeyValue::new("service.name", "huntzen"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("deployment.environment.name", environment),
        ]);
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(Sampler::AlwaysOn)
            .with_resource(resource.build())
            .build();
        // Only the first one is in force.
        let _ = TRACER.set(provider.tracer("huntzen"));
        Ok(Self(provider))
    }

    /// Sends what waits, and nothing after it.
    pub fn stop(self) {
        if let Err(error) = self.0.shutdown_with_timeout(PATIENCE) {
            tracing::warn!(error = &error as &dyn Error, "the last spans were not sent");
        }
    }
}

/// A request was answered at `end`, after so long.
pub fn record(method: &'static str, route: &'static str, status: u16, end: SystemTime, duration: Duration) {
    let Some(tracer) = TRACER.get() else { return };
    let attributes = [
        KeyValue::new("http.request.method", method),
        KeyValue::new("http.route", route),
        KeyValue::new("http.response.status_code", i64::from(status)),
    ];
    let mut span = SpanBuilder::from_name(format!("{method} {route}"))
        .with_kind(SpanKind::Server)
        .with_start_time(end.checked_sub(duration).unwrap_or(end))
        .with_attributes(attributes)
        .start(tracer);
    if status >= 500 {
        span.set_status(Status::error(""));
    }
    span.end_with_timestamp(end);
}

/// The way to the collector: TLS by rustls with ring, no redirects.
#[derive(Debug)]
struct Client {
    agent: Agent,
    lost: AtomicU64,
}

impl Default for Client {
    fn default() -> Self {
        let config =
            Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).max_redirects(0);
        Self { agent: config.build().new_agent(), lost: AtomicU64::new(0) }
    }
}

impl Client {
    /// Tells now and then that batches are lost: the collector may be gone for long. Where it is, is not told.
    fn lose(&self) {
        let lost = self.lost.fetch_add(1, Ordering::Relaxed) + 1;
        if lost.is_power_of_two() {
            tracing::warn!(lost, "spans were not taken by the collector");
        }
    }
}

#[async_trait]
impl HttpClient for Client {
    /// Blocks: it is called from the thread that sends batches, which does nothing else.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.agent.run(request.map(|body| body.to_vec())).inspect_err(|_| self.lose())?;
        let (head, mut body) = answer.into_parts();
        if !head.status.is_success() {
            self.lose();
        }
        Ok(Response::from_parts(head, body.read_to_vec()?.into()))
    }
}
