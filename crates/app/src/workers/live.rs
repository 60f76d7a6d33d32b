//! The live worker: tells connected people what is new when the bell rings, or after a second.
use std::time::Duration;

use huntzen_clinical::call::Calling;
use huntzen_tenancy::{clock::Clock, live::LiveFeed};

use super::Bell;
use crate::{
    call::tell_missed,
    realtime::{Hub, watch::Watch},
};

/// How long it waits when nothing rings: another node may have written.
const PAUSE: Duration = Duration::from_secs(1);
/// The shortest time between two looks, so that a busy service is not asked at every write.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);
/// How long it waits after the store failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

pub(super) fn work(bell: &Bell, feed: &LiveFeed, calling: &Calling, hub: &Hub, clock: &dyn Clock) {
    let mut watch = Watch::default();
    let mut heard = 0;
    while bell.listen(&mut heard, PAUSE) {
        let pause = match watch.look(feed, hub, clock.now()) {
            Ok(()) => BETWEEN_LOOKS,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "connected people could not be told");
                PAUSE_AFTER_FAILURE
            }
        };
        end_missed(calling, hub);
        if !bell.pause(pause) {
            return;
        }
    }
}

/// Ends the calls that nobody answered. Both sides' devices are told first: they have to stop ringing
/// although the inbox may be out of reach.
fn end_missed(calling: &Calling, hub: &Hub) {
    let told = calling.miss().and_then(|missed| {
        for call in &missed {
            // A call's id always has JSON.
            let _ = tell_missed(hub, call);
        }
        calling.record_missed(&missed)
    });
    if let Err(error) = told {
        tracing::error!(error = &error as &dyn std::error::Error, "missed calls could not be recorded");
    }
}
