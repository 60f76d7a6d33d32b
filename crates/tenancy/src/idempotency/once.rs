//! Doing something once, however often it is asked for: what is done and what is answered are kept in one
//! unit of work, or neither is.
use jiff::Timestamp;

use super::{
    Answer, Answered, IdempotencyRecords, KeptAnswer, KeptRequest, Lookup, RequestDigest, RequestName, RequestState,
    TAKEN,
};
use crate::{
    error::TenancyError,
    sealing::{DataKeys, Keeper, Sealer, key_of},
    store::StoreError,
};

/// A sealed answer cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("idempotency_keys.answer holds no answer")]
struct Unreadable;

/// A request with a name: who asks, what the client calls it, and what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeatable {
    /// What it is called.
    pub name: RequestName,
    /// What it asks for.
    pub asked: RequestDigest,
}

impl Repeatable {
    /// Does `work` unless it was done before, and keeps what it answers in the same unit of work.
    ///
    /// # Errors
    /// Those of `work`; `IdempotencyKeyReused` when the client has asked for something else by this name;
    /// `RequestInProgress` when another unit of work is at it: ask again, and nothing is done here.
    pub fn once<X, E>(
        &self,
        tx: &mut X,
        (sealer, now): (&Sealer, Timestamp),
        work: impl FnOnce(&mut X) -> Result<Answer, E>,
    ) -> Result<Answered, E>
    where
        X: IdempotencyRecords + DataKeys + ?Sized,
        E: From<TenancyError>,
    {
        if let Some(kept) = self.name.find(tx, sealer, now)? {
            return Ok(Answered::again(kept.to(&self.asked)?));
        }
        let answer = work(tx)?;
        let keeper = self.name.keeper(tx, sealer, now)?;
        let request = self.record(&keeper, &answer, now).map_err(TenancyError::from)?;
        tx.add_requests(&[request]).map_err(in_progress)?;
        Ok(Answered::first(answer))
    }

    /// The request as it is kept with this answer.
    pub(super) fn record(&self, keeper: &Keeper, answer: &Answer, now: Timestamp) -> Result<KeptRequest, StoreError> {
        let state = self.name.answered(keeper, &self.asked, answer)?;
        Ok(KeptRequest { user: self.name.user, id: self.name.id, state, created_at: now })
    }
}

impl RequestName {
    /// The answer that was kept under this name. What is over is forgotten first.
    pub(super) fn find<X: IdempotencyRecords + DataKeys + ?Sized>(
        &self,
        tx: &mut X,
        sealer: &Sealer,
        now: Timestamp,
    ) -> Result<Option<KeptAnswer>, TenancyError> {
        let request = match tx.request(self.user, self.id)? {
            Lookup::Free => return Ok(None),
            Lookup::Full => return Err(TenancyError::TooManyAnswers),
            Lookup::Busy => return Err(TenancyError::RequestInProgress),
            Lookup::Kept(request) => request,
        };
        let (by, is_over) = match &request.state {
            RequestState::GoingOn { by, until } => (Some(*by), *until <= now),
            RequestState::Answered(_) => (None, request.created_at.duration_until(now) >= self.kept_for),
        };
        match request.state {
            RequestState::GoingOn { .. } if !is_over => Err(TenancyError::RequestInProgress),
            RequestState::Answered(answer) if !is_over => {
                let keys = sealer.known_keys(tx, &[self.subject()])?;
                let key = key_of(&keys, &answer).ok_or_else(unreadable)?;
                let text = sealer.open(key, &self.place(), &answer)?;
                Ok(Some(KeptAnswer::read(&text).ok_or_else(unreadable)?))
            }
            RequestState::GoingOn { .. } | RequestState::Answered(_) => {
                // Who is not the one to remove it comes after somebody who does it anew.
                let is_removed = tx.remove_request(self.user, self.id, by)?;
                if is_removed { Ok(None) } else { Err(TenancyError::RequestInProgress) }
            }
        }
    }

    /// What seals answers of this user.
    pub(super) fn keeper<X: DataKeys + ?Sized>(
        &self,
        tx: &mut X,
        sealer: &Sealer,
        now: Timestamp,
    ) -> Result<Keeper, TenancyError> {
        let key = sealer.key(tx, self.subject(), now)?;
        Ok(sealer.keeper(&key)?)
    }

    /// The state of a request that was answered.
    pub(super) fn answered(
        &self,
        keeper: &Keeper,
        asked: &RequestDigest,
        answer: &Answer,
    ) -> Result<RequestState, StoreError> {
        let text = KeptAnswer::new(asked, answer).write();
        Ok(RequestState::Answered(keeper.seal(&self.place(), &text)?))
    }
}

fn unreadable() -> StoreError {
    StoreError::Defect(Box::new(Unreadable))
}

/// Somebody was faster than whoever adds the request.
pub(super) fn in_progress(error: StoreError) -> TenancyError {
    match error {
        StoreError::Refused(rule) if rule == TAKEN => TenancyError::RequestInProgress,
        other @ (StoreError::Refused(_) | StoreError::Unavailable(_) | StoreError::Defect(_)) => other.into(),
    }
}
