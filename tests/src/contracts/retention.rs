//! The contracts of `Retention` and `CareRetention`.
use huntzen_booking::practitioner::Profession;
use huntzen_clinical::conversation::MessageRange;
use huntzen_tenancy::{
    Job, Scope,
    clock::Clock,
    identity::{HashedPassword, OneTimePurpose, User},
    notifications::{NotificationFilter, NotificationType},
    own_data::OwnPart,
    retention::Expired,
    sealing::KeySubject,
    words::Words,
};
use jiff::{SignedDuration, Timestamp};

use super::{
    conversations::{said, write},
    files,
    invitations::invited,
    letters, notes,
    notifications::notified,
    sessions::signed_in,
    tokens::mailed,
};
use crate::{
    appointments::{booked, carried_out, found},
    cast::{Cast, Person, listed},
    clock::at,
    world::World,
};

fn job() -> Scope {
    Scope::worker(Job::Retention)
}

fn discard(world: &World, scope: &Scope, what: Expired, before: Timestamp, limit: u32) -> u64 {
    world.tenancy.run(scope, |tx| Ok(tx.discard(what, before, limit)?)).unwrap()
}

/// How many of these the person has.
fn kept(world: &World, of: &Person, part: OwnPart) -> usize {
    world.tenancy.run(&of.scope(), |tx| Ok(tx.own_records(part, None, 100)?)).unwrap().items.len()
}

/// What is older goes, in parts that are as small as is asked for; what is younger stays.
pub fn what_is_older_goes(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let keep = |world: &World| {
        notified(world, marc, NotificationType::AccountSecurity);
        signed_in(world, marc);
        mailed(world, marc, OneTimePurpose::ResetPassword);
    };
    for _ in 0..3 {
        keep(world);
        world.clock.advance(SignedDuration::from_secs(1));
    }
    world.clock.advance(SignedDuration::from_hours(24 * 40));
    let between = world.clock.now();
    keep(world);
    for (what, part) in [
        (Expired::Notifications, OwnPart::Notifications),
        (Expired::Sessions, OwnPart::Sessions),
        (Expired::Tokens, OwnPart::Tokens),
    ] {
        assert_eq!(kept(world, marc, part), 4, "{what}");
        assert_eq!(discard(world, &job(), what, between, 2), 2, "{what}");
        assert_eq!(discard(world, &job(), what, between, 2), 1, "{what}");
        assert_eq!(discard(world, &job(), what, between, 2), 0, "{what}");
        assert_eq!(kept(world, marc, part), 1, "{what}");
    }
    let inbox =
        world.tenancy.run(&marc.scope(), |tx| Ok(tx.inbox(marc.id(), NotificationFilter::default(), None, 9)?));
    assert_eq!(inbox.unwrap().items.len(), 1);
}

/// A letter goes with its key once it was sent long ago, or given up; one that waits stays.
pub fn letters_go_with_their_keys(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let [sent, given_up, waiting] = [0, 1, 2].map(|_| {
        let letter = letters::letter(world, marc.id());
        let key = world.vault.generate(world.randomness.uuid_v4(), KeySubject::Letter(letter.id)).unwrap();
        let written = world.tenancy.run(&marc.scope(), |tx| {
            tx.add_data_keys(&[key])?;
            Ok(tx.enqueue(&letter)?)
        });
        written.unwrap();
        letter.id
    });
    let (now, outbox) = (world.clock.now(), Scope::worker(Job::Outbox));
    let told = world.tenancy.run(&outbox, |tx| {
        tx.mark_sent(sent, now)?;
        Ok(tx.mark_failed(given_up, None)?)
    });
    told.unwrap();
    let keys = |wanted: &[uuid::Uuid]| {
        let subjects: Vec<_> = wanted.iter().map(|id| KeySubject::Letter(*id)).collect();
        world.tenancy.run(&outbox, |tx| Ok(tx.data_keys(&subjects)?)).unwrap().len()
    };
    assert_eq!(discard(world, &job(), Expired::Letters, now, 10), 0);
    assert_eq!(keys(&[sent, given_up, waiting]), 3);
    let later = now + SignedDuration::from_secs(1);
    assert_eq!(discard(world, &job(), Expired::Letters, later, 10), 2);
    assert_eq!((keys(&[sent, given_up]), keys(&[waiting])), (0, 1));
    assert_eq!(kept(world, marc, OwnPart::Letters), 1);
}

