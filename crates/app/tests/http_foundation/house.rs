//! The parts that the routes under test stand on, and requests in one line.
use std::sync::{
    Arc, Mutex, OnceLock,
    atomic::{AtomicU8, AtomicUsize, Ordering},
};

use actix_web::{
    http::{Method, StatusCode, header::HeaderMap},
    test::{self, TestRequest},
    web::{Bytes, Data},
};
use huntzen_adapter_crypto::{HmacTallyKeys, KeyRing, XChaChaVault};
use huntzen_adapter_memory::{LocalBroadcast, MemoryStore, MemoryTallies, MemoryTickets};
use huntzen_app::{
    chat::MessageQueue,
    http::access::{RefusalTrail, Refusals},
    offload::{LaneSizes, Lanes},
    realtime::{Hub, hub::Pace},
    server::application,
    sessions::{SessionCache, SessionSource},
    state::Edge,
    telemetry::{meters::Meters, process::Process},
};
use huntzen_clinical::{
    ClinicalPorts,
    conversation::{ConversationRules, MessageWriter},
};
use huntzen_tenancy::{
    Actor, Origin, Scope, TenancyError,
    clock::{Clock, Randomness},
    email::Email,
    identity::{AccessClaims, AccessTokenError, AccessTokenSigner, Device, Session, SessionState, User},
    ids::{SessionId, UserId},
    limits::{AttemptPorts, FailedAttempts, RequestLimit, RequestRules, SharedTallies, TallyKeys},
    live::{Broadcast, TicketOffice},
    policy::Role,
    sealing::Sealer,
    words::Words,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use crate::routes::{self, Shelf};

/// What the clock shows at first.
const MORNING: &str = "2027-01-15T09:00:00Z";

/// A clock that stands until it is moved.
pub struct StoppedClock(Mutex<Timestamp>);

impl StoppedClock {
    pub fn forward(&self, by: SignedDuration) {
        let mut now = self.0.lock().unwrap();
        *now += by;
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

struct Counting(AtomicU8);

impl Randomness for Counting {
    fn fill(&self, out: &mut [u8]) {
        out.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

/// Tokens that are a role's word.
struct WordTokens;

impl AccessTokenSigner for WordTokens {
    fn sign(&self, claims: &AccessClaims) -> Result<String, AccessTokenError> {
        Ok(claims.role.to_string())
    }

    fn verify(&self, token: &str, now: Timestamp) -> Result<AccessClaims, AccessTokenError> {
        let role = Role::parse(token).ok_or(AccessTokenError)?;
        Ok(AccessClaims {
            user: user_of(role),
            email: Email::parse("somebody@techcorp.example").unwrap(),
            role,
            company: None,
            session: session_of(role),
            issued_at: now,
            expires_at: now + SignedDuration::from_mins(15),
        })
    }
}

pub fn user_of(role: Role) -> UserId {
    UserId(Uuid::from_u128(100 + role as u128))
}

pub fn session_of(role: Role) -> SessionId {
    SessionId(Uuid::from_u128(200 + role as u128))
}

/// Sessions of one account for each role, until ended; counts how often it is asked.
#[derive(Default)]
pub struct Accounts {
    pub asked: AtomicUsize,
    pub ended: Mutex<Vec<SessionId>>,
}

impl SessionSource for Accounts {
    fn live_session(&self, _: &Origin, actor: Actor, id: SessionId) -> Result<SessionState, TenancyError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.ended.lock().unwrap().contains(&id) {
            return Err(TenancyError::SessionEnded);
        }
        Ok(SessionState { session: session(actor, id), user: user(actor), company_active: true })
    }
}

/// When everybody signed in.
fn since() -> Timestamp {
    MORNING.parse().unwrap()
}

fn session(actor: Actor, id: SessionId) -> Session {
    Session {
        id,
        user: actor.user,
        created_at: since(),
        last_used_at: since(),
        expires_at: since() + SignedDuration::from_hours(24),
        revoked_at: None,
        stepped_up_at: None,
        device: Device::default(),
    }
}

fn user(actor: Actor) -> User {
    User {
        id: actor.user,
        company: actor.company,
        email: Email::parse("somebody@techcorp.example").unwrap(),
        password: None,
        role: actor.role,
        first_name: "Some".to_owned(),
        last_name: "Body".to_owned(),
        is_active: true,
        email_verified: true,
        two_factor_enabled_at: None,
        blocked_at: None,
        signed_out_before: None,
        last_login_at: None,
        language: "fr".to_owned(),
        avatar: None,
        created_at: since(),
        updated_at: since(),
    }
}

/// Refusals as they were recorded: by whom.
#[derive(Default)]
pub struct Recorded(pub Mutex<Vec<Option<UserId>>>);

impl Refusals for Recorded {
    fn record(&self, scope: &Scope) -> Result<(), TenancyError> {
        self.0.lock().unwrap().push(scope.actor().map(|actor| actor.user));
        Ok(())
    }
}

/// The writer of messages, over plain maps.
fn writer(clock: Arc<StoppedClock>, randomness: &Arc<dyn Randomness>) -> MessageWriter {
    let ring = KeyRing::parse(&format!("1:{}", "01".repeat(32))).unwrap();
    let vault = Arc::new(XChaChaVault::new(ring, Arc::clone(randomness)));
    let ports = ClinicalPorts {
        store: Arc::new(MemoryStore::default()),
        sealer: Sealer::new(vault, Arc::clone(randomness)),
        clock,
        randomness: Arc::clone(randomness),
    };
    MessageWriter::new(ports, ConversationRules::default())
}

/// Everything behind the routes under test.
pub struct House {
    pub edge: Data<Edge>,
    pub clock: Arc<StoppedClock>,
    pub accounts: Arc<Accounts>,
    pub refusals: Arc<Recorded>,
}

impl House {
    pub fn new() -> Self {
        Self::with_docs(true)
    }

    pub fn with_docs(docs_enabled: bool) -> Self {
        Self::built(docs_enabled, None)
    }

    /// One that answers so many requests of each in a minute.
    pub fn limited(most: u32) -> Self {
        Self::built(true, Some(RequestRules { most, window: SignedDuration::from_mins(1) }))
    }

    fn built(docs_enabled: bool, requests: Option<RequestRules>) -> Self {
        let clock = Arc::new(StoppedClock(Mutex::new(since())));
        let accounts = Arc::new(Accounts::default());
        let refusals = Arc::new(Recorded::default());
        let randomness: Arc<dyn Randomness> = Arc::new(Counting(AtomicU8::new(0)));
        let broadcast: Arc<dyn Broadcast> = Arc::new(LocalBroadcast::default());
        let hub = Hub::new(&broadcast, Pace::default(), Uuid::from_u128(1));
        let tickets = TicketOffice::new(
            Arc::new(MemoryStore::default()),
            Arc::new(MemoryTickets::default()),
            clock.clone(),
            Arc::clone(&randomness),
        );
        let tallies = SharedTallies::of_one_node(Arc::new(MemoryTallies::default()));
        let keys: Arc<dyn TallyKeys> = Arc::new(HmacTallyKeys::new(&"secret".to_owned().into()));
        let edge = Edge {
            clock: clock.clone(),
            messages: MessageQueue::start(
                writer(clock.clone(), &randomness),
                Arc::clone(&hub),
                Arc::clone(&randomness),
            ),
            hub,
            tickets,
            randomness,
            access_tokens: Arc::new(WordTokens),
            sessions: Arc::new(SessionCache::new(1000)),
            session_source: accounts.clone(),
            refusals: RefusalTrail::new(refusals.clone()),
            requests: RequestLimit::new(tallies.clone(), keys.clone(), clock.clone(), requests),
            attempts: FailedAttempts::new(
                AttemptPorts { passwords: tallies.clone(), tokens: tallies, keys, clock: clock.clone() },
                None,
            ),
            lanes: Lanes::new(LaneSizes::of(4, 2)),
            front_ends: vec!["https://care.example".to_owned()],
            trusted_proxies: Vec::new(),
            docs_enabled,
            body_limit: 4096,
            log_key: [7; 32],
            document: OnceLock::new(),
            letter_folder: None,
            bell: Arc::default(),
            storage: Arc::new(huntzen_adapter_files::in_memory()),
            max_file_bytes: 1024,
            answers_kept: SignedDuration::from_hours(24),
            meters: Meters::default(),
            process: Process::default(),
        };
        Self { edge: Data::new(edge), clock, accounts, refusals }
    }

    /// Sends one request to a fresh worker.
    pub async fn send(&self, request: TestRequest) -> Answer {
        let app = application(self.edge.clone(), Data::new(Shelf::default()), routes::operations);
        let worker = test::init_service(app).await;
        let response = test::call_service(&worker, request.to_request()).await;
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, body: test::read_body(response).await }
    }

    pub async fn get(&self, uri: &str) -> Answer {
        self.send(TestRequest::with_uri(uri)).await
    }
}

/// A request with a token.
pub fn signed(role: Role, method: Method, uri: &str) -> TestRequest {
    TestRequest::with_uri(uri).method(method).insert_header(("authorization", format!("Bearer {role}")))
}

/// The same with a JSON body, taken as it is written.
pub fn with_json(request: TestRequest, body: &str) -> TestRequest {
    request.insert_header(("content-type", "application/json")).set_payload(body.to_owned())
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The problem's code, after checking that it is a whole problem.
    pub fn code(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        let problem = self.json();
        for field in ["type", "title", "detail", "requestId"] {
            assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{field} in {problem}");
        }
        assert_eq!(problem["status"], self.status.as_u16());
        assert_eq!(problem["requestId"], self.header("x-request-id").unwrap());
        let code = problem["code"].as_str().unwrap().to_owned();
        assert_eq!(problem["type"], format!("urn:huntzen:problem:{code}"));
        code
    }

    /// The refused fields with their codes.
    pub fn refused(&self) -> Vec<(String, String)> {
        assert_eq!(self.code(), "validation_failed");
        let problem = self.json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let errors = problem["errors"].as_array().unwrap();
        errors.iter().map(|error| (text(&error["field"]), text(&error["code"]))).collect()
    }
}
