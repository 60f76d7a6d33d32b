//! Calling, answering, refusing, hanging up.
use std::sync::Arc;

use huntzen_tenancy::{
    Caller, Job, Scope, StoreError,
    audit::{Action, AuditEntry, Resource},
    policy::Permission,
};
use uuid::{Builder, Uuid};

use super::{
    Begun, Call, Calls, Ending, IceServer, IceServers, Over, RINGS_FOR, Swept, Unheard,
    owed::{Debt, Owed},
};
use crate::{
    ClinicalError, ClinicalPorts, guard,
    ids::{CallId, ConsultationId},
    trace::Trace,
};

/// What the store says of a line that is in the trail already.
const WRITTEN_BEFORE: &str = "audit_entries_pkey";

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
///
/// No unit of work is open while calls are asked for, which may be far away: what has to be known comes before, the
/// trace after. What fails on the way is owed.
#[derive(Clone)]
pub struct Calling {
    ports: ClinicalPorts,
    calls: Arc<dyn Calls>,
    ice: Arc<dyn IceServers>,
    owed: Arc<Owed>,
}

impl Calling {
    /// Over these ports.
    pub fn new(ports: ClinicalPorts, calls: Arc<dyn Calls>, ice: Arc<dyn IceServers>) -> Self {
        Self { ports, calls, ice, owed: Arc::default() }
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
    ) -> Result<Unheard<Connected>, ClinicalError> {
        guard::require(&caller.actor, Permission::CallsOwn)?;
        let id = CallId(self.ports.randomness.uuid_v4());
        let mut trace = Trace::default();
        trace.on(consultation);
        let call = self.to_begin(caller, (id, device), consultation, &mut trace);
        // What is not tried leaves nothing behind.
        let mut may_ring = call.is_ok() && self.calls.is_in_reach();
        let begun = call.and_then(|call| match self.calls.begin(&call)? {
            Begun::Rings { instead_of } => {
                let left = instead_of.into_iter().collect();
                self.owe_told(Over { calls: left, ending: Ending::Ended, by: Some(caller.clone()) });
                Ok(call)
            }
            Begun::InProgress => {
                may_ring = false;
                Err(ClinicalError::CallInProgress)
            }
        });
        match self.ports.leave(caller, (Action::Create, Resource::Call), trace, begun) {
            Ok(call) => Ok(Unheard::new(self.connected(call), Some(Debt::End(id)), &self.owed)),
            Err(failure) => {
                // A call whose trace could not be kept does not take place. Nobody else knows its id yet.
                if may_ring {
                    self.pay_or_owe(Debt::End(id));
                }
                Err(failure)
            }
        }
    }

    /// The call to begin, if it may.
    fn to_begin(
        &self,
        caller: &Caller,
        (id, caller_device): (CallId, Uuid),
        consultation: ConsultationId,
        trace: &mut Trace,
    ) -> Result<Call, ClinicalError> {
        let care = self.ports.store.run(&caller.scope(), |tx| Ok::<_, ClinicalError>(tx.care(consultation)?))?;
        let care = care.ok_or(ClinicalError::NotFound)?;
        trace.about(care.employee_user, care.company);
        let now = self.ports.clock.now();
        if !care.can_be_called(now) {
            return Err(ClinicalError::CallClosed);
        }
        Ok(Call {
            id,
            consultation,
            company: care.company,
            employee: care.employee_user,
            caller: caller.actor.user,
            caller_device,
            callee: care.other_than(caller.actor.user),
            callee_device: None,
            began_at: now,
        })
    }

