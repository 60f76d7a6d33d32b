//! The bytes of files on their way in and out: looked at, cleaned, hashed and sealed chunk by chunk,
//! so that no file is ever held whole.
mod inspection;
mod jpeg;
mod pdf;
mod png;
mod receiving;
mod removal;
mod sending;

pub use inspection::{Care, Inspector, Unfit};
pub use receiving::{Facts, Intake, Refusal};
pub use removal::remove_due;
pub use sending::{Body, Broken, outgoing};
