//! What only the two participants of a consultation may see, or only the person who wrote it:
//! clinical notes, the journal, conversations, calls. Administrators are barred from all of it.
pub mod call;
pub mod care;
pub mod content;
pub mod conversation;
pub mod error;
pub mod guard;
pub mod ids;
pub mod journal;
pub mod note;
pub mod ports;
pub mod retention;
mod trace;

pub use error::ClinicalError;
pub use ports::{ClinicalPorts, ClinicalStore, ClinicalTx};
