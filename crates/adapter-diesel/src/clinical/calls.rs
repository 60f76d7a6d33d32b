//! Telling somebody that a call was missed.
use diesel::{
    prelude::*,
    sql_types::{BigInt, Timestamptz, Uuid as SqlUuid},
};
use huntzen_clinical::{call::MissedCalls, ids::ConsultationId};
use huntzen_tenancy::{StoreError, ids::UserId};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    statement::statement,
    stored::{StoredTimestamp, ToDiesel},
    unit_of_work::PgTx,
};

statement! {
    /// Writes into the inbox of a participant who did not answer; 1 when there is one.
    TellMissed { consultation: Uuid, callee: Uuid, at: StoredTimestamp } -> BigInt;
    "SELECT tell_of_missed_call(", consultation as SqlUuid;
    ", ", callee as SqlUuid;
    ", ", at as Timestamptz;
    ")"
}

impl MissedCalls for PgTx {
    fn tell_missed(&mut self, consultation: ConsultationId, callee: UserId, at: Timestamp) -> Result<bool, StoreError> {
        let statement = TellMissed { consultation: consultation.0, callee: callee.0, at: at.to_diesel() };
        Ok(self.run(|connection| statement.get_result::<i64>(connection))? > 0)
    }
}
