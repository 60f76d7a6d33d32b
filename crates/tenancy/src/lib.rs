//! Who acts, in which tenant, when: companies and their people, sign-in, permissions, the audit
//! trail, letters and the in-app inbox. Every other domain stands on this one.
pub mod audit;
pub mod backups;
pub mod clock;
pub mod company;
pub mod content;
pub mod email;
pub mod employee;
pub mod erasure;
pub mod error;
pub mod fields;
pub mod files;
pub mod idempotency;
pub mod identity;
pub mod ids;
pub mod limits;
pub mod live;
pub mod mail;
pub mod notifications;
pub mod outbox;
pub mod own_data;
pub mod policy;
pub mod preferences;
pub mod retention;
pub mod scope;
pub mod sealing;
pub mod search;
mod slugs;
pub mod store;
pub mod token;
pub mod unit_of_work;
pub mod words;

pub use error::{FieldError, TenancyError};
pub use scope::{Actor, Caller, Job, Origin, Scope, ScopeKind};
pub use store::{Commit, Cursor, Page, PageRequest, Slice, StoreError};
pub use unit_of_work::{TenancyStore, TenancyTx};
