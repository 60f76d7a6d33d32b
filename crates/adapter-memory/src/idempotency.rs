//! Requests that may be repeated, with the answers that they got.
use huntzen_tenancy::{
    StoreError,
    idempotency::{IdempotencyRecords, KeptRequest, LEAST_COUNTED, Lookup, MOST_KEPT, RequestState, TAKEN},
    ids::UserId,
    sealing::Sealed,
};
use uuid::Uuid;

use crate::{
    refusal::{allow, require},
    state::State,
    store::MemoryTx,
    time::micros,
};

/// The state as it is kept.
fn stored(state: &RequestState) -> RequestState {
    match state {
        RequestState::GoingOn { by, until } => RequestState::GoingOn { by: *by, until: micros(*until) },
        RequestState::Answered(sealed) => RequestState::Answered(sealed.clone()),
    }
}

/// What a request counts of what may be kept.
fn counted(request: &KeptRequest) -> u64 {
    let bytes = match &request.state {
        RequestState::GoingOn { .. } => 0,
        RequestState::Answered(Sealed(sealed)) => u64::try_from(sealed.len()).unwrap_or(u64::MAX),
    };
    bytes.max(LEAST_COUNTED)
}

fn is_at(request: &KeptRequest, by: Option<Uuid>) -> bool {
    match &request.state {
        RequestState::GoingOn { by: holder, .. } => by == Some(*holder),
        RequestState::Answered(_) => by.is_none(),
    }
}

/// Forgets what is kept of a person.
pub(crate) fn forget_requests(state: &mut State, person: UserId) {
    state.idempotency_keys.remove_where(|row| row.user == person);
}

impl IdempotencyRecords for MemoryTx {
    /// Units of work come one after the other here, so none is ever busy.
    fn request(&mut self, user: UserId, id: Uuid) -> Result<Lookup, StoreError> {
        self.read(|viewer, state| {
            let kept = state.idempotency_keys.get(&(user, id)).filter(|_| viewer.sees_request(user));
            if let Some(request) = kept {
                return Lookup::Kept(request.clone());
            }
            let of_them = state.idempotency_keys.rows().filter(|row| row.user == user && viewer.sees_request(user));
            if of_them.map(counted).sum::<u64>() < MOST_KEPT { Lookup::Free } else { Lookup::Full }
        })
    }

    fn known_requests(&mut self, requests: &[(UserId, Uuid)]) -> Result<Vec<(UserId, Uuid)>, StoreError> {
        self.read(|viewer, state| {
            let kept = requests.iter().filter(|key| state.idempotency_keys.contains(key) && viewer.sees_request(key.0));
            kept.copied().collect()
        })
    }

    fn add_requests(&mut self, requests: &[KeptRequest]) -> Result<(), StoreError> {
        self.write(|viewer, state| {
            for request in requests {
                allow(viewer.adds_request(request.user, is_at(request, None)))?;
                require(state.users.contains(&request.user), "idempotency_keys_user_id_fkey")?;
                let key = (request.user, request.id);
                require(!state.idempotency_keys.contains(&key), TAKEN)?;
                let row = KeptRequest {
                    state: stored(&request.state),
                    created_at: micros(request.created_at),
                    ..request.clone()
                };
                state.idempotency_keys.put(key, row);
            }
            Ok(())
        })
    }

    fn advance_request(
        &mut self,
        (user, id): (UserId, Uuid),
        by: Uuid,
        state: &RequestState,
    ) -> Result<bool, StoreError> {
        let next = stored(state);
        self.write(|viewer, state| {
            let is_meant =
                |row: &KeptRequest| (row.user, row.id) == (user, id) && is_at(row, Some(by)) && viewer.is_user(user);
            Ok(state.idempotency_keys.change(is_meant, |row| row.state = next.clone()) > 0)
        })
    }

    fn remove_request(&mut self, user: UserId, id: Uuid, by: Option<Uuid>) -> Result<bool, StoreError> {
        self.write(|viewer, state| {
            let kept = state.idempotency_keys.get(&(user, id));
            let is_meant = kept.is_some_and(|row| is_at(row, by) && viewer.is_user(user));
            Ok(is_meant && state.idempotency_keys.remove(&(user, id)))
        })
    }
}
