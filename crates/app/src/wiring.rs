//! Which adapter stands behind which port: the only file that names them.
use std::{sync::Arc, time::Duration};

use huntzen_adapter_crypto::{
    BcryptHasher, Ed25519Signer, HmacRefreshTokens, HmacTallyKeys, HmacVisitorKeys, JitsiSigner, JwtSigner, KeyRing,
    OsRandomness, TotpRs, TurnServers, XChaChaNodeSeal, XChaChaVault,
};
pub use huntzen_adapter_diesel::migrate as schema;
use huntzen_adapter_diesel::{PgStore, PoolState, refuse_bypassing_role};
use huntzen_adapter_files::{S3Settings, local_folder, s3_bucket};
use huntzen_adapter_memory::{LocalBroadcast, LocalCalls, MemoryTallies, MemoryTickets};
use huntzen_adapter_redis::{Link, RedisBroadcast, RedisCalls, RedisSettings, RedisTallies, RedisTickets};
use huntzen_adapter_smtp::{
    FileMailer, HandlebarsLetters, Sender, SmtpCredentials, SmtpMailer, SmtpSecurity, SmtpServer,
};
use huntzen_booking::{BookingRules, consultation::BillingStatus, room::RoomSettings};
use huntzen_clinical::{
    conversation::ConversationRules,
    retention::{CarePeriods, RetentionYears},
};
use huntzen_metrics::{MetricsStore, ReleaseRules, ReportingRules, reconciliation::Reconciliation};
use huntzen_tenancy::{
    Job, Scope, StoreError, TenancyStore,
    audit::CheckpointSigner,
    clock::{Clock, Randomness},
    files::{FileRules, ObjectStorage},
    identity::{PasswordRules, TokenLifetimes},
    limits::{AttemptRules, RequestRules, SharedTallies},
    mail::Mailer,
    outbox::Backlog,
    retention::RetentionPeriods,
    sealing::{RotationStore, Vault},
};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;

use crate::{
    checkpoints::CheckpointFile,
    cli::Failure,
    clock::SystemClock,
    config::{Config, Encryption, NoShowBilling, Smtp, SmtpTls, StorageKind},
    database::Database,
    hashing::GivingWay,
    markdown::CommonMark,
    probe::{HealthRules, Pool, Probe},
    services::{Ports, Rules, Services},
};

/// How long a mail server may take for one step.
const MAIL_PATIENCE: Duration = Duration::from_secs(20);

/// Every use case over the database, with a pool of `connections`.
///
/// # Errors
/// When the database is out of reach, its role could bypass row security, or a setting is of no use.
pub fn services(config: &Config, database: &Database, connections: u32) -> Result<Services, Failure> {
    services_over(config, &ports(config, database, connections)?)
}

/// Every use case over these adapters.
///
/// # Errors
/// When a setting is of no use.
pub fn services_over(config: &Config, ports: &Ports) -> Result<Services, Failure> {
    Ok(Services::new(ports, rules(config)?))
}

