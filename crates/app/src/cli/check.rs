//! `huntzen config check`: what is in force, without the secrets.
use super::{Failure, say};
use crate::config::{Config, Sources};

pub(super) fn run() -> Result<(), Failure> {
    let config = Config::load(&Sources::of_process())?;
    say(config.masked()?.trim_end());
    Ok(())
}
