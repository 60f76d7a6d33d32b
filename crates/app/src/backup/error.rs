//! Why a backup was not made, or not restored, in words for whoever operates the program.

use std::io;
use std::path::{Path, PathBuf};

use huntzen_booking::BookingError;
use huntzen_clinical::ClinicalError;
use huntzen_tenancy::TenancyError;

use crate::{database::DatabaseError, wiring::schema::MigrateError};

/// Why a backup was not made, or not restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file or folder could not be used.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Keys beside what they open protect nothing.
    #[error("--to and --keys-to must be two folders, neither within the other: the keys go to a place of their own")]
    OneFolder,
    /// One backup at a time.
    #[error("another backup is being made in {}", .0.display())]
    Busy(PathBuf),
    /// Something has the name already.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// No program of PostgreSQL that could do it.
    #[error(
        "no {program} of PostgreSQL {version} or newer was found (looked at HUNTZEN_PG_BIN, PATH, pg_config, \
         /usr/lib/postgresql and the data folder); install the package postgresql-client"
    )]
    NoProgram {
        /// Its name.
        program: &'static str,
        /// The oldest major version that will do.
        version: u32,
    },
    /// It failed.
    #[error("{program} failed: {said}")]
    Program {
        /// Its name.
        program: &'static str,
        /// The first error that it told.
        said: String,
    },
    /// There is nothing to restore.
    #[error("{} is no {what}, and holds none", folder.display())]
    NoBackup {
        /// What was looked for.
        what: &'static str,
        /// Where.
        folder: PathBuf,
    },
    /// A manifest that cannot be read, or of a format that this release does not know.
    #[error("{} is no manifest that this release can read", .0.display())]
    Manifest(PathBuf),
    /// A file is missing or not as it was written.
    #[error("{} is not as it was written: the backup is damaged, and nothing was changed", .0.display())]
    Damaged(PathBuf),
    /// The keys are older than the rest.
    #[error(
        "the keys in {} are older than the backup in {}: what was sealed between the two could not be read; \
         take the newest backup of the keys, or an older main one",
        keys.display(), main.display()
    )]
    OlderKeys {
        /// The folder of the keys.
        keys: PathBuf,
        /// That of the main backup.
        main: PathBuf,
    },
    /// A schema of a release to come.
    #[error("{} was made by a later release (schema {schema}); restore it with that one", folder.display())]
    LaterRelease {
        /// The backup.
        folder: PathBuf,
        /// Its version of the schema.
        schema: String,
    },
    /// The private cluster is in use.
    #[error("a program serves this data folder; stop it first")]
    Serving,
    /// Two files of checkpoints that do not belong together.
    #[error(
        "{} and the checkpoints of the backup are not of one trail: is this the right data folder?",
        .0.display()
    )]
    OtherTrail(PathBuf),
    /// Somebody is not erased again; the reasons were told before.
    #[error("{0} people who had been erased could not be erased again; run the same command once more")]
    NotErased(i64),
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The schema.
    #[error(transparent)]
    Schema(#[from] MigrateError),
    /// A use case of tenancy.
    #[error(transparent)]
    Tenancy(#[from] TenancyError),
    /// A use case of booking.
    #[error(transparent)]
    Booking(#[from] BookingError),
    /// A use case of clinical.
    #[error(transparent)]
    Clinical(#[from] ClinicalError),
    /// The adapters could not be put together.
    #[error("{0}")]
    Wiring(String),
}

impl BackupError {
    /// For `map_err`: the system refused something about `path`.
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}
