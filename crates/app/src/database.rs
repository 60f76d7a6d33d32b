//! Which database the program works on: a named server, or its own private cluster.
use hmac::{Hmac, KeyInit, Mac};
use huntzen_tenancy::{audit::Head, sealing::Vault};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::{
    config::Config,
    embedded::{Embedded, EmbeddedError, OWNER, Purpose},
    wiring::schema,
};

/// The role that the program works under.
pub const APPLICATION: &str = "huntzen_app";

/// Why there is no database to work on.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The private cluster does not run.
    #[error("the private PostgreSQL cluster cannot be used")]
    Embedded(#[from] EmbeddedError),
    /// The setting is no URL that the program can take apart.
    #[error("{0} is not a postgres:// URL")]
    Url(&'static str),
    /// The schema's owner is not known.
    #[error(
        "set DATABASE_OWNER_URL: in production only the owner of the schema migrates it, restores it and prunes the \
         audit trail"
    )]
    NoOwner,
    /// Row security hides rows from every other role.
    #[error(
        "set DATABASE_BACKUP_URL: row security hides rows from every role but one that may pass it \
         (huntzen_backup of deploy/roles.sql)"
    )]
    NoBackupRole,
    /// Roles or migrations failed.
    #[error("the schema could not be brought up to date")]
    Migrate(#[from] schema::MigrateError),
}

/// A database, and the two roles that it is used under.
#[derive(Debug)]
pub struct Database {
    /// Under the program's role.
    url: SecretString,
    /// Under the schema's owner, where the program knows it.
    owner_url: Option<SecretString>,
    /// The password that the program's role gets; none in production, where operators choose it.
    application_password: Option<SecretString>,
    /// Under a role that may read everything.
    backup_url: Option<SecretString>,
    /// Whether a backup is being restored into it.
    restoring: bool,
    /// The private cluster; it ends when this is dropped.
    embedded: Option<Embedded>,
}

impl Database {
    /// Opens the server of `DATABASE_URL`, or the private cluster.
    ///
    /// # Errors
    /// When the cluster does not start, or the URL cannot be used.
    pub fn open(config: &Config, purpose: Purpose) -> Result<Self, DatabaseError> {
        let production = config.environment.is_production();
        let derived = derived_password(&config.auth.jwt_secret);
        let Some(named) = &config.database.url else {
            let programs = config.database.pg_bin.as_deref();
            let embedded = Embedded::start_with(&config.database.data_dir, programs, purpose)?;
            return Ok(Self {
                url: embedded.url(APPLICATION).into(),
                owner_url: Some(embedded.url(OWNER).into()),
                backup_url: Some(embedded.url(OWNER).into()),
                restoring: false,
                application_password: Some(derived),
                embedded: Some(embedded),
            });
        };
        let url = if production { named.clone() } else { with_role(named, APPLICATION, &derived)? };
        let owner_url = config.database.owner_url.clone().or_else(|| (!production).then(|| named.clone()));
        // Outside production the owner is mostly a superuser.
        let backup_url = config.database.backup_url.clone().or_else(|| owner_url.clone().filter(|_| !production));
        let application_password = (!production).then_some(derived);
        Ok(Self { url, owner_url, application_password, backup_url, restoring: false, embedded: None })
    }

    /// The same, into which a backup is being restored: the program's own refusal of half a database
    /// does not bind the one that completes it.
    #[must_use]
    pub fn for_restoring(self) -> Self {
        Self { restoring: true, ..self }
    }

    /// Whether a backup is being restored into it.
    pub fn is_being_restored(&self) -> bool {
        self.restoring
    }

    /// The URL under the program's role.
    pub fn url(&self) -> &str {
        self.url.expose_secret()
    }

    /// The private cluster, when that is what it is.
    pub fn embedded(&self) -> Option<&Embedded> {
        self.embedded.as_ref()
    }

    /// Makes the roles (outside production) and brings the schema up to date; answers the names
    /// of what it applied. `vault` seals what older releases kept in clear.
    ///
    /// # Errors
    /// `NoOwner` in production without the owner's URL; `Migrate`.
    pub fn migrate(&self, vault: &dyn Vault) -> Result<Vec<String>, DatabaseError> {
        self.ensure_roles()?;
        Ok(schema::run(self.owner()?, vault)?)
    }

    /// Makes the roles, outside production.
    ///
    /// # Errors
    /// `NoOwner` in production without the owner's URL; `Migrate`.
    pub fn ensure_roles(&self) -> Result<(), DatabaseError> {
        let owner = self.owner()?;
        if let Some(password) = &self.application_password {
            schema::ensure_roles(owner, password.expose_secret())?;
        }
        Ok(())
    }

    /// The URL under a role that may read everything, for backups.
    ///
    /// # Errors
    /// `NoBackupRole` in production without `DATABASE_BACKUP_URL`.
    pub fn backup_url(&self) -> Result<&str, DatabaseError> {
        Ok(self.backup_url.as_ref().ok_or(DatabaseError::NoBackupRole)?.expose_secret())
    }

    /// The URL under the schema's owner.
    ///
    /// # Errors
    /// `NoOwner` in production without it.
    pub fn owner(&self) -> Result<&str, DatabaseError> {
        Ok(self.owner_url.as_ref().ok_or(DatabaseError::NoOwner)?.expose_secret())
    }

    /// Removes what lies below these heads of the audit trail's chains, as the schema's owner; answers
    /// how many entries went.
    ///
    /// # Errors
    /// `NoOwner` in production without the owner's URL; `Migrate`.
    pub fn prune_audit(&self, cut: &[Head]) -> Result<usize, DatabaseError> {
        Ok(schema::prune_audit(self.owner()?, cut)?)
    }

