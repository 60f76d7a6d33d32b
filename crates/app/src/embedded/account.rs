//! The user under which the server runs: PostgreSQL refuses to be root.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::error::EmbeddedError;

/// What starts the server's programs, as a person may have to install it.
pub const LAUNCHER: &str = "setpriv (package util-linux)";

/// The user under which the server runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Account {
    uid: u32,
    gid: u32,
    /// Whether this program is root and has to change to that user.
    changes: bool,
}

impl Account {
    /// This program's own user; as root `postgres`, or else `nobody`.
    ///
    /// # Errors
    /// As root, when the machine has neither.
    pub fn of_server() -> Result<Self, EmbeddedError> {
        let uid = rustix::process::geteuid().as_raw();
        if uid != 0 {
            let gid = rustix::process::getegid().as_raw();
            return Ok(Self { uid, gid, changes: false });
        }
        let users = fs::read_to_string("/etc/passwd").map_err(EmbeddedError::folder(Path::new("/etc/passwd")))?;
        ["postgres", "nobody"].into_iter().find_map(|name| listed(&users, name)).ok_or(EmbeddedError::NoAccount)
    }

    /// Whether this program is root and the server another user.
    pub fn changes(self) -> bool {
        self.changes
    }

    /// Whether the server's user may walk through every folder down to `folder`.
    pub fn may_enter(self, folder: &Path) -> bool {
        folder.ancestors().all(|folder| {
            fs::metadata(folder).is_ok_and(|found| self.may_enter_one(found.uid(), found.gid(), found.mode()))
        })
    }

    fn may_enter_one(self, owner: u32, group: u32, mode: u32) -> bool {
        let bit = if owner == self.uid {
            0o100
        } else if group == self.gid {
            0o010
        } else {
            0o001
        };
        mode & bit != 0
    }

    /// Whether a file or folder belongs to the server's user.
    pub fn owns(self, path: &Path) -> bool {
        fs::symlink_metadata(path).is_ok_and(|found| found.uid() == self.uid)
    }

    /// Gives a folder and all in it to the server's user, where it is another one's.
    ///
    /// # Errors
    /// When the system refuses, or when this program is not root and the folder another user's.
    pub fn take(self, path: &Path) -> Result<(), EmbeddedError> {
        if self.owns(path) {
            return Ok(());
        }
        if !self.changes {
            return Err(EmbeddedError::OtherOwner(path.to_owned()));
        }
        self.take_all(path)
    }

    fn take_all(self, path: &Path) -> Result<(), EmbeddedError> {
        let found = fs::symlink_metadata(path).map_err(EmbeddedError::folder(path))?;
        if found.is_dir() {
            for entry in fs::read_dir(path).map_err(EmbeddedError::folder(path))? {
                self.take_all(&entry.map_err(EmbeddedError::folder(path))?.path())?;
            }
        }
        lchown(path, Some(self.uid), Some(self.gid)).map_err(EmbeddedError::folder(path))
    }

    /// A command that runs as the server's user and ends when the thread that starts it does.
    ///
    /// It has its own process group, so that an interrupt typed at the terminal reaches this
    /// program alone, which then stops the server in its turn.
    pub fn command(self, program: &Path) -> Command {
        let mut command = Command::new("setpriv");
        // SIGINT asks the server for a fast shutdown: open transactions end, no data is lost.
        command.arg("--pdeathsig").arg("INT");
        if self.changes {
            command.arg(format!("--reuid={}", self.uid)).arg(format!("--regid={}", self.gid)).arg("--clear-groups");
        }
        command
            .arg("--")
            .arg(program)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").as_deref().unwrap_or(OsStr::new("/usr/bin:/bin")))
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .current_dir("/")
            .stdin(Stdio::null())
            .process_group(0);
        command
    }
}

/// One user of `/etc/passwd` (passwd(5)).
fn listed(users: &str, name: &str) -> Option<Account> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Account { uid, gid, changes: true })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str = "root:x:0:0:root:/root:/bin/bash\n\
        postgresql:x:7:7::/:/bin/false\n\
        postgres:x:101:104:PostgreSQL:/var/lib/postgresql:/bin/bash\n\
        nobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin\n";

    #[test]
    fn users_are_found_by_their_whole_name() {
        let postgres = Account { uid: 101, gid: 104, changes: true };
        assert_eq!(listed(USERS, "postgres"), Some(postgres));
        let nobody = Account { uid: 65534, gid: 65533, changes: true };
        assert_eq!(listed(USERS, "nobody"), Some(nobody));
        assert_eq!(listed(USERS, "huntzen"), None);
        assert_eq!(listed("postgres:x\n", "postgres"), None);
    }

    #[test]
    fn a_folder_is_open_by_the_bits_of_the_closest_class() {
        let account = Account { uid: 101, gid: 104, changes: true };
        assert!(account.may_enter_one(0, 0, 0o711));
        assert!(!account.may_enter_one(0, 0, 0o750));
        assert!(account.may_enter_one(0, 104, 0o710));
        assert!(!account.may_enter_one(0, 104, 0o701));
        assert!(account.may_enter_one(101, 104, 0o700));
        assert!(!account.may_enter_one(101, 104, 0o077));
    }
}
