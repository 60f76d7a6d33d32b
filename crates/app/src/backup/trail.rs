//! The file of signed checkpoints of the audit trail, into a backup and out of it.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use jiff::SignedDuration;

use super::error::BackupError;
use super::manifest::Record;
use super::writing::{flush, make_folder, write};
use crate::checkpoints::CheckpointFile;

/// What it is called in a backup.
pub(super) const FILE: &str = "checkpoints.jsonl";

/// For how long the trail may be written before anything of it is signed. One is signed each hour while the
/// program serves: a day leaves room for one that is stopped before the hour is over.
pub(super) const UNSIGNED: SignedDuration = SignedDuration::from_hours(24);

/// The checkpoints of a data folder.
pub(super) fn signed(data_folder: &Path) -> Result<Vec<u8>, BackupError> {
    let mut text = read(CheckpointFile::within(data_folder).path())?;
    // A line that is being written now says nothing yet.
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    text.truncate(whole);
    Ok(text)
}

/// Puts them into a backup.
pub(super) fn copy(mut signed: &[u8], backup: &Path) -> Result<Record, BackupError> {
    write(&mut signed, &backup.join(FILE), FILE)
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
        read @ (Ok(_) | Err(_)) => read.map_err(BackupError::io(path)),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn the_file_that_goes_on_stays_and_another_trail_is_refused() {
        let folder = std::env::temp_dir().join(format!("huntzen-trail-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let (data, backup) = (folder.join("data"), folder.join("backup"));
        let file = CheckpointFile::within(&data).path().to_owned();
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::create_dir_all(&backup).unwrap();
        fs::write(&file, "one\ntwo\nthr").unwrap();
        let record = copy(&signed(&data).unwrap(), &backup).unwrap();
        assert_eq!((record.bytes, fs::read_to_string(backup.join(FILE)).unwrap().as_str()), (8, "one\ntwo\n"));
        for (present, left) in [
            (None, "one\ntwo\n"),
            (Some("one\n"), "one\ntwo\n"),
            (Some("one\ntwo\n"), "one\ntwo\n"),
            (Some("one\ntwo\nthree\n"), "one\ntwo\nthree\n"),
        ] {
            let _ = fs::remove_file(&file);
            if let Some(present) = present {
                fs::write(&file, present).unwrap();
            }
            check(&backup, &data).unwrap();
            put_back(&backup, &data).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), left);
        }
        fs::write(&file, "eins\n").unwrap();
        assert!(matches!(check(&backup, &data), Err(BackupError::OtherTrail(_))));
        assert!(matches!(put_back(&backup, &data), Err(BackupError::OtherTrail(_))));
        assert_eq!(fs::read_to_string(&file).unwrap(), "eins\n", "nothing is overwritten");
        fs::remove_dir_all(&folder).unwrap();
    }
}
