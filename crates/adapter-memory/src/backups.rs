//! The backups that were finished.
use huntzen_tenancy::{
    Job, StoreError,
    backups::{Backup, Backups},
};
use jiff::Timestamp;

use crate::{
    refusal::{allow, require},
    store::MemoryTx,
    time::micros,
};

impl Backups for MemoryTx {
    fn keep_backup(&mut self, made: &Backup) -> Result<(), StoreError> {
        self.write(|viewer, state| {
            allow(viewer.is_job(Job::Backup))?;
            require(!state.backups.contains(&made.id), "backups_pkey")?;
            state.backups.put(made.id, Backup { at: micros(made.at), ..*made });
            Ok(())
        })
    }

    fn last_backup(&mut self) -> Result<Option<Timestamp>, StoreError> {
        self.read(|viewer, state| state.backups.rows().filter(|_| viewer.is_job(Job::Backup)).map(|made| made.at).max())
    }
}
