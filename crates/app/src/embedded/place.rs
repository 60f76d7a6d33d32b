//! Where the cluster, its socket and its lock lie on the disk.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::account::Account;
use super::error::EmbeddedError;

/// Longest socket path in bytes: the system takes 107, a few are left for the lock's suffix.
const LONGEST_SOCKET_PATH: usize = 100;

/// The name that libpq and the server give the socket of port 5432.
const SOCKET: &str = ".s.PGSQL.5432";

/// Where things lie.
#[derive(Clone, Debug)]
pub struct Place {
    /// The data folder, absolute.
    pub data: PathBuf,
    /// The cluster's folder.
    pub cluster: PathBuf,
    /// The folder in which a new cluster is made.
    pub unfinished: PathBuf,
    /// The folder of the socket.
    pub socket: PathBuf,
    /// Where the cluster went instead, when the data folder is closed to the server's user.
    pub moved_to: Option<PathBuf>,
}

impl Place {
    /// Makes the data folder and settles where the rest goes.
    ///
    /// # Errors
    /// When a folder cannot be made.
    pub fn prepare(data_folder: &Path, account: Account) -> Result<Self, EmbeddedError> {
        // Open for walking through where the server is another user, closed otherwise.
        let mode = if account.changes() { 0o711 } else { 0o700 };
        make(data_folder, mode)?;
        let data = fs::canonicalize(data_folder).map_err(EmbeddedError::folder(data_folder))?;
        let (parent, moved_to) = if !account.changes() || account.may_enter(&data) {
            (data.clone(), None)
        } else {
            let parent = Path::new("/var/lib/huntzen").join(digest(&data));
            make(&parent, 0o711)?;
            note_move(&data, &parent)?;
            (parent.clone(), Some(parent))
        };
        let cluster = parent.join("postgres");
        let socket = cluster.join("run");
        let socket = if socket.join(SOCKET).as_os_str().len() > LONGEST_SOCKET_PATH {
            PathBuf::from(format!("/tmp/huntzen-{}", digest(&data)))
        } else {
            socket
        };
        let unfinished = parent.join("postgres.initdb");
        Ok(Self { data, cluster, unfinished, socket, moved_to })
    }

    /// The file whose lock says who owns the cluster.
    pub fn lock(&self) -> PathBuf {
        self.data.join("postgres.lock")
    }

    /// The server's log.
    pub fn log(&self) -> PathBuf {
        self.cluster.join("server.log")
    }

    /// The major version of the cluster, if there is a cluster.
    pub fn version(&self) -> Option<String> {
        let text = fs::read_to_string(self.cluster.join("PG_VERSION")).ok()?;
        Some(text.trim().to_owned())
    }

    /// Makes the socket's folder, for the server's user alone.
    ///
    /// # Errors
    /// When it cannot be made, or when someone else was there before.
    pub fn make_socket_folder(&self, account: Account) -> Result<(), EmbeddedError> {
        let refused = EmbeddedError::folder(&self.socket);
        match DirBuilder::new().mode(0o700).create(&self.socket) {
            Ok(()) => account.take(&self.socket),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let found = fs::symlink_metadata(&self.socket).map_err(refused)?;
                if found.is_dir() && found.mode().trailing_zeros() >= 6 && account.owns(&self.socket) {
                    Ok(())
                } else {
                    Err(EmbeddedError::UnsafeSocketFolder(self.socket.clone()))
                }
            }
            Err(error) => Err(refused(error)),
        }
    }

    /// Opens the server's log for appending; a long one is put aside first.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn open_log(&self) -> Result<File, EmbeddedError> {
        const LONG: u64 = 16 * 1024 * 1024;
        let path = self.log();
        if fs::metadata(&path).is_ok_and(|found| found.len() > LONG) {
            fs::rename(&path, path.with_extension("log.old")).map_err(EmbeddedError::folder(&path))?;
        }
        OpenOptions::new().append(true).create(true).mode(0o600).open(&path).map_err(EmbeddedError::folder(&path))
    }
}

fn make(folder: &Path, mode: u32) -> Result<(), EmbeddedError> {
    DirBuilder::new().recursive(true).mode(mode).create(folder).map_err(EmbeddedError::folder(folder))
}

/// Leaves the new place where `make clean-data` finds it.
fn note_move(data: &Path, parent: &Path) -> Result<(), EmbeddedError> {
    let note = data.join("postgres.moved");
    File::create(&note)
        .and_then(|mut file| file.write_all(parent.as_os_str().as_bytes()))
        .map_err(EmbeddedError::folder(&note))
}

/// A short name for a path, the same at every start.
fn digest(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_bytes());
    digest.iter().take(8).fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_a_path_is_short_and_stays() {
        assert_eq!(digest(Path::new("/srv/huntzen")), digest(Path::new("/srv/huntzen")));
        assert_ne!(digest(Path::new("/srv/huntzen")), digest(Path::new("/srv/huntzen2")));
        assert_eq!(digest(Path::new("/srv/huntzen")).len(), 16);
    }
}
