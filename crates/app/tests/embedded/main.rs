//! Tests of the private cluster against a real PostgreSQL: starts, crashes, refusals, users.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod program;
mod wire;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use huntzen_app::embedded::{Embedded, EmbeddedError, OWNER, Purpose};
use rustix::process::{Pid, Signal, kill_process};

use program::{Folder, Program, is_root};
use wire::{ask, ask_until_answered};

#[test]
#[ignore = "not a test: the program that the tests start, kill and run as another user"]
fn the_program() {
    program::run();
}

const WRITE: &str = "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('still here')";
const READ: &str = "SELECT word FROM kept";

fn serve(folder: &Folder) -> Embedded {
    Embedded::start(&folder.data(), Purpose::Serve).unwrap()
}

/// Whether a process runs; one that has ended and is only not yet asked for its result does not.
fn is_alive(process: i32) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|text| !text.contains("(postgres) Z"))
}

fn wait_until(what: &str, done: impl Fn() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < Duration::from_secs(30), "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_cold_start_makes_a_private_cluster_and_a_warm_one_finds_it() {
    let folder = Folder::new();
    let mut cluster = serve(&folder);
    assert!(cluster.is_owner());
    let socket = cluster.socket_folder().to_owned();
    assert!(cluster.url(OWNER).starts_with("postgresql://huntzen_owner@/huntzen?host=%2F"));
    for (setting, value) in [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("listen_addresses", ""),
        ("server_encoding", "UTF8"),
        ("TimeZone", "UTC"),
        ("jit", "off"),
    ] {
        assert_eq!(ask(&socket, &format!("SHOW {setting}")).unwrap(), value, "{setting}");
    }
    for folder in [folder.cluster(), socket.clone()] {
        let found = fs::metadata(&folder).unwrap();
        assert_eq!(found.mode() & 0o777, 0o700, "{}", folder.display());
        assert_ne!(found.uid(), 0, "{} is root's", folder.display());
    }
    ask(&socket, WRITE).unwrap();
    let identity = "SELECT system_identifier FROM pg_control_system()";
    let before = ask(&socket, identity).unwrap();
    let server = folder.server().unwrap();
    cluster.stop();
    assert!(!is_alive(server) && folder.server().is_none(), "the server did not end");
    assert!(ask(&socket, READ).is_err());
    drop(cluster);

    let cluster = serve(&folder);
    assert_eq!(ask(cluster.socket_folder(), READ).unwrap(), "still here");
    assert_eq!(ask(cluster.socket_folder(), identity).unwrap(), before);
}

#[test]
fn a_killed_program_takes_its_server_along_and_loses_nothing() {
    let folder = Folder::new();
    let mut program = Program::start(&folder.data(), Purpose::Serve);
    let socket = program.outcome().unwrap();
    ask(&socket, WRITE).unwrap();
    let server = folder.server().unwrap();
    program.kill();

    // At once: the old server may still be stopping.
    let cluster = serve(&folder);
    assert_eq!(ask(cluster.socket_folder(), READ).unwrap(), "still here");
    assert!(!is_alive(server), "the old server is still there");
    drop(cluster);

    let mut program = Program::start(&folder.data(), Purpose::Serve);
    program.outcome().unwrap();
    let server = folder.server().unwrap();
    program.kill();
    wait_until("the server ends with its program", || !is_alive(server));
}

#[test]
fn a_killed_server_comes_back_by_itself() {
    let folder = Folder::new();
    let cluster = serve(&folder);
    ask(cluster.socket_folder(), WRITE).unwrap();
    for _ in 0..2 {
        let server = folder.server().unwrap();
        kill_process(Pid::from_raw(server).unwrap(), Signal::KILL).unwrap();
        wait_until("the server is another one", || folder.server().is_some_and(|found| found != server));
        assert_eq!(ask_until_answered(cluster.socket_folder(), READ), "still here");
    }
}

