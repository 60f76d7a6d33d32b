//! The contract of `Conversations`.
use huntzen_booking::consultation::Consultation;
use huntzen_clinical::{
    ClinicalError,
    conversation::{
        AddedMessage, ConversationRules, ConversationState, MessageRange, MessageWriter, NewMessage, News,
        StoredMessage, Written,
    },
    ids::{ConsultationId, MessageId},
};
use huntzen_tenancy::{
    Caller, Job, Origin, Scope, StoreError,
    clock::Clock,
    ids::UserId,
    notifications::{NotificationFilter, NotificationType},
    outbox::Letter,
    sealing::{Sealed, SecretText},
};
use jiff::SignedDuration;

use super::{at_once, notifications::inbox, waiting_letters};
use crate::{
    appointments::booked,
    cast::{Cast, Person},
    world::World,
};

const START: &str = "2027-01-04T14:00:00Z";

/// Two people with a conversation that is open.
struct Talk {
    cast: Cast,
    id: ConsultationId,
}

impl Talk {
    fn new(world: &World) -> Self {
        let cast = Cast::new(world);
        let id = conversation_of(&booked(world, &cast.employee, &cast.practitioner, START));
        Self { cast, id }
    }

    fn employee(&self) -> &Person {
        &self.cast.employee.0
    }

    fn practitioner(&self) -> &Person {
        &self.cast.practitioner.0
    }
}

fn conversation_of(consultation: &Consultation) -> ConsultationId {
    ConsultationId(consultation.id.0)
}

fn writer() -> Scope {
    Scope::worker(Job::Chat)
}

/// What `by` says there.
pub fn said(by: &Person, consultation: ConsultationId, content: &str) -> NewMessage {
    let caller = Caller { actor: by.actor(), origin: Origin::default() };
    NewMessage { caller, consultation, client_id: None, content: SecretText::new(content), once: None }
}

/// Writes as the program does; nobody is away.
pub fn write(world: &World, batch: &[NewMessage]) -> Vec<Result<Written, ClinicalError>> {
    write_while(world, batch, |_| false)
}

fn write_while(
    world: &World,
    batch: &[NewMessage],
    is_away: impl Fn(UserId) -> bool,
) -> Vec<Result<Written, ClinicalError>> {
    MessageWriter::new(world.clinical_ports(), ConversationRules::default()).write(batch, &|_, user| is_away(user))
}

fn read(world: &World, scope: &Scope, id: ConsultationId, range: MessageRange, limit: u32) -> Vec<StoredMessage> {
    world.clinical.run(scope, |tx| Ok(tx.messages(id, range, limit)?)).unwrap()
}

fn places(messages: &[StoredMessage]) -> Vec<u64> {
    messages.iter().map(|message| message.seq).collect()
}

fn marked(world: &World, by: &Person, id: ConsultationId, up_to: u64) -> u64 {
    let now = world.clock.now();
    world.clinical.run(&by.scope(), |tx| Ok(tx.mark_messages_read(id, up_to, now)?)).unwrap()
}

/// A message that nobody has added yet, in the present consultation.
fn unsent(world: &World, talk: &Talk, sender: UserId, seq: u64) -> AddedMessage {
    let care = world.clinical.run(&talk.employee().scope(), |tx| Ok(tx.care(talk.id)?)).unwrap().unwrap();
    let message = StoredMessage {
        id: MessageId(world.randomness.uuid_v4()),
        seq,
        consultation: talk.id,
        company: care.company,
        sender,
        content: Sealed(vec![1; 60]),
        read_at: None,
        created_at: world.clock.now(),
    };
    AddedMessage { message, care, client_id: None }
}

fn add(world: &World, scope: &Scope, message: &AddedMessage) -> Result<(), ClinicalError> {
    let state =
        ConversationState { last_seq: message.message.seq, ..ConversationState::of(message.message.consultation) };
    let now = world.clock.now();
    world.clinical.run(scope, |tx| {
        tx.hold_conversations(&[message.message.consultation])?;
        Ok(tx.add_messages(std::slice::from_ref(message), &[state], now)?)
    })
}