    /// Migrates a private cluster that this program runs. A named server is migrated by
    /// `huntzen migrate` alone, and a server beside a command has migrated its cluster itself.
    ///
    /// # Errors
    /// Those of [`Database::migrate`].
    pub fn prepare(&self, vault: &dyn Vault) -> Result<(), DatabaseError> {
        if self.embedded.as_ref().is_some_and(Embedded::is_owner) {
            self.migrate(vault)?;
        }
        Ok(())
    }
}

/// The password of the program's role outside production: hexadecimal HMAC-SHA-256 (RFC 2104) of
/// the role's name under the access-token secret, so that nobody has to write a second one down.
fn derived_password(secret: &SecretString) -> SecretString {
    let mut code = match Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) {
        Ok(code) => code,
        // HMAC takes keys of any length.
        Err(never) => unreachable!("{never}"),
    };
    code.update(APPLICATION.as_bytes());
    data_encoding::HEXLOWER.encode(&code.finalize().into_bytes()).into()
}

/// A libpq URL, taken apart.
///
/// It is not a URL of the web: it may name several hosts, each with its port, of which libpq takes the first
/// that fits (`postgres://a:5432,b:5432/care?target_session_attrs=read-write`), and in it `+` is no space. So
/// its parts are kept as they are written.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    pub(crate) scheme: &'a str,
    /// The role, and its password after a colon.
    pub(crate) role: Option<&'a str>,
    /// The hosts with their ports.
    pub(crate) hosts: &'a str,
    /// The database, after a slash.
    pub(crate) path: &'a str,
    /// What stands in the query, pair by pair.
    pub(crate) pairs: Vec<&'a str>,
}

impl<'a> Parts<'a> {
    /// Takes a URL apart; none when it is none.
    pub(crate) fn of(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.trim().split_once("://")?;
        if !["postgres", "postgresql"].contains(&scheme) {
            return None;
        }
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = match place.find('/') {
            Some(slash) => place.split_at(slash),
            None => (place, ""),
        };
        let (role, hosts) = match authority.rsplit_once('@') {
            Some((role, hosts)) => (Some(role), hosts),
            None => (None, authority),
        };
        Some(Self { scheme, role, hosts, path, pairs: query.split('&').filter(|pair| !pair.is_empty()).collect() })
    }

    /// The key of a pair of the query.
    pub(crate) fn key(pair: &str) -> &str {
        pair.split('=').next().unwrap_or_default()
    }

    /// The URL with this in place of the role.
    pub(crate) fn url(&self, role: Option<&str>) -> String {
        let (query, at) = (self.pairs.join("&"), role.map(|role| format!("{role}@")).unwrap_or_default());
        let query = if query.is_empty() { query } else { format!("?{query}") };
        format!("{}://{at}{}{}{query}", self.scheme, self.hosts, self.path)
    }
}

/// The same servers and database under another role.
fn with_role(url: &SecretString, role: &str, password: &SecretString) -> Result<SecretString, DatabaseError> {
    let mut parts = Parts::of(url.expose_secret()).ok_or(DatabaseError::Url("DATABASE_URL"))?;
    // A role in the query would win over the one in the authority.
    parts.pairs.retain(|pair| !["user", "password"].contains(&Parts::key(pair)));
    Ok(parts.url(Some(&format!("{role}:{}", password.expose_secret()))).into())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn the_role_is_swapped_wherever_it_stands() {
        let swapped = |url: &str| {
            with_role(&url.into(), "huntzen_app", &"secret".into()).map(|url| url.expose_secret().to_owned())
        };
        for (url, expected) in [
            (
                "postgresql://postgres:pw@db:5433/care?sslmode=require",
                "postgresql://huntzen_app:secret@db:5433/care?sslmode=require",
            ),
            ("postgres://db/care?user=me", "postgres://huntzen_app:secret@db/care"),
            ("postgres://db", "postgres://huntzen_app:secret@db"),
            ("postgresql:///care?host=/run/pg", "postgresql://huntzen_app:secret@/care?host=/run/pg"),
            (
                "postgresql:///care?password=pw&host=%2Frun%2Fpg&options=-c%20x",
                "postgresql://huntzen_app:secret@/care?host=%2Frun%2Fpg&options=-c%20x",
            ),
        ] {
            assert_eq!(swapped(url).unwrap(), expected);
        }
        assert!(matches!(swapped("mysql://db/care"), Err(DatabaseError::Url("DATABASE_URL"))));
        assert!(matches!(swapped("host=db"), Err(DatabaseError::Url(_))));
    }

    #[test]
    fn a_url_may_name_several_hosts() {
        let swapped = |url: &str| with_role(&url.into(), "huntzen_app", &"secret".into());
        let url = "postgres://me:p%40w@a.example:5432,b.example:5433,[::1]/care?target_session_attrs=read-write";
        assert_eq!(
            swapped(url).unwrap().expose_secret(),
            "postgres://huntzen_app:secret@a.example:5432,b.example:5433,[::1]/care?target_session_attrs=read-write"
        );
    }

    #[test]
    fn the_password_follows_from_the_secret_alone() {
        let password = |secret: &str| derived_password(&secret.into()).expose_secret().to_owned();
        assert_eq!(password("a"), password("a"));
        assert_ne!(password("a"), password("b"));
        assert_eq!(password("a").len(), 64);
    }
}
