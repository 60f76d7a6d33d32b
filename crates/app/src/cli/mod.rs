//! The command line of the one binary `huntzen`.
mod admin;
mod audit;
mod backup;
mod check;
mod keys;
mod migrate;
mod openapi;
mod restore;
mod seed;
mod serve;

use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use crate::{
    backup::BackupError,
    config::{Config, Sources},
    telemetry::{self, LastLines},
};

/// The exit code of a restore that lacks bytes of files, and nothing else.
const FILES_MISSING: u8 = 3;

/// Why a command did not do its work; the message is meant for the person at the terminal.
pub type Failure = Box<dyn Error + Send + Sync>;

/// The back end of HuntZen Care: workplace mental health under absolute medical secrecy.
#[derive(Debug, Parser)]
#[command(name = "huntzen", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API until a signal says stop; what was accepted is finished first
    Serve,
    /// Bring the database's schema up to date, and make the roles outside production
    Migrate,
    /// Fill the database with the demonstration data (never in production)
    Seed,
    /// Manage operators
    #[command(subcommand)]
    Admin(AdminCommand),
    /// The ring of master keys that everything confidential is sealed under
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Prove the audit trail, or cut it below a signed checkpoint
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Back up the database, its data keys apart, and the files, while everybody works
    Backup(backup::BackupFolders),
    /// Put a backup into an empty database; whoever was erased since stays erased. Ends with 3 when all is there
    /// but the bytes of some files
    Restore(restore::RestoreFolders),
    /// Print the API's document (OpenAPI 3.1) as JSON
    Openapi,
    /// Look at the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    /// Create an operator (`SUPER_ADMIN`); the password is asked for, or read from standard input
    Create(admin::NewAdmin),
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print the effective values, secrets masked; fails when something is wrong
    Check,
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = {
        let _lines = LastLines;
        run(&arguments.command)
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(failure.as_ref());
            code_of(failure.as_ref())
        }
    }
}

/// How the process ends after a failure: what is done but for files without bytes is told apart from what is
/// not done.
fn code_of(failure: &(dyn Error + Send + Sync + 'static)) -> ExitCode {
    match failure.downcast_ref::<BackupError>() {
        Some(BackupError::MissingFiles(_)) => ExitCode::from(FILES_MISSING),
        Some(_) | None => ExitCode::FAILURE,
    }
}

fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Openapi => openapi::run(),
        Command::Config(ConfigCommand::Check) => check::run(),
        Command::Serve => serve::run(&configured()?),
        Command::Migrate => migrate::run(&configured()?),
        Command::Seed => seed::run(&configured()?),
        Command::Keys(keys::KeysCommand::New) => keys::fresh(),
        Command::Keys(keys::KeysCommand::Rotate(rotation)) => keys::rotate(&configured()?, rotation),
        Command::Audit(audit::AuditCommand::Verify) => audit::verify(&configured()?),
        Command::Audit(audit::AuditCommand::Prune(pruning)) => audit::prune(&configured()?, pruning),
        Command::Backup(folders) => backup::run(&configured()?, folders),
        Command::Restore(folders) => restore::run(&configured()?, folders),
        Command::Admin(AdminCommand::Create(new)) => admin::run(&configured()?, new),
    }
}

/// The configuration; log lines start as soon as it is known.
fn configured() -> Result<Config, Failure> {
    let config = Config::load(&Sources::of_process())?;
    telemetry::start(config.telemetry.log_format);
    Ok(config)
}

/// Writes a line for the person at the terminal.
fn say(line: &str) {
    // Whoever closed the pipe does not want to know.
    let _ = writeln!(io::stdout(), "{line}");
}

fn complain(failure: &dyn Error) {
    let mut text = failure.to_string();
    let mut cause = failure.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    let _ = writeln!(io::stderr(), "huntzen: {text}");
}
