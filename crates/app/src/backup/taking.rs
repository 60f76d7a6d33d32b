//! Making a backup: both dumps of one state of the database while everybody works, then the files, and
//! nothing of it when anything is lacking that the database knows.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use huntzen_tenancy::{
    backups::{Backup, BackupKeeping},
    erasure::Erased,
    ids::UserId,
};
use jiff::Timestamp;
use uuid::Uuid;

use super::error::BackupError;
use super::manifest::{Facts, Kind, Manifest, Objects, Record};
use super::objects::{self, Copied};
use super::programs::{Program, Target};
use super::pruning::{UNFINISHED, prune, remove_left_overs};
use super::trail;
use super::writing::{flush, make_folder, remove_folder, write};
use crate::checkpoints::CheckpointFile;
use crate::config::{Config, StorageKind};
use crate::database::Database;
use crate::erasures::ErasureLedger;
use crate::services::Ports;
use crate::wiring::schema::{self, Snapshot};

/// The dump of the main backup.
pub(super) const MAIN_DUMP: &str = "main.dump";
/// That of the keys.
pub(super) const KEYS_DUMP: &str = "keys.dump";
/// How long a standby that is dumped may take to follow a deletion.
const LAG: Duration = Duration::from_secs(10);
/// How long a program that was only just started may take to sign its first checkpoint, and how often it is looked for.
const SIGNING: Duration = Duration::from_secs(8);
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

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
}

/// Deletes the backups of the keys that are kept no longer at `now`; answers their names. A certificate says
/// when they are gone, so this comes before everything that can fail, and needs no more than their folder.
///
/// # Errors
/// When one of them cannot be deleted, or another backup is being made.
pub fn prune_keys(destination: &Destination, days: u16, now: Timestamp) -> Result<Vec<String>, BackupError> {
    let keys = Shelf::prepare(&destination.keys)?;
    // A main folder that is out of reach is told of later.
    let main = fs::canonicalize(&destination.main).or_else(|_| std::path::absolute(&destination.main));
    refuse_one_folder(&main.unwrap_or_else(|_| destination.main.clone()), &keys)?;
    let keys = Shelf::open(&keys, Kind::Keys)?;
    prune(&keys.folder, Kind::Keys, days, now)
}

fn refuse_one_folder(main: &Path, keys: &Path) -> Result<(), BackupError> {
    if main.starts_with(keys) || keys.starts_with(main) { Err(BackupError::OneFolder) } else { Ok(()) }
}

/// Makes a backup, records it, and deletes the main ones that are kept no longer.
///
/// # Errors
/// What kept it from being made; nothing of it is left then.
pub fn take(
    config: &Config,
    database: &Database,
    (ports, keeping): (&Ports, &BackupKeeping),
    destination: &Destination,
) -> Result<Taken, BackupError> {
    let main = Shelf::open(&destination.main, Kind::Main)?;
    let keys = Shelf::prepare(&destination.keys)?;
    refuse_one_folder(&main.folder, &keys)?;
    let keys = Shelf::open(&keys, Kind::Keys)?;
    let at = ports.clock.now();
    let made = make(config, database, (ports, keeping), (&main, &keys), (at, destination.with_files))?;
    keeping.record(&made.backup)?;
    Ok(Taken { removed_main: prune(&main.folder, Kind::Main, config.retention.main_backup_days, at)?, ..made })
}

