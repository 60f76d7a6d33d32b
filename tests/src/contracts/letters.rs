//! The contract of `Outbox` and `OutboxQueue`.
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use huntzen_tenancy::{
    Job, Scope, StoreError, TenancyError,
    clock::Clock,
    email::Email,
    ids::UserId,
    mail::{Letters, Mail, MailError, Mailer},
    outbox::{Arguments, DueLetter, Letter, LetterDispatch, OutboxMessage},
    preferences::{PreferenceSet, QuietHours},
};
use jiff::{SignedDuration, Timestamp, civil::time};
use serde_json::{Value, json};

use super::{at_once, preferences};
use crate::{
    appointments::sealed,
    cast::{Cast, operator},
    clock::TestClock,
    world::World,
};

/// A letter to `recipient`, not yet written.
pub fn letter(world: &World, recipient: UserId) -> OutboxMessage {
    let now = world.clock.now();
    OutboxMessage {
        id: world.randomness.uuid_v7(now),
        recipient,
        letter: Letter::PasswordReset,
        arguments: Arguments::Sealed(sealed("0123")),
        created_at: now,
    }
}

fn worker() -> Scope {
    Scope::worker(Job::Outbox)
}

/// Takes what is due now and holds it for a minute.
fn take(world: &World, limit: u32) -> Vec<DueLetter> {
    let now = world.clock.now();
    world.tenancy.run(&worker(), |tx| Ok(tx.take_due(now, now + SignedDuration::from_mins(1), limit)?)).unwrap()
}

/// How many letters wait now, and since when in vain.
fn backlog(world: &World) -> (u64, Option<Timestamp>) {
    let now = world.clock.now();
    let backlog = world.tenancy.run(&worker(), |tx| Ok(tx.backlog(now)?)).unwrap();
    (backlog.waiting, backlog.oldest)
}

/// Many letters are written at once, sealed ones and others.
pub fn many_letters_are_written_at_once(world: &World) {
    let operator = operator(world);
    let mut many: Vec<OutboxMessage> = (0..3).map(|_| letter(world, operator.id())).collect();
    many[1].arguments = Arguments::About(json!({ "consultationId": "0123" }));
    world.tenancy.run(&operator.scope(), |tx| Ok(tx.enqueue_all(&many)?)).unwrap();
    let taken: BTreeSet<_> = take(world, 10).into_iter().map(|due| due.message.id).collect();
    assert_eq!(taken, many.iter().map(|one| one.id).collect());
}

/// A letter comes to the worker with the recipient's address, name and language.
pub fn a_letter_reaches_the_worker(world: &World) {
    let operator = operator(world);
    let written = letter(world, operator.id());
    world.tenancy.run(&operator.scope(), |tx| Ok(tx.enqueue(&written)?)).unwrap();
    let taken = take(world, 10);
    let due = |message: OutboxMessage| DueLetter {
        message,
        attempts: 0,
        address: Some(operator.user.email.clone()),
        first_name: operator.user.first_name.clone(),
        language: "fr".to_owned(),
        quiet_hours: None,
    };
    assert_eq!(taken, [due(written)]);
    // What needs no secret is not sealed.
    let plain = OutboxMessage {
        arguments: Arguments::About(json!({ "consultationId": "0123" })),
        ..letter(world, operator.id())
    };
    world.tenancy.run(&operator.scope(), |tx| Ok(tx.enqueue(&plain)?)).unwrap();
    assert_eq!(take(world, 10), [due(plain)]);
}

/// A letter taken by one worker is nobody else's until its lease ends.
pub fn a_taken_letter_is_held_for_its_lease(world: &World) {
    let operator = operator(world);
    world.tenancy.run(&operator.scope(), |tx| Ok(tx.enqueue(&letter(world, operator.id()))?)).unwrap();
    assert_eq!(take(world, 10).len(), 1);
    assert_eq!(take(world, 10).len(), 0);
    world.clock.advance(SignedDuration::from_mins(1));
    assert_eq!(take(world, 10).len(), 1);
}

