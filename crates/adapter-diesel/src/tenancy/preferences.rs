//! What people have decided.
use diesel::{
    dsl::update,
    prelude::*,
    sql_types::{Bool, Timestamptz, Uuid as SqlUuid},
};
use huntzen_tenancy::{
    StoreError,
    ids::UserId,
    preferences::{PreferenceSet, Preferences},
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    schema::{preferences, users},
    statement::statement,
    stored::{StoredTimestamp, ToDiesel},
    unit_of_work::PgTx,
};

statement! {
    /// Writes what somebody decided; sharing counts from when it began.
    SetPreferences { user: Uuid, share: bool, at: StoredTimestamp } -> Bool;
    "INSERT INTO preferences (user_id, share_usage_with_employer, sharing_since, updated_at) VALUES (",
        user as SqlUuid;
    ", ", share as Bool; ", CASE WHEN ", share as Bool; " THEN ", at as Timestamptz; " END, ", at as Timestamptz;
    ") ON CONFLICT (user_id) DO UPDATE SET share_usage_with_employer = EXCLUDED.share_usage_with_employer, \
     sharing_since = CASE WHEN EXCLUDED.share_usage_with_employer \
         THEN coalesce(preferences.sharing_since, EXCLUDED.sharing_since) END, \
     updated_at = EXCLUDED.updated_at"
}

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
        let share = chosen.share_usage_with_employer;
        let upsert = SetPreferences { user: user.0, share, at: at.to_diesel() };
        self.run(|connection| upsert.execute(connection))?;
        let account = update(users::table.find(user.0))
            .set((users::language.eq(&chosen.language), users::updated_at.eq(at.to_diesel())));
        self.run(|connection| account.execute(connection)).map(drop)
    }
}
