//! `pg_dump` and `pg_restore`: finding the right ones, and running them without telling secrets.

use std::env;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use secrecy::{ExposeSecret, SecretString};

use super::error::BackupError;
use crate::database::{DatabaseError, Parts};
use crate::embedded::program_folders;

/// One of the programs.
#[derive(Debug)]
pub(super) struct Program {
    name: &'static str,
    path: PathBuf,
    /// Its major version.
    pub(super) major: u32,
}

impl Program {
    /// The program of the lowest major version that is `at_least`: a newer one may write what an older
    /// server does not understand.
    pub(super) fn find(
        name: &'static str,
        at_least: u32,
        data_folder: &Path,
        named: Option<&Path>,
    ) -> Result<Self, BackupError> {
        let known = |folder: PathBuf| {
            let path = folder.join(name);
            let output = Command::new(&path).arg("--version").stdin(Stdio::null()).output().ok()?;
            let major = major(&String::from_utf8(output.stdout).ok()?)?;
            (output.status.success() && major >= at_least).then_some(Self { name, path, major })
        };
        // Of equal ones the first that is found.
        let found = program_folders(data_folder, named).into_iter().filter_map(known).min_by_key(|found| found.major);
        found.ok_or(BackupError::NoProgram { program: name, version: at_least })
    }

    /// Runs it against a database; `take` gets what it writes. The password stands in its environment,
    /// which only this user can read, never on its command line.
    pub(super) fn run<T>(
        &self,
        target: &Target,
        arguments: &[&str],
        file: Option<&Path>,
        take: impl FnOnce(&mut dyn std::io::Read) -> Result<T, BackupError>,
    ) -> Result<T, BackupError> {
        // It ends with this program: whoever runs the command again must not meet the one before.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(&self.path).args(arguments).arg("--dbname").arg(&target.url);
        command.args(file).env_clear().env("LC_ALL", "C").env("PGAPPNAME", "huntzen backup");
        let is_ours = |name: &str| ["PATH", "HOME"].contains(&name) || name.starts_with("PG");
        command.envs(env::vars().filter(|(name, _)| is_ours(name)));
        if let Some(password) = &target.password {
            command.env("PGPASSWORD", password.expose_secret());
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Ended(command.spawn().map_err(BackupError::io(Path::new("setpriv")))?);
        let (Some(mut output), Some(mut errors)) = (child.0.stdout.take(), child.0.stderr.take()) else {
            return Err(self.failed("it could not be heard"));
        };
        let heard = thread::spawn(move || {
            let mut text = Vec::new();
            let _ = errors.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        let taken = take(&mut output);
        drop(output);
        let status = child.0.wait().map_err(BackupError::io(&self.path))?;
        let said = heard.join().unwrap_or_default();
        // What it could not write is what we could not take.
        let taken = taken?;
        if status.success() { Ok(taken) } else { Err(self.failed(first_error(&said))) }
    }

    fn failed(&self, said: &str) -> BackupError {
        BackupError::Program { program: self.name, said: said.to_owned() }
    }
}

/// A child that does not outlive its parent's interest in it.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It has ended already, unless something failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The first error of a program of PostgreSQL. Details and contexts quote rows, and are left out.
fn first_error(said: &str) -> &str {
    let error = said.lines().find_map(|line| line.split_once("error: ").map(|(_, error)| error));
    error.or_else(|| said.lines().next()).unwrap_or("it said nothing")
}

/// `pg_dump (PostgreSQL) 15.18 (Debian …)`, `17beta1`: the leading number of the third word.
fn major(text: &str) -> Option<u32> {
    let version = text.split_whitespace().nth(2)?;
    let end = version.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(version.len());
    version.get(..end)?.parse().ok()
}

/// Where to, and the password apart.
#[derive(Debug)]
pub(super) struct Target {
    url: String,
    password: Option<SecretString>,
}

impl Target {
    /// Takes the password out of what the setting `name` says.
    pub(super) fn of(name: &'static str, url: &str) -> Result<Self, BackupError> {
        let Some(mut parts) = Parts::of(url) else {
            // Key words and values, as libpq also understands them.
            let is_url = url.contains("://");
            let has_secret = url.contains("password");
            return if is_url || has_secret {
                Err(DatabaseError::Url(name).into())
            } else {
                Ok(Self { url: url.to_owned(), password: None })
            };
        };
        let (role, mut password) = match parts.role.and_then(|role| role.split_once(':')) {
            Some((role, password)) => (Some(role), Some(decoded(password))),
            None => (parts.role, None),
        };
        // One in the query wins over the one in the authority.
        let is_password = |pair: &str| Parts::key(pair) == "password";
        if let Some((_, value)) =
            parts.pairs.iter().rfind(|pair| is_password(pair)).and_then(|pair| pair.split_once('='))
        {
            password = Some(decoded(value));
        }
        parts.pairs.retain(|pair| !is_password(pair));
        Ok(Self { url: parts.url(role), password: password.map(SecretString::from) })
    }
}

/// Takes percent-encoding away (RFC 3986 §2.1).
fn decoded(text: &str) -> String {
    let form = text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    let pairs = url::form_urlencoded::parse(form.as_bytes()).next();
    pairs.map(|(key, _)| key.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn the_password_never_stays_in_what_the_command_line_shows() {
        let parted = |url: &str| {
            let target = Target::of("DATABASE_OWNER_URL", url).unwrap();
            (target.url, target.password.map(|password| password.expose_secret().to_owned()))
        };
        let secret = |text: &str| Some(text.to_owned());
        assert_eq!(
            parted("postgres://huntzen_backup:p%40s%2Bs+w@db:5433/care?sslmode=require"),
            ("postgres://huntzen_backup@db:5433/care?sslmode=require".to_owned(), secret("p@s+s+w"))
        );
        assert_eq!(
            parted("postgresql:///care?host=/run/pg&user=huntzen_backup&password=a%26b"),
            ("postgresql:///care?host=/run/pg&user=huntzen_backup".to_owned(), secret("a&b"))
        );
        let socket = "postgresql://huntzen_owner@/huntzen?host=%2Fsrv%2Frun&port=5432";
        assert_eq!(parted(socket), (socket.to_owned(), None));
        assert_eq!(
            parted(
                "postgres://me:p%40+w@a.example:5432,b.example:5433/care?target_session_attrs=read-write&password=x"
            ),
            (
                "postgres://me@a.example:5432,b.example:5433/care?target_session_attrs=read-write".to_owned(),
                secret("x")
            )
        );
        assert_eq!(
            parted("postgresql://me:secret@/huntzen"),
            ("postgresql://me@/huntzen".to_owned(), secret("secret"))
        );
        assert_eq!(parted("host=db dbname=care"), ("host=db dbname=care".to_owned(), None));
        for url in ["host=db password=secret", "mysql://db/care"] {
            let refused = Target::of("DATABASE_OWNER_URL", url).unwrap_err().to_string();
            assert_eq!(refused, "DATABASE_OWNER_URL is not a postgres:// URL");
        }
    }

    #[test]
    fn what_is_told_of_a_failure_quotes_no_row() {
        let said = "pg_restore: error: could not execute query: ERROR:  duplicate key\nDETAIL:  Key (email)=(a@b.c)";
        assert_eq!(first_error(said), "could not execute query: ERROR:  duplicate key");
        assert_eq!(first_error(""), "it said nothing");
    }

    #[test]
    fn the_major_version_is_read() {
        assert_eq!(major("pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(major("pg_restore (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major(""), None);
    }
}