/// An invitation that nobody accepted goes from an account that needs none any more. That of an account
/// which still waits stays, since it says who may be invited again; so does an accepted one.
pub fn an_accepted_invitation_stays(world: &World) {
    let cast = Cast::new(world);
    let (marc, claire) = (&cast.employee.0, &cast.colleague.0);
    let invitation = invited(world, &cast.hr, marc);
    let now = world.clock.now();
    let used = world.tenancy.run(&marc.scope(), |tx| Ok(tx.accept_invitation(invitation.digest, now)?));
    assert!(used.unwrap());
    invited(world, &cast.hr, claire);
    let discard = |before| discard(world, &job(), Expired::Invitations, before, 10);
    let (later, kept) = (now + SignedDuration::from_hours(1), |who| kept(world, who, OwnPart::Invitations));
    assert_eq!((discard(now), discard(later)), (0, 0));
    assert_eq!((kept(marc), kept(claire)), (1, 1));
    for person in [marc, claire] {
        let with_password =
            User { password: Some(HashedPassword::from_stored("$2b$10$x".to_owned())), ..person.user.clone() };
        world.tenancy.run(&person.scope(), |tx| tx.update_user(&with_password)).unwrap();
    }
    assert_eq!((discard(now), discard(later), discard(later)), (0, 1, 0));
    assert_eq!((kept(marc), kept(claire)), (1, 0));
}

/// What was said about a consultation goes with the key, long after its end; the consultation stays.
pub fn conversations_go_with_their_keys(world: &World) {
    let cast = Cast::new(world);
    let (marc, sophie) = (&cast.employee.0, &cast.practitioner.0);
    let [old, young] = ["2027-01-04T09:00:00Z", "2027-01-06T09:00:00Z"].map(|start| {
        let one = booked(world, &cast.employee, &cast.practitioner, start);
        let one = carried_out(world, sophie, one, start, &(at(start) + SignedDuration::from_mins(45)).to_string());
        world.clock.set(at(start));
        assert!(write(world, &[said(marc, one.id.0.into(), "Bonjour.")]).iter().all(Result::is_ok));
        one
    });
    let clinical = |before: &str, scope: &Scope| {
        world.clinical.run(scope, |tx| Ok(tx.discard_conversations(at(before), 10)?)).unwrap()
    };
    assert_eq!(clinical("2027-01-04T09:50:00Z", &job()), 0, "it counts from the planned end");
    for scope in [marc.scope(), sophie.scope(), cast.operator.scope(), Scope::worker(Job::Erasure)] {
        assert_eq!(clinical("2027-01-05T00:00:00Z", &scope), 0, "{scope:?}");
    }
    assert_eq!(clinical("2027-01-05T00:00:00Z", &job()), 1);
    assert_eq!(clinical("2027-01-05T00:00:00Z", &job()), 0);
    let said = |of: huntzen_booking::ids::ConsultationId| {
        let messages = world.clinical.run(&marc.scope(), |tx| Ok(tx.messages(of.0.into(), MessageRange::Last, 9)?));
        let keys = [KeySubject::Consultation(of.0)];
        let keys = world.tenancy.run(&marc.scope(), |tx| Ok(tx.data_keys(&keys)?)).unwrap();
        (messages.unwrap().len(), keys.len())
    };
    assert_eq!((said(old.id), said(young.id)), ((0, 0), (1, 1)));
    assert_eq!(found(world, &marc.scope(), old.id).unwrap().duration_seconds, Some(2_700));
}

