//! Reading the trail: for the operators' view, and for the person whom it is about.
use diesel::{
    dsl::{max, sql},
    prelude::*,
    sql_types::{Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use huntzen_tenancy::{
    Cursor, Job, Slice, StoreError,
    audit::{AccessLine, AuditEntry, AuditFilter, AuditView, Resource},
    words::Words,
};
use jiff::Timestamp;
use uuid::Uuid;

use super::audit::AuditRow;
use crate::{
    schema::{audit_entries as entries, scope_role},
    scope::role_of,
    statement::statement,
    stored::{StoredTimestamp, ToDiesel, all, instant, slice, tellable, word},
    unit_of_work::PgTx,
};

statement! {
    /// What was done to the data of the scope's user.
    OwnAccess { before: StoredTimestamp, before_id: Uuid, limit: i32 } ->
        (SqlUuid, Timestamptz, Nullable<Text>, Nullable<Text>, Nullable<Text>, Text, Text);
    "SELECT id, at, actor_role, first_name, last_name, action, resource FROM own_access_log(", before as Timestamptz;
    ", ", before_id as SqlUuid;
    ", ", limit as Integer;
    ")"
}

#[derive(Queryable)]
struct AccessRow {
    id: Uuid,
    at: StoredTimestamp,
    actor_role: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    action: String,
    resource: String,
}

impl TryFrom<AccessRow> for AccessLine {
    type Error = StoreError;

    fn try_from(row: AccessRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            at: row.at.to_jiff(),
            role: row.actor_role.map(|role| word(&role, "audit_entries.actor_role")).transpose()?,
            name: row.first_name.zip(row.last_name).map(|(first, last)| format!("{first} {last}")),
            action: word(&row.action, "audit_entries.action")?,
            resource: word(&row.resource, "audit_entries.resource")?,
        })
    }
}

/// The words of the resources that tell, or do not, that somebody consults.
fn resources(about_care: bool) -> Vec<&'static str> {
    Resource::ALL.iter().filter(|one| one.is_about_care() == about_care).map(|one| one.as_str()).collect()
}

/// What both lists have in common.
fn matching<'a>(
    filter: &AuditFilter,
    (from, until): (Timestamp, Timestamp),
    about_care: bool,
) -> entries::BoxedQuery<'a, diesel::pg::Pg> {
    let mut query = entries::table
        .filter(scope_role().eq(role_of(Job::Audit)))
        .filter(entries::at.ge(tellable(from)))
        .filter(entries::at.lt(tellable(until)))
        .filter(entries::resource.eq_any(resources(about_care)))
        .into_boxed();
    if let Some(action) = filter.action {
        query = query.filter(entries::action.eq(action.as_str()));
    }
    if let Some(resource) = filter.resource {
        query = query.filter(entries::resource.eq(resource.as_str()));
    }
    if let Some(actor) = filter.actor {
        query = query.filter(entries::actor_user_id.eq(actor.0));
    }
    if let Some(company) = filter.company {
        query = query.filter(entries::company_id.eq(company.0));
    }
    query
}

impl AuditView for PgTx {
    fn entries_on_others(
        &mut self,
        filter: &AuditFilter,
        bounds: (Timestamp, Timestamp),
        before: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let mut query = matching(filter, bounds, false);
        if let Some(Cursor { at, id }) = before {
            let at = tellable(at);
            query = query.filter(entries::at.lt(at).or(entries::at.eq(at).and(entries::id.lt(id))));
        }
        let query =
            query.select(AuditRow::as_select()).order((entries::at.desc(), entries::id.desc())).limit(limit.into());
        all(self.run(|connection| query.load::<AuditRow>(connection))?)
    }

    fn entries_about_care(
        &mut self,
        filter: &AuditFilter,
        bounds: (Timestamp, Timestamp),
        after: u32,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let query = matching(filter, bounds, true)
            .select(AuditRow::as_select())
            .order(sql::<Text>("reverse(id::text) COLLATE \"C\""))
            .offset(after.into())
            .limit(limit.into());
        all(self.run(|connection| query.load::<AuditRow>(connection))?)
    }

    fn last_entry_before(&mut self, at: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let query = entries::table
            .filter(scope_role().eq(role_of(Job::Audit)))
            .filter(entries::at.lt(tellable(at)))
            .select(max(entries::at));
        Ok(instant(self.run(|connection| query.first::<Option<StoredTimestamp>>(connection))?))
    }

    fn access_log(&mut self, cursor: Option<Cursor>, limit: u32) -> Result<Slice<AccessLine>, StoreError> {
        let before = cursor.unwrap_or(Cursor { at: END, id: Uuid::max() });
        let statement = OwnAccess {
            before: before.at.to_diesel(),
            before_id: before.id,
            // One more tells whether the list goes on.
            limit: i32::try_from(limit.saturating_add(1)).unwrap_or(i32::MAX),
        };
        let lines = all(self.run(|connection| statement.load::<AccessRow>(connection))?)?;
        Ok(slice(lines, limit, |line: &AccessLine| Cursor { at: line.at, id: line.id }))
    }
}

/// Nothing is written later (year 9999).
const END: Timestamp = Timestamp::MAX;