fn make(
    config: &Config,
    database: &Database,
    (ports, keeping): (&Ports, &BackupKeeping),
    (main, keys): (&Shelf, &Shelf),
    (at, with_files): (Timestamp, bool),
) -> Result<Taken, BackupError> {
    let name = Manifest::folder_name(at);
    let (main, keys) = (main.begin(&name)?, keys.begin(&name)?);
    let id = ports.randomness.uuid_v4();
    let url = database.backup_url()?;
    let target = Target::of("DATABASE_BACKUP_URL", url)?;
    let (signed, mut snapshot) = hold(&config.database.data_dir, (url, keeping.begin(id)?), at)?;
    let mut files = vec![trail::copy(&signed, &main.unfinished)?];
    let dumper =
        Program::find("pg_dump", snapshot.server(), &config.database.data_dir, config.database.pg_bin.as_deref())?;
    let facts = Facts {
        id,
        at,
        schema: snapshot.schema().to_owned(),
        postgresql: snapshot.server(),
        pg_dump: dumper.major,
        installation: snapshot.installation().to_owned(),
    };
    let of_keys = dump(&dumper, (&target, &snapshot), "--schema=keys", &keys.unfinished.join(KEYS_DUMP), KEYS_DUMP)?;
    // The tables of that schema stay in the main dump, which can be restored alone; their rows do not.
    let without_keys = "--exclude-table-data=keys.*";
    files.push(dump(&dumper, (&target, &snapshot), without_keys, &main.unfinished.join(MAIN_DUMP), MAIN_DUMP)?);

    complete_ledger(&config.database.data_dir, &snapshot.erased()?);
    let (objects, copied) = if config.storage.kind == StorageKind::S3 {
        (Objects::InBucket, None)
    } else if with_files {
        let folder = config.database.data_dir.join(&config.storage.path);
        (Objects::Copied, Some(copy_files(url, snapshot, &folder, &main.unfinished)?))
    } else {
        (Objects::LeftOut, None)
    };
    files.extend(copied.iter().map(|copied| copied.list.clone()));
    let mut of_main = Manifest::new(Kind::Main, &facts, objects, files);
    let of_keys = Manifest::new(Kind::Keys, &facts, Objects::LeftOut, vec![of_keys]);
    let bytes = of_main.bytes().saturating_add(of_keys.bytes());
    let bytes = bytes.saturating_add(copied.as_ref().map_or(0, |copied| copied.bytes));
    let objects = copied.as_ref().map(|copied| copied.objects);
    of_main.deleted_meanwhile = copied.map(|copied| copied.lacking).unwrap_or_default();
    of_main.write(&main.unfinished)?;
    of_keys.write(&keys.unfinished)?;
    // The keys first: a main backup is never without them.
    let keys = keys.finish()?;
    let main = main.finish()?;
    Ok(Taken { backup: Backup { id, at, bytes }, main, keys, objects, removed_main: Vec::new() })
}

/// The checkpoints that are signed, then the state of the database once it holds the entry `written`: whatever is
/// signed by then is in every later state. A trail of long ago without any checkpoint is that of another data
/// folder, unless the program was only just started there: then it signs what it finds within seconds.
fn hold(data_folder: &Path, (url, written): (&str, Uuid), at: Timestamp) -> Result<(Vec<u8>, Snapshot), BackupError> {
    let begun = Instant::now();
    loop {
        let signed = trail::signed(data_folder)?;
        let mut snapshot = Snapshot::hold(url, written)?;
        if !signed.is_empty() || !snapshot.has_links_of_before(at - trail::UNSIGNED)? {
            return Ok((signed, snapshot));
        }
        if begun.elapsed() > SIGNING {
            return Err(BackupError::NoCheckpoints(CheckpointFile::within(data_folder).path().to_owned()));
        }
        drop(snapshot);
        sleep(BETWEEN_LOOKS);
    }
}

/// Adds whom a node that was killed could not add any more to the ledger of erasures. Without that the backup is
/// as good. In a data folder of somebody else nothing is written: the program could not go on with it.
fn complete_ledger(data_folder: &Path, erased: &[(UserId, Erased)]) {
    let me = rustix::process::geteuid().as_raw();
    if !fs::metadata(data_folder).is_ok_and(|found| found.uid() == me) {
        return;
    }
    if let Err(error) = ErasureLedger::within(data_folder).add(erased) {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the ledger of erasures could not be brought up to date"
        );
    }
}

/// Copies the files after the database: then none that it knows lacks its bytes but what was deleted
/// meanwhile, rows first. Whatever else is lacking is not where it should be.
fn copy_files(url: &str, mut snapshot: Snapshot, storage: &Path, backup: &Path) -> Result<Copied, BackupError> {
    let wanted = snapshot.objects()?;
    drop(snapshot);
    let copied = objects::copy(storage, backup, &wanted)?;
    if copied.lacking.is_empty() {
        return Ok(copied);
    }
    match schema::still_referred_to(url, &copied.lacking, LAG)?.as_slice() {
        [] => Ok(copied),
        left @ [first, ..] => {
            Err(BackupError::WithoutBytes { count: left.len(), first: *first, folder: storage.to_owned() })
        }
    }
}

/// Dumps a part of the state that is held. Whoever looked at articles today is in no dump: unlogged
/// tables are left out.
fn dump(
    dumper: &Program,
    (target, snapshot): (&Target, &Snapshot),
    part: &str,
    path: &Path,
    name: &str,
) -> Result<Record, BackupError> {
    let snapshot = format!("--snapshot={}", snapshot.id());
    let arguments = ["--format=custom", "--no-unlogged-table-data", "--no-password", &snapshot, part];
    dumper.run(target, &arguments, None, |output| write(output, path, name))
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
