//! What a configuration must fulfil beyond its types: ranges, and the rules of production.

use figment::Figment;
use huntzen_metrics::ReleaseRules;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::problem::{ConfigError, Problem};
use super::sources::{file_layer, published};
use super::{Config, Environment, RateLimit, Redis, Retention, SmtpTls, Storage, StorageKind};

/// Keys without which no environment starts; only development and test bring their own.
const SECRETS: [&str; 4] = ["auth.jwt_secret", "auth.jwt_refresh_secret", "jitsi.secret", "audit.signing_key"];

/// Where the master keys stand; one of the two is needed.
const RINGS: [&str; 2] = ["encryption.keys", "encryption.key"];

/// Fewest bytes of a secret in production: the length of an HS256 key (RFC 7518 §3.2).
const SECRET_BYTES: usize = 32;

/// Checked before the types, so that a first start in production names all of them at once.
pub(super) fn secrets_are_given(layers: &Figment) -> Result<(), ConfigError> {
    let sealing = (!RINGS.into_iter().any(|key| layers.contains(key))).then_some(RINGS[0]);
    finish(
        SECRETS
            .into_iter()
            .filter(|key| !layers.contains(key))
            .chain(sealing)
            .map(|key| Problem::with_key(key, "is required"))
            .collect(),
    )
}

/// Checks ranges and the rules of the environment.
pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    let mut problems = Vec::new();
    ranges(config, &mut problems);
    if config.environment.is_production() {
        production(config, &mut problems)?;
    }
    finish(problems)
}

fn finish(problems: Vec<Problem>) -> Result<(), ConfigError> {
    if problems.is_empty() { Ok(()) } else { Err(ConfigError::new(problems)) }
}

fn retention(periods: &Retention, require: &mut impl FnMut(bool, &str, &str)) {
    let (months, days, years) = ("1 to 120 is expected", "1 to 3650 is expected", "1 to 100 is expected");
    require((1..=120).contains(&periods.messages_months), "retention.messages_months", months);
    require((1..=120).contains(&periods.notifications_months), "retention.notifications_months", months);
    require((1..=3_650).contains(&periods.letters_days), "retention.letters_days", days);
    require((1..=3_650).contains(&periods.sign_ins_days), "retention.sign_ins_days", days);
    // An invitation is good for seven days.
    require((1..=365).contains(&periods.orphan_files_days), "retention.orphan_files_days", "1 to 365 is expected");
    require((7..=3_650).contains(&periods.invitations_days), "retention.invitations_days", "7 to 3650 is expected");
    require((1..=168).contains(&periods.idempotency_hours), "retention.idempotency_hours", "1 to 168 is expected");
    require((1..=100).contains(&periods.note_years_physicians), "retention.note_years_physicians", years);
    require((1..=100).contains(&periods.note_years_others), "retention.note_years_others", years);
    require((1..=30).contains(&periods.key_backup_days), "retention.key_backup_days", "1 to 30 is expected");
    require((1..=3_650).contains(&periods.main_backup_days), "retention.main_backup_days", days);
}

fn rate_limit(limits: &RateLimit, require: &mut impl FnMut(bool, &str, &str)) {
    for (key, count) in [
        ("rate_limit.general_limit", limits.general_limit),
        ("rate_limit.failed_per_account_ip", limits.failed_per_account_ip),
        ("rate_limit.failed_per_account", limits.failed_per_account),
        ("rate_limit.failed_per_ip", limits.failed_per_ip),
    ] {
        require((1..=1_000_000).contains(&count), key, "1 to 1000000 is expected");
    }
    for (key, seconds) in [
        ("rate_limit.general_window_seconds", limits.general_window_seconds),
        ("rate_limit.failed_window_seconds", limits.failed_window_seconds),
    ] {
        require((1..=86_400).contains(&seconds), key, "1 to 86400 is expected");
    }
    // A bound that the narrower one never lets reach would bind nobody.
    let narrowest = limits.failed_per_account_ip;
    let reason = "must not be less than rate_limit.failed_per_account_ip";
    require(limits.failed_per_account >= narrowest, "rate_limit.failed_per_account", reason);
    require(limits.failed_per_ip >= narrowest, "rate_limit.failed_per_ip", reason);
}

