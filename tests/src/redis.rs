//! A Redis of a test's own: on the loopback, with a password, without persistence, gone with the thread that started it.
use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{JoinHandle, sleep},
    time::{Duration, Instant},
};

use data_encoding::HEXLOWER_PERMISSIVE;
use huntzen_adapter_crypto::{OsRandomness, XChaChaNodeSeal};
use huntzen_adapter_redis::{Link, RedisSettings};
use redis::Commands;
use rustix::process::{Pid, Signal, kill_process};

use crate::{relay::Relay, server::new_folder};

const PASSWORD: &str = "test-only";
/// How long a start may take, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server; killed when this is dropped.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    folder: PathBuf,
    child: Option<Child>,
}

impl RedisServer {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// When there is none to start.
    pub fn start() -> Self {
        let mut server = Self::stopped();
        server.start_again();
        server
    }

    /// One that does not run yet; nobody listens on its port.
    pub fn stopped() -> Self {
        let folder = new_folder();
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        Self { port: free.local_addr().unwrap().port(), folder, child: None }
    }

    /// Starts it, empty, on the same port.
    ///
    /// # Panics
    /// When it does not answer in time.
    pub fn start_again(&mut self) {
        let port = self.port.to_string();
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(program())
            .args(["--port", &port, "--bind", "127.0.0.1", "--requirepass", PASSWORD])
            .args(["--save", "", "--appendonly", "no", "--maxmemory", "64mb", "--maxmemory-policy", "volatile-ttl"])
            .arg("--dir")
            .arg(&self.folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        let started = Instant::now();
        while !self.answers() {
            assert!(started.elapsed() < PATIENCE, "redis does not answer on port {port}");
            sleep(Duration::from_millis(5));
        }
    }

    /// Ends it at once, with everything that it held.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Lets it answer nothing, though it takes connections.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(self.child.as_ref().unwrap()), signal).unwrap();
    }

    /// How the program names it.
    pub fn url(&self) -> String {
        url("", self.port)
    }

    /// A way to it that can be cut, and how the program names it that takes that way.
    pub fn relay(&self) -> (Relay, String) {
        let relay = Relay::to(self.port);
        let url = url("", relay.port());
        (relay, url)
    }

    /// A link as a node of the installation with this secret has it.
    pub fn link(&self, secret: &str) -> Arc<Link> {
        link(self.url(), secret)
    }

    /// The same by another way.
    pub fn link_at(&self, url: String, secret: &str) -> Arc<Link> {
        link(url, secret)
    }

    /// The same with an account of its own, which may do everything until [`Self::allow`] says something else.
    pub fn link_of(&self, user: &str, secret: &str) -> Arc<Link> {
        let all = ["on", &format!(">{PASSWORD}"), "~*", "&*", "+@all"];
        redis::cmd("ACL").arg("SETUSER").arg(user).arg(&all).exec(&mut self.connection()).unwrap();
        link(url(user, self.port), secret)
    }

    /// Changes what an account may do, as `ACL SETUSER` has it: `-publish`, `+publish`. Its connections stay.
    pub fn allow(&self, user: &str, rule: &str) {
        redis::cmd("ACL").arg("SETUSER").arg(user).arg(rule).exec(&mut self.connection()).unwrap();
    }

    /// Everything that it holds, as it would write it to disk, nothing of it compressed.
    pub fn snapshot(&self) -> Vec<u8> {
        let mut connection = self.connection();
        redis::cmd("CONFIG").arg("SET").arg("rdbcompression").arg("no").exec(&mut connection).unwrap();
        redis::cmd("SAVE").exec(&mut connection).unwrap();
        fs::read(self.folder.join("dump.rdb")).unwrap()
    }

    /// A connection past everything that the program does.
    pub fn connection(&self) -> redis::Connection {
        redis::Client::open(self.url()).unwrap().get_connection().unwrap()
    }

