//! Cutting chains below a checkpoint: the only way that entries ever go.
use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use super::{
    Action, AuditEntry, Resource,
    chain::{ChainId, Head},
    checkpoint::{Checkpoint, CheckpointKind},
    linking::ChainPorts,
    verification::{Broken, ChainVerification, Depth},
};
use crate::{
    TenancyError,
    clock::Randomness,
    scope::{Job, Scope},
    store::StoreError,
};

/// Prepares what the schema's owner then removes.
pub struct ChainPruning {
    ports: ChainPorts,
    randomness: Arc<dyn Randomness>,
}

/// Nothing is cut from a trail that is broken: what is left would hide it.
#[derive(Debug, thiserror::Error)]
#[error("the audit trail is broken and is left as it is: {0}")]
struct BrokenTrail(Broken);

impl ChainPruning {
    /// Over these ports.
    pub fn new(ports: ChainPorts, randomness: Arc<dyn Randomness>) -> Self {
        Self { ports, randomness }
    }

    /// Signs, before anything is removed, below which links the chains are cut: the last of each that
    /// was signed before this instant, which stays itself. Answers all cuts in force, earlier ones too:
    /// what lies below them is to be removed, also when a run before was cut short.
    ///
    /// # Errors
    /// `Defect` when the trail is broken; those of the store and of the file.
    pub fn prepare(&self, before: Timestamp) -> Result<Vec<Head>, TenancyError> {
        let verdict = ChainVerification::new(self.ports.clone()).verify(Depth::Whole)?;
        if let Some(broken) = verdict.broken {
            return Err(StoreError::Defect(Box::new(BrokenTrail(broken))).into());
        }
        let history = self.ports.checkpoints.history()?;
        let (mut cut, mut signed) = (BTreeMap::<ChainId, Head>::new(), Vec::new());
        for checkpoint in history.lines.into_iter().flatten() {
            match checkpoint.kind {
                CheckpointKind::Pruned => cut.extend(checkpoint.heads.into_iter().map(|head| (head.chain, head))),
                CheckpointKind::Heads if checkpoint.at < before => signed.extend(checkpoint.heads),
                CheckpointKind::Heads => {}
                CheckpointKind::Restored => {
                    for head in &checkpoint.heads {
                        // What was signed or cut higher up is no more.
                        signed.retain(|known| known.chain != head.chain || known.seq <= head.seq);
                        if cut.get(&head.chain).is_some_and(|known| known.seq > head.seq) {
                            cut.remove(&head.chain);
                        }
                    }
                }
            }
        }
        // A chain is never cut lower than it was.
        signed.retain(|head| cut.get(&head.chain).is_none_or(|known| known.seq < head.seq));
        let further: BTreeMap<ChainId, Head> = signed.into_iter().map(|head| (head.chain, head)).collect();
        if !further.is_empty() {
            self.sign(&further)?;
        }
        cut.extend(further);
        Ok(cut.into_values().collect())
    }

    fn sign(&self, cut: &BTreeMap<ChainId, Head>) -> Result<(), TenancyError> {
        let now = self.ports.clock.now();
        let scope = Scope::worker(Job::Audit);
        let entry = AuditEntry::new(&scope, self.randomness.as_ref(), now, Action::Prune, Resource::AuditTrail);
        self.ports.store.run(&scope, |tx| Ok(tx.record(&entry)?))?;
        let signer = self.ports.signer.as_ref();
        self.ports.checkpoints.append(&mut |state| {
            Some(Checkpoint::signed(
                signer,
                (CheckpointKind::Pruned, now),
                cut.values().cloned().collect(),
                state.last.clone(),
            ))
        })?;
        Ok(())
    }
}
