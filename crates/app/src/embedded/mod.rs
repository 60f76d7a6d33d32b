//! The program's own private PostgreSQL cluster, used when no server is named.
//!
//! It lies in `<data>/postgres` and listens on a socket in a folder that nobody else can enter;
//! there is no network port. One program owns it; a command beside a running server uses the
//! server's. It ends with the program, however the program ends, and is started again when it
//! ends by itself.

mod account;
mod binaries;
mod cluster;
mod error;
mod keeper;
mod ownership;
mod place;
mod server;

use std::fmt::Write as _;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

pub use error::EmbeddedError;

use account::Account;
use binaries::Binaries;
use keeper::Keeper;
use ownership::Ownership;
use place::Place;

/// The folders in which programs of PostgreSQL are looked for, in this order; the one that is named
/// alone, if one is.
pub fn program_folders(data_folder: &Path, named: Option<&Path>) -> Vec<PathBuf> {
    match named {
        Some(folder) => vec![folder.to_owned()],
        None => binaries::candidates(&data_folder.join("postgres-bin")).collect(),
    }
}

/// The role that owns the cluster and the schema; a superuser of the private cluster.
pub const OWNER: &str = "huntzen_owner";

/// The database of the private cluster.
pub const DATABASE: &str = "huntzen";

/// What the program wants the cluster for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// To serve: others may use it meanwhile.
    Serve,
    /// For one command: others wait until it is done.
    Command,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Command => "command",
        }
    }
}

/// The private cluster, running.
///
/// Dropped or stopped, it ends, if this program owns it.
#[derive(Debug)]
pub struct Embedded {
    // The order matters: the server ends before the lock is given back.
    keeper: Option<Keeper>,
    _lock: Option<File>,
    place: Place,
}

impl Embedded {
    /// Starts the cluster in `data_dir`, or finds the one that a server runs there.
    ///
    /// `HUNTZEN_PG_BIN` may name the folder of the PostgreSQL programs.
    ///
    /// # Errors
    /// When there is no PostgreSQL, the folder cannot be used, another program keeps it, or the
    /// server does not start; the message is meant for a person.
    pub fn start(data_dir: &Path, purpose: Purpose) -> Result<Self, EmbeddedError> {
        let named = std::env::var_os("HUNTZEN_PG_BIN").filter(|named| !named.is_empty());
        Self::start_with(data_dir, named.as_deref().map(Path::new), purpose)
    }

    /// As [`Embedded::start`], with the folder of the PostgreSQL programs given or searched for.
    ///
    /// # Errors
    /// As [`Embedded::start`].
    pub fn start_with(data_dir: &Path, programs: Option<&Path>, purpose: Purpose) -> Result<Self, EmbeddedError> {
        let account = Account::of_server()?;
        let place = Place::prepare(data_dir, account)?;
        if let Some(folder) = &place.moved_to {
            tracing::warn!(
                folder = %folder.display(),
                "the data folder is closed to the database's user; the database is kept elsewhere"
            );
        }
        let lock = match ownership::settle(&place, purpose)? {
            Ownership::Guest => {
                return Ok(Self { keeper: None, _lock: None, place });
            }
            Ownership::Owner(lock) => lock,
        };
        let wanted = place.version().and_then(|version| version.parse().ok());
        let binaries = Binaries::find(&place.data, programs, wanted)?;
        cluster::ensure(&place, &binaries, account)?;
        let keeper = Keeper::start(&place, binaries, account)?;
        Ok(Self { keeper: Some(keeper), _lock: Some(lock), place })
    }

    /// The libpq URL of the program's database for a role, over the socket.
    pub fn url(&self, role: &str) -> String {
        self.url_of(role, DATABASE)
    }

    /// The libpq URL of any database of the cluster for a role, over the socket.
    pub fn url_of(&self, role: &str, database: &str) -> String {
        format!(
            "postgresql://{}@/{}?host={}&port=5432",
            percent_encoded(role.as_bytes()),
            percent_encoded(database.as_bytes()),
            percent_encoded(self.place.socket.as_os_str().as_bytes()),
        )
    }

    /// The folder of the socket.
    pub fn socket_folder(&self) -> &Path {
        &self.place.socket
    }

    /// Whether this program runs the cluster, and does not use a server's.
    pub fn is_owner(&self) -> bool {
        self.keeper.is_some()
    }

    /// Where the cluster lies instead, when the data folder is closed to the server's user; the
    /// person who started the program should be told.
    pub fn moved_to(&self) -> Option<PathBuf> {
        self.place.moved_to.clone()
    }

    /// Ends the cluster if this program owns it, and waits until it has ended.
    pub fn stop(&mut self) {
        if let Some(keeper) = &mut self.keeper {
            keeper.stop();
        }
    }
}

/// Percent-encodes all but unreserved characters (RFC 3986 §2.3).
fn percent_encoded(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_encoded_for_a_url() {
        assert_eq!(percent_encoded("/srv/a b/é".as_bytes()), "%2Fsrv%2Fa%20b%2F%C3%A9");
    }
}
