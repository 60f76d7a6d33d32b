//! The typed configuration of the program: every key, its meaning, its unit.
//!
//! Layers, later wins: `config/default.toml` (compiled in), `config/<environment>.toml`, `.env`,
//! `.env.<environment>`, the environment. A key `section.key` is called
//! `HUNTZEN__SECTION__KEY` in the environment; some have a short name too
//! ([`short_names::SHORT_NAMES`]). An empty environment value means "not set".

mod fields;
mod masked;
mod problem;
mod proxies;
mod rules;
mod schedule;
pub mod short_names;
mod sources;
#[cfg(test)]
mod tests;

use std::{net::SocketAddr, path::PathBuf};

use jiff::SignedDuration;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

pub use problem::{ConfigError, Problem};
pub use proxies::TrustedProxy;
pub use schedule::Schedule;
pub use sources::Sources;

/// Which set of rules and defaults applies; named by `HUNTZEN_ENV` (alias `NODE_ENV`).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// A programmer's machine and the demo: known secrets, letters kept as files.
    #[default]
    Development,
    /// Automatic tests: cheap password hashes, no jobs.
    Test,
    /// Real people's data: every secret is required and checked.
    Production,
}

impl Environment {
    /// The word used in `HUNTZEN_ENV` and in file names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Test => "test",
            Self::Production => "production",
        }
    }

    /// Whether the rules for real people's data apply.
    pub const fn is_production(self) -> bool {
        matches!(self, Self::Production)
    }
}

/// Everything that can be set from outside.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The environment; never read from a file, only from `HUNTZEN_ENV` or `NODE_ENV`.
    #[serde(skip_deserializing)]
    pub environment: Environment,
    /// The HTTP server.
    pub http: Http,
    /// The database and the data folder.
    pub database: Database,
    /// Sign-in, tokens, passwords.
    pub auth: Auth,
    /// How many requests and failed attempts are let through.
    pub rate_limit: RateLimit,
    /// Sealing at rest.
    #[serde(default)]
    pub encryption: Encryption,
    /// The audit trail.
    pub audit: Audit,
    /// When consultations may be booked and started.
    pub booking: Booking,
    /// What is billed.
    pub billing: Billing,
    /// What becomes of figures.
    pub privacy: Privacy,
    /// How long what is kept is kept.
    pub retention: Retention,
    /// Conversations.
    pub chat: Chat,
    /// The servers that devices in a call find each other through.
    pub turn: Turn,
    /// The video rooms.
    pub jitsi: Jitsi,
    /// Outgoing letters.
    pub smtp: Smtp,
    /// What several nodes share.
    pub redis: Redis,
    /// When the recurring jobs run.
    pub jobs: Jobs,
    /// Where the bytes of files are.
    pub storage: Storage,
    /// What counts as unhealthy.
    pub health: Health,
    /// Logs, metrics, traces, reports of errors.
    pub telemetry: Telemetry,
}

/// The HTTP server.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Name or address to listen on.
    pub host: String,
    /// TCP port to listen on; 0 takes any free one.
    pub port: u16,
    /// Number of event loops; 0 means one for each processor core.
    pub workers: usize,
    /// Networks whose `X-Forwarded-For` is believed.
    #[serde(deserialize_with = "fields::list")]
    pub trusted_proxies: Vec<TrustedProxy>,
    /// Origins of the web front ends: allowed by CORS; the first one is used in letters.
    #[serde(deserialize_with = "fields::list")]
    pub frontend_urls: Vec<String>,
    /// Whether `/api/docs`, `/api/openapi.json` and `/api/asyncapi.yaml` are served.
    pub docs_enabled: bool,
    /// Largest request body in bytes, uploads apart.
    pub body_limit_bytes: usize,
}

