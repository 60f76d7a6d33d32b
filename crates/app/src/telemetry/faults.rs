//! Reports of errors (Sentry), scrubbed: of an error its kind, its place in the code and words of ours leave the
//! machine, and nothing that came with a request.
use std::{
    borrow::Cow,
    collections::BTreeMap,
    error::Error,
    fmt::Debug,
    io,
    sync::{Arc, OnceLock},
    time::Duration,
};

use huntzen_tenancy::StoreError;
use sentry::{
    Client, ClientOptions,
    protocol::{Event, Exception},
    transports::DefaultTransportFactory,
    types::Dsn,
};
use tracing::{
    Level, Metadata, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

use super::meters::METHODS;

/// Our own crates: the messages of their log lines are literals, and their fields are known.
const OURS: &str = "huntzen_";
/// Fields of our own lines whose values are words or numbers of ours.
const FIELDS: [&str; 7] = ["code", "job", "kind", "method", "place", "route", "status"];
/// The longest text that is let through, in bytes.
const LONGEST: usize = 160;
/// How long the last reports may take when the program stops.
const PATIENCE: Duration = Duration::from_secs(2);

static CLIENT: OnceLock<Arc<Client>> = OnceLock::new();

/// What sends reports until it is stopped.
pub struct Faults(Arc<Client>);

impl Faults {
    /// From now on errors are reported to this DSN. A second call changes nothing.
    ///
    /// # Errors
    /// When it is no DSN; it is never repeated.
    pub fn start(dsn: &str, environment: &'static str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let client = Arc::new(Client::from_config(options(dsn, environment)?));
        // Only the first one is in force.
        let _ = CLIENT.set(Arc::clone(&client));
        Ok(Self(client))
    }

    /// Sends what waits, and nothing after it.
    pub fn stop(self) {
        if !self.0.close(Some(PATIENCE)) {
            tracing::warn!("the last errors were not reported");
        }
    }
}

fn options(dsn: &str, environment: &'static str) -> Result<ClientOptions, Box<dyn Error + Send + Sync>> {
    // Its own error quotes it.
    let dsn: Dsn = dsn.parse().ok().ok_or("the DSN cannot be used")?;
    let mut options = ClientOptions::new()
        .environment(environment)
        .release(concat!("huntzen@", env!("CARGO_PKG_VERSION")))
        .default_integrations(false)
        .send_default_pii(false)
        .max_breadcrumbs(0)
        .attach_stacktrace(false)
        .before_send(|event| Some(scrubbed(event)));
    options.dsn = Some(dsn);
    options.transport = Some(Arc::new(DefaultTransportFactory));
    Ok(options)
}

/// Reports what is logged as an error.
#[derive(Debug, Default)]
pub struct Reporter;

impl<S: Subscriber> Layer<S> for Reporter {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() != Level::ERROR {
            return;
        }
        let Some(client) = CLIENT.get() else { return };
        let mut seen = Seen::default();
        event.record(&mut seen);
        if let Some(report) = report(event.metadata(), seen) {
            client.capture_event(report, None);
        }
    }
}

/// What a log line says of itself.
#[derive(Debug, Default)]
struct Seen {
    message: String,
    kind: Option<String>,
    fields: BTreeMap<&'static str, String>,
}

