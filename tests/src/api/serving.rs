//! The application over a world: one worker in process, its mailbox, and tokens for whoever asks.
use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    future::Future,
    path::PathBuf,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use actix_web::{
    http::Method,
    test::{self, TestRequest},
    web::Data,
};
use huntzen_adapter_crypto::{
    BcryptHasher, HmacRefreshTokens, HmacTallyKeys, HmacVisitorKeys, JitsiSigner, JwtSigner, TotpRs, TurnServers,
};
use huntzen_adapter_smtp::{HandlebarsLetters, RecordingMailer, Sender};
use huntzen_app::{
    config::{Config, Sources},
    http,
    markdown::CommonMark,
    offload::LaneSizes,
    probe::{Pool, Probe},
    server::application,
    services::{Ports, Services},
    state::Edge,
    wiring,
    workers::Bell,
};
use huntzen_metrics::{MetricsStore, reconciliation::Reconciliation};
use huntzen_tenancy::{Job, Scope, StoreError, TenancyStore, clock::Clock, email::Email, mail::Mail, outbox::Backlog};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Answer, Front, PASSWORD, front::FarTallies};
use crate::world::World;

/// In place of an address: nobody is signed in.
pub const NOBODY: &str = "";

/// For how long a token is used again; it is valid for longer.
const TOKEN_KEPT: SignedDuration = SignedDuration::from_mins(10);

pub(super) type Door = Box<dyn Fn(TestRequest) -> Pin<Box<dyn Future<Output = Answer>>>>;

/// The store behind the health check; a test can cut it off.
pub struct WatchedStore {
    store: Arc<dyn TenancyStore>,
    metrics: Arc<dyn MetricsStore>,
    cut_off: AtomicBool,
    redis: Mutex<Option<bool>>,
}

impl WatchedStore {
    /// From now on the store is out of reach of the health check.
    pub fn cut_off(&self) {
        self.cut_off.store(true, Ordering::SeqCst);
    }

    /// From now on there is a Redis, which answers or does not.
    pub fn configure_redis(&self, answers: bool) {
        *self.redis.lock().unwrap() = Some(answers);
    }
}

impl Probe for WatchedStore {
    fn database(&self) -> Result<(), StoreError> {
        self.outbox(Timestamp::UNIX_EPOCH).map(drop)
    }

    fn outbox(&self, now: Timestamp) -> Result<Backlog, StoreError> {
        if self.cut_off.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("cut off".into()));
        }
        self.store.begin(&Scope::worker(Job::Outbox))?.backlog(now)
    }

    fn reconciliation(&self) -> Result<Option<Reconciliation>, StoreError> {
        self.metrics.begin(&Scope::worker(Job::Reconcile))?.last_reconciliation()
    }

    fn unlinked(&self) -> Result<u64, StoreError> {
        self.store.begin(&Scope::worker(Job::Audit))?.count_unlinked()
    }

    fn last_backup(&self) -> Result<Option<Timestamp>, StoreError> {
        self.store.begin(&Scope::worker(Job::Backup))?.last_backup()
    }

    fn has_redis(&self) -> bool {
        self.redis.lock().unwrap().is_some()
    }

    fn redis(&self) -> Option<Result<(), StoreError>> {
        let answers = *self.redis.lock().unwrap();
        answers.map(|answers| if answers { Ok(()) } else { Err(StoreError::Unavailable("cut off".into())) })
    }

    fn pool(&self) -> Pool {
        Pool { size: 4, in_use: 1, idle: 2, waiting: 0, failed: 0 }
    }
}

/// A world with the whole application in front of it.
pub struct ApiWorld {
    /// The stores and the clock.
    pub world: World,
    /// What the operator has configured.
    pub config: Config,
    /// The use cases, for what no request does: jobs and the first operator.
    pub services: Data<Services>,
    /// What every request needs, and every socket.
    pub edge: Data<Edge>,
    /// What the health check looks at.
    pub watched: Arc<WatchedStore>,
    mailer: Arc<RecordingMailer>,
    door: Door,
    tokens: RefCell<HashMap<String, (Timestamp, String)>>,
}

impl ApiWorld {
    /// Over plain maps.
    pub async fn memory() -> Self {
        Self::over(World::memory(), configured()).await
    }

    /// Over plain maps, with ids and secrets that are the same in every run with this seed.
    pub async fn memory_seeded(seed: u64) -> Self {
        Self::over(World::memory_seeded(seed), configured()).await
    }

    /// Over plain maps, as an operator has configured it.
    pub async fn memory_with(configure: impl FnOnce(&mut Config)) -> Self {
        let mut config = configured();
        configure(&mut config);
        Self::over(World::memory(), config).await
    }

    /// Over a database of its own.
    pub async fn postgres() -> Self {
        Self::over(World::postgres(), configured()).await
    }

