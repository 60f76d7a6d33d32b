//! Writing and reading files so that they are whole, private to this user, and known by their digest.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::error::BackupError;
use super::manifest::Record;

/// What is read and written at once.
const CHUNK: usize = 256 * 1024;

/// Makes a folder, with all above it, that only this user can enter.
pub(super) fn make_folder(folder: &Path) -> Result<(), BackupError> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(BackupError::io(folder))
}

/// Flushes a folder: what was renamed within it stays so.
pub(super) fn flush(folder: &Path) -> Result<(), BackupError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(BackupError::io(folder))
}

/// Removes a folder with all in it, if it is there.
pub(super) fn remove_folder(folder: &Path) -> Result<(), BackupError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(BackupError::io(folder)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes all of `source` to a new file of this user alone, durably; answers what it came to.
pub(super) fn write(source: &mut dyn Read, path: &Path, name: &str) -> Result<Record, BackupError> {
    let failed = BackupError::io(path);
    let mut file = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => file,
        Err(error) => return Err(failed(error)),
    };
    match pass(source, &mut |bytes| file.write_all(bytes)).and_then(|known| file.sync_all().map(|()| known)) {
        Ok((bytes, sha256)) => Ok(Record { name: name.to_owned(), bytes, sha256 }),
        Err(error) => Err(failed(error)),
    }
}

/// The size and the digest of a file.
pub(super) fn digest(path: &Path) -> io::Result<(u64, String)> {
    pass(&mut File::open(path)?, &mut |_| Ok(()))
}

fn pass(source: &mut dyn Read, to: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<(u64, String)> {
    let (mut length, mut digest, mut chunk) = (0_u64, Sha256::new(), vec![0; CHUNK]);
    loop {
        let read = match source.read(&mut chunk) {
            Ok(0) => return Ok((length, HEXLOWER.encode(&digest.finalize()))),
            Ok(read) => chunk.get(..read).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        digest.update(read);
        to(read)?;
        length = length.saturating_add(u64::try_from(read.len()).unwrap_or(u64::MAX));
    }
}
