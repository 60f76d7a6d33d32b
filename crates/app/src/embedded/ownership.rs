//! One program owns the cluster; others use it beside a server, or wait.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::error::EmbeddedError;
use super::place::Place;
use super::{Purpose, server};

/// How long a server waits for another program to give the cluster up.
const SERVER_PATIENCE: Duration = Duration::from_secs(10);

/// How long a command waits for its turn, or for a server that is just starting.
const COMMAND_PATIENCE: Duration = Duration::from_mins(1);

/// How often it looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// What this program is to the cluster.
#[derive(Debug)]
pub enum Ownership {
    /// It runs the cluster; the lock is held as long as the file is open.
    Owner(File),
    /// A server runs the cluster; this program uses its socket.
    Guest,
}

/// Takes the lock, or finds a server to be a guest of.
///
/// The lock is the system's (flock(2)) and ends with the process, however that ends.
///
/// # Errors
/// When another program keeps the cluster for too long, or the lock file cannot be opened.
pub fn settle(place: &Place, purpose: Purpose) -> Result<Ownership, EmbeddedError> {
    let path = place.lock();
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(EmbeddedError::folder(&path))?;
    let patience = match purpose {
        Purpose::Serve => SERVER_PATIENCE,
        Purpose::Command => COMMAND_PATIENCE,
    };
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => {
                sign(&mut file, purpose).map_err(EmbeddedError::folder(&path))?;
                return Ok(Ownership::Owner(file));
            }
            Err(TryLockError::Error(error)) => return Err(EmbeddedError::folder(&path)(error)),
            Err(TryLockError::WouldBlock) => {}
        }
        let owner = signature(&mut file).map_err(EmbeddedError::folder(&path))?;
        let beside_a_server = purpose == Purpose::Command && owner.starts_with(Purpose::Serve.name());
        if beside_a_server && server::is_ready(place, None) {
            return Ok(Ownership::Guest);
        }
        if started.elapsed() > patience {
            return Err(EmbeddedError::Busy { folder: place.data.clone(), owner });
        }
        sleep(LOOK_AGAIN);
    }
}

fn sign(file: &mut File, purpose: Purpose) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    write!(file, "{}, process {}", purpose.name(), std::process::id())
}

fn signature(file: &mut File) -> std::io::Result<String> {
    let mut text = String::new();
    file.rewind()?;
    file.take(100).read_to_string(&mut text)?;
    Ok(text)
}
