//! The bytes of files, which lie in a folder, into a backup and out of it. An object is written once and
//! never changed: what has another digest than it had then is damaged.

use std::collections::{BTreeMap, BTreeSet};
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
#[derive(Debug)]
pub(super) struct Copied {
    /// How many objects.
    pub(super) objects: u64,
    /// Their size.
    pub(super) bytes: u64,
    /// Those that are wanted and were not there.
    pub(super) lacking: Vec<Uuid>,
    /// The list of their digests.
    pub(super) list: Record,
}

/// Copies every object of `storage` into a backup's folder, with a list of their digests, which is
/// answered for. What is deleted meanwhile is left out, and what is written meanwhile may be in it; which
/// of those that are `wanted` are lacking is answered.
pub(super) fn copy(storage: &Path, backup: &Path, wanted: &[Uuid]) -> Result<Copied, BackupError> {
    let folder = backup.join(FOLDER);
    make_folder(&folder)?;
    let mut lacking: BTreeMap<String, Uuid> = wanted.iter().map(|object| (name(*object), *object)).collect();
    let (mut objects, mut bytes, mut lines) = (0, 0_u64, Vec::new());
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
        lacking.remove(&name);
        objects += 1;
        bytes = bytes.saturating_add(record.bytes);
    }
    for shard in fs::read_dir(&folder).map_err(BackupError::io(&folder))? {
        flush(&shard.map_err(BackupError::io(&folder))?.path())?;
    }
    flush(&folder)?;
    let list = write(&mut lines.concat().as_bytes(), &backup.join(LIST), LIST)?;
    Ok(Copied { objects, bytes, lacking: lacking.into_values().collect(), list })
}

/// Checks that every object of a backup is there as it was written.
pub(super) fn verify(backup: &Path) -> Result<(), BackupError> {
    for (object, sha256) in listed(backup)? {
        let path = backup.join(FOLDER).join(object);
        match digest(&path) {
            Ok((_, found)) if found == sha256 => {}
            Ok(_) | Err(_) => return Err(BackupError::Damaged(path)),
        }
    }
    Ok(())
}

/// The objects of a backup by their names, with their digests.
fn listed(backup: &Path) -> Result<BTreeMap<String, String>, BackupError> {
    let path = backup.join(LIST);
    let list = fs::read_to_string(&path).map_err(BackupError::io(&path))?;
    let parted = |line: &str| {
        let (sha256, place) = line.split_once("  ")?;
        Some((place.strip_prefix(FOLDER)?.strip_prefix('/')?.to_owned(), sha256.to_owned()))
    };
    let lines = list.lines().map(|line| parted(line).ok_or_else(|| BackupError::Damaged(path.clone())));
    lines.collect()
}

/// What putting objects back came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PutBack {
    /// How many were copied.
    pub copied: u64,
    /// How many of those were there already, and damaged.
    pub replaced: u64,
    /// How many files have no bytes because they were deleted while the backup was made.
    pub deleted: u64,
    /// Where the objects of the other files should be that have no bytes, neither here nor in the backup.
    pub missing: Vec<String>,
    /// How many objects of the storage belong to no file of the restored database.
    pub unknown: u64,
}

/// Puts the objects that files of the restored database refer to back into `storage`, unless they are
/// there as they were. No other one comes back: it would belong to nobody, and nobody would ever delete it.
/// Those that were `deleted` while the backup was made are not missed.
pub(super) fn put_back(
    backup: &Path,
    storage: &Path,
    wanted: &[Uuid],
    deleted: &[Uuid],
) -> Result<PutBack, BackupError> {
    make_folder(storage)?;
    let mut done = PutBack::default();
    let list = listed(backup)?;
    let wanted: BTreeSet<String> = wanted.iter().map(|object| name(*object)).collect();
    let deleted: BTreeSet<String> = deleted.iter().map(|object| name(*object)).collect();
    for name in &wanted {
        let (from, to) = (backup.join(FOLDER).join(name), storage.join(name));
        let was_there = to.exists();
        let Some(sha256) = list.get(name) else {
            match (was_there, deleted.contains(name)) {
                (true, _) => {}
                (false, true) => done.deleted += 1,
                (false, false) => done.missing.push(name.clone()),
            }
            continue;
        };
        if was_there && digest(&to).is_ok_and(|(_, found)| found == *sha256) {
            continue;
        }
        if let Some(shard) = to.parent() {
            let mut source = File::open(&from).map_err(BackupError::io(&from))?;
            make_folder(shard)?;
            // Written beside its place, and moved there: a run that is cut leaves no half object.
            let beside = storage.join(format!("{name}#1"));
            let _ = fs::remove_file(&beside);
            write(&mut source, &beside, name)?;
            fs::rename(&beside, &to).map_err(BackupError::io(&to))?;
            flush(shard)?;
        }
        done.copied += 1;
        done.replaced += u64::from(was_there);
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

/// What lies in a folder; nothing in one that is not there. Whether that is right, the database knows.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, BackupError> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path()).map_err(BackupError::io(folder))).collect(),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(BackupError::io(folder)(error)),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn what_is_lacking_is_told_and_what_is_damaged_is_replaced() {
        let folder = std::env::temp_dir().join(format!("huntzen-objects-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let (storage, backup) = (folder.join("storage"), folder.join("backup"));
        let objects = [1, 2, 3, 4].map(Uuid::from_u128);
        let [kept, damaged, gone, unknown] = objects;
        let put = |object: Uuid, text: &str| {
            let path = storage.join(name(object));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        // A folder that is not there, as when nothing is mounted, holds nothing: all of it is lacking.
        let copied = copy(&storage, &folder.join("nothing"), &objects).unwrap();
        assert_eq!((copied.objects, copied.lacking.as_slice()), (0, &objects[..]));
        for (object, text) in [(kept, "kept"), (damaged, "whole"), (unknown, "nobody's")] {
            put(object, text);
        }
        let copied = copy(&storage, &backup, &[kept, damaged, gone]).unwrap();
        assert_eq!((copied.objects, copied.lacking.as_slice()), (3, &[gone][..]));
        verify(&backup).unwrap();

        put(damaged, "wh\0le");
        let wanted = [kept, damaged, gone];
        let expected = PutBack { copied: 1, replaced: 1, deleted: 0, missing: vec![name(gone)], unknown: 1 };
        assert_eq!(put_back(&backup, &storage, &wanted, &[]).unwrap(), expected);
        assert_eq!(fs::read_to_string(storage.join(name(damaged))).unwrap(), "whole");
        let expected = PutBack { deleted: 1, unknown: 1, ..PutBack::default() };
        assert_eq!(put_back(&backup, &storage, &wanted, &[gone]).unwrap(), expected, "once more changes nothing");
        put(gone, "from another copy");
        let expected = PutBack { unknown: 1, ..PutBack::default() };
        assert_eq!(put_back(&backup, &storage, &wanted, &[]).unwrap(), expected);
        fs::remove_dir_all(&folder).unwrap();
    }
}
