//! Making a backup: both dumps of one state of the database while everybody works, then the files.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use huntzen_tenancy::backups::Backup;

use super::error::BackupError;
use super::manifest::{Facts, Kind, Manifest, Objects, Record};
use super::objects::{self, Copied};
use super::programs::Program;
use super::pruning::{UNFINISHED, prune, remove_left_overs};
use super::trail;
use super::writing::{flush, make_folder, remove_folder, write};
use crate::config::{Config, StorageKind};
use crate::database::Database;
use crate::services::Ports;
use crate::wiring::schema::Snapshot;

/// The dump of the main backup.
pub(super) const MAIN_DUMP: &str = "main.dump";
/// That of the keys.
pub(super) const KEYS_DUMP: &str = "keys.dump";

/// Where a backup goes.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The folder of main backups.
    pub main: PathBuf,
    /// The folder of the keys' backups.
    pub keys: PathBuf,
    /// Whether the bytes of files are copied, where they lie in a folder.
    pub with_files: bool,
}

/// What was made.
#[derive(Debug)]
pub struct Taken {
    /// What is recorded of it.
    pub backup: Backup,
    /// The folder of the main backup.
    pub main: PathBuf,
    /// The folder of the keys.
    pub keys: PathBuf,
    /// How many files were copied; none where they are not.
    pub objects: Option<u64>,
    /// Main backups that were kept for long enough, and are deleted.
    pub removed_main: Vec<String>,
    /// The same of backups of the keys.
    pub removed_keys: Vec<String>,
}

/// Makes a backup, and deletes those that are kept no longer: of the keys also when this one fails,
/// since a certificate says when they are gone.
///
/// # Errors
/// What kept it from being made; nothing of it is left then.
pub fn take(
    config: &Config,
    database: &Database,
    ports: &Ports,
    destination: &Destination,
) -> Result<Taken, BackupError> {
    let main = Shelf::open(&destination.main, Kind::Main)?;
    let keys = Shelf::prepare(&destination.keys)?;
    if main.folder.starts_with(&keys) || keys.starts_with(&main.folder) {
        return Err(BackupError::OneFolder);
    }
    let keys = Shelf::open(&keys, Kind::Keys)?;
    let now = ports.clock.now();
    let made = make(config, database, ports, (&main, &keys), destination.with_files);
    let removed_keys = prune(&keys.folder, Kind::Keys, config.retention.key_backup_days, now);
    let made = made?;
    Ok(Taken {
        removed_keys: removed_keys?,
        removed_main: prune(&main.folder, Kind::Main, config.retention.main_backup_days, now)?,
        ..made
    })
}

