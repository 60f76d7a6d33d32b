//! Requests that may be repeated, with the answers that they got.
use diesel::{
    dsl::{delete, insert_into, update},
    prelude::*,
    sql_types::{Array, BigInt, Binary, Bool, Nullable, Timestamptz, Uuid as SqlUuid},
};
use huntzen_tenancy::{
    StoreError,
    idempotency::{IdempotencyRecords, KeptRequest, LEAST_COUNTED, Lookup, MOST_KEPT, RequestState},
    ids::UserId,
    sealing::Sealed,
};
use uuid::Uuid;

use crate::{
    schema::idempotency_keys,
    statement::statement,
    stored::{StoredTimestamp, ToDiesel, instant, readable},
    unit_of_work::PgTx,
};

statement! {
    /// Looks for a request, and marks it as looked for until the transaction ends. What another transaction
    /// keeps at this very moment may be missed; adding it is refused then. What is not kept is told with how
    /// much is kept of its user.
    Look { least: i64, owner: Uuid, mark: i64, user: Uuid, id: Uuid } ->
        (Bool, Nullable<Timestamptz>, Nullable<SqlUuid>, Nullable<Timestamptz>, Nullable<Binary>, BigInt);
    "SELECT m.is_ours, k.created_at, k.held_by, k.held_until, k.answer, CASE WHEN k.id IS NULL \
     THEN (SELECT coalesce(sum(greatest(length(o.answer), ", least as BigInt;
    ")), 0)::bigint FROM idempotency_keys o WHERE o.user_id = ", owner as SqlUuid;
    ") ELSE 0 END FROM (SELECT pg_try_advisory_xact_lock(", mark as BigInt;
    ") AS is_ours) m LEFT JOIN idempotency_keys k ON k.user_id = ", user as SqlUuid;
    " AND k.id = ", id as SqlUuid
}

#[derive(Queryable)]
struct Looked {
    is_ours: bool,
    created_at: Option<StoredTimestamp>,
    held_by: Option<Uuid>,
    held_until: Option<StoredTimestamp>,
    answer: Option<Vec<u8>>,
    kept_bytes: i64,
}

statement! {
    /// Finds those of many requests that are kept.
    Known { users: Vec<Uuid>, ids: Vec<Uuid> } -> (SqlUuid, SqlUuid);
    "SELECT k.user_id, k.id FROM idempotency_keys k JOIN unnest(", users as Array<SqlUuid>;
    ", ", ids as Array<SqlUuid>;
    ") AS n (user_id, id) ON k.user_id = n.user_id AND k.id = n.id"
}

/// How far a request has come: at most who is at it and until when, or the answer.
type Columns = (Option<Uuid>, Option<StoredTimestamp>, Option<Vec<u8>>);

fn columns(state: &RequestState) -> Columns {
    match state {
        RequestState::GoingOn { by, until } => (Some(*by), Some(until.to_diesel()), None),
        RequestState::Answered(Sealed(sealed)) => (None, None, Some(sealed.clone())),
    }
}

fn state((by, until, answer): Columns) -> Result<RequestState, StoreError> {
    if let Some(sealed) = answer {
        return Ok(RequestState::Answered(Sealed(sealed)));
    }
    let (by, until) = readable(by.zip(instant(until)), "idempotency_keys.held_by")?;
    Ok(RequestState::GoingOn { by, until })
}

/// The number that stands for a request among those that are looked for.
fn mark(id: Uuid) -> i64 {
    let (most, least) = id.as_u64_pair();
    i64::from_be_bytes((most ^ least).to_be_bytes())
}

impl IdempotencyRecords for PgTx {
    fn request(&mut self, user: UserId, id: Uuid) -> Result<Lookup, StoreError> {
        let least = i64::try_from(LEAST_COUNTED).unwrap_or(i64::MAX);
        let look = Look { least, owner: user.0, mark: mark(id), user: user.0, id };
        let row: Looked = self.run(|connection| look.get_result(connection))?;
        let Looked { is_ours, created_at, held_by, held_until, answer, kept_bytes } = row;
        match instant(created_at) {
            Some(created_at) => {
                let state = state((held_by, held_until, answer))?;
                Ok(Lookup::Kept(KeptRequest { user, id, state, created_at }))
            }
            None if is_ours && u64::try_from(kept_bytes).is_ok_and(|kept| kept >= MOST_KEPT) => Ok(Lookup::Full),
            None if is_ours => Ok(Lookup::Free),
            None => Ok(Lookup::Busy),
        }
    }

    fn known_requests(&mut self, requests: &[(UserId, Uuid)]) -> Result<Vec<(UserId, Uuid)>, StoreError> {
        let (users, ids) = requests.iter().map(|(user, id)| (user.0, *id)).unzip();
        let known = Known { users, ids };
        let rows = self.run(|connection| known.load::<(Uuid, Uuid)>(connection))?;
        Ok(rows.into_iter().map(|(user, id)| (UserId(user), id)).collect())
    }

    fn add_requests(&mut self, requests: &[KeptRequest]) -> Result<(), StoreError> {
        let rows: Vec<_> = requests
            .iter()
            .map(|request| {
                let (by, until, answer) = columns(&request.state);
                (
                    idempotency_keys::user_id.eq(request.user.0),
                    idempotency_keys::id.eq(request.id),
                    idempotency_keys::held_by.eq(by),
                    idempotency_keys::held_until.eq(until),
                    idempotency_keys::answer.eq(answer),
                    idempotency_keys::created_at.eq(request.created_at.to_diesel()),
                )
            })
            .collect();
        let insert = insert_into(idempotency_keys::table).values(rows);
        self.run(|connection| insert.execute(connection)).map(drop)
    }

    fn advance_request(
        &mut self,
        (user, id): (UserId, Uuid),
        by: Uuid,
        state: &RequestState,
    ) -> Result<bool, StoreError> {
        let (held_by, held_until, answer) = columns(state);
        let request =
            update(idempotency_keys::table.find((user.0, id))).filter(idempotency_keys::held_by.eq(by)).set((
                idempotency_keys::held_by.eq(held_by),
                idempotency_keys::held_until.eq(held_until),
                idempotency_keys::answer.eq(answer),
            ));
        Ok(self.run(|connection| request.execute(connection))? > 0)
    }

    fn remove_request(&mut self, user: UserId, id: Uuid, by: Option<Uuid>) -> Result<bool, StoreError> {
        let request = delete(idempotency_keys::table.find((user.0, id)))
            .filter(idempotency_keys::held_by.is_not_distinct_from(by));
        Ok(self.run(|connection| request.execute(connection))? > 0)
    }
}
