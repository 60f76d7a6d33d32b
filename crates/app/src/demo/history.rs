//! Plays one month of consultations: booked, confirmed, held, ended, some of them reviewed.
use std::collections::HashSet;

use huntzen_booking::{
    availability::{ConsultationType, SlotsQuestion},
    consultation::{ConsultationStatus, NewBooking, OpenConsultation, Starts},
    ids::{ConsultationId, PractitionerId},
    review::GivenFeedback,
};
use huntzen_tenancy::{Caller, sealing::SecretText};
use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date};

use super::{
    Made,
    cast::{Cast, Practising},
    morning,
    stage::Stage,
};
use crate::cli::Failure;

/// How many people of each department come in a month, by company: enough in Développement for a
/// cell of its own, enough in the other three together, too few in the small company.
const VISITORS: [&[usize]; 2] = [&[14, 6, 5, 1], &[3, 1]];

/// Plays the month that begins on `first`.
pub(super) fn play_month(stage: &Stage, cast: &Cast, first: Date, made: &mut Made) -> Result<(), Failure> {
    let mut month = Month { stage, cast, first, taken: HashSet::new(), turn: 0 };
    let shift = usize::from(first.month().unsigned_abs());
    for (company, visitors) in cast.employees.iter().zip(VISITORS) {
        for (department, count) in company.iter().zip(visitors) {
            // Another month, other people: the list is entered at another place.
            let people = department.iter().cycle().skip(shift * 5 % department.len().max(1));
            for employee in people.take((*count).min(department.len())) {
                made.consultations += usize::from(month.play(employee)?);
            }
        }
    }
    Ok(())
}

struct Month<'a> {
    stage: &'a Stage,
    cast: &'a Cast,
    first: Date,
    /// Times that somebody had: an ended consultation no longer holds its own.
    taken: HashSet<(PractitionerId, Timestamp)>,
    turn: usize,
}

impl Month<'_> {
    /// One person's consultation of the month; `false` when it was played before.
    fn play(&mut self, employee: &Caller) -> Result<bool, Failure> {
        self.turn += 1;
        let known = self.known(employee)?;
        if let Some(view) = &known {
            self.taken.insert((view.consultation.practitioner, view.consultation.scheduled_at));
        }
        let view = match known {
            Some(view) if view.consultation.status == ConsultationStatus::Completed => return Ok(false),
            Some(view) => view,
            None => self.book(employee)?,
        };
        self.hold(&view, employee)?;
        Ok(true)
    }

    /// What the person has in this month already.
    fn known(&self, employee: &Caller) -> Result<Option<OpenConsultation>, Failure> {
        let starts = Starts { from: Some(self.first), to: Some(self.first.last_of_month()) };
        Ok(self.stage.services.consultations.mine(employee, None, starts, None, 1)?.items.pop())
    }

    /// Books the first time from a day of the month on that nobody had, some days before.
    fn book(&mut self, employee: &Caller) -> Result<OpenConsultation, Failure> {
        let services = &self.stage.services;
        let days = usize::from(self.first.days_in_month().unsigned_abs());
        for attempt in 0..days * self.cast.practitioners.len() {
            let Some(practising) = self.cast.practitioners.iter().cycle().nth(self.turn + attempt) else { break };
            let offset = i32::try_from((self.turn * 7 + attempt) % days)?;
            let day = self.first.saturating_add(offset.days());
            self.stage.set(morning(day.saturating_sub(5.days())));
            let kind = kind(self.turn);
            let question = SlotsQuestion { practitioner: Some(practising.id), first: day, last: day, kind: Some(kind) };
            let slots = services.slots.slots(employee, &question)?;
            let Some(slot) =
                slots.iter().find(|slot| slot.available && self.taken.insert((practising.id, slot.starts_at)))
            else {
                continue;
            };
            let booking = NewBooking {
                practitioner: practising.id,
                kind,
                scheduled_at: slot.starts_at,
                reason: None,
                company: None,
            };
            return Ok(services.booking.book(employee, &booking)?);
        }
        Err("the practitioners of the demonstration have no time left".into())
    }

    /// Confirms, starts and ends it, a few minutes early; every other one is reviewed.
    fn hold(&self, view: &OpenConsultation, employee: &Caller) -> Result<(), Failure> {
        let booking = &self.stage.services.booking;
        let consultation = &view.consultation;
        let Some(Practising { caller, .. }) =
            self.cast.practitioners.iter().find(|one| one.id == consultation.practitioner)
        else {
            return Err("a consultation of the demonstration is with a stranger".into());
        };
        let minutes = |count: usize| SignedDuration::from_mins(i64::try_from(count).unwrap_or_default());
        if consultation.status == ConsultationStatus::Scheduled {
            self.stage.set(consultation.scheduled_at - SignedDuration::from_hours(20));
            booking.confirm(caller, consultation.id)?;
        }
        if consultation.status != ConsultationStatus::InProgress {
            self.stage.set(consultation.scheduled_at + minutes(self.turn % 3));
            booking.start(caller, consultation.id)?;
        }
        self.stage.set(consultation.ends_at - minutes(self.turn % 7));
        booking.end(caller, consultation.id)?;
        if self.turn.is_multiple_of(2) { self.review(consultation.id, employee) } else { Ok(()) }
    }

    fn review(&self, consultation: ConsultationId, employee: &Caller) -> Result<(), Failure> {
        let rating = if self.turn.is_multiple_of(4) { 5 } else { 4 };
        let comment = self.turn.is_multiple_of(6).then(|| SecretText::new("Une écoute précieuse, merci."));
        let reviews = &self.stage.services.reviews;
        let review = reviews.give(employee, consultation, &GivenFeedback { rating, comment })?;
        reviews.publish(&self.cast.administrator, review.id)?;
        Ok(())
    }
}

fn kind(turn: usize) -> ConsultationType {
    match turn % 4 {
        0 => ConsultationType::Phone,
        1 | 2 => ConsultationType::Video,
        _ => ConsultationType::Audio,
    }
}
