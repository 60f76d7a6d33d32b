//! Starts the server process and tells whether it is ready.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::account::{Account, LAUNCHER};
use super::binaries::Binaries;
use super::cluster::last_line;
use super::error::EmbeddedError;
use super::place::Place;

/// How long what an earlier server left behind is waited for.
const LEFT_OVER_PATIENCE: Duration = Duration::from_secs(15);

/// Settings for a small machine with one program as its only client. They are arguments, not a
/// file, so that a newer program brings its own.
const SETTINGS: &[&str] = &[
    "listen_addresses=",
    "port=5432",
    "unix_socket_permissions=0700",
    "max_connections=60",
    // Memory: the system's own cache holds the rest.
    "shared_buffers=128MB",
    "effective_cache_size=512MB",
    "work_mem=4MB",
    "maintenance_work_mem=64MB",
    // What was acknowledged is on the disk.
    "fsync=on",
    "full_page_writes=on",
    "synchronous_commit=on",
    "min_wal_size=64MB",
    "max_wal_size=512MB",
    "checkpoint_timeout=15min",
    // Every query is short: compiling it or sharing it out costs more than it gives.
    "jit=off",
    "max_parallel_workers_per_gather=0",
    "max_worker_processes=4",
    "random_page_cost=1.1",
    "idle_in_transaction_session_timeout=60s",
    "timezone=UTC",
    "log_timezone=UTC",
    // Statements and details of errors hold people's data; they do not belong into a log.
    "log_min_error_statement=panic",
    "log_error_verbosity=terse",
    "log_checkpoints=off",
    "logging_collector=off",
];

/// Starts the server; it ends when the calling thread does.
///
/// # Errors
/// When its folders cannot be used or the program cannot be started.
pub fn spawn(place: &Place, binaries: &Binaries, account: Account) -> Result<Child, EmbeddedError> {
    place.make_socket_folder(account)?;
    let log = place.open_log()?;
    let second = log.try_clone().map_err(EmbeddedError::folder(&place.log()))?;
    let mut command = account.command(&binaries.program("postgres"));
    command.arg("-D").arg(&place.cluster);
    for setting in SETTINGS {
        command.arg("-c").arg(setting);
    }
    let mut socket = std::ffi::OsString::from("unix_socket_directories=");
    socket.push(&place.socket);
    command
        .arg("-c")
        .arg(socket)
        .stdout(Stdio::from(second))
        .stderr(Stdio::from(log))
        .spawn()
        .map_err(|source| EmbeddedError::Spawn { program: LAUNCHER.to_owned(), source })
}

/// Whether the server says in its `postmaster.pid` that it takes connections.
///
/// Reading that file is cheaper than connecting, and exact: the socket takes connections before
/// recovery is done. With `process`, only that server's word counts; else its process must live.
pub fn is_ready(place: &Place, process: Option<u32>) -> bool {
    let Ok(text) = fs::read_to_string(place.cluster.join("postmaster.pid")) else {
        return false;
    };
    let mut lines = text.lines();
    let named = lines.next().and_then(|line| line.trim().parse::<u32>().ok());
    let ready = lines.nth(6).is_some_and(|status| status.trim() == "ready");
    let right = match process {
        Some(_) => named == process,
        None => named.is_some_and(|named| Path::new("/proc").join(named.to_string()).exists()),
    };
    ready && right
}

/// Waits until no process of an earlier server works in the cluster's folder, then removes its
/// `postmaster.pid`, whose number may belong to a stranger by now.
///
/// # Errors
/// When such a process does not end.
pub fn wait_for_left_overs(place: &Place) -> Result<(), EmbeddedError> {
    wait_until_deserted(&place.cluster)?;
    let note = place.cluster.join("postmaster.pid");
    match fs::remove_file(&note) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(EmbeddedError::folder(&note)(error)),
        _ => Ok(()),
    }
}

/// Waits until no process works in a folder of the cluster.
///
/// The caller owns the cluster, so whoever still works in it lost its owner: it is asked to end.
///
/// # Errors
/// When such a process does not end.
pub fn wait_until_deserted(folder: &Path) -> Result<(), EmbeddedError> {
    let started = Instant::now();
    let mut asked = None;
    loop {
        let left = working_in(folder);
        let Some(&process) = left.first() else {
            return Ok(());
        };
        if started.elapsed() > LEFT_OVER_PATIENCE {
            return Err(EmbeddedError::StillRunning {
                folder: folder.to_owned(),
                process: process.as_raw_nonzero().get(),
            });
        }
        // A server ends fast at SIGINT; what lost its server notices by itself, or at SIGQUIT.
        let signal = if started.elapsed() > LEFT_OVER_PATIENCE * 2 / 3 { Signal::QUIT } else { Signal::INT };
        if asked != Some(signal) {
            asked = Some(signal);
            for process in left {
                // It may have ended meanwhile; the next look tells.
                let _ = kill_process(process, signal);
            }
        }
        sleep(Duration::from_millis(10));
    }
}

/// The PostgreSQL processes whose working folder is the cluster's: the server and its children.
///
/// The name is looked at too, so that a person's shell in that folder is left alone.
fn working_in(cluster: &Path) -> Vec<Pid> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let process = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
            let here = fs::read_link(entry.path().join("cwd")).ok()? == cluster;
            let ours = here && fs::read_to_string(entry.path().join("comm")).ok()?.trim() == "postgres";
            ours.then_some(process)
        })
        .collect()
}

/// The last line of the server's log.
pub fn last_words(place: &Place) -> String {
    const ENOUGH: i64 = 4096;
    let mut text = Vec::new();
    let read = fs::File::open(place.log()).and_then(|mut log| {
        if log.metadata()?.len() > ENOUGH.unsigned_abs() {
            log.seek(SeekFrom::End(-ENOUGH))?;
        }
        log.read_to_end(&mut text)
    });
    match read {
        Ok(_) => last_line(&text),
        Err(error) => error.to_string(),
    }
}