/// What was added is found by its place and by its id, sealed, and what was not is absent.
pub fn an_added_message_is_found(world: &World) {
    let talk = Talk::new(world);
    let batch: Vec<_> = (0..7).map(|number| said(talk.employee(), talk.id, &format!("message {number}"))).collect();
    let written: Vec<_> = write(world, &batch).into_iter().map(Result::unwrap).collect();
    assert_eq!(written.iter().map(|one| one.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
    let scope = talk.practitioner().scope();
    let all = read(world, &scope, talk.id, MessageRange::Last, 100);
    assert_eq!(places(&all), [1, 2, 3, 4, 5, 6, 7]);
    for (stored, one) in all.iter().zip(&written) {
        assert_eq!((stored.id, stored.sender, stored.read_at), (one.id, talk.employee().id(), None));
        assert!(!stored.content.0.windows(7).any(|part| part == b"message"), "a message is kept in clear");
    }
    assert_eq!(places(&read(world, &scope, talk.id, MessageRange::Last, 3)), [5, 6, 7]);
    assert_eq!(places(&read(world, &scope, talk.id, MessageRange::Before(5), 3)), [2, 3, 4]);
    assert_eq!(read(world, &scope, talk.id, MessageRange::Before(1), 3), []);
    assert_eq!(places(&read(world, &scope, talk.id, MessageRange::After(5), 3)), [6, 7]);
    assert_eq!(places(&read(world, &scope, talk.id, MessageRange::After(0), 3)), [1, 2, 3]);
    assert_eq!(read(world, &scope, talk.id, MessageRange::After(u64::MAX), 3), []);
    let by_id = |id| world.clinical.run(&scope, |tx| Ok(tx.message(id)?)).unwrap();
    assert_eq!(by_id(written[2].id).as_ref(), Some(&all[2]));
    assert_eq!(by_id(MessageId(world.randomness.uuid_v4())), None);
    let nowhere = ConsultationId(world.randomness.uuid_v4());
    assert_eq!(read(world, &scope, nowhere, MessageRange::Last, 100), []);
}

/// A unit of work that fails leaves no message, no place taken, and no trace.
pub fn a_failed_unit_of_work_leaves_no_message(world: &World) {
    let talk = Talk::new(world);
    let message = unsent(world, &talk, talk.employee().id(), 1);
    let line = crate::cast::entry(world, &talk.employee().scope(), talk.id);
    let now = world.clock.now();
    let letters = waiting_letters(world);
    let state =
        ConversationState { last_seq: 1, for_practitioner: News::UnreadWhileAway, ..ConversationState::of(talk.id) };
    let failed: Result<(), _> = world.clinical.run(&writer(), |tx| {
        tx.hold_conversations(&[talk.id])?;
        tx.add_messages(std::slice::from_ref(&message), &[state], now)?;
        tx.record_all(std::slice::from_ref(&line))?;
        Err(ClinicalError::NotFound)
    });
    assert!(matches!(failed, Err(ClinicalError::NotFound)));
    assert_eq!(read(world, &talk.employee().scope(), talk.id, MessageRange::Last, 100), []);
    let trail = world.tenancy.run(&Scope::worker(Job::Audit), |tx| Ok(tx.trail(talk.id.0)?)).unwrap();
    assert_eq!(trail, []);
    assert_eq!(waiting_letters(world), letters);
    let told = NotificationFilter { kind: Some(NotificationType::MessageReceived), unread: None };
    assert_eq!(inbox(world, &talk.practitioner().scope(), talk.practitioner().id(), told, 100), []);
    let written = write(world, &[said(talk.employee(), talk.id, "un")]);
    assert_eq!(written[0].as_ref().unwrap().seq, 1);
}

/// Nobody but the two participants reads: no colleague, no other practitioner, no other tenant, no
/// administrator, and not the writer.
pub fn a_conversation_is_its_participants_alone(world: &World) {
    let talk = Talk::new(world);
    let written = write(world, &[said(talk.employee(), talk.id, "un secret")])[0].as_ref().copied().unwrap();
    let cast = &talk.cast;
    for scope in [
        cast.colleague.0.scope(),
        cast.stranger.0.scope(),
        cast.other_practitioner.0.scope(),
        cast.hr.scope(),
        cast.administrator.scope(),
        cast.operator.scope(),
        Scope::anonymous(Origin::default()),
        writer(),
        Scope::worker(Job::Audit),
    ] {
        assert_eq!(read(world, &scope, talk.id, MessageRange::Last, 100), [], "{scope:?}");
        assert_eq!(world.clinical.run(&scope, |tx| Ok(tx.message(written.id)?)).unwrap(), None, "{scope:?}");
        assert_eq!(world.clinical.run(&scope, |tx| Ok(tx.care(talk.id)?)).unwrap(), None, "{scope:?}");
        let now = world.clock.now();
        let marked = world.clinical.run(&scope, |tx| Ok(tx.mark_messages_read(talk.id, 1, now)?)).unwrap();
        assert_eq!(marked, 0, "{scope:?}");
    }
    for person in [talk.employee(), talk.practitioner()] {
        assert_eq!(read(world, &person.scope(), talk.id, MessageRange::Last, 100).len(), 1);
        assert!(world.clinical.run(&person.scope(), |tx| Ok(tx.care(talk.id)?)).unwrap().is_some());
    }
}

/// The writer alone holds conversations and adds messages, each for a participant.
pub fn the_writer_alone_writes(world: &World) {
    let talk = Talk::new(world);
    let message = unsent(world, &talk, talk.employee().id(), 1);
    for scope in [talk.employee().scope(), talk.practitioner().scope(), talk.cast.operator.scope()] {
        let held = world.clinical.run(&scope, |tx| Ok(tx.hold_conversations(&[talk.id])?)).unwrap();
        assert_eq!(held, []);
        assert!(add(world, &scope, &message).is_err(), "{scope:?}");
    }
    for stranger in [&talk.cast.colleague.0, &talk.cast.other_practitioner.0, &talk.cast.hr] {
        let foreign = unsent(world, &talk, stranger.id(), 1);
        let refused = add(world, &writer(), &foreign);
        assert!(matches!(refused, Err(ClinicalError::Store(StoreError::Refused(_)))), "{refused:?}");
    }
    add(world, &writer(), &message).unwrap();
    let taken = unsent(world, &talk, talk.employee().id(), 1);
    let refused = add(world, &writer(), &taken);
    assert!(matches!(refused, Err(ClinicalError::Store(StoreError::Refused(_)))), "{refused:?}");
    let nowhere = ConsultationId(world.randomness.uuid_v4());
    let held = world.clinical.run(&writer(), |tx| Ok(tx.hold_conversations(&[nowhere, talk.id])?)).unwrap();
    assert_eq!(held.iter().map(|one| (one.care.consultation, one.last_seq)).collect::<Vec<_>>(), [(talk.id, 1)]);
}

/// What a sender's device calls a message is known in its conversation and of this sender alone.
pub fn a_named_message_is_known(world: &World) {
    let talk = Talk::new(world);
    let named = |by: &Person, name: &str| NewMessage { client_id: Some(name.to_owned()), ..said(by, talk.id, name) };
    let batch = [named(talk.employee(), "a"), named(talk.employee(), "a"), named(talk.practitioner(), "a")];
    let written: Vec<_> = write(world, &batch).into_iter().map(Result::unwrap).collect();
    assert_eq!(written.iter().map(|one| (one.seq, one.is_new)).collect::<Vec<_>>(), [(1, true), (1, false), (2, true)]);
    world.clock.advance(SignedDuration::from_secs(3));
    let again = write(world, &[named(talk.employee(), "a"), named(talk.employee(), "b")]);
    let again: Vec<_> = again.into_iter().map(Result::unwrap).collect();
    assert_eq!((again[0].id, again[0].created_at, again[0].is_new), (written[0].id, written[0].created_at, false));
    assert_eq!((again[1].seq, again[1].is_new), (3, true));
    let wanted = [(talk.id, talk.employee().id(), "a".to_owned()), (talk.id, talk.employee().id(), "c".to_owned())];
    let known = world.clinical.run(&writer(), |tx| Ok(tx.known_messages(&wanted)?)).unwrap();
    assert_eq!(known.iter().map(|one| (one.client_id.as_str(), one.seq)).collect::<Vec<_>>(), [("a", 1)]);
    let known = world.clinical.run(&talk.cast.operator.scope(), |tx| Ok(tx.known_messages(&wanted)?)).unwrap();
    assert_eq!(known, []);
}

/// Reading marks what the other wrote, up to a place, once.
pub fn reading_is_kept(world: &World) {
    let talk = Talk::new(world);
    let (employee, practitioner) = (talk.employee(), talk.practitioner());
    let by = [employee, employee, practitioner, employee];
    let batch: Vec<_> = by.iter().map(|by| said(by, talk.id, "un")).collect();
    assert!(write(world, &batch).iter().all(Result::is_ok));
    let first = world.clock.now();
    assert_eq!(marked(world, practitioner, talk.id, 2), 2);
    world.clock.advance(SignedDuration::from_mins(1));
    let second = world.clock.now();
    assert_eq!(marked(world, practitioner, talk.id, u64::MAX), 1);
    assert_eq!(marked(world, practitioner, talk.id, u64::MAX), 0);
    let read_at: Vec<_> = read(world, &employee.scope(), talk.id, MessageRange::Last, 100)
        .into_iter()
        .map(|message| message.read_at)
        .collect();
    assert_eq!(read_at, [Some(first), Some(first), None, Some(second)]);
    assert_eq!(marked(world, employee, talk.id, 4), 1);
}

/// Whoever is away is told in the inbox, once in a quarter of an hour; whoever is there is not.
pub fn somebody_away_is_told_once_in_a_while(world: &World) {
    let talk = Talk::new(world);
    let (employee, practitioner) = (talk.employee(), talk.practitioner());
    let told = |who: &Person| {
        let filter = NotificationFilter { kind: Some(NotificationType::MessageReceived), unread: None };
        inbox(world, &who.scope(), who.id(), filter, 100)
    };
    let say = |away: Option<UserId>| {
        let written = write_while(world, &[said(employee, talk.id, "un")], |user| Some(user) == away);
        written[0].as_ref().unwrap();
    };
    say(None);
    assert_eq!(told(practitioner).len(), 0);
    say(Some(employee.id()));
    assert_eq!((told(employee).len(), told(practitioner).len()), (0, 0), "one's own message is no news");
    say(Some(practitioner.id()));
    let news = told(practitioner);
    assert_eq!(news.len(), 1);
    let found = world.tenancy.run(&practitioner.scope(), |tx| Ok(tx.notification(practitioner.id(), news[0])?));
    assert_eq!(found.unwrap().unwrap().data, serde_json::json!({ "consultationId": talk.id }));
    world.clock.advance(SignedDuration::from_mins(14));
    say(Some(practitioner.id()));
    assert_eq!(told(practitioner).len(), 1);
    world.clock.advance(SignedDuration::from_mins(1));
    say(Some(practitioner.id()));
    assert_eq!((told(employee).len(), told(practitioner).len()), (0, 2));
}

/// A letter goes out for what stays unread: one for all of it, another once that was read.
pub fn a_letter_tells_of_what_stays_unread(world: &World) {
    let talk = Talk::new(world);
    let (employee, practitioner) = (talk.employee(), talk.practitioner());
    let mail = |scope: &Scope| {
        let now = world.clock.now();
        let before = now - SignedDuration::from_mins(30);
        world.clinical.run(scope, |tx| Ok(tx.mail_unread(before, now, 10)?)).unwrap()
    };
    let job = Scope::worker(Job::Unread);
    let letters = || {
        let (now, until) = (world.clock.now(), world.clock.now());
        let due = world.tenancy.run(&Scope::worker(Job::Outbox), |tx| Ok(tx.take_due(now, until, 100)?)).unwrap();
        let unread = due.into_iter().filter(|due| due.message.letter == Letter::MessageUnread);
        unread.map(|due| due.message.recipient).collect::<Vec<_>>()
    };
    let say = |by: &Person| assert!(write(world, &[said(by, talk.id, "un")])[0].is_ok());
    say(employee);
    world.clock.advance(SignedDuration::from_mins(29));
    say(employee);
    say(practitioner);
    assert_eq!(mail(&job), 0);
    world.clock.advance(SignedDuration::from_mins(2));
    assert_eq!(mail(&Scope::worker(Job::Chat)) + mail(&practitioner.scope()), 0, "it is its job's alone");
    assert_eq!(mail(&job), 1);
    assert_eq!(letters(), [practitioner.id()]);
    say(employee);
    world.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(mail(&job), 1, "the employee's turn");
    assert_eq!(mail(&job), 0);
    assert_eq!(marked(world, practitioner, talk.id, u64::MAX), 3);
    say(employee);
    assert_eq!(mail(&job), 0);
    world.clock.advance(SignedDuration::from_mins(31));
    assert_eq!(mail(&job), 1);
    let mut all = letters();
    all.sort();
    let mut expected = vec![employee.id(), practitioner.id(), practitioner.id()];
    expected.sort();
    assert_eq!(all, expected);
}

/// Of many at once each has a place of its own, without a hole, in every conversation.
pub fn of_many_at_once_places_have_no_hole(world: &World) {
    let talk = Talk::new(world);
    let other = conversation_of(&booked(world, &talk.cast.colleague, &talk.cast.practitioner, "2027-01-04T16:00:00Z"));
    let tries = at_once(8, |number| {
        let by = if number % 2 == 0 { talk.employee() } else { talk.practitioner() };
        let batch = [said(by, talk.id, "un"), said(talk.practitioner(), other, "deux"), said(by, talk.id, "trois")];
        write(world, &batch).into_iter().map(|one| one.unwrap().seq).collect::<Vec<_>>()
    });
    assert!(tries.iter().all(|seqs| seqs[0] < seqs[2]), "{tries:?}");
    let scope = talk.practitioner().scope();
    assert_eq!(places(&read(world, &scope, talk.id, MessageRange::Last, 100)), (1..=16).collect::<Vec<u64>>());
    assert_eq!(places(&read(world, &scope, other, MessageRange::Last, 100)), (1..=8).collect::<Vec<u64>>());
}

/// How far conversations are is the writer's to know; one that has not begun is nowhere.
pub fn the_last_places_are_told_together(world: &World) {
    let talk = Talk::new(world);
    let other = conversation_of(&booked(world, &talk.cast.employee, &talk.cast.practitioner, "2027-01-04T16:00:00Z"));
    let asked = [talk.id, other, ConsultationId(world.randomness.uuid_v4())];
    let told = |scope: &Scope| world.clinical.run(scope, |tx| Ok(tx.last_places(&asked)?)).unwrap();
    assert_eq!(told(&writer()), []);
    for content in ["one", "two", "three"] {
        write(world, &[said(talk.employee(), talk.id, content)]).remove(0).unwrap();
    }
    assert_eq!(told(&writer()), [(talk.id, 3)]);
    write(world, &[said(talk.practitioner(), other, "elsewhere")]).remove(0).unwrap();
    let mut expected = [(talk.id, 3), (other, 1)];
    expected.sort_unstable();
    let mut found = told(&writer());
    found.sort_unstable();
    assert_eq!(found, expected);
    let nobody =
        [talk.employee().scope(), talk.cast.operator.scope(), Scope::worker(Job::Unread), Scope::worker(Job::Live)];
    for scope in nobody {
        assert_eq!(told(&scope), [], "{scope:?}");
    }
}
