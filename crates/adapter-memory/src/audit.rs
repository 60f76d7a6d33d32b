//! The audit trail.
use huntzen_tenancy::{
    Job, StoreError,
    audit::{AuditEntry, AuditLog, Resource},
    ids::UserId,
    policy::Role,
};
use uuid::Uuid;

use crate::{refusal::require, state::State, store::MemoryTx, time::micros};

impl AuditLog for MemoryTx {
    fn record(&mut self, entry: &AuditEntry) -> Result<(), StoreError> {
        self.write(|_, state| {
            require(!state.audit_entries.contains(&entry.id), "audit_entries_pkey")?;
            let subject = entry.subject.or_else(|| untold_subject(state, entry));
            state.audit_entries.put(entry.id, AuditEntry { at: micros(entry.at), subject, ..entry.clone() });
            state.audit_unlinked.put(entry.id, entry.id);
            Ok(())
        })
    }

    fn record_all(&mut self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        entries.iter().try_for_each(|entry| self.record(entry))
    }

    fn trail(&mut self, resource_id: Uuid) -> Result<Vec<AuditEntry>, StoreError> {
        self.read(|viewer, state| {
            let is_about = |entry: &&AuditEntry| entry.resource_id == Some(resource_id) && viewer.is_job(Job::Audit);
            let mut trail: Vec<AuditEntry> = state.audit_entries.rows().filter(is_about).cloned().collect();
            trail.sort_by_key(|entry| (entry.at, entry.id));
            trail
        })
    }
}

/// Whose data administrators touch who read a consultation without its employee.
fn untold_subject(state: &State, entry: &AuditEntry) -> Option<UserId> {
    let is_redacted = entry.resource == Resource::Consultation
        && matches!(entry.actor_role, Some(Role::AdminHuntzen | Role::SuperAdmin));
    let id = entry.resource_id.filter(|_| is_redacted)?;
    state.consultations.get(&id.into()).map(|row| row.employee_user)
}