/// A sent letter is never taken again; a failed one is when its time comes, counted; one given
/// up is not.
pub fn a_letter_is_sent_tried_again_or_given_up(world: &World) {
    let operator = operator(world);
    let letters = [letter(world, operator.id()), letter(world, operator.id()), letter(world, operator.id())];
    for one in &letters {
        world.tenancy.run(&operator.scope(), |tx| Ok(tx.enqueue(one)?)).unwrap();
    }
    assert_eq!(take(world, 10).len(), 3);
    let now = world.clock.now();
    let later = now + SignedDuration::from_mins(5);
    world
        .tenancy
        .run(&worker(), |tx| {
            tx.mark_sent(letters[0].id, now)?;
            tx.mark_failed(letters[1].id, Some(later))?;
            Ok(tx.mark_failed(letters[2].id, None)?)
        })
        .unwrap();
    assert_eq!(backlog(world), (1, Some(letters[1].created_at)), "it was tried in vain");
    world.clock.advance(SignedDuration::from_mins(4));
    assert_eq!(take(world, 10).len(), 0);
    world.clock.advance(SignedDuration::from_mins(1));
    let again = take(world, 10);
    assert_eq!(again.iter().map(|one| (one.message.id, one.attempts)).collect::<Vec<_>>(), [(letters[1].id, 1)]);
}

/// A letter that waits is due again when it should be, as if it had not been taken; its recipient's quiet
/// hours come with it.
pub fn a_letter_waits_for_the_end_of_quiet_hours(world: &World) {
    let operator = operator(world);
    let hours = QuietHours::new(time(22, 0, 0, 0), time(7, 0, 0, 0), "Europe/Paris").unwrap();
    let chosen = PreferenceSet {
        language: "en".to_owned(),
        alias: None,
        share_usage_with_employer: false,
        quiet_hours: Some(hours.clone()),
    };
    preferences::decide(world, &operator.scope(), &operator, &chosen).unwrap();
    let written = letter(world, operator.id());
    world.tenancy.run(&operator.scope(), |tx| Ok(tx.enqueue(&written)?)).unwrap();
    let taken = take(world, 10);
    assert_eq!(taken.iter().map(|due| due.quiet_hours.as_ref()).collect::<Vec<_>>(), [Some(&hours)]);
    assert_eq!(backlog(world), (1, None), "it is in good hands");
    let until = world.clock.now() + SignedDuration::from_hours(9);
    world.tenancy.run(&operator.scope(), |tx| Ok(tx.postpone(written.id, until)?)).unwrap();
    world.clock.advance(SignedDuration::from_mins(1));
    assert_eq!(backlog(world), (1, Some(world.clock.now())), "the worker has lost it");
    assert_eq!(take(world, 10).len(), 1, "none but the worker makes a letter wait");
    world.tenancy.run(&worker(), |tx| Ok(tx.postpone(written.id, until)?)).unwrap();
    world.clock.set(until - SignedDuration::from_secs(1));
    assert_eq!(take(world, 10), []);
    assert_eq!(backlog(world), (1, None), "a letter that is held is in no delay");
    world.clock.set(until);
    assert_eq!(backlog(world), (1, Some(until)), "nor has it been due for long");
    assert_eq!(take(world, 10).iter().map(|due| due.attempts).collect::<Vec<_>>(), [0]);
}

/// Brings out a defect at the letter to its account, which comes first.
struct Fragile {
    breaks_at: UserId,
    rendered: Mutex<Vec<UserId>>,
}

impl Letters for Fragile {
    fn render(&self, letter: &DueLetter, _: &Value, to: &Email) -> Result<Mail, MailError> {
        let recipient = letter.message.recipient;
        self.rendered.lock().unwrap_or_else(PoisonError::into_inner).push(recipient);
        assert_ne!(recipient, self.breaks_at, "on purpose");
        Ok(Mail {
            message_id: String::new(),
            to: to.clone(),
            subject: String::new(),
            text: String::new(),
            html: String::new(),
        })
    }
}

