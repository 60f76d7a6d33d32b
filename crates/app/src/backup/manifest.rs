//! What a backup's folder says of itself, and whether that is still true.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::BackupError;
use super::writing;

/// The name of the manifest in a backup's folder.
const FILE: &str = "manifest.json";
/// The form of manifests that this release writes and reads.
const FORMAT: u32 = 1;
/// How a backup's folder is named.
const NAME: &str = "%Y%m%dT%H%M%S.%3fZ";

/// Which of the two backups.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// All but the keys.
    Main,
    /// The keys, and who was erased.
    Keys,
}

impl Kind {
    /// What it is called in messages.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Main => "main backup",
            Self::Keys => "backup of the keys",
        }
    }
}

/// What became of the bytes of files.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Objects {
    /// They are in the backup.
    Copied,
    /// They were left out on demand.
    LeftOut,
    /// They are in a bucket, which is backed up by itself.
    InBucket,
}

/// One file of a backup.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    /// Its name within the folder.
    pub(super) name: String,
    /// Its size.
    pub(super) bytes: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub(super) sha256: String,
}

/// What a backup's folder says of itself.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// The form of this file.
    format: u32,
    /// Which of the two.
    pub(super) kind: Kind,
    /// The id that both backups of one run have.
    pub(super) id: Uuid,
    /// What was committed by then is in it.
    pub(super) at: Timestamp,
    /// The release that made it.
    program: String,
    /// The version of the schema: the last migration.
    pub(super) schema: String,
    /// The major version of the PostgreSQL that was dumped.
    postgresql: u32,
    /// The major version of `pg_dump`.
    pub(super) pg_dump: u32,
    /// What became of the bytes of files.
    pub(super) objects: Objects,
    /// Every file but this one and the objects, which a list of their own names.
    pub(super) files: Vec<Record>,
}

/// What both manifests of a run have in common.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) id: Uuid,
    pub(super) at: Timestamp,
    pub(super) schema: String,
    pub(super) postgresql: u32,
    pub(super) pg_dump: u32,
}

impl Manifest {
    pub(super) fn new(kind: Kind, facts: &Facts, objects: Objects, files: Vec<Record>) -> Self {
        Self {
            format: FORMAT,
            kind,
            id: facts.id,
            at: facts.at,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            schema: facts.schema.clone(),
            postgresql: facts.postgresql,
            pg_dump: facts.pg_dump,
            objects,
            files,
        }
    }

    /// How the folder of a backup of this instant is named.
    pub(super) fn folder_name(at: Timestamp) -> String {
        at.strftime(NAME).to_string()
    }

    /// Writes it into a backup's folder.
    pub(super) fn write(&self, folder: &Path) -> Result<(), BackupError> {
        let path = folder.join(FILE);
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        writing::write(&mut text.as_bytes(), &path, FILE).map(drop)
    }

    /// Reads that of a backup's folder.
    pub(super) fn read(folder: &Path) -> Result<Self, BackupError> {
        let path = folder.join(FILE);
        let text = fs::read(&path).map_err(BackupError::io(&path))?;
        let manifest: Option<Self> = serde_json::from_slice(&text).ok();
        manifest.filter(|manifest| manifest.format == FORMAT).ok_or(BackupError::Manifest(path))
    }

    /// Checks that every file is as it was written.
    pub(super) fn verify(&self, folder: &Path) -> Result<(), BackupError> {
        self.files.iter().try_for_each(|record| record.verify(folder))
    }

    /// The size of all files together.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, record| sum.saturating_add(record.bytes))
    }
}

impl Record {
    /// Checks that the file is as it was written.
    pub(super) fn verify(&self, folder: &Path) -> Result<(), BackupError> {
        let path = folder.join(&self.name);
        match writing::digest(&path) {
            Ok((bytes, sha256)) if bytes == self.bytes && sha256 == self.sha256 => Ok(()),
            Ok(_) | Err(_) => Err(BackupError::Damaged(path)),
        }
    }
}

/// The backups of a kind in a folder, oldest first: what has another name or no manifest is none.
pub(super) fn within(folder: &Path, kind: Kind) -> Result<Vec<(PathBuf, Manifest)>, BackupError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(BackupError::io(folder))? {
        let path = entry.map_err(BackupError::io(folder))?.path();
        let Ok(manifest) = Manifest::read(&path) else { continue };
        let is_named = path.file_name().is_some_and(|name| *name == *Manifest::folder_name(manifest.at));
        if manifest.kind == kind && is_named {
            found.push((path, manifest));
        }
    }
    found.sort_by_key(|(_, manifest)| manifest.at);
    Ok(found)
}

/// The backup that a folder is, or the newest of those that it holds.
pub(super) fn find(folder: &Path, kind: Kind) -> Result<(PathBuf, Manifest), BackupError> {
    let folder = fs::canonicalize(folder).map_err(BackupError::io(folder))?;
    let none = || BackupError::NoBackup { what: kind.words(), folder: folder.clone() };
    if folder.join(FILE).exists() {
        let manifest = Manifest::read(&folder)?;
        return if manifest.kind == kind { Ok((folder, manifest)) } else { Err(none()) };
    }
    within(&folder, kind)?.pop().ok_or_else(none)
}
