//! Finds the PostgreSQL programs of this machine.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::EmbeddedError;

/// Oldest major version that the schema works with.
pub const OLDEST: u32 = 15;

/// The programs of one PostgreSQL.
#[derive(Clone, Debug)]
pub struct Binaries {
    /// The folder that holds `postgres` and `initdb`.
    pub folder: PathBuf,
    /// The major version.
    pub major: u32,
}

impl Binaries {
    /// The first usable PostgreSQL, of the version `wanted` by a cluster if there is one.
    ///
    /// `named` (from `HUNTZEN_PG_BIN`) is taken alone: who names a folder means it.
    ///
    /// # Errors
    /// When nothing usable is found.
    pub fn find(data_folder: &Path, named: Option<&Path>, wanted: Option<u32>) -> Result<Self, EmbeddedError> {
        if let Some(folder) = named {
            return Self::at(folder)
                .ok_or_else(|| EmbeddedError::NamedBinaries { oldest: OLDEST, folder: folder.to_owned() });
        }
        let own = data_folder.join("postgres-bin");
        let mut first = None;
        for folder in candidates(&own) {
            let Some(found) = Self::at(&folder) else {
                continue;
            };
            if wanted.is_none_or(|wanted| wanted == found.major) {
                return Ok(found);
            }
            first = first.or(Some(found));
        }
        // Of another version than the cluster: the caller says so, with both versions.
        first.ok_or(EmbeddedError::NoBinaries { oldest: OLDEST, own })
    }

    fn at(folder: &Path) -> Option<Self> {
        // A link such as /usr/local/bin/postgres leads to the folder where initdb lives as well.
        let server = fs::canonicalize(folder.join("postgres")).ok()?;
        let folder = server.parent()?.to_owned();
        if !folder.join("initdb").is_file() {
            return None;
        }
        let major = major(&answer(&server, "--version")?)?;
        (major >= OLDEST).then_some(Self { folder, major })
    }

    /// The path of one of the programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Where programs are looked for; `own` is the folder within the data folder.
pub fn candidates(own: &Path) -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<PathBuf> = env::split_paths(&path).collect();
    // Asked only when nothing before it fits: it costs a process.
    let by_config = std::iter::once_with(|| answer(Path::new("pg_config"), "--bindir")).flatten().map(PathBuf::from);
    let own = [own.join("bin"), own.to_owned()];
    on_path
        .into_iter()
        .chain(by_config)
        .chain(std::iter::once_with(|| packaged(Path::new("/usr/lib/postgresql"))).flatten())
        .chain(own)
}

/// The folders of Debian's packages, highest version first.
fn packaged(parent: &Path) -> Vec<PathBuf> {
    let mut versions: Vec<u32> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    versions.into_iter().map(|version| parent.join(version.to_string()).join("bin")).collect()
}

/// What a program prints when it is asked for one thing.
fn answer(program: impl AsRef<OsStr>, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// `postgres (PostgreSQL) 15.18 (Debian …)`, `17beta1`: the leading number of the third word.
fn major(text: &str) -> Option<u32> {
    let version = text.split_whitespace().nth(2)?;
    let end = version.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(version.len());
    version.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_every_form() {
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 17.2"), Some(17));
        assert_eq!(major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("postgres (PostgreSQL) 9.6.24"), Some(9));
        assert_eq!(major("postgres (PostgreSQL) unknown"), None);
        assert_eq!(major(""), None);
    }

    #[test]
    fn an_old_version_a_missing_one_and_one_without_initdb_are_no_binaries() {
        let folder = env::temp_dir().join(format!("huntzen-binaries-{}", std::process::id()));
        let write = |name: &str, script: &str| {
            use std::os::unix::fs::PermissionsExt as _;
            let path = folder.join(name);
            fs::write(&path, script).and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o755)))
        };
        assert!(fs::create_dir_all(&folder).is_ok());
        assert!(Binaries::at(&folder).is_none());
        assert!(write("postgres", "#!/bin/sh\necho 'postgres (PostgreSQL) 14.9'\n").is_ok());
        assert!(write("initdb", "#!/bin/sh\n").is_ok());
        assert!(Binaries::at(&folder).is_none(), "version 14 was taken");
        let refused = Binaries::find(Path::new("/nowhere"), Some(&folder), None);
        assert!(matches!(refused, Err(EmbeddedError::NamedBinaries { oldest: 15, .. })));
        assert!(write("postgres", "#!/bin/sh\necho 'postgres (PostgreSQL) 16.1'\n").is_ok());
        assert_eq!(Binaries::at(&folder).map(|found| found.major), Some(16));
        assert!(fs::remove_file(folder.join("initdb")).is_ok());
        assert!(Binaries::at(&folder).is_none(), "a folder without initdb was taken");
        assert!(fs::remove_dir_all(&folder).is_ok());
    }
}
