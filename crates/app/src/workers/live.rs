//! The live worker: tells connected people what is new when the bell rings, or after a second.
use std::{collections::HashSet, time::Duration};

use huntzen_clinical::{
    ClinicalError,
    call::{Calling, Ending, Over},
    conversation::RoomFeed,
    ids::CallId,
};
use huntzen_tenancy::{clock::Clock, live::LiveFeed};

use super::Bell;
use crate::{
    call::{tell_missed, tell_over},
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
    let mut calls = Calls { calling, hub, told: HashSet::new(), is_failing: false };
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
        if !calls.tend() {
            pause = PAUSE_AFTER_FAILURE;
        }
        if !bell.pause(pause) {
            return;
        }
    }
}

/// Missed calls that are not recorded yet and were told already, at the most.
const MOST_TOLD: usize = 1_024;

/// Sees to calls that nobody ends, and to what could not be done about others.
struct Calls<'a> {
    calling: &'a Calling,
    hub: &'a Hub,
    /// Missed calls that were told and are yet to be recorded: they are not told again.
    told: HashSet<CallId>,
    is_failing: bool,
}

impl Calls<'_> {
    /// Whether all could be done.
    fn tend(&mut self) -> bool {
        let (settled, swept) = (self.settle(), self.sweep());
        let done = settled.and(swept);
        // Said once for as long as it lasts: this is looked at every second.
        if let (Err(error), false) = (&done, self.is_failing) {
            tracing::error!(error = error as &dyn std::error::Error, "calls could not be ended or recorded yet");
        }
        self.is_failing = done.is_err();
        done.is_ok()
    }

    fn settle(&self) -> Result<(), ClinicalError> {
        let mut over = Vec::new();
        let settled = self.calling.settle(&mut over);
        for over in &over {
            self.tell(over);
        }
        settled
    }

    /// Devices are told first: they have to stop ringing although the inbox may be out of reach.
    fn sweep(&mut self) -> Result<(), ClinicalError> {
        let swept = self.calling.sweep()?;
        if !swept.left_behind.is_empty() {
            self.tell(&Over { calls: swept.left_behind, ending: Ending::Ended, by: None });
        }
        if self.told.len() > MOST_TOLD {
            self.told.clear();
        }
        for call in &swept.missed {
            if self.told.insert(call.id) {
                tell_missed(self.hub, call);
            }
        }
        self.calling.record_missed(&swept.missed)?;
        for call in &swept.missed {
            self.told.remove(&call.id);
        }
        Ok(())
    }

    fn tell(&self, over: &Over) {
        tell_over(self.hub, over, None);
        if let Err(error) = self.calling.trace_over(over) {
            tracing::error!(error = &error as &dyn std::error::Error, "calls that are over left no trace");
        }
    }
}
