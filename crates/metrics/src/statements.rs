//! A practitioner's statements: read while their month is open, closed once, kept for good.
use huntzen_tenancy::{Caller, Job, Scope, StoreError, audit::Action, policy::Permission};
use jiff::tz::TimeZone;
use uuid::Uuid;

use crate::{
    ClosedStatement, MetricsError, MetricsPorts, MetricsTx, Month, Payee, Statement, StatementLine, month::CLOSING_ZONE,
};

/// Statements and what they are made of. A practitioner sees its own; `Job::Closing` all.
pub trait Statements {
    /// The practitioner whose account the scope is.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn payee(&mut self) -> Result<Option<Payee>, StoreError>;

    /// Up to `limit` statements that are missing, up to `last`, oldest month first: each practitioner
    /// has one for every month since its first. `Job::Closing` alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn missing_statements(&mut self, last: Month, limit: u32) -> Result<Vec<(Payee, Month)>, StoreError>;

    /// From now until the end of the unit of work no consultation of this practitioner becomes a line
    /// of any statement.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn hold_statements(&mut self, practitioner: Uuid) -> Result<(), StoreError>;

    /// The lines of a month, oldest first: completed consultations whose billing is validated.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn statement_lines(&mut self, practitioner: Uuid, month: Month) -> Result<Vec<StatementLine>, StoreError>;

    /// A statement that was closed.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn closed_statement(&mut self, practitioner: Uuid, month: Month) -> Result<Option<ClosedStatement>, StoreError>;

    /// Keeps a statement; `false` when there is one already. `Job::Closing` alone.
    ///
    /// # Errors
    /// `Refused` for any other scope.
    fn add_statement(&mut self, statement: &ClosedStatement) -> Result<bool, StoreError>;
}

/// The use cases of statements.
#[derive(Clone)]
pub struct StatementKeeping {
    ports: MetricsPorts,
    close_day: i8,
}

impl StatementKeeping {
    /// Over these ports; a month closes when `close_day` (1 to 28) of the next begins in Paris.
    pub fn new(ports: MetricsPorts, close_day: i8) -> Self {
        Self { ports, close_day }
    }

    /// The caller's lines of a month.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` for an account without its practitioner.
    pub fn read(&self, caller: &Caller, month: Month) -> Result<Statement, MetricsError> {
        caller.actor.require(Permission::StatementsOwn)?;
        self.ports.store.run(&caller.scope(), |tx| {
            let statement = own(tx, month)?;
            self.trace(tx, caller, Action::Read, &statement.payee)?;
            Ok(statement)
        })
    }

    /// The caller's file of a month: the one that was closed, or else one of the lines so far.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` for an account without its practitioner.
    pub fn export(&self, caller: &Caller, month: Month) -> Result<ClosedStatement, MetricsError> {
        caller.actor.require(Permission::ExportsPractitionerUsage)?;
        caller.actor.require(Permission::StatementsOwn)?;
        self.ports.store.run(&caller.scope(), |tx| {
            let payee = tx.payee()?.ok_or(MetricsError::NotFound)?;
            self.trace(tx, caller, Action::Export, &payee)?;
            if let Some(closed) = tx.closed_statement(payee.practitioner, month)? {
                return Ok(closed);
            }
            let lines = tx.statement_lines(payee.practitioner, month)?;
            Ok(Statement { payee, month, lines }.closed(self.ports.clock.now(), &closing_zone()))
        })
    }

    /// Closes up to `limit` statements of months that are over, the oldest first. Answers how many.
    ///
    /// # Errors
    /// `StoreError` alone.
    pub fn close(&self, limit: u32) -> Result<usize, MetricsError> {
        let zone = closing_zone();
        let last = Month::last_closed(self.ports.clock.now(), self.close_day, &zone);
        let scope = Scope::worker(Job::Closing);
        let missing = self.ports.store.run(&scope, |tx| Ok(tx.missing_statements(last, limit)?))?;
        let found = missing.len();
        for (payee, month) in missing {
            self.ports.store.run(&scope, |tx| {
                tx.hold_statements(payee.practitioner)?;
                let lines = tx.statement_lines(payee.practitioner, month)?;
                let closed = Statement { payee, month, lines }.closed(self.ports.clock.now(), &zone);
                // Another node may have been faster; then that one's bytes are the statement.
                tx.add_statement(&closed)?;
                Ok(())
            })?;
        }
        Ok(found)
    }

    fn trace(
        &self,
        tx: &mut dyn MetricsTx,
        caller: &Caller,
        action: Action,
        payee: &Payee,
    ) -> Result<(), MetricsError> {
        let scope = caller.scope();
        let entry = self.ports.entry(&scope, action);
        Ok(tx.record(&entry.on(payee.practitioner).about(payee.user))?)
    }
}

fn own(tx: &mut dyn MetricsTx, month: Month) -> Result<Statement, MetricsError> {
    let payee = tx.payee()?.ok_or(MetricsError::NotFound)?;
    let lines = tx.statement_lines(payee.practitioner, month)?;
    Ok(Statement { payee, month, lines })
}

/// The zone is part of every build, so UTC never comes to it.
pub(crate) fn closing_zone() -> TimeZone {
    TimeZone::get(CLOSING_ZONE).unwrap_or(TimeZone::UTC)
}
