//! What people have decided.
use diesel::{
    dsl::{insert_into, update},
    prelude::*,
};
use huntzen_tenancy::{
    StoreError,
    ids::UserId,
    preferences::{PreferenceSet, Preferences},
};
use jiff::Timestamp;

use crate::{
    schema::{preferences, users},
    stored::ToDiesel,
    unit_of_work::PgTx,
};

impl Preferences for PgTx {
    fn preferences(&mut self, user: UserId) -> Result<Option<PreferenceSet>, StoreError> {
        // Others see accounts too, but nobody sees what another person has decided.
        if self.actor.is_none_or(|actor| actor.user != user) {
            return Ok(None);
        }
        let query = users::table
            .left_join(preferences::table.on(preferences::user_id.eq(users::id)))
            .filter(users::id.eq(user.0))
            .select((users::language, preferences::share_usage_with_employer.nullable()));
        let row = self.run(|connection| query.first::<(String, Option<bool>)>(connection).optional())?;
        Ok(row.map(|(language, shares)| PreferenceSet {
            language,
            share_usage_with_employer: shares.unwrap_or_default(),
        }))
    }

    fn set_preferences(&mut self, user: UserId, chosen: &PreferenceSet, at: Timestamp) -> Result<(), StoreError> {
        let row = (
            preferences::user_id.eq(user.0),
            preferences::share_usage_with_employer.eq(chosen.share_usage_with_employer),
            preferences::updated_at.eq(at.to_diesel()),
        );
        let upsert = insert_into(preferences::table).values(row).on_conflict(preferences::user_id).do_update().set(row);
        self.run(|connection| upsert.execute(connection))?;
        let account = update(users::table.find(user.0))
            .set((users::language.eq(&chosen.language), users::updated_at.eq(at.to_diesel())));
        self.run(|connection| account.execute(connection)).map(drop)
    }
}
