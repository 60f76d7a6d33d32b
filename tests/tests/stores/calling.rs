//! What becomes of calls when where they are kept, or the database, fails in the middle, or nobody waits any more.
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use huntzen_adapter_crypto::TurnServers;
use huntzen_adapter_diesel::PgStore;
use huntzen_adapter_memory::LocalCalls;
use huntzen_clinical::{
    ClinicalError, ClinicalPorts, ClinicalStore, ClinicalTx,
    call::{Begun, Call, Calling, Calls, Ending, Over, Swept},
    ids::{CallId, ConsultationId},
};
use huntzen_tenancy::{
    Caller, Job, Origin, Scope, StoreError,
    audit::{Action, Outcome},
    notifications::{NotificationFilter, NotificationType},
};
use huntzen_tests::{
    appointments::booked,
    cast::{Cast, Person},
    clock::at,
    world::World,
};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

const START: &str = "2027-01-04T14:00:00Z";
const DEVICES: [Uuid; 3] = [Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3)];

/// How what is asked for fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It is not done.
    Before,
    /// It is done, and the answer is lost.
    After,
}

/// Calls that fail when a test says so.
#[derive(Default)]
struct FaultyCalls {
    kept: LocalCalls,
    /// Of the next steps, each in its turn,
    next: Mutex<VecDeque<Fault>>,
    /// and of all others.
    fault: Mutex<Option<Fault>>,
    /// Asked before each step.
    probe: Mutex<Option<Box<dyn Fn() + Send>>>,
}

impl FaultyCalls {
    fn fails(&self, fault: impl Into<Option<Fault>>) {
        *self.fault.lock().unwrap() = fault.into();
    }

    fn fails_next(&self, faults: [Fault; 2]) {
        self.next.lock().unwrap().extend(faults);
    }

    fn step<T>(&self, step: impl FnOnce(&LocalCalls) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if let Some(probe) = self.probe.lock().unwrap().as_ref() {
            probe();
        }
        let fault = self.next.lock().unwrap().pop_front().or(*self.fault.lock().unwrap());
        let done = if fault == Some(Fault::Before) { None } else { Some(step(&self.kept)?) };
        done.filter(|_| fault.is_none()).ok_or_else(|| StoreError::Unavailable("on purpose".into()))
    }
}

impl Calls for FaultyCalls {
    fn is_at_hand(&self) -> bool {
        false
    }

    fn is_in_reach(&self) -> bool {
        *self.fault.lock().unwrap() != Some(Fault::Before)
    }

    fn begin(&self, call: &Call) -> Result<Begun, StoreError> {
        self.step(|calls| calls.begin(call))
    }

    fn find(&self, id: CallId) -> Result<Option<Call>, StoreError> {
        // What only reads is not what fails here.
        self.kept.find(id)
    }

    fn answer(&self, id: CallId, device: Uuid) -> Result<Option<Call>, StoreError> {
        self.step(|calls| calls.answer(id, device))
    }

    fn take_back(&self, id: CallId, device: Uuid) -> Result<bool, StoreError> {
        self.step(|calls| calls.take_back(id, device))
    }

    fn end_ringing(&self, id: CallId) -> Result<Option<Call>, StoreError> {
        self.step(|calls| calls.end_ringing(id))
    }

    fn end(&self, id: CallId) -> Result<Option<Call>, StoreError> {
        self.step(|calls| calls.end(id))
    }

    fn end_of_device(&self, device: Uuid) -> Result<Vec<Call>, StoreError> {
        self.step(|calls| calls.end_of_device(device))
    }

    fn sweep(&self, now: Timestamp, rings_for: SignedDuration) -> Result<Swept, StoreError> {
        self.step(|calls| calls.sweep(now, rings_for))
    }

    fn recorded(&self, missed: &[CallId]) -> Result<(), StoreError> {
        self.step(|calls| calls.recorded(missed))
    }

    fn is_over(&self, id: CallId) {
        self.kept.is_over(id);
    }
}

