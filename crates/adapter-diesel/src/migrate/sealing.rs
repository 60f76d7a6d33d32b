//! Sealing what older releases kept in clear, between the migration that makes room for it and the
//! one that takes the clear columns away. A run that is cut goes on where it stopped.
use std::error::Error;

use diesel::{
    connection::SimpleConnection,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Binary, Nullable, Text, Uuid as SqlUuid},
};
use huntzen_tenancy::{
    sealing::{DataKey, KeySubject, MasterKeyId, Place, Vault},
    words::Words,
};
use uuid::Uuid;

/// The migration that takes the clear columns away.
pub(super) const BEFORE: &str = "20261125000011";

/// Rows sealed in one transaction.
const BATCH: i64 = 500;

type Failure = Box<dyn Error + Send + Sync>;

#[derive(QueryableByName)]
struct Key {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    master_key_id: i64,
    #[diesel(sql_type = Binary)]
    wrapped: Vec<u8>,
}

/// A row with what lies in clear in it, one text a column.
#[derive(QueryableByName)]
struct Clear {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    first: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    second: Option<String>,
}

/// A table in which confidential texts lie in clear.
struct Source {
    table: &'static str,
    /// The columns, by their final names; the second may be missing.
    columns: (&'static str, Option<&'static str>),
    subject: fn(Uuid) -> KeySubject,
    /// Finds up to `$1` rows to seal.
    find: &'static str,
    /// Writes both sealed values of a row and empties the clear columns.
    write: &'static str,
}

const SOURCES: [Source; 3] = [
    Source {
        table: "consultations",
        columns: ("reason", Some("cancel_reason")),
        subject: KeySubject::Consultation,
        find: "SELECT id, reason AS first, cancel_reason AS second FROM consultations \
               WHERE reason IS NOT NULL OR cancel_reason IS NOT NULL LIMIT $1 FOR UPDATE",
        write: "UPDATE consultations SET reason = NULL, cancel_reason = NULL, \
                reason_sealed = coalesce($2, reason_sealed), cancel_reason_sealed = coalesce($3, cancel_reason_sealed) \
                WHERE id = $1",
    },
    Source {
        table: "reviews",
        columns: ("comment", None),
        subject: |_| KeySubject::Platform,
        find: "SELECT id, comment AS first, NULL::text AS second FROM reviews WHERE comment IS NOT NULL \
               LIMIT $1 FOR UPDATE",
        write: "UPDATE reviews SET comment = NULL, comment_sealed = $2 WHERE id = $1 AND $3::bytea IS NULL",
    },
    Source {
        table: "outbox",
        columns: ("arguments", None),
        subject: |_| KeySubject::Platform,
        find: "SELECT id, arguments::text AS first, NULL::text AS second FROM outbox WHERE arguments IS NOT NULL \
               LIMIT $1 FOR UPDATE",
        write: "UPDATE outbox SET arguments = NULL, arguments_sealed = $2 WHERE id = $1 AND $3::bytea IS NULL",
    },
];

/// Seals every confidential text that lies in clear, and rewrites the tables that held any, so that
/// no dead row keeps one.
pub(super) fn seal_what_lies_in_clear(connection: &mut PgConnection, vault: &dyn Vault) -> Result<(), Failure> {
    for source in &SOURCES {
        while connection.transaction::<_, Failure, _>(|connection| seal_batch(connection, vault, source))? > 0 {}
        // Not VACUUM alone: it frees dead rows and leaves their bytes on the page. Always: a run that was
        // cut right before this has sealed everything and rewritten nothing.
        connection.batch_execute(&format!("VACUUM FULL {}", source.table))?;
    }
    Ok(())
}

fn seal_batch(connection: &mut PgConnection, vault: &dyn Vault, source: &Source) -> Result<usize, Failure> {
    let rows: Vec<Clear> = sql_query(source.find).bind::<BigInt, _>(BATCH).load(connection)?;
    let mut last: Option<DataKey> = None;
    for row in &rows {
        let subject = (source.subject)(row.id);
        // The platform has one key for all rows.
        let key = match last.take().filter(|key| key.subject == subject) {
            Some(key) => key,
            None => key_of(connection, vault, subject)?,
        };
        let seal = |text: &Option<String>, column: &'static str| {
            let place = Place::new(source.table, column, row.id);
            text.as_ref().map(|text| vault.seal(&key, &place, text.as_bytes())).transpose()
        };
        let first = seal(&row.first, source.columns.0)?;
        let second = source.columns.1.map(|column| seal(&row.second, column)).transpose()?.flatten();
        sql_query(source.write)
            .bind::<SqlUuid, _>(row.id)
            .bind::<Nullable<Binary>, _>(first.map(|sealed| sealed.0))
            .bind::<Nullable<Binary>, _>(second.map(|sealed| sealed.0))
            .execute(connection)?;
        last = Some(key);
    }
    Ok(rows.len())
}

/// The subject's key, made when there is none.
fn key_of(connection: &mut PgConnection, vault: &dyn Vault, subject: KeySubject) -> Result<DataKey, Failure> {
    let find = "SELECT id, master_key_id, wrapped FROM keys.data_keys \
                WHERE subject_id = $1 AND kind = $2 AND author_id = $3";
    let found: Option<Key> = sql_query(find)
        .bind::<SqlUuid, _>(subject.id())
        .bind::<Text, _>(subject.kind().as_str())
        .bind::<SqlUuid, _>(subject.author())
        .get_result(connection)
        .optional()?;
    if let Some(Key { id, master_key_id, wrapped }) = found {
        return Ok(DataKey { id, subject, master: MasterKeyId(u32::try_from(master_key_id)?), wrapped });
    }
    let Key { id, .. } = sql_query("SELECT uuid_v7(now()) AS id, 0::bigint AS master_key_id, ''::bytea AS wrapped")
        .get_result(connection)?;
    let key = vault.generate(id, subject)?;
    sql_query(
        "INSERT INTO keys.data_keys (id, kind, subject_id, author_id, master_key_id, wrapped) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind::<SqlUuid, _>(key.id)
    .bind::<Text, _>(subject.kind().as_str())
    .bind::<SqlUuid, _>(subject.id())
    .bind::<SqlUuid, _>(subject.author())
    .bind::<BigInt, _>(i64::from(key.master.0))
    .bind::<Binary, _>(&key.wrapped)
    .execute(connection)?;
    Ok(key)
}