impl Mailer for Fragile {
    fn send(&self, _: &Mail) -> Result<(), MailError> {
        Ok(())
    }
}

/// A letter at which sending panics is tried again later, and keeps no other waiting.
pub fn a_letter_that_brings_out_a_defect_keeps_no_other_waiting(world: &World) {
    let cast = Cast::new(world);
    world.tenancy.run(&worker(), |tx| Ok(tx.take_due(world.clock.now(), Timestamp::MAX, 100)?)).unwrap();
    let recipients = [cast.employee.0.id(), cast.colleague.0.id()];
    for recipient in recipients {
        world.clock.advance(SignedDuration::from_secs(1));
        let arguments = Arguments::About(json!({}));
        let one = OutboxMessage { arguments, ..letter(world, recipient) };
        world.tenancy.run(&cast.hr.scope(), |tx| Ok(tx.enqueue(&one)?)).unwrap();
    }
    let fragile = Arc::new(Fragile { breaks_at: recipients[0], rendered: Mutex::default() });
    let dispatch = LetterDispatch::new(
        Arc::clone(&world.tenancy),
        Arc::<TestClock>::clone(&world.clock),
        Arc::<Fragile>::clone(&fragile),
        Arc::<Fragile>::clone(&fragile),
        world.clinical_ports().sealer,
    );
    let done = dispatch.run(10).unwrap();
    assert_eq!((done.sent, done.postponed, done.given_up), (1, 1, 0));
    world.clock.advance(SignedDuration::from_mins(1));
    assert_eq!(dispatch.run(10).unwrap().postponed, 1, "it is tried again");
    let rendered = fragile.rendered.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(*rendered, [recipients[0], recipients[1], recipients[0]]);
}

/// Only the worker sees letters; anonymous visitors write none.
pub fn letters_are_the_workers_alone(world: &World) {
    let cast = Cast::new(world);
    let before = take(world, 100).len();
    let one = letter(world, cast.employee.0.id());
    world.tenancy.run(&cast.hr.scope(), |tx| Ok(tx.enqueue(&one)?)).unwrap();
    let now = world.clock.now();
    for scope in [cast.hr.scope(), cast.employee.0.scope(), cast.operator.scope(), Scope::worker(Job::Reminders)] {
        let seen = world.tenancy.run(&scope, |tx| Ok(tx.take_due(now, now, 10)?)).unwrap();
        assert_eq!(seen, [], "{scope:?}");
    }
    let refused = world
        .tenancy
        .run(&Scope::anonymous(huntzen_tenancy::Origin::default()), |tx| Ok(tx.enqueue(&letter(world, cast.hr.id()))?));
    assert!(matches!(refused, Err(TenancyError::Store(StoreError::Refused(_)))), "{refused:?}");
    assert_eq!((before, take(world, 100).len()), (0, 1));
}

/// Of many workers at once, each letter is taken by exactly one; the oldest come first.
pub fn of_many_workers_each_letter_has_one(world: &World) {
    let operator = operator(world);
    let mut expected = BTreeSet::new();
    for _ in 0..20 {
        world.clock.advance(SignedDuration::from_secs(1));
        let one = letter(world, operator.id());
        expected.insert(one.id);
        world.tenancy.run(&operator.scope(), |tx| Ok(tx.enqueue(&one)?)).unwrap();
    }
    let taken: Vec<_> = at_once(4, |_| take(world, 8)).into_iter().flatten().map(|one| one.message.id).collect();
    let distinct: BTreeSet<_> = taken.iter().copied().collect();
    assert_eq!(taken.len(), distinct.len());
    assert!(distinct.is_subset(&expected));
    let rest: Vec<_> = take(world, 100).into_iter().map(|one| one.message.id).collect();
    assert_eq!(distinct.len() + rest.len(), expected.len());
}
