//! Linking entries into their chains, and signing checkpoints of them.
use std::{collections::BTreeMap, sync::Arc};

use uuid::Uuid;

use super::{
    chain::{ChainId, Head, Link},
    checkpoint::{Checkpoint, CheckpointKind, CheckpointLog, CheckpointSigner},
};
use crate::{
    TenancyError, TenancyStore,
    clock::Clock,
    scope::{Job, Scope},
};

/// Chains whose heads are read at a time.
const CHAINS: u32 = 1_000;

/// What the use cases of the chains stand on.
#[derive(Clone)]
pub struct ChainPorts {
    /// Where the trail is kept.
    pub store: Arc<dyn TenancyStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Signs checkpoints.
    pub signer: Arc<dyn CheckpointSigner>,
    /// Keeps them.
    pub checkpoints: Arc<dyn CheckpointLog>,
}

/// The linker: no unit of work that records something ever waits for it.
#[derive(Clone)]
pub struct ChainLinking {
    ports: ChainPorts,
}

impl ChainLinking {
    /// Over these ports.
    pub fn new(ports: ChainPorts) -> Self {
        Self { ports }
    }

    /// Links up to `limit` entries in one unit of work; answers how many. Another node's linker at
    /// work makes it none.
    ///
    /// # Errors
    /// Those of the store.
    pub fn link(&self, limit: u32) -> Result<u32, TenancyError> {
        self.ports.store.run(&Scope::worker(Job::Audit), |tx| {
            let entries = tx.unlinked(limit)?.unwrap_or_default();
            if entries.is_empty() {
                return Ok(0);
            }
            let mut chains: Vec<ChainId> = entries.iter().map(super::EntryRecord::chain).collect();
            chains.sort_unstable();
            chains.dedup();
            let known = tx.heads_of(&chains)?.into_iter().map(|head| (head.chain, head));
            let mut heads: BTreeMap<ChainId, Head> = known.collect();
            let mut links: Vec<Link> = Vec::with_capacity(entries.len());
            for entry in &entries {
                let head = heads.entry(entry.chain()).or_insert_with(|| Head::origin(entry.chain()));
                let link = head.next(entry);
                *head = link.head();
                links.push(link);
            }
            tx.add_links(&links)?;
            Ok(u32::try_from(links.len()).unwrap_or(u32::MAX))
        })
    }

    /// Signs the heads that have moved since the last checkpoint; answers whether there were any.
    ///
    /// # Errors
    /// Those of the store, and of the file.
    pub fn checkpoint(&self) -> Result<bool, TenancyError> {
        Ok(self.checkpoint_from(1)?.is_signed)
    }

    /// The same once there are `least` links since the last checkpoint, whoever has added them.
    ///
    /// # Errors
    /// The same.
    pub fn checkpoint_from(&self, least: u64) -> Result<Signing, TenancyError> {
        let heads = self.ports.heads()?;
        let now = self.ports.clock.now();
        let signer = self.ports.signer.as_ref();
        let mut unsigned = 0;
        let is_signed = self.ports.checkpoints.append(&mut |state| {
            let covered = |head: &Head| state.heads.get(&head.chain).map_or(0, |known| known.seq);
            let moved: Vec<Head> = heads.iter().filter(|head| covered(head) < head.seq).cloned().collect();
            let links = moved.iter().map(|head| head.seq.abs_diff(covered(head)));
            unsigned = links.fold(0, u64::saturating_add);
            let what = (CheckpointKind::Heads, now);
            (unsigned >= least.max(1)).then(|| Checkpoint::signed(signer, what, moved, state.last.clone()))
        })?;
        Ok(Signing { is_signed, unsigned: if is_signed { 0 } else { unsigned } })
    }
}

/// What became of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signing {
    /// Whether one was signed.
    pub is_signed: bool,
    /// How many links none covers.
    pub unsigned: u64,
}

impl ChainPorts {
    /// The head of every chain, by id; a page a unit of work.
    pub(super) fn heads(&self) -> Result<Vec<Head>, TenancyError> {
        let (mut heads, mut from) = (Vec::new(), Some(ChainId(Uuid::nil())));
        while let Some(start) = from {
            let page = self.store.run(&Scope::worker(Job::Audit), |tx| Ok(tx.heads_from(start, CHAINS)?))?;
            from = page.last().filter(|_| page.len() == CHAINS as usize).and_then(|last| last.chain.next());
            heads.extend(page);
        }
        Ok(heads)
    }
}

impl ChainId {
    /// The next id in order; `None` after the last.
    fn next(self) -> Option<Self> {
        self.0.as_u128().checked_add(1).map(|next| Self(Uuid::from_u128(next)))
    }
}
