//! The contract of `Timetables`.
use huntzen_booking::{
    availability::{
        AvailabilityException, AvailabilityRule, ConsultationType, ExceptionKind, ExceptionTerms, RuleTerms, TypeSet,
    },
    practitioner::{DirectoryFilter, Practitioner, Profession},
    slots::BusySpan,
    timetable::{PractitionerTime, Span},
};
use huntzen_tenancy::{Job, Origin, Scope, clock::Clock};
use jiff::civil::{date, time};

use super::{at_once, booking_undone, is_booking_refused};
use crate::{
    appointments::{booked, cancelled},
    cast::{Cast, Person},
    clock::at,
    world::World,
};

const WEEK: (&str, &str) = ("2027-01-04T00:00:00Z", "2027-01-11T00:00:00Z");

fn span((from, until): (&str, &str)) -> Span {
    Span { from: at(from), until: at(until) }
}

/// A rule that nobody has added yet: on this day of the week from this hour, for three hours.
pub fn new_rule(world: &World, of: &Practitioner, day_of_week: i8, hour: i8) -> AvailabilityRule {
    let terms = RuleTerms {
        day_of_week,
        start_time: time(hour, 30, 0, 0),
        end_time: time(hour + 3, 30, 0, 0),
        slot_minutes: 50,
        buffer_minutes: 10,
        types: [ConsultationType::Video, ConsultationType::Chat].into_iter().collect(),
        valid_from: Some(date(2027, 1, 1)),
        valid_until: None,
    };
    AvailabilityRule::new(world.randomness.uuid_v7(world.clock.now()), of.id.0, terms).unwrap()
}

/// An exception that nobody has added yet.
pub fn new_exception(
    world: &World,
    of: &Practitioner,
    kind: ExceptionKind,
    (starts_at, ends_at): (&str, &str),
) -> AvailabilityException {
    let terms = ExceptionTerms {
        starts_at: at(starts_at),
        ends_at: at(ends_at),
        kind,
        slot_minutes: Some(30),
        buffer_minutes: Some(5),
        types: Some(TypeSet::ALL),
        label: Some("Hôpital".to_owned()),
    };
    AvailabilityException::new(world.randomness.uuid_v7(world.clock.now()), of.id.0, terms).unwrap()
}

/// A rule that its practitioner has added.
pub fn ruled(world: &World, of: &(Person, Practitioner), day_of_week: i8, hour: i8) -> AvailabilityRule {
    let rule = new_rule(world, &of.1, day_of_week, hour);
    let now = world.clock.now();
    world.booking.run(&of.0.scope(), |tx| tx.add_rule(of.0.id(), &rule, now)).unwrap();
    rule
}

/// An exception that its practitioner has added.
pub fn excepted(
    world: &World,
    of: &(Person, Practitioner),
    kind: ExceptionKind,
    times: (&str, &str),
) -> AvailabilityException {
    let exception = new_exception(world, &of.1, kind, times);
    let now = world.clock.now();
    world.booking.run(&of.0.scope(), |tx| tx.add_exception(of.0.id(), &exception, now)).unwrap();
    exception
}

fn rules(world: &World, scope: &Scope, of: &Person) -> Vec<AvailabilityRule> {
    world.booking.run(scope, |tx| Ok(tx.rules_of(of.id())?)).unwrap()
}

fn exceptions(world: &World, scope: &Scope, of: &Person) -> Vec<AvailabilityException> {
    world.booking.run(scope, |tx| Ok(tx.exceptions_of(of.id())?)).unwrap()
}

fn time_of(world: &World, scope: &Scope, of: &Practitioner, times: (&str, &str)) -> Option<PractitionerTime> {
    let mut time = world.booking.run(scope, |tx| Ok(tx.time_of(of.id, span(times))?)).unwrap()?;
    time.rules.sort_by_key(AvailabilityRule::id);
    time.exceptions.sort_by_key(AvailabilityException::starts_at);
    time.busy.sort_by_key(|busy| busy.starts_at);
    Some(time)
}

fn anonymous() -> Scope {
    Scope::anonymous(Origin::default())
}

fn unlabelled(exception: &AvailabilityException) -> AvailabilityException {
    let shape = exception.shape();
    let terms = ExceptionTerms {
        starts_at: exception.starts_at(),
        ends_at: exception.ends_at(),
        kind: exception.kind(),
        slot_minutes: shape.map(|shape| shape.slot_minutes),
        buffer_minutes: shape.map(|shape| shape.buffer_minutes),
        types: shape.map(|shape| shape.types),
        label: None,
    };
    AvailabilityException::new(exception.id(), exception.practitioner_id(), terms).unwrap()
}

