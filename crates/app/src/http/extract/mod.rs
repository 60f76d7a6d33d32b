//! Extractors: bodies, queries and path parts, refused with the name of what is wrong.
mod body;
mod errors;
mod form;
mod json;
mod path;
mod query;
mod upload;

pub use body::{BODY_LIMIT, refuse_unread_body};
pub use form::Form;
pub use json::{Json, OnceJson, OptionalJson, nul_within};
pub use path::{Path, PathText};
pub use query::{Query, refuse_unread_query};
pub use upload::{CsvForm, CsvText, CsvUpload, UPLOAD_LIMIT};
