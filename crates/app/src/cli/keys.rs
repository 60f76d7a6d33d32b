//! `huntzen keys`: the ring of master keys.
use clap::{Args, Subcommand};
use huntzen_tenancy::sealing::{KeyRotation, MasterKeyId, Rotated};

use super::{Failure, say};
use crate::{
    config::{Config, Encryption, Sources},
    database::Database,
    embedded::Purpose,
    wiring,
};

/// What is done to the ring.
#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Print a fresh entry for the ring (`ENCRYPTION_KEYS`), above every id that stands there now
    New,
    /// Wrap every data key by the highest master key, while everybody works
    Rotate(Rotation),
}

/// How keys are wrapped anew.
#[derive(Debug, Args)]
pub(super) struct Rotation {
    /// Data keys a transaction
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    batch: u32,
}

/// Prints a fresh entry; needs no configuration that can be used yet.
///
/// # Errors
/// When there is a ring that cannot be read: its ids would not be known.
pub(super) fn fresh() -> Result<(), Failure> {
    let encryption = Encryption::load(&Sources::of_process())?;
    say(&wiring::fresh_master_key(&encryption)?);
    Ok(())
}

pub(super) fn rotate(config: &Config, rotation: &Rotation) -> Result<(), Failure> {
    let vault = wiring::vault(config)?;
    let database = Database::open(config, Purpose::Command)?;
    database.prepare(vault.as_ref())?;
    let ports = wiring::ports(config, &database, 1)?;
    let rotated = KeyRotation::new(ports.rotation, ports.vault, ports.clock, ports.randomness).run(rotation.batch)?;
    for line in report(&rotated) {
        say(&line);
    }
    Ok(())
}

fn report(rotated: &Rotated) -> Vec<String> {
    let mut lines = vec![format!("{} data keys were wrapped anew.", rotated.rewrapped)];
    let named = |ids: &[MasterKeyId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if !rotated.unused.is_empty() {
        lines.push(format!(
            "These master keys wrap nothing any more and may leave the ring: {}.",
            named(&rotated.unused)
        ));
    }
    for (id, count) in &rotated.in_use {
        lines.push(format!("Master key {id} still wraps {count}: run this again."));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_leave_the_ring_and_what_may_not_is_said() {
        let rotated = Rotated { rewrapped: 12, unused: vec![MasterKeyId(1)], in_use: vec![(MasterKeyId(2), 3)] };
        assert_eq!(
            report(&rotated),
            [
                "12 data keys were wrapped anew.",
                "These master keys wrap nothing any more and may leave the ring: 1.",
                "Master key 2 still wraps 3: run this again.",
            ]
        );
    }
}
