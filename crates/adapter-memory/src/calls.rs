//! Calls within one process: they last as long as their sockets, which are of this process as well.
use std::sync::{Mutex, MutexGuard, PoisonError};

use huntzen_clinical::{
    call::{Begun, Call, Calls, MissedCalls, Swept},
    ids::{CallId, ConsultationId},
};
use huntzen_tenancy::{
    Job, StoreError,
    ids::{NotificationId, UserId},
    notifications::{Notification, NotificationType},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use crate::{store::MemoryTx, time::micros};

/// The calls of one process. There are as many at once as people who talk.
#[derive(Debug, Default)]
pub struct LocalCalls(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    calls: Vec<Call>,
    /// Until it is recorded that they were.
    missed: Vec<Call>,
}

impl LocalCalls {
    /// Lists of owned values are sound even after a panic elsewhere, so poisoning means nothing here.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, which: impl FnMut(&mut Call) -> bool) -> Vec<Call> {
        self.kept().calls.extract_if(.., which).collect()
    }
}

impl Calls for LocalCalls {
    fn is_at_hand(&self) -> bool {
        true
    }

    fn is_in_reach(&self) -> bool {
        true
    }

    fn begin(&self, call: &Call) -> Result<Begun, StoreError> {
        let calls = &mut self.kept().calls;
        let is_free = calls.iter().all(|known| known.consultation != call.consultation);
        Ok(if is_free {
            calls.push(call.clone());
            Begun::Rings { instead_of: None }
        } else {
            Begun::InProgress
        })
    }

    fn find(&self, id: CallId) -> Result<Option<Call>, StoreError> {
        Ok(self.kept().calls.iter().find(|call| call.id == id).cloned())
    }

    fn answer(&self, id: CallId, device: Uuid) -> Result<Option<Call>, StoreError> {
        let mut kept = self.kept();
        let free = |call: &Call| call.callee_device.is_none_or(|answered| answered == device);
        let ringing = kept.calls.iter_mut().find(|call| call.id == id && free(call));
        Ok(ringing.map(|call| {
            call.callee_device = Some(device);
            call.clone()
        }))
    }

    fn take_back(&self, id: CallId, device: Uuid) -> Result<bool, StoreError> {
        let mut kept = self.kept();
        let answered = kept.calls.iter_mut().find(|call| call.id == id && call.callee_device == Some(device));
        Ok(answered.map(|call| call.callee_device = None).is_some())
    }

    fn end_ringing(&self, id: CallId) -> Result<Option<Call>, StoreError> {
        Ok(self.take(|call| call.id == id && call.callee_device.is_none()).pop())
    }

    fn end(&self, id: CallId) -> Result<Option<Call>, StoreError> {
        Ok(self.take(|call| call.id == id).pop())
    }

    fn end_of_device(&self, device: Uuid) -> Result<Vec<Call>, StoreError> {
        Ok(self.take(|call| call.is_on(device)))
    }

    fn sweep(&self, now: Timestamp, rings_for: SignedDuration) -> Result<Swept, StoreError> {
        let since = now - rings_for;
        let mut kept = self.kept();
        let Kept { calls, missed } = &mut *kept;
        missed.extend(calls.extract_if(.., |call| call.callee_device.is_none() && call.began_at <= since));
        // A process that is gone has no calls, and one that is there forgets none.
        Ok(Swept { missed: missed.clone(), left_behind: Vec::new() })
    }

    fn recorded(&self, missed: &[CallId]) -> Result<(), StoreError> {
        self.kept().missed.retain(|call| !missed.contains(&call.id));
        Ok(())
    }

    fn is_over(&self, _: CallId) {}
}

impl MissedCalls for MemoryTx {
    fn tell_missed(&mut self, consultation: ConsultationId, callee: UserId, at: Timestamp) -> Result<bool, StoreError> {
        let at = micros(at);
        self.write(|viewer, state| {
            let row = state.consultations.get(&consultation.0.into());
            let takes_part = row.is_some_and(|row| row.care().has_participant(callee));
            if !takes_part || !viewer.is_job(Job::Calls) {
                return Ok(false);
            }
            let notification = Notification {
                id: NotificationId(state.uuid_v7(at)),
                user: callee,
                kind: NotificationType::CallMissed,
                data: json!({ "consultationId": consultation }),
                read_at: None,
                created_at: at,
            };
            state.add_notification(notification)?;
            Ok(true)
        })
    }
}
