//! Journals, for their owner.
use std::cmp::Reverse;

use huntzen_clinical::{
    ids::JournalEntryId,
    journal::{Journal, StoredEntry, Written},
};
use huntzen_tenancy::{Cursor, Slice, StoreError, policy::Role};

use crate::{
    erasure::refuse_erased,
    paging::slice,
    refusal::{allow, require},
    store::MemoryTx,
    time::micros,
    visibility::Viewer,
};

impl Journal for MemoryTx {
    fn add_entry(&mut self, entry: &StoredEntry) -> Result<(), StoreError> {
        self.write(|viewer, state| {
            allow(viewer.is_owner(entry) && viewer.is_of(entry.company))?;
            refuse_erased(state, entry.owner)?;
            require(!state.journal_entries.contains(&entry.id), "journal_entries_pkey")?;
            state.journal_entries.put(entry.id, stored(entry));
            Ok(())
        })
    }

    fn entry(&mut self, id: JournalEntryId, _for_update: bool) -> Result<Option<StoredEntry>, StoreError> {
        self.read(|viewer, state| state.journal_entries.get(&id).filter(|entry| viewer.is_owner(entry)).cloned())
    }

    fn entries(
        &mut self,
        written: Written,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Slice<StoredEntry>, StoreError> {
        let cursor = cursor.map(|cursor| (micros(cursor.at), JournalEntryId(cursor.id)));
        self.read(|viewer, state| {
            let is_wanted = |entry: &&StoredEntry| {
                let at = entry.created_at;
                viewer.is_owner(entry)
                    && written.from.is_none_or(|from| micros(from) <= at)
                    && written.until.is_none_or(|until| at < micros(until))
                    && cursor.is_none_or(|cursor| (at, entry.id) < cursor)
            };
            let mut entries: Vec<StoredEntry> = state.journal_entries.rows().filter(is_wanted).cloned().collect();
            entries.sort_by_key(|entry| Reverse((entry.created_at, entry.id)));
            slice(entries, limit, |entry| Cursor { at: entry.created_at, id: entry.id.0 })
        })
    }

    fn update_entry(&mut self, entry: &StoredEntry) -> Result<(), StoreError> {
        self.write(|viewer, state| {
            let Some(held) = state.journal_entries.get(&entry.id).filter(|held| viewer.is_owner(held)).cloned() else {
                return Ok(());
            };
            let changed = StoredEntry {
                id: held.id,
                owner: held.owner,
                company: held.company,
                created_at: held.created_at,
                ..stored(entry)
            };
            state.journal_entries.put(entry.id, changed);
            Ok(())
        })
    }

    fn delete_entry(&mut self, id: JournalEntryId) -> Result<bool, StoreError> {
        self.write(|viewer, state| {
            let is_theirs = state.journal_entries.get(&id).is_some_and(|entry| viewer.is_owner(entry));
            Ok(is_theirs && state.journal_entries.remove(&id))
        })
    }
}

impl Viewer {
    fn is_owner(&self, entry: &StoredEntry) -> bool {
        self.is(Role::Employee) && self.is_user(entry.owner)
    }
}

fn stored(entry: &StoredEntry) -> StoredEntry {
    StoredEntry { created_at: micros(entry.created_at), updated_at: micros(entry.updated_at), ..entry.clone() }
}
