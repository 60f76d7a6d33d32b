//! `huntzen migrate`: the schema, and outside production the roles.
use super::{Failure, say};
use crate::{config::Config, database::Database, embedded::Purpose};

pub(super) fn run(config: &Config) -> Result<(), Failure> {
    let database = Database::open(config, Purpose::Command)?;
    let applied = database.migrate()?;
    if applied.is_empty() {
        say("The schema is up to date.");
    }
    for migration in applied {
        say(&format!("Applied {migration}."));
    }
    Ok(())
}
