//! The whole API, over memory and over PostgreSQL, as clients meet it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
mod availability;
mod booking;
mod calendar;
mod companies;
mod consultations;
mod directory;
mod earliest;
mod employees;
mod invitations;
mod journey;
mod metrics;
mod notifications;
mod practitioners;
mod rescheduling;
mod reviews;
mod rooms;
mod passwords;
mod registration;
mod sign_in;
mod slots;
mod transitions;
