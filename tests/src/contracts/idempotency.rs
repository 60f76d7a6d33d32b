//! The contract of `IdempotencyRecords`, and of what is done once over it.
use std::{sync::Arc, thread::yield_now};

use huntzen_clinical::{
    ClinicalError,
    conversation::{NewMessage, SaidOnce},
    ids::ConsultationId,
};
use huntzen_tenancy::{
    Caller, Job, Origin, Scope, TenancyError,
    clock::Clock,
    erasure::Erased,
    idempotency::{
        Admission, Answer, Answered, Beginning, Held, IdempotencyKey, KeptRequest, LEAST_COUNTED, Lookup, MOST_KEPT,
        Repeatable, Repeating, RequestDigest, RequestName, RequestState, TAKEN,
    },
    retention::Expired,
    sealing::{Sealed, Sealer, SecretText},
};
use jiff::SignedDuration;
use uuid::Uuid;

use super::{at_once, conversations, erasure, is_refused, undone};
use crate::{
    appointments::booked,
    cast::{Cast, Person, entry},
    clock::TestClock,
    world::World,
};

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn sealer(world: &World) -> Sealer {
    Sealer::new(Arc::clone(&world.vault), Arc::clone(&world.randomness))
}

fn repeating(world: &World) -> Repeating {
    let clock = Arc::<TestClock>::clone(&world.clock);
    Repeating::new(Arc::clone(&world.tenancy), clock, Arc::clone(&world.randomness), sealer(world))
}

fn caller(who: &Person) -> Caller {
    Caller { actor: who.actor(), origin: Origin::default() }
}

fn named(who: &Person, key: &str) -> RequestName {
    RequestName::new(who.id(), &IdempotencyKey::parse(key).unwrap(), DAY)
}

fn asking(who: &Person, key: &str, content: &str) -> Repeatable {
    Repeatable { name: named(who, key), asked: RequestDigest::of(&[content.as_bytes()]) }
}

fn answer(body: &str) -> Answer {
    Answer {
        status: 201,
        content_type: "application/json".to_owned(),
        language: None,
        location: Some("/things/1".to_owned()),
        body: SecretText::new(body),
    }
}

/// A request of this name that is kept already.
pub fn answered(world: &World, who: &Person, key: &str) {
    let kept = repeating(world).refuse(&caller(who), &asking(who, key, "content"), &answer("answer"));
    assert_eq!(kept.unwrap(), Answered::first(answer("answer")));
}

/// Does something once: records that it did.
fn done(world: &World, who: &Person, request: &Repeatable, body: &str) -> Result<Answered, String> {
    let (now, sealer) = (world.clock.now(), sealer(world));
    let line = entry(world, &who.scope(), request.name.id);
    let outcome = world.tenancy.run(&who.scope(), |tx| {
        request.once(tx, (&sealer, now), |tx| {
            tx.record(&line)?;
            Ok::<_, TenancyError>(answer(body))
        })
    });
    outcome.map_err(|error| error.to_string())
}

/// How often it was done.
fn times(world: &World, name: &RequestName) -> usize {
    world.tenancy.run(&Scope::worker(Job::Audit), |tx| Ok(tx.trail(name.id)?)).unwrap().len()
}

fn look(world: &World, scope: &Scope, name: &RequestName) -> Lookup {
    world.tenancy.run(scope, |tx| Ok(tx.request(name.user, name.id)?)).unwrap()
}

fn add(world: &World, scope: &Scope, request: &KeptRequest) -> Result<(), TenancyError> {
    world.tenancy.run(scope, |tx| Ok(tx.add_requests(std::slice::from_ref(request))?))
}

/// A request that nobody has added yet.
fn unkept(world: &World, name: &RequestName) -> KeptRequest {
    let state = RequestState::Answered(Sealed(vec![1; 60]));
    KeptRequest { user: name.user, id: name.id, state, created_at: world.clock.now() }
}

fn in_progress<T>(outcome: &Result<T, TenancyError>) -> bool {
    matches!(outcome, Err(TenancyError::RequestInProgress))
}

