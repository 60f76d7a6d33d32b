//! Restoring a backup into an empty database, and whatever must not come back with it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use huntzen_tenancy::{erasure::Erased, ids::UserId, sealing::Vault};
use jiff::SignedDuration;

use super::error::BackupError;
use super::manifest::{Kind, Manifest, Objects, find};
use super::objects::{self, PutBack};
use super::programs::{Program, Target};
use super::taking::{KEYS_DUMP, MAIN_DUMP};
use super::trail;
use crate::config::{Config, StorageKind};
use crate::database::Database;
use crate::embedded::{Embedded, Purpose};
use crate::erasures::ErasureLedger;
use crate::services::Services;
use crate::wiring::{self, schema};

/// For how long after a restore nobody is erased who may have taken the request back.
const PAUSE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// What is done a unit of work, or a run of a job.
const BATCH: u32 = 1_000;

/// Where a backup comes from: its folder, or a folder of backups, of which the newest is taken.
#[derive(Clone, Debug)]
pub struct Source {
    /// The main one.
    pub main: PathBuf,
    /// The keys.
    pub keys: PathBuf,
    /// The ledger of erasures; that of the data folder unless it is named.
    pub erased: Option<PathBuf>,
}

/// What was restored.
#[derive(Debug)]
pub struct Restored {
    /// The folder of the main backup.
    pub main: PathBuf,
    /// When it was made.
    pub at: jiff::Timestamp,
    /// The folder of the keys.
    pub keys: PathBuf,
    /// When that was made.
    pub keys_at: jiff::Timestamp,
    /// What was settled in the database.
    pub settled: schema::Settled,
    /// How many people the ledger knew of whom the keys did not.
    pub ledger: usize,
    /// How many people were erased again.
    pub erased: usize,
    /// How many people have a request to be erased that is pending, and were told so.
    pub pending: usize,
    /// Until when nobody of them is erased.
    pub until: jiff::Timestamp,
    /// How many links of the audit trail had been signed and are lost.
    pub lost_links: u64,
    /// What became of the files; none where they lie in a bucket or the backup holds none.
    pub files: Option<PutBack>,
}

/// The two backups, checked.
struct Chosen {
    main: (PathBuf, Manifest),
    keys: (PathBuf, Manifest),
}

/// Restores a backup. Nothing is changed before all of it was checked; what is interrupted afterwards
/// cannot be served, and is begun anew by the same command.
///
/// # Errors
/// What kept it from being restored.
pub fn restore(config: &Config, vault: &dyn Vault, source: &Source) -> Result<Restored, BackupError> {
    let data_folder = &config.database.data_dir;
    let me = rustix::process::geteuid().as_raw();
    refuse_foreign(data_folder, me)?;
    if config.storage.kind == StorageKind::Local {
        refuse_foreign(&data_folder.join(&config.storage.path), me)?;
    }
    let chosen = Chosen::check(source)?;
    let ledger = read_ledger(data_folder, source.erased.as_deref())?;
    trail::check(&chosen.main.0, data_folder)?;
    let database = Database::open(config, Purpose::Command)?.for_restoring();
    if database.embedded().is_some_and(|embedded| !Embedded::is_owner(embedded)) {
        return Err(BackupError::Serving);
    }
    database.ensure_roles()?;
    let (_lock, added) = load(config, &database, vault, (&chosen, &ledger))?;

    let ports = wiring::ports(config, &database, 2).map_err(|error| BackupError::Wiring(error.to_string()))?;
    let rules = wiring::rules(config).map_err(|error| BackupError::Wiring(error.to_string()))?;
    let services = Services::new(&ports, rules);
    let owner = database.owner()?;
    let now = ports.clock.now();
    let until = now + PAUSE;
    let settled = schema::settle_restored(owner, now, until)?;
    trail::put_back(&chosen.main.0, data_folder)?;
    // Before anything is linked: the chains stand as they were dumped.
    let lost_links = services.chain_restoring.settle()?;
    let erased = erase_again(&services)?;
    match schema::not_erased_again(owner)? {
        0 => {}
        left => return Err(BackupError::NotErased(left)),
    }
    discard(&services)?;
    let files = put_files_back(config, owner, &chosen)?;
    let pending = services.backups.restored(chosen.main.1.id)?;
    schema::finish_restore(owner)?;
    let Chosen { main: (main, Manifest { at, .. }), keys: (keys, Manifest { at: keys_at, .. }) } = chosen;
    Ok(Restored { main, at, keys, keys_at, settled, ledger: added, erased, pending, until, lost_links, files })
}

/// Who was erased by what lies outside the database. One that is named has to be there.
fn read_ledger(data_folder: &Path, named: Option<&Path>) -> Result<Vec<(UserId, Erased)>, BackupError> {
    let ledger = named.map_or_else(|| ErasureLedger::within(data_folder), |path| ErasureLedger::at(path.to_owned()));
    if named.is_some() {
        fs::metadata(ledger.path()).map_err(BackupError::io(ledger.path()))?;
    }
    ledger.read().map_err(BackupError::io(ledger.path()))
}

/// Refuses to leave files to root where somebody else serves: that one could not read them.
fn refuse_foreign(folder: &Path, me: u32) -> Result<(), BackupError> {
    let Ok(found) = fs::metadata(folder) else { return Ok(()) };
    if me == 0 && found.uid() != 0 {
        return Err(BackupError::NotOurs { folder: folder.to_owned(), owner: found.uid() });
    }
    Ok(())
}

