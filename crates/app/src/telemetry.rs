//! What the program tells of itself: log lines, metrics, and, where it is built so, traces and reports of errors.
pub mod exposition;
#[cfg(feature = "sentry")]
pub mod faults;
pub mod lines;
pub mod meters;
pub mod process;
pub mod readings;
#[cfg(feature = "otlp")]
pub mod spans;
pub mod zones;

use std::{
    io::{self, IsTerminal},
    panic,
    sync::{
        Once, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use secrecy::SecretString;
use tracing::Subscriber;
use tracing_subscriber::{EnvFilter, registry::LookupSpan, util::SubscriberInitExt};

use self::lines::Lines;
use crate::{
    cli::Failure,
    config::{Config, LogFormat, short_names::shown_name},
};

/// What is logged unless `RUST_LOG` says otherwise: actix names workers and signals at `info`.
const USUAL: &str = "info,actix_server=warn,actix_http=warn,handlebars=warn,r2d2=off";

/// The lines of this process.
static LINES: OnceLock<Lines> = OnceLock::new();

/// How often a thread of this process has panicked.
static PANICS: AtomicU64 = AtomicU64::new(0);
static PANICS_ARE_COUNTED: Once = Once::new();

/// Sends log lines to standard error from now on. A second call changes nothing.
pub fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(USUAL));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(LINES.get_or_init(|| Lines::through(io::stderr())).clone())
        .with_target(false)
        .with_ansi(io::stderr().is_terminal());
    match format {
        LogFormat::Text => install(lines.compact().finish()),
        LogFormat::Json => install(lines.json().flatten_event(true).with_current_span(false).finish()),
    }
    PANICS_ARE_COUNTED.call_once(|| count_panics(format));
}

/// How often a thread has panicked: each time is a defect, whether or not what it worked at began anew.
pub fn panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

fn count_panics(format: LogFormat) {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        match format {
            LogFormat::Text => usual(panic),
            LogFormat::Json => note_panic(panic),
        }
    }));
}

fn install<S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync + 'static>(lines: S) {
    #[cfg(feature = "sentry")]
    let lines = tracing_subscriber::layer::SubscriberExt::with(lines, faults::Reporter);
    // Another subscriber may be there already, in tests.
    let _ = lines.try_init();
}

/// Writes out the log lines that wait, when it is dropped: the last thing that a command does.
pub struct LastLines;

impl Drop for LastLines {
    fn drop(&mut self) {
        if let Some(lines) = LINES.get() {
            lines.flush();
        }
    }
}

/// A panic is a line like every other, and says where; its message may quote what somebody sent.
fn note_panic(panic: &panic::PanicHookInfo<'_>) {
    let place = panic.location().map(|place| format!("{}:{}", place.file(), place.line()));
    let place = place.as_deref().unwrap_or("?");
    let thread = thread::current();
    tracing::error!(place, thread = thread.name().unwrap_or("?"), "a thread has panicked");
}

/// What sends traces and reports of errors until it is stopped.
#[derive(Default)]
pub struct Exporters {
    #[cfg(feature = "otlp")]
    spans: Option<spans::Spans>,
    #[cfg(feature = "sentry")]
    faults: Option<faults::Faults>,
}

impl Exporters {
    /// Starts what `config` asks for. What this program was built without is a warning, and in production a
    /// refusal: whoever relies on it would watch nothing.
    ///
    /// # Errors
    /// Then, and when an address cannot be used.
    pub fn start(config: &Config) -> Result<Self, Failure> {
        let telemetry = &config.telemetry;
        let (otlp, sentry) = (telemetry.otlp_endpoint.as_ref(), telemetry.sentry_dsn.as_ref());
        for (key, value, is_built) in [
            ("telemetry.otlp_endpoint", otlp, cfg!(feature = "otlp")),
            ("telemetry.sentry_dsn", sentry, cfg!(feature = "sentry")),
        ] {
            require_feature(config, key, value, is_built)?;
        }
        Ok(Self {
            #[cfg(feature = "otlp")]
            spans: started(config, "telemetry.otlp_endpoint", otlp, spans::Spans::start)?,
            #[cfg(feature = "sentry")]
            faults: started(config, "telemetry.sentry_dsn", sentry, faults::Faults::start)?,
        })
    }

    /// Sends what waits, and nothing after it.
    pub fn stop(self) {
        #[cfg(feature = "otlp")]
        if let Some(spans) = self.spans {
            spans.stop();
        }
        #[cfg(feature = "sentry")]
        if let Some(faults) = self.faults {
            faults.stop();
        }
    }
}

fn require_feature(config: &Config, key: &str, value: Option<&SecretString>, is_built: bool) -> Result<(), Failure> {
    if is_built || value.is_none() {
        return Ok(());
    }
    let key = shown_name(key);
    if config.environment.is_production() {
        return Err(format!("{key} is set, and this program was built without what it needs").into());
    }
    tracing::warn!("{key} is set, and this program was built without what it needs: nothing is sent there");
    Ok(())
}

#[cfg(any(feature = "otlp", feature = "sentry"))]
fn started<T>(
    config: &Config,
    key: &str,
    value: Option<&SecretString>,
    start: fn(&str, &'static str) -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    use secrecy::ExposeSecret;
    let started = value.map(|value| start(value.expose_secret(), config.environment.name()));
    started.transpose().map_err(|error| format!("{}: {error}", shown_name(key)).into())
}