/// Attachments go with a conversation in which nothing was said, and so have no key to go by.
pub fn what_was_only_sent_goes_too(world: &World) {
    let cast = Cast::new(world);
    let (marc, sophie) = (&cast.employee.0, &cast.practitioner.0);
    let one = booked(world, &cast.employee, &cast.practitioner, "2027-01-04T09:00:00Z");
    let one = carried_out(world, sophie, one, "2027-01-04T09:00:00Z", "2027-01-04T09:45:00Z");
    world.clock.set(at("2027-01-04T09:50:00Z"));
    files::add(world, &sophie.scope(), &files::attached(world, sophie, &one)).unwrap();
    let discard =
        |before: &str| world.clinical.run(&job(), |tx| Ok(tx.discard_conversations(at(before), 10)?)).unwrap();
    assert_eq!(discard("2027-01-04T09:40:00Z"), 0);
    assert_eq!(kept(world, marc, OwnPart::Files), 1);
    assert_eq!(discard("2027-01-05T00:00:00Z"), 1);
    assert_eq!(discard("2027-01-05T00:00:00Z"), 0);
    assert_eq!((kept(world, marc, OwnPart::Files), files::removals(world).len()), (0, 1));
}

/// Notes go with their key when their author's profession keeps them no longer, all of one patient's at
/// once, counted from the last consultation of the two.
pub fn notes_go_by_profession(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let physician = listed(world, &cast.administrator, "anne@huntzen.example", "Anne", |one| {
        one.profession = Profession::Psychiatrist;
    });
    let noted = |with: &(Person, huntzen_booking::practitioner::Practitioner), start: &str| {
        let one = booked(world, &cast.employee, with, start);
        let one = carried_out(world, &with.0, one, start, &(at(start) + SignedDuration::from_mins(45)).to_string());
        let mut note = notes::unwritten(world, &cast, one.id.0.into(), "Insomnie.");
        note.author = with.0.id();
        notes::add(world, &with.0, &note).unwrap();
        note.id
    };
    let first = noted(&cast.practitioner, "2027-01-04T09:00:00Z");
    let later = noted(&cast.practitioner, "2027-01-06T09:00:00Z");
    let of_physician = noted(&physician, "2027-01-05T09:00:00Z");
    for with in [&cast.practitioner.0, &physician.0] {
        let subject = KeySubject::Notes { author: with.id(), patient: marc.id() };
        let key = world.vault.generate(world.randomness.uuid_v4(), subject).unwrap();
        world.tenancy.run(&with.scope(), |tx| Ok(tx.add_data_keys(&[key])?)).unwrap();
    }
    let discard = |physicians: &str, others: &str, scope: &Scope| {
        world.clinical.run(scope, |tx| Ok(tx.discard_notes(at(physicians), at(others), 10)?)).unwrap()
    };
    let is_kept = |by: &Person, id| world.clinical.run(&by.scope(), |tx| Ok(tx.note(id, false)?)).unwrap().is_some();
    let (sophie, anne) = (&cast.practitioner.0, &physician.0);
    assert_eq!(discard("2027-01-05T00:00:00Z", "2027-01-06T00:00:00Z", &job()), 0, "the last one counts");
    assert_eq!(discard("2027-02-01T00:00:00Z", "2027-02-01T00:00:00Z", &sophie.scope()), 0);
    assert_eq!(discard("2027-01-05T00:00:00Z", "2027-01-07T00:00:00Z", &job()), 1);
    assert!(!is_kept(sophie, first) && !is_kept(sophie, later) && is_kept(anne, of_physician));
    assert_eq!(discard("2027-01-06T00:00:00Z", "2027-01-07T00:00:00Z", &job()), 1);
    assert!(!is_kept(anne, of_physician));
    let subject = KeySubject::Notes { author: anne.id(), patient: marc.id() };
    assert_eq!(world.tenancy.run(&anne.scope(), |tx| Ok(tx.data_keys(&[subject])?)).unwrap(), []);
}

/// Nobody but the job discards anything.
pub fn discarding_is_the_jobs_alone(world: &World) {
    let cast = Cast::new(world);
    notified(world, &cast.employee.0, NotificationType::AccountSecurity);
    signed_in(world, &cast.employee.0);
    let never = at("2100-01-01T00:00:00Z");
    for scope in [cast.employee.0.scope(), cast.operator.scope(), Scope::worker(Job::Erasure)] {
        for what in Expired::ALL {
            assert_eq!(discard(world, &scope, *what, never, 100), 0, "{scope:?} {what}");
        }
    }
    assert_eq!(kept(world, &cast.employee.0, OwnPart::Notifications), 1);
}
