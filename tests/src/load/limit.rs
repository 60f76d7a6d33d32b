//! The limit of a row: the same statements sent by pgbench, prepared, as the program's role.
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// How pgbench reaches the cluster.
#[derive(Debug)]
pub struct Pgbench {
    /// The program, beside the server that runs; none when the package lacks it.
    pub program: Option<PathBuf>,
    /// The folder of the socket.
    pub socket: PathBuf,
    /// Where the scripts go.
    pub scripts: PathBuf,
}

impl Pgbench {
    /// The pgbench of the PostgreSQL whose server is this process.
    pub fn beside(postmaster: i32, socket: &Path, scripts: &Path) -> Self {
        let server = fs::read_link(format!("/proc/{postmaster}/exe")).ok();
        let program = server.and_then(|server| Some(server.parent()?.join("pgbench"))).filter(|path| path.is_file());
        Self { program, socket: socket.to_owned(), scripts: scripts.to_owned() }
    }

    /// Transactions a second over all scripts, each run by a client of its own, all at once;
    /// `runs` is where the scripts' variable of that name begins.
    ///
    /// # Errors
    /// What pgbench complained of, or that there is none.
    pub fn rate(&self, scripts: &[String], seconds: u64, runs: u64) -> Result<f64, String> {
        let program = self.program.as_ref().ok_or("pgbench missing")?;
        let started: Vec<Child> = scripts
            .iter()
            .enumerate()
            .map(|(number, script)| {
                let path = self.scripts.join(format!("client-{number}.sql"));
                fs::write(&path, script).unwrap();
                self.command(program, &path, seconds, runs).spawn().unwrap()
            })
            .collect();
        let mut total = 0.0;
        for child in started {
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            let rate =
                said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse::<f64>().ok());
            match rate {
                Some(rate) if output.status.success() => total += rate,
                _ => return Err(format!("pgbench failed: {}", complaint(&output.stderr))),
            }
        }
        Ok(total)
    }

    fn command(&self, program: &Path, script: &Path, seconds: u64, runs: u64) -> Command {
        let mut command = Command::new(program);
        command
            .args(["--no-vacuum", "--protocol=prepared", "--client=1", "--jobs=1", "--random-seed=1"])
            .arg(format!("--time={seconds}"))
            .arg(format!("--define=run={runs}"))
            .arg(format!("--file={}", script.display()))
            .arg(format!("--host={}", self.socket.display()))
            .args(["--port=5432", "--username=huntzen_app", "huntzen"])
            .env_remove("PGOPTIONS")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

/// The one line that says what the database refused, or else the last.
fn complaint(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let refused = said.lines().find(|line| line.contains("ERROR:")).or_else(|| said.lines().last());
    refused.unwrap_or("it said nothing").to_owned()
}
