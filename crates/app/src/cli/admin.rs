//! `huntzen admin create`: the first operator.
use std::io::{self, BufRead, IsTerminal};

use clap::Args;
use huntzen_tenancy::identity::FirstOperator;
use secrecy::SecretString;

use super::{Failure, say};
use crate::{config::Config, database::Database, embedded::Purpose, wiring};

/// Who the operator is.
#[derive(Debug, Args)]
pub(super) struct NewAdmin {
    /// The address to sign in with
    #[arg(long)]
    email: String,
    /// Given name
    #[arg(long)]
    first_name: String,
    /// Family name
    #[arg(long)]
    last_name: String,
}

pub(super) fn run(config: &Config, new: &NewAdmin) -> Result<(), Failure> {
    let vault = wiring::vault(config)?;
    let database = Database::open(config, Purpose::Command)?;
    database.prepare(vault.as_ref())?;
    let services = wiring::services(config, &database, 1)?;
    let user = services.super_administration.create_first(&FirstOperator {
        email: new.email.clone(),
        password: password()?,
        first_name: new.first_name.clone(),
        last_name: new.last_name.clone(),
    })?;
    say(&format!("{} may sign in as {}.", user.email.as_str(), user.role));
    Ok(())
}

/// Asks without echo at a terminal, else reads one line: a password on the command line would
/// stand in the shell's history and in the list of processes.
fn password() -> Result<SecretString, Failure> {
    if io::stdin().is_terminal() {
        return Ok(SecretString::from(rpassword::prompt_password("Password (12 to 72 bytes): ")?));
    }
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    Ok(SecretString::from(line))
}
