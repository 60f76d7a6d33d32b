//! `huntzen restore`: a backup into an empty database, without what must not come back with it.
use std::path::PathBuf;

use clap::Args;

use super::{Failure, say};
use crate::{
    backup::{Restored, Source, restore},
    config::Config,
    wiring,
};

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
}

pub(super) fn run(config: &Config, folders: &RestoreFolders) -> Result<(), Failure> {
    let vault = wiring::vault(config)?;
    let source = Source { main: folders.from.clone(), keys: folders.keys_from.clone() };
    let restored = restore(config, vault.as_ref(), &source)?;
    for line in report(&restored) {
        say(&line);
    }
    Ok(())
}

fn report(restored: &Restored) -> Vec<String> {
    let Restored { main, at, keys, keys_at, settled, erased, pending, until, lost_links, files } = restored;
    let mut lines = vec![
        format!("The database is as of {at} ({}), its keys as of {keys_at} ({}).", main.display(), keys.display()),
        format!(
            "{} sessions were ended; {} mailed links and invitations are void; {} letters are not sent any more.",
            settled.sessions, settled.tokens, settled.letters
        ),
        format!("{erased} people who were erased after the backup were erased again."),
    ];
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
        Some((copied, missing, unknown)) => {
            lines.push(format!("{copied} files were copied into the storage."));
            if *missing > 0 {
                lines.push(format!("{missing} files have no bytes: they were deleted while the backup was made."));
            }
            if *unknown > 0 {
                lines.push(format!("{unknown} objects of the storage belong to no file that was restored."));
            }
        }
        None => lines.push("No files were copied: see to it that the storage is as of the backup or later.".to_owned()),
    }
    lines.push(
        "What was changed after the backup is lost: block again whoever was blocked since, and run \
         'huntzen audit verify' before you serve."
            .to_owned(),
    );
    lines
}
