//! `huntzen audit`: proving the trail, and cutting it below a signed checkpoint.
use clap::{Args, Subcommand};
use huntzen_tenancy::audit::{ChainPorts, ChainPruning, ChainVerification, Depth};
use jiff::{civil::Date, tz::TimeZone};

use super::{Failure, say};
use crate::{config::Config, database::Database, embedded::Purpose, wiring};

/// What is done with the trail.
#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Compare every entry, link and checkpoint; fails at the first place that is not as it was written
    Verify,
    /// Cut what is older than a day below its last signed checkpoint, as the schema's owner
    Prune(Pruning),
}

/// How much is cut.
#[derive(Debug, Args)]
pub(super) struct Pruning {
    /// Only below checkpoints that were signed before this day (`YYYY-MM-DD`, UTC)
    #[arg(long)]
    before: Date,
}

pub(super) fn verify(config: &Config) -> Result<(), Failure> {
    let database = Database::open(config, Purpose::Command)?;
    let ports = wiring::ports(config, &database, 1)?;
    let verdict = ChainVerification::new(chains(ports)).verify(Depth::Whole)?;
    let last_signed = verdict.last_signed.map_or("never".to_owned(), |at| at.to_string());
    match verdict.broken {
        None => {
            // Not broken, and not whole either: a restored backup was older than what had been signed.
            let lost = if verdict.lost > 0 { format!(" lost={}", verdict.lost) } else { String::new() };
            say(&format!(
                "valid checked={} checkpoints={} last_signed={last_signed}{lost}",
                verdict.checked, verdict.checkpoints
            ));
            Ok(())
        }
        Some(broken) => {
            say(&format!("broken checked={} first=\"{broken}\"", verdict.checked));
            Err("the audit trail is not as it was written".into())
        }
    }
}

pub(super) fn prune(config: &Config, pruning: &Pruning) -> Result<(), Failure> {
    let before = pruning.before.to_zoned(TimeZone::UTC)?.timestamp();
    let database = Database::open(config, Purpose::Command)?;
    // Before anything is signed: nobody else could remove what is cut.
    database.owner()?;
    let ports = wiring::ports(config, &database, 1)?;
    let randomness = std::sync::Arc::clone(&ports.randomness);
    let pruning = ChainPruning::new(chains(ports), randomness);
    let cut = pruning.prepare(before)?;
    if cut.is_empty() {
        say("No checkpoint was signed before that day.");
        return Ok(());
    }
    let removed = database.prune_audit(&cut)?;
    say(&format!("{removed} entries were cut from {} chains.", cut.len()));
    Ok(())
}

fn chains(ports: crate::services::Ports) -> ChainPorts {
    ChainPorts { store: ports.tenancy, clock: ports.clock, signer: ports.signer, checkpoints: ports.checkpoints }
}