/// The adapters of a real installation.
///
/// # Errors
/// The same.
pub fn ports(config: &Config, database: &Database, connections: u32) -> Result<Ports, Failure> {
    let store = Arc::new(PgStore::connect(database.url(), connections)?);
    if !database.is_being_restored() {
        schema::refuse_unfinished_restore(&store)?;
    }
    refuse_bypassing_role(&store)?;
    let missing = schema::missing(&store)?;
    if !missing.is_empty() {
        return Err(format!("the database lacks the migrations {}: run 'huntzen migrate'", missing.join(", ")).into());
    }
    let vault = vault(config)?;
    require_ring(store.as_ref(), vault.as_ref())?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let sender = Sender::parse(&config.smtp.from)?;
    let front_end = config.http.frontend_urls.first().map_or("", String::as_str);
    Ok(Ports {
        tenancy: Arc::<PgStore>::clone(&store),
        booking: Arc::<PgStore>::clone(&store),
        metrics: Arc::<PgStore>::clone(&store),
        clinical: Arc::<PgStore>::clone(&store),
        rotation: Arc::<PgStore>::clone(&store),
        vault,
        signer: signer(config)?,
        checkpoints: Arc::new(CheckpointFile::within(&config.database.data_dir)),
        probe: Arc::new(Watch { store: PgStore::connect(database.url(), 1)?, shared: Arc::clone(&store) }),
        randomness: Arc::new(OsRandomness),
        hasher: Arc::new(GivingWay::new(BcryptHasher::new(config.auth.bcrypt_cost), config.auth.bcrypt_cost)),
        totp: Arc::new(TotpRs::new(Arc::new(OsRandomness))),
        access_tokens: Arc::new(JwtSigner::new(
            &config.auth.jwt_secret,
            config.auth.issuer.clone(),
            config.auth.audience.clone(),
        )),
        refresh_tokens: Arc::new(HmacRefreshTokens::new(config.auth.jwt_refresh_secret.clone())),
        room_tokens: Arc::new(JitsiSigner::new(&config.jitsi.secret)),
        markdown: Arc::new(CommonMark::default()),
        visitor_keys: Arc::new(HmacVisitorKeys),
        letters: Arc::new(HandlebarsLetters::new(front_end, sender.clone())?),
        mailer: mailer(config, sender, Arc::clone(&clock))?,
        broadcast: Arc::new(LocalBroadcast::default()),
        calls: Arc::new(LocalCalls::default()),
        ice: Arc::new(TurnServers::new(&config.turn.urls, config.turn.secret.clone().unwrap_or_default())),
        tickets: Arc::new(MemoryTickets::default()),
        // Apart: neither a flood of requests nor one of guesses at tokens must push those at passwords out.
        request_tallies: SharedTallies::of_one_node(Arc::new(MemoryTallies::default())),
        password_tallies: SharedTallies::of_one_node(Arc::new(MemoryTallies::default())),
        token_tallies: SharedTallies::of_one_node(Arc::new(MemoryTallies::default())),
        tally_keys: Arc::new(HmacTallyKeys::new(&config.auth.jwt_secret)),
        storage: storage(config)?,
        clock,
    })
}

/// The same adapters for a node that shares Redis with others, where one is configured. Redis may be out of reach.
///
/// # Errors
/// When it is configured in a way that cannot be followed, or the system refuses a thread.
pub fn among_nodes(config: &Config, ports: Ports) -> Result<Ports, Failure> {
    let Some(settings) = redis_settings(config) else { return Ok(ports) };
    let seal = Arc::new(XChaChaNodeSeal::new(&config.auth.jwt_secret, Arc::new(OsRandomness)));
    let link = Link::new(&settings, seal, &OsRandomness).map_err(|error| format!("REDIS_URL: {error}"))?;
    if let Err(error) = link.ping_once() {
        tracing::warn!(error = &error as &dyn std::error::Error, "redis is out of reach: this node is on its own");
    }
    let tallies = Arc::new(RedisTallies::new(Arc::clone(&link)));
    let shared = |own: SharedTallies| SharedTallies { of_all_nodes: Arc::<RedisTallies>::clone(&tallies), ..own };
    Ok(Ports {
        broadcast: Arc::new(RedisBroadcast::start(Arc::clone(&link), ports.broadcast)?),
        calls: Arc::new(RedisCalls::new(Arc::clone(&link))),
        probe: Arc::new(WatchWithRedis { own: ports.probe, link: Arc::clone(&link) }),
        tickets: Arc::new(RedisTickets::new(link, ports.tickets)),
        request_tallies: shared(ports.request_tallies),
        password_tallies: shared(ports.password_tallies),
        token_tallies: shared(ports.token_tallies),
        ..ports
    })
}

fn redis_settings(config: &Config) -> Option<RedisSettings> {
    let (redis, password) = (&config.redis, config.redis.password.clone());
    match (&redis.url, &redis.host) {
        (Some(url), _) => Some(RedisSettings::Url { url: url.clone(), password }),
        (None, Some(host)) => Some(RedisSettings::Host { host: host.clone(), port: redis.port, password }),
        (None, None) => None,
    }
}

