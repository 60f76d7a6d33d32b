//! `huntzen backup`: the database and the files to one folder, the data keys to another.
use std::path::PathBuf;

use clap::Args;

use super::{Failure, say};
use crate::{
    backup::{Destination, Taken, take},
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
    let vault = wiring::vault(config)?;
    let database = Database::open(config, Purpose::Command)?;
    database.prepare(vault.as_ref())?;
    let ports = wiring::ports(config, &database, 1)?;
    let destination =
        Destination { main: folders.to.clone(), keys: folders.keys_to.clone(), with_files: !folders.without_files };
    let taken = take(config, &database, &ports, &destination)?;
    Services::new(&ports, wiring::rules(config)?).backups.record(&taken.backup)?;
    for line in report(&taken) {
        say(&line);
    }
    Ok(())
}

fn report(taken: &Taken) -> Vec<String> {
    let Taken { backup, main, keys, objects, removed_main, removed_keys } = taken;
    let files = match objects {
        Some(objects) => format!("with {objects} files"),
        None => "without the bytes of files".to_owned(),
    };
    let mut lines = vec![
        format!("The database as of {} is in {}, {files}.", backup.at, main.display()),
        format!("Its data keys are in {}.", keys.display()),
    ];
    for (what, removed) in [("main backups", removed_main), ("backups of the keys", removed_keys)] {
        if !removed.is_empty() {
            lines.push(format!("Kept for long enough, {} {what} were deleted: {}.", removed.len(), removed.join(", ")));
        }
    }
    lines
}
