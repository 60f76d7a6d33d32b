//! Which booked consultations a change of somebody's availability would leave without a slot.
use jiff::{Timestamp, tz::TimeZone};

use super::{AvailabilityException, ExceptionKind};
use crate::{
    consultation::Consultation,
    ids::ConsultationId,
    slots::{self, BookingWindow, Offer, Timetable},
    timetable::PractitionerTime,
};

/// A booked consultation that a change of availability leaves standing outside of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Which one.
    pub consultation: ConsultationId,
    /// When it starts.
    pub scheduled_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
}

impl Conflict {
    fn of(consultation: &Consultation) -> Self {
        Self { consultation: consultation.id, scheduled_at: consultation.scheduled_at, ends_at: consultation.ends_at }
    }
}

/// The consultations that leave touches.
pub(super) fn during(leave: &AvailabilityException, booked: &[Consultation]) -> Vec<Conflict> {
    booked
        .iter()
        .filter(|one| leave.kind() == ExceptionKind::Leave && one.is_booked())
        .filter(|one| one.scheduled_at < leave.ends_at() && leave.starts_at() < one.ends_at)
        .map(Conflict::of)
        .collect()
}

/// The consultations that had a slot `before`, and have none `after`.
pub(super) fn left_over(
    before: &PractitionerTime,
    after: &PractitionerTime,
    zone: &TimeZone,
    booked: &[Consultation],
) -> Vec<Conflict> {
    booked
        .iter()
        .filter(|one| one.is_booked() && fits(before, zone, one) && !fits(after, zone, one))
        .map(Conflict::of)
        .collect()
}

/// Whether a slot is offered at the consultation's very time, whatever is booked.
fn fits(time: &PractitionerTime, zone: &TimeZone, consultation: &Consultation) -> bool {
    let timetable = Timetable { busy: &[], ..time.timetable(zone) };
    // Seen from its own start, it is neither too near nor too far.
    let window = BookingWindow { now: consultation.scheduled_at, min_notice_minutes: 0, horizon_days: 1 };
    match slots::find(timetable, consultation.scheduled_at, consultation.kind, &window) {
        Offer::Free(slot) => slot.ends_at == consultation.ends_at,
        Offer::Taken(_) | Offer::NotASlot => false,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use huntzen_tenancy::ids::UserId;
    use jiff::civil::time;
    use uuid::Uuid;

    use super::*;
    use crate::{
        availability::{AvailabilityRule, ExceptionTerms, RuleTerms, TypeSet},
        consultation::{ConsultationStatus, a_consultation},
        ids::PractitionerId,
    };

    /// 9:00 to 12:00 on Mondays, in Paris.
    fn terms() -> RuleTerms {
        RuleTerms {
            day_of_week: 1,
            start_time: time(9, 0, 0, 0),
            end_time: time(12, 0, 0, 0),
            slot_minutes: 50,
            buffer_minutes: 10,
            types: TypeSet::ALL,
            valid_from: None,
            valid_until: None,
        }
    }

    fn offering(rules: &[RuleTerms]) -> PractitionerTime {
        let rule = |(id, terms): (u128, &RuleTerms)| {
            AvailabilityRule::new(Uuid::from_u128(id), Uuid::nil(), terms.clone()).unwrap()
        };
        PractitionerTime {
            practitioner: PractitionerId(Uuid::nil()),
            user: UserId(Uuid::nil()),
            first_name: String::new(),
            last_name: String::new(),
            title: None,
            timezone: "Europe/Paris".to_owned(),
            is_public: true,
            accepting_new_clients: true,
            rules: (1..).zip(rules).map(rule).collect(),
            exceptions: Vec::new(),
            busy: Vec::new(),
        }
    }

    /// Booked at 10:00 of a Monday in Paris, for 50 minutes.
    fn booked(status: ConsultationStatus) -> Consultation {
        let starts: Timestamp = "2027-03-08T09:00:00Z".parse().unwrap();
        Consultation { status, ..a_consultation(starts) }
    }

    fn left_over_by(after: &[RuleTerms], status: ConsultationStatus) -> usize {
        let (before, after) = (offering(&[terms()]), offering(after));
        left_over(&before, &after, &before.zone().unwrap(), &[booked(status)]).len()
    }

    #[test]
    fn a_consultation_is_left_over_when_its_very_slot_is_gone() {
        let gone = [
            RuleTerms { day_of_week: 2, ..terms() },
            RuleTerms { start_time: time(9, 30, 0, 0), ..terms() },
            RuleTerms { slot_minutes: 45, buffer_minutes: 15, ..terms() },
            RuleTerms { types: TypeSet::from_bits(8).unwrap(), ..terms() },
        ];
        for rule in gone {
            assert_eq!(left_over_by(std::slice::from_ref(&rule), ConsultationStatus::Scheduled), 1, "{rule:?}");
        }
        assert_eq!(left_over_by(&[], ConsultationStatus::Confirmed), 1);
        assert_eq!(left_over_by(&[], ConsultationStatus::InProgress), 0);
    }

    #[test]
    fn what_still_has_its_slot_or_had_none_is_not_left_over() {
        let longer = RuleTerms { end_time: time(18, 0, 0, 0), ..terms() };
        assert_eq!(left_over_by(&[longer], ConsultationStatus::Scheduled), 0);
        let nothing = offering(&[]);
        let zone = nothing.zone().unwrap();
        assert_eq!(left_over(&nothing, &nothing, &zone, &[booked(ConsultationStatus::Scheduled)]), []);
    }

    #[test]
    fn leave_conflicts_with_what_it_touches() {
        let leave = |from: &str, until: &str| {
            let terms = ExceptionTerms {
                starts_at: from.parse().unwrap(),
                ends_at: until.parse().unwrap(),
                kind: ExceptionKind::Leave,
                slot_minutes: None,
                buffer_minutes: None,
                types: None,
                label: None,
            };
            AvailabilityException::new(Uuid::nil(), Uuid::nil(), terms).unwrap()
        };
        for (from, until, conflicts) in [
            ("2027-03-08T08:00:00Z", "2027-03-08T09:00:00Z", 0),
            ("2027-03-08T08:00:00Z", "2027-03-08T09:00:01Z", 1),
            ("2027-03-08T09:49:59Z", "2027-03-09T00:00:00Z", 1),
            ("2027-03-08T09:50:00Z", "2027-03-09T00:00:00Z", 0),
        ] {
            let booked = [booked(ConsultationStatus::Scheduled)];
            assert_eq!(during(&leave(from, until), &booked).len(), conflicts, "{from}");
        }
    }
}
