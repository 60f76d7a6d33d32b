//! The bytes of files, which lie in a folder, into a backup and out of it. An object is written once and
//! never changed, so whatever is there whole is right.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::error::BackupError;
use super::manifest::Record;
use super::writing::{digest, flush, make_folder, write};

/// The folder of the objects in a backup.
const FOLDER: &str = "objects";
/// Their digests, in the form of sha256sum(1).
const LIST: &str = "objects.sha256";

/// What copying came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Copied {
    /// How many objects.
    pub(super) objects: u64,
    /// Their size.
    pub(super) bytes: u64,
}

/// Copies every object of `storage` into a backup's folder, with a list of their digests, which is
/// answered for. What is deleted meanwhile is left out, and what is written meanwhile may be in it.
pub(super) fn copy(storage: &Path, backup: &Path) -> Result<(Copied, Record), BackupError> {
    let folder = backup.join(FOLDER);
    make_folder(&folder)?;
    let (mut copied, mut lines) = (Copied::default(), Vec::new());
    for name in names(storage)? {
        let path = storage.join(&name);
        let mut source = match File::open(&path) {
            Ok(source) => source,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(BackupError::io(&path)(error)),
        };
        let to = folder.join(&name);
        if let Some(shard) = to.parent() {
            make_folder(shard)?;
        }
        let record = write(&mut source, &to, &name)?;
        lines.push(format!("{}  {FOLDER}/{name}\n", record.sha256));
        copied.objects += 1;
        copied.bytes = copied.bytes.saturating_add(record.bytes);
    }
    for shard in fs::read_dir(&folder).map_err(BackupError::io(&folder))? {
        flush(&shard.map_err(BackupError::io(&folder))?.path())?;
    }
    flush(&folder)?;
    Ok((copied, write(&mut lines.concat().as_bytes(), &backup.join(LIST), LIST)?))
}

/// Checks that every object of a backup is there as it was written.
pub(super) fn verify(backup: &Path) -> Result<(), BackupError> {
    let path = backup.join(LIST);
    let list = fs::read_to_string(&path).map_err(BackupError::io(&path))?;
    for line in list.lines() {
        let (sha256, name) = line.split_once("  ").ok_or_else(|| BackupError::Damaged(path.clone()))?;
        let object = backup.join(name);
        match digest(&object) {
            Ok((_, found)) if found == sha256 => {}
            Ok(_) | Err(_) => return Err(BackupError::Damaged(object)),
        }
    }
    Ok(())
}

/// What putting objects back came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PutBack {
    /// How many were copied.
    pub(super) copied: u64,
    /// How many files have no bytes, neither here nor in the backup: they were deleted while it was made.
    pub(super) missing: u64,
    /// How many objects of the storage belong to no file of the restored database.
    pub(super) unknown: u64,
}

/// Puts the objects that files of the restored database refer to back into `storage`, unless they are
/// there. No other one comes back: it would belong to nobody, and nobody would ever delete it.
pub(super) fn put_back(backup: &Path, storage: &Path, wanted: &[Uuid]) -> Result<PutBack, BackupError> {
    make_folder(storage)?;
    let mut done = PutBack::default();
    let wanted: BTreeSet<String> = wanted.iter().map(|object| name(*object)).collect();
    for name in &wanted {
        let (from, to) = (backup.join(FOLDER).join(name), storage.join(name));
        if to.exists() {
            continue;
        }
        let mut source = match File::open(&from) {
            Ok(source) => source,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                done.missing += 1;
                continue;
            }
            Err(error) => return Err(BackupError::io(&from)(error)),
        };
        if let Some(shard) = to.parent() {
            make_folder(shard)?;
            // Written beside its place, and moved there: a run that is cut leaves no half object.
            let beside = storage.join(format!("{name}#1"));
            let _ = fs::remove_file(&beside);
            write(&mut source, &beside, name)?;
            fs::rename(&beside, &to).map_err(BackupError::io(&to))?;
            flush(shard)?;
        }
        done.copied += 1;
    }
    flush(storage)?;
    let unknown: Vec<String> = names(storage)?.into_iter().filter(|name| !wanted.contains(name)).collect();
    done.unknown = u64::try_from(unknown.len()).unwrap_or(u64::MAX);
    Ok(done)
}

/// Where an object lies, as the storage names it.
fn name(object: Uuid) -> String {
    let name = object.simple().to_string();
    format!("{}/{name}", name.get(..2).unwrap_or_default())
}

/// The objects of a storage by their names; whatever else lies there is none.
fn names(storage: &Path) -> Result<Vec<String>, BackupError> {
    let mut names = Vec::new();
    for shard in entries(storage)? {
        if !shard.is_dir() {
            continue;
        }
        for object in entries(&shard)? {
            let text = object.file_name().and_then(|text| text.to_str()).unwrap_or_default();
            let Some(found) = Uuid::try_parse(text).ok().map(name) else { continue };
            if storage.join(&found) == object {
                names.push(found);
            }
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// What lies in a folder; nothing in one that is not there.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, BackupError> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path()).map_err(BackupError::io(folder))).collect(),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(BackupError::io(folder)(error)),
    }
}
