//! Checkpoints kept in memory, where a test may change them.
use std::sync::Mutex;

use huntzen_tenancy::{
    StoreError,
    audit::{Checkpoint, CheckpointHistory, CheckpointLog, CheckpointState},
};

/// Checkpoints in memory.
#[derive(Debug, Default)]
pub struct MemoryCheckpoints(Mutex<Vec<Option<Checkpoint>>>);

impl MemoryCheckpoints {
    /// Changes the lines as somebody could who reaches the file.
    pub fn tamper(&self, change: impl FnOnce(&mut Vec<Option<Checkpoint>>)) {
        change(&mut self.0.lock().unwrap());
    }
}

impl CheckpointLog for MemoryCheckpoints {
    fn append(&self, next: &mut dyn FnMut(&CheckpointState) -> Option<Checkpoint>) -> Result<bool, StoreError> {
        let mut lines = self.0.lock().unwrap();
        let mut state = CheckpointState::default();
        for checkpoint in lines.iter().flatten() {
            state.advance(checkpoint);
        }
        let next = next(&state);
        let is_new = next.is_some();
        lines.extend(next.map(Some));
        Ok(is_new)
    }

    fn history(&self) -> Result<CheckpointHistory, StoreError> {
        Ok(CheckpointHistory { lines: self.0.lock().unwrap().clone() })
    }
}
