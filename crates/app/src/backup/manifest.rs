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
    /// Objects whose files were deleted while they were copied: the dump knows them, and nothing has their bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) deleted_meanwhile: Vec<Uuid>,
    /// Of which installation it is; not known of the first backups.
    #[serde(default)]
    pub(super) installation: Option<String>,
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
    pub(super) installation: String,
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
            deleted_meanwhile: Vec::new(),
            installation: Some(facts.installation.clone()),
            files,
        }
    }

    /// Whether both are of one installation, as far as they say of which they are.
    pub(super) fn is_of_one_installation(&self, other: &Self) -> bool {
        match (&self.installation, &other.installation) {
            (Some(one), Some(another)) => one == another,
            (None, _) | (_, None) => true,
        }
    }

    /// How the folder of a backup of this instant is named.
    pub(super) fn folder_name(at: Timestamp) -> String {
        at.strftime(NAME).to_string()
    }

    /// Writes it into a backup's folder.
    pub(super) fn write(&self, folder: &Path) -> Result<(), BackupError> {
        let path = folder.join(FILE);
        let text = serde_json::to_string_pretty(self);
        let mut text = text.map_err(|error| BackupError::io(&path)(error.into()))?;
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

/// A folder that is named as a backup is.
#[derive(Debug)]
pub(super) struct Named {
    /// Where it lies.
    pub(super) path: PathBuf,
    /// The instant that it is named by.
    pub(super) at: Timestamp,
    /// What it says of itself: nothing when that cannot be read, or says another instant.
    pub(super) manifest: Option<Manifest>,
}

/// The backups of a kind in a folder, oldest first, among them whatever is named as one and of which nothing
/// can be read: it may be of this kind. What has another name, or is of another kind, is none.
pub(super) fn within(folder: &Path, kind: Kind) -> Result<Vec<Named>, BackupError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(BackupError::io(folder))? {
        let path = entry.map_err(BackupError::io(folder))?.path();
        let Some(at) = named_by(&path).filter(|_| path.is_dir()) else { continue };
        // The name leaves out what is less than a millisecond.
        let is_named_so = |manifest: &Manifest| named_by_instant(&path, manifest.at);
        let manifest = Manifest::read(&path).ok().filter(is_named_so);
        if manifest.as_ref().is_none_or(|manifest| manifest.kind == kind) {
            found.push(Named { path, at, manifest });
        }
    }
    found.sort_by_key(|named| named.at);
    Ok(found)
}

fn named_by_instant(path: &Path, at: Timestamp) -> bool {
    path.file_name().is_some_and(|name| *name == *Manifest::folder_name(at))
}

/// The instant that a folder is named by.
fn named_by(path: &Path) -> Option<Timestamp> {
    let name = path.file_name()?.to_str()?;
    name.parse().ok().filter(|at| Manifest::folder_name(*at) == name)
}

/// The backup that a folder is, or the newest of those that it holds. When nothing can be read of the newest,
/// an older one is not silently taken instead.
pub(super) fn find(folder: &Path, kind: Kind) -> Result<(PathBuf, Manifest), BackupError> {
    let folder = fs::canonicalize(folder).map_err(BackupError::io(folder))?;
    let none = || BackupError::NoBackup { what: kind.words(), folder: folder.clone() };
    if folder.join(FILE).exists() || named_by(&folder).is_some() {
        let manifest = Manifest::read(&folder)?;
        return if manifest.kind == kind { Ok((folder, manifest)) } else { Err(none()) };
    }
    let Named { path, manifest, .. } = within(&folder, kind)?.pop().ok_or_else(none)?;
    match manifest {
        Some(manifest) => Ok((path, manifest)),
        None => Err(BackupError::Unreadable(path)),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn made(folder: &Path, kind: Kind, at: &str) -> PathBuf {
        let at = at.parse().unwrap();
        let installation = "of this test".to_owned();
        let facts = Facts { id: Uuid::nil(), at, schema: "1".to_owned(), postgresql: 15, pg_dump: 15, installation };
        let folder = folder.join(Manifest::folder_name(at));
        fs::create_dir_all(&folder).unwrap();
        Manifest::new(kind, &facts, Objects::LeftOut, Vec::new()).write(&folder).unwrap();
        folder
    }

    #[test]
    fn a_newest_backup_of_which_nothing_can_be_read_is_never_passed_over() {
        let folder = std::env::temp_dir().join(format!("huntzen-manifest-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let older = made(&folder, Kind::Main, "2027-01-01T02:30:00Z");
        let newer = made(&folder, Kind::Main, "2027-01-02T02:30:00.123456789Z");
        made(&folder, Kind::Keys, "2027-01-03T02:30:00Z");
        let found = || find(&folder, Kind::Main).map(|(path, _)| path);
        let newer = fs::canonicalize(newer).unwrap();
        assert_eq!(found().unwrap(), newer);
        let whole = fs::read_to_string(newer.join(FILE)).unwrap();
        let moved = whole.replace("2027-01-02", "2027-01-01");
        for damaged in [whole.get(..whole.len() / 2), Some(""), Some(&moved), None] {
            match damaged {
                Some(text) => fs::write(newer.join(FILE), text).unwrap(),
                None => fs::remove_file(newer.join(FILE)).unwrap(),
            }
            assert!(matches!(found(), Err(BackupError::Unreadable(path)) if path == newer), "{damaged:?}");
            assert!(find(&older, Kind::Main).is_ok(), "an older one is taken when it is named");
        }
        assert!(find(&newer, Kind::Main).is_err());
        fs::write(newer.join(FILE), whole).unwrap();
        fs::write(older.join(FILE), "").unwrap();
        assert_eq!(found().unwrap(), newer, "an older one does not matter");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn backups_of_two_installations_are_told_apart() {
        let facts = |installation: &str| Facts {
            id: Uuid::nil(),
            at: Timestamp::UNIX_EPOCH,
            schema: "1".to_owned(),
            postgresql: 15,
            pg_dump: 15,
            installation: installation.to_owned(),
        };
        let of = |installation, kind| Manifest::new(kind, &facts(installation), Objects::LeftOut, Vec::new());
        let mut main = of("one", Kind::Main);
        assert!(main.is_of_one_installation(&of("one", Kind::Keys)));
        assert!(!main.is_of_one_installation(&of("another", Kind::Keys)));
        main.installation = None;
        assert!(main.is_of_one_installation(&of("another", Kind::Keys)), "it does not say");
    }
}
