//! Calling, answering, refusing, hanging up.
use std::sync::Arc;

use huntzen_tenancy::{
    Caller, Job, Scope,
    audit::{Action, AuditEntry, Resource},
    policy::Permission,
};
use uuid::Uuid;

use super::{Call, Calls, IceServer, IceServers, RINGS_FOR};
use crate::{
    ClinicalError, ClinicalPorts, guard,
    ids::{CallId, ConsultationId},
};

/// A call with the servers that its devices may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// The call.
    pub call: Call,
    /// The servers.
    pub ice_servers: Vec<IceServer>,
}

/// The use cases of calls, for participants alone. Each leaves a trace, a refusal too; what is relayed
/// leaves none.
#[derive(Clone)]
pub struct Calling {
    ports: ClinicalPorts,
    calls: Arc<dyn Calls>,
    ice: Arc<dyn IceServers>,
}

impl Calling {
    /// Over these ports.
    pub fn new(ports: ClinicalPorts, calls: Arc<dyn Calls>, ice: Arc<dyn IceServers>) -> Self {
        Self { ports, calls, ice }
    }

    /// Calls the other participant from this device.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` for whoever does not take part; `CallClosed` unless the consultation is
    /// one by video or audio whose room is open; `CallInProgress` when there is a call already.
    pub fn initiate(
        &self,
        caller: &Caller,
        device: Uuid,
        consultation: ConsultationId,
    ) -> Result<Connected, ClinicalError> {
        guard::require(&caller.actor, Permission::CallsOwn)?;
        let id = CallId(self.ports.randomness.uuid_v4());
        let begun = self.ports.traced(caller, (Action::Create, Resource::Call), |tx, trace, now| {
            trace.on(consultation);
            let care = tx.care(consultation)?.ok_or(ClinicalError::NotFound)?;
            trace.about(care.employee_user, care.company);
            if !care.can_be_called(now) {
                return Err(ClinicalError::CallClosed);
            }
            let call = Call {
                id,
                consultation,
                company: care.company,
                employee: care.employee_user,
                caller: caller.actor.user,
                caller_device: device,
                callee: care.other_than(caller.actor.user),
                callee_device: None,
                began_at: now,
            };
            if !self.calls.begin(&call)? {
                return Err(ClinicalError::CallInProgress);
            }
            Ok(self.connected(call, now))
        });
        self.unless_kept(id, begun)
    }

    /// A call whose trace could not be kept does not take place.
    fn unless_kept(&self, id: CallId, done: Result<Connected, ClinicalError>) -> Result<Connected, ClinicalError> {
        if let Err(ClinicalError::Store(_)) = &done {
            self.calls.end(id)?;
        }
        done
    }

    /// Answers a call on this device: the first that does wins.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` for a call that does not ring for the caller, any more or at all.
    pub fn accept(&self, caller: &Caller, device: Uuid, id: CallId) -> Result<Connected, ClinicalError> {
        guard::require(&caller.actor, Permission::CallsOwn)?;
        let answered = self.ports.traced(caller, (Action::Confirm, Resource::Call), |_, trace, now| {
            trace.on(id);
            let ringing = self.calls.find(id)?.filter(|call| call.callee == caller.actor.user);
            let ringing = ringing.ok_or(ClinicalError::NotFound)?;
            trace.about(ringing.employee, ringing.company);
            let call = self.calls.answer(id, device)?.ok_or(ClinicalError::NotFound)?;
            Ok(self.connected(call, now))
        });
        self.unless_kept(id, answered)
    }

    /// Refuses a call that rings.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` as for accepting.
    pub fn reject(&self, caller: &Caller, id: CallId) -> Result<Call, ClinicalError> {
        guard::require(&caller.actor, Permission::CallsOwn)?;
        self.finish(caller, id, Action::Reject, |call| call.callee == caller.actor.user && call.callee_device.is_none())
    }

    /// Hangs up, or takes a call back that still rings.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` for whoever has no part in it, and when it is over.
    pub fn end(&self, caller: &Caller, id: CallId) -> Result<Call, ClinicalError> {
        guard::require(&caller.actor, Permission::CallsOwn)?;
        self.finish(caller, id, Action::End, |call| call.has_participant(caller.actor.user))
    }

    fn finish(
        &self,
        caller: &Caller,
        id: CallId,
        action: Action,
        may: impl FnOnce(&Call) -> bool,
    ) -> Result<Call, ClinicalError> {
        self.ports.traced(caller, (action, Resource::Call), |_, trace, _| {
            trace.on(id);
            let call = self.calls.find(id)?.filter(may).ok_or(ClinicalError::NotFound)?;
            trace.about(call.employee, call.company);
            self.calls.end(id)?.ok_or(ClinicalError::NotFound)
        })
    }

    /// The device that gets what this one sends.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` for a device that is not one of the two of a call that goes on.
    pub fn relay(&self, caller: &Caller, device: Uuid, id: CallId) -> Result<Uuid, ClinicalError> {
        guard::require(&caller.actor, Permission::CallsOwn)?;
        let call = self.calls.find(id)?.filter(|call| call.has_participant(caller.actor.user));
        call.and_then(|call| call.other_end(device)).ok_or(ClinicalError::NotFound)
    }

    /// Ends the calls of a device that is gone.
    ///
    /// # Errors
    /// Those of the store.
    pub fn gone(&self, caller: &Caller, device: Uuid) -> Result<Vec<Call>, ClinicalError> {
        let ended = self.calls.end_of_device(device)?;
        if !ended.is_empty() {
            let scope = caller.scope();
            self.ports.store.run(&scope, |tx| Ok(tx.record_all(&self.lines(&scope, Action::End, &ended))?))?;
        }
        Ok(ended)
    }

    /// Ends the calls that nobody answered for 45 seconds.
    ///
    /// # Errors
    /// Those of the port.
    pub fn miss(&self) -> Result<Vec<Call>, ClinicalError> {
        Ok(self.calls.end_unanswered(self.ports.clock.now() - RINGS_FOR)?)
    }

    /// Tells those whom these calls did not reach, in their inbox, and leaves the trace.
    ///
    /// # Errors
    /// Those of the store.
    pub fn record_missed(&self, missed: &[Call]) -> Result<(), ClinicalError> {
        if missed.is_empty() {
            return Ok(());
        }
        let (now, scope) = (self.ports.clock.now(), Scope::worker(Job::Calls));
        self.ports.store.run(&scope, |tx| {
            for call in missed {
                tx.tell_missed(call.consultation, call.callee, now)?;
            }
            Ok(tx.record_all(&self.lines(&scope, Action::Miss, missed))?)
        })
    }

    /// A line of the trail for each of these calls.
    fn lines(&self, scope: &Scope, action: Action, calls: &[Call]) -> Vec<AuditEntry> {
        let now = self.ports.clock.now();
        let line = |call: &Call| {
            let entry = self.ports.entry(scope, now, action, Resource::Call).on(call.id);
            entry.about(call.employee).within(Some(call.company))
        };
        calls.iter().map(line).collect()
    }

    fn connected(&self, call: Call, now: jiff::Timestamp) -> Connected {
        let ice_servers = self.ice.for_call(call.id, now);
        Connected { call, ice_servers }
    }
}
