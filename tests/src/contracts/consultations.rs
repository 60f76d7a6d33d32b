//! The contract of `Consultations`: who sees and writes what.
use huntzen_booking::{
    BookingError,
    consultation::{
        Consultation, ConsultationEvent, ConsultationStatus, ConsultationView, EventType, ParticipantNames,
    },
    ids::ConsultationId,
};
use huntzen_tenancy::{Job, Origin, Scope, clock::Clock, notifications::NotificationFilter};
use jiff::SignedDuration;

use super::{booking_undone, is_booking_refused, notifications::inbox};
use crate::{
    appointments::{LENGTH, book, booked, busy_starts, cancelled, change, found, happened, planned, sealed},
    cast::Cast,
    world::World,
};

const START: &str = "2027-01-05T14:00:00Z";

fn view(world: &World, scope: &Scope, id: ConsultationId) -> Option<ConsultationView> {
    world.booking.run(scope, |tx| Ok(tx.consultation_view(id)?)).unwrap()
}

fn redacted(world: &World, scope: &Scope, id: ConsultationId) -> Option<ConsultationView> {
    world.booking.run(scope, |tx| Ok(tx.redacted_consultation(id)?)).unwrap()
}

fn events(world: &World, scope: &Scope, id: ConsultationId) -> Vec<ConsultationEvent> {
    world.booking.run(scope, |tx| Ok(tx.events(id)?)).unwrap()
}

fn redacted_events(world: &World, scope: &Scope, id: ConsultationId) -> Vec<ConsultationEvent> {
    world.booking.run(scope, |tx| Ok(tx.redacted_events(id)?)).unwrap()
}

fn reasoned(consultation: Consultation) -> Consultation {
    Consultation { reason: Some(sealed("Je dors mal.")), ..consultation }
}

/// What was booked is found by both participants, with its names and its event; nothing is None.
pub fn a_booked_consultation_is_found(world: &World) {
    let cast = Cast::new(world);
    let consultation = reasoned(planned(world, &cast.employee, &cast.practitioner, START));
    let event = happened(world, EventType::Scheduled, Some(cast.employee.0.id()));
    let marc = cast.employee.0.scope();
    world.booking.run(&marc, |tx| tx.add_consultation(&consultation, &event)).unwrap();
    let names = ParticipantNames {
        employee: Some(("Marc".to_owned(), "Dupont".to_owned())),
        practitioner_first_name: "Sophie".to_owned(),
        practitioner_last_name: "Martin".to_owned(),
        practitioner_title: Some("Dr".to_owned()),
    };
    for scope in [&marc, &cast.practitioner.0.scope()] {
        for for_update in [false, true] {
            let seen = world.booking.run(scope, |tx| Ok(tx.consultation(consultation.id, for_update)?)).unwrap();
            assert_eq!(seen.as_ref(), Some(&consultation), "{scope:?}");
        }
        let expected = ConsultationView { consultation: consultation.clone(), names: names.clone() };
        assert_eq!(view(world, scope, consultation.id), Some(expected), "{scope:?}");
        assert_eq!(events(world, scope, consultation.id), std::slice::from_ref(&event), "{scope:?}");
        let unknown = ConsultationId(world.randomness.uuid_v4());
        assert_eq!(found(world, scope, unknown), None);
        assert_eq!(view(world, scope, unknown), None);
        assert_eq!(events(world, scope, unknown), []);
    }
}

/// What can change is kept, with the event that says why; participants and type are for ever.
pub fn a_change_is_kept_with_its_event(world: &World) {
    let cast = Cast::new(world);
    let before = booked(world, &cast.employee, &cast.practitioner, START);
    world.clock.advance(SignedDuration::from_hours(1));
    let now = world.clock.now();
    let sophie = cast.practitioner.0.scope();
    let mut asked = planned(world, &cast.employee, &cast.practitioner, "2027-01-06T10:00:00Z");
    asked.id = before.id;
    asked.status = ConsultationStatus::Confirmed;
    asked.kind = huntzen_booking::availability::ConsultationType::Chat;
    asked.practitioner = cast.other_practitioner.1.id;
    asked.practitioner_user = cast.other_practitioner.0.id();
    asked.employee = Some(cast.colleague.1.id);
    asked.employee_user = Some(cast.colleague.0.id());
    asked.buffer_minutes = 25;
    asked.reason = Some(sealed("Autre chose."));
    asked.sequence = 3;
    let mut event = happened(world, EventType::Rescheduled, Some(cast.practitioner.0.id()));
    event.previous_start = Some(before.scheduled_at);
    world.booking.run(&sophie, |tx| tx.update_consultation(&asked, Some(&event))).unwrap();
    let expected = Consultation {
        kind: before.kind,
        practitioner: before.practitioner,
        practitioner_user: before.practitioner_user,
        employee: before.employee,
        employee_user: before.employee_user,
        created_at: before.created_at,
        ..asked
    };
    assert_eq!(expected.planned_at, now);
    for scope in [&sophie, &cast.employee.0.scope()] {
        assert_eq!(found(world, scope, before.id).as_ref(), Some(&expected), "{scope:?}");
        assert_eq!(events(world, scope, before.id).last(), Some(&event), "{scope:?}");
    }
    change(world, &sophie, &expected, None).unwrap();
    assert_eq!(events(world, &sophie, before.id).len(), 2);
}