impl Visit for Seen {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else if FIELDS.contains(&field.name()) {
            self.fields.insert(field.name(), format!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    /// Of an error, its text may quote anything.
    fn record_error(&mut self, _: &Field, error: &(dyn Error + 'static)) {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(kind) = kind_of(error) {
                self.kind = Some(kind);
                return;
            }
            next = error.source();
        }
    }
}

/// What kind of error it is, of those that tell something.
fn kind_of(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(error) = error.downcast_ref::<StoreError>() {
        let kind = match error {
            StoreError::Refused(_) => "StoreError::Refused",
            StoreError::Unavailable(_) => "StoreError::Unavailable",
            StoreError::Defect(_) => "StoreError::Defect",
        };
        return Some(kind.to_owned());
    }
    error.downcast_ref::<io::Error>().map(|error| format!("io::ErrorKind::{:?}", error.kind()))
}

/// The report of a log line; none of a refusal that is as it should be while something is out of reach, which
/// the metrics count.
fn report(line: &Metadata<'_>, seen: Seen) -> Option<Event<'static>> {
    let is_ours = line.target().starts_with(OURS);
    let Seen { message, kind, fields } = if is_ours { seen } else { Seen { kind: seen.kind, ..Seen::default() } };
    if fields.get("status").is_some_and(|status| status == "503") {
        return None;
    }
    let place = format!("{}:{}", line.file().unwrap_or("?"), line.line().unwrap_or_default());
    let exception = Exception {
        ty: kind.unwrap_or_else(|| "Error".to_owned()),
        value: (!message.is_empty()).then_some(message),
        module: Some(line.target().to_owned()),
        ..Exception::default()
    };
    let fingerprint: Vec<Cow<'static, str>> = vec![place.clone().into(), exception.ty.clone().into()];
    Some(Event {
        culprit: Some(place),
        exception: vec![exception].into(),
        fingerprint: fingerprint.into(),
        tags: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        ..Event::default()
    })
}

/// The last look at a report before it leaves: whatever has been put into it, nothing but what is named here goes.
fn scrubbed(event: Event<'static>) -> Event<'static> {
    let exceptions = event.exception.into_iter().map(|exception| Exception {
        ty: plain(exception.ty),
        value: exception.value.map(plain),
        module: exception.module.map(plain),
        ..Exception::default()
    });
    let tags = event.tags.into_iter().filter(|(name, value)| {
        let is_method = name != "method" || METHODS.contains(&value.as_str());
        FIELDS.contains(&name.as_str()) && is_method && is_plain(value)
    });
    let fingerprint: Vec<Cow<'static, str>> =
        event.fingerprint.iter().map(|part| plain(part.to_string()).into()).collect();
    Event {
        event_id: event.event_id,
        level: event.level,
        timestamp: event.timestamp,
        platform: event.platform,
        culprit: event.culprit.map(plain),
        exception: exceptions.collect::<Vec<_>>().into(),
        fingerprint: fingerprint.into(),
        tags: tags.collect(),
        release: event.release,
        environment: event.environment,
        sdk: event.sdk,
        ..Event::default()
    }
}

fn plain(text: String) -> String {
    if is_plain(&text) { text } else { "(withheld)".to_owned() }
}

/// Whether a text could be one of ours: short, without an address, a quotation, a query or a long number.
fn is_plain(text: &str) -> bool {
    let long_number = text.as_bytes().windows(6).any(|digits| digits.iter().all(u8::is_ascii_digit));
    text.len() <= LONGEST && text.is_ascii() && !text.contains(['@', '?', '"', '%']) && !long_number && !has_id(text)
}

/// Whether a text holds 16 or more hexadecimal digits in a row, hyphens apart.
fn has_id(text: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_hexdigit() || letter == '-';
    text.split(|letter| !is_part(letter)).any(|word| word.chars().filter(char::is_ascii_hexdigit).count() >= 16)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use std::collections::BTreeMap;

    use sentry::protocol::{Breadcrumb, LogEntry, Request, Stacktrace, User};

    use super::*;

    const CANARY: &str = "kanarienvogel@example.org";

    #[test]
    fn whatever_is_put_into_a_report_only_words_of_ours_leave() {
        let planted = || Some(CANARY.to_owned());
        let event = Event {
            culprit: Some("crates/app/src/http/edge.rs:201".to_owned()),
            transaction: planted(),
            message: planted(),
            logentry: Some(LogEntry { message: CANARY.to_owned(), params: vec![CANARY.into()] }),
            logger: planted(),
            server_name: Some(CANARY.into()),
            user: Some(User { email: planted(), ..User::default() }),
            request: Some(Request { data: planted(), query_string: planted(), ..Request::default() }),
            breadcrumbs: vec![Breadcrumb { message: planted(), ..Breadcrumb::default() }].into(),
            exception: vec![
                Exception { ty: "StoreError::Defect".to_owned(), value: planted(), ..Exception::default() },
                Exception {
                    ty: "Error".to_owned(),
                    value: Some("a job failed".to_owned()),
                    stacktrace: Some(Stacktrace::default()),
                    ..Exception::default()
                },
            ]
            .into(),
            tags: [
                ("route", "/companies/{id}"),
                ("user", CANARY),
                ("method", "MARC"),
                ("job", CANARY),
                ("status", "500"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect(),
            extra: [(CANARY.to_owned(), CANARY.into())].into_iter().collect(),
            modules: [(CANARY.to_owned(), CANARY.to_owned())].into_iter().collect(),
            ..Event::default()
        };
        let scrubbed = scrubbed(event);
        assert!(!serde_json::to_string(&scrubbed).unwrap().contains("kanarienvogel"), "{scrubbed:?}");
        let kept: BTreeMap<_, _> = scrubbed.tags.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(kept, BTreeMap::from([("route", "/companies/{id}"), ("status", "500")]));
        let values: Vec<_> = scrubbed.exception.iter().map(|one| (one.ty.as_str(), one.value.as_deref())).collect();
        assert_eq!(values, [("StoreError::Defect", Some("(withheld)")), ("Error", Some("a job failed"))]);
        assert_eq!(scrubbed.culprit.as_deref(), Some("crates/app/src/http/edge.rs:201"));
    }

    #[test]
    fn what_could_be_somebodys_is_withheld() {
        for word in ["a job failed", "/chat/{consultationId}/messages", "crates/app/src/workers/jobs.rs:140", ""] {
            assert!(is_plain(word), "{word}");
        }
        for word in [
            "marc@example.org",
            "Key (email)=(\"x\")",
            "/companies?x=1",
            "+33612345678",
            "018f0000-0000-7000-8000-000000000000",
            "deadbeefdeadbeef",
            "Zoé",
            &"x".repeat(200),
        ] {
            assert!(!is_plain(word), "{word}");
        }
    }

    #[test]
    fn of_an_error_its_kind_is_told_wherever_it_stands_in_the_chain() {
        let store = StoreError::Unavailable(CANARY.into());
        assert_eq!(kind_of(&store).as_deref(), Some("StoreError::Unavailable"));
        let system = io::Error::new(io::ErrorKind::TimedOut, CANARY);
        assert_eq!(kind_of(&system).as_deref(), Some("io::ErrorKind::TimedOut"));
        assert_eq!(kind_of(&std::fmt::Error), None);
    }
}
