//! Calls within one process: they last as long as their sockets, which are of this process as well.
use std::sync::{Mutex, MutexGuard, PoisonError};

use huntzen_clinical::{
    call::{Call, Calls, MissedCalls},
    ids::{CallId, ConsultationId},
};
use huntzen_tenancy::{
    Job, StoreError,
    ids::{NotificationId, UserId},
    notifications::{Notification, NotificationType},
};
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::{store::MemoryTx, time::micros};

/// The calls of one process. There are as many at once as people who talk.
#[derive(Debug, Default)]
pub struct LocalCalls(Mutex<Vec<Call>>);

impl LocalCalls {
    /// A list of owned values is sound even after a panic elsewhere, so poisoning means nothing here.
    fn calls(&self) -> MutexGuard<'_, Vec<Call>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, which: impl FnMut(&mut Call) -> bool) -> Vec<Call> {
        self.calls().extract_if(.., which).collect()
    }
}

impl Calls for LocalCalls {
    fn is_at_hand(&self) -> bool {
        true
    }

    fn begin(&self, call: &Call) -> Result<bool, StoreError> {
        let mut calls = self.calls();
        let is_free = calls.iter().all(|known| known.consultation != call.consultation);
        if is_free {
            calls.push(call.clone());
        }
        Ok(is_free)
    }

    fn find(&self, id: CallId) -> Result<Option<Call>, StoreError> {
        Ok(self.calls().iter().find(|call| call.id == id).cloned())
    }

    fn answer(&self, id: CallId, device: Uuid) -> Result<Option<Call>, StoreError> {
        let mut calls = self.calls();
        let free = |call: &Call| call.callee_device.is_none_or(|answered| answered == device);
        let ringing = calls.iter_mut().find(|call| call.id == id && free(call));
        Ok(ringing.map(|call| {
            call.callee_device = Some(device);
            call.clone()
        }))
    }

    fn take_back(&self, id: CallId, device: Uuid) -> Result<bool, StoreError> {
        let mut calls = self.calls();
        let answered = calls.iter_mut().find(|call| call.id == id && call.callee_device == Some(device));
        Ok(answered.map(|call| call.callee_device = None).is_some())
    }

    fn end_ringing(&self, id: CallId) -> Result<Option<Call>, StoreError> {
        Ok(self.take(|call| call.id == id && call.callee_device.is_none()).pop())
    }

    fn end(&self, id: CallId) -> Result<Option<Call>, StoreError> {
        Ok(self.take(|call| call.id == id).pop())
    }

    fn end_unanswered(&self, since_before: Timestamp) -> Result<Vec<Call>, StoreError> {
        Ok(self.take(|call| call.callee_device.is_none() && call.began_at <= since_before))
    }

    fn end_of_device(&self, device: Uuid) -> Result<Vec<Call>, StoreError> {
        Ok(self.take(|call| call.is_on(device)))
    }
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
