//! Why the private cluster cannot be used, in words for the person who starts the program.

use std::io;
use std::path::{Path, PathBuf};

/// Why the private cluster cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// No PostgreSQL on this machine.
    #[error(
        "no PostgreSQL {oldest} or newer was found (looked at HUNTZEN_PG_BIN, PATH, pg_config, \
         /usr/lib/postgresql and {}); install the package postgresql, or name a server in \
         DATABASE_URL",
        own.display()
    )]
    NoBinaries {
        /// Oldest major version that is used.
        oldest: u32,
        /// The folder in the data folder that was looked at too.
        own: PathBuf,
    },
    /// `HUNTZEN_PG_BIN` holds no usable PostgreSQL.
    #[error("HUNTZEN_PG_BIN names {}, which holds no PostgreSQL {oldest} or newer", folder.display())]
    NamedBinaries {
        /// Oldest major version that is used.
        oldest: u32,
        /// The folder that was named.
        folder: PathBuf,
    },
    /// The cluster was made by another major version.
    #[error(
        "the cluster in {} belongs to PostgreSQL {cluster}, but PostgreSQL {found} was found; \
         install version {cluster}, or move the data over with pg_dump",
        folder.display()
    )]
    OtherVersion {
        /// The cluster's folder.
        folder: PathBuf,
        /// The version that made it.
        cluster: String,
        /// The version at hand.
        found: u32,
    },
    /// The folder is taken by something that is no cluster.
    #[error("{} is not empty and holds no PostgreSQL cluster; move it away", .0.display())]
    NotACluster(PathBuf),
    /// The cluster belongs to another user of this machine.
    #[error("{} belongs to another user of this machine; start the program as that user", .0.display())]
    OtherOwner(PathBuf),
    /// A folder for the socket cannot be trusted.
    #[error("{} exists and is not a private folder of the server's user; remove it", .0.display())]
    UnsafeSocketFolder(PathBuf),
    /// As root, and nobody to run the server as.
    #[error("PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody")]
    NoAccount,
    /// A file or folder could not be used.
    #[error("{}: {source}", path.display())]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another program uses the cluster, and not as something that can be shared.
    #[error("another program ({owner}) uses the data folder {}", folder.display())]
    Busy {
        /// The data folder.
        folder: PathBuf,
        /// What is known of it: purpose and process number.
        owner: String,
    },
    /// Left-over processes of an earlier server do not end.
    #[error("an earlier PostgreSQL (process {process}) still works in {} and does not end", folder.display())]
    StillRunning {
        /// The cluster's folder.
        folder: PathBuf,
        /// One of the processes.
        process: i32,
    },
    /// A program could not be started.
    #[error("{program} could not be started: {source}")]
    Spawn {
        /// Its name.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// `initdb`, or the creation of the database after it, failed.
    #[error("the cluster could not be made: {0}")]
    Initdb(String),
    /// The server ended before it was ready, or was not ready in time.
    #[error("PostgreSQL did not start: {reason}; its log is {}", log.display())]
    Start {
        /// The server's last words, or that time was up.
        reason: String,
        /// The server's log.
        log: PathBuf,
    },
}

impl EmbeddedError {
    /// For `map_err`: the system refused something about `path`.
    pub(super) fn folder(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Folder { path, source }
    }
}
