//! Wrapped data keys, and wrapping them anew.
use diesel::{
    dsl::{count_star, insert_into},
    prelude::*,
    sql_types::{Array, BigInt, Binary, Uuid as SqlUuid},
};
use huntzen_tenancy::{
    Job, StoreError,
    sealing::{DataKey, DataKeyRotation, DataKeys, KeySubject, MasterKeyId},
    words::Words,
};
use uuid::Uuid;

use crate::{
    schema::{data_keys, scope_role},
    scope::role_of,
    statement::statement,
    stored::{all, number, word},
    unit_of_work::PgTx,
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = data_keys)]
struct DataKeyRow {
    id: Uuid,
    kind: String,
    subject_id: Uuid,
    author_id: Uuid,
    master_key_id: i64,
    wrapped: Vec<u8>,
}

impl From<&DataKey> for DataKeyRow {
    fn from(key: &DataKey) -> Self {
        Self {
            id: key.id,
            kind: key.subject.kind().as_str().to_owned(),
            subject_id: key.subject.id(),
            author_id: key.subject.author(),
            master_key_id: key.master.0.into(),
            wrapped: key.wrapped.clone(),
        }
    }
}

impl TryFrom<DataKeyRow> for DataKey {
    type Error = StoreError;

    fn try_from(row: DataKeyRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            subject: KeySubject::from_parts(word(&row.kind, "data_keys.kind")?, row.subject_id, row.author_id),
            master: MasterKeyId(number(row.master_key_id, "data_keys.master_key_id")?),
            wrapped: row.wrapped,
        })
    }
}

statement! {
    /// Writes the wrapping of many keys at once.
    Rewrap { ids: Vec<Uuid>, masters: Vec<i64>, wrapped: Vec<Vec<u8>> } -> ();
    "UPDATE keys.data_keys k SET master_key_id = n.master, wrapped = n.wrapped FROM unnest(", ids as Array<SqlUuid>;
    ", ", masters as Array<BigInt>;
    ", ", wrapped as Array<Binary>;
    ") AS n (id, master, wrapped) WHERE k.id = n.id"
}

impl DataKeys for PgTx {
    fn data_keys(&mut self, subjects: &[KeySubject]) -> Result<Vec<DataKey>, StoreError> {
        let ids: Vec<Uuid> = subjects.iter().map(|subject| subject.id()).collect();
        let query = data_keys::table.filter(data_keys::subject_id.eq_any(ids)).select(DataKeyRow::as_select());
        let mut keys: Vec<DataKey> = all(self.run(|connection| query.load(connection))?)?;
        // A person may be the subject of keys of several kinds.
        keys.retain(|key| subjects.contains(&key.subject));
        Ok(keys)
    }

    fn add_data_keys(&mut self, keys: &[DataKey]) -> Result<(), StoreError> {
        let rows: Vec<DataKeyRow> = keys.iter().map(DataKeyRow::from).collect();
        let insert = insert_into(data_keys::table).values(rows).on_conflict_do_nothing();
        self.run(|connection| insert.execute(connection)).map(drop)
    }
}

impl DataKeyRotation for PgTx {
    fn keys_to_rewrap(&mut self, current: MasterKeyId, limit: u32) -> Result<Vec<DataKey>, StoreError> {
        let query = data_keys::table
            .filter(scope_role().eq(role_of(Job::Keys)))
            .filter(data_keys::master_key_id.ne(i64::from(current.0)))
            .select(DataKeyRow::as_select())
            .order((data_keys::master_key_id, data_keys::id))
            .limit(limit.into())
            .for_no_key_update()
            .skip_locked();
        all(self.run(|connection| query.load(connection))?)
    }

    fn rewrap_keys(&mut self, keys: &[DataKey]) -> Result<(), StoreError> {
        let statement = Rewrap {
            ids: keys.iter().map(|key| key.id).collect(),
            masters: keys.iter().map(|key| key.master.0.into()).collect(),
            wrapped: keys.iter().map(|key| key.wrapped.clone()).collect(),
        };
        self.run(|connection| statement.execute(connection)).map(drop)
    }

    fn master_key_uses(&mut self) -> Result<Vec<(MasterKeyId, u64)>, StoreError> {
        let query = data_keys::table
            .filter(scope_role().eq(role_of(Job::Keys)))
            .group_by(data_keys::master_key_id)
            .select((data_keys::master_key_id, count_star()))
            .order(data_keys::master_key_id.desc());
        let rows = self.run(|connection| query.load::<(i64, i64)>(connection))?;
        rows.into_iter()
            .map(|(id, count)| Ok((MasterKeyId(number(id, "data_keys.master_key_id")?), number(count, "count")?)))
            .collect()
    }

    fn key_wrapped_by(&mut self, master: MasterKeyId) -> Result<Option<DataKey>, StoreError> {
        let query = data_keys::table
            .filter(scope_role().eq(role_of(Job::Keys)))
            .filter(data_keys::master_key_id.eq(i64::from(master.0)))
            .select(DataKeyRow::as_select());
        self.run(|connection| query.first(connection).optional())?.map(DataKey::try_from).transpose()
    }
}
