//! The contract of `Consultations`: the lists of one's own.
use huntzen_booking::{
    consultation::{Consultation, ConsultationList, ConsultationStatus, EventType},
    ids::ConsultationId,
    timetable::Span,
};
use huntzen_tenancy::{Cursor, Scope, ids::UserId};

use crate::{
    appointments::{begun, booked, cancelled, carried_out, change},
    cast::{Cast, Person},
    clock::at,
    world::World,
};

/// The ids of a list, walked through `limit` at a time.
fn walk(world: &World, scope: &Scope, user: UserId, list: ConsultationList, limit: u32) -> Vec<ConsultationId> {
    let mut ids = Vec::new();
    let mut cursor: Option<Cursor> = None;
    loop {
        let part = world.booking.run(scope, |tx| Ok(tx.consultations(user, list, cursor, limit)?)).unwrap();
        assert!(part.items.len() <= limit as usize);
        ids.extend(part.items.iter().map(|view| view.consultation.id));
        cursor = part.next;
        if cursor.is_none() {
            return ids;
        }
    }
}

fn own(world: &World, of: &Person, list: ConsultationList) -> Vec<ConsultationId> {
    walk(world, &of.scope(), of.id(), list, 100)
}

fn ids(consultations: &[&Consultation]) -> Vec<ConsultationId> {
    consultations.iter().map(|consultation| consultation.id).collect()
}

const MINE: ConsultationList = ConsultationList::Mine { status: None, starts: None };

/// The list of all is newest first, for either participant, with both names.
pub fn ones_own_are_listed_newest_first(world: &World) {
    let cast = Cast::new(world);
    let (marc, sophie) = (&cast.employee.0, &cast.practitioner.0);
    let second = booked(world, &cast.employee, &cast.practitioner, "2027-01-06T10:00:00Z");
    let third = booked(world, &cast.employee, &cast.other_practitioner, "2027-01-07T10:00:00Z");
    let first = booked(world, &cast.employee, &cast.practitioner, "2027-01-05T10:00:00Z");
    let foreign = booked(world, &cast.stranger, &cast.practitioner, "2027-01-08T10:00:00Z");
    assert_eq!(own(world, marc, MINE), ids(&[&third, &second, &first]));
    assert_eq!(own(world, sophie, MINE), ids(&[&foreign, &second, &first]));
    assert_eq!(own(world, &cast.colleague.0, MINE), []);
    let part = world.booking.run(&sophie.scope(), |tx| Ok(tx.consultations(sophie.id(), MINE, None, 1)?)).unwrap();
    let view = part.items.first().unwrap();
    assert_eq!(view.consultation, foreign);
    assert_eq!(view.names.employee, Some(("Léa".to_owned(), "Dupont".to_owned())));
    assert_eq!(view.names.practitioner_first_name, "Sophie");
}

/// It filters by status and by start, the span's end excluded.
pub fn ones_own_are_filtered(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let first = booked(world, &cast.employee, &cast.practitioner, "2027-01-05T10:00:00Z");
    let second = booked(world, &cast.employee, &cast.practitioner, "2027-01-06T10:00:00Z");
    let third = booked(world, &cast.employee, &cast.practitioner, "2027-01-07T10:00:00Z");
    let second = cancelled(world, marc, second);
    let mine = |status, starts: Option<(&str, &str)>| {
        let starts = starts.map(|(from, until)| Span { from: at(from), until: at(until) });
        own(world, marc, ConsultationList::Mine { status, starts })
    };
    assert_eq!(mine(Some(ConsultationStatus::Scheduled), None), ids(&[&third, &first]));
    assert_eq!(mine(Some(ConsultationStatus::Cancelled), None), ids(&[&second]));
    assert_eq!(mine(Some(ConsultationStatus::NoShow), None), []);
    let span = Some(("2027-01-05T10:00:00Z", "2027-01-07T10:00:00Z"));
    assert_eq!(mine(None, span), ids(&[&second, &first]));
    assert_eq!(mine(Some(ConsultationStatus::Scheduled), span), ids(&[&first]));
}