/// A store that begins so many units of work more, and is then out of reach.
struct FaultyStore {
    store: Arc<dyn ClinicalStore>,
    left: AtomicUsize,
}

impl ClinicalStore for FaultyStore {
    fn begin(&self, scope: &Scope) -> Result<Box<dyn ClinicalTx>, StoreError> {
        let left = self.left.load(Ordering::SeqCst);
        if left == 0 {
            return Err(StoreError::Unavailable("on purpose".into()));
        }
        self.left.store(left - 1, Ordering::SeqCst);
        self.store.begin(scope)
    }
}

/// A consultation that can be called, over a store and calls that fail on demand.
struct Stage {
    world: World,
    calls: Arc<FaultyCalls>,
    store: Arc<FaultyStore>,
    calling: Calling,
    marc: Person,
    sophie: Person,
    consultation: ConsultationId,
}

impl Stage {
    fn over(world: World) -> Self {
        let store: Arc<dyn ClinicalStore> = Arc::clone(&world.clinical);
        Self::with(world, store)
    }

    fn with(world: World, store: Arc<dyn ClinicalStore>) -> Self {
        let cast = Cast::new(&world);
        let consultation = ConsultationId(booked(&world, &cast.employee, &cast.practitioner, START).id.0);
        world.clock.set(at(START));
        let store = Arc::new(FaultyStore { store, left: AtomicUsize::new(usize::MAX) });
        let calls = Arc::<FaultyCalls>::default();
        let ports = ClinicalPorts { store: Arc::<FaultyStore>::clone(&store), ..world.clinical_ports() };
        let ice = Arc::new(TurnServers::new(&[], "north".into()));
        let calling = Calling::new(ports, Arc::<FaultyCalls>::clone(&calls), ice);
        let (marc, sophie) = (cast.employee.0, cast.practitioner.0);
        Self { world, calls, store, calling, marc, sophie, consultation }
    }

    fn initiate(&self) -> Result<Call, ClinicalError> {
        Ok(self.calling.initiate(&caller(&self.marc), DEVICES[0], self.consultation)?.heard().call)
    }

    fn accept(&self, id: CallId, device: Uuid) -> Result<Call, ClinicalError> {
        Ok(self.calling.accept(&caller(&self.sophie), device, id)?.heard().call)
    }

    /// What has to be told once all that is owed is done.
    fn settled(&self) -> Vec<Over> {
        let mut over = Vec::new();
        self.calling.settle(&mut over).unwrap();
        over
    }

    /// How often it is said in the inbox of whoever was called, and in the trail, that this call was missed.
    fn told_of_missed(&self, id: CallId) -> (usize, usize) {
        let filter = NotificationFilter { kind: Some(NotificationType::CallMissed), unread: None };
        let (sophie, trail) = (&self.sophie, Scope::worker(Job::Audit));
        let inbox = self.world.tenancy.run(&sophie.scope(), |tx| Ok(tx.inbox(sophie.id(), filter, None, 100)?));
        let lines = self.world.clinical.run(&trail, |tx| Ok::<_, ClinicalError>(tx.trail(id.0)?)).unwrap();
        let lines = lines.iter().filter(|line| line.action == Action::Miss && line.outcome == Outcome::Success);
        (inbox.unwrap().items.len(), lines.count())
    }
}

fn caller(who: &Person) -> Caller {
    Caller { actor: who.actor(), origin: Origin::default() }
}

fn is_out_of_reach<T: std::fmt::Debug>(outcome: &Result<T, ClinicalError>) {
    assert!(matches!(outcome, Err(ClinicalError::Store(StoreError::Unavailable(_)))), "{outcome:?}");
}