/// A practitioner's rules are found by day, start and id, change, and go.
pub fn rules_are_kept(world: &World) {
    let cast = Cast::new(world);
    let sophie = &cast.practitioner;
    let (scope, owner) = (sophie.0.scope(), sophie.0.id());
    let friday = ruled(world, sophie, 5, 9);
    let afternoon = ruled(world, sophie, 1, 14);
    let morning = ruled(world, sophie, 1, 8);
    ruled(world, &cast.other_practitioner, 1, 8);
    assert_eq!(rules(world, &scope, &sophie.0), [morning.clone(), afternoon.clone(), friday.clone()]);
    let mut terms = friday.terms().clone();
    terms.day_of_week = 3;
    terms.types = TypeSet::ALL;
    (terms.valid_from, terms.valid_until) = (None, Some(date(2027, 6, 30)));
    let moved = AvailabilityRule::new(friday.id(), friday.practitioner_id(), terms).unwrap();
    let now = world.clock.now();
    let update = |rule: &AvailabilityRule| world.booking.run(&scope, |tx| Ok(tx.update_rule(rule, now)?)).unwrap();
    assert!(update(&moved));
    assert!(!update(&new_rule(world, &sophie.1, 1, 8)));
    let remove = |id| world.booking.run(&scope, |tx| Ok(tx.remove_rule(owner, id)?)).unwrap();
    assert_eq!((remove(morning.id()), remove(morning.id())), (true, false));
    assert_eq!(rules(world, &scope, &sophie.0), [afternoon, moved]);
}

/// A practitioner's exceptions are found by start and id with their labels, and go.
pub fn exceptions_are_kept(world: &World) {
    let cast = Cast::new(world);
    let sophie = &cast.practitioner;
    let (scope, owner) = (sophie.0.scope(), sophie.0.id());
    let leave = excepted(world, sophie, ExceptionKind::Leave, ("2027-02-01T00:00:00Z", "2027-02-08T00:00:00Z"));
    let extra = excepted(world, sophie, ExceptionKind::Extra, ("2027-01-09T09:00:00Z", "2027-01-09T12:00:00Z"));
    assert_eq!(exceptions(world, &scope, &sophie.0), [extra.clone(), leave.clone()]);
    let remove = |id| world.booking.run(&scope, |tx| Ok(tx.remove_exception(owner, id)?)).unwrap();
    assert_eq!((remove(leave.id()), remove(leave.id())), (true, false));
    assert_eq!(exceptions(world, &scope, &sophie.0), [extra]);
}

/// One read finds standing, rules, the exceptions and the busy times that meet the span; what
/// only touches it does not.
pub fn a_practitioners_time_is_found_at_once(world: &World) {
    let cast = Cast::new(world);
    let sophie = &cast.practitioner;
    let rule = ruled(world, sophie, 1, 8);
    let within = excepted(world, sophie, ExceptionKind::Leave, ("2027-01-05T08:00:00Z", "2027-01-05T10:00:00Z"));
    let around = excepted(world, sophie, ExceptionKind::Leave, ("2026-12-20T00:00:00Z", "2027-02-01T00:00:00Z"));
    excepted(world, sophie, ExceptionKind::Extra, ("2027-01-03T22:00:00Z", "2027-01-04T00:00:00Z"));
    excepted(world, sophie, ExceptionKind::Extra, ("2027-01-11T00:00:00Z", "2027-01-11T02:00:00Z"));
    booked(world, &cast.employee, sophie, "2027-01-05T14:00:00Z");
    let gone = booked(world, &cast.employee, sophie, "2027-01-05T16:00:00Z");
    cancelled(world, &cast.employee.0, gone);
    booked(world, &cast.employee, sophie, "2027-01-11T00:00:00Z");
    // The pause of this one reaches into the span.
    booked(world, &cast.colleague, sophie, "2027-01-03T23:05:00Z");
    booked(world, &cast.employee, &cast.other_practitioner, "2027-01-06T14:00:00Z");
    let busy = |start: &str, until: &str| BusySpan { starts_at: at(start), busy_until: at(until) };
    let expected = PractitionerTime {
        practitioner: sophie.1.id,
        user: sophie.0.id(),
        first_name: "Sophie".to_owned(),
        last_name: "Martin".to_owned(),
        title: Some("Dr".to_owned()),
        timezone: "Europe/Paris".to_owned(),
        is_public: true,
        accepting_new_clients: true,
        rules: vec![rule],
        exceptions: vec![unlabelled(&around), unlabelled(&within)],
        busy: vec![
            busy("2027-01-03T23:05:00Z", "2027-01-04T00:05:00Z"),
            busy("2027-01-05T14:00:00Z", "2027-01-05T15:00:00Z"),
        ],
    };
    for scope in [
        sophie.0.scope(),
        cast.employee.0.scope(),
        cast.stranger.0.scope(),
        cast.other_practitioner.0.scope(),
        anonymous(),
    ] {
        assert_eq!(time_of(world, &scope, &sophie.1, WEEK).as_ref(), Some(&expected), "{scope:?}");
    }
    let mut unknown = sophie.1.clone();
    unknown.id.0 = world.randomness.uuid_v4();
    assert_eq!(time_of(world, &cast.employee.0.scope(), &unknown, WEEK), None);
}