    async fn over(world: World, config: Config) -> Self {
        let mailer = Arc::new(RecordingMailer::new());
        let watched = Arc::new(WatchedStore {
            store: Arc::clone(&world.tenancy),
            metrics: Arc::clone(&world.metrics),
            cut_off: AtomicBool::new(false),
            redis: Mutex::default(),
        });
        let ports = ports(&world, &config, &mailer, &watched, &Arc::default());
        let (services, edge, door) = opened(&config, &ports).await;
        Self { world, config, services, edge, watched, mailer, door, tokens: RefCell::default() }
    }

    /// Another application over the same world, as another operator has configured it.
    pub async fn front(&self, configure: impl FnOnce(&mut Config)) -> Front {
        let mut config = self.config.clone();
        configure(&mut config);
        let tallies = Arc::default();
        let ports = ports(&self.world, &config, &self.mailer, &self.watched, &tallies);
        let (_, _, door) = opened(&config, &ports).await;
        Front { door, tallies }
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: TestRequest) -> Answer {
        self.send_from("203.0.113.9:4711", request).await
    }

    /// The same, from this address and port.
    pub async fn send_from(&self, peer: &str, request: TestRequest) -> Answer {
        (self.door)(request.peer_addr(peer.parse().unwrap())).await
    }

    /// A request of `who`, an address or [`NOBODY`], with a body unless it is null.
    pub async fn request(&self, method: Method, who: &str, path: &str, body: Value) -> Answer {
        let mut request = TestRequest::with_uri(path).method(method);
        if who != NOBODY {
            request = request.insert_header(("authorization", format!("Bearer {}", self.token_of(who).await)));
        }
        if !body.is_null() {
            request = request.insert_header(("content-type", "application/json")).set_payload(body.to_string());
        }
        self.send(request).await
    }

    /// `GET` as `who`.
    pub async fn get(&self, who: &str, path: &str) -> Answer {
        self.request(Method::GET, who, path, Value::Null).await
    }

    /// `POST` as `who`.
    pub async fn post(&self, who: &str, path: &str, body: Value) -> Answer {
        self.request(Method::POST, who, path, body).await
    }

    /// `PUT` as `who`.
    pub async fn put(&self, who: &str, path: &str, body: Value) -> Answer {
        self.request(Method::PUT, who, path, body).await
    }

    /// `PATCH` as `who`.
    pub async fn patch(&self, who: &str, path: &str, body: Value) -> Answer {
        self.request(Method::PATCH, who, path, body).await
    }

    /// `DELETE` as `who`.
    pub async fn delete(&self, who: &str, path: &str) -> Answer {
        self.request(Method::DELETE, who, path, Value::Null).await
    }

    /// `GET` with this token, whatever it is.
    pub async fn get_with(&self, token: &str, path: &str) -> Answer {
        self.send(TestRequest::with_uri(path).insert_header(("authorization", format!("Bearer {token}")))).await
    }

    /// Signs in with [`PASSWORD`], whatever comes of it.
    pub async fn sign_in(&self, who: &str) -> Answer {
        self.post(NOBODY, "/auth/login", json!({ "email": who, "password": PASSWORD })).await
    }

    /// An access token of `who`: the one of before while the clock allows it.
    pub async fn token_of(&self, who: &str) -> String {
        let now = self.world.clock.now();
        let kept = self.tokens.borrow().get(who).cloned();
        if let Some((_, token)) = kept.filter(|(since, _)| *since <= now && now.duration_since(*since) < TOKEN_KEPT) {
            return token;
        }
        let answer = Box::pin(self.sign_in(who)).await;
        answer.expect(200);
        let token = answer.text_at("/accessToken");
        self.tokens.borrow_mut().insert(who.to_owned(), (now, token.clone()));
        token
    }

    /// Forgets the tokens in hand: whoever asks next signs in anew.
    pub fn forget_tokens(&self) {
        self.tokens.borrow_mut().clear();
    }

    /// Sets the clock.
    pub fn set_clock(&self, now: &str) {
        self.world.clock.set(now.parse().unwrap());
    }

    /// What the clock shows, as bodies tell instants.
    pub fn now(&self) -> String {
        self.world.clock.now().to_string()
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: SignedDuration) {
        self.world.clock.advance(by);
    }

    /// Sends every letter that waits.
    pub fn deliver_letters(&self) {
        while self.services.dispatch.run(100).unwrap().sent > 0 {}
    }

    /// Every letter to this address, oldest first.
    pub fn letters_to(&self, address: &str) -> Vec<Mail> {
        self.deliver_letters();
        self.mailer.mails_to(&Email::parse(address).unwrap())
    }

    /// Throws the letters away that were delivered so far.
    pub fn empty_mailboxes(&self) {
        self.deliver_letters();
        self.mailer.clear();
    }

