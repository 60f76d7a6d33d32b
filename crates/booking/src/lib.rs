//! Practitioners, when they work, and the consultations that employees book with them.
pub mod availability;
pub mod calendar;
pub mod consultation;
pub mod error;
pub mod ids;
pub mod jobs;
pub mod ports;
pub mod practitioner;
pub mod reminders;
pub mod review;
pub mod room;
pub mod rules;
pub mod slots;
pub mod timetable;

pub use error::BookingError;
pub use ports::{BookingPorts, BookingStore, BookingTx};
pub use rules::BookingRules;
