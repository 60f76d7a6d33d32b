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

    /// Whether hanging up, rejecting and relaying wait for nothing.
    pub fn is_at_hand(&self) -> bool {
        self.calls.is_at_hand()
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
        if let Err(ClinicalError::Store(_)) = &begun {
            // A call whose trace could not be kept does not take place. Nobody else knows its id yet.
            self.calls.end(id)?;
        }
        begun
    }

    /// Answers a call on this device: the first that does wins, and may ask again.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` for a call that does not ring for the caller, any more or at all.
    pub fn accept(&self, caller: &Caller, device: Uuid, id: CallId) -> Result<Connected, ClinicalError> {
        guard::require(&caller.actor, Permission::CallsOwn)?;
        let mut is_ours = false;
        let answered = self.ports.traced(caller, (Action::Confirm, Resource::Call), |_, trace, now| {
            trace.on(id);
            let ringing = self.calls.find(id)?.filter(|call| call.callee == caller.actor.user);
            let ringing = ringing.ok_or(ClinicalError::NotFound)?;
            trace.about(ringing.employee, ringing.company);
            let call = self.calls.answer(id, device)?.ok_or(ClinicalError::NotFound)?;
            is_ours = ringing.callee_device.is_none();
            Ok(self.connected(call, now))
        });
        if is_ours && let Err(ClinicalError::Store(_)) = &answered {
            // An answer whose trace could not be kept is none: the call rings on.
            self.calls.take_back(id, device)?;
        }
        answered
    }

    /// Refuses a call that rings. What is over is told to both sides before it is traced.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` as for accepting.
    pub fn reject(&self, caller: &Caller, id: CallId) -> Result<Call, ClinicalError> {
        guard::require(&caller.actor, Permission::CallsOwn)?;
        let call = self.calls.find(id)?.filter(|call| call.callee == caller.actor.user);
        call.ok_or(ClinicalError::NotFound)?;
        self.calls.end_ringing(id)?.ok_or(ClinicalError::NotFound)
    }

    /// Hangs up, or takes a call back that still rings. It is traced as rejecting is.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` for whoever has no part in it, and when it is over.
    pub fn end(&self, caller: &Caller, id: CallId) -> Result<Call, ClinicalError> {
        guard::require(&caller.actor, Permission::CallsOwn)?;
        let call = self.calls.find(id)?.filter(|call| call.has_participant(caller.actor.user));
        call.ok_or(ClinicalError::NotFound)?;
        self.calls.end(id)?.ok_or(ClinicalError::NotFound)
    }

    /// Ends the calls of a device that is gone. They are traced like others.
    ///
    /// # Errors
    /// Those of the port.
    pub fn gone(&self, device: Uuid) -> Result<Vec<Call>, ClinicalError> {
        Ok(self.calls.end_of_device(device)?)
    }

    /// Leaves the trace of calls that the caller has ended or rejected.
    ///
    /// # Errors
    /// Those of the store.
    pub fn trace_over(&self, caller: &Caller, action: Action, over: &[Call]) -> Result<(), ClinicalError> {
        let scope = caller.scope();
        self.ports.store.run(&scope, |tx| Ok(tx.record_all(&self.lines(&scope, action, over))?))
    }

    /// Leaves the trace that the caller was refused to end or to reject a call.
    ///
    /// # Errors
    /// Those of the store.
    pub fn trace_refused(&self, caller: &Caller, action: Action, id: CallId) -> Result<(), ClinicalError> {
        let scope = caller.scope();
        let entry = self.ports.entry(&scope, self.ports.clock.now(), action, Resource::Call).on(id);
        self.ports.store.run(&scope, |tx| Ok(tx.record(&entry.refused())?))
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
