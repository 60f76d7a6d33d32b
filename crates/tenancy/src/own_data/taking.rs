//! Taking one's own data away: opened by a step-up, then read a part at a time.
use super::{OwnPart, OwnRecord};
use crate::{
    audit::Action,
    employee::Employee,
    erasure::{OpenDeletionRequest, reason_place, with_reason},
    error::TenancyError,
    identity::{IdentityPorts, User},
    policy::Permission,
    preferences::PreferenceSet,
    scope::Caller,
    sealing::KeySubject,
    store::{Cursor, Slice},
};

/// The most records of one part that are read at once.
const MOST: u32 = 1_000;

/// Who takes their data away, and what is kept in a few rows alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnAccount {
    /// The account.
    pub user: User,
    /// The employee's entry, of an employee.
    pub employee: Option<Employee>,
    /// What the person has decided.
    pub preferences: PreferenceSet,
    /// What they asked for about their erasure, newest first.
    pub deletions: Vec<OpenDeletionRequest>,
    /// When it was read, by which the whole is dated.
    pub at: jiff::Timestamp,
}

/// The use cases of whoever takes their data away.
#[derive(Clone)]
pub struct OwnData {
    ports: IdentityPorts,
}

impl OwnData {
    /// Over these ports.
    pub fn new(ports: IdentityPorts) -> Self {
        Self { ports }
    }

    /// Opens the caller's data and leaves the trace of the export.
    ///
    /// # Errors
    /// `StepUpRequired`.
    pub fn open(&self, caller: &Caller) -> Result<OwnAccount, TenancyError> {
        caller.actor.require(Permission::DataOwnExport)?;
        let (now, scope) = (self.ports.clock.now(), caller.scope());
        let user = self.ports.stepped_up(caller, now, Action::Export)?;
        self.ports.store.run(&scope, |tx| {
            let employee = tx.employee_of(user.id)?.filter(|employee| employee.user == user.id);
            let preferences = tx.preferences(user.id)?.ok_or(TenancyError::NotFound)?;
            let requests = tx.deletion_requests(user.id)?;
            let has_reason = requests.iter().any(|request| request.reason.is_some());
            let subjects: &[KeySubject] = if has_reason { &[KeySubject::Person(user.id)] } else { &[] };
            let key = self.ports.sealer.known_keys(tx, subjects)?.into_values().next();
            let mut deletions = Vec::with_capacity(requests.len());
            for request in requests {
                let both = key.as_ref().zip(request.reason.as_ref());
                let place = reason_place(request.id);
                let reason = both.map(|(key, sealed)| self.ports.sealer.open(key, &place, sealed)).transpose()?;
                deletions.push(with_reason(&request, reason));
            }
            tx.record(&self.ports.entry(&scope, now, Action::Export, &user))?;
            Ok(OwnAccount { user: user.clone(), employee, preferences, deletions, at: now })
        })
    }

    /// A part of the caller's records of one sort, newest first, 1,000 at most.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn records(
        &self,
        caller: &Caller,
        part: OwnPart,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Slice<OwnRecord>, TenancyError> {
        caller.actor.require(Permission::DataOwnExport)?;
        let limit = limit.clamp(1, MOST);
        self.ports.store.run(&caller.scope(), |tx| Ok(tx.own_records(part, cursor, limit)?))
    }
}
