//! `huntzen restore`: a backup into an empty database, without what must not come back with it.
use std::path::PathBuf;

use clap::Args;

use super::{Failure, say};
use crate::{
    backup::{BackupError, PutBack, Restored, Source, restore},
    config::Config,
    wiring,
};

/// How many objects are named that are missing; the rest is counted.
const SHOWN: usize = 20;

/// Where it comes from.
#[derive(Debug, Args)]
pub(super) struct RestoreFolders {
    /// A main backup, or the folder that `backup --to` names: the newest in it is taken
    #[arg(long, value_name = "FOLDER")]
    from: PathBuf,
    /// A backup of the keys, or the folder that `backup --keys-to` names. Take the newest, also with an older
    /// main backup: it knows who was erased since
    #[arg(long, value_name = "FOLDER")]
    keys_from: PathBuf,
    /// The ledger of erasures, which knows who was erased after the last backup of the keys [default:
    /// audit/erased.jsonl of the data folder, if it is there]
    #[arg(long, value_name = "FILE")]
    erased: Option<PathBuf>,
}

pub(super) fn run(config: &Config, folders: &RestoreFolders) -> Result<(), Failure> {
    let vault = wiring::vault(config)?;
    let source = Source { main: folders.from.clone(), keys: folders.keys_from.clone(), erased: folders.erased.clone() };
    let restored = restore(config, vault.as_ref(), &source)?;
    for line in report(&restored) {
        say(&line);
    }
    match restored.files.map_or(0, |files| files.missing.len()) {
        0 => Ok(()),
        missing => Err(BackupError::MissingFiles(missing).into()),
    }
}

fn report(restored: &Restored) -> Vec<String> {
    let Restored { main, at, keys, keys_at, settled, ledger, erased, pending, until, lost_links, files } = restored;
    let mut lines = vec![
        format!("The database is as of {at} ({}), its keys as of {keys_at} ({}).", main.display(), keys.display()),
        format!(
            "{} sessions were ended; {} mailed links and invitations are void; {} letters are not sent any more.",
            settled.sessions, settled.tokens, settled.letters
        ),
        format!("{erased} people who were erased after the backup were erased again."),
    ];
    if *ledger > 0 {
        lines.push(format!("{ledger} of all who were ever erased were known to the ledger of erasures alone."));
    }
    if settled.consents > 0 {
        lines.push(format!(
            "{} people had agreed to be named to their employer; they are not any more, and may agree again.",
            settled.consents
        ));
    }
    if *pending > 0 {
        lines.push(format!(
            "{pending} people have a pending request to be erased and are told so by letter: whoever took it back after \
             the backup has to do so again. Nobody of them is erased before {until}."
        ));
    }
    if *lost_links > 0 {
        lines.push(format!(
            "{lost_links} entries of the audit trail had been signed and are lost; a signed checkpoint says so."
        ));
    }
    match files {
        Some(files) => lines.extend(report_files(files)),
        None => lines.push("No files were copied: see to it that the storage is as of the backup or later.".to_owned()),
    }
    lines.push(
        "What was changed after the backup is lost: block again whoever was blocked since, and run \
         'huntzen audit verify' before you serve."
            .to_owned(),
    );
    lines
}

fn report_files(PutBack { copied, replaced, deleted, missing, unknown }: &PutBack) -> Vec<String> {
    let mut lines = vec![format!("{copied} files were copied into the storage.")];
    if *replaced > 0 {
        lines.push(format!("{replaced} of them were there already, and not as they had been: they were replaced."));
    }
    if *deleted > 0 {
        lines.push(format!("{deleted} files have no bytes: they were deleted while the backup was made."));
    }
    if !missing.is_empty() {
        let (shown, more) = (missing.iter().take(SHOWN), missing.len().saturating_sub(SHOWN));
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let named = shown.map(String::as_str).collect::<Vec<_>>().join(", ");
        lines.push(format!(
            "{} files have no bytes, neither in the backup nor in the storage. Their objects: {named}{more}.",
            missing.len()
        ));
    }
    if *unknown > 0 {
        lines.push(format!("{unknown} objects of the storage belong to no file that was restored."));
    }
    lines
}
