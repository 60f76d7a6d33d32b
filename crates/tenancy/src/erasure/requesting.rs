//! Asking to be erased, and taking that back: nothing is destroyed before the day has come.
use serde_json::json;

use super::{DeletionRequest, DeletionStatus, GRACE, OpenDeletionRequest, reason_place};
use crate::{
    audit::Action,
    error::{Checks, TenancyError},
    fields,
    identity::IdentityPorts,
    ids::NotificationId,
    notifications::{Notification, NotificationType},
    outbox::Letter,
    policy::{Permission, Role},
    scope::Caller,
    sealing::{KeySubject, SecretText},
};

/// The most characters of a reason.
const REASON: usize = 2000;

/// The use cases of whoever wants to be forgotten. What changes something asks for a step-up.
#[derive(Clone)]
pub struct DeletionRequesting {
    ports: IdentityPorts,
}

impl DeletionRequesting {
    /// Over these ports.
    pub fn new(ports: IdentityPorts) -> Self {
        Self { ports }
    }

    /// Asks for the caller's erasure in thirty days; the caller is told by letter and in the app, and
    /// goes on as before until then.
    ///
    /// # Errors
    /// `StepUpRequired`; `Invalid` for `reason`; `DeletionPending`; `LastOperator` when nobody else
    /// could operate the platform.
    pub fn request(&self, caller: &Caller, reason: Option<&SecretText>) -> Result<OpenDeletionRequest, TenancyError> {
        caller.actor.require(Permission::DataOwnErase)?;
        let mut checks = Checks::default();
        let reason = fields::optional(&mut checks, reason.map(SecretText::expose), "reason", REASON);
        let reason = reason.map(SecretText::new);
        checks.finish()?;
        let (now, scope) = (self.ports.clock.now(), caller.scope());
        self.ports.stepped_up(caller, now, Action::RequestDeletion)?;
        self.ports.store.run(&scope, |tx| {
            let user = tx.user_for_update(caller.actor.user)?.ok_or(TenancyError::NotFound)?;
            if user.role == Role::SuperAdmin && !tx.has_other_operator(user.id)? {
                return Err(TenancyError::LastOperator);
            }
            if tx.pending_deletion(user.id)?.is_some() {
                return Err(TenancyError::DeletionPending);
            }
            let id = self.ports.randomness.uuid_v7(now);
            let sealed = match &reason {
                Some(reason) => {
                    let key = self.ports.sealer.key(tx, KeySubject::Person(user.id), now)?;
                    Some(self.ports.sealer.seal(&key, &reason_place(id), reason)?)
                }
                None => None,
            };
            let request = DeletionRequest {
                id,
                user: user.id,
                status: DeletionStatus::Pending,
                reason: sealed,
                created_at: now,
                deletion_date: now + GRACE,
                cancelled_at: None,
                erased: None,
            };
            tx.add_deletion_request(&request)?;
            let day = request.deletion_date.strftime("%Y-%m-%d").to_string();
            self.ports.write(tx, now, user.id, Letter::DeletionRequested, &json!({ "date": day }))?;
            tx.notify(&Notification {
                id: NotificationId(self.ports.randomness.uuid_v7(now)),
                user: user.id,
                kind: NotificationType::DeletionRequested,
                data: json!({ "deletionDate": request.deletion_date.to_string() }),
                read_at: None,
                created_at: now,
            })?;
            tx.record(&self.ports.entry(&scope, now, Action::RequestDeletion, &user))?;
            Ok(with_reason(&request, reason.clone()))
        })
    }

    /// The caller's last request, whatever became of it.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` for whoever never asked.
    pub fn last(&self, caller: &Caller) -> Result<OpenDeletionRequest, TenancyError> {
        caller.actor.require(Permission::DataOwnErase)?;
        self.ports.store.run(&caller.scope(), |tx| {
            let request = tx.deletion_requests(caller.actor.user)?.into_iter().next();
            Ok(with_reason(&request.ok_or(TenancyError::NotFound)?, None))
        })
    }

    /// Takes the pending request back: everything is as if nothing had been asked for.
    ///
    /// # Errors
    /// `StepUpRequired`; `NoPendingDeletion` when there is none, or its day has come.
    pub fn cancel(&self, caller: &Caller) -> Result<OpenDeletionRequest, TenancyError> {
        caller.actor.require(Permission::DataOwnErase)?;
        let (now, scope) = (self.ports.clock.now(), caller.scope());
        self.ports.stepped_up(caller, now, Action::CancelDeletion)?;
        self.ports.store.run(&scope, |tx| {
            let user = tx.user_for_update(caller.actor.user)?.ok_or(TenancyError::NotFound)?;
            let request = tx.pending_deletion(user.id)?.filter(|request| now < request.deletion_date);
            let mut request = request.ok_or(TenancyError::NoPendingDeletion)?;
            if !tx.cancel_deletion(request.id, now)? {
                return Err(TenancyError::NoPendingDeletion);
            }
            request.status = DeletionStatus::Cancelled;
            request.cancelled_at = Some(now);
            tx.record(&self.ports.entry(&scope, now, Action::CancelDeletion, &user))?;
            Ok(with_reason(&request, None))
        })
    }
}

/// The request with its reason as it is read; `None` where nobody asked for it.
pub(crate) fn with_reason(request: &DeletionRequest, reason: Option<SecretText>) -> OpenDeletionRequest {
    let DeletionRequest { id, user, status, reason: _, created_at, deletion_date, cancelled_at, erased } = *request;
    DeletionRequest { id, user, status, reason, created_at, deletion_date, cancelled_at, erased }
}
