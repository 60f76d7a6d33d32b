//! `huntzen migrate`: the schema, and outside production the roles.
use super::{Failure, say};
use crate::{config::Config, database::Database, embedded::Purpose, wiring};

pub(super) fn run(config: &Config) -> Result<(), Failure> {
    // Before anything is changed: without the ring nothing could be sealed.
    let vault = wiring::vault(config)?;
    let database = Database::open(config, Purpose::Command)?;
    let applied = database.migrate(vault.as_ref())?;
    if applied.is_empty() {
        say("The schema is up to date.");
    }
    for migration in applied {
        say(&format!("Applied {migration}."));
    }
    Ok(())
}
