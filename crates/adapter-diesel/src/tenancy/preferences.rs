//! What people have decided.
use diesel::{
    dsl::update,
    prelude::*,
    sql_types::{Bool, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid},
};
use huntzen_tenancy::{
    StoreError,
    ids::UserId,
    preferences::{Alias, PreferenceSet, Preferences, QuietHours},
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    schema::{preferences, users},
    statement::statement,
    stored::{StoredTimestamp, ToDiesel, minute_of, one, readable, wall_time},
    unit_of_work::PgTx,
};

statement! {
    /// Writes what somebody decided; sharing counts from when it began.
    SetPreferences {
        user: Uuid, alias: Option<String>, share: bool, start: Option<i16>, end: Option<i16>, zone: Option<String>,
        at: StoredTimestamp,
    } -> Bool;
    "INSERT INTO preferences (user_id, alias, share_usage_with_employer, sharing_since, quiet_start_minute, \
     quiet_end_minute, quiet_timezone, updated_at) VALUES (", user as SqlUuid; ", ", alias as Nullable<Text>;
    ", ", share as Bool; ", CASE WHEN ", share as Bool; " THEN ", at as Timestamptz; " END, ",
        start as Nullable<SmallInt>;
    ", ", end as Nullable<SmallInt>; ", ", zone as Nullable<Text>; ", ", at as Timestamptz;
    ") ON CONFLICT (user_id) DO UPDATE SET share_usage_with_employer = EXCLUDED.share_usage_with_employer, \
     sharing_since = CASE WHEN EXCLUDED.share_usage_with_employer \
         THEN coalesce(preferences.sharing_since, EXCLUDED.sharing_since) END, \
     alias = EXCLUDED.alias, quiet_start_minute = EXCLUDED.quiet_start_minute, \
     quiet_end_minute = EXCLUDED.quiet_end_minute, quiet_timezone = EXCLUDED.quiet_timezone, \
     updated_at = EXCLUDED.updated_at"
}

#[derive(Queryable)]
struct PreferenceRow {
    language: String,
    alias: Option<String>,
    shares: Option<bool>,
    quiet_start: Option<i16>,
    quiet_end: Option<i16>,
    quiet_timezone: Option<String>,
}

impl TryFrom<PreferenceRow> for PreferenceSet {
    type Error = StoreError;

    fn try_from(row: PreferenceRow) -> Result<Self, StoreError> {
        let alias = row.alias.map(|alias| readable(Alias::parse(&alias), "preferences.alias")).transpose()?;
        Ok(Self {
            language: row.language,
            alias,
            share_usage_with_employer: row.shares.unwrap_or_default(),
            quiet_hours: quiet_hours(row.quiet_start, row.quiet_end, row.quiet_timezone.as_deref())?,
        })
    }
}

/// Quiet hours by their first minute, the first after them, and their zone; all three or none.
pub(super) fn quiet_hours(
    start: Option<i16>,
    end: Option<i16>,
    timezone: Option<&str>,
) -> Result<Option<QuietHours>, StoreError> {
    let (Some(start), Some(end), Some(timezone)) = (start, end, timezone) else {
        return Ok(None);
    };
    let start = wall_time(start, "preferences.quiet_start_minute")?;
    let end = wall_time(end, "preferences.quiet_end_minute")?;
    readable(QuietHours::new(start, end, timezone), "preferences.quiet_timezone").map(Some)
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
            .select((
                users::language,
                preferences::alias.nullable(),
                preferences::share_usage_with_employer.nullable(),
                preferences::quiet_start_minute.nullable(),
                preferences::quiet_end_minute.nullable(),
                preferences::quiet_timezone.nullable(),
            ));
        one(self.run(|connection| query.first::<PreferenceRow>(connection).optional())?)
    }

    fn set_preferences(&mut self, user: UserId, chosen: &PreferenceSet, at: Timestamp) -> Result<(), StoreError> {
        let share = chosen.share_usage_with_employer;
        let hours = chosen.quiet_hours.as_ref();
        let upsert = SetPreferences {
            user: user.0,
            alias: chosen.alias.as_ref().map(|alias| alias.as_str().to_owned()),
            share,
            start: hours.map(|hours| minute_of(hours.start())),
            end: hours.map(|hours| minute_of(hours.end())),
            zone: hours.map(|hours| hours.timezone().to_owned()),
            at: at.to_diesel(),
        };
        self.run(|connection| upsert.execute(connection))?;
        let account = update(users::table.find(user.0))
            .set((users::language.eq(&chosen.language), users::updated_at.eq(at.to_diesel())));
        self.run(|connection| account.execute(connection)).map(drop)
    }
}