fn begun(world: &World, who: &Person, name: &RequestName) -> Held {
    match repeating(world).begin(&caller(who), name).unwrap() {
        Beginning::Begun(held) => held,
        Beginning::Kept(_) => panic!("it was answered before"),
    }
}

/// What was added is found as it was, what was not is free, and nothing is added twice.
pub fn an_added_request_is_found(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let (name, by) = (named(marc, "a"), world.randomness.uuid_v4());
    assert_eq!(look(world, &marc.scope(), &name), Lookup::Free);
    let until = world.clock.now() + SignedDuration::from_secs(1);
    let request = KeptRequest { state: RequestState::GoingOn { by, until }, ..unkept(world, &name) };
    add(world, &marc.scope(), &request).unwrap();
    assert_eq!(look(world, &marc.scope(), &name), Lookup::Kept(request.clone()));
    let twice = add(world, &marc.scope(), &unkept(world, &name));
    let is_taken = |rule: &str| rule == TAKEN;
    assert!(
        matches!(&twice, Err(TenancyError::Store(huntzen_tenancy::StoreError::Refused(rule))) if is_taken(rule)),
        "{twice:?}"
    );
    let advance = |by, state: &RequestState| {
        world.tenancy.run(&marc.scope(), |tx| Ok(tx.advance_request((name.user, name.id), by, state)?)).unwrap()
    };
    let kept = RequestState::Answered(Sealed(vec![2; 70]));
    assert!(!advance(world.randomness.uuid_v4(), &kept), "somebody else is at it");
    assert!(advance(by, &kept));
    assert_eq!(look(world, &marc.scope(), &name), Lookup::Kept(KeptRequest { state: kept.clone(), ..request }));
    assert!(!advance(by, &kept), "it was answered");
    let remove = |by| world.tenancy.run(&marc.scope(), |tx| Ok(tx.remove_request(name.user, name.id, by)?)).unwrap();
    assert!(!remove(Some(by)));
    assert!(remove(None));
    assert!(!remove(None));
    assert_eq!(look(world, &marc.scope(), &name), Lookup::Free);
}

/// Once so many bytes of answers are kept of an account, or so many answers, there is room for none under a new name.
pub fn an_account_has_so_much_kept(world: &World) {
    let cast = Cast::new(world);
    let (marc, claire) = (&cast.employee.0, &cast.colleague.0);
    let half = usize::try_from(MOST_KEPT / 2).unwrap();
    let keep = |key, bytes| {
        let kept =
            KeptRequest { state: RequestState::Answered(Sealed(vec![2; bytes])), ..unkept(world, &named(marc, key)) };
        add(world, &marc.scope(), &kept).unwrap();
    };
    keep("half", half);
    keep("almost the other", half - usize::try_from(LEAST_COUNTED).unwrap());
    let (new, known) = (named(marc, "new"), named(marc, "half"));
    assert_eq!(look(world, &marc.scope(), &new), Lookup::Free);
    keep("short, but counted", 60);
    assert_eq!(look(world, &marc.scope(), &new), Lookup::Full);
    assert!(matches!(look(world, &marc.scope(), &known), Lookup::Kept(_)));
    assert_eq!(look(world, &claire.scope(), &named(claire, "new")), Lookup::Free);
    let refused = repeating(world).begin(&caller(marc), &new);
    assert!(matches!(refused, Err(TenancyError::TooManyAnswers)), "{refused:?}");
    let remove = |name: RequestName| {
        world.tenancy.run(&marc.scope(), |tx| Ok(tx.remove_request(name.user, name.id, None)?)).unwrap()
    };
    assert!(remove(known));
    assert_eq!(look(world, &marc.scope(), &new), Lookup::Free);
}