/// Calling off and missing are kept with who, when and why.
pub fn calling_off_and_missing_are_kept(world: &World) {
    let cast = Cast::new(world);
    let called_off = booked(world, &cast.employee, &cast.practitioner, START);
    let called_off = cancelled(world, &cast.employee.0, called_off);
    assert_eq!(found(world, &cast.practitioner.0.scope(), called_off.id).as_ref(), Some(&called_off));
    let mut missed = booked(world, &cast.employee, &cast.practitioner, "2027-01-06T14:00:00Z");
    missed.status = ConsultationStatus::NoShow;
    missed.no_show_at = Some(missed.scheduled_at + SignedDuration::from_mins(15));
    missed.no_show_by = Some(cast.practitioner.0.id());
    change(world, &cast.practitioner.0.scope(), &missed, Some(EventType::NoShow)).unwrap();
    assert_eq!(found(world, &cast.employee.0.scope(), missed.id), Some(missed));
}

/// A failed unit of work leaves no consultation, event, busy time, notification, letter or entry.
pub fn a_failed_unit_of_work_leaves_no_consultation(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let consultation = reasoned(planned(world, &cast.employee, &cast.practitioner, START));
    let event = happened(world, EventType::Scheduled, Some(marc.id()));
    booking_undone(world, marc, consultation.id, |tx| tx.add_consultation(&consultation, &event));
    assert_eq!(found(world, &marc.scope(), consultation.id), None);
    assert_eq!(events(world, &marc.scope(), consultation.id), []);
    assert_eq!(busy_starts(world, &marc.scope(), cast.practitioner.1.id), []);
    for person in [marc, &cast.practitioner.0] {
        assert_eq!(inbox(world, &person.scope(), person.id(), NotificationFilter::default(), 10), []);
    }
    book(world, &consultation, marc).unwrap();
    let mut moved = consultation.clone();
    moved.scheduled_at += LENGTH;
    moved.ends_at += LENGTH;
    booking_undone(world, marc, consultation.id, |tx| {
        let event = happened(world, EventType::Rescheduled, Some(marc.id()));
        tx.update_consultation(&moved, Some(&event))
    });
    assert_eq!(found(world, &marc.scope(), consultation.id), Some(consultation.clone()));
    assert_eq!(events(world, &marc.scope(), consultation.id).len(), 1);
    assert_eq!(busy_starts(world, &marc.scope(), cast.practitioner.1.id), [consultation.scheduled_at]);
}

/// Nobody but the two participants sees a consultation or writes it.
pub fn a_consultation_is_its_participants_alone(world: &World) {
    let cast = Cast::new(world);
    let consultation = booked(world, &cast.employee, &cast.practitioner, START);
    for scope in [
        cast.colleague.0.scope(),
        cast.stranger.0.scope(),
        cast.other_practitioner.0.scope(),
        cast.hr.scope(),
        cast.other_hr.scope(),
        cast.administrator.scope(),
        cast.operator.scope(),
        Scope::anonymous(Origin::default()),
        Scope::worker(Job::Outbox),
        Scope::worker(Job::Audit),
    ] {
        assert_eq!(found(world, &scope, consultation.id), None, "{scope:?}");
        assert_eq!(view(world, &scope, consultation.id), None, "{scope:?}");
        assert_eq!(events(world, &scope, consultation.id), [], "{scope:?}");
        let day = world.booking.run(&scope, |tx| Ok(tx.service_day(consultation.id)?)).unwrap();
        assert_eq!(day, None, "{scope:?}");
        let refused = change(world, &scope, &consultation, None);
        assert!(matches!(refused, Err(BookingError::NotFound)), "{scope:?}: {refused:?}");
    }
}

