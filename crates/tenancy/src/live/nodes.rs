//! What nodes need to know of each other beyond their signals: what was missed, and a seal that all of them share.
use std::sync::Arc;

use crate::sealing::SealingError;

/// What a node may have missed of what others published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// Others are out of reach, all of them or some. It is told again every second or two for as long as it lasts.
    Lasts,
    /// Something was lost, or may have been; what others publish from now on is heard.
    Over,
}

/// Told of gaps, on a thread of the broadcast: it must be quick.
pub type GapListener = Arc<dyn Fn(Gap) + Send + Sync>;

/// Seals what the nodes of an installation leave with somebody who shall neither read nor make it up.
pub trait NodeSeal: Send + Sync {
    /// What sets the installation apart from others at the same place: 16 lower-case hexadecimal characters, the
    /// same on each of its nodes, from which nothing can be learnt.
    fn installation(&self) -> &str;

    /// Seals `plain`, bound to `place`.
    ///
    /// # Errors
    /// Those of the cipher; none for what fits into memory.
    fn seal(&self, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealingError>;

    /// What was sealed by any node at `place`; `None` for anything else.
    fn open(&self, place: &[u8], sealed: &[u8]) -> Option<Vec<u8>>;
}
