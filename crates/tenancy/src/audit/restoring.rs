//! Signing that chains were put back, when a backup was restored that is older than the last checkpoint.
use std::collections::BTreeMap;

use super::{
    chain::{ChainId, Head},
    checkpoint::{Checkpoint, CheckpointKind},
    linking::ChainPorts,
};
use crate::TenancyError;

/// The chains of a database that a backup was restored into, before anything is linked there.
pub struct ChainRestoring {
    ports: ChainPorts,
}

impl ChainRestoring {
    /// Over these ports.
    pub fn new(ports: ChainPorts) -> Self {
        Self { ports }
    }

    /// Signs where the chains stand that had been signed further on: from then on the trail is whole
    /// without what is lost, and says how much that is. Nothing is signed when nothing is lost. Answers
    /// how many links are.
    ///
    /// # Errors
    /// Those of the store, and of the file.
    pub fn settle(&self) -> Result<u64, TenancyError> {
        let heads: BTreeMap<ChainId, Head> = self.ports.heads()?.into_iter().map(|head| (head.chain, head)).collect();
        let (now, signer, mut lost) = (self.ports.clock.now(), self.ports.signer.as_ref(), 0);
        self.ports.checkpoints.append(&mut |state| {
            let mut put_back = Vec::new();
            for (chain, signed) in &state.heads {
                let head = heads.get(chain).cloned().unwrap_or_else(|| Head::origin(*chain));
                if head.seq < signed.seq {
                    lost += signed.seq.abs_diff(head.seq);
                    put_back.push(head);
                }
            }
            let what = (CheckpointKind::Restored, now);
            (!put_back.is_empty()).then(|| Checkpoint::signed(signer, what, put_back, state.last.clone()))
        })?;
        Ok(lost)
    }
}
