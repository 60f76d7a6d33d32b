//! The line of the audit trail that every clinical use case leaves, done or refused.
use huntzen_tenancy::{
    Caller, Scope,
    audit::{Action, AuditEntry, Resource},
    ids::{CompanyId, UserId},
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{ClinicalError, ClinicalPorts, ClinicalTx};

/// What a use case turns out to touch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trace {
    resource: Option<Uuid>,
    subject: Option<(UserId, CompanyId)>,
}

impl Trace {
    /// It touches the thing with this id.
    pub(crate) fn on(&mut self, id: impl Into<Uuid>) {
        self.resource = Some(id.into());
    }

    /// It touches data of this person, of this tenant.
    pub(crate) fn about(&mut self, subject: UserId, company: CompanyId) {
        self.subject = Some((subject, company));
    }

    fn complete(self, mut entry: AuditEntry) -> AuditEntry {
        if let Some(id) = self.resource {
            entry = entry.on(id);
        }
        match self.subject {
            Some((subject, company)) => entry.about(subject).within(Some(company)),
            None => entry,
        }
    }
}

impl ClinicalError {
    /// Whether it says something of what was asked for, and so belongs into the trail.
    fn is_told(&self) -> bool {
        match self {
            Self::NotFound | Self::NoteLocked | Self::ChatClosed | Self::CallClosed | Self::CallInProgress => true,
            Self::Forbidden(_) | Self::Invalid(_) | Self::RequestInProgress | Self::Store(_) => false,
        }
    }
}

impl ClinicalPorts {
    /// Runs `work` in one unit of work that keeps the trace of it too. When `work` refuses, all that
    /// it wrote is undone and the trace of the refusal is kept.
    pub(crate) fn traced<T>(
        &self,
        caller: &Caller,
        (action, resource): (Action, Resource),
        work: impl FnOnce(&mut dyn ClinicalTx, &mut Trace, Timestamp) -> Result<T, ClinicalError>,
    ) -> Result<T, ClinicalError> {
        let (now, scope) = (self.clock.now(), caller.scope());
        let mut trace = Trace::default();
        let done = self.store.run(&scope, |tx| {
            let value = work(tx, &mut trace, now)?;
            tx.record(&trace.complete(self.entry(&scope, now, action, resource)))?;
            Ok(value)
        });
        if let Err(refusal) = &done {
            self.leave_refused(&scope, refusal, || trace.complete(self.entry(&scope, now, action, resource)));
        }
        done
    }

    /// Keeps the trace of what was `done` or refused outside of any unit of work. What was done and leaves no trace
    /// has failed; undoing it is for whoever did it.
    pub(crate) fn leave<T>(
        &self,
        caller: &Caller,
        (action, resource): (Action, Resource),
        trace: Trace,
        done: Result<T, ClinicalError>,
    ) -> Result<T, ClinicalError> {
        let (now, scope) = (self.clock.now(), caller.scope());
        let entry = || trace.complete(self.entry(&scope, now, action, resource));
        match &done {
            Ok(_) => self.store.run(&scope, |tx| Ok::<_, ClinicalError>(tx.record(&entry())?))?,
            Err(refusal) => self.leave_refused(&scope, refusal, entry),
        }
        done
    }

    /// As well as it can: whoever was refused is told so whatever becomes of the trace.
    fn leave_refused(&self, scope: &Scope, refusal: &ClinicalError, entry: impl FnOnce() -> AuditEntry) {
        if refusal.is_told() {
            let entry = entry().refused();
            let _ = self.store.run(scope, |tx| Ok::<_, ClinicalError>(tx.record(&entry)?));
        }
    }
}