    /// Answers a call on this device: the first that does wins, and may ask again.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` for a call that does not ring for the caller, any more or at all.
    pub fn accept(&self, caller: &Caller, device: Uuid, id: CallId) -> Result<Unheard<Connected>, ClinicalError> {
        guard::require(&caller.actor, Permission::CallsOwn)?;
        let was_unheard = self.owed.forgive(id, device)?;
        let mut trace = Trace::default();
        trace.on(id);
        // Whether an answer that comes to nothing is this attempt's to take back, and not that of one before.
        let mut is_ours = was_unheard;
        let answered = self.ringing_for(caller, id).and_then(|ringing| {
            trace.about(ringing.employee, ringing.company);
            is_ours |= ringing.callee_device.is_none();
            self.calls.answer(id, device)?.ok_or(ClinicalError::NotFound)
        });
        let debt = is_ours.then_some(Debt::TakeBack(id, device));
        match (self.ports.leave(caller, (Action::Confirm, Resource::Call), trace, answered), debt) {
            (Ok(call), debt) => Ok(Unheard::new(self.connected(call), debt, &self.owed)),
            (Err(failure @ ClinicalError::Store(_)), Some(debt)) => {
                // An answer whose trace could not be kept is none: the call rings on.
                self.pay_or_owe(debt);
                Err(failure)
            }
            (Err(failure), _) => Err(failure),
        }
    }

    fn ringing_for(&self, caller: &Caller, id: CallId) -> Result<Call, ClinicalError> {
        let call = self.calls.find(id)?.filter(|call| call.callee == caller.actor.user);
        call.ok_or(ClinicalError::NotFound)
    }

    /// Refuses a call that rings. What is over is told to both sides before it is traced.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` as for accepting.
    pub fn reject(&self, caller: &Caller, id: CallId) -> Result<Unheard<Over>, ClinicalError> {
        guard::require(&caller.actor, Permission::CallsOwn)?;
        self.ringing_for(caller, id)?;
        let call = self.calls.end_ringing(id)?.ok_or(ClinicalError::NotFound)?;
        Ok(self.over(caller, Ending::Rejected, vec![call]))
    }

    /// Hangs up, or takes a call back that still rings. It is traced as rejecting is.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` for whoever has no part in it, and when it is over.
    pub fn end(&self, caller: &Caller, id: CallId) -> Result<Unheard<Over>, ClinicalError> {
        guard::require(&caller.actor, Permission::CallsOwn)?;
        let call = self.calls.find(id)?.filter(|call| call.has_participant(caller.actor.user));
        call.ok_or(ClinicalError::NotFound)?;
        let call = self.calls.end(id)?.ok_or(ClinicalError::NotFound)?;
        Ok(self.over(caller, Ending::Ended, vec![call]))
    }

    /// Ends the calls of a device of the caller's that is gone. They are traced like others.
    ///
    /// # Errors
    /// Those of the port; then they are [to be ended](Self::owe_gone) later.
    pub fn gone(&self, caller: &Caller, device: Uuid) -> Result<Unheard<Over>, ClinicalError> {
        let ended = self.calls.end_of_device(device)?;
        Ok(self.over(caller, Ending::Ended, ended))
    }

    /// The calls of a device that is gone are ended as soon as that is possible.
    pub fn owe_gone(&self, caller: Caller, device: Uuid) {
        self.owed.add(Debt::Gone(caller, device));
    }

    fn over(&self, caller: &Caller, ending: Ending, calls: Vec<Call>) -> Unheard<Over> {
        let over = Over { calls, ending, by: Some(caller.clone()) };
        let debt = (!over.calls.is_empty()).then(|| Debt::Tell(over.clone()));
        Unheard::new(over, debt, &self.owed)
    }

    fn owe_told(&self, over: Over) {
        if !over.calls.is_empty() {
            self.owed.add(Debt::Tell(over));
        }
    }

    /// Does what is owed, as far as that is possible now; one thread of a process does. What is `over` has to be
    /// told and traced.
    ///
    /// # Errors
    /// Those of the port; the rest is still owed.
    pub fn settle(&self, over: &mut Vec<Over>) -> Result<(), ClinicalError> {
        for _ in 0..self.owed.count() {
            let Some(debt) = self.owed.next() else { break };
            let paid = self.pay(debt);
            // What is wrong in itself is not better the next time.
            self.owed.tried(!matches!(paid, Err(StoreError::Unavailable(_))));
            over.extend(paid?);
        }
        Ok(())
    }

