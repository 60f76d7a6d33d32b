//! The chains over the trail.
use std::collections::BTreeMap;

use huntzen_tenancy::{
    Job, StoreError,
    audit::{AuditChains, ChainId, EntryRecord, Head, Link, LinkedRecord, Stray},
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    refusal::{allow, require},
    state::State,
    store::MemoryTx,
    time::micros,
};

/// How much younger a linked entry is when an older one was left behind.
const OVERDUE: SignedDuration = SignedDuration::from_mins(10);

impl AuditChains for MemoryTx {
    fn unlinked(&mut self, limit: u32) -> Result<Option<Vec<EntryRecord>>, StoreError> {
        self.read(|viewer, state| {
            if !viewer.is_job(Job::Audit) {
                return None;
            }
            let waiting = state.audit_unlinked.rows().filter_map(|id| state.audit_entries.get(id));
            let mut records: Vec<EntryRecord> = waiting.map(EntryRecord::from).collect();
            records.sort_by_key(|record| (record.at, record.id));
            records.truncate(limit as usize);
            Some(records)
        })
    }

    fn count_unlinked(&mut self) -> Result<u64, StoreError> {
        self.read(|viewer, state| {
            let waiting = state.audit_unlinked.rows().filter(|_| viewer.is_job(Job::Audit));
            u64::try_from(waiting.count()).unwrap_or(u64::MAX)
        })
    }

    fn heads_of(&mut self, chains: &[ChainId]) -> Result<Vec<Head>, StoreError> {
        self.read(|viewer, state| {
            let heads = heads(state).into_values().filter(|head| chains.contains(&head.chain));
            heads.filter(|_| viewer.is_job(Job::Audit)).collect()
        })
    }

    fn add_links(&mut self, links: &[Link]) -> Result<(), StoreError> {
        self.write(|viewer, state| {
            allow(viewer.is_job(Job::Audit))?;
            for link in links {
                require(!state.audit_links.contains(&(link.chain, link.seq)), "audit_links_pkey")?;
                let is_new = state.audit_links.rows().all(|known| known.entry != link.entry);
                require(is_new, "audit_links_entry_key")?;
                state.audit_links.put((link.chain, link.seq), link.clone());
                state.audit_unlinked.remove(&link.entry);
            }
            Ok(())
        })
    }

    fn heads_from(&mut self, from: ChainId, limit: u32) -> Result<Vec<Head>, StoreError> {
        self.read(|viewer, state| {
            let heads = heads(state).into_values().filter(|head| head.chain >= from && viewer.is_job(Job::Audit));
            heads.take(limit as usize).collect()
        })
    }

    fn links_from(&mut self, chain: ChainId, from: i64, limit: u32) -> Result<Vec<LinkedRecord>, StoreError> {
        self.read(|viewer, state| {
            let is_wanted = |link: &&Link| link.chain == chain && link.seq >= from && viewer.is_job(Job::Audit);
            let links = state.audit_links.rows().filter(is_wanted).take(limit as usize);
            links.map(|link| (link.clone(), state.audit_entries.get(&link.entry).map(EntryRecord::from))).collect()
        })
    }

    fn stray(&mut self, since: Option<Timestamp>) -> Result<Option<Stray>, StoreError> {
        self.read(|viewer, state| {
            if !viewer.is_job(Job::Audit) {
                return None;
            }
            let is_linked = |id| state.audit_links.rows().any(|link| link.entry == id);
            let unlinked = state.audit_entries.rows().find(|entry| {
                since.is_none_or(|since| entry.at >= micros(since))
                    && !state.audit_unlinked.contains(&entry.id)
                    && !is_linked(entry.id)
            });
            let in_vain = || {
                let mut waiting = state.audit_unlinked.rows().copied();
                waiting.find(|id| !state.audit_entries.contains(id) || is_linked(*id))
            };
            let overdue = || {
                let waiting = state.audit_unlinked.rows().filter_map(|id| state.audit_entries.get(id));
                let heads = heads(state);
                let latest = |chain: ChainId| {
                    let last = state.audit_links.get(&(chain, heads.get(&chain)?.seq))?;
                    state.audit_entries.get(&last.entry).map(|entry| entry.at)
                };
                let is_late = |entry: &&huntzen_tenancy::audit::AuditEntry| {
                    latest(EntryRecord::from(*entry).chain()).is_some_and(|at| entry.at < at - OVERDUE)
                };
                waiting.filter(is_late).map(|entry| entry.id).min()
            };
            unlinked
                .map(|entry| Stray::Unlinked(entry.id))
                .or_else(|| in_vain().map(Stray::WaitsInVain))
                .or_else(|| overdue().map(Stray::Overdue))
        })
    }
}

/// The last link of each chain.
fn heads(state: &State) -> BTreeMap<ChainId, Head> {
    // In the order of their numbers, so that the last one stays.
    state.audit_links.rows().map(|link| (link.chain, link.head())).collect()
}