fn ranges(config: &Config, problems: &mut Vec<Problem>) {
    let mut require = |fulfilled: bool, key: &str, reason: &str| {
        if !fulfilled {
            problems.push(Problem::with_key(key, reason));
        }
    };
    let lowest_cost = if config.environment == Environment::Test { 4 } else { 10 };
    require(
        (lowest_cost..=16).contains(&config.auth.bcrypt_cost),
        "auth.bcrypt_cost",
        "10 to 16 is expected (4 to 16 in the test environment)",
    );
    require(
        (8..=64).contains(&config.auth.password_min_length),
        "auth.password_min_length",
        "8 to 64 bytes are expected",
    );
    require(
        config.auth.jwt_refresh_expires_in >= config.auth.jwt_expires_in,
        "auth.jwt_refresh_expires_in",
        "must not be shorter than auth.jwt_expires_in",
    );
    // The private cluster takes 60 connections; a server is its operator's business.
    let most_connections = if config.database.url.is_none() { 50 } else { 500 };
    require(
        (1..=most_connections).contains(&config.database.pool_size),
        "database.pool_size",
        "1 to 50 is expected, to 500 with database.url",
    );
    require((1..=366).contains(&config.booking.horizon_days), "booking.horizon_days", "1 to 366 is expected");
    require(
        config.booking.min_notice_minutes < config.booking.horizon_days.saturating_mul(24 * 60),
        "booking.min_notice_minutes",
        "must be less than booking.horizon_days",
    );
    // A demonstration starts consultations of other days; people's consultations start on their day.
    let earliest_start = if config.environment.is_production() { 24 * 60 } else { 90 * 24 * 60 };
    require(
        config.booking.early_start_minutes <= earliest_start,
        "booking.early_start_minutes",
        "0 to 1440 is expected, outside production up to 129600",
    );
    require((1..=28).contains(&config.privacy.close_day), "privacy.close_day", "1 to 28 is expected");
    let lowest = ReleaseRules::LOWEST_K;
    require((lowest..=1_000_000).contains(&config.privacy.k), "privacy.k", "10 to 1000000 is expected");
    rate_limit(&config.rate_limit, &mut require);
    retention(&config.retention, &mut require);
    require((1..=24 * 90).contains(&config.chat.open_hours_before), "chat.open_hours_before", "1 to 2160 is expected");
    require(config.chat.close_days_after <= 730, "chat.close_days_after", "0 to 730 is expected");
    require(
        (1024..=16 * 1024 * 1024).contains(&config.http.body_limit_bytes),
        "http.body_limit_bytes",
        "1024 to 16777216 is expected",
    );
    require(config.http.workers <= 256, "http.workers", "0 to 256 is expected");
    require(
        !config.http.frontend_urls.is_empty() && config.http.frontend_urls.iter().all(|url| is_origin(url)),
        "http.frontend_urls",
        "origins such as https://app.example.org, parted by commas, are expected",
    );
    for (key, ring) in RINGS.into_iter().zip([&config.encryption.keys, &config.encryption.key]) {
        require(
            ring.as_ref().is_none_or(|ring| is_ring(ring.expose_secret(), key == RINGS[0])),
            key,
            "64 hexadecimal digits are expected; in a ring, each after its id and a colon, parted by commas",
        );
    }
    let is_ice = |url: &String| ["stun:", "stuns:", "turn:", "turns:"].iter().any(|scheme| url.starts_with(scheme));
    require(config.turn.urls.iter().all(is_ice), "turn.urls", "stun:, turn: and turns: URLs are expected");
    let has_turn = config.turn.urls.iter().any(|url| url.starts_with("turn"));
    require(!has_turn || config.turn.secret.is_some(), "turn.secret", "is required with TURN servers");
    redis(&config.redis, &mut require);
    storage(&config.storage, &mut require);
    require(
        is_ring(config.audit.signing_key.expose_secret(), false),
        "audit.signing_key",
        "64 hexadecimal digits are expected",
    );
    let telemetry = &config.telemetry;
    let is_web = |url: &SecretString| {
        ["https://", "http://"]
            .iter()
            .any(|scheme| url.expose_secret().strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
    };
    require(
        telemetry.otlp_endpoint.as_ref().is_none_or(is_web),
        "telemetry.otlp_endpoint",
        "a URL such as http://127.0.0.1:4318 is expected",
    );
    require(
        telemetry.sentry_dsn.as_ref().is_none_or(|dsn| is_web(dsn) && dsn.expose_secret().contains('@')),
        "telemetry.sentry_dsn",
        "a DSN such as https://key@sentry.example.org/1 is expected",
    );
    require(config.smtp.from.contains('@'), "smtp.from", "a mail address is expected");
    require(
        config.smtp.user.is_none() || config.smtp.password.is_some(),
        "smtp.password",
        "is required with smtp.user",
    );
}

/// Redis is named once, by something that can be followed.
fn redis(redis: &Redis, require: &mut impl FnMut(bool, &str, &str)) {
    require(
        redis.url.as_ref().is_none_or(|url| is_redis(url.expose_secret())),
        "redis.url",
        "redis://host:port, rediss://host:port with certificates that are checked, or unix:///path is expected",
    );
    require(redis.url.is_none() || redis.host.is_none(), "redis.host", "must not be set with redis.url");
    require(redis.port > 0, "redis.port", "1 to 65535 is expected");
    require(
        redis.password.is_none() || redis.url.is_some() || redis.host.is_some(),
        "redis.password",
        "is of no use without redis.url or redis.host",
    );
}

fn is_redis(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let database = url.path().trim_matches('/');
    match url.scheme() {
        // A fragment switches the check of certificates off.
        "redis" | "rediss" | "valkey" | "valkeys" => {
            let has_host = url.host_str().is_some_and(|host| !host.is_empty());
            has_host && url.fragment().is_none() && (database.is_empty() || database.parse::<u32>().is_ok())
        }
        "unix" | "redis+unix" | "valkey+unix" => !database.is_empty(),
        _ => false,
    }
}

/// A storage has what its kind needs.
fn storage(storage: &Storage, require: &mut impl FnMut(bool, &str, &str)) {
    let is_s3 = storage.kind == StorageKind::S3;
    require(
        (1024..=10 * 1024 * 1024).contains(&storage.max_file_bytes),
        "storage.max_file_bytes",
        "1024 to 10485760 is expected",
    );
    require(!is_s3 || storage.bucket.is_some(), "storage.bucket", "is required with storage.kind s3");
    require(
        storage.access_key.is_some() || storage.secret_key.is_none(),
        "storage.access_key",
        "is required with storage.secret_key",
    );
    require(
        storage.secret_key.is_some() || storage.access_key.is_none(),
        "storage.secret_key",
        "is required with storage.access_key",
    );
    require(
        storage.endpoint.as_ref().is_none_or(|url| is_origin(url)),
        "storage.endpoint",
        "an origin such as https://minio.example.org is expected",
    );
}

/// An origin as browsers send it (RFC 6454 §6.2): scheme, host, perhaps a port, no path.
fn is_origin(url: &str) -> bool {
    url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).is_some_and(|rest| {
        !rest.is_empty() && !rest.contains(['/', '?', '#', '@', '*']) && !rest.contains(char::is_whitespace)
    })
}