/// The database and the data folder.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// A PostgreSQL server (libpq URL); without it the program runs its own private cluster.
    #[serde(default, deserialize_with = "fields::optional_secret", serialize_with = "fields::mask_optional")]
    pub url: Option<SecretString>,
    /// The same server as the owner of the schema, for `migrate` only.
    #[serde(default, deserialize_with = "fields::optional_secret", serialize_with = "fields::mask_optional")]
    pub owner_url: Option<SecretString>,
    /// The same server as a role that may read everything, for `backup` only.
    #[serde(default, deserialize_with = "fields::optional_secret", serialize_with = "fields::mask_optional")]
    pub backup_url: Option<SecretString>,
    /// Connections kept to the database; also bounds the use cases that run at once.
    pub pool_size: u32,
    /// Folder of everything the program writes: private cluster, letters, files.
    pub data_dir: PathBuf,
    /// Folder of the PostgreSQL programs for the private cluster; searched for when absent.
    #[serde(default)]
    pub pg_bin: Option<PathBuf>,
}

/// Sign-in, tokens, passwords.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// Signs access tokens (HS256, RFC 7518 §3.2: at least 32 bytes in production).
    #[serde(deserialize_with = "fields::secret", serialize_with = "fields::mask")]
    pub jwt_secret: SecretString,
    /// Derives the next refresh token from the last.
    #[serde(deserialize_with = "fields::secret", serialize_with = "fields::mask")]
    pub jwt_refresh_secret: SecretString,
    /// How long an access token is valid, such as `15m`.
    #[serde(deserialize_with = "fields::duration", serialize_with = "fields::show_duration")]
    pub jwt_expires_in: SignedDuration,
    /// How long an unused session lives, such as `7d`.
    #[serde(deserialize_with = "fields::duration", serialize_with = "fields::show_duration")]
    pub jwt_refresh_expires_in: SignedDuration,
    /// `iss` of the access tokens.
    pub issuer: String,
    /// `aud` of the access tokens.
    pub audience: String,
    /// Cost of a password hash: doubles with each step; at least 10 outside tests.
    pub bcrypt_cost: u32,
    /// Shortest accepted password, in bytes; 72, where bcrypt stops reading, is the longest.
    pub password_min_length: usize,
}

/// How many requests and failed attempts are let through.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Whether anything is limited.
    pub enabled: bool,
    /// Requests of one account in a window, or of one network while nobody is signed in.
    pub general_limit: u32,
    /// That window, in seconds.
    pub general_window_seconds: u32,
    /// Attempts that may fail at one account (or token) from one network in a window, and letters of each kind that
    /// strangers may have sent to one address.
    pub failed_per_account_ip: u32,
    /// Attempts that may fail at one account (or token) from everywhere.
    pub failed_per_account: u32,
    /// Attempts that may fail from one network.
    pub failed_per_ip: u32,
    /// That window, in seconds.
    pub failed_window_seconds: u32,
}

/// Sealing at rest.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Encryption {
    /// The ring of master keys, `2:<64 hexadecimal digits>,1:<64 hexadecimal digits>`; the highest
    /// id seals, every other one only reads.
    #[serde(default, deserialize_with = "fields::optional_secret", serialize_with = "fields::mask_optional")]
    pub keys: Option<SecretString>,
    /// A ring of one key, with id 1; not looked at when there is a ring.
    #[serde(default, deserialize_with = "fields::optional_secret", serialize_with = "fields::mask_optional")]
    pub key: Option<SecretString>,
}

impl Encryption {
    /// The ring that is in force: `keys`, or `key` alone.
    pub fn ring(&self) -> Option<&SecretString> {
        self.keys.as_ref().or(self.key.as_ref())
    }
}

/// STUN and TURN servers (RFC 8489, RFC 8656).
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// `stun:`, `turn:` and `turns:` URLs.
    #[serde(deserialize_with = "fields::list")]
    pub urls: Vec<String>,
    /// What the TURN servers share with this one (coturn's `static-auth-secret`).
    #[serde(default, deserialize_with = "fields::optional_secret", serialize_with = "fields::mask_optional")]
    pub secret: Option<SecretString>,
}

