//! Tallies of all nodes together, and those of this one, which count while the others are out of reach.
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{Bound, OwnTallies, Standing, Taken, Tallies};
use crate::store::StoreError;

/// Where something is counted. Nobody is refused because tallies are out of reach, and nobody let through without
/// end: then the node counts alone.
#[derive(Clone)]
pub struct SharedTallies {
    /// Those of the installation; on a single node the same as the other.
    pub of_all_nodes: Arc<dyn Tallies>,
    /// Those of this process.
    pub of_this_node: Arc<dyn OwnTallies>,
}

impl SharedTallies {
    /// Those of a node that is alone.
    pub fn of_one_node<T: OwnTallies + 'static>(tallies: Arc<T>) -> Self {
        Self { of_all_nodes: Arc::<T>::clone(&tallies), of_this_node: tallies }
    }

    /// Whether they answer without waiting for anything.
    pub fn is_at_hand(&self) -> bool {
        self.of_all_nodes.is_at_hand()
    }

    /// Whether these are the ones of this node.
    pub fn are_own(&self, tallies: &dyn Tallies) -> bool {
        std::ptr::addr_eq(std::ptr::from_ref(tallies), Arc::as_ptr(&self.of_this_node))
    }

    /// Takes one; from this node's while the others are out of reach. Says with which it was counted, since there
    /// it is given back.
    ///
    /// # Errors
    /// Those of this node's.
    pub fn take(
        &self,
        bounds: &[Bound],
        window: SignedDuration,
        now: Timestamp,
    ) -> Result<(&dyn Tallies, Taken), StoreError> {
        let all: &dyn Tallies = self.of_all_nodes.as_ref();
        match all.take(bounds, window, now) {
            Ok(taken) => Ok((all, taken)),
            Err(_) => self.take_here(bounds, window, now),
        }
    }

    /// The same from this node's alone.
    ///
    /// # Errors
    /// The same.
    pub fn take_here(
        &self,
        bounds: &[Bound],
        window: SignedDuration,
        now: Timestamp,
    ) -> Result<(&dyn Tallies, Taken), StoreError> {
        let own: &dyn Tallies = self.of_this_node.as_ref();
        Ok((own, own.take(bounds, window, now)?))
    }

    /// The tally for which `take` would be refused; nothing is counted.
    ///
    /// # Errors
    /// The same.
    pub fn full(&self, bounds: &[Bound], now: Timestamp) -> Result<Option<Standing>, StoreError> {
        self.of_all_nodes.full(bounds, now).or_else(|_| self.of_this_node.full(bounds, now))
    }
}