/// Master keys of 32 bytes each, in hexadecimal; `id:key` in a ring.
fn is_ring(text: &str, with_ids: bool) -> bool {
    let is_key = |digits: &str| digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !with_ids {
        return is_key(text.trim());
    }
    let mut ids = Vec::new();
    let valid = text.split(',').all(|entry| {
        let Some((id, digits)) = entry.trim().split_once(':') else { return false };
        let id = id.parse::<u32>().ok().filter(|id| *id > 0 && !ids.contains(id));
        ids.extend(id);
        id.is_some() && is_key(digits)
    });
    valid && !ids.is_empty()
}

fn production(config: &Config, problems: &mut Vec<Problem>) -> Result<(), ConfigError> {
    let mut secrets: Vec<(&str, &SecretString)> = vec![
        ("auth.jwt_secret", &config.auth.jwt_secret),
        ("auth.jwt_refresh_secret", &config.auth.jwt_refresh_secret),
        ("jitsi.secret", &config.jitsi.secret),
        ("audit.signing_key", &config.audit.signing_key),
    ];
    secrets.extend(config.turn.secret.as_ref().map(|secret| ("turn.secret", secret)));
    let published = published_secrets()?;
    for (key, secret) in secrets {
        let secret = secret.expose_secret();
        if secret.len() < SECRET_BYTES {
            problems.push(Problem::with_key(key, format!("at least {SECRET_BYTES} bytes are expected")));
        }
        if published.iter().any(|known| known.eq_ignore_ascii_case(secret)) {
            problems.push(Problem::with_key(key, "is published with the source code"));
        }
    }
    if config.auth.jwt_secret.expose_secret() == config.auth.jwt_refresh_secret.expose_secret() {
        // Whoever learns one would have the other.
        problems.push(Problem::with_key("auth.jwt_refresh_secret", "must differ from auth.jwt_secret"));
    }
    let rings = RINGS.into_iter().zip([&config.encryption.keys, &config.encryption.key]);
    for (key, ring) in rings.filter_map(|(key, ring)| ring.as_ref().map(|ring| (key, ring))) {
        let ring = ring.expose_secret().to_ascii_lowercase();
        if published.iter().any(|known| ring.contains(known.as_str())) {
            problems.push(Problem::with_key(key, "holds a key that is published with the source code"));
        }
    }
    if config.smtp.host.is_none() {
        // Letters hold tokens that open accounts; they do not belong into a folder of the server.
        problems.push(Problem::with_key("smtp.host", "is required"));
    }
    if config.storage.endpoint.as_ref().is_some_and(|url| !url.starts_with("https://")) {
        // Pictures of people travel there in clear.
        problems.push(Problem::with_key("storage.endpoint", "https:// is expected"));
    }
    if config.smtp.tls == SmtpTls::None {
        problems.push(Problem::with_key("smtp.tls", "starttls or implicit is expected"));
    }
    Ok(())
}

/// The secrets in the files that everybody can read.
fn published_secrets() -> Result<Vec<String>, ConfigError> {
    let mut known = Vec::new();
    for text in published() {
        let file = Figment::new().merge(file_layer("a file that is compiled in", text)?);
        for key in SECRETS.into_iter().chain(RINGS) {
            if file.contains(key) {
                known.push(file.extract_inner::<String>(key)?);
            }
        }
    }
    Ok(known)
}
