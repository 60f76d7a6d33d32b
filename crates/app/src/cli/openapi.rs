//! `huntzen openapi`: the API's document.
use super::{Failure, say};
use crate::http::{openapi::assemble, operations};

pub(super) fn run() -> Result<(), Failure> {
    say(&serde_json::to_string_pretty(&assemble(&operations()))?);
    Ok(())
}
