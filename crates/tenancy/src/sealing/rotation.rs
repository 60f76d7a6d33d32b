//! `huntzen keys rotate`: wraps every data key by the highest master key, while everybody works.
use std::sync::Arc;

use super::{DataKeyRotation, MasterKeyId, Vault};
use crate::{
    audit::{Action, AuditEntry, AuditLog, Resource},
    clock::{Clock, Randomness},
    scope::{Job, Scope},
    store::{Commit, StoreError},
};

/// Everything that one unit of work of the rotation may touch.
pub trait KeyTx: DataKeyRotation + AuditLog + Commit {}

impl<T> KeyTx for T where T: DataKeyRotation + AuditLog + Commit {}

/// Opens units of work for the rotation.
pub trait RotationStore: Send + Sync {
    /// Begins a unit of work.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached in time.
    fn begin(&self, scope: &Scope) -> Result<Box<dyn KeyTx>, StoreError>;
}

/// What a rotation came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rotated {
    /// How many data keys were wrapped anew.
    pub rewrapped: u64,
    /// Master keys of the ring that wrap nothing any more: they can leave it.
    pub unused: Vec<MasterKeyId>,
    /// Master keys that still wrap data keys, other than the highest, with how many: another node
    /// held them, or the ring lacks them.
    pub in_use: Vec<(MasterKeyId, u64)>,
}

/// Wraps data keys anew, a batch a unit of work: it may be stopped and run again at any time.
pub struct KeyRotation {
    store: Arc<dyn RotationStore>,
    vault: Arc<dyn Vault>,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
}

impl KeyRotation {
    /// Over these ports.
    pub fn new(
        store: Arc<dyn RotationStore>,
        vault: Arc<dyn Vault>,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
    ) -> Self {
        Self { store, vault, clock, randomness }
    }

    /// Wraps every data key by the highest master key, `batch` of them a unit of work.
    ///
    /// # Errors
    /// `Defect` when the ring lacks a master key that is in use, or a wrapped key was changed: the
    /// batches before stay done. Those of the store.
    pub fn run(&self, batch: u32) -> Result<Rotated, StoreError> {
        let mut rewrapped = 0;
        loop {
            let done = self.step(batch)?;
            rewrapped += done;
            if done == 0 {
                break;
            }
        }
        let mut tx = self.store.begin(&Scope::worker(Job::Keys))?;
        let uses = tx.master_key_uses()?;
        tx.commit()?;
        let current = self.vault.current();
        let unused =
            self.vault.ring().into_iter().filter(|id| *id != current && uses.iter().all(|(used, _)| used != id));
        Ok(Rotated {
            rewrapped,
            unused: unused.collect(),
            in_use: uses.into_iter().filter(|(id, _)| *id != current).collect(),
        })
    }

    fn step(&self, batch: u32) -> Result<u64, StoreError> {
        let scope = Scope::worker(Job::Keys);
        let mut tx = self.store.begin(&scope)?;
        let keys = tx.keys_to_rewrap(self.vault.current(), batch)?;
        if keys.is_empty() {
            return Ok(0);
        }
        let wrapped = keys.iter().map(|key| self.vault.rewrap(key)).collect::<Result<Vec<_>, _>>()?;
        tx.rewrap_keys(&wrapped)?;
        let now = self.clock.now();
        tx.record(&AuditEntry::new(&scope, self.randomness.as_ref(), now, Action::Rewrap, Resource::DataKey))?;
        tx.commit()?;
        Ok(u64::try_from(keys.len()).unwrap_or(u64::MAX))
    }
}
