//! What the workers share: the edge's own parts, and the use cases behind it.
use std::{
    future::{Ready, ready},
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    web::{Bytes, Data},
};
use huntzen_tenancy::{
    TenancyError,
    clock::{Clock, Randomness},
    files::ObjectStorage,
    identity::AccessTokenSigner,
    limits::{FailedAttempts, Guess, RequestLimit},
    live::{Signal, TicketOffice},
};
use jiff::SignedDuration;

use crate::{
    chat::MessageQueue,
    config::{Config, Environment, TrustedProxy},
    http::{
        access::{AuditedRefusals, RefusalTrail},
        context::Context,
        problem::Problem,
    },
    offload::{Lane, LaneSizes, Lanes, Patience, offload},
    realtime::{Hub, hub::Pace, nodes::mind_gaps},
    services::{Ports, Services},
    sessions::{SessionCache, SessionSource},
    telemetry::{meters::Meters, process::Process},
    workers::Bell,
};

/// Sessions that a node remembers; some 500 bytes each.
const SESSIONS_REMEMBERED: usize = 20_000;

/// What every request needs before it reaches a use case.
pub struct Edge {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes request ids.
    pub randomness: Arc<dyn Randomness>,
    /// Checks access tokens.
    pub access_tokens: Arc<dyn AccessTokenSigner>,
    /// Knows the sessions of the last minute.
    pub sessions: Arc<SessionCache>,
    /// Reads the other sessions.
    pub session_source: Arc<dyn SessionSource>,
    /// Keeps a trace of refusals.
    pub refusals: RefusalTrail,
    /// Counts requests.
    pub requests: RequestLimit,
    /// Counts failed attempts.
    pub attempts: FailedAttempts,
    /// Where use cases run.
    pub lanes: Lanes,
    /// The origins of the web front ends; none other may send credentials.
    pub front_ends: Vec<String>,
    /// The proxies whose word on the client's address counts.
    pub trusted_proxies: Vec<TrustedProxy>,
    /// Whether the API's documentation is served.
    pub docs_enabled: bool,
    /// The largest body of an ordinary request, in bytes.
    pub body_limit: usize,
    /// Keys the digests that stand for users in the log: another one at each start, so that
    /// nobody follows a person from one log to the next.
    pub log_key: [u8; 32],
    /// The API's document, built when it is first asked for.
    pub document: OnceLock<Bytes>,
    /// Where letters lie that did not leave, in development.
    pub letter_folder: Option<PathBuf>,
    /// Wakes the workers that send after a write.
    pub bell: Arc<Bell>,
    /// Tickets that open sockets.
    pub tickets: TicketOffice,
    /// The sockets of this node.
    pub hub: Arc<Hub>,
    /// The writer of messages of this node.
    pub messages: MessageQueue,
    /// Where the bytes of files are.
    pub storage: Arc<dyn ObjectStorage>,
    /// The largest file that is taken, in bytes.
    pub max_file_bytes: usize,
    /// For how long answers to requests with a key are told again.
    pub answers_kept: SignedDuration,
    /// What this process counts.
    pub meters: Meters,
    /// This process itself.
    pub process: Process,
}

impl Edge {
    /// The edge of an installation, with lanes of these sizes.
    pub fn new(config: &Config, ports: &Ports, services: &Services, lanes: LaneSizes, bell: Arc<Bell>) -> Self {
        let refusals = AuditedRefusals {
            store: Arc::clone(&ports.tenancy),
            clock: Arc::clone(&ports.clock),
            randomness: Arc::clone(&ports.randomness),
        };
        let sessions = Arc::new(SessionCache::new(SESSIONS_REMEMBERED));
        let hearing = Arc::downgrade(&sessions);
        // Before the hub's: nobody comes back through a session whose sockets were just closed.
        ports.broadcast.subscribe(Arc::new(move |signal: Signal| {
            if let Some(sessions) = hearing.upgrade() {
                sessions.hear(&signal);
            }
        }));
        let hub = Hub::new(&ports.broadcast, Pace::default(), ports.randomness.uuid_v4());
        let telling = Arc::clone(&hub);
        sessions.when_forgetting(move |forgotten| telling.publish(forgotten.signal()));
        mind_gaps(ports.broadcast.as_ref(), &hub, &sessions, &bell);
        let writes_files = config.environment == Environment::Development && config.smtp.host.is_none();
        Self {
            clock: Arc::clone(&ports.clock),
            randomness: Arc::clone(&ports.randomness),
            access_tokens: Arc::clone(&ports.access_tokens),
            sessions,
            session_source: Arc::new(services.sign_in.clone()),
            refusals: RefusalTrail::new(Arc::new(refusals)),
            requests: services.requests.clone(),
            attempts: services.attempts.clone(),
            lanes: Lanes::new(lanes),
            front_ends: config.http.frontend_urls.clone(),
            trusted_proxies: config.http.trusted_proxies.clone(),
            docs_enabled: config.http.docs_enabled,
            body_limit: config.http.body_limit_bytes,
            log_key: ports.randomness.secret(),
            document: OnceLock::new(),
            letter_folder: writes_files.then(|| config.database.data_dir.join("mail")),
            bell,
            tickets: services.tickets.clone(),
            messages: MessageQueue::start(services.messages.clone(), Arc::clone(&hub), Arc::clone(&ports.randomness)),
            hub,
            storage: Arc::clone(&ports.storage),
            max_file_bytes: config.storage.max_file_bytes,
            answers_kept: SignedDuration::from_hours(config.retention.idempotency_hours.into()),
            meters: Meters::default(),
            process: Process::default(),
        }
    }
}