#[test]
fn a_call_that_may_have_begun_is_ended_as_soon_as_that_is_possible() {
    let stage = Stage::over(World::memory());
    stage.calls.fails(Fault::After);
    is_out_of_reach(&stage.initiate());
    stage.calls.fails(Fault::Before);
    // Nothing of these is left, so nothing is owed for them.
    for _ in 0..3 {
        is_out_of_reach(&stage.initiate());
    }
    is_out_of_reach(&stage.calling.settle(&mut Vec::new()));
    stage.calls.fails(None);
    assert_eq!(stage.settled(), [], "nobody was told of it");
    let call = stage.initiate().unwrap();
    assert_eq!(stage.settled(), []);
    stage.world.clock.advance(SignedDuration::from_secs(46));
    assert_eq!(stage.calling.sweep().unwrap().missed, [call], "the other one is gone");
}

#[test]
fn a_call_without_a_trace_does_not_take_place() {
    let stage = Stage::over(World::memory());
    // The consultation is read, and then the database is away.
    stage.store.left.store(1, Ordering::SeqCst);
    is_out_of_reach(&stage.initiate());
    stage.store.left.store(usize::MAX, Ordering::SeqCst);
    let call = stage.initiate().unwrap();
    stage.store.left.store(0, Ordering::SeqCst);
    is_out_of_reach(&stage.accept(call.id, DEVICES[1]));
    stage.store.left.store(usize::MAX, Ordering::SeqCst);
    assert_eq!(stage.accept(call.id, DEVICES[2]).unwrap().callee_device, Some(DEVICES[2]), "it rings on");
}

#[test]
fn an_answer_that_may_have_been_given_is_taken_back() {
    let stage = Stage::over(World::memory());
    let call = stage.initiate().unwrap();
    // The answer is lost, and then nothing can be done about it.
    stage.calls.fails_next([Fault::After, Fault::Before]);
    is_out_of_reach(&stage.accept(call.id, DEVICES[1]));
    assert!(matches!(stage.accept(call.id, DEVICES[2]), Err(ClinicalError::NotFound)));
    assert_eq!(stage.settled(), []);
    assert_eq!(stage.accept(call.id, DEVICES[2]).unwrap().callee_device, Some(DEVICES[2]), "it rang again");
}

#[test]
fn whoever_answers_again_has_answered() {
    let stage = Stage::over(World::memory());
    let call = stage.initiate().unwrap();
    stage.calls.fails_next([Fault::After, Fault::Before]);
    is_out_of_reach(&stage.accept(call.id, DEVICES[1]));
    let answered = stage.accept(call.id, DEVICES[1]).unwrap();
    assert_eq!(stage.settled(), []);
    assert_eq!(stage.calls.kept.find(call.id).unwrap(), Some(answered), "it is not taken back any more");
    // Until somebody hears that it has, it is this attempt's to take back.
    let stage = Stage::over(World::memory());
    let call = stage.initiate().unwrap();
    stage.calls.fails_next([Fault::After, Fault::Before]);
    is_out_of_reach(&stage.accept(call.id, DEVICES[1]));
    drop(stage.calling.accept(&caller(&stage.sophie), DEVICES[1], call.id).unwrap());
    assert_eq!(stage.settled(), []);
    assert_eq!(stage.calls.kept.find(call.id).unwrap(), Some(call));
}

#[test]
fn the_calls_of_a_device_that_is_gone_end_when_that_is_possible() {
    let stage = Stage::over(World::memory());
    let call = stage.initiate().unwrap();
    let answered = stage.accept(call.id, DEVICES[1]).unwrap();
    stage.calls.fails(Fault::Before);
    let marc = caller(&stage.marc);
    assert!(stage.calling.gone(&marc, DEVICES[0]).is_err());
    stage.calling.owe_gone(marc.clone(), DEVICES[0]);
    is_out_of_reach(&stage.calling.settle(&mut Vec::new()));
    stage.calls.fails(None);
    let over = Over { calls: vec![answered], ending: Ending::Ended, by: Some(marc) };
    assert_eq!(stage.settled(), [over]);
    assert_eq!(stage.settled(), []);
    stage.initiate().unwrap();
}