/// What lies ahead or goes on is upcoming, soonest first; all the rest is history, newest first.
pub fn upcoming_and_history_share_all(world: &World) {
    let cast = Cast::new(world);
    let (marc, sophie) = (&cast.employee.0, &cast.practitioner.0);
    let book = |start| booked(world, &cast.employee, &cast.practitioner, start);
    let past = book("2027-01-04T06:00:00Z");
    let over = carried_out(world, sophie, book("2027-01-04T07:00:00Z"), "2027-01-04T07:00:00Z", "2027-01-04T07:40:00Z");
    let going_on = begun(world, sophie, book("2027-01-04T08:00:00Z"), "2027-01-04T08:00:00Z");
    let mut confirmed = book("2027-01-05T08:00:00Z");
    confirmed.status = ConsultationStatus::Confirmed;
    change(world, &sophie.scope(), &confirmed, Some(EventType::Confirmed)).unwrap();
    let ahead = book("2027-01-06T08:00:00Z");
    let gone = cancelled(world, marc, book("2027-01-07T08:00:00Z"));
    let mut missed = book("2027-01-08T08:00:00Z");
    missed.status = ConsultationStatus::NoShow;
    change(world, &sophie.scope(), &missed, Some(EventType::NoShow)).unwrap();
    for person in [marc, sophie] {
        let upcoming = |now| own(world, person, ConsultationList::Upcoming(at(now)));
        let history = |now| own(world, person, ConsultationList::History(at(now)));
        assert_eq!(upcoming("2027-01-04T08:30:00Z"), ids(&[&going_on, &confirmed, &ahead]));
        assert_eq!(history("2027-01-04T08:30:00Z"), ids(&[&missed, &gone, &over, &past]));
        // On the instant of its end a consultation is history.
        assert_eq!(upcoming("2027-01-04T08:50:00Z"), ids(&[&confirmed, &ahead]));
        assert_eq!(history("2027-01-04T08:50:00Z"), ids(&[&missed, &gone, &going_on, &over, &past]));
        assert_eq!(upcoming("2027-02-01T00:00:00Z"), []);
    }
}

/// A walk meets each exactly once in every list, whatever its step, also among equal starts.
pub fn a_walk_meets_each_once(world: &World) {
    let cast = Cast::new(world);
    let sophie = &cast.practitioner.0;
    for start in ["2027-01-05T10:00:00Z", "2027-01-06T10:00:00Z", "2027-01-07T10:00:00Z"] {
        // Of one start, two were called off: the list of all holds three of it.
        cancelled(world, sophie, booked(world, &cast.employee, &cast.practitioner, start));
        cancelled(world, sophie, booked(world, &cast.colleague, &cast.practitioner, start));
        booked(world, &cast.stranger, &cast.practitioner, start);
    }
    let now = at("2027-01-04T00:00:00Z");
    for (list, expected) in [(MINE, 9), (ConsultationList::Upcoming(now), 3), (ConsultationList::History(now), 6)] {
        let all = walk(world, &sophie.scope(), sophie.id(), list, 100);
        assert_eq!(all.len(), expected);
        for limit in [1, 2, 3, 4, 9] {
            assert_eq!(walk(world, &sophie.scope(), sophie.id(), list, limit), all, "{list:?}, {limit} at a time");
        }
    }
    let all = world.booking.run(&sophie.scope(), |tx| Ok(tx.consultations(sophie.id(), MINE, None, 9)?)).unwrap();
    assert_eq!(all.next, None);
    let mut starts: Vec<_> =
        all.items.iter().map(|view| (view.consultation.scheduled_at, view.consultation.id)).collect();
    let listed = starts.clone();
    starts.sort_unstable_by(|one, other| other.cmp(one));
    assert_eq!(listed, starts);
}

/// Nobody lists another's, not even under their own name.
pub fn nobody_lists_anothers(world: &World) {
    let cast = Cast::new(world);
    booked(world, &cast.employee, &cast.practitioner, "2027-01-05T10:00:00Z");
    for scope in [
        cast.colleague.0.scope(),
        cast.stranger.0.scope(),
        cast.other_practitioner.0.scope(),
        cast.hr.scope(),
        cast.administrator.scope(),
        cast.operator.scope(),
    ] {
        for user in [cast.employee.0.id(), cast.practitioner.0.id()] {
            assert_eq!(walk(world, &scope, user, MINE, 10), [], "{scope:?}");
        }
    }
}
