//! The HTTP face: what every route has in common, and one module for each resource.
pub mod access;
pub mod answers;
pub mod articles;
pub mod audit;
pub mod auth;
pub mod availability;
pub mod chat;
pub mod companies;
pub mod consultations;
pub mod context;
pub mod crisis;
pub mod csv;
pub mod dev_mail;
pub mod directory;
pub mod docs;
pub mod edge;
pub mod email_change;
pub mod employees;
pub mod extract;
pub mod files;
pub mod headers;
pub mod health;
pub mod hours;
pub mod hr_reports;
pub mod idempotency;
pub mod import;
pub mod journal;
pub mod language;
pub mod limits;
pub mod metrics;
pub mod news;
pub mod notes;
pub mod notifications;
pub mod openapi;
pub mod origin;
pub mod paging;
pub mod passwords;
pub mod patch;
pub mod practitioners;
pub mod preferences;
pub mod privacy;
pub mod problem;
pub mod reports;
pub mod reviews;
pub mod route;
pub mod slots;
pub mod super_admin;
pub mod system_health;
pub mod texts;
pub mod times;
pub mod transitions;
pub mod two_factor;
pub mod uploads;

pub use access::{Access, Reader, Signed};
pub use answers::{Created, Items, NoContent};
pub use csv::CsvFile;
pub use extract::{Json, OnceJson, OptionalJson, Path, PathText, Query};
pub use paging::{CursorMark, Limit, PageBody, PageNumber, PartQuery, PerPage, SliceBody};
pub use patch::Patch;
pub use problem::{Code, FieldProblem, Problem};
pub use route::Operations;

use huntzen_tenancy::policy::Permission;

use crate::{call::CallSocket, chat::ChatSocket, realtime::inbox::InboxSocket};

/// Every operation of the API: the router, the document and the authorization matrix come from
/// this list.
pub fn operations() -> Operations {
    let mut operations = Operations::new();
    for register in [
        auth::register,
        passwords::register,
        two_factor::register,
        email_change::register,
        super_admin::register,
        companies::register,
        employees::register,
        import::register,
        practitioners::register,
        directory::register,
        availability::register,
        slots::register,
        consultations::register,
        transitions::register,
        reviews::register,
        notes::register,
        journal::register,
        chat::register,
        metrics::register,
        reports::register,
        hr_reports::register,
        articles::register,
        news::register,
        notifications::register,
        preferences::register,
        files::register,
        privacy::register,
        audit::register,
        health::register,
        system_health::register,
        crisis::register,
    ] {
        register(&mut operations);
    }
    operations.socket("/chat", Permission::ChatOwnRead, ChatSocket::new);
    operations.socket("/audio-call", Permission::CallsOwn, CallSocket::new);
    operations.socket("/notifications/live", Permission::NotificationsOwn, InboxSocket::new);
    operations
}
