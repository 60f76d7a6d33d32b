//! `huntzen seed`: the demonstration data.
use super::{Failure, say};
use crate::{config::Config, database::Database, demo, embedded::Purpose, wiring};

pub(super) fn run(config: &Config) -> Result<(), Failure> {
    if config.environment.is_production() {
        return Err("the demonstration data is never put into production".into());
    }
    let vault = wiring::vault(config)?;
    let database = Database::open(config, Purpose::Command)?;
    database.prepare(vault.as_ref())?;
    let ports = wiring::ports(config, &database, 2)?;
    let made = demo::seed(&ports, &wiring::rules(config)?)?;
    say(&made.to_string());
    Ok(())
}
