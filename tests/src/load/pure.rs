//! The pure parts on a timetable of ordinary size: five working days, some leave, a month booked.
use huntzen_booking::{
    availability::{
        AvailabilityException, AvailabilityRule, ConsultationType, ExceptionKind, ExceptionTerms, RuleTerms, TypeSet,
    },
    slots::{BookingWindow, BusySpan, DateRange, Slot, Timetable, slots},
};
use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{Date, date, time},
    tz::TimeZone,
};
use uuid::Uuid;

/// The day on which the question is asked.
const TODAY: Date = date(2027, 3, 8);

/// A practitioner's month, owned.
#[derive(Debug)]
pub struct Month {
    zone: TimeZone,
    rules: Vec<AvailabilityRule>,
    exceptions: Vec<AvailabilityException>,
    busy: Vec<BusySpan>,
}

impl Default for Month {
    fn default() -> Self {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let at = |day: Date, hour: i8| zone.to_timestamp(day.at(hour, 0, 0, 0)).unwrap();
        let halves = [(time(9, 0, 0, 0), time(12, 0, 0, 0)), (time(14, 0, 0, 0), time(18, 0, 0, 0))];
        let rules = (1..=5).flat_map(|day_of_week| {
            halves.map(|(start_time, end_time)| {
                let terms = RuleTerms {
                    day_of_week,
                    start_time,
                    end_time,
                    slot_minutes: 50,
                    buffer_minutes: 10,
                    types: TypeSet::ALL,
                    valid_from: None,
                    valid_until: None,
                };
                AvailabilityRule::new(Uuid::nil(), Uuid::nil(), terms).unwrap()
            })
        });
        let leave = |day: Date| {
            let terms = ExceptionTerms {
                starts_at: at(day, 8),
                ends_at: at(day, 13),
                kind: ExceptionKind::Leave,
                slot_minutes: None,
                buffer_minutes: None,
                types: None,
                label: None,
            };
            AvailabilityException::new(Uuid::nil(), Uuid::nil(), terms).unwrap()
        };
        let busy = (0..30).flat_map(|day| {
            [9, 11, 15].map(|hour| {
                let starts_at = at(TODAY.saturating_add(day.days()), hour);
                BusySpan { starts_at, busy_until: starts_at + SignedDuration::from_hours(1) }
            })
        });
        Self {
            rules: rules.collect(),
            exceptions: [3, 10, 17].map(|day| leave(TODAY.saturating_add(day.days()))).into(),
            busy: busy.collect(),
            zone,
        }
    }
}

impl Month {
    /// The slots of the next 30 days.
    pub fn slots(&self) -> Vec<Slot> {
        let timetable =
            Timetable { zone: &self.zone, rules: &self.rules, exceptions: &self.exceptions, busy: &self.busy };
        let range = DateRange::new(TODAY, TODAY.saturating_add(29.days())).unwrap();
        slots(timetable, range, Some(ConsultationType::Video), &self.window())
    }

    /// When the question is asked.
    pub fn now(&self) -> Timestamp {
        self.zone.to_timestamp(TODAY.at(7, 0, 0, 0)).unwrap()
    }

    fn window(&self) -> BookingWindow {
        BookingWindow { now: self.now(), min_notice_minutes: 120, horizon_days: 90 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_month_has_free_and_taken_slots() {
        let slots = Month::default().slots();
        let free = slots.iter().filter(|slot| slot.available).count();
        // 22 working days of seven slots without three mornings; three a day are taken, but not by then.
        assert_eq!((slots.len(), free), (22 * 7 - 3 * 3, 22 * 4 - 3));
    }
}
