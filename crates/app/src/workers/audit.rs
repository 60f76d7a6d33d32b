//! The linker: what is recorded joins its chain within a second, and no request waits for it.
use std::time::{Duration, Instant};

use huntzen_tenancy::audit::ChainLinking;

use super::Bell;

/// How long an entry waits for its link, at most, while nothing is wrong.
const PAUSE: Duration = Duration::from_millis(500);
/// Entries linked in one unit of work.
const BATCH: u32 = 2_000;
/// Links after which a checkpoint is signed, without waiting for the hour.
const SIGNED_EVERY: u64 = 1_000;
/// How often it is asked how many links no checkpoint covers: other nodes link as well, and so did this one before it
/// was started.
const BETWEEN_COUNTS: Duration = Duration::from_secs(5);

/// Links until the end, and then once more, so that nothing is left that was recorded before it.
pub(super) fn work(bell: &Bell, chains: &ChainLinking) {
    let mut signing = Unsigned::default();
    loop {
        let goes_on = bell.pause(PAUSE);
        link_all(chains, &mut signing);
        if !goes_on {
            return;
        }
    }
}

/// How many links no checkpoint covers, as far as is known without asking.
#[derive(Debug, Default)]
struct Unsigned {
    links: u64,
    counted: Option<Instant>,
}

impl Unsigned {
    /// Whether there may be enough of them.
    fn is_due(&self, now: Instant) -> bool {
        let is_stale = |at: Instant| now.saturating_duration_since(at) >= BETWEEN_COUNTS;
        self.links >= SIGNED_EVERY || self.counted.is_none_or(is_stale)
    }
}

fn link_all(chains: &ChainLinking, unsigned: &mut Unsigned) {
    loop {
        let linked = match chains.link(BATCH) {
            Ok(linked) => linked,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "entries could not be linked; tried again");
                return;
            }
        };
        unsigned.links = unsigned.links.saturating_add(linked.into());
        if unsigned.is_due(Instant::now()) {
            sign(chains, unsigned);
        }
        if linked < BATCH {
            return;
        }
    }
}

/// Signs a checkpoint when there are enough links; the next one covers what a failed one did not.
fn sign(chains: &ChainLinking, unsigned: &mut Unsigned) {
    unsigned.counted = Some(Instant::now());
    unsigned.links = match chains.checkpoint_from(SIGNED_EVERY) {
        Ok(signing) => signing.unsigned,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the audit trail could not be signed");
            0
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_counted_at_the_start_now_and_then_and_when_there_are_enough() {
        let begun = Instant::now();
        assert!(Unsigned::default().is_due(begun));
        let counted = |links| Unsigned { links, counted: Some(begun) };
        assert!(!counted(999).is_due(begun) && counted(1_000).is_due(begun));
        assert!(counted(0).is_due(begun + BETWEEN_COUNTS));
    }
}
