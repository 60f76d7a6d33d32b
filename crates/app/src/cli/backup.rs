//! `huntzen backup`: the database and the files to one folder, the data keys to another.
use std::path::PathBuf;

use clap::Args;
use huntzen_tenancy::clock::Clock as _;

use super::{Failure, say};
use crate::{
    backup::{Destination, Taken, prune_keys, take},
    clock::SystemClock,
    config::Config,
    database::Database,
    embedded::Purpose,
    services::Services,
    wiring,
};

/// Where it goes.
#[derive(Debug, Args)]
pub(super) struct BackupFolders {
    /// The folder of main backups: the database without its data keys, the audit checkpoints, the files
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// The folder of the keys' backups: another one, best on another machine
    #[arg(long, value_name = "FOLDER")]
    keys_to: PathBuf,
    /// Leave the bytes of files out (those in a bucket never are in a backup)
    #[arg(long)]
    without_files: bool,
}

pub(super) fn run(config: &Config, folders: &BackupFolders) -> Result<(), Failure> {
    let destination =
        Destination { main: folders.to.clone(), keys: folders.keys_to.clone(), with_files: !folders.without_files };
    // First of all, whatever becomes of the rest: certificates of erasure name the day.
    let pruned = prune_keys(&destination, config.retention.key_backup_days, SystemClock.now());
    if let Ok(removed) = &pruned {
        told_removed("backups of the keys", removed);
    }
    let taken = make(config, &destination)?;
    for line in report(&taken) {
        say(&line);
    }
    told_removed("main backups", &taken.removed_main);
    pruned?;
    Ok(())
}

fn make(config: &Config, destination: &Destination) -> Result<Taken, Failure> {
    let vault = wiring::vault(config)?;
    let database = Database::open(config, Purpose::Command)?;
    database.prepare(vault.as_ref())?;
    let ports = wiring::ports(config, &database, 1)?;
    let services = Services::new(&ports, wiring::rules(config)?);
    Ok(take(config, &database, (&ports, &services.backups), destination)?)
}

fn told_removed(what: &str, removed: &[String]) {
    if !removed.is_empty() {
        say(&format!("Kept for long enough, {} {what} were deleted: {}.", removed.len(), removed.join(", ")));
    }
}

fn report(taken: &Taken) -> [String; 2] {
    let Taken { backup, main, keys, objects, .. } = taken;
    let files = match objects {
        Some(objects) => format!("with {objects} files"),
        None => "without the bytes of files".to_owned(),
    };
    [
        format!("The database as of {} is in {}, {files}.", backup.at, main.display()),
        format!("Its data keys are in {}.", keys.display()),
    ]
}
