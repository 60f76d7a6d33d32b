//! The file of signed checkpoints of the audit trail, into a backup and out of it.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::error::BackupError;
use super::manifest::Record;
use super::writing::{flush, make_folder, write};
use crate::checkpoints::CheckpointFile;

/// What it is called in a backup.
pub(super) const FILE: &str = "checkpoints.jsonl";

/// Copies the file. Before the database is looked at: what is signed by then is in every later state of it.
pub(super) fn copy(data_folder: &Path, backup: &Path) -> Result<Record, BackupError> {
    let mut text = read(CheckpointFile::within(data_folder).path())?;
    // A line that is being written now says nothing yet.
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    text.truncate(whole);
    write(&mut text.as_slice(), &backup.join(FILE), FILE)
}

/// Puts the copy in place, unless the file that is there goes on from it: that one is longer, and nobody
/// can forge it.
pub(super) fn put_back(backup: &Path, data_folder: &Path) -> Result<(), BackupError> {
    let (copy, file) = (read(&backup.join(FILE))?, CheckpointFile::within(data_folder));
    if goes_on(&copy, file.path())? {
        return Ok(());
    }
    if let Some(folder) = file.path().parent() {
        make_folder(folder)?;
        let beside = folder.join(format!("{FILE}.restored"));
        let _ = fs::remove_file(&beside);
        write(&mut copy.as_slice(), &beside, FILE)?;
        fs::rename(&beside, file.path()).map_err(BackupError::io(file.path()))?;
        flush(folder)?;
    }
    Ok(())
}

/// Refuses a data folder whose trail is another one, before anything is changed.
pub(super) fn check(backup: &Path, data_folder: &Path) -> Result<(), BackupError> {
    goes_on(&read(&backup.join(FILE))?, CheckpointFile::within(data_folder).path()).map(drop)
}

/// Whether the file begins as the copy does, and not the other way round.
fn goes_on(copy: &[u8], file: &Path) -> Result<bool, BackupError> {
    let present = read(file)?;
    if present.starts_with(copy) {
        return Ok(true);
    }
    if copy.starts_with(&present) { Ok(false) } else { Err(BackupError::OtherTrail(file.to_owned())) }
}

fn read(path: &Path) -> Result<Vec<u8>, BackupError> {
    match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        read => read.map_err(BackupError::io(path)),
    }
}
