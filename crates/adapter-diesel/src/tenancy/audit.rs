//! The audit trail.
use diesel::{dsl::insert_into, prelude::*};
use huntzen_tenancy::{
    StoreError,
    audit::{AuditEntry, AuditLog},
    ids::{CompanyId, UserId},
    policy::Role,
    words::Words,
};
use uuid::Uuid;

use crate::{
    schema::audit_entries,
    statement::MOST_ROWS,
    stored::{StoredTimestamp, ToDiesel, all, word},
    unit_of_work::PgTx,
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_entries, treat_none_as_default_value = false)]
pub(super) struct AuditRow {
    id: Uuid,
    at: StoredTimestamp,
    actor_user_id: Option<Uuid>,
    actor_role: Option<String>,
    subject_user_id: Option<Uuid>,
    action: String,
    resource: String,
    resource_id: Option<Uuid>,
    company_id: Option<Uuid>,
    ip: Option<String>,
    request_id: String,
    outcome: String,
}

impl From<&AuditEntry> for AuditRow {
    fn from(entry: &AuditEntry) -> Self {
        Self {
            id: entry.id,
            at: entry.at.to_diesel(),
            actor_user_id: entry.actor.map(|user| user.0),
            actor_role: entry.actor_role.map(|role: Role| role.as_str().to_owned()),
            subject_user_id: entry.subject.map(|user| user.0),
            action: entry.action.as_str().to_owned(),
            resource: entry.resource.as_str().to_owned(),
            resource_id: entry.resource_id,
            company_id: entry.company.map(|company| company.0),
            ip: entry.ip.clone(),
            request_id: entry.request_id.clone(),
            outcome: entry.outcome.as_str().to_owned(),
        }
    }
}

impl TryFrom<AuditRow> for AuditEntry {
    type Error = StoreError;

    fn try_from(row: AuditRow) -> Result<Self, StoreError> {
        let role = row.actor_role.map(|role| word(&role, "audit_entries.actor_role")).transpose()?;
        Ok(Self {
            id: row.id,
            at: row.at.to_jiff(),
            actor: row.actor_user_id.map(UserId),
            actor_role: role,
            subject: row.subject_user_id.map(UserId),
            action: word(&row.action, "audit_entries.action")?,
            resource: word(&row.resource, "audit_entries.resource")?,
            resource_id: row.resource_id,
            company: row.company_id.map(CompanyId),
            ip: row.ip,
            request_id: row.request_id,
            outcome: word(&row.outcome, "audit_entries.outcome")?,
        })
    }
}

impl AuditLog for PgTx {
    fn record(&mut self, entry: &AuditEntry) -> Result<(), StoreError> {
        let row = AuditRow::from(entry);
        self.run(|connection| insert_into(audit_entries::table).values(row).execute(connection)).map(drop)
    }

    fn record_all(&mut self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        for entries in entries.chunks(MOST_ROWS) {
            let rows: Vec<AuditRow> = entries.iter().map(AuditRow::from).collect();
            self.run(|connection| insert_into(audit_entries::table).values(rows).execute(connection))?;
        }
        Ok(())
    }

    fn trail(&mut self, resource_id: Uuid) -> Result<Vec<AuditEntry>, StoreError> {
        let query = audit_entries::table
            .filter(audit_entries::resource_id.eq(resource_id))
            .select(AuditRow::as_select())
            .order((audit_entries::at, audit_entries::id));
        all(self.run(|connection| query.load(connection))?)
    }
}