/// Nobody sees or adds a request of somebody else, but for the writer of messages.
pub fn a_request_is_its_users_own(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let (name, other) = (named(marc, "a"), named(marc, "b"));
    add(world, &marc.scope(), &unkept(world, &name)).unwrap();
    let others = [&cast.colleague.0, &cast.stranger.0, &cast.hr, &cast.practitioner.0, &cast.administrator];
    let mut scopes: Vec<Scope> = others.iter().map(|one| one.scope()).collect();
    scopes.extend([Scope::anonymous(Origin::default()), Scope::worker(Job::Outbox)]);
    for scope in &scopes {
        assert_eq!(look(world, scope, &name), Lookup::Free, "{scope:?}");
        assert!(is_refused(&add(world, scope, &unkept(world, &other))), "{scope:?}");
        let changed = world.tenancy.run(scope, |tx| {
            let key = (name.user, name.id);
            let advanced = tx.advance_request(key, Uuid::nil(), &RequestState::Answered(Sealed(vec![3; 60])))?;
            Ok(advanced || tx.remove_request(name.user, name.id, None)?)
        });
        assert!(!changed.unwrap_or_default(), "{scope:?}");
    }
    let (chat, names) = (Scope::worker(Job::Chat), [(name.user, name.id), (other.user, other.id)]);
    let known = |scope: &Scope| world.tenancy.run(scope, |tx| Ok(tx.known_requests(&names)?)).unwrap();
    assert_eq!(known(&chat), [names[0]]);
    assert_eq!(known(&cast.colleague.0.scope()), []);
    add(world, &chat, &unkept(world, &other)).unwrap();
    assert_eq!(known(&chat).len(), 2);
}

/// What fails leaves no request, no trace and no letter.
pub fn a_failed_unit_of_work_leaves_no_request(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let name = named(marc, "a");
    undone(world, marc, name.id, |tx| Ok(tx.add_requests(&[unkept(world, &name)])?));
    assert_eq!(look(world, &marc.scope(), &name), Lookup::Free);
    let (request, sealer, now) = (asking(marc, "a", "content"), sealer(world), world.clock.now());
    let failed = world.tenancy.run(&marc.scope(), |tx| {
        request.once(tx, (&sealer, now), |tx| {
            tx.record(&entry(world, &marc.scope(), name.id))?;
            Err::<Answer, _>(TenancyError::NotFound)
        })
    });
    assert!(matches!(failed, Err(TenancyError::NotFound)));
    assert_eq!((times(world, &name), look(world, &marc.scope(), &name)), (0, Lookup::Free));
}

/// The same request is answered as before and done once; another content, another user and another key
/// are told apart.
pub fn a_request_is_done_once(world: &World) {
    let cast = Cast::new(world);
    let (marc, claire) = (&cast.employee.0, &cast.colleague.0);
    let request = asking(marc, "a", "content");
    assert_eq!(done(world, marc, &request, "first"), Ok(Answered::first(answer("first"))));
    assert_eq!(done(world, marc, &request, "second"), Ok(Answered::again(answer("first"))));
    assert_eq!(times(world, &request.name), 1);
    let other = done(world, marc, &asking(marc, "a", "other"), "second");
    assert_eq!(other, Err(TenancyError::IdempotencyKeyReused.to_string()));
    let theirs = asking(claire, "a", "content");
    assert_eq!(done(world, claire, &theirs, "third"), Ok(Answered::first(answer("third"))));
    assert_eq!(done(world, marc, &asking(marc, "b", "content"), "fourth"), Ok(Answered::first(answer("fourth"))));
    let Lookup::Kept(kept) = look(world, &marc.scope(), &request.name) else { panic!("it is not kept") };
    let RequestState::Answered(Sealed(bytes)) = kept.state else { panic!("it goes on") };
    assert!(!bytes.windows(5).any(|part| part == b"first"), "an answer is kept in clear");
}

/// That to an import of 10,000 lines of which none is taken is as long as answers become.
pub fn a_long_answer_is_told_again(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let (request, long) = (asking(marc, "a", "content"), "é".repeat(13_500_000));
    assert!(!done(world, marc, &request, &long).unwrap().is_repeat);
    let again = done(world, marc, &request, "second").unwrap();
    assert!(again.is_repeat && again.answer == answer(&long));
}

/// Of many at once one does it; the others are told that it goes on, and then what the first was told.
pub fn of_many_at_once_one_does_it(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    // The person's key is there: making it is another race.
    answered(world, marc, "before");
    let request = asking(marc, "a", "content");
    let answers = at_once(8, |number| {
        loop {
            match done(world, marc, &request, &format!("answer {number}")) {
                Ok(answered) => return answered,
                Err(error) => assert_eq!(error, TenancyError::RequestInProgress.to_string()),
            }
            yield_now();
        }
    });
    assert_eq!(times(world, &request.name), 1);
    assert_eq!(answers.iter().filter(|one| !one.is_repeat).count(), 1);
    assert!(answers.iter().all(|one| one.answer == answers[0].answer), "{answers:?}");
}