/// The times of all that match are found together, and equal those found one by one.
pub fn the_times_of_all_are_found_together(world: &World) {
    let cast = Cast::new(world);
    for one in [&cast.practitioner, &cast.other_practitioner] {
        ruled(world, one, 1, 8);
        ruled(world, one, 2, 8);
        excepted(world, one, ExceptionKind::Extra, ("2027-01-09T09:00:00Z", "2027-01-09T12:00:00Z"));
        excepted(world, one, ExceptionKind::Extra, ("2028-01-09T09:00:00Z", "2028-01-09T12:00:00Z"));
    }
    booked(world, &cast.employee, &cast.practitioner, "2027-01-05T14:00:00Z");
    booked(world, &cast.stranger, &cast.other_practitioner, "2027-01-05T14:00:00Z");
    let mut paused = cast.other_practitioner.1.clone();
    paused.profession = Profession::Coach;
    world.booking.run(&cast.administrator.scope(), |tx| tx.update_practitioner(&paused)).unwrap();
    let times = |scope: &Scope, filter: &DirectoryFilter| {
        let mut times = world.booking.run(scope, |tx| Ok(tx.times(filter, span(WEEK))?)).unwrap();
        times.sort_by_key(|time| time.practitioner);
        for time in &mut times {
            time.rules.sort_by_key(AvailabilityRule::id);
        }
        times
    };
    let (everyone, coaches) = (
        DirectoryFilter::default(),
        DirectoryFilter { profession: Some(Profession::Coach), ..DirectoryFilter::default() },
    );
    for scope in [cast.employee.0.scope(), anonymous()] {
        let mut expected: Vec<_> = [&cast.practitioner.1, &cast.other_practitioner.1]
            .map(|one| time_of(world, &scope, one, WEEK).unwrap())
            .into();
        expected.sort_by_key(|time| time.practitioner);
        assert!(expected.iter().all(|time| (time.rules.len(), time.exceptions.len(), time.busy.len()) == (2, 1, 1)));
        assert_eq!(times(&scope, &everyone), expected, "{scope:?}");
        let coach = time_of(world, &scope, &cast.other_practitioner.1, WEEK).unwrap();
        assert_eq!(times(&scope, &coaches), [coach]);
    }
    paused.suspended_at = Some(world.clock.now());
    world.booking.run(&cast.administrator.scope(), |tx| tx.update_practitioner(&paused)).unwrap();
    assert_eq!(times(&cast.employee.0.scope(), &everyone).len(), 1);
    assert_eq!(times(&cast.employee.0.scope(), &coaches), []);
    assert_eq!(times(&paused_scope(&cast), &everyone).len(), 1);
}

fn paused_scope(cast: &Cast) -> Scope {
    cast.other_practitioner.0.scope()
}

/// Rules and exceptions are everybody's to see while their practitioner is validated and not
/// suspended, whenever they were added.
pub fn visibility_follows_the_standing(world: &World) {
    let cast = Cast::new(world);
    let sophie = &cast.practitioner;
    let mut entry = sophie.1.clone();
    ruled(world, sophie, 1, 8);
    excepted(world, sophie, ExceptionKind::Extra, ("2027-01-09T09:00:00Z", "2027-01-09T12:00:00Z"));
    let now = world.clock.now();
    let mut stand = |is_validated, suspended_at| {
        (entry.is_validated, entry.suspended_at) = (is_validated, suspended_at);
        world.booking.run(&cast.administrator.scope(), |tx| tx.update_practitioner(&entry)).unwrap();
    };
    let seen = |scope: &Scope| {
        time_of(world, scope, &sophie.1, WEEK).map(|time| (time.is_public, time.rules.len(), time.exceptions.len()))
    };
    let employee = cast.employee.0.scope();
    assert_eq!(seen(&anonymous()), Some((true, 1, 1)));
    stand(true, Some(now));
    ruled(world, sophie, 2, 8);
    excepted(world, sophie, ExceptionKind::Leave, ("2027-01-06T09:00:00Z", "2027-01-06T12:00:00Z"));
    assert_eq!(seen(&anonymous()), None);
    assert_eq!(seen(&employee), Some((false, 0, 0)));
    assert_eq!(seen(&sophie.0.scope()), Some((false, 2, 2)));
    stand(false, None);
    assert_eq!(seen(&anonymous()), None);
    assert_eq!(seen(&employee), Some((false, 0, 0)));
    stand(true, None);
    assert_eq!(seen(&anonymous()), Some((true, 2, 2)));
    assert_eq!(seen(&employee), Some((true, 2, 2)));
}