/// An employee books for themselves and in their own company alone; nobody else books.
pub fn nobody_books_for_another(world: &World) {
    let cast = Cast::new(world);
    let for_marc = planned(world, &cast.employee, &cast.practitioner, START);
    let mut elsewhere = for_marc.clone();
    elsewhere.company = cast.other_company.id;
    for (person, consultation) in [
        (&cast.colleague.0, &for_marc),
        (&cast.stranger.0, &for_marc),
        (&cast.practitioner.0, &for_marc),
        (&cast.hr, &for_marc),
        (&cast.administrator, &for_marc),
        (&cast.operator, &for_marc),
        (&cast.employee.0, &elsewhere),
    ] {
        let refused = book(world, consultation, person);
        assert!(is_booking_refused(&refused), "{}: {refused:?}", person.user.role);
    }
    assert_eq!(busy_starts(world, &cast.employee.0.scope(), cast.practitioner.1.id), []);
}

/// Administrators and operators see a consultation without the employee and without reasons.
pub fn administrators_see_it_redacted(world: &World) {
    let cast = Cast::new(world);
    let by_employee = reasoned(planned(world, &cast.employee, &cast.practitioner, START));
    book(world, &by_employee, &cast.employee.0).unwrap();
    let by_practitioner = booked(world, &cast.employee, &cast.practitioner, "2027-01-06T14:00:00Z");
    world.clock.advance(SignedDuration::from_mins(1));
    let by_employee = cancelled(world, &cast.employee.0, by_employee);
    let by_practitioner = cancelled(world, &cast.practitioner.0, by_practitioner);
    for scope in [cast.administrator.scope(), cast.operator.scope()] {
        for (full, who) in [(&by_employee, None), (&by_practitioner, Some(cast.practitioner.0.id()))] {
            let ConsultationView { consultation: seen, names } = redacted(world, &scope, full.id).unwrap();
            assert_eq!((seen.employee, seen.employee_user, seen.reason, seen.cancel_reason), (None, None, None, None));
            assert_eq!((seen.room_name, seen.cancelled_by), (None, who));
            assert_eq!((seen.id, seen.company, seen.practitioner), (full.id, full.company, full.practitioner));
            assert_eq!(
                (seen.practitioner_user, seen.kind, seen.status),
                (full.practitioner_user, full.kind, full.status)
            );
            assert_eq!((seen.scheduled_at, seen.ends_at), (full.scheduled_at, full.ends_at));
            assert_eq!((seen.billing_status, seen.cancelled_at), (full.billing_status, full.cancelled_at));
            assert_eq!((seen.created_at, seen.updated_at), (full.created_at, full.updated_at));
            assert_eq!((names.employee, names.practitioner_first_name.as_str()), (None, "Sophie"));
            let actors: Vec<_> =
                redacted_events(world, &scope, full.id).into_iter().map(|event| (event.kind, event.actor)).collect();
            assert_eq!(actors, [(EventType::Scheduled, None), (EventType::Cancelled, who)], "{scope:?}");
        }
    }
    for scope in [
        cast.employee.0.scope(),
        cast.practitioner.0.scope(),
        cast.hr.scope(),
        cast.other_hr.scope(),
        Scope::anonymous(Origin::default()),
    ] {
        assert_eq!(redacted(world, &scope, by_employee.id), None, "{scope:?}");
        assert_eq!(redacted_events(world, &scope, by_employee.id), [], "{scope:?}");
    }
    let unknown = ConsultationId(world.randomness.uuid_v4());
    assert_eq!(redacted(world, &cast.administrator.scope(), unknown), None);
}

/// A participant joins once; every later token is another event, and tells nobody.
pub fn a_participant_joins_once(world: &World) {
    let cast = Cast::new(world);
    let consultation = booked(world, &cast.employee, &cast.practitioner, START);
    for person in [&cast.employee.0, &cast.employee.0, &cast.practitioner.0, &cast.employee.0] {
        world.clock.advance(SignedDuration::from_secs(1));
        let event = happened(world, EventType::RoomTokenIssued, Some(person.id()));
        world.booking.run(&person.scope(), |tx| Ok(tx.add_room_event(&consultation, &event)?)).unwrap();
    }
    let kinds: Vec<_> = events(world, &cast.practitioner.0.scope(), consultation.id)
        .into_iter()
        .skip(1)
        .map(|event| (event.kind, event.actor))
        .collect();
    let (marc, sophie) = (Some(cast.employee.0.id()), Some(cast.practitioner.0.id()));
    assert_eq!(
        kinds,
        [
            (EventType::RoomJoined, marc),
            (EventType::RoomTokenIssued, marc),
            (EventType::RoomJoined, sophie),
            (EventType::RoomTokenIssued, marc),
        ]
    );
    let told = inbox(world, &cast.practitioner.0.scope(), cast.practitioner.0.id(), NotificationFilter::default(), 10);
    assert_eq!(told.len(), 1);
}
