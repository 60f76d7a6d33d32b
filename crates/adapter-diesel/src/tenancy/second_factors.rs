//! Second factors with their backup codes.
use diesel::{
    dsl::{delete, insert_into, update},
    prelude::*,
};
use huntzen_tenancy::{
    StoreError,
    identity::{SecondFactor, SecondFactors, WINDOW},
    ids::UserId,
    sealing::Sealed,
    token::TokenDigest,
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    schema::{backup_codes, second_factors},
    stored::{StoredTimestamp, ToDiesel, instant, number},
    unit_of_work::PgTx,
};

type FactorRow = (Uuid, Vec<u8>, StoredTimestamp, i32, Option<StoredTimestamp>);

impl SecondFactors for PgTx {
    fn second_factor(&mut self, user: UserId) -> Result<Option<SecondFactor>, StoreError> {
        let query = second_factors::table.find(user.0).select((
            second_factors::user_id,
            second_factors::secret,
            second_factors::created_at,
            second_factors::failures,
            second_factors::failing_since,
        ));
        let read = |(user, secret, created_at, failures, failing_since): FactorRow| {
            Ok(SecondFactor {
                user: UserId(user),
                secret: Sealed(secret),
                created_at: created_at.to_jiff(),
                failures: number(failures, "second_factors.failures")?,
                failing_since: instant(failing_since),
            })
        };
        self.run(|connection| query.first::<FactorRow>(connection).optional())?.map(read).transpose()
    }

    fn set_second_factor(&mut self, factor: &SecondFactor, codes: &[TokenDigest]) -> Result<(), StoreError> {
        self.remove_second_factor(factor.user)?;
        let row = (
            second_factors::user_id.eq(factor.user.0),
            second_factors::secret.eq(&factor.secret.0),
            second_factors::created_at.eq(factor.created_at.to_diesel()),
            second_factors::failures.eq(0),
        );
        self.run(|connection| insert_into(second_factors::table).values(row).execute(connection))?;
        let row =
            |code: &TokenDigest| (backup_codes::user_id.eq(factor.user.0), backup_codes::sha256.eq(code.0.to_vec()));
        let rows: Vec<_> = codes.iter().map(row).collect();
        self.run(|connection| insert_into(backup_codes::table).values(rows).execute(connection)).map(drop)
    }

    fn use_step(&mut self, user: UserId, step: i64) -> Result<bool, StoreError> {
        let last = second_factors::last_step;
        let change = update(second_factors::table.find(user.0))
            .filter(last.is_null().or(last.assume_not_null().lt(step)))
            .set((
                last.eq(step),
                second_factors::failures.eq(0),
                second_factors::failing_since.eq(None::<StoredTimestamp>),
            ));
        self.run(|connection| change.execute(connection)).map(|used| used > 0)
    }

    fn note_wrong_code(&mut self, user: UserId, at: Timestamp) -> Result<(), StoreError> {
        let since = second_factors::failing_since;
        let begun = (at - WINDOW).to_diesel();
        let counted = update(second_factors::table.find(user.0))
            .filter(since.assume_not_null().gt(begun))
            .set(second_factors::failures.eq(second_factors::failures + 1));
        if self.run(|connection| counted.execute(connection))? > 0 {
            return Ok(());
        }
        let first =
            update(second_factors::table.find(user.0)).set((second_factors::failures.eq(1), since.eq(at.to_diesel())));
        self.run(|connection| first.execute(connection)).map(drop)
    }

    fn use_backup_code(&mut self, user: UserId, code: TokenDigest, at: Timestamp) -> Result<bool, StoreError> {
        let change = update(backup_codes::table.find((user.0, code.0.to_vec())))
            .filter(backup_codes::used_at.is_null())
            .set(backup_codes::used_at.eq(at.to_diesel()));
        self.run(|connection| change.execute(connection)).map(|used| used > 0)
    }

    fn remove_second_factor(&mut self, user: UserId) -> Result<bool, StoreError> {
        let removal = delete(second_factors::table.find(user.0));
        self.run(|connection| removal.execute(connection)).map(|removed| removed > 0)
    }
}