/// The audit trail.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// The Ed25519 key (RFC 8032) that signs checkpoints: 64 hexadecimal digits.
    #[serde(deserialize_with = "fields::secret", serialize_with = "fields::mask")]
    pub signing_key: SecretString,
}

/// When consultations may be booked and started.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Booking {
    /// Minutes between the booking and the earliest start.
    pub min_notice_minutes: u32,
    /// Days ahead that can be booked.
    pub horizon_days: u32,
    /// Minutes before the planned start from which a practitioner may start.
    pub early_start_minutes: u32,
}

/// What is billed.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Billing {
    /// Billing status of a consultation to which the employee did not come.
    pub no_show: NoShowBilling,
}

/// What becomes of figures.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Privacy {
    /// The day of the next month on which a month closes, 1 to 28.
    pub close_day: i8,
    /// The fewest people in a published figure; 10 or more.
    pub k: u64,
    /// Whether a company's usage may be reported by name, for those of its people who agree.
    pub allow_named: bool,
}

/// How long what is kept is kept.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// What was said about a consultation (messages, reasons), in months after its end.
    pub messages_months: u8,
    /// Notifications, in months.
    pub notifications_months: u8,
    /// Letters, in days after they were sent.
    pub letters_days: u16,
    /// Sessions and mailed links, in days after they expired.
    pub sign_ins_days: u16,
    /// Invitations that nobody accepted, in days.
    pub invitations_days: u16,
    /// Answers to requests with an `Idempotency-Key`, in hours.
    pub idempotency_hours: u16,
    /// Uploads that never ended, in days.
    pub orphan_files_days: u16,
    /// Clinical notes of psychiatrists and physicians, in years after the last consultation.
    pub note_years_physicians: u8,
    /// Clinical notes of other professions, in years after the last consultation.
    pub note_years_others: u8,
    /// Backups of the data keys, in days: what a certificate of erasure promises.
    pub key_backup_days: u16,
    /// Main backups, in days: names and addresses stand in them in clear.
    pub main_backup_days: u16,
}

/// Billing status that a missed consultation gets.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum NoShowBilling {
    /// It appears in no statement.
    Excluded,
    /// It is a line of 0 minutes in the practitioner's statement.
    Validated,
}

/// Conversations.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Chat {
    /// Hours before its consultation from which a conversation takes messages.
    pub open_hours_before: u32,
    /// Days after its consultation until which it does.
    pub close_days_after: u32,
}

/// The video rooms.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Jitsi {
    /// Host name of the Jitsi server.
    pub domain: String,
    /// `iss` and `aud` of the room tokens, as the server is configured to expect.
    pub app_id: String,
    /// Signs the room tokens; shared with the Jitsi server.
    #[serde(deserialize_with = "fields::secret", serialize_with = "fields::mask")]
    pub secret: SecretString,
}

/// Outgoing letters.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    /// Mail server; without it letters are written to `<data_dir>/mail`.
    #[serde(default)]
    pub host: Option<String>,
    /// Port of the mail server.
    pub port: u16,
    /// User at the mail server, when it asks for one.
    #[serde(default)]
    pub user: Option<String>,
    /// Password at the mail server.
    #[serde(default, deserialize_with = "fields::optional_secret", serialize_with = "fields::mask_optional")]
    pub password: Option<SecretString>,
    /// Sender of every letter (RFC 5322 mailbox).
    pub from: String,
    /// How the connection is protected.
    pub tls: SmtpTls,
}

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// Plain first, then upgraded; never goes on without (RFC 3207).
    Starttls,
    /// TLS from the first byte (RFC 8314).
    Implicit,
    /// Unprotected; refused in production.
    None,
}

