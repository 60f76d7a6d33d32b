//! The real program as a process: over a data folder of its own, started, stopped, killed.
use std::{
    fs::{self, DirBuilder, OpenOptions},
    io,
    net::SocketAddr,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread::sleep,
    time::{Duration, Instant},
};

use diesel::{Connection, PgConnection, RunQueryDsl, sql_query, sql_types::Integer};
use huntzen_app::{
    demo,
    embedded::{Embedded, OWNER, Purpose},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::client::Client;

/// How long a start may take: a debug build on a busy machine, after a crash.
const START_PATIENCE: Duration = Duration::from_mins(2);
/// How long a stop may take; the server itself gives its requests half a minute.
const STOP_PATIENCE: Duration = Duration::from_mins(1);
const PREFIX: &str = "huntzen-test-";

static NUMBER: AtomicU32 = AtomicU32::new(0);
static SEEDED: OnceLock<PathBuf> = OnceLock::new();

/// The program that was built beside the running test or benchmark.
///
/// # Panics
/// When it was not built.
pub fn program() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let program = own.ancestors().nth(2).unwrap().join("huntzen");
    assert!(program.is_file(), "{} is missing: run `cargo build --bin huntzen` first", program.display());
    program
}

/// A data folder that is removed with this.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    /// Settings of the program, beside those that every test has.
    settings: Vec<(String, String)>,
}

impl DataFolder {
    /// An empty one.
    pub fn new() -> Self {
        Self { path: new_folder(), settings: Vec::new() }
    }

    /// One with the demonstration data, which are made once a process and then copied.
    pub fn seeded() -> Self {
        let template = SEEDED.get_or_init(|| {
            let template = Self::new();
            template.seed();
            // Not dropped: the folder stays for the copies, and the next process removes it.
            std::mem::ManuallyDrop::new(template).path.clone()
        });
        let copy = Self::new();
        let copied = Command::new("cp").arg("-a").arg(template.join(".")).arg(&copy.path).status().unwrap();
        assert!(copied.success(), "the seeded data folder could not be copied");
        copy
    }