/// What the configuration says to the use cases.
///
/// # Errors
/// When a figure does not fit.
pub fn rules(config: &Config) -> Result<Rules, Failure> {
    Ok(Rules {
        passwords: PasswordRules { min_length: config.auth.password_min_length },
        requests: config.rate_limit.enabled.then(|| RequestRules {
            most: config.rate_limit.general_limit,
            window: SignedDuration::from_secs(config.rate_limit.general_window_seconds.into()),
        }),
        attempts: config.rate_limit.enabled.then(|| AttemptRules {
            per_account_network: config.rate_limit.failed_per_account_ip,
            per_account: config.rate_limit.failed_per_account,
            per_network: config.rate_limit.failed_per_ip,
            window: SignedDuration::from_secs(config.rate_limit.failed_window_seconds.into()),
        }),
        lifetimes: TokenLifetimes { access: config.auth.jwt_expires_in, refresh: config.auth.jwt_refresh_expires_in },
        booking: BookingRules {
            min_notice_minutes: config.booking.min_notice_minutes,
            horizon_days: u16::try_from(config.booking.horizon_days)?,
            early_start_minutes: config.booking.early_start_minutes,
            no_show_billing: match config.billing.no_show {
                NoShowBilling::Excluded => BillingStatus::Excluded,
                NoShowBilling::Validated => BillingStatus::Validated,
            },
        },
        rooms: RoomSettings {
            app_id: config.jitsi.app_id.clone(),
            domain: config.jitsi.domain.clone(),
            audience: config.jitsi.app_id.clone(),
        },
        conversations: ConversationRules {
            opens_before: SignedDuration::from_hours(config.chat.open_hours_before.into()),
            closes_after: SignedDuration::from_hours(i64::from(config.chat.close_days_after) * 24),
        },
        files: FileRules {
            opens_before: SignedDuration::from_hours(config.chat.open_hours_before.into()),
            closes_after: SignedDuration::from_hours(i64::from(config.chat.close_days_after) * 24),
            ..FileRules::default()
        },
        orphan_files: SignedDuration::from_hours(i64::from(config.retention.orphan_files_days) * 24),
        reporting: ReportingRules {
            close_day: config.privacy.close_day,
            release: ReleaseRules::with_k(config.privacy.k),
            allow_named: config.privacy.allow_named,
        },
        care_periods: CarePeriods {
            messages_months: config.retention.messages_months,
            notes: RetentionYears {
                physicians: config.retention.note_years_physicians,
                others: config.retention.note_years_others,
            },
        },
        periods: RetentionPeriods {
            notifications_months: config.retention.notifications_months,
            letters_days: config.retention.letters_days,
            sign_ins_days: config.retention.sign_ins_days,
            invitations_days: config.retention.invitations_days,
            idempotency_hours: config.retention.idempotency_hours,
        },
        key_backup_days: config.retention.key_backup_days,
        health: HealthRules { data_folder: config.database.data_dir.clone(), disk_percent: config.health.disk_percent },
    })
}

/// Seals under the ring of master keys that the operator has configured.
///
/// # Errors
/// When there is no ring, or it cannot be read; what stands in it is never said.
pub fn vault(config: &Config) -> Result<Arc<dyn Vault>, Failure> {
    let ring = config.encryption.ring().ok_or("ENCRYPTION_KEYS is required")?;
    let ring = KeyRing::parse(ring.expose_secret()).map_err(|error| format!("ENCRYPTION_KEYS: {error}"))?;
    Ok(Arc::new(XChaChaVault::new(ring, Arc::new(OsRandomness))))
}

/// Signs checkpoints of the audit trail with the operator's key.
///
/// # Errors
/// When the key cannot be read; what stands there is never said.
pub fn signer(config: &Config) -> Result<Arc<dyn CheckpointSigner>, Failure> {
    let key = Ed25519Signer::parse(config.audit.signing_key.expose_secret());
    Ok(Arc::new(key.map_err(|error| format!("audit.signing_key: {error}"))?))
}

/// An entry for the ring that no installation has, above every id of the ring that is configured.
///
/// # Errors
/// When there is a ring that cannot be read.
pub fn fresh_master_key(encryption: &Encryption) -> Result<String, Failure> {
    let ring = encryption.ring().map(|ring| KeyRing::parse(ring.expose_secret())).transpose();
    let ring = ring.map_err(|error| format!("ENCRYPTION_KEYS: {error}"))?;
    let mut secret = [0; 32];
    OsRandomness.fill(&mut secret);
    Ok(KeyRing::fresh_entry(ring.as_ref(), secret).to_string())
}

/// Refuses a ring that lacks a master key in use, or has another one under its id: whatever that one wraps
/// could not be read, and what is written meanwhile not with the right ring.
fn require_ring(store: &PgStore, vault: &dyn Vault) -> Result<(), Failure> {
    let mut tx = RotationStore::begin(store, &Scope::worker(Job::Keys))?;
    let uses = tx.master_key_uses()?;
    let ring = vault.ring();
    if let Some((id, count)) = uses.iter().find(|(used, _)| !ring.contains(used)) {
        return Err(format!("ENCRYPTION_KEYS lacks the master key {id}, which wraps {count} data keys").into());
    }
    for (id, count) in uses {
        // One tells of all: the ring holds the bytes that wrapped them, or others.
        let Some(key) = tx.key_wrapped_by(id)? else { continue };
        if vault.unlock(&key).is_err() {
            return Err(format!(
                "ENCRYPTION_KEYS names other bytes for the master key {id} than those that wrap {count} data keys: \
                 nothing that is sealed under them could be read"
            )
            .into());
        }
    }
    Ok(())
}

