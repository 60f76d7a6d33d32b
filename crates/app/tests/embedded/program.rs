//! A program of its own that starts a cluster, so that a test can kill it or run it as another
//! user: this test program, started once more.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use huntzen_app::embedded::{Embedded, Purpose};

/// The user and group `nobody` of Linux.
const NOBODY: u32 = 65534;

/// Whether the tests run as root.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A folder of its own, which every user may enter; removed at the end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("huntzen-embedded-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Self(path)
    }

    /// One that belongs to the user of [`Program::unprivileged`].
    pub fn unprivileged() -> Self {
        let folder = Self::new();
        if is_root() {
            chown(&folder.0, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        folder
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    pub fn cluster(&self) -> PathBuf {
        self.data().join("postgres")
    }

    /// The process number of the server that runs here.
    pub fn server(&self) -> Option<i32> {
        let text = fs::read_to_string(self.cluster().join("postmaster.pid")).ok()?;
        text.lines().next()?.trim().parse().ok()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder without write permission is part of one test.
        let _ = fs::set_permissions(&self.0, fs::Permissions::from_mode(0o755));
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// The other program.
pub struct Program {
    child: Child,
    note: PathBuf,
}

impl Program {
    /// As the user of the tests.
    pub fn start(data: &Path, purpose: Purpose) -> Self {
        let command = Command::new(std::env::current_exe().unwrap());
        Self::run(command, data, purpose)
    }

    /// As a user without privileges, also where the tests run as root.
    pub fn unprivileged(folder: &Folder, data: &Path, purpose: Purpose) -> Self {
        let own = std::env::current_exe().unwrap();
        if !is_root() {
            return Self::run(Command::new(own), data, purpose);
        }
        // The folder of the build may be closed to that user.
        let copy = folder.path().join("program");
        fs::copy(own, &copy).unwrap();
        let mut command = Command::new("setpriv");
        command.args([&format!("--reuid={NOBODY}"), &format!("--regid={NOBODY}"), "--clear-groups"]);
        command.arg("--").arg(copy);
        Self::run(command, data, purpose)
    }

    fn run(mut command: Command, data: &Path, purpose: Purpose) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("huntzen-note-{}-{number}", std::process::id());
        let note = std::env::temp_dir().join(name);
        let child = command
            .args(["--ignored", "--exact", "the_program", "--test-threads=1"])
            .env("HUNTZEN_TEST_DATA", data)
            .env("HUNTZEN_TEST_NOTE", &note)
            .env("HUNTZEN_TEST_PURPOSE", format!("{purpose:?}"))
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        Self { child, note }
    }

    /// What came of it: the folder of the socket, or the message of the refusal.
    pub fn outcome(&mut self) -> Result<PathBuf, String> {
        let started = Instant::now();
        while !self.note.exists() {
            assert!(started.elapsed() < Duration::from_mins(1), "the program says nothing");
            assert!(self.child.try_wait().unwrap().is_none(), "the program ended");
            std::thread::sleep(Duration::from_millis(5));
        }
        let text = fs::read_to_string(&self.note).unwrap();
        match text.split_once(' ').unwrap() {
            ("ready", socket) => Ok(PathBuf::from(socket)),
            (_, message) => Err(message.to_owned()),
        }
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Lets it end in order.
    pub fn finish(&mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.note);
    }
}

/// What the other program does: starts the cluster, says so, and ends with its standard input.
pub fn run() {
    let setting = |name: &str| std::env::var(name).unwrap();
    let purpose = match setting("HUNTZEN_TEST_PURPOSE").as_str() {
        "Serve" => Purpose::Serve,
        _ => Purpose::Command,
    };
    let started = Embedded::start(Path::new(&setting("HUNTZEN_TEST_DATA")), purpose);
    let text = match &started {
        Ok(cluster) => format!("ready {}", cluster.socket_folder().display()),
        Err(error) => format!("refused {error}"),
    };
    // Renamed into place: a reader never sees half of it.
    let note = PathBuf::from(setting("HUNTZEN_TEST_NOTE"));
    let half = note.with_extension("half");
    fs::write(&half, text).unwrap();
    fs::rename(half, note).unwrap();
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}