#[test]
fn what_nobody_waited_for_is_undone_or_told() {
    let stage = Stage::over(World::memory());
    let (marc, sophie) = (caller(&stage.marc), caller(&stage.sophie));
    drop(stage.calling.initiate(&marc, DEVICES[0], stage.consultation).unwrap());
    assert_eq!(stage.settled(), []);
    let call = stage.initiate().unwrap();
    drop(stage.calling.accept(&sophie, DEVICES[1], call.id).unwrap());
    assert_eq!(stage.settled(), []);
    let answered = stage.accept(call.id, DEVICES[2]).unwrap();
    drop(stage.calling.accept(&sophie, DEVICES[2], call.id).unwrap());
    assert_eq!(stage.settled(), [], "it has answered before");
    assert_eq!(stage.calls.kept.find(call.id).unwrap(), Some(answered.clone()));
    drop(stage.calling.end(&marc, call.id).unwrap());
    assert_eq!(stage.settled(), [Over { calls: vec![answered], ending: Ending::Ended, by: Some(marc.clone()) }]);
    let call = stage.initiate().unwrap();
    drop(stage.calling.reject(&sophie, call.id).unwrap());
    let over = Over { calls: vec![call], ending: Ending::Rejected, by: Some(sophie) };
    assert_eq!(stage.settled(), [over]);
    let call = stage.initiate().unwrap();
    drop(stage.calling.gone(&marc, DEVICES[0]).unwrap());
    assert_eq!(stage.settled(), [Over { calls: vec![call], ending: Ending::Ended, by: Some(marc) }]);
}

#[test]
fn a_missed_call_is_recorded_once_whatever_fails() {
    for world in [World::memory(), World::postgres()] {
        let stage = Stage::over(world);
        let call = stage.initiate().unwrap();
        stage.world.clock.advance(SignedDuration::from_secs(45));
        let sweep = || stage.calling.sweep().unwrap().missed;
        stage.store.left.store(0, Ordering::SeqCst);
        is_out_of_reach(&stage.calling.record_missed(&sweep()));
        assert_eq!(stage.told_of_missed(call.id), (0, 0));
        stage.store.left.store(usize::MAX, Ordering::SeqCst);
        // It is recorded, and whoever recorded it does not get to say so.
        let missed = sweep();
        stage.calls.fails(Fault::Before);
        is_out_of_reach(&stage.calling.record_missed(&missed));
        stage.calls.fails(None);
        assert_eq!(stage.told_of_missed(call.id), (1, 1));
        // Another one that is missed meanwhile is recorded all the same.
        let second = stage.initiate().unwrap();
        stage.world.clock.advance(SignedDuration::from_secs(45));
        let missed = sweep();
        assert_eq!(missed.iter().map(|call| call.id).collect::<Vec<_>>(), [call.id, second.id]);
        stage.calling.record_missed(&missed).unwrap();
        assert_eq!((stage.told_of_missed(call.id), stage.told_of_missed(second.id)), ((2, 1), (2, 1)));
        assert_eq!(sweep(), []);
    }
}

#[test]
fn no_unit_of_work_is_open_while_calls_are_asked_for() {
    let world = World::postgres();
    // There is one connection: whoever asks for a second one while it is held waits in vain.
    let url = world.database.as_ref().unwrap().url();
    let store: Arc<dyn ClinicalStore> = Arc::new(PgStore::connect(&url, 1).unwrap());
    let stage = Stage::with(world, Arc::clone(&store));
    let asked = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&asked);
    *stage.calls.probe.lock().unwrap() = Some(Box::new(move || {
        store.run(&Scope::worker(Job::Calls), |_| Ok::<_, ClinicalError>(())).unwrap();
        counting.fetch_add(1, Ordering::SeqCst);
    }));
    let call = stage.initiate().unwrap();
    stage.accept(call.id, DEVICES[1]).unwrap();
    assert!(matches!(stage.initiate(), Err(ClinicalError::CallInProgress)));
    stage.calling.end(&caller(&stage.marc), call.id).unwrap().heard();
    assert_eq!(asked.load(Ordering::SeqCst), 4);
}