/// Nobody reads a label but its writer, not even of a public exception.
pub fn labels_are_their_writers_alone(world: &World) {
    let cast = Cast::new(world);
    let sophie = &cast.practitioner;
    let leave = excepted(world, sophie, ExceptionKind::Leave, ("2027-01-05T00:00:00Z", "2027-01-06T00:00:00Z"));
    assert_eq!(exceptions(world, &sophie.0.scope(), &sophie.0), [leave]);
    for scope in [
        cast.other_practitioner.0.scope(),
        cast.employee.0.scope(),
        cast.administrator.scope(),
        cast.hr.scope(),
        anonymous(),
    ] {
        assert_eq!(exceptions(world, &scope, &sophie.0), [], "{scope:?}");
        let time = time_of(world, &scope, &sophie.1, WEEK).unwrap();
        assert_eq!(time.exceptions.iter().map(AvailabilityException::label).collect::<Vec<_>>(), [None], "{scope:?}");
    }
}

/// Nobody plans for another.
pub fn nobody_plans_for_another(world: &World) {
    let cast = Cast::new(world);
    let sophie = &cast.practitioner;
    let rule = ruled(world, sophie, 1, 8);
    let leave = excepted(world, sophie, ExceptionKind::Leave, ("2027-01-05T00:00:00Z", "2027-01-06T00:00:00Z"));
    let (now, owner) = (world.clock.now(), sophie.0.id());
    let new_rule = new_rule(world, &sophie.1, 1, 14);
    let new_leave =
        new_exception(world, &sophie.1, ExceptionKind::Leave, ("2027-01-07T00:00:00Z", "2027-01-08T00:00:00Z"));
    for scope in [
        cast.other_practitioner.0.scope(),
        cast.employee.0.scope(),
        cast.hr.scope(),
        cast.administrator.scope(),
        anonymous(),
        Scope::worker(Job::Reminders),
    ] {
        let refused = world.booking.run(&scope, |tx| tx.add_rule(owner, &new_rule, now));
        assert!(is_booking_refused(&refused), "{scope:?}: {refused:?}");
        let refused = world.booking.run(&scope, |tx| tx.add_exception(owner, &new_leave, now));
        assert!(is_booking_refused(&refused), "{scope:?}: {refused:?}");
        let touched = world.booking.run(&scope, |tx| {
            Ok((
                tx.update_rule(&rule, now)?,
                tx.remove_rule(owner, rule.id())?,
                tx.remove_exception(owner, leave.id())?,
            ))
        });
        assert_eq!(touched.unwrap(), (false, false, false), "{scope:?}");
    }
    assert_eq!(rules(world, &sophie.0.scope(), &sophie.0), [rule]);
    assert_eq!(exceptions(world, &sophie.0.scope(), &sophie.0), [leave]);
}

/// A failed unit of work leaves no rule, no exception, no audit entry and no letter.
pub fn a_failed_unit_of_work_leaves_no_plan(world: &World) {
    let cast = Cast::new(world);
    let sophie = &cast.practitioner;
    let kept = ruled(world, sophie, 1, 8);
    let rule = new_rule(world, &sophie.1, 2, 8);
    let leave = new_exception(world, &sophie.1, ExceptionKind::Leave, ("2027-01-05T00:00:00Z", "2027-01-06T00:00:00Z"));
    let (now, owner) = (world.clock.now(), sophie.0.id());
    booking_undone(world, &sophie.0, rule.id(), |tx| {
        tx.add_rule(owner, &rule, now)?;
        tx.add_exception(owner, &leave, now)?;
        tx.remove_rule(owner, kept.id())?;
        Ok(())
    });
    assert_eq!(rules(world, &sophie.0.scope(), &sophie.0), [kept]);
    assert_eq!(exceptions(world, &sophie.0.scope(), &sophie.0), []);
}

/// Of many who hold a calendar at once, each sees what the one before it did.
pub fn of_many_at_once_one_holds_the_calendar(world: &World) {
    let cast = Cast::new(world);
    let sophie = &cast.practitioner;
    let added = at_once(6, |_| {
        let rule = new_rule(world, &sophie.1, 1, 8);
        let now = world.clock.now();
        world
            .booking
            .run(&sophie.0.scope(), |tx| {
                tx.hold_calendar(sophie.1.id)?;
                let is_first = tx.rules_of(sophie.0.id())?.is_empty();
                if is_first {
                    tx.add_rule(sophie.0.id(), &rule, now)?;
                }
                Ok(is_first)
            })
            .unwrap()
    });
    assert_eq!(added.into_iter().filter(|added| *added).count(), 1);
    assert_eq!(rules(world, &sophie.0.scope(), &sophie.0).len(), 1);
}
