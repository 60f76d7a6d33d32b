//! The names that configuration keys have in the environment.

use std::borrow::Cow;

/// Short environment names and the key that each sets.
///
/// Where a layer gives both a short name and the full `HUNTZEN__…` one, the full name wins.
pub const SHORT_NAMES: &[(&str, &str)] = &[
    ("DATABASE_URL", "database.url"),
    ("DATABASE_OWNER_URL", "database.owner_url"),
    ("DATABASE_BACKUP_URL", "database.backup_url"),
    ("HUNTZEN_DATA_DIR", "database.data_dir"),
    ("HUNTZEN_PG_BIN", "database.pg_bin"),
    ("HOST", "http.host"),
    ("PORT", "http.port"),
    ("FRONTEND_URL", "http.frontend_urls"),
    ("JWT_SECRET", "auth.jwt_secret"),
    ("JWT_REFRESH_SECRET", "auth.jwt_refresh_secret"),
    ("JWT_EXPIRES_IN", "auth.jwt_expires_in"),
    ("JWT_REFRESH_EXPIRES_IN", "auth.jwt_refresh_expires_in"),
    ("ENCRYPTION_KEYS", "encryption.keys"),
    ("ENCRYPTION_KEY", "encryption.key"),
    ("JITSI_DOMAIN", "jitsi.domain"),
    ("JITSI_APP_ID", "jitsi.app_id"),
    ("JITSI_SECRET", "jitsi.secret"),
    ("REDIS_URL", "redis.url"),
    ("REDIS_HOST", "redis.host"),
    ("REDIS_PORT", "redis.port"),
    ("REDIS_PASSWORD", "redis.password"),
    ("SMTP_HOST", "smtp.host"),
    ("SMTP_PORT", "smtp.port"),
    ("SMTP_USER", "smtp.user"),
    ("SMTP_PASSWORD", "smtp.password"),
    ("EMAIL_FROM", "smtp.from"),
    ("UPLOAD_PATH", "storage.path"),
    ("MAX_FILE_SIZE", "storage.max_file_bytes"),
    ("SENTRY_DSN", "telemetry.sentry_dsn"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "telemetry.otlp_endpoint"),
];

/// What the full environment names begin with; a section and its key are parted by two underscores too.
pub const PREFIX: &str = "HUNTZEN__";

/// The full environment name of a key: `http.port` is `HUNTZEN__HTTP__PORT`.
pub fn full_name(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_uppercase())
}

/// The environment name to show to a person: the short one where there is one.
pub fn shown_name(key: &str) -> Cow<'static, str> {
    SHORT_NAMES
        .iter()
        .find(|(_, named)| *named == key)
        .map_or_else(|| Cow::Owned(full_name(key)), |(short, _)| Cow::Borrowed(*short))
}

/// The key that a variable of the environment sets, if it sets one.
///
/// A full name that fits no key is given back all the same, so that a typing error is refused
/// instead of ignored.
pub fn key_of(variable: &str) -> Option<String> {
    if let Some(rest) = variable.strip_prefix(PREFIX) {
        return Some(rest.to_lowercase().replace("__", "."));
    }
    SHORT_NAMES.iter().find(|(short, _)| *short == variable).map(|(_, key)| (*key).to_owned())
}
