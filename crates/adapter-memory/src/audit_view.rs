//! Reading the trail.
use std::cmp::Reverse;

use huntzen_tenancy::{
    Cursor, Job, Slice, StoreError,
    audit::{AccessLine, AuditEntry, AuditFilter, AuditView},
    ids::UserId,
};
use jiff::Timestamp;

use crate::{paging::slice, state::State, store::MemoryTx, time::micros, visibility::Viewer};

impl AuditView for MemoryTx {
    fn entries_on_others(
        &mut self,
        filter: &AuditFilter,
        bounds: (Timestamp, Timestamp),
        before: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let before = before.map(|cursor| (micros(cursor.at), cursor.id));
        self.read(|viewer, state| {
            let mut found = matching(viewer, state, filter, bounds, false);
            found.retain(|entry| before.is_none_or(|before| (entry.at, entry.id) < before));
            found.reverse();
            found.truncate(limit as usize);
            found
        })
    }

    fn entries_about_care(
        &mut self,
        filter: &AuditFilter,
        bounds: (Timestamp, Timestamp),
        after: u32,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        self.read(|viewer, state| {
            let mut found = matching(viewer, state, filter, bounds, true);
            found.sort_by_key(|entry| entry.id.to_string().chars().rev().collect::<String>());
            found.into_iter().skip(after as usize).take(limit as usize).collect()
        })
    }

    fn last_entry_before(&mut self, at: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.read(|viewer, state| {
            let earlier = state.audit_entries.rows().map(|entry| entry.at).filter(|one| *one < micros(at));
            earlier.filter(|_| viewer.is_job(Job::Audit)).max()
        })
    }

    fn access_log(&mut self, cursor: Option<Cursor>, limit: u32) -> Result<Slice<AccessLine>, StoreError> {
        let before = cursor.map(|cursor| (micros(cursor.at), cursor.id));
        self.read(|viewer, state| {
            let Some(user) = viewer.user() else { return Slice { items: Vec::new(), next: None } };
            let concerns = |entry: &&AuditEntry| {
                entry.subject == Some(user) && before.is_none_or(|before| (entry.at, entry.id) < before)
            };
            let mut found: Vec<&AuditEntry> = state.audit_entries.rows().filter(concerns).collect();
            found.sort_by_key(|entry| Reverse((entry.at, entry.id)));
            let lines = found.into_iter().map(|entry| AccessLine {
                id: entry.id,
                at: entry.at,
                role: entry.actor_role,
                name: entry.actor.and_then(|actor| name(state, actor, user)),
                action: entry.action,
                resource: entry.resource,
            });
            slice(lines.collect(), limit, |line: &AccessLine| Cursor { at: line.at, id: line.id })
        })
    }
}

fn matching(
    viewer: &Viewer,
    state: &State,
    filter: &AuditFilter,
    (from, until): (Timestamp, Timestamp),
    about_care: bool,
) -> Vec<AuditEntry> {
    let AuditFilter { action, resource, actor, company } = *filter;
    let is_wanted = |entry: &&AuditEntry| {
        viewer.is_job(Job::Audit)
            && micros(from) <= entry.at
            && entry.at < micros(until)
            && entry.resource.is_about_care() == about_care
            && action.is_none_or(|action| entry.action == action)
            && resource.is_none_or(|resource| entry.resource == resource)
            && (actor.is_none() || entry.actor == actor)
            && (company.is_none() || entry.company == company)
    };
    let mut found: Vec<AuditEntry> = state.audit_entries.rows().filter(is_wanted).cloned().collect();
    found.sort_by_key(|entry| (entry.at, entry.id));
    found
}

/// A practitioner's name, or the asking employee's own.
fn name(state: &State, actor: UserId, asking: UserId) -> Option<String> {
    let practitioner = state.practitioners.rows().find(|one| one.user == actor);
    let own = || state.employees.rows().find(|one| one.user == actor && actor == asking);
    practitioner
        .map(|one| format!("{} {}", one.first_name, one.last_name))
        .or_else(|| own().map(|one| format!("{} {}", one.first_name, one.last_name)))
}