    /// Every key with all that is under it, as Redis serialises it.
    pub fn dump(&self) -> Vec<(String, Vec<u8>)> {
        let mut connection = self.connection();
        let keys: Vec<String> = connection.keys("*").unwrap();
        let dumped = keys.into_iter().map(|key| {
            // It may have expired meanwhile.
            let content: Option<Vec<u8>> = redis::cmd("DUMP").arg(&key).query(&mut connection).unwrap();
            (key, content.unwrap_or_default())
        });
        dumped.collect()
    }

    /// How many commands it has carried out, and how many of them were this one, in lower case; those that scripts
    /// call count too.
    pub fn calls(&self, command: &str) -> u64 {
        let stats: String = redis::cmd("INFO").arg("commandstats").query(&mut self.connection()).unwrap();
        let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
        line.and_then(|rest| rest.split(',').next()).map_or(0, |calls| calls.parse().unwrap())
    }

    /// Listens to every command that it carries out from now on.
    pub fn overhear(&self) -> Overheard {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream.write_all(format!("AUTH {PASSWORD}\r\nMONITOR\r\n").as_bytes()).unwrap();
        let mut answers = [0; 10];
        stream.read_exact(&mut answers).unwrap();
        assert_eq!(&answers, b"+OK\r\n+OK\r\n");
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let heard = std::thread::spawn(move || {
            let mut heard = Vec::new();
            let mut piece = [0; 8 * 1024];
            while !over.load(Ordering::SeqCst) {
                let length = stream.read(&mut piece).unwrap_or(0);
                heard.extend_from_slice(&piece[..length]);
            }
            heard
        });
        Overheard { is_over, heard }
    }

    fn answers(&self) -> bool {
        let client = redis::Client::open(self.url()).unwrap();
        client.get_connection().and_then(|mut connection| redis::cmd("PING").exec(&mut connection)).is_ok()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// What a Redis was told, with every argument; what is not printable as `\x00`.
#[derive(Debug)]
pub struct Overheard {
    is_over: Arc<AtomicBool>,
    heard: JoinHandle<Vec<u8>>,
}

impl Overheard {
    /// All of it until now, as it was sent: whatever bytes that were.
    pub fn plain_until_now(self) -> Vec<u8> {
        unescaped(&self.until_now())
    }

    /// All of it until now.
    pub fn until_now(self) -> Vec<u8> {
        // What was just carried out is on its way.
        sleep(Duration::from_millis(200));
        self.is_over.store(true, Ordering::SeqCst);
        self.heard.join().unwrap()
    }
}

/// What stands in lines of `MONITOR`, with every byte as it was.
fn unescaped(lines: &[u8]) -> Vec<u8> {
    let (mut plain, mut rest) = (Vec::with_capacity(lines.len()), lines);
    loop {
        rest = match rest {
            [] => return plain,
            [b'\\', b'x', high, low, after @ ..] if [high, low].iter().all(|digit| digit.is_ascii_hexdigit()) => {
                plain.extend(HEXLOWER_PERMISSIVE.decode(&[*high, *low]).unwrap());
                after
            }
            [b'\\', letter, after @ ..] => {
                plain.push(match letter {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'a' => 0x07,
                    b'b' => 0x08,
                    other => *other,
                });
                after
            }
            [byte, after @ ..] => {
                plain.push(*byte);
                after
            }
        }
    }
}

fn url(user: &str, port: u16) -> String {
    format!("redis://{user}:{PASSWORD}@127.0.0.1:{port}")
}

fn link(url: String, secret: &str) -> Arc<Link> {
    let settings = RedisSettings::Url { url: url.into(), password: None };
    let seal = Arc::new(XChaChaNodeSeal::new(&secret.into(), Arc::new(OsRandomness)));
    Link::new(&settings, seal, &OsRandomness).unwrap()
}

/// The server program. A test never passes because there is none.
fn program() -> PathBuf {
    if let Some(named) = std::env::var_os("HUNTZEN_REDIS_BIN").filter(|named| !named.is_empty()) {
        return named.into();
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&folders)
        .flat_map(|folder| ["redis-server", "valkey-server"].map(|name| folder.join(name)));
    let found = places.into_iter().find(|place| Path::new(place).is_file());
    found.unwrap_or_else(|| panic!("there is no Redis: `deploy/scripts/ensure-redis` gets one, as `make test` does"))
}