/// Answers are told again for as long as they are kept, to the instant; then the request is done anew.
pub fn an_answer_is_told_again_for_a_day(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let request = asking(marc, "a", "content");
    assert!(!done(world, marc, &request, "first").unwrap().is_repeat);
    world.clock.advance(DAY - SignedDuration::from_secs(1));
    assert_eq!(done(world, marc, &request, "second"), Ok(Answered::again(answer("first"))));
    world.clock.advance(SignedDuration::from_secs(1));
    let anew = asking(marc, "a", "something else");
    assert_eq!(done(world, marc, &anew, "third"), Ok(Answered::first(answer("third"))));
    assert_eq!(times(world, &request.name), 2);
    let discard =
        |scope: &Scope, before| world.tenancy.run(scope, |tx| Ok(tx.discard(Expired::Requests, before, 1)?)).unwrap();
    answered(world, marc, "b");
    let (now, later) = (world.clock.now(), world.clock.now() + SignedDuration::from_secs(1));
    assert_eq!(discard(&Scope::worker(Job::Retention), now), 0);
    assert_eq!(discard(&marc.scope(), later), 0, "the job alone discards");
    assert_eq!([1, 2, 3].map(|_| discard(&Scope::worker(Job::Retention), later)), [1, 1, 0]);
    assert_eq!(look(world, &marc.scope(), &request.name), Lookup::Free);
}

/// A request of several units of work is nobody else's while it goes on; one that was left is taken over,
/// and whoever left it keeps nothing any more.
pub fn a_long_request_is_taken_over_when_it_is_left(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let (name, asked) = (named(marc, "a"), RequestDigest::of(&[b"content"]));
    let (repeating, caller) = (repeating(world), caller(marc));
    let first = begun(world, marc, &name);
    assert!(in_progress(&repeating.begin(&caller, &name)));
    assert_eq!(
        done(world, marc, &asking(marc, "a", "content"), "x"),
        Err("the same request is in progress".to_owned())
    );
    for _ in 0..3 {
        world.clock.advance(SignedDuration::from_secs(14));
        repeating.go_on(&caller, &first).unwrap();
    }
    assert!(in_progress(&repeating.begin(&caller, &name)));
    world.clock.advance(SignedDuration::from_secs(15));
    let second = begun(world, marc, &name);
    assert!(in_progress(&repeating.go_on(&caller, &first)));
    let settle = |held: &Held, body: &str| {
        let line = entry(world, &marc.scope(), name.id);
        world.tenancy.run(&marc.scope(), |tx| {
            tx.record(&line)?;
            held.settle(tx, &asked, &answer(body))
        })
    };
    assert!(in_progress(&settle(&first, "first")));
    repeating.leave(&caller, &first).unwrap();
    settle(&second, "second").unwrap();
    assert_eq!(times(world, &name), 1);
    let Beginning::Kept(kept) = repeating.begin(&caller, &name).unwrap() else { panic!("it was not kept") };
    assert_eq!(kept.clone().to(&asked).unwrap(), answer("second"));
    assert!(matches!(kept.to(&RequestDigest::of(&[b"other"])), Err(TenancyError::IdempotencyKeyReused)));
    let (left, key) = (begun(world, marc, &named(marc, "b")), named(marc, "b"));
    repeating.leave(&caller, &left).unwrap();
    let refused = begun(world, marc, &key);
    repeating.refuse_held(&caller, &refused, &asked, &answer("refusal")).unwrap();
    assert!(matches!(repeating.begin(&caller, &key), Ok(Beginning::Kept(_))));
}

