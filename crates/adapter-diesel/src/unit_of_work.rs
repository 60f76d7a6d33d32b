//! A unit of work: one transaction on one connection, wearing the ports of every domain.
use diesel::{
    connection::{AnsiTransactionManager, TransactionManager},
    prelude::*,
    result::Error as DieselError,
};
use huntzen_tenancy::{Actor, Commit, StoreError};

use crate::{error::store_error, store::Pooled};

/// One open transaction. Dropping it undoes it; a connection that cannot even be rolled back, or
/// whose thread panics, leaves the pool.
pub(crate) struct PgTx {
    connection: Pooled,
    /// The account that acts, when one does.
    pub(crate) actor: Option<Actor>,
    /// Whether a statement failed: PostgreSQL then keeps nothing, whatever it is told.
    failed: bool,
    open: bool,
}

/// The unit of work went on after one of its statements had failed.
#[derive(Debug, thiserror::Error)]
#[error("a unit of work cannot be kept after one of its statements failed")]
struct FailedBefore;

impl PgTx {
    /// Begins a transaction by `beginning`, in one round trip.
    pub(crate) fn begin(mut connection: Pooled, beginning: &str) -> Result<Self, StoreError> {
        AnsiTransactionManager::begin_transaction_sql(&mut *connection, beginning).map_err(store_error)?;
        Ok(Self { connection, actor: None, failed: false, open: true })
    }

    /// Runs statements of this unit of work.
    pub(crate) fn run<T>(
        &mut self,
        statements: impl FnOnce(&mut PgConnection) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        statements(&mut self.connection).map_err(|error: DieselError| {
            self.failed = true;
            store_error(error)
        })
    }
}

impl Commit for PgTx {
    fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        if self.failed {
            return Err(StoreError::Defect(Box::new(FailedBefore)));
        }
        AnsiTransactionManager::commit_transaction(&mut *self.connection).map_err(store_error)?;
        self.open = false;
        Ok(())
    }
}

impl Drop for PgTx {
    fn drop(&mut self) {
        if self.open {
            // A failed rollback breaks the connection, and the pool discards it.
            let _ = AnsiTransactionManager::rollback_transaction(&mut *self.connection);
        }
    }
}