/// The Redis or Valkey that several programs over one database share; without it each is on its own.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    /// `redis://`, `rediss://` (TLS) or `unix://` URL.
    #[serde(default, deserialize_with = "fields::optional_secret", serialize_with = "fields::mask_optional")]
    pub url: Option<SecretString>,
    /// Name or address of the server, where there is no URL.
    #[serde(default)]
    pub host: Option<String>,
    /// Its TCP port.
    pub port: u16,
    /// The password, unless the URL holds one.
    #[serde(default, deserialize_with = "fields::optional_secret", serialize_with = "fields::mask_optional")]
    pub password: Option<SecretString>,
}

/// When the recurring jobs run: five-field cron expressions in UTC, or `off`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Jobs {
    /// Letters before a consultation.
    pub reminders: Schedule,
    /// Ends sessions left open and closes those that never took place.
    pub end_forgotten: Schedule,
    /// Cancels far-off consultations of employees who are no longer eligible.
    pub eligibility: Schedule,
    /// Letters about messages that stay unread.
    pub unread_messages: Schedule,
    /// Forgets who looked at which article, once the day (in UTC) is over.
    pub forget_visits: Schedule,
    /// Signed heads of the audit trail's chains; every 1,000 links there is one besides.
    pub audit_checkpoint: Schedule,
    /// Closes months that are over: statements, and what HR is told.
    pub close_month: Schedule,
    /// Compares usage counters with the consultations that they count.
    pub reconcile: Schedule,
    /// Removes the bytes of files that are gone.
    pub file_removals: Schedule,
    /// Erases people whose thirty days are over.
    pub erasure: Schedule,
    /// Discards what is kept no longer.
    pub retention: Schedule,
}

/// Where the bytes of files are.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    /// What keeps them.
    pub kind: StorageKind,
    /// The folder of the `local` kind; within the data folder when it is relative.
    pub path: PathBuf,
    /// The bucket of the `s3` kind.
    #[serde(default)]
    pub bucket: Option<String>,
    /// The server of the `s3` kind, such as `https://minio.example.org`; Amazon's when absent.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The region that requests to it are signed for.
    pub region: String,
    /// Id of the key that signs them; the machine's role signs when absent.
    #[serde(default)]
    pub access_key: Option<String>,
    /// Secret of the same key.
    #[serde(default, deserialize_with = "fields::optional_secret", serialize_with = "fields::mask_optional")]
    pub secret_key: Option<SecretString>,
    /// The largest file that is taken, in bytes.
    pub max_file_bytes: usize,
}

/// What keeps the bytes of files.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StorageKind {
    /// A folder of this machine.
    Local,
    /// A bucket of an S3-compatible server.
    S3,
}

/// What counts as unhealthy.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// Percentage of the data disk in use from which `/health` answers 503; `off` never looks.
    #[serde(deserialize_with = "fields::percent_or_off", serialize_with = "fields::show_or_off")]
    pub disk_percent: Option<u8>,
}

/// Logs, metrics, traces, reports of errors.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// Form of the log lines on standard error.
    pub log_format: LogFormat,
    /// Address and port on which Prometheus finds the metrics; `off` when nobody does.
    #[serde(deserialize_with = "fields::address_or_off", serialize_with = "fields::show_address_or_off")]
    pub prometheus: Option<SocketAddr>,
    /// Where errors are reported, scrubbed; the program has to be built with the feature `sentry`.
    #[serde(default, deserialize_with = "fields::optional_secret", serialize_with = "fields::mask_optional")]
    pub sentry_dsn: Option<SecretString>,
    /// The collector of traces (OTLP over HTTP), such as `http://127.0.0.1:4318`; the program has to be built
    /// with the feature `otlp`. Hidden when it is shown: such URLs may carry a password.
    #[serde(default, deserialize_with = "fields::optional_secret", serialize_with = "fields::mask_optional")]
    pub otlp_endpoint: Option<SecretString>,
}

/// Form of the log lines.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For a person at a terminal.
    Text,
    /// One JSON object a line, for a log collector.
    Json,
}