    /// The token in the last letter to this address.
    pub fn token_from_letter(&self, address: &str) -> String {
        let letters = self.letters_to(address);
        let text = &letters.last().unwrap_or_else(|| panic!("no letter to {address}")).text;
        let (_, rest) = text.split_once("token=").unwrap_or_else(|| panic!("no token in {text}"));
        rest.chars().take_while(char::is_ascii_alphanumeric).collect()
    }
}

/// The configuration of the tests, whatever the machine's own environment says.
fn configured() -> Config {
    let data_folder = std::env::temp_dir().to_string_lossy().into_owned();
    let variables = [("HUNTZEN_ENV", "test".to_owned()), ("HUNTZEN_DATA_DIR", data_folder)];
    Config::load(&Sources {
        variables: variables.map(|(name, value)| (name.to_owned(), value)).into_iter().collect::<BTreeMap<_, _>>(),
        folder: PathBuf::from(env!("CARGO_MANIFEST_DIR")),
    })
    .unwrap()
}

/// The application of `config` over `ports`: its use cases, its edge, and one worker in process.
async fn opened(config: &Config, ports: &Ports) -> (Data<Services>, Data<Edge>, Door) {
    let services = Data::new(wiring::services_over(config, ports).unwrap());
    let edge = Edge::new(config, ports, &services, LaneSizes::of(4, 2), Arc::new(Bell::default()));
    let edge = Data::new(edge);
    let served = application(edge.clone(), services.clone(), http::operations);
    let worker = Rc::new(test::init_service(served).await);
    let door: Door = Box::new(move |request| {
        let worker = Rc::clone(&worker);
        let request = request.to_request();
        let asked = format!("{} {}", request.method(), request.uri());
        Box::pin(async move {
            let response = test::call_service(worker.as_ref(), request).await;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let bytes = test::read_body(response).await;
            let json = serde_json::from_slice(&bytes).unwrap_or_default();
            Answer { asked, status, headers, bytes, json }
        })
    });
    (services, edge, door)
}

fn ports(
    world: &World,
    config: &Config,
    mailer: &Arc<RecordingMailer>,
    watched: &Arc<WatchedStore>,
    tallies: &Arc<FarTallies>,
) -> Ports {
    let auth = &config.auth;
    let sender = Sender::parse(&config.smtp.from).unwrap();
    let shared = || huntzen_tenancy::limits::SharedTallies {
        of_all_nodes: Arc::<FarTallies>::clone(tallies),
        of_this_node: Arc::new(huntzen_adapter_memory::MemoryTallies::default()),
    };
    Ports {
        tenancy: Arc::clone(&world.tenancy),
        booking: Arc::clone(&world.booking),
        metrics: Arc::clone(&world.metrics),
        clinical: Arc::clone(&world.clinical),
        broadcast: Arc::new(huntzen_adapter_memory::LocalBroadcast::default()),
        calls: Arc::new(huntzen_adapter_memory::LocalCalls::default()),
        ice: Arc::new(TurnServers::new(&["stun:stun.example".into(), "turn:turn.example".into()], "north".into())),
        tickets: Arc::new(huntzen_adapter_memory::MemoryTickets::default()),
        request_tallies: shared(),
        password_tallies: shared(),
        token_tallies: shared(),
        tally_keys: Arc::new(HmacTallyKeys::new(&auth.jwt_secret)),
        storage: Arc::new(huntzen_adapter_files::in_memory()),
        rotation: Arc::clone(&world.rotation),
        vault: Arc::clone(&world.vault),
        signer: Arc::clone(&world.signer),
        checkpoints: Arc::<crate::checkpoints::MemoryCheckpoints>::clone(&world.checkpoints),
        probe: Arc::<WatchedStore>::clone(watched),
        clock: Arc::<crate::clock::TestClock>::clone(&world.clock),
        randomness: Arc::clone(&world.randomness),
        hasher: Arc::new(BcryptHasher::new(auth.bcrypt_cost)),
        totp: Arc::new(TotpRs::new(Arc::clone(&world.randomness))),
        access_tokens: Arc::new(JwtSigner::new(&auth.jwt_secret, auth.issuer.clone(), auth.audience.clone())),
        refresh_tokens: Arc::new(HmacRefreshTokens::new(auth.jwt_refresh_secret.clone())),
        room_tokens: Arc::new(JitsiSigner::new(&config.jitsi.secret)),
        markdown: Arc::new(CommonMark::default()),
        visitor_keys: Arc::new(HmacVisitorKeys),
        letters: Arc::new(HandlebarsLetters::new(config.http.frontend_urls.first().unwrap(), sender).unwrap()),
        mailer: Arc::<RecordingMailer>::clone(mailer),
    }
}
