//! Journals, for their owner.
use diesel::{
    dsl::{delete, insert_into, update},
    prelude::*,
};
use huntzen_clinical::{
    ids::JournalEntryId,
    journal::{Journal, StoredEntry, Written},
};
use huntzen_tenancy::{
    Cursor, Slice, StoreError,
    ids::{CompanyId, UserId},
    sealing::Sealed,
};
use uuid::Uuid;

use crate::{
    schema::journal_entries as entries,
    stored::{StoredTimestamp, ToDiesel, all, number, one, slice, tellable},
    unit_of_work::PgTx,
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = entries)]
struct EntryRow {
    id: Uuid,
    user_id: Uuid,
    company_id: Uuid,
    version: i32,
    content: Vec<u8>,
    mood: Vec<u8>,
    tags: Vec<u8>,
    created_at: StoredTimestamp,
    updated_at: StoredTimestamp,
}

impl TryFrom<EntryRow> for StoredEntry {
    type Error = StoreError;

    fn try_from(row: EntryRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: JournalEntryId(row.id),
            owner: UserId(row.user_id),
            company: CompanyId(row.company_id),
            version: number(row.version, "journal_entries.version")?,
            content: Sealed(row.content),
            mood: Sealed(row.mood),
            tags: Sealed(row.tags),
            created_at: row.created_at.to_jiff(),
            updated_at: row.updated_at.to_jiff(),
        })
    }
}

impl TryFrom<&StoredEntry> for EntryRow {
    type Error = StoreError;

    fn try_from(entry: &StoredEntry) -> Result<Self, StoreError> {
        Ok(Self {
            id: entry.id.0,
            user_id: entry.owner.0,
            company_id: entry.company.0,
            version: number(entry.version, "journal_entries.version")?,
            content: entry.content.0.clone(),
            mood: entry.mood.0.clone(),
            tags: entry.tags.0.clone(),
            created_at: entry.created_at.to_diesel(),
            updated_at: entry.updated_at.to_diesel(),
        })
    }
}

impl Journal for PgTx {
    fn add_entry(&mut self, entry: &StoredEntry) -> Result<(), StoreError> {
        let insert = insert_into(entries::table).values(EntryRow::try_from(entry)?);
        self.run(|connection| insert.execute(connection)).map(drop)
    }

    fn entry(&mut self, id: JournalEntryId, for_update: bool) -> Result<Option<StoredEntry>, StoreError> {
        let query = entries::table.find(id.0).select(EntryRow::as_select());
        let row = self.run(|connection| {
            if for_update {
                query.for_no_key_update().first(connection).optional()
            } else {
                query.first(connection).optional()
            }
        })?;
        one(row)
    }

    fn entries(
        &mut self,
        written: Written,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Slice<StoredEntry>, StoreError> {
        let Some(actor) = self.actor else { return Ok(Slice { items: Vec::new(), next: None }) };
        // One more tells whether the list goes on.
        let mut query = entries::table
            .filter(entries::user_id.eq(actor.user.0))
            .select(EntryRow::as_select())
            .order((entries::created_at.desc(), entries::id.desc()))
            .limit(i64::from(limit) + 1)
            .into_boxed();
        if let Some(from) = written.from {
            query = query.filter(entries::created_at.ge(tellable(from)));
        }
        if let Some(until) = written.until {
            query = query.filter(entries::created_at.lt(tellable(until)));
        }
        if let Some(Cursor { at, id }) = cursor {
            let at = tellable(at);
            query = query.filter(entries::created_at.lt(at).or(entries::created_at.eq(at).and(entries::id.lt(id))));
        }
        let rows = self.run(|connection| query.load::<EntryRow>(connection))?;
        Ok(slice(all(rows)?, limit, |entry: &StoredEntry| Cursor { at: entry.created_at, id: entry.id.0 }))
    }

    fn update_entry(&mut self, entry: &StoredEntry) -> Result<(), StoreError> {
        let row = EntryRow::try_from(entry)?;
        let change = update(entries::table.find(row.id)).set((
            entries::version.eq(row.version),
            entries::content.eq(row.content),
            entries::mood.eq(row.mood),
            entries::tags.eq(row.tags),
            entries::updated_at.eq(row.updated_at),
        ));
        self.run(|connection| change.execute(connection)).map(drop)
    }

    fn delete_entry(&mut self, id: JournalEntryId) -> Result<bool, StoreError> {
        let change = delete(entries::table.find(id.0));
        self.run(|connection| change.execute(connection)).map(|deleted| deleted > 0)
    }
}