fn make(
    config: &Config,
    database: &Database,
    ports: &Ports,
    (main, keys): (&Shelf, &Shelf),
    with_files: bool,
) -> Result<Taken, BackupError> {
    let at = ports.clock.now();
    let name = Manifest::folder_name(at);
    let (main, keys) = (main.begin(&name)?, keys.begin(&name)?);
    let mut files = vec![trail::copy(&config.database.data_dir, &main.unfinished)?];
    let url = database.backup_url()?;
    let snapshot = Snapshot::hold(url)?;
    let dumper =
        Program::find("pg_dump", snapshot.server(), &config.database.data_dir, config.database.pg_bin.as_deref())?;
    let facts = Facts {
        id: ports.randomness.uuid_v4(),
        at,
        schema: snapshot.schema().to_owned(),
        postgresql: snapshot.server(),
        pg_dump: dumper.major,
    };
    let of_keys = dump(&dumper, (url, &snapshot), "--schema=keys", &keys.unfinished.join(KEYS_DUMP), KEYS_DUMP)?;
    // The tables of that schema stay in the main dump, which can be restored alone; their rows do not.
    let without_keys = "--exclude-table-data=keys.*";
    files.push(dump(&dumper, (url, &snapshot), without_keys, &main.unfinished.join(MAIN_DUMP), MAIN_DUMP)?);
    drop(snapshot);

    // The files last: then none that the database knows lacks its bytes but what was deleted meanwhile.
    let (objects, copied) = if config.storage.kind == StorageKind::S3 {
        (Objects::InBucket, None)
    } else if with_files {
        let folder = config.database.data_dir.join(&config.storage.path);
        let (copied, list) = objects::copy(&folder, &main.unfinished)?;
        files.push(list);
        (Objects::Copied, Some(copied))
    } else {
        (Objects::LeftOut, None)
    };
    let of_main = Manifest::new(Kind::Main, &facts, objects, files);
    let of_keys = Manifest::new(Kind::Keys, &facts, Objects::LeftOut, vec![of_keys]);
    let bytes = of_main.bytes().saturating_add(of_keys.bytes());
    let bytes = bytes.saturating_add(copied.map_or(0, |Copied { bytes, .. }| bytes));
    of_main.write(&main.unfinished)?;
    of_keys.write(&keys.unfinished)?;
    // The keys first: a main backup is never without them.
    let keys = keys.finish()?;
    let main = main.finish()?;
    Ok(Taken {
        backup: Backup { id: facts.id, at, bytes },
        main,
        keys,
        objects: copied.map(|copied| copied.objects),
        removed_main: Vec::new(),
        removed_keys: Vec::new(),
    })
}

/// Dumps a part of the state that is held. Whoever looked at articles today is in no dump: unlogged
/// tables are left out.
fn dump(
    dumper: &Program,
    (url, snapshot): (&str, &Snapshot),
    part: &str,
    path: &Path,
    name: &str,
) -> Result<Record, BackupError> {
    let snapshot = format!("--snapshot={}", snapshot.id());
    let arguments = ["--format=custom", "--no-unlogged-table-data", "--no-password", &snapshot, part];
    dumper.run(url, &arguments, None, |output| write(output, path, name))
}

/// A folder of backups, which this program alone works on.
struct Shelf {
    folder: PathBuf,
    _lock: File,
}

impl Shelf {
    /// Makes sure that there is such a folder; answers its real path.
    fn prepare(folder: &Path) -> Result<PathBuf, BackupError> {
        make_folder(folder)?;
        fs::canonicalize(folder).map_err(BackupError::io(folder))
    }

    /// Takes the folder, and removes what a run that was killed has left there.
    fn open(folder: &Path, kind: Kind) -> Result<Self, BackupError> {
        let folder = Self::prepare(folder)?;
        let path = folder.join(match kind {
            Kind::Main => ".main.lock",
            Kind::Keys => ".keys.lock",
        });
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let lock = lock.map_err(BackupError::io(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BackupError::Busy(folder)),
            Err(TryLockError::Error(error)) => return Err(BackupError::io(&path)(error)),
        }
        remove_left_overs(&folder)?;
        Ok(Self { folder, _lock: lock })
    }

    /// Begins a backup of this name.
    fn begin(&self, name: &str) -> Result<Begun, BackupError> {
        let finished = self.folder.join(name);
        if finished.exists() {
            return Err(BackupError::Exists(finished));
        }
        let unfinished = self.folder.join(format!("{UNFINISHED}{name}"));
        make_folder(&unfinished)?;
        Ok(Begun { parent: self.folder.clone(), unfinished, finished })
    }
}

/// A backup that is being made; nothing is left of it unless it is finished.
struct Begun {
    parent: PathBuf,
    unfinished: PathBuf,
    finished: PathBuf,
}

impl Begun {
    /// Gives the folder its name.
    fn finish(self) -> Result<PathBuf, BackupError> {
        flush(&self.unfinished)?;
        fs::rename(&self.unfinished, &self.finished).map_err(BackupError::io(&self.finished))?;
        flush(&self.parent)?;
        Ok(self.finished.clone())
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        // Finished, it has another name; what cannot be removed now, the next run removes.
        let _ = remove_folder(&self.unfinished);
    }
}