/// A refusal is kept, unless the request was done since: then that is the answer.
pub fn a_refusal_gives_way_to_what_was_done(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let (repeating, caller) = (repeating(world), caller(marc));
    let refused = asking(marc, "a", "content");
    let kept = repeating.refuse(&caller, &refused, &answer("refusal")).unwrap();
    assert_eq!(kept, Answered::first(answer("refusal")));
    assert_eq!(done(world, marc, &refused, "late"), Ok(Answered::again(answer("refusal"))));
    assert_eq!(times(world, &refused.name), 0);
    let request = asking(marc, "b", "content");
    assert!(!done(world, marc, &request, "done").unwrap().is_repeat);
    let kept = repeating.refuse(&caller, &request, &answer("refusal")).unwrap();
    assert_eq!(kept, Answered::again(answer("done")));
}

fn once(world: &World, message: NewMessage, key: &str) -> NewMessage {
    let request = Repeatable {
        name: RequestName::new(message.caller.actor.user, &IdempotencyKey::parse(key).unwrap(), DAY),
        asked: RequestDigest::of(&[message.content.expose().as_bytes()]),
    };
    match repeating(world).admit(&message.caller, &request).unwrap() {
        Admission::Admitted(passage) => {
            let present = |message: &NewMessage, _: &huntzen_clinical::conversation::Written| {
                Ok(answer(message.content.expose()))
            };
            NewMessage { once: Some(SaidOnce { passage: Arc::new(passage), present }), ..message }
        }
        Admission::Kept(kept) => panic!("it was answered before: {kept:?}"),
    }
}

/// A message and the answer to it are kept together, once, within a batch and over batches; the writer
/// reads no sender's key for that.
pub fn a_message_is_said_once(world: &World) {
    let cast = Cast::new(world);
    let (marc, sophie) = (&cast.employee.0, &cast.practitioner.0);
    let id = ConsultationId(booked(world, &cast.employee, &cast.practitioner, "2027-01-04T14:00:00Z").id.0);
    let said = |by, text| conversations::said(by, id, text);
    let batch = [
        once(world, said(marc, "un"), "a"),
        said(sophie, "deux"),
        once(world, said(marc, "un"), "a"),
        once(world, said(sophie, "trois"), "a"),
    ];
    let outcomes = conversations::write(world, &batch);
    let places: Vec<_> = outcomes.iter().map(|one| one.as_ref().ok().map(|one| one.seq)).collect();
    assert_eq!(places, [Some(1), Some(2), None, Some(3)]);
    assert!(matches!(outcomes[2], Err(ClinicalError::RequestInProgress)), "{outcomes:?}");
    let again = conversations::write(world, &batch[..1]);
    assert!(matches!(again[0], Err(ClinicalError::RequestInProgress)), "{again:?}");
    let request = |by, text: &str| asking(by, "a", text);
    let kept = repeating(world).admit(&caller(marc), &request(marc, "un")).unwrap();
    assert!(matches!(kept, Admission::Kept(kept) if kept == answer("un")));
    let other = repeating(world).admit(&caller(marc), &request(marc, "autre"));
    assert!(matches!(other, Err(TenancyError::IdempotencyKeyReused)), "{other:?}");
    let kept = repeating(world).admit(&caller(sophie), &request(sophie, "trois")).unwrap();
    assert!(matches!(kept, Admission::Kept(kept) if kept == answer("trois")));
}

/// What was kept of somebody goes with them.
pub fn answers_go_with_the_person(world: &World) {
    let cast = Cast::new(world);
    let (marc, claire) = (&cast.employee.0, &cast.colleague.0);
    answered(world, marc, "a");
    answered(world, claire, "a");
    let request = erasure::asked(world, marc);
    world.clock.set(request.deletion_date);
    let erased = Erased {
        at: world.clock.now(),
        certificate: world.randomness.uuid_v4(),
        keys_gone_on: jiff::civil::date(2027, 3, 7),
    };
    let gone = world.tenancy.run(&Scope::worker(Job::Erasure), |tx| Ok(tx.erase_person(request.id, &erased)?));
    assert!(gone.unwrap());
    assert_eq!(look(world, &marc.scope(), &named(marc, "a")), Lookup::Free);
    assert!(matches!(look(world, &claire.scope(), &named(claire, "a")), Lookup::Kept(_)));
    let late = repeating(world).begin(&caller(marc), &named(marc, "b"));
    assert!(is_refused(&late), "{late:?}");
}
