//! Requests that are not one unit of work: those that are done in several, those that another hand does,
//! and those that were refused.
use std::{fmt, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    Answer, Answered, IdempotencyRecords, KeptAnswer, KeptRequest, Repeatable, RequestDigest, RequestName,
    RequestState, once::in_progress,
};
use crate::{
    TenancyStore,
    clock::{Clock, Randomness},
    error::TenancyError,
    ids::UserId,
    scope::Caller,
    sealing::{Keeper, Sealer},
    store::StoreError,
};

/// How long a request of several units of work is left to whoever is at it, from its last sign of life:
/// after a crash it can be taken over then.
const HELD_FOR: SignedDuration = SignedDuration::from_secs(15);

/// The use cases around requests that may be repeated.
#[derive(Clone)]
pub struct Repeating {
    store: Arc<dyn TenancyStore>,
    sealer: Sealer,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
}

/// What becomes of a request of several units of work.
#[derive(Debug)]
pub enum Beginning {
    /// It is the caller's to do.
    Begun(Held),
    /// It was answered before.
    Kept(KeptAnswer),
}

/// What becomes of a request that another hand does.
#[derive(Debug)]
pub enum Admission {
    /// It may be done.
    Admitted(Passage),
    /// It was answered before.
    Kept(Answer),
}

/// A request of several units of work that goes on. Each of them says that it does, and so fails when the
/// request was left for so long that somebody else took it over; the last one keeps the answer.
pub struct Held {
    name: RequestName,
    by: Uuid,
    keeper: Keeper,
}

/// What lets another hand do a request and keep its answer, without reading its user's key.
pub struct Passage {
    request: Repeatable,
    keeper: Keeper,
}

impl Repeating {
    /// Over this store, clock and randomness; answers are sealed by `sealer`.
    pub fn new(
        store: Arc<dyn TenancyStore>,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
        sealer: Sealer,
    ) -> Self {
        Self { store, sealer, clock, randomness }
    }

    /// Begins a request of several units of work, unless it was answered before.
    ///
    /// # Errors
    /// `RequestInProgress`.
    pub fn begin(&self, caller: &Caller, name: &RequestName) -> Result<Beginning, TenancyError> {
        let now = self.clock.now();
        let by = self.randomness.uuid_v4();
        self.store.run(&caller.scope(), |tx| {
            if let Some(kept) = name.find(tx, &self.sealer, now)? {
                return Ok(Beginning::Kept(kept));
            }
            let keeper = name.keeper(tx, &self.sealer, now)?;
            let state = RequestState::GoingOn { by, until: until(now) };
            let request = KeptRequest { user: name.user, id: name.id, state, created_at: now };
            tx.add_requests(&[request]).map_err(in_progress)?;
            Ok(Beginning::Begun(Held { name: *name, by, keeper }))
        })
    }

    /// Says that a request goes on.
    ///
    /// # Errors
    /// `RequestInProgress` when somebody else took it over.
    pub fn go_on(&self, caller: &Caller, held: &Held) -> Result<(), TenancyError> {
        let now = self.clock.now();
        self.store.run(&caller.scope(), |tx| held.go_on(tx, now))
    }

    /// Leaves a request that came to no answer worth keeping: it may be done anew.
    ///
    /// # Errors
    /// `StoreError` alone.
    pub fn leave(&self, caller: &Caller, held: &Held) -> Result<(), TenancyError> {
        let RequestName { user, id, .. } = held.name;
        self.store.run(&caller.scope(), |tx| Ok(tx.remove_request(user, id, Some(held.by)).map(drop)?))
    }

    /// Keeps the refusal of a request of several units of work.
    ///
    /// # Errors
    /// `RequestInProgress` when somebody else took it over.
    pub fn refuse_held(
        &self,
        caller: &Caller,
        held: &Held,
        asked: &RequestDigest,
        refusal: &Answer,
    ) -> Result<(), TenancyError> {
        self.store.run(&caller.scope(), |tx| held.settle(tx, asked, refusal))
    }

    /// Lets another hand do a request, unless it was answered before.
    ///
    /// # Errors
    /// `IdempotencyKeyReused`, `RequestInProgress`.
    pub fn admit(&self, caller: &Caller, request: &Repeatable) -> Result<Admission, TenancyError> {
        let now = self.clock.now();
        self.store.run(&caller.scope(), |tx| {
            if let Some(kept) = request.name.find(tx, &self.sealer, now)? {
                return Ok(Admission::Kept(kept.to(&request.asked)?));
            }
            let keeper = request.name.keeper(tx, &self.sealer, now)?;
            Ok(Admission::Admitted(Passage { request: *request, keeper }))
        })
    }

    /// Keeps the refusal of a request whose own unit of work was undone. Where somebody has done the
    /// request since, what was kept then is the answer.
    ///
    /// # Errors
    /// `IdempotencyKeyReused`, `RequestInProgress`.
    pub fn refuse(&self, caller: &Caller, request: &Repeatable, refusal: &Answer) -> Result<Answered, TenancyError> {
        let now = self.clock.now();
        self.store.run(&caller.scope(), |tx| {
            request.once(tx, (&self.sealer, now), |_| Ok::<_, TenancyError>(refusal.clone()))
        })
    }
}

fn until(now: Timestamp) -> Timestamp {
    now.saturating_add(HELD_FOR).unwrap_or(Timestamp::MAX)
}

impl Held {
    /// Says, in a unit of work of the request, that it goes on.
    ///
    /// # Errors
    /// `RequestInProgress` when somebody else took it over: this unit of work must be undone.
    pub fn go_on<X: IdempotencyRecords + ?Sized>(&self, tx: &mut X, now: Timestamp) -> Result<(), TenancyError> {
        self.advance(tx, &RequestState::GoingOn { by: self.by, until: until(now) })
    }

    /// Keeps the answer in the request's last unit of work.
    ///
    /// # Errors
    /// The same.
    pub fn settle<X: IdempotencyRecords + ?Sized>(
        &self,
        tx: &mut X,
        asked: &RequestDigest,
        answer: &Answer,
    ) -> Result<(), TenancyError> {
        let state = self.name.answered(&self.keeper, asked, answer)?;
        self.advance(tx, &state)
    }

    fn advance<X: IdempotencyRecords + ?Sized>(&self, tx: &mut X, state: &RequestState) -> Result<(), TenancyError> {
        let name = (self.name.user, self.name.id);
        if tx.advance_request(name, self.by, state)? { Ok(()) } else { Err(TenancyError::RequestInProgress) }
    }
}

impl Passage {
    /// Whose request it is, and its name.
    pub fn name(&self) -> (UserId, Uuid) {
        (self.request.name.user, self.request.name.id)
    }

    /// The request as it is kept with its answer: to be added in the unit of work that does it.
    ///
    /// # Errors
    /// `Defect` when the cipher refuses.
    pub fn record(&self, answer: &Answer, now: Timestamp) -> Result<KeptRequest, StoreError> {
        self.request.record(&self.keeper, answer, now)
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("by", &self.by).finish_non_exhaustive()
    }
}

impl fmt::Debug for Passage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passage").finish_non_exhaustive()
    }
}