#[test]
fn a_cluster_of_another_version_is_refused_and_left_alone() {
    let folder = Folder::new();
    drop(serve(&folder));
    let version = folder.cluster().join("PG_VERSION");
    let right = fs::read_to_string(&version).unwrap();
    fs::write(&version, "14\n").unwrap();
    let error = Embedded::start(&folder.data(), Purpose::Serve).unwrap_err();
    assert!(matches!(error, EmbeddedError::OtherVersion { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("PostgreSQL 14") && text.contains(right.trim()), "{text}");

    fs::write(&version, right).unwrap();
    assert!(serve(&folder).is_owner());
}

#[test]
fn a_folder_of_something_else_is_refused_and_left_alone() {
    let folder = Folder::new();
    fs::create_dir_all(folder.cluster()).unwrap();
    let precious = folder.cluster().join("precious");
    fs::write(&precious, "data").unwrap();
    let error = Embedded::start(&folder.data(), Purpose::Serve).unwrap_err();
    assert!(matches!(error, EmbeddedError::NotACluster(_)), "{error}");
    assert_eq!(fs::read_to_string(precious).unwrap(), "data");
}

#[test]
fn a_read_only_folder_is_refused_by_name() {
    let folder = Folder::unprivileged();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let elsewhere = Folder::new();
    let mut program = Program::unprivileged(&elsewhere, &folder.data(), Purpose::Serve);
    let message = program.outcome().unwrap_err();
    assert!(message.contains(folder.data().to_str().unwrap()), "{message}");
    assert!(message.contains("Permission denied"), "{message}");
}

#[test]
fn without_privileges_the_server_runs_as_the_programs_user() {
    let folder = Folder::unprivileged();
    let mut program = Program::unprivileged(&folder, &folder.data(), Purpose::Serve);
    let socket = program.outcome().unwrap();
    assert_eq!(ask(&socket, "SELECT 1").unwrap(), "1");
    let user = |path: &Path| fs::metadata(path).unwrap().uid();
    let server = Path::new("/proc").join(folder.server().unwrap().to_string());
    assert_eq!(user(&server), user(folder.path()));
    assert_ne!(user(&server), 0);
    program.finish();
    assert!(folder.server().is_none(), "the server did not end with its program");
}

#[test]
fn as_root_a_closed_folder_sends_the_cluster_elsewhere_and_else_it_is_refused() {
    let folder = Folder::new();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    if is_root() {
        let cluster = serve(&folder);
        let elsewhere = cluster.moved_to().unwrap();
        assert!(elsewhere.starts_with("/var/lib/huntzen"), "{}", elsewhere.display());
        assert_eq!(ask(cluster.socket_folder(), "SELECT 1").unwrap(), "1");
        assert_eq!(fs::read_to_string(folder.data().join("postgres.moved")).unwrap(), elsewhere.to_str().unwrap());
        drop(cluster);
        assert!(elsewhere.join("postgres/PG_VERSION").exists());
        fs::remove_dir_all(elsewhere).unwrap();
    } else {
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o600)).unwrap();
        let error = Embedded::start(&folder.data(), Purpose::Serve).unwrap_err();
        assert!(matches!(error, EmbeddedError::Folder { .. }), "{error}");
    }
}

#[test]
fn a_command_uses_the_socket_of_a_running_server() {
    let folder = Folder::new();
    let mut program = Program::start(&folder.data(), Purpose::Serve);
    let socket = program.outcome().unwrap();
    let mut command = Embedded::start(&folder.data(), Purpose::Command).unwrap();
    assert!(!command.is_owner());
    assert_eq!(command.socket_folder(), socket);
    ask(&socket, WRITE).unwrap();
    command.stop();
    drop(command);
    assert_eq!(ask(&socket, READ).unwrap(), "still here", "the command stopped the server");
    program.finish();
}

#[test]
fn a_second_server_waits_and_is_refused() {
    let folder = Folder::new();
    let first = serve(&folder);
    let started = Instant::now();
    let error = Embedded::start(&folder.data(), Purpose::Serve).unwrap_err();
    assert!(started.elapsed() >= Duration::from_secs(10));
    assert!(matches!(error, EmbeddedError::Busy { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(&format!("serve, process {}", std::process::id())), "{text}");
    assert_eq!(ask(first.socket_folder(), "SELECT 1").unwrap(), "1");
}

#[test]
fn a_server_and_a_command_wait_for_a_command_to_be_done() {
    let folder = Folder::new();
    let mut command = Program::start(&folder.data(), Purpose::Command);
    ask(&command.outcome().unwrap(), WRITE).unwrap();
    let mut server = Program::start(&folder.data(), Purpose::Serve);
    command.finish();
    let socket = server.outcome().unwrap();
    assert_eq!(ask(&socket, READ).unwrap(), "still here");
}

#[test]
fn a_half_made_cluster_is_made_again() {
    let folder = Folder::new();
    let unfinished = folder.data().join("postgres.initdb");
    let mut program = Program::start(&folder.data(), Purpose::Serve);
    wait_until("the making has begun", || unfinished.join("PG_VERSION").exists());
    program.kill();
    assert!(!folder.cluster().exists(), "a half cluster has the name of a whole one");

    let cluster = serve(&folder);
    assert_eq!(ask(cluster.socket_folder(), "SELECT 1").unwrap(), "1");
    assert!(!unfinished.exists());
}

#[test]
fn a_long_path_gets_a_short_socket() {
    let folder = Folder::new();
    let data = folder.data().join("long".repeat(30));
    let cluster = Embedded::start(&data, Purpose::Serve).unwrap();
    let socket = cluster.socket_folder().to_owned();
    assert!(socket.as_os_str().len() < 60, "{}", socket.display());
    assert_eq!(fs::metadata(&socket).unwrap().mode() & 0o777, 0o700);
    assert_eq!(ask(&socket, "SELECT 1").unwrap(), "1");
    drop(cluster);
    // Someone else's folder of that name is not used.
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o777)).unwrap();
    let error = Embedded::start(&data, Purpose::Serve).unwrap_err();
    assert!(matches!(error, EmbeddedError::UnsafeSocketFolder(_)), "{error}");
    fs::remove_dir(socket).unwrap();
}

#[test]
fn a_stale_note_with_a_strangers_number_does_not_keep_it_from_starting() {
    let folder = Folder::new();
    let mut program = Program::start(&folder.data(), Purpose::Serve);
    program.outcome().unwrap();
    let note = folder.cluster().join("postmaster.pid");
    let old = fs::read_to_string(&note).unwrap();
    program.finish();
    let (_, rest) = old.split_once('\n').unwrap();
    fs::write(&note, format!("{}\n{rest}", std::process::id())).unwrap();
    let cluster = serve(&folder);
    assert_eq!(ask(cluster.socket_folder(), "SELECT 1").unwrap(), "1");
}
