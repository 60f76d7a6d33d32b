//! Makes the cluster once: its files, its owner and its database.

use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::DirBuilderExt;
use std::process::{Output, Stdio};

use super::account::{Account, LAUNCHER};
use super::binaries::Binaries;
use super::error::EmbeddedError;
use super::place::Place;
use super::{DATABASE, OWNER, server};

/// Makes sure that there is a cluster of the right version, made if need be.
///
/// # Errors
/// When another version made it, another user owns it, or it cannot be made.
pub fn ensure(place: &Place, binaries: &Binaries, account: Account) -> Result<(), EmbeddedError> {
    match place.version() {
        Some(version) if version == binaries.major.to_string() => account.take(&place.cluster),
        Some(version) => {
            Err(EmbeddedError::OtherVersion { folder: place.cluster.clone(), cluster: version, found: binaries.major })
        }
        None => make(place, binaries, account),
    }
}

/// Works in a folder of another name and renames it at the end: a program that is killed in
/// between leaves no half cluster, only a folder that the next start removes.
fn make(place: &Place, binaries: &Binaries, account: Account) -> Result<(), EmbeddedError> {
    make_way(place)?;
    // C.UTF-8 knows the letters of all languages; where a system lacks it, C will do.
    let mut last = String::new();
    for locale in ["C.UTF-8", "C"] {
        empty_folder(place, account)?;
        let output = initdb(place, binaries, account, locale)?;
        if output.status.success() {
            return finish(place, binaries, account);
        }
        last = last_line(&output.stderr);
    }
    Err(EmbeddedError::Initdb(last))
}

/// Removes an empty folder that stands where the cluster will be; anything else stays.
fn make_way(place: &Place) -> Result<(), EmbeddedError> {
    let Err(error) = fs::remove_dir(&place.cluster) else {
        return Ok(());
    };
    let kind = error.kind();
    if kind == ErrorKind::NotFound {
        Ok(())
    } else if matches!(kind, ErrorKind::DirectoryNotEmpty | ErrorKind::NotADirectory) {
        Err(EmbeddedError::NotACluster(place.cluster.clone()))
    } else {
        Err(EmbeddedError::folder(&place.cluster)(error))
    }
}

fn empty_folder(place: &Place, account: Account) -> Result<(), EmbeddedError> {
    let folder = &place.unfinished;
    server::wait_until_deserted(folder)?;
    match fs::remove_dir_all(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(EmbeddedError::folder(folder)(error)),
    }
    DirBuilder::new().mode(0o700).create(folder).map_err(EmbeddedError::folder(folder))?;
    account.take(folder)
}

fn initdb(place: &Place, binaries: &Binaries, account: Account, locale: &str) -> Result<Output, EmbeddedError> {
    let mut command = account.command(&binaries.program("initdb"));
    command
        .arg("--pgdata")
        .arg(&place.unfinished)
        .arg(format!("--username={OWNER}"))
        .arg("--auth=trust")
        .arg("--encoding=UTF8")
        .arg("--locale-provider=libc")
        .arg(format!("--locale={locale}"))
        .arg("--no-instructions");
    command.output().map_err(not_started)
}

/// Creates the database, closes every door but the socket, and gives the cluster its name.
fn finish(place: &Place, binaries: &Binaries, account: Account) -> Result<(), EmbeddedError> {
    let folder = &place.unfinished;
    let doors = folder.join("pg_hba.conf");
    // The socket lies in a folder that only its user can enter: no password adds to that.
    fs::write(&doors, "# The private socket only.\nlocal all all trust\n").map_err(EmbeddedError::folder(&doors))?;

    // The single-user mode needs neither a socket nor a client program.
    let mut command = account.command(&binaries.program("postgres"));
    command
        .arg("--single")
        .arg("-D")
        .arg(folder)
        .arg("-c")
        .arg("exit_on_error=on")
        .arg("postgres")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(not_started)?;
    let written = match child.stdin.take() {
        Some(mut input) => writeln!(input, "CREATE DATABASE {DATABASE}"),
        None => Ok(()),
    };
    let output = child.wait_with_output().map_err(not_started)?;
    if written.is_err() || !output.status.success() {
        return Err(EmbeddedError::Initdb(last_line(&output.stderr)));
    }

    fs::rename(folder, &place.cluster).map_err(EmbeddedError::folder(&place.cluster))?;
    // The new name is as durable as what it names.
    if let Some(parent) = place.cluster.parent() {
        File::open(parent).and_then(|parent| parent.sync_all()).map_err(EmbeddedError::folder(parent))?;
    }
    Ok(())
}

fn not_started(source: io::Error) -> EmbeddedError {
    EmbeddedError::Spawn { program: LAUNCHER.to_owned(), source }
}

/// The last words of a program, for a message.
pub fn last_line(text: &[u8]) -> String {
    String::from_utf8_lossy(text)
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("it said nothing")
        .to_owned()
}
