//! The letter worker: sends what is due, then waits for a ring, or a second.
use std::time::Duration;

use huntzen_tenancy::outbox::LetterDispatch;

use super::Bell;
use crate::telemetry::meters::Meters;

/// Letters taken at once.
const BATCH: u32 = 10;
/// How long the outbox is left alone when nothing rings: another node may have filled it.
const PAUSE: Duration = Duration::from_secs(1);
/// How long it is left alone after the store failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5);

pub(super) fn work(bell: &Bell, dispatch: &LetterDispatch, meters: &Meters) {
    let (mut goes_on, mut heard) = (true, 0);
    while goes_on {
        goes_on = match dispatch.run(BATCH) {
            Ok(done) => {
                for (outcome, count) in [
                    ("sent", done.sent),
                    ("postponed", done.postponed),
                    ("given_up", done.given_up),
                    ("held", done.held),
                ] {
                    meters.letters(outcome, count);
                }
                if done.postponed + done.given_up > 0 {
                    tracing::warn!(done.sent, done.postponed, done.given_up, "some letters were not sent");
                }
                let more = done.sent + done.postponed + done.held >= BATCH as usize;
                if more { bell.pause(Duration::ZERO) } else { bell.listen(&mut heard, PAUSE) }
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the outbox could not be worked on");
                bell.pause(PAUSE_AFTER_FAILURE)
            }
        };
    }
}
