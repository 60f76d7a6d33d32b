//! The file of checkpoints, outside the database: one JSON object a line, only ever appended.
use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use data_encoding::HEXLOWER;
use huntzen_tenancy::{
    StoreError,
    audit::{ChainId, Checkpoint, CheckpointHistory, CheckpointKind, CheckpointLog, CheckpointState, Head, Signature},
    words::Words,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Keeps checkpoints in `audit/checkpoints.jsonl` of the data folder.
#[derive(Debug)]
pub struct CheckpointFile {
    path: PathBuf,
    /// What the file came to when it was so many bytes long.
    known: Mutex<(u64, CheckpointState)>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Line {
    kind: String,
    at: Timestamp,
    heads: Vec<HeadLine>,
    previous: Option<String>,
    signature: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct HeadLine {
    chain: Uuid,
    seq: i64,
    hash: String,
}

impl CheckpointFile {
    /// In this data folder.
    pub fn within(data_folder: &Path) -> Self {
        Self { path: data_folder.join("audit").join("checkpoints.jsonl"), known: Mutex::default() }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn open(&self) -> io::Result<File> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        OpenOptions::new().read(true).append(true).create(true).open(&self.path)
    }

    /// Goes on from what is known, unless somebody else has written or cut the file since.
    fn present(&self, file: &mut File) -> io::Result<(u64, CheckpointState)> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let length = file.metadata()?.len();
        if known.0 == length {
            return Ok(known);
        }
        let mut state = CheckpointState::default();
        for checkpoint in read(file)?.lines.iter().flatten() {
            state.advance(checkpoint);
        }
        Ok((length, state))
    }
}

impl CheckpointLog for CheckpointFile {
    fn append(&self, next: &mut dyn FnMut(&CheckpointState) -> Option<Checkpoint>) -> Result<bool, StoreError> {
        let mut file = self.open().map_err(unavailable)?;
        // Another process, `huntzen audit prune` above all, may append as well.
        file.lock().map_err(unavailable)?;
        let (length, mut state) = self.present(&mut file).map_err(unavailable)?;
        let Some(checkpoint) = next(&state) else {
            // The next one need not read it all again.
            *self.known.lock().unwrap_or_else(PoisonError::into_inner) = (length, state);
            return Ok(false);
        };
        let mut bytes =
            serde_json::to_vec(&Line::from(&checkpoint)).map_err(|error| StoreError::Defect(error.into()))?;
        bytes.push(b'\n');
        // A line that a crash has cut was never answered for.
        let length = cut_torn_line(&mut file, length).map_err(unavailable)?;
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(unavailable)?;
        state.advance(&checkpoint);
        let length = length.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = (length, state);
        Ok(true)
    }

    fn history(&self) -> Result<CheckpointHistory, StoreError> {
        match File::open(&self.path) {
            Ok(mut file) => read(&mut file).map_err(unavailable),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(CheckpointHistory::default()),
            Err(error) => Err(unavailable(error)),
        }
    }
}

fn unavailable(error: io::Error) -> StoreError {
    StoreError::Unavailable(error.into())
}

/// Takes away what follows the last whole line; answers how long the file is then.
fn cut_torn_line(file: &mut File, length: u64) -> io::Result<u64> {
    let Some(last) = length.checked_sub(1) else { return Ok(0) };
    let mut byte = [0];
    file.seek(SeekFrom::Start(last))?;
    file.read_exact(&mut byte)?;
    if byte == [b'\n'] {
        return Ok(length);
    }
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let whole = u64::try_from(whole).unwrap_or(u64::MAX);
    file.set_len(whole)?;
    Ok(whole)
}

/// Every line. One without its end, which only a crash leaves, is no line: what it said was never
/// relied on, and the next checkpoint says it again.
fn read(file: &mut File) -> io::Result<CheckpointHistory> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    // What is no text is no line either: it is named like every other that cannot be read.
    let text = String::from_utf8_lossy(&bytes);
    let mut lines: Vec<&str> = text.split('\n').collect();
    lines.pop();
    let read = lines.into_iter().map(|line| serde_json::from_str::<Line>(line).ok().and_then(Line::checkpoint));
    Ok(CheckpointHistory { lines: read.collect() })
}

impl From<&Checkpoint> for Line {
    fn from(checkpoint: &Checkpoint) -> Self {
        let heads = checkpoint.heads.iter().map(|head| HeadLine {
            chain: head.chain.0,
            seq: head.seq,
            hash: HEXLOWER.encode(&head.hash),
        });
        Self {
            kind: checkpoint.kind.as_str().to_owned(),
            at: checkpoint.at,
            heads: heads.collect(),
            previous: checkpoint.previous.as_ref().map(|signature| HEXLOWER.encode(&signature.0)),
            signature: HEXLOWER.encode(&checkpoint.signature.0),
        }
    }
}

impl Line {
    fn checkpoint(self) -> Option<Checkpoint> {
        let bytes = |text: &str| HEXLOWER.decode(text.as_bytes()).ok();
        let heads = self
            .heads
            .iter()
            .map(|head| Some(Head { chain: ChainId(head.chain), seq: head.seq, hash: bytes(&head.hash)? }));
        let previous = match &self.previous {
            Some(text) => Some(Signature(bytes(text)?)),
            None => None,
        };
        Some(Checkpoint {
            kind: CheckpointKind::parse(&self.kind)?,
            at: self.at,
            heads: heads.collect::<Option<_>>()?,
            previous,
            signature: Signature(bytes(&self.signature)?),
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("huntzen-checkpoints-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        folder
    }

    fn checkpoint(seq: i64, previous: Option<Signature>) -> Checkpoint {
        let byte = u8::try_from(seq).unwrap();
        Checkpoint {
            kind: CheckpointKind::Heads,
            at: Timestamp::UNIX_EPOCH,
            heads: vec![Head { chain: ChainId(Uuid::nil()), seq, hash: vec![byte; 32] }],
            previous,
            signature: Signature(vec![byte; 64]),
        }
    }

    fn append(log: &CheckpointFile, seq: i64) -> Checkpoint {
        let mut made = None;
        log.append(&mut |state| {
            made = Some(checkpoint(seq, state.last.clone()));
            made.clone()
        })
        .unwrap();
        made.unwrap()
    }

    #[test]
    fn checkpoints_come_back_and_each_knows_the_one_before() {
        let folder = folder("history");
        let log = CheckpointFile::within(&folder);
        assert_eq!(log.history().unwrap(), CheckpointHistory::default());
        let first = append(&log, 1);
        // Another process: it knows nothing but the file.
        let second = append(&CheckpointFile::within(&folder), 2);
        let third = append(&log, 3);
        assert_eq!(second.previous, Some(first.signature.clone()));
        assert_eq!(third.previous, Some(second.signature.clone()));
        assert_eq!(log.history().unwrap().lines, [Some(first), Some(second), Some(third)]);
        assert!(!log.append(&mut |_| None).unwrap());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_a_crash_cut_is_passed_over_and_what_was_changed_is_not() {
        let folder = folder("torn");
        let log = CheckpointFile::within(&folder);
        let first = append(&log, 1);
        let path = folder.join("audit").join("checkpoints.jsonl");
        let whole = std::fs::read_to_string(&path).unwrap();
        // From a few bytes to all but the line's end.
        for length in [1, 3, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&path, format!("{whole}{}", &whole[..length])).unwrap();
            assert_eq!(log.history().unwrap().lines, [Some(first.clone())]);
            append(&log, 2);
            assert_eq!(log.history().unwrap().lines.len(), 2, "{length}");
        }
        std::fs::write(&path, &whole).unwrap();
        let second = append(&log, 2);
        assert_eq!(log.history().unwrap().lines, [Some(first.clone()), Some(second.clone())]);
        let text = std::fs::read_to_string(&path).unwrap();
        for changed in [text.replacen("HEADS", "TAILS", 1).into_bytes(), [b"\xff", text.as_bytes()].concat()] {
            std::fs::write(&path, changed).unwrap();
            assert_eq!(log.history().unwrap().lines, [None, Some(second.clone())]);
        }
        std::fs::remove_dir_all(folder).unwrap();
    }
}
