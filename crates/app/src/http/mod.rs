//! The HTTP face: what every route has in common, and one module for each resource.
pub mod access;
pub mod answers;
pub mod context;
pub mod docs;
pub mod edge;
pub mod extract;
pub mod headers;
pub mod language;
pub mod openapi;
pub mod origin;
pub mod paging;
pub mod patch;
pub mod problem;
pub mod route;
pub mod texts;

pub use access::{Access, Signed};
pub use answers::{Created, Items, NoContent};
pub use extract::{Json, OptionalJson, Path, PathText, Query};
pub use paging::{CursorMark, Limit, PageBody, PageNumber, PerPage, SliceBody};
pub use patch::Patch;
pub use problem::{Code, Problem};
pub use route::Operations;
