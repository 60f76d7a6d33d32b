//! Tests of the layers, the names, the rules of production and the masks.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use secrecy::ExposeSecret;

use super::short_names::{SHORT_NAMES, full_name, key_of};
use super::*;

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("huntzen-config-{}", unique()));
        fs::create_dir_all(path.join("config")).unwrap();
        Self(path)
    }

    fn with(self, name: &str, text: &str) -> Self {
        fs::write(self.0.join(name), text).unwrap();
        self
    }

    fn load(&self, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::load(&self.sources(variables))
    }

    fn sources(&self, variables: &[(&str, &str)]) -> Sources {
        Sources {
            variables: variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            folder: self.0.clone(),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn unique() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn load(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Folder::new().load(variables)
}

fn refusal(variables: &[(&str, &str)]) -> String {
    load(variables).unwrap_err().to_string()
}

const PRODUCTION: [(&str, &str); 7] = [
    ("HUNTZEN_ENV", "production"),
    ("JWT_SECRET", "an-access-secret-of-the-operator-0001"),
    ("JWT_REFRESH_SECRET", "a-refresh-secret-of-the-operator-0002"),
    ("JITSI_SECRET", "a-room-secret-shared-with-jitsi-0003"),
    ("ENCRYPTION_KEYS", "1:0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"),
    ("HUNTZEN__AUDIT__SIGNING_KEY", "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
    ("SMTP_HOST", "mail.example.org"),
];

fn production_with<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut variables: Vec<(&'a str, &'a str)> = PRODUCTION.to_vec();
    variables.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    variables.extend_from_slice(changes);
    variables
}

#[test]
fn without_anything_it_is_development_with_the_documented_defaults() {
    let config = load(&[]).unwrap();
    assert_eq!(config.environment, Environment::Development);
    assert_eq!((config.http.host.as_str(), config.http.port), ("127.0.0.1", 3000));
    assert_eq!(config.http.frontend_urls, ["http://localhost:5173"]);
    assert_eq!(config.database.data_dir, PathBuf::from("./data"));
    assert!(config.database.url.is_none());
    assert_eq!(config.auth.jwt_expires_in, SignedDuration::from_mins(15));
    assert_eq!(config.auth.jwt_refresh_expires_in, SignedDuration::from_hours(7 * 24));
    assert_eq!(config.auth.bcrypt_cost, 10);
    assert_eq!(config.booking.min_notice_minutes, 120);
    assert_eq!(config.booking.horizon_days, 90);
    // 15 elsewhere: in development the README's tour holds a consultation of another day.
    assert_eq!(config.booking.early_start_minutes, 129_600);
    assert_eq!(config.billing.no_show, NoShowBilling::Excluded);
    assert_eq!(config.jitsi.domain, "meet.huntzen.care");
    assert_eq!(config.jitsi.app_id, "huntzen_app");
    assert_eq!(config.smtp.port, 587);
    assert_eq!(config.smtp.tls, SmtpTls::Starttls);
    assert_eq!(config.health.disk_percent, None);
    assert_eq!(config.telemetry.prometheus, "127.0.0.1:9464".parse().ok());
}

#[test]
fn later_layers_win() {
    let folder = Folder::new()
        .with("config/development.toml", "[http]\nport = 1\nworkers = 1\nhost = \"h1\"\n[auth]\njwt_secret = \"s1\"\njwt_refresh_secret = \"s2\"\n[encryption]\nkey = \"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"\n[audit]\nsigning_key = \"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60\"\n[jitsi]\nsecret = \"s3\"\n")
        .with(".env", "PORT=2\nHUNTZEN__HTTP__WORKERS=2\nSMTP_PORT=2\nJITSI_DOMAIN=two.example\n")
        .with(".env.development", "SMTP_PORT=3\nJITSI_DOMAIN=three.example\n");
    let config = folder.load(&[("JITSI_DOMAIN", "four.example")]).unwrap();
    assert_eq!(config.http.host, "h1");
    assert_eq!(config.auth.jwt_secret.expose_secret(), "s1");
    assert_eq!(config.http.port, 2);
    assert_eq!(config.http.workers, 2);
    assert_eq!(config.smtp.port, 3);
    assert_eq!(config.jitsi.domain, "four.example");
}

#[test]
fn a_later_short_name_wins_over_an_earlier_full_one() {
    let folder = Folder::new().with(".env", "HUNTZEN__HTTP__PORT=2\n");
    assert_eq!(folder.load(&[("PORT", "4")]).unwrap().http.port, 4);
}

#[test]
fn within_one_layer_the_full_name_wins() {
    let config = load(&[("PORT", "4"), ("HUNTZEN__HTTP__PORT", "5")]).unwrap();
    assert_eq!(config.http.port, 5);
}

#[test]
fn the_environment_is_named_by_huntzen_env_or_its_alias_also_in_the_env_file() {
    assert_eq!(load(&[("NODE_ENV", "test")]).unwrap().environment, Environment::Test);
    let both = load(&[("HUNTZEN_ENV", "test"), ("NODE_ENV", "production")]).unwrap();
    assert_eq!(both.environment, Environment::Test);
    let folder = Folder::new().with(".env", "HUNTZEN_ENV=test\n");
    assert_eq!(folder.load(&[]).unwrap().environment, Environment::Test);
    let real = folder.load(&[("NODE_ENV", "development")]).unwrap();
    assert_eq!(real.environment, Environment::Development);
    let wrong = refusal(&[("HUNTZEN_ENV", "produktion")]);
    assert!(wrong.contains("HUNTZEN_ENV") && !wrong.contains("produktion"), "{wrong}");
}

#[test]
fn every_short_name_sets_its_key() {
    let values = [
        ("DATABASE_URL", "postgres://u:p@db/huntzen"),
        ("DATABASE_OWNER_URL", "postgres://o:p@db/huntzen"),
        ("DATABASE_BACKUP_URL", "postgres://b:p@db/huntzen"),
        ("HUNTZEN_DATA_DIR", "/srv/huntzen"),
        ("HUNTZEN_PG_BIN", "/opt/pg/bin"),
        ("HOST", "0.0.0.0"),
        ("PORT", "8080"),
        ("FRONTEND_URL", "https://a.example, https://b.example:8443"),
        ("JWT_SECRET", "12345678901234567890123456789012"),
        ("JWT_REFRESH_SECRET", "true"),
        ("JWT_EXPIRES_IN", "5m"),
        ("JWT_REFRESH_EXPIRES_IN", "30d"),
        ("ENCRYPTION_KEYS", "7:0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"),
        ("ENCRYPTION_KEY", "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f"),
        ("JITSI_DOMAIN", "jitsi.example"),
        ("JITSI_APP_ID", "app"),
        ("JITSI_SECRET", "[1,2]"),
        ("REDIS_URL", "redis://redis.example:6380"),
        ("SMTP_HOST", "smtp.example"),
        ("SMTP_PORT", "465"),
        ("SMTP_USER", "mailer"),
        ("SMTP_PASSWORD", "4711"),
        ("EMAIL_FROM", "HuntZen <care@example.org>"),
        ("UPLOAD_PATH", "/srv/files"),
        ("MAX_FILE_SIZE", "1048576"),
        ("SENTRY_DSN", "https://key@sentry.example/1"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.example:4318"),
    ];
    // Redis has one more name or three others, which a test of its own sets.
    assert_eq!(values.len() + 3, SHORT_NAMES.len());
    let config = load(&values).unwrap();
    let text = |secret: &Option<SecretString>| secret.as_ref().unwrap().expose_secret().to_owned();
    assert_eq!(text(&config.database.url), "postgres://u:p@db/huntzen");
    assert_eq!(text(&config.database.owner_url), "postgres://o:p@db/huntzen");
    assert_eq!(text(&config.database.backup_url), "postgres://b:p@db/huntzen");
    assert_eq!(config.database.data_dir, PathBuf::from("/srv/huntzen"));
    assert_eq!(config.database.pg_bin, Some(PathBuf::from("/opt/pg/bin")));
    assert_eq!((config.http.host.as_str(), config.http.port), ("0.0.0.0", 8080));
    assert_eq!(config.http.frontend_urls, ["https://a.example", "https://b.example:8443"]);
    // A secret that looks like a number, a truth value or a list is still text.
    assert_eq!(config.auth.jwt_secret.expose_secret(), "12345678901234567890123456789012");
    assert_eq!(config.auth.jwt_refresh_secret.expose_secret(), "true");
    assert_eq!(config.jitsi.secret.expose_secret(), "[1,2]");
    assert!(text(&config.encryption.keys).starts_with("7:0f1e"));
    assert!(text(&config.encryption.key).starts_with("0001"));
    assert_eq!(config.auth.jwt_expires_in, SignedDuration::from_mins(5));
    assert_eq!(config.auth.jwt_refresh_expires_in, SignedDuration::from_hours(30 * 24));
    assert_eq!((config.jitsi.domain.as_str(), config.jitsi.app_id.as_str()), ("jitsi.example", "app"));
    assert_eq!(text(&config.redis.url), "redis://redis.example:6380");
    assert_eq!(config.smtp.host.as_deref(), Some("smtp.example"));
    assert_eq!(config.smtp.port, 465);
    assert_eq!(config.smtp.user.as_deref(), Some("mailer"));
    assert_eq!(text(&config.smtp.password), "4711");
    assert_eq!(config.smtp.from, "HuntZen <care@example.org>");
    assert_eq!((config.storage.path, config.storage.max_file_bytes), (PathBuf::from("/srv/files"), 1_048_576));
    assert_eq!(text(&config.telemetry.sentry_dsn), "https://key@sentry.example/1");
    assert_eq!(text(&config.telemetry.otlp_endpoint), "http://collector.example:4318");
}

#[test]
fn a_ring_of_master_keys_is_read_or_refused_without_showing_it() {
    const KEY: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";
    let ring = format!("2:{KEY}, 1:{}", KEY.to_uppercase());
    let config = load(&[("ENCRYPTION_KEYS", &ring)]).unwrap();
    assert_eq!(config.encryption.ring().unwrap().expose_secret(), ring);
    for wrong in [
        KEY.to_owned(),
        format!("0:{KEY}"),
        format!("1:{KEY},1:{KEY}"),
        format!("1:{}", &KEY[1..]),
        format!("1:{KEY},"),
    ] {
        let error = refusal(&[("ENCRYPTION_KEYS", &wrong)]);
        assert!(error.contains("ENCRYPTION_KEYS") && !error.contains(KEY), "{error}");
    }
    let error = refusal(&[("ENCRYPTION_KEY", "0f1e")]);
    assert!(error.contains("ENCRYPTION_KEY"), "{error}");
    let published = "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff";
    let ring = format!("2:{KEY},1:{published}");
    let error = refusal(&production_with(&[("ENCRYPTION_KEYS", &ring)]));
    assert!(error.contains("published") && !error.contains(published), "{error}");
    let error = refusal(&production_with(&[("ENCRYPTION_KEYS", "")]));
    assert!(error.contains("ENCRYPTION_KEYS") && error.contains("is required"), "{error}");
}

#[test]
fn every_kind_of_value_is_read_from_the_environment() {
    let config = load(&[
        ("HUNTZEN__HTTP__TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
        ("HUNTZEN__HTTP__DOCS_ENABLED", "false"),
        ("HUNTZEN__BILLING__NO_SHOW", "VALIDATED"),
        ("HUNTZEN__SMTP__TLS", "implicit"),
        ("HUNTZEN__JOBS__REMINDERS", "off"),
        ("HUNTZEN__HEALTH__DISK_PERCENT", "85"),
        ("HUNTZEN__TELEMETRY__LOG_FORMAT", "json"),
        ("HUNTZEN__TELEMETRY__PROMETHEUS", "[::1]:9999"),
    ])
    .unwrap();
    assert_eq!(config.http.trusted_proxies.len(), 2);
    assert!(!config.http.docs_enabled);
    assert_eq!(config.billing.no_show, NoShowBilling::Validated);
    assert_eq!(config.smtp.tls, SmtpTls::Implicit);
    assert_eq!(config.jobs.reminders, Schedule::Off);
    assert_ne!(config.jobs.end_forgotten, Schedule::Off);
    assert_eq!(config.health.disk_percent, Some(85));
    assert_eq!(config.telemetry.log_format, LogFormat::Json);
    assert_eq!(config.telemetry.prometheus, "[::1]:9999".parse().ok());
    assert_eq!(load(&[("HUNTZEN__TELEMETRY__PROMETHEUS", "off")]).unwrap().telemetry.prometheus, None);
}

#[test]
fn an_empty_variable_means_not_set() {
    let config = load(&[("DATABASE_URL", ""), ("PORT", " "), ("SMTP_HOST", "")]).unwrap();
    assert!(config.database.url.is_none() && config.smtp.host.is_none());
    assert_eq!(config.http.port, 3000);
}

#[test]
fn unknown_keys_are_refused_in_files_and_under_the_prefix_only() {
    let file = Folder::new().with("config/test.toml", "[http]\nprot = 80\n");
    let error = file.load(&[
        ("HUNTZEN_ENV", "test"),
        ("JWT_SECRET", "a"),
        ("JWT_REFRESH_SECRET", "b"),
        ("JITSI_SECRET", "c"),
        ("HUNTZEN__AUDIT__SIGNING_KEY", "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
        ("ENCRYPTION_KEY", "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f"),
    ]);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("http.prot"), "{error}");
    let error = refusal(&[("HUNTZEN__HTTP__PROT", "80")]);
    assert!(error.contains("HUNTZEN__HTTP__PROT"), "{error}");
    assert!(refusal(&[("HUNTZEN__NOTHING", "80")]).contains("HUNTZEN__NOTHING"));
    assert!(refusal(&[("HUNTZEN__ENVIRONMENT", "test")]).contains("HUNTZEN__ENVIRONMENT"));
    assert!(load(&[("EDITOR", "vi"), ("HUNTZEN_ELSE", "1")]).is_ok());
}

#[test]
fn a_wrong_value_is_named_by_its_key_and_never_shown() {
    for (name, key) in [
        ("PORT", "http.port"),
        ("JWT_EXPIRES_IN", "auth.jwt_expires_in"),
        ("FRONTEND_URL", "http.frontend_urls"),
        ("HUNTZEN__SMTP__TLS", "smtp.tls"),
        ("HUNTZEN__BILLING__NO_SHOW", "billing.no_show"),
        ("HUNTZEN__HTTP__TRUSTED_PROXIES", "http.trusted_proxies"),
        ("HUNTZEN__HTTP__DOCS_ENABLED", "http.docs_enabled"),
        ("HUNTZEN__JOBS__ELIGIBILITY", "jobs.eligibility"),
        ("HUNTZEN__HEALTH__DISK_PERCENT", "health.disk_percent"),
        ("HUNTZEN__AUTH__BCRYPT_COST", "auth.bcrypt_cost"),
        ("HUNTZEN__DATABASE__POOL_SIZE", "database.pool_size"),
        ("HUNTZEN__RATE_LIMIT__ENABLED", "rate_limit.enabled"),
        ("HUNTZEN__RATE_LIMIT__GENERAL_LIMIT", "rate_limit.general_limit"),
    ] {
        let error = refusal(&[(name, "hunter2-pasted-here")]);
        assert!(error.contains(key) && error.contains(name), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_broken_file_is_named_and_not_quoted() {
    let file = Folder::new().with("config/development.toml", "[auth]\njwt_secret = \"hunter2\n");
    let error = file.load(&[]).unwrap_err().to_string();
    assert!(error.contains("config/development.toml") && error.contains("line 2"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
    let file = Folder::new().with(".env", "JWT_SECRET \"hunter2\n");
    let error = file.load(&[]).unwrap_err().to_string();
    assert!(error.contains(".env") && !error.contains("hunter2"), "{error}");
}

#[test]
fn ranges_are_checked() {
    for (name, value) in [
        ("HUNTZEN__AUTH__BCRYPT_COST", "9"),
        ("HUNTZEN__AUTH__BCRYPT_COST", "17"),
        ("HUNTZEN__AUTH__PASSWORD_MIN_LENGTH", "7"),
        ("HUNTZEN__BOOKING__HORIZON_DAYS", "0"),
        ("HUNTZEN__BOOKING__MIN_NOTICE_MINUTES", "129600"),
        ("HUNTZEN__BOOKING__EARLY_START_MINUTES", "129601"),
        ("HUNTZEN__DATABASE__POOL_SIZE", "0"),
        ("HUNTZEN__DATABASE__POOL_SIZE", "51"),
        ("HUNTZEN__RATE_LIMIT__GENERAL_LIMIT", "0"),
        ("HUNTZEN__RATE_LIMIT__GENERAL_WINDOW_SECONDS", "86401"),
        ("HUNTZEN__RATE_LIMIT__FAILED_PER_ACCOUNT_IP", "0"),
        ("HUNTZEN__RATE_LIMIT__FAILED_PER_ACCOUNT_IP", "21"),
        ("HUNTZEN__RATE_LIMIT__FAILED_PER_ACCOUNT", "4"),
        ("HUNTZEN__RATE_LIMIT__FAILED_PER_IP", "4"),
        ("HUNTZEN__RATE_LIMIT__FAILED_PER_IP", "1000001"),
        ("HUNTZEN__RATE_LIMIT__FAILED_WINDOW_SECONDS", "0"),
        ("HUNTZEN__HTTP__BODY_LIMIT_BYTES", "10"),
        ("HUNTZEN__HTTP__WORKERS", "257"),
        ("JWT_EXPIRES_IN", "8d"),
        ("JWT_EXPIRES_IN", "0s"),
        ("JWT_EXPIRES_IN", "-1m"),
        ("FRONTEND_URL", "https://a.example/path"),
        ("FRONTEND_URL", "*"),
        ("EMAIL_FROM", "nobody"),
        ("SMTP_USER", "mailer"),
        ("HUNTZEN__TELEMETRY__PROMETHEUS", "9464"),
        ("HUNTZEN__TELEMETRY__PROMETHEUS", "localhost"),
        ("SENTRY_DSN", "https://sentry.example/1"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector.example:4318"),
    ] {
        assert!(load(&[(name, value)]).is_err(), "{name}={value} was accepted");
    }
    assert!(load(&[("HUNTZEN_ENV", "test"), ("HUNTZEN__AUTH__BCRYPT_COST", "4")]).is_ok());
    assert!(load(&[("HUNTZEN_ENV", "test"), ("HUNTZEN__AUTH__BCRYPT_COST", "3")]).is_err());
}

#[test]
fn production_starts_with_secrets_of_its_own() {
    let config = load(&PRODUCTION).unwrap();
    assert!(config.environment.is_production());
    assert!(!config.http.docs_enabled);
    assert_eq!(config.health.disk_percent, Some(90));
}

#[test]
fn production_names_all_missing_secrets_at_once() {
    let error = refusal(&[("HUNTZEN_ENV", "production")]);
    for name in ["JWT_SECRET", "JWT_REFRESH_SECRET", "JITSI_SECRET", "HUNTZEN__AUDIT__SIGNING_KEY"] {
        assert!(error.contains(&format!("({name})")), "{error}");
    }
}

#[test]
fn production_refuses_short_and_published_secrets_without_showing_them() {
    let development = load(&[]).unwrap();
    let test = load(&[("HUNTZEN_ENV", "test")]).unwrap();
    for name in
        ["JWT_SECRET", "JWT_REFRESH_SECRET", "JITSI_SECRET", "HUNTZEN__AUDIT__SIGNING_KEY", "HUNTZEN__TURN__SECRET"]
    {
        for value in [
            "hunter2-is-too-short",
            development.auth.jwt_secret.expose_secret(),
            development.auth.jwt_refresh_secret.expose_secret(),
            development.jitsi.secret.expose_secret(),
            development.audit.signing_key.expose_secret(),
            test.audit.signing_key.expose_secret(),
            test.auth.jwt_secret.expose_secret(),
        ] {
            let error = refusal(&production_with(&[(name, value)]));
            assert!(error.contains(name) && !error.contains(value), "{error}");
        }
    }
}

#[test]
fn production_keeps_tokens_apart_and_needs_no_turn_server() {
    let same = "one-secret-of-the-operator-for-both-0001";
    let error = refusal(&production_with(&[("JWT_SECRET", same), ("JWT_REFRESH_SECRET", same)]));
    assert!(error.contains("auth.jwt_refresh_secret") && !error.contains(same), "{error}");
    for secret in ["", "a-secret-of-the-operator-for-the-relay-0005"] {
        assert!(load(&production_with(&[("HUNTZEN__TURN__SECRET", secret)])).is_ok(), "{secret}");
    }
}

#[test]
fn keys_and_servers_that_cannot_be_used_are_named() {
    for (name, value, key) in [
        ("HUNTZEN__AUDIT__SIGNING_KEY", "9d61", "audit.signing_key"),
        ("HUNTZEN__TURN__URLS", "stun:a.example,http://b.example", "turn.urls"),
        ("HUNTZEN__TURN__URLS", "turn:a.example", "turn.secret"),
    ] {
        let error = refusal(&[(name, value)]);
        assert!(error.contains(key) && !error.contains(value), "{error}");
    }
    let both = load(&[("HUNTZEN__TURN__URLS", "turn:a.example"), ("HUNTZEN__TURN__SECRET", "north")]).unwrap();
    assert_eq!(both.turn.urls, ["turn:a.example"]);
}

#[test]
fn the_ring_is_read_whatever_else_is_wrong() {
    let ring = |variables: &[(&str, &str)]| {
        let read = Encryption::load(&Folder::new().sources(variables));
        read.map(|one| one.ring().map(|ring| ring.expose_secret().to_owned()))
    };
    assert_eq!(ring(&[("HUNTZEN_ENV", "production"), ("PORT", "x")]).unwrap(), None);
    let named = ring(&[("HUNTZEN_ENV", "production"), ("ENCRYPTION_KEYS", "7:00")]).unwrap();
    assert_eq!(named.as_deref(), Some("7:00"));
    assert!(ring(&[]).unwrap().is_some(), "development has one");
}

#[test]
fn production_refuses_unprotected_mail_cheap_hashes_and_no_mail_server() {
    let refused = |name, value, key| {
        let error = refusal(&production_with(&[(name, value)]));
        assert!(error.contains(key), "{error}");
    };
    refused("HUNTZEN__SMTP__TLS", "none", "smtp.tls");
    refused("HUNTZEN__AUTH__BCRYPT_COST", "4", "auth.bcrypt_cost");
    refused("SMTP_HOST", "", "smtp.host");
    assert!(load(&[("HUNTZEN__SMTP__TLS", "none")]).is_ok());
}

#[test]
fn what_is_shown_holds_every_key_and_no_secret() {
    let mut variables = production_with(&[
        ("DATABASE_URL", "postgres://huntzen_app:hunter2@db/huntzen"),
        ("SMTP_USER", "mailer"),
        ("SMTP_PASSWORD", "hunter2-of-the-mailer"),
        ("SENTRY_DSN", "https://hunter2@sentry.example/1"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://me:hunter2@collector.example"),
    ]);
    variables.push(("DATABASE_OWNER_URL", "postgres://owner:hunter2@db/huntzen"));
    variables.push(("DATABASE_BACKUP_URL", "postgres://backup:hunter2@db/huntzen"));
    let shown = load(&variables).unwrap().masked().unwrap();
    for secret in ["hunter2", "of-the-operator", "shared-with-jitsi"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    for line in [
        "environment = \"production\"",
        "http.port = 3000",
        "auth.jwt_secret = \"********\"",
        "auth.jwt_expires_in = \"15m\"",
        "database.url = \"********\"",
        "database.backup_url = \"********\"",
        "smtp.password = \"********\"",
        "jobs.reminders = \"* * * * *\"",
        "database.pg_bin = (not set)",
        "telemetry.prometheus = \"127.0.0.1:9464\"",
        "telemetry.sentry_dsn = \"********\"",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line} is missing in:\n{shown}");
    }
    let debug = format!("{:?}", load(&variables).unwrap());
    assert!(!debug.contains("hunter2"), "{debug}");
}

#[test]
fn the_example_file_names_every_key_and_changes_nothing() {
    let example = include_str!("../../../../.env.example");
    let named: Vec<String> = example
        .lines()
        .filter_map(|line| line.trim_start_matches('#').trim().split_once('='))
        .filter(|(name, _)| !name.contains(' '))
        .map(|(name, _)| name.to_owned())
        .collect();
    for (short, _) in SHORT_NAMES {
        assert!(named.iter().any(|name| name == short), "{short} is not in .env.example");
    }
    let config = load(&[]).unwrap();
    let keys: Vec<String> = config.entries().unwrap().into_iter().map(|(key, _)| key).collect();
    for key in keys.iter().filter(|key| *key != "environment") {
        let full = full_name(key);
        let short = SHORT_NAMES.iter().any(|(_, named)| named == key);
        assert!(short || named.contains(&full), "{full} is not in .env.example");
    }
    for name in named.iter().filter(|name| *name != "HUNTZEN_ENV" && *name != "NODE_ENV") {
        let key = key_of(name);
        assert!(key.is_some_and(|key| keys.contains(&key)), "{name} sets nothing");
    }
    // Copied to .env as it is, and with every line switched on, it gives the defaults.
    let switched_on = example
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') => rest,
            _ => line,
        })
        .collect::<Vec<_>>()
        .join("\n");
    // The one key that development itself sets to something else.
    let early_start = [("HUNTZEN__BOOKING__EARLY_START_MINUTES", "15")];
    for text in [example, &switched_on] {
        let copied = Folder::new().with(".env", text).load(&early_start).unwrap();
        assert_eq!(copied.masked().unwrap(), load(&early_start).unwrap().masked().unwrap());
    }
}

#[test]
fn the_example_file_shows_each_default_once() {
    let example = include_str!("../../../../.env.example");
    let defaults: BTreeMap<String, String> = load(&[]).unwrap().entries().unwrap().into_iter().collect();
    let mut seen = BTreeSet::new();
    for line in example.lines() {
        let Some((name, value)) = line.trim_start_matches('#').split_once('=').filter(|(name, _)| !name.contains(' '))
        else {
            continue;
        };
        assert!(seen.insert(name), "{name} stands there twice");
        let Some(default) = key_of(name).and_then(|key| defaults.get(&key)) else { continue };
        // Of a secret the file shows none; a list may be empty.
        let nothing = ["(not set)", "[]", "\"********\""].contains(&default.as_str());
        assert_eq!(value.is_empty(), nothing, "{name} is shown as {value:?}; its default is {default}");
    }
}

#[test]
fn the_compose_file_sets_what_is_a_key() {
    let compose = include_str!("../../../../deploy/compose.yaml");
    let (_, nodes) = compose.split_once("environment: &environment").unwrap();
    let (nodes, _) = nodes.split_once("read_only:").unwrap();
    let keys: BTreeSet<String> = load(&[]).unwrap().entries().unwrap().into_iter().map(|(key, _)| key).collect();
    let names =
        nodes.lines().map(str::trim).filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(": "));
    let mut count = 0;
    for (name, _) in names.filter(|(name, _)| *name != "HUNTZEN_ENV") {
        assert!(key_of(name).is_some_and(|key| keys.contains(&key)), "{name} in deploy/compose.yaml sets nothing");
        count += 1;
    }
    assert!(count > 20, "only {count} variables were found");
}

#[test]
fn files_lie_in_a_folder_unless_a_bucket_is_named() {
    let config = load(&[]).unwrap();
    assert_eq!((config.storage.kind, config.storage.max_file_bytes), (StorageKind::Local, 10_485_760));
    assert_eq!((config.storage.path, config.retention.orphan_files_days), (PathBuf::from("files"), 7));
    for size in ["1023", "10485761"] {
        assert!(refusal(&[("MAX_FILE_SIZE", size)]).contains("MAX_FILE_SIZE"), "{size}");
    }
}

#[test]
fn a_bucket_needs_a_name_and_both_halves_of_a_key() {
    let s3 = ("HUNTZEN__STORAGE__KIND", "s3");
    let (bucket, id) = (("HUNTZEN__STORAGE__BUCKET", "files"), ("HUNTZEN__STORAGE__ACCESS_KEY", "id"));
    let secret = ("HUNTZEN__STORAGE__SECRET_KEY", "storage-secret-0001");
    assert!(refusal(&[s3]).contains("STORAGE__BUCKET"));
    assert!(refusal(&[s3, bucket, id]).contains("STORAGE__SECRET_KEY"));
    let without_id = refusal(&[s3, bucket, secret]);
    assert!(without_id.contains("STORAGE__ACCESS_KEY") && !without_id.contains("storage-secret-0001"), "{without_id}");
    assert!(load(&[s3, bucket, id, secret]).is_ok() && load(&[s3, bucket]).is_ok());
    let shown = format!("{:?}", load(&[s3, bucket, id, secret]).unwrap());
    assert!(!shown.contains("storage-secret-0001"), "{shown}");
    let plain = ("HUNTZEN__STORAGE__ENDPOINT", "http://minio.example.org");
    assert!(load(&[s3, bucket, plain]).is_ok());
    let refused = Folder::new().load(&production_with(&[s3, bucket, plain])).unwrap_err().to_string();
    assert!(refused.contains("STORAGE__ENDPOINT"), "{refused}");
    let safe = ("HUNTZEN__STORAGE__ENDPOINT", "https://minio.example.org");
    assert!(Folder::new().load(&production_with(&[s3, bucket, safe])).is_ok());
}

#[test]
fn redis_is_named_once_and_by_something_that_can_be_followed() {
    assert!(load(&[]).unwrap().redis.url.is_none());
    for url in ["redis://:hush@redis.internal:6379/1", "rediss://redis.internal", "unix:///run/redis.sock"] {
        let config = load(&[("REDIS_URL", url)]).unwrap();
        assert_eq!(config.redis.url.as_ref().map(ExposeSecret::expose_secret), Some(url));
        assert!(!config.masked().unwrap().contains(url));
    }
    let wrong = [
        "redis.internal:6379",
        "http://:hush@redis.internal",
        "redis://",
        "redis://redis.internal/first",
        "rediss://redis.internal#insecure",
        "unix://",
    ];
    for url in wrong {
        let refusal = refusal(&[("REDIS_URL", url)]);
        assert!(refusal.contains("redis.url (REDIS_URL)") && !refusal.contains("hush"), "{url}: {refusal}");
    }
    let named = [("REDIS_HOST", "redis.internal"), ("REDIS_PORT", "7000"), ("REDIS_PASSWORD", "hush-hush")];
    let config = load(&named).unwrap();
    assert_eq!((config.redis.host.as_deref(), config.redis.port), (Some("redis.internal"), 7000));
    assert!(!config.masked().unwrap().contains("hush-hush"));
    assert!(refusal(&[("REDIS_URL", "redis://one"), ("REDIS_HOST", "other")]).contains("REDIS_HOST"));
    assert!(refusal(&[("REDIS_PASSWORD", "hush-hush")]).contains("REDIS_PASSWORD"));
}