/// Keeps the bytes of files where the operator has configured.
fn storage(config: &Config) -> Result<Arc<dyn ObjectStorage>, Failure> {
    let storage = &config.storage;
    match (storage.kind, &storage.bucket) {
        (StorageKind::S3, Some(bucket)) => Ok(Arc::new(s3_bucket(&S3Settings {
            bucket: bucket.clone(),
            endpoint: storage.endpoint.clone(),
            region: storage.region.clone(),
            credentials: storage.access_key.clone().zip(storage.secret_key.clone()),
        })?)),
        (StorageKind::S3, None) => Err("storage.bucket is required".into()),
        (StorageKind::Local, _) => Ok(Arc::new(local_folder(&config.database.data_dir.join(&storage.path))?)),
    }
}

fn mailer(config: &Config, sender: Sender, clock: Arc<dyn Clock>) -> Result<Arc<dyn Mailer>, Failure> {
    let Smtp { host, port, user, password, tls, .. } = &config.smtp;
    let Some(host) = host else {
        return Ok(Arc::new(FileMailer::new(config.database.data_dir.join("mail"), sender, clock)));
    };
    let credentials = user.clone().zip(password.clone()).map(|(user, password)| SmtpCredentials { user, password });
    let server = SmtpServer {
        host: host.clone(),
        port: *port,
        security: match tls {
            SmtpTls::Starttls => SmtpSecurity::StartTls,
            SmtpTls::Implicit => SmtpSecurity::Implicit,
            SmtpTls::None => SmtpSecurity::None,
        },
        credentials,
        timeout: MAIL_PATIENCE,
    };
    Ok(Arc::new(SmtpMailer::new(&server, sender, clock)?))
}

/// What the health check asks: the database, over a connection of its own, since a busy service must not look
/// like a broken one.
struct Watch {
    store: PgStore,
    /// The store that requests share; it is not asked anything.
    shared: Arc<PgStore>,
}

impl Probe for Watch {
    fn database(&self) -> Result<(), StoreError> {
        self.store.ping()
    }

    fn outbox(&self, now: Timestamp) -> Result<Backlog, StoreError> {
        TenancyStore::begin(&self.store, &Scope::worker(Job::Outbox))?.backlog(now)
    }

    fn reconciliation(&self) -> Result<Option<Reconciliation>, StoreError> {
        MetricsStore::begin(&self.store, &Scope::worker(Job::Reconcile))?.last_reconciliation()
    }

    fn unlinked(&self) -> Result<u64, StoreError> {
        TenancyStore::begin(&self.store, &Scope::worker(Job::Audit))?.count_unlinked()
    }

    fn last_backup(&self) -> Result<Option<Timestamp>, StoreError> {
        TenancyStore::begin(&self.store, &Scope::worker(Job::Backup))?.last_backup()
    }

    fn has_redis(&self) -> bool {
        false
    }

    fn redis(&self) -> Option<Result<(), StoreError>> {
        None
    }

    fn pool(&self) -> Pool {
        let PoolState { open, idle, most, waiting, failed } = self.shared.pool_state();
        Pool { size: most, in_use: open.saturating_sub(idle), idle, waiting, failed }
    }
}

/// The same, and Redis.
struct WatchWithRedis {
    own: Arc<dyn Probe>,
    link: Arc<Link>,
}

impl Probe for WatchWithRedis {
    fn database(&self) -> Result<(), StoreError> {
        self.own.database()
    }

    fn outbox(&self, now: Timestamp) -> Result<Backlog, StoreError> {
        self.own.outbox(now)
    }

    fn reconciliation(&self) -> Result<Option<Reconciliation>, StoreError> {
        self.own.reconciliation()
    }

    fn unlinked(&self) -> Result<u64, StoreError> {
        self.own.unlinked()
    }

    fn last_backup(&self) -> Result<Option<Timestamp>, StoreError> {
        self.own.last_backup()
    }

    fn has_redis(&self) -> bool {
        true
    }

    fn redis(&self) -> Option<Result<(), StoreError>> {
        Some(self.link.ping())
    }

    fn pool(&self) -> Pool {
        self.own.pool()
    }
}