    /// Does it at once, or as soon as that is possible.
    fn pay_or_owe(&self, debt: Debt) {
        match self.pay(debt.clone()) {
            Ok(told) => told.into_iter().for_each(|over| self.owe_told(over)),
            Err(_) => self.owed.add(debt),
        }
    }

    fn pay(&self, debt: Debt) -> Result<Option<Over>, StoreError> {
        match debt {
            Debt::End(id) => self.calls.end(id).map(|_| None),
            Debt::TakeBack(id, device) => self.calls.take_back(id, device).map(|_| None),
            Debt::Gone(caller, device) => {
                let calls = self.calls.end_of_device(device)?;
                let over = Over { calls, ending: Ending::Ended, by: Some(caller) };
                Ok(Some(over).filter(|over| !over.calls.is_empty()))
            }
            Debt::Tell(over) => Ok(Some(over)),
        }
    }

    /// Devices of this process were told that a call is over.
    pub fn is_over(&self, id: CallId) {
        self.calls.is_over(id);
    }

    /// Leaves the trace of calls that are over.
    ///
    /// # Errors
    /// Those of the store.
    pub fn trace_over(&self, over: &Over) -> Result<(), ClinicalError> {
        let scope = over.by.as_ref().map_or_else(|| Scope::worker(Job::Calls), Caller::scope);
        let lines = self.lines(&scope, over.ending.action(), &over.calls);
        self.ports.store.run(&scope, |tx| Ok(tx.record_all(&lines)?))
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

    /// Ends the calls that nobody answered for 45 seconds, and those that were left behind.
    ///
    /// # Errors
    /// Those of the port.
    pub fn sweep(&self) -> Result<Swept, ClinicalError> {
        Ok(self.calls.sweep(self.ports.clock.now(), RINGS_FOR)?)
    }

    /// Tells those whom these calls did not reach, in their inbox, and leaves the trace. Each is recorded once,
    /// however often this is tried and by whomever.
    ///
    /// # Errors
    /// Those of the store; those that are not recorded are swept again.
    pub fn record_missed(&self, missed: &[Call]) -> Result<(), ClinicalError> {
        if missed.is_empty() {
            return Ok(());
        }
        let (mut recorded, mut outcome) = (Vec::new(), Ok(()));
        match self.write_missed(missed) {
            Ok(()) => recorded.extend(missed.iter().map(|call| call.id)),
            // Some may have been recorded before.
            Err(ClinicalError::Store(StoreError::Refused(_))) => {
                for call in missed {
                    match self.write_missed(std::slice::from_ref(call)) {
                        Ok(()) => recorded.push(call.id),
                        Err(ClinicalError::Store(StoreError::Refused(rule))) if rule == WRITTEN_BEFORE => {
                            recorded.push(call.id);
                        }
                        Err(failure) => outcome = Err(failure),
                    }
                }
            }
            Err(failure) => outcome = Err(failure),
        }
        if !recorded.is_empty() {
            self.calls.recorded(&recorded)?;
        }
        outcome
    }

    fn write_missed(&self, missed: &[Call]) -> Result<(), ClinicalError> {
        let (now, scope) = (self.ports.clock.now(), Scope::worker(Job::Calls));
        let lines = self.lines(&scope, Action::Miss, missed).into_iter().zip(missed);
        let lines: Vec<_> = lines.map(|(line, call)| AuditEntry { id: line_of(call), ..line }).collect();
        self.ports.store.run(&scope, |tx| {
            for call in missed {
                tx.tell_missed(call.consultation, call.callee, now)?;
            }
            Ok(tx.record_all(&lines)?)
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

    fn connected(&self, call: Call) -> Connected {
        let ice_servers = self.ice.for_call(call.id, self.ports.clock.now());
        Connected { call, ice_servers }
    }
}

/// The id of the line that says that a call was missed: the same whoever writes it, so that it is written once, and
/// what is written with it.
fn line_of(call: &Call) -> Uuid {
    let millis = u64::try_from(call.began_at.as_millisecond()).unwrap_or_default();
    let random: [u8; 10] = call.id.0.as_bytes().last_chunk().copied().unwrap_or_default();
    Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}
