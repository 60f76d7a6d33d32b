//! Where Redis is, read strictly: a setting that cannot be followed is refused, and never quoted.
use redis::{Client, ConnectionAddr, IntoConnectionInfo};
use secrecy::{ExposeSecret, SecretString};

/// Where Redis is, and how to sign in there.
#[derive(Clone, Debug)]
pub enum RedisSettings {
    /// `redis://[user][:password@]host[:port][/database]`; `rediss://` over TLS; `unix:///path`. A password within
    /// it comes before the other one.
    Url {
        /// The URL.
        url: SecretString,
        /// The password where the URL holds none.
        password: Option<SecretString>,
    },
    /// A server without TLS, its first database.
    Host {
        /// Name or address.
        host: String,
        /// TCP port.
        port: u16,
        /// The password.
        password: Option<SecretString>,
    },
}

/// Why settings cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// They cannot be read.
    #[error("redis://, rediss:// or unix:// with a host, a port and a number of a database are expected")]
    Unreadable,
    /// A TLS connection that checks no certificate protects nothing.
    #[error("a certificate that is not checked is not accepted")]
    Insecure,
}

impl RedisSettings {
    /// A client that has not connected yet.
    pub(crate) fn client(&self) -> Result<Client, SettingsError> {
        let (info, password) = match self {
            Self::Url { url, password } => (url.expose_secret().into_connection_info(), password),
            Self::Host { host, port, password } => ((host.as_str(), *port).into_connection_info(), password),
        };
        let info = info.or(Err(SettingsError::Unreadable))?;
        if let ConnectionAddr::TcpTls { insecure, .. } = info.addr() {
            if *insecure {
                return Err(SettingsError::Insecure);
            }
            // rustls asks the process which cryptography it uses; somebody else may have said so already.
            drop(rustls::crypto::ring::default_provider().install_default());
        }
        // One command less whenever a connection opens.
        let mut redis = info.redis_settings().clone().set_skip_set_lib_name();
        if let (None, Some(password)) = (redis.password(), password) {
            redis = redis.set_password(password.expose_secret());
        }
        Client::open(info.set_redis_settings(redis)).or(Err(SettingsError::Unreadable))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<(String, Option<String>), String> {
        let settings = RedisSettings::Url { url: url.into(), password: Some("other".into()) };
        let client = settings.client().map_err(|error| error.to_string())?;
        let info = client.get_connection_info();
        Ok((info.addr().to_string(), info.redis_settings().password().map(str::to_owned)))
    }

    #[test]
    fn a_url_says_where_and_how() {
        let found = |place: &str, password: &str| Ok((place.to_owned(), Some(password.to_owned())));
        assert_eq!(read("redis://redis.internal"), found("redis.internal:6379", "other"));
        assert_eq!(read("redis://:own@[::1]:7000/2"), found("::1:7000", "own"));
        assert_eq!(read("rediss://redis.internal"), found("redis.internal:6379", "other"));
        assert_eq!(read("unix:///run/redis.sock"), found("/run/redis.sock", "other"));
    }

    #[test]
    fn what_cannot_be_followed_is_refused_and_not_quoted() {
        for url in
            ["", "redis", "http://hush:hush@host", "redis://host/hush", "redis://host:hush", "rediss://host#hush"]
        {
            let refusal = read(url).unwrap_or_else(|refusal| (refusal, None)).0;
            assert!(refusal.contains("expected") && !refusal.contains("hush"), "{url}: {refusal}");
        }
        assert!(read("rediss://host#insecure").is_err(), "no certificate is checked");
    }
}