    /// The same with an environment variable set for the program.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.settings.push((name.to_owned(), value.into()));
        self
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts the demonstration data into it.
    ///
    /// # Panics
    /// When the program refuses.
    pub fn seed(&self) {
        let done = self.run(&["seed"]);
        assert!(done.status.success(), "huntzen seed: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// Runs a command of the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Starts a command of the program, which says nothing to anybody.
    pub fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Starts the server and waits until it serves.
    ///
    /// # Panics
    /// When it ends instead.
    pub fn serve(&self) -> Server<'_> {
        Server::start(self)
    }

    /// The cluster of the server that runs over this folder; a superuser's access to it.
    pub fn cluster(&self) -> Embedded {
        Embedded::start(&self.path, Purpose::Command).unwrap()
    }

    /// A connection of the owner, who passes row security, while a server runs.
    pub fn owner(&self) -> PgConnection {
        PgConnection::establish(&self.cluster().url(OWNER)).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command
            .args(arguments)
            // No .env of whoever runs the tests has a say.
            .current_dir(&self.path)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HUNTZEN_ENV", "test")
            .env("HUNTZEN_DATA_DIR", &self.path)
            .env("HUNTZEN__TELEMETRY__LOG_FORMAT", "json")
            // A long run of rounds keeps the tokens that it began with.
            .env("JWT_EXPIRES_IN", "6h")
            .stdin(Stdio::null());
        if let Some(folder) = std::env::var_os("HUNTZEN_PG_BIN") {
            command.env("HUNTZEN_PG_BIN", folder);
        }
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl Default for DataFolder {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        // The cluster of a killed server ends by itself, a moment later.
        let note = self.path.join("postgres/postmaster.pid");
        let asked = Instant::now();
        while note.exists() && asked.elapsed() < Duration::from_secs(15) {
            sleep(Duration::from_millis(10));
        }
        // Where the cluster went when the folder is closed to its user.
        if let Ok(moved) = fs::read_to_string(self.path.join("postgres.moved")) {
            let _ = fs::remove_dir_all(moved);
        }
        // The next process removes what is left.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// A folder that the user of the cluster may walk through, even when that is another user.
pub(crate) fn new_folder() -> PathBuf {
    let parent = std::env::temp_dir();
    remove_left_overs(&parent);
    let name = format!("{PREFIX}{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let path = parent.join(name);
    DirBuilder::new().mode(0o711).create(&path).unwrap();
    path
}

/// Removes the folders of processes that are gone.
fn remove_left_overs(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next());
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// A running server; killed when it is dropped.
#[derive(Debug)]
pub struct Server<'a> {
    folder: &'a DataFolder,
    child: Child,
    address: SocketAddr,
}

impl<'a> Server<'a> {
    fn start(folder: &'a DataFolder) -> Self {
        let log = folder.path.join("serve.log");
        let to_log = OpenOptions::new().create(true).write(true).truncate(true).open(&log).unwrap();
        let mut child = folder.command(&["serve"]).stdout(Stdio::null()).stderr(to_log).spawn().unwrap();
        let started = Instant::now();
        let address = loop {
            if let Some(address) = announced(&log) {
                break address;
            }
            if let Some(status) = child.try_wait().unwrap() {
                panic!("huntzen serve ended with {status}: {}", fs::read_to_string(&log).unwrap_or_default());
            }
            if started.elapsed() > START_PATIENCE {
                let _ = child.kill();
                panic!("huntzen serve takes too long: {}", fs::read_to_string(&log).unwrap_or_default());
            }
            sleep(Duration::from_millis(1));
        };
        Self { folder, child, address }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it serves its metrics, once it has said so.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        address_in(&self.log(), "metrics are served")
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// A new connection without a token.
    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// The access token of an account of the demonstration.
    ///
    /// # Panics
    /// When the sign-in is refused.
    pub fn sign_in(&self, email: &str) -> String {
        let credentials = json!({ "email": email, "password": demo::PASSWORD });
        let answer = self.client().send("POST", "/auth/login", Some(&credentials)).unwrap();
        assert_eq!(answer.status, 200, "{email}: {}", answer.json());
        answer.json()["accessToken"].as_str().unwrap().to_owned()
    }

    /// Whether the process runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Asks it to stop, without waiting.
    pub fn terminate(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
    }

    /// Waits until it has ended by itself.
    ///
    /// # Panics
    /// When it does not.
    pub fn wait(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < STOP_PATIENCE, "the server does not stop: {}", self.log());
            sleep(Duration::from_millis(5));
        }
    }

    /// Stops it as an operator does.
    pub fn stop(mut self) -> ExitStatus {
        self.terminate();
        self.wait()
    }

    /// Stops it as an operator does; answers what it logged, to the last line.
    ///
    /// # Panics
    /// When it does not end well.
    pub fn stopped_log(self) -> String {
        let log = self.folder.path.join("serve.log");
        assert!(self.stop().success());
        fs::read_to_string(log).unwrap_or_default()
    }

    /// Ends it as the system does when memory runs out: at once, with nothing put in order.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// What it logged; lines of the last milliseconds may be on their way.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path.join("serve.log")).unwrap_or_default()
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in the log line that says so.
fn announced(log: &Path) -> Option<SocketAddr> {
    address_in(&fs::read_to_string(log).ok()?, "serving")
}

/// The address in the line of a log with this message.
fn address_in(log: &str, message: &str) -> Option<SocketAddr> {
    let message = format!("\"message\":\"{message}\"");
    let line: Value = serde_json::from_str(log.lines().find(|line| line.contains(&message))?).ok()?;
    line["address"].as_str()?.parse().ok()
}

#[derive(diesel::QueryableByName)]
struct Process {
    #[diesel(sql_type = Integer)]
    id: i32,
}

/// The process of the database server that a superuser is connected to.
///
/// # Panics
/// When somebody else asks.
pub fn postmaster(owner: &mut PgConnection) -> i32 {
    let query = "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::integer AS id";
    sql_query(query).get_result::<Process>(owner).unwrap().id
}

/// Ends a process at once.
///
/// # Panics
/// When there is no such process.
pub fn kill_at_once(process: i32) {
    kill_process(Pid::from_raw(process).unwrap(), Signal::KILL).unwrap();
}

/// Whether nothing accepts connections at `address` any more.
///
/// # Errors
/// When asking fails for another reason.
pub fn is_closed(address: SocketAddr) -> io::Result<bool> {
    match std::net::TcpStream::connect_timeout(&address, Duration::from_secs(1)) {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(true),
        Err(error) => Err(error),
    }
}