impl Chosen {
    /// Finds both backups and checks that they are whole and belong together.
    fn check(source: &Source) -> Result<Self, BackupError> {
        let main = find(&source.main, Kind::Main)?;
        let keys = find(&source.keys, Kind::Keys)?;
        if !main.1.is_of_one_installation(&keys.1) {
            return Err(BackupError::OtherInstallation { keys: keys.0, main: main.0 });
        }
        for (folder, manifest) in [&main, &keys] {
            manifest.verify(folder)?;
            if !schema::knows(&manifest.schema)? {
                return Err(BackupError::LaterRelease { folder: folder.clone(), schema: manifest.schema.clone() });
            }
        }
        if main.1.objects == Objects::Copied {
            objects::verify(&main.0)?;
        }
        if keys.1.at < main.1.at {
            return Err(BackupError::OlderKeys { keys: keys.0, main: main.0 });
        }
        Ok(Self { main, keys })
    }

    /// What to run to restore the same two again.
    fn command(&self) -> String {
        let quoted = |folder: &Path| format!("'{}'", folder.display().to_string().replace('\'', r"'\''"));
        format!("huntzen restore --from {} --keys-from {}", quoted(&self.main.0), quoted(&self.keys.0))
    }
}

/// Loads the dumps and brings them to the schema of this release. The keys may be of a later schema than
/// the rest: they are loaded when the rest has come as far.
fn load(
    config: &Config,
    database: &Database,
    vault: &dyn Vault,
    (chosen, ledger): (&Chosen, &[(UserId, Erased)]),
) -> Result<(schema::RestoreLock, usize), BackupError> {
    let owner = database.owner()?;
    // Before anything is marked: nothing is begun that this release could not finish.
    let target = Target::of("DATABASE_OWNER_URL", owner)?;
    let at_least = schema::check_restorable(owner)?.max(chosen.main.1.pg_dump).max(chosen.keys.1.pg_dump);
    let named = config.database.pg_bin.as_deref();
    let loader = Program::find("pg_restore", at_least, &config.database.data_dir, named)?;
    let lock = schema::begin_restore(owner, &chosen.command())?;
    let load = |arguments: &[&str], file: PathBuf| {
        let common = ["--exit-on-error", "--single-transaction", "--no-password", "--no-comments"];
        let arguments = [&common, arguments].concat();
        loader.run(&target, &arguments, Some(&file), |_| Ok(()))
    };
    load(&[], chosen.main.0.join(MAIN_DUMP))?;
    schema::close_schema(owner)?;
    schema::run_restored(owner, vault, Some(&chosen.keys.1.schema))?;
    let mut added = 0;
    schema::with_open_keys(owner, || {
        load(&["--data-only"], chosen.keys.0.join(KEYS_DUMP))?;
        added = schema::add_erased(owner, ledger)?;
        Ok::<_, BackupError>(())
    })?;
    schema::run_restored(owner, vault, None)?;
    Ok((lock, added))
}

/// Erases everybody again who was erased after the backup: the backup of the keys knows who. Their
/// appointments are called off first.
fn erase_again(services: &Services) -> Result<usize, BackupError> {
    let batch = usize::try_from(BATCH).unwrap_or(usize::MAX);
    while services.jobs.cancel_departing(BATCH)? >= batch {}
    let mut erased = 0;
    loop {
        let run = services.erasing.run(BATCH);
        for error in &run.failures {
            tracing::error!(error = error as &dyn std::error::Error, "somebody could not be erased again");
        }
        erased += run.erased.len();
        if run.erased.is_empty() {
            return Ok(erased);
        }
    }
}

/// Discards what is kept no longer: its keys are gone since, and nobody could read it.
fn discard(services: &Services) -> Result<(), BackupError> {
    let batch = u64::from(BATCH);
    while services.discarding.run(BATCH)? >= batch {}
    while services.care_discarding.run(BATCH)? > 0 {}
    Ok(())
}

fn put_files_back(config: &Config, owner: &str, chosen: &Chosen) -> Result<Option<PutBack>, BackupError> {
    if config.storage.kind == StorageKind::S3 || chosen.main.1.objects != Objects::Copied {
        return Ok(None);
    }
    let storage = config.database.data_dir.join(&config.storage.path);
    let (wanted, deleted) = (schema::objects_of_files(owner)?, &chosen.main.1.deleted_meanwhile);
    Ok(Some(objects::put_back(&chosen.main.0, &storage, &wanted, deleted)?))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn root_restores_into_no_folder_of_somebody_else() {
        let folder = std::env::temp_dir().join(format!("huntzen-owner-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let owner = fs::metadata(&folder).unwrap().uid();
        refuse_foreign(&folder, owner).unwrap();
        refuse_foreign(&folder.join("not there yet"), 0).unwrap();
        assert_eq!(refuse_foreign(&folder, 0).is_err(), owner != 0);
        if owner == 0 {
            std::os::unix::fs::chown(&folder, Some(65_534), None).unwrap();
            let refused = refuse_foreign(&folder, 0).unwrap_err().to_string();
            assert!(refused.contains("user with the id 65534"), "{refused}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
