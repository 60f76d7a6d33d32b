//! The audit trail.
use huntzen_tenancy::{
    Job, StoreError,
    audit::{AuditEntry, AuditLog},
};
use uuid::Uuid;

use crate::{refusal::require, store::MemoryTx, time::micros};

impl AuditLog for MemoryTx {
    fn record(&mut self, entry: &AuditEntry) -> Result<(), StoreError> {
        self.write(|_, state| {
            require(!state.audit_entries.contains(&entry.id), "audit_entries_pkey")?;
            state.audit_entries.put(entry.id, AuditEntry { at: micros(entry.at), ..entry.clone() });
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