/// Hands the use cases to a handler, and runs them where they belong.
pub struct App<S: 'static = Services> {
    services: Data<S>,
    edge: Data<Edge>,
    context: Context,
}

impl<S> Clone for App<S> {
    fn clone(&self) -> Self {
        Self { services: self.services.clone(), edge: self.edge.clone(), context: self.context.clone() }
    }
}

impl<S: Send + Sync + 'static> App<S> {
    /// Runs a use case that does not hash.
    ///
    /// # Errors
    /// The use case's refusal as a problem; `overloaded`, `internal`.
    pub async fn run<T, E, F>(&self, use_case: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        E: Send + 'static,
        Problem: From<E>,
        F: FnOnce(&S) -> Result<T, E> + Send + 'static,
    {
        self.run_on(Lane::General, use_case).await
    }

    /// Runs a use case that hashes or compares passwords.
    ///
    /// # Errors
    /// The same.
    pub async fn run_hashing<T, E, F>(&self, use_case: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        E: Send + 'static,
        Problem: From<E>,
        F: FnOnce(&S) -> Result<T, E> + Send + 'static,
    {
        self.run_on(Lane::Password, use_case).await
    }

    async fn run_on<T, E, F>(&self, lane: Lane, use_case: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        E: Send + 'static,
        Problem: From<E>,
        F: FnOnce(&S) -> Result<T, E> + Send + 'static,
    {
        let services = self.services.clone();
        offload(&self.edge.lanes, lane, &self.context.0.patience, move || use_case(services.as_ref())).await
    }

    /// Runs one of the many use cases that a long request consists of. Each that succeeds gives the next one the
    /// whole waiting time; a request that comes no further is refused as soon as any other.
    ///
    /// # Errors
    /// The same.
    pub async fn run_step<T, E, F>(&self, use_case: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        E: Send + 'static,
        Problem: From<E>,
        F: FnOnce(&S) -> Result<T, E> + Send + 'static,
    {
        let done = self.run(use_case).await?;
        self.context.0.patience.renew();
        Ok(done)
    }

    /// Runs a use case beside the request's own waiting time, with a patience of its own: beside the answer,
    /// while that is on its way or once it is given.
    ///
    /// # Errors
    /// The same.
    pub async fn run_beside<T, E, F>(&self, use_case: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        E: Send + 'static,
        Problem: From<E>,
        F: FnOnce(&S) -> Result<T, E> + Send + 'static,
    {
        let services = self.services.clone();
        offload(&self.edge.lanes, Lane::General, &Patience::default(), move || use_case(services.as_ref())).await
    }

    /// Where the bytes of files are.
    pub fn storage(&self) -> &dyn ObjectStorage {
        self.edge.storage.as_ref()
    }

    /// The largest file that is taken, in bytes.
    pub fn max_file_bytes(&self) -> usize {
        self.edge.max_file_bytes
    }

    /// The use cases, for what neither waits nor computes.
    pub fn services(&self) -> &S {
        &self.services
    }

    /// What this process counts.
    pub fn meters(&self) -> &Meters {
        &self.edge.meters
    }

    /// The session cache, to be told when a session or an account must not act any more.
    pub fn sessions(&self) -> &SessionCache {
        &self.edge.sessions
    }

    /// The sockets of this node and the way to those of others.
    pub fn hub(&self) -> &Hub {
        &self.edge.hub
    }

    /// Where use cases run.
    pub fn lanes(&self) -> &Lanes {
        &self.edge.lanes
    }

    /// The process itself.
    pub fn process(&self) -> &Process {
        &self.edge.process
    }

    /// Tells the time.
    pub fn clock(&self) -> &dyn Clock {
        self.edge.clock.as_ref()
    }

    /// Where messages are written.
    pub fn messages(&self) -> &MessageQueue {
        &self.edge.messages
    }

    /// The request's language, id, origin.
    pub fn context(&self) -> &Context {
        &self.context
    }
}

impl App {
    /// Runs a use case in which somebody may be guessing a secret, unless too many attempts have failed.
    ///
    /// # Errors
    /// `too_many_requests`, and those of `run`.
    pub async fn run_guess<T, F>(&self, guess: Guess, attempt: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Services) -> Result<T, TenancyError> + Send + 'static,
    {
        self.run(move |s| s.attempts.guard(guess, || attempt(s))).await
    }

    /// The same for one that hashes or compares passwords. Whoever has failed too often is refused before
    /// the queue for those: it is short, and a flood must not keep it full.
    ///
    /// # Errors
    /// The same.
    pub async fn run_hashing_guess<T, F>(&self, guess: Guess, attempt: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Services) -> Result<T, TenancyError> + Send + 'static,
    {
        if self.services.attempts.is_at_hand() {
            self.services.attempts.refuse_if_full(guess)?;
        } else {
            self.run(move |s| s.attempts.refuse_if_full(guess)).await?;
        }
        self.run_hashing(move |s| s.attempts.guard(guess, || attempt(s))).await
    }
}

impl<S: Send + Sync + 'static> FromRequest for App<S> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let missing = || Problem::internal("the application state was not given to the server");
        let parts = Context::of(request).and_then(|context| {
            Ok(Self {
                services: request.app_data::<Data<S>>().cloned().ok_or_else(missing)?,
                edge: request.app_data::<Data<Edge>>().cloned().ok_or_else(missing)?,
                context,
            })
        });
        ready(parts)
    }
}
