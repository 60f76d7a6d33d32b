//! The ledger of erasures, outside the database: one JSON object a line, only ever appended. It knows of
//! whoever was erased after the newest backup of the keys.
use std::{
    collections::BTreeSet,
    fs::{File, OpenOptions},
    io::{self, Read, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use huntzen_tenancy::{erasure::Erased, ids::UserId};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Keeps who was erased in `audit/erased.jsonl` of the data folder. Of a person it holds an id, which leads to
/// nothing any more.
#[derive(Clone, Debug)]
pub struct ErasureLedger {
    path: PathBuf,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Line {
    user: Uuid,
    at: Timestamp,
    certificate: Uuid,
    keys_gone_on: Date,
}

impl ErasureLedger {
    /// In this data folder.
    pub fn within(data_folder: &Path) -> Self {
        Self::at(data_folder.join("audit").join("erased.jsonl"))
    }

    /// This file.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds those of whom it does not know, durably; answers how many.
    ///
    /// # Errors
    /// When the file cannot be read or written, or holds something else.
    pub fn add(&self, erased: &[(UserId, Erased)]) -> io::Result<usize> {
        if erased.is_empty() {
            return Ok(0);
        }
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&self.path)?;
        // A backup adds those whom a node that was killed has not.
        file.lock()?;
        let (known, whole) = read(&mut file)?;
        // A line that a crash has cut was never relied on.
        file.set_len(whole)?;
        let known: BTreeSet<UserId> = known.into_iter().map(|(user, _)| user).collect();
        let (mut text, mut added) = (Vec::new(), 0);
        for (user, erased) in erased.iter().filter(|(user, _)| !known.contains(user)) {
            let Erased { at, certificate, keys_gone_on } = *erased;
            serde_json::to_writer(&mut text, &Line { user: user.0, at, certificate, keys_gone_on })?;
            text.push(b'\n');
            added += 1;
        }
        file.write_all(&text)?;
        file.sync_all()?;
        Ok(added)
    }

    /// Everybody who stands there; nobody when there is no such file.
    ///
    /// # Errors
    /// When it cannot be read, or holds something else.
    pub fn read(&self) -> io::Result<Vec<(UserId, Erased)>> {
        match File::open(&self.path) {
            Ok(mut file) => Ok(read(&mut file)?.0),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// Everybody in the whole lines, and how long those are.
fn read(file: &mut File) -> io::Result<(Vec<(UserId, Erased)>, u64)> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_string(&mut text)?;
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    let lines = text.get(..whole).unwrap_or_default().lines();
    let read = lines.map(|line| {
        let Line { user, at, certificate, keys_gone_on } = serde_json::from_str(line)?;
        Ok((UserId(user), Erased { at, certificate, keys_gone_on }))
    });
    Ok((read.collect::<io::Result<_>>()?, u64::try_from(whole).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn erased(number: u128) -> (UserId, Erased) {
        let erased = Erased {
            at: "2027-01-03T02:35:00.000001Z".parse().unwrap(),
            certificate: Uuid::from_u128(number << 64),
            keys_gone_on: "2027-02-02".parse().unwrap(),
        };
        (UserId(Uuid::from_u128(number)), erased)
    }

    #[test]
    fn everybody_stands_there_once_and_what_a_crash_cut_is_written_again() {
        let folder = std::env::temp_dir().join(format!("huntzen-ledger-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let ledger = ErasureLedger::within(&folder);
        assert_eq!(ledger.read().unwrap(), []);
        assert_eq!(ledger.add(&[]).unwrap(), 0);
        assert!(!ledger.path().exists());
        assert_eq!(ledger.add(&[erased(1), erased(2)]).unwrap(), 2);
        assert_eq!(ledger.add(&[erased(2), erased(3)]).unwrap(), 1);
        assert_eq!(ledger.read().unwrap(), [erased(1), erased(2), erased(3)]);
        let whole = std::fs::read_to_string(ledger.path()).unwrap();
        std::fs::write(ledger.path(), whole.get(..whole.len() - 7).unwrap()).unwrap();
        assert_eq!(ledger.read().unwrap(), [erased(1), erased(2)]);
        assert_eq!(ledger.add(&[erased(3)]).unwrap(), 1);
        assert_eq!(std::fs::read_to_string(ledger.path()).unwrap(), whole);
        std::fs::write(ledger.path(), format!("{whole}something else\n")).unwrap();
        assert!(ledger.read().is_err() && ledger.add(&[erased(4)]).is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
