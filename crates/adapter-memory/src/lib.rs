//! Every port, over plain maps: what PostgreSQL answers with its row security, constraints and
//! triggers, without a database. One unit of work at a time, undone on drop unless committed.
mod audit;
mod audit_chains;
mod audit_view;
mod care;
mod companies;
mod consultation_changes;
mod consultation_events;
mod consultations;
mod conversations;
mod counters;
mod data_keys;
mod employees;
mod employment;
mod invitations;
mod journal;
mod live;
mod notes;
mod notifications;
mod one_time_tokens;
mod outbox;
mod paging;
mod practitioners;
mod refusal;
mod reminders;
mod reviews;
mod sessions;
mod state;
mod store;
mod table;
mod telling;
mod time;
mod timetables;
mod users;
mod visibility;

pub use live::{LocalBroadcast, MemoryTickets};
pub use store::MemoryStore;
