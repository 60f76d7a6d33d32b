//! The linker: what is recorded joins its chain within a second, and no request waits for it.
use std::time::Duration;

use huntzen_tenancy::audit::ChainLinking;

use super::Bell;

/// How long an entry waits for its link, at most, while nothing is wrong.
const PAUSE: Duration = Duration::from_millis(500);
/// Entries linked in one unit of work.
const BATCH: u32 = 2_000;
/// Links after which a checkpoint is signed, without waiting for the hour.
const SIGNED_EVERY: u32 = 1_000;

/// Links until the end, and then once more, so that nothing is left that was recorded before it.
pub(super) fn work(bell: &Bell, chains: &ChainLinking) {
    let mut unsigned = 0;
    loop {
        let goes_on = bell.pause(PAUSE);
        link_all(chains, &mut unsigned);
        if !goes_on {
            return;
        }
    }
}

fn link_all(chains: &ChainLinking, unsigned: &mut u32) {
    loop {
        let linked = match chains.link(BATCH) {
            Ok(linked) => linked,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "entries could not be linked; tried again");
                return;
            }
        };
        *unsigned = unsigned.saturating_add(linked);
        if *unsigned >= SIGNED_EVERY {
            sign(chains);
            *unsigned = 0;
        }
        if linked < BATCH {
            return;
        }
    }
}

/// Signs a checkpoint; the next one covers what a failed one did not.
pub(super) fn sign(chains: &ChainLinking) {
    if let Err(error) = chains.checkpoint() {
        tracing::error!(error = &error as &dyn std::error::Error, "the audit trail could not be signed");
    }
}
