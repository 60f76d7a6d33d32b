//! The calls that devices of this node have begun or answered, for when Redis knows nothing of them any more.
use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use huntzen_clinical::{call::Call, ids::CallId};
use parking_lot::Mutex;
use uuid::Uuid;

/// From one look whether Redis still knows them to the next.
const BETWEEN_LOOKS: Duration = Duration::from_secs(3);

/// The calls of this node's devices: as many as people here talk. One is forgotten when this node hears that it is
/// over, or at the second look in a row at which Redis does not know it: what has just been ended is being told.
#[derive(Debug, Default)]
pub(crate) struct OwnCalls(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    calls: HashMap<CallId, Own>,
    looked: Option<Instant>,
}

#[derive(Debug)]
struct Own {
    call: Call,
    was_begun_here: bool,
    /// Whether Redis did not know it at the last look.
    is_missing: bool,
}

impl OwnCalls {
    /// A device of this node calls.
    pub(crate) fn begin(&self, call: &Call) {
        let own = Own { call: call.clone(), was_begun_here: true, is_missing: false };
        self.0.lock().calls.insert(call.id, own);
    }

    /// A device of this node has answered.
    pub(crate) fn answer(&self, call: &Call) {
        let own = Own { call: call.clone(), was_begun_here: false, is_missing: false };
        self.0.lock().calls.entry(call.id).or_insert(own).call = call.clone();
    }

    /// A device of this node has not answered after all.
    pub(crate) fn take_back(&self, id: CallId, device: Uuid) {
        self.0.lock().calls.retain(|_, own| {
            let is_it = own.call.id == id && own.call.callee_device == Some(device);
            own.call.callee_device = own.call.callee_device.filter(|_| !is_it);
            !is_it || own.was_begun_here
        });
    }

    pub(crate) fn find(&self, id: CallId) -> Option<Call> {
        self.0.lock().calls.get(&id).map(|own| own.call.clone())
    }

    /// A call that is over; of many who take it one gets it.
    pub(crate) fn take(&self, id: CallId, has_to_ring: bool) -> Option<Call> {
        let mut kept = self.0.lock();
        let is_answered = kept.calls.get(&id)?.call.callee_device.is_some();
        if has_to_ring && is_answered { None } else { kept.calls.remove(&id).map(|own| own.call) }
    }

    /// Those that this device is in.
    pub(crate) fn of(&self, device: Uuid) -> Vec<CallId> {
        let kept = self.0.lock();
        kept.calls.values().filter(|own| own.call.is_on(device)).map(|own| own.call.id).collect()
    }

    /// Those that Redis has to be asked for, when it is time for that.
    pub(crate) fn to_look_for(&self) -> Vec<CallId> {
        let mut kept = self.0.lock();
        if kept.looked.is_some_and(|at| at.elapsed() < BETWEEN_LOOKS) {
            return Vec::new();
        }
        kept.looked = Some(Instant::now());
        kept.calls.keys().copied().collect()
    }

    /// Redis was asked for these calls, and does not know those that are `unknown`. Answers which of them are over
    /// without anybody having said so.
    pub(crate) fn looked(&self, asked: &[CallId], unknown: &HashSet<CallId>) -> Vec<Call> {
        let mut kept = self.0.lock();
        let mut over = Vec::new();
        for id in asked {
            let Some(own) = kept.calls.get_mut(id) else { continue };
            let was_missing = std::mem::replace(&mut own.is_missing, unknown.contains(id));
            if was_missing && own.is_missing {
                over.extend(kept.calls.remove(id).map(|own| own.call));
            }
        }
        over
    }
}
