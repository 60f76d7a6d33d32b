//! A consultation as a calendar file (iCalendar, RFC 5545) that says when, and nothing of whom.
use icalendar::{Calendar, Class, Component, Event, EventStatus, Property};
use jiff::Timestamp;
use uuid::Uuid;

/// What the calendar file of a consultation says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CalendarEntry {
    /// The consultation; the entry keeps one UID through all its changes.
    pub consultation_id: Uuid,
    /// When it starts.
    pub starts_at: Timestamp,
    /// When it ends, the buffer not included.
    pub ends_at: Timestamp,
    /// Grows with every change, so that a calendar replaces what it holds (RFC 5545 §3.8.7.4).
    pub sequence: u32,
    /// Whether the consultation was cancelled.
    pub cancelled: bool,
    /// When this file is written.
    pub written_at: Timestamp,
}

/// The text of the calendar file, with CRLF line ends and times in UTC.
///
/// It names no organizer, though RFC 5546 §3.2.1 wants one for METHOD:PUBLISH: a calendar is
/// often shared at work, and whom somebody sees is for nobody else to read.
pub fn calendar_file(entry: &CalendarEntry) -> String {
    let (method, status) =
        if entry.cancelled { ("CANCEL", EventStatus::Cancelled) } else { ("PUBLISH", EventStatus::Confirmed) };
    let event = Event::new()
        .uid(&format!("{}@huntzen.care", entry.consultation_id))
        .summary("Rendez-vous")
        .class(Class::Private)
        .sequence(entry.sequence)
        .status(status)
        .add_property("DTSTAMP", utc(entry.written_at))
        .add_property("DTSTART", utc(entry.starts_at))
        .add_property("DTEND", utc(entry.ends_at))
        .done();
    let mut calendar = Calendar::empty();
    calendar
        .append_property(Property::new("VERSION", "2.0"))
        .append_property(Property::new("PRODID", "-//HuntZen Care//Consultations//FR"))
        .append_property(Property::new("CALSCALE", "GREGORIAN"))
        .append_property(Property::new("METHOD", method))
        .push(event);
    calendar.to_string()
}

/// RFC 5545 §3.3.5, form 2.
fn utc(instant: Timestamp) -> String {
    instant.strftime("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn entry() -> CalendarEntry {
        CalendarEntry {
            consultation_id: "0198c5a2-7b1e-7c3d-9a4f-112233445566".parse().unwrap(),
            starts_at: "2027-03-08T09:00:00Z".parse().unwrap(),
            ends_at: "2027-03-08T09:50:00Z".parse().unwrap(),
            sequence: 0,
            cancelled: false,
            written_at: "2027-03-01T17:04:05.678Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_booked_consultation_is_published() {
        assert_eq!(
            calendar_file(&entry()),
            "BEGIN:VCALENDAR\r\n\
             VERSION:2.0\r\n\
             PRODID:-//HuntZen Care//Consultations//FR\r\n\
             CALSCALE:GREGORIAN\r\n\
             METHOD:PUBLISH\r\n\
             BEGIN:VEVENT\r\n\
             CLASS:PRIVATE\r\n\
             DTEND:20270308T095000Z\r\n\
             DTSTAMP:20270301T170405Z\r\n\
             DTSTART:20270308T090000Z\r\n\
             SEQUENCE:0\r\n\
             STATUS:CONFIRMED\r\n\
             SUMMARY:Rendez-vous\r\n\
             UID:0198c5a2-7b1e-7c3d-9a4f-112233445566@huntzen.care\r\n\
             END:VEVENT\r\n\
             END:VCALENDAR\r\n"
        );
    }

    #[test]
    fn a_cancelled_consultation_is_withdrawn_under_the_same_uid() {
        let cancelled = CalendarEntry { cancelled: true, sequence: 3, ..entry() };
        assert_eq!(
            calendar_file(&cancelled),
            calendar_file(&entry())
                .replace("METHOD:PUBLISH", "METHOD:CANCEL")
                .replace("STATUS:CONFIRMED", "STATUS:CANCELLED")
                .replace("SEQUENCE:0", "SEQUENCE:3")
        );
    }
}
