//! Why a backup was not made, or not restored, in words for whoever operates the program.

use std::io;
use std::path::{Path, PathBuf};

use huntzen_booking::BookingError;
use huntzen_clinical::ClinicalError;
use huntzen_tenancy::TenancyError;
use uuid::Uuid;

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
    /// The newest backup cannot be taken, and an older one is not taken instead.
    #[error(
        "{} is named as a backup, and its manifest cannot be read: the backup is damaged, and nothing was changed; \
         name the folder of another backup to take that one",
        .0.display()
    )]
    Unreadable(PathBuf),
    /// Files lack their bytes: what is copied would be worth little.
    #[error(
        "{count} files of the database have no bytes in {}, {first} among them: is that the folder of the files, and is \
         it mounted? Nothing is kept of this backup, and no older main one was deleted",
        folder.display()
    )]
    WithoutBytes {
        /// How many.
        count: usize,
        /// The object of one.
        first: Uuid,
        /// Where they should be.
        folder: PathBuf,
    },
    /// The file of checkpoints is not where it should be.
    #[error(
        "the audit trail was written for longer than a day, and {} holds no checkpoint: is HUNTZEN_DATA_DIR the data \
         folder of the program that serves (which signs one each hour)? Nothing is kept of this backup",
        .0.display()
    )]
    NoCheckpoints(PathBuf),
    /// All was restored but what no backup holds.
    #[error(
        "all is restored but the bytes of {0} files: put their objects into the storage, from another backup's folder \
         'objects' or a copy of the storage, under the same names"
    )]
    MissingFiles(usize),
    /// The service could not read what is restored.
    #[error(
        "{} belongs to the user with the id {owner}, who could not read what root restores there; run the same command \
         as that user",
        folder.display()
    )]
    NotOurs {
        /// The folder.
        folder: PathBuf,
        /// Whose it is.
        owner: u32,
    },
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
    /// Two backups that have nothing to do with each other.
    #[error("the keys in {} are of another installation than the backup in {}", keys.display(), main.display())]
    OtherInstallation {
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
