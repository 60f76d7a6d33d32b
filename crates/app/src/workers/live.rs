//! The live worker: tells connected people what is new when the bell rings, or after a second.
use std::time::Duration;

use huntzen_clinical::{ClinicalError, call::Calling, conversation::RoomFeed};
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

pub(super) fn work(
    bell: &Bell,
    (feed, rooms): (&LiveFeed, &RoomFeed),
    calling: &Calling,
    hub: &Hub,
    clock: &dyn Clock,
) {
    let mut watch = Watch::default();
    let mut heard = 0;
    let mut calls_are_lost = false;
    while bell.listen(&mut heard, PAUSE) {
        let mut pause = BETWEEN_LOOKS;
        // Before anything that waits for the store: others believe it for a while only.
        watch.tell_who_is_there(hub, clock.now());
        if let Err(error) = watch.look(feed, hub, clock.now()) {
            tracing::error!(error = &error as &dyn std::error::Error, "connected people could not be told");
            pause = PAUSE_AFTER_FAILURE;
        }
        if let Err(error) = watch.catch_up(rooms, hub, clock.now()) {
            tracing::error!(error = &error as &dyn std::error::Error, "rooms could not be brought up to date");
            pause = PAUSE_AFTER_FAILURE;
        }
        let missed = end_missed(calling, hub);
        // Said once for as long as it lasts: this is looked at every second.
        if let (Err(error), false) = (&missed, calls_are_lost) {
            tracing::error!(error = error as &dyn std::error::Error, "missed calls could not be ended or recorded");
        }
        calls_are_lost = missed.is_err();
        if !bell.pause(pause) {
            return;
        }
    }
}

/// Ends the calls that nobody answered. Both sides' devices are told first: they have to stop ringing
/// although the inbox may be out of reach.
fn end_missed(calling: &Calling, hub: &Hub) -> Result<(), ClinicalError> {
    let missed = calling.miss()?;
    for call in &missed {
        // A call's id always has JSON.
        let _ = tell_missed(hub, call);
    }
    calling.record_missed(&missed)
}
