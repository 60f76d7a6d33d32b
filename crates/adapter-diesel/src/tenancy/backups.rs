//! The backups that were finished.
use diesel::{dsl::insert_into, prelude::*};
use huntzen_tenancy::{
    StoreError,
    backups::{Backup, Backups},
};
use jiff::Timestamp;

use crate::{
    schema::backups,
    stored::{StoredTimestamp, ToDiesel, number},
    unit_of_work::PgTx,
};

impl Backups for PgTx {
    fn keep_backup(&mut self, made: &Backup) -> Result<(), StoreError> {
        let row = (
            backups::id.eq(made.id),
            backups::at.eq(made.at.to_diesel()),
            backups::bytes.eq(number::<_, i64>(made.bytes, "backups.bytes")?),
        );
        self.run(|connection| insert_into(backups::table).values(row).execute(connection)).map(drop)
    }

    fn last_backup(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let query = backups::table.select(backups::at).order(backups::at.desc());
        let newest = self.run(|connection| query.first::<StoredTimestamp>(connection).optional())?;
        Ok(newest.map(StoredTimestamp::to_jiff))
    }
}
