//! Jobs that must run once over all nodes.
use diesel::prelude::*;
use huntzen_tenancy::StoreError;

use crate::{
    schema::{hashtextextended, pg_try_advisory_xact_lock},
    store::PgStore,
    unit_of_work::PgTx,
};

/// The right to run a job, held against every other node until it is dropped. It occupies one
/// connection of the pool; should the connection break, the right is lost with it.
pub struct JobLock {
    _held: PgTx,
}

impl PgStore {
    /// Takes the right to run the job `name`; `None` while somebody else has it.
    ///
    /// # Errors
    /// `Unavailable` when the server cannot be reached in time.
    pub fn job_lock(&self, name: &str) -> Result<Option<JobLock>, StoreError> {
        let mut tx = self.begin_with("BEGIN")?;
        let key = hashtextextended(format!("job:{name}"), 0);
        let taken = tx.run(|connection| diesel::select(pg_try_advisory_xact_lock(key)).get_result(connection))?;
        Ok(Some(JobLock { _held: tx }).filter(|_| taken))
    }

    /// Runs `work` as the job `key`, unless somebody else is running it: then `None`.
    ///
    /// # Errors
    /// `Unavailable` when the server cannot be reached in time.
    pub fn advisory_job<T>(&self, key: &str, work: impl FnOnce() -> T) -> Result<Option<T>, StoreError> {
        Ok(self.job_lock(key)?.map(|_held| work()))
    }
}
