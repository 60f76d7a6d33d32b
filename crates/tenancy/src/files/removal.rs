//! Removing the bytes that nothing refers to any more.
use std::sync::Arc;

use jiff::SignedDuration;

use super::ObjectName;
use crate::{
    TenancyStore,
    clock::Clock,
    error::TenancyError,
    scope::{Job, Scope},
};

/// How long a removal that failed is left alone, so that those behind it have their turn.
const PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// What the background does about files. The bytes go between two units of work: a removal that is
/// done twice harms nothing, so nothing is held meanwhile.
#[derive(Clone)]
pub struct FileRemoval {
    store: Arc<dyn TenancyStore>,
    clock: Arc<dyn Clock>,
    orphans_kept: SignedDuration,
}

impl FileRemoval {
    /// Over this store and clock; uploads that never ended are given up after `orphans_kept`.
    pub fn new(store: Arc<dyn TenancyStore>, clock: Arc<dyn Clock>, orphans_kept: SignedDuration) -> Self {
        Self { store, clock, orphans_kept }
    }

    /// Gives up to `limit` uploads up that began too long ago; answers how many.
    ///
    /// # Errors
    /// `StoreError` alone.
    pub fn give_up_stale_uploads(&self, limit: u32) -> Result<usize, TenancyError> {
        let begun_before = self.clock.now() - self.orphans_kept;
        self.store.run(&scope(), |tx| Ok(tx.drop_stale_uploads(begun_before, limit)?))
    }

    /// Up to `limit` objects that are to be removed now.
    ///
    /// # Errors
    /// `StoreError` alone.
    pub fn due(&self, limit: u32) -> Result<Vec<ObjectName>, TenancyError> {
        let now = self.clock.now();
        self.store.run(&scope(), |tx| Ok(tx.removals(now, limit)?))
    }

    /// Notes which objects are gone, and puts those off that could not be removed.
    ///
    /// # Errors
    /// `StoreError` alone.
    pub fn done(&self, gone: &[ObjectName], failed: &[ObjectName]) -> Result<(), TenancyError> {
        let until = self.clock.now() + PAUSE;
        self.store.run(&scope(), |tx| {
            tx.removed(gone)?;
            Ok(tx.put_off_removals(failed, until)?)
        })
    }
}

fn scope() -> Scope {
    Scope::worker(Job::Files)
}
