//! The ports of booking: practitioners and their time, consultations, reviews, reminders.
mod calendars;
mod consultation_row;
mod consultations;
mod directory;
mod events;
mod many;
mod practitioners;
mod redacted;
mod reminders;
mod reviews;
mod rules;
mod timetables;
