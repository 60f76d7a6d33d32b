//! The store and its unit of work: one at a time, and all of it or nothing.
use std::{sync::Arc, time::Duration};

use huntzen_booking::{BookingStore, BookingTx};
use huntzen_clinical::{ClinicalStore, ClinicalTx};
use huntzen_metrics::{MetricsStore, MetricsTx};
use huntzen_tenancy::{
    Commit, Scope, StoreError, TenancyStore, TenancyTx,
    sealing::{KeyTx, RotationStore},
};
use parking_lot::{ArcMutexGuard, Mutex, RawMutex};

use crate::{refusal::defect, state::State, visibility::Viewer};

/// How long a unit of work waits for the one before it. One that is begun inside another would
/// wait for ever.
const PATIENCE: Duration = Duration::from_secs(10);

/// Everything, in memory; clones share it.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<State>>);

/// A unit of work that wears the ports of every domain.
pub(crate) struct MemoryTx {
    viewer: Viewer,
    state: ArcMutexGuard<RawMutex, State>,
    /// Whether a write was refused: as in PostgreSQL, nothing goes on and nothing is kept then.
    is_broken: bool,
}

impl MemoryStore {
    fn begin(&self, scope: &Scope) -> Result<Box<MemoryTx>, StoreError> {
        let state = self.0.try_lock_arc_for(PATIENCE);
        let state = state.ok_or_else(|| StoreError::Unavailable("another unit of work goes on".into()))?;
        Ok(Box::new(MemoryTx { viewer: Viewer::of(scope), state, is_broken: false }))
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What it holds is personal.
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl TenancyStore for MemoryStore {
    fn begin(&self, scope: &Scope) -> Result<Box<dyn TenancyTx>, StoreError> {
        Ok(Self::begin(self, scope)?)
    }
}

impl BookingStore for MemoryStore {
    fn begin(&self, scope: &Scope) -> Result<Box<dyn BookingTx>, StoreError> {
        Ok(Self::begin(self, scope)?)
    }
}

impl MetricsStore for MemoryStore {
    fn begin(&self, scope: &Scope) -> Result<Box<dyn MetricsTx>, StoreError> {
        Ok(Self::begin(self, scope)?)
    }
}

impl ClinicalStore for MemoryStore {
    fn begin(&self, scope: &Scope) -> Result<Box<dyn ClinicalTx>, StoreError> {
        Ok(Self::begin(self, scope)?)
    }
}

impl RotationStore for MemoryStore {
    fn begin(&self, scope: &Scope) -> Result<Box<dyn KeyTx>, StoreError> {
        Ok(Self::begin(self, scope)?)
    }
}

impl MemoryTx {
    /// Reads.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Viewer, &State) -> T) -> Result<T, StoreError> {
        self.go_on()?;
        Ok(look(&self.viewer, &self.state))
    }

    /// Writes; an error breaks the unit of work. What is merely absent is no error in here.
    pub(crate) fn write<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&Viewer, &mut State) -> Result<T, E>,
    ) -> Result<T, E> {
        self.go_on()?;
        let done = work(&self.viewer, &mut self.state);
        self.is_broken = done.is_err();
        done
    }

    fn go_on(&self) -> Result<(), StoreError> {
        if self.is_broken { Err(defect("the unit of work was refused a write before")) } else { Ok(()) }
    }
}

impl Commit for MemoryTx {
    fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        self.go_on()?;
        self.state.keep();
        Ok(())
    }
}

impl Drop for MemoryTx {
    fn drop(&mut self) {
        self.state.undo();
    }
}
