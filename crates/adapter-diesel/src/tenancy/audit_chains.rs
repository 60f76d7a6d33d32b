//! The chains over the trail, read as they lie there: whatever somebody wrote into them.
use diesel::{
    pg::data_types::PgTimestamp,
    prelude::*,
    sql_types::{Array, BigInt, Binary, Bool, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid},
};
use huntzen_tenancy::{
    StoreError,
    audit::{AuditChains, ChainId, EntryRecord, Head, Link, LinkedRecord, Stray},
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    schema::{audit_entries as entries, audit_unlinked},
    statement::statement,
    stored::{StoredTimestamp, ToDiesel, readable},
    unit_of_work::PgTx,
};

/// From 1970 to the beginning of PostgreSQL's time, in microseconds.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

type EntryColumns = (
    SqlUuid,
    Timestamptz,
    Nullable<SqlUuid>,
    Nullable<Text>,
    Nullable<SqlUuid>,
    Text,
    Text,
    Nullable<SqlUuid>,
    Nullable<SqlUuid>,
    Nullable<Text>,
    Text,
    Text,
);

#[derive(Queryable, Selectable)]
#[diesel(table_name = entries)]
struct RecordRow {
    id: Uuid,
    at: PgTimestamp,
    actor_user_id: Option<Uuid>,
    actor_role: Option<String>,
    subject_user_id: Option<Uuid>,
    action: String,
    resource: String,
    resource_id: Option<Uuid>,
    company_id: Option<Uuid>,
    ip: Option<String>,
    request_id: String,
    outcome: String,
}

impl From<RecordRow> for EntryRecord {
    fn from(row: RecordRow) -> Self {
        Self {
            id: row.id,
            // Infinite ones, which only a hand could write, stay as far away as can be.
            at: row.at.0.saturating_add(POSTGRES_EPOCH),
            actor: row.actor_user_id,
            actor_role: row.actor_role,
            subject: row.subject_user_id,
            action: row.action,
            resource: row.resource,
            resource_id: row.resource_id,
            company: row.company_id,
            ip: row.ip,
            request_id: row.request_id,
            outcome: row.outcome,
        }
    }
}

statement! {
    /// Holds the linking to this unit of work; false while another has it.
    HoldLinking { } -> Bool;
    "SELECT pg_try_advisory_xact_lock(hashtextextended('huntzen:audit', 0)) AND scope_role() = 'worker:audit'"
}

statement! {
    /// The heads of some chains.
    HeadsOf { chains: Vec<Uuid> } -> (SqlUuid, BigInt, Binary);
    "SELECT h.chain, h.seq, h.hash FROM unnest(", chains as Array<SqlUuid>;
    ") AS c (id) CROSS JOIN LATERAL \
     (SELECT l.chain, l.seq, l.hash FROM audit_links l WHERE l.chain = c.id ORDER BY l.seq DESC LIMIT 1) h"
}

statement! {
    /// The heads of all chains from one on: from each chain to the next by index.
    HeadsFrom { from: Uuid, limit: i64 } -> (SqlUuid, BigInt, Binary);
    "WITH RECURSIVE c AS ( \
     (SELECT l.chain FROM audit_links l WHERE l.chain >= ", from as SqlUuid;
    " ORDER BY l.chain LIMIT 1) \
     UNION ALL SELECT (SELECT l.chain FROM audit_links l WHERE l.chain > c.chain ORDER BY l.chain LIMIT 1) \
     FROM c WHERE c.chain IS NOT NULL) \
     SELECT h.chain, h.seq, h.hash FROM c CROSS JOIN LATERAL \
     (SELECT l.chain, l.seq, l.hash FROM audit_links l WHERE l.chain = c.chain ORDER BY l.seq DESC LIMIT 1) h \
     WHERE c.chain IS NOT NULL LIMIT ", limit as BigInt;
}

statement! {
    /// Adds links, and takes their entries off the queue.
    AddLinks { chains: Vec<Uuid>, seqs: Vec<i64>, entries: Vec<Uuid>, before: Vec<Vec<u8>>, hashes: Vec<Vec<u8>> } -> ();
    "WITH added AS (INSERT INTO audit_links (chain, seq, entry_id, prev_hash, hash) SELECT * FROM unnest(",
        chains as Array<SqlUuid>;
    ", ", seqs as Array<BigInt>;
    ", ", entries as Array<SqlUuid>;
    ", ", before as Array<Binary>;
    ", ", hashes as Array<Binary>;
    ") RETURNING entry_id) DELETE FROM audit_unlinked u USING added a WHERE u.entry_id = a.entry_id"
}

statement! {
    /// Links of a chain with what their entries hold.
    LinksFrom { chain: Uuid, from: i64, limit: i64 } ->
        ((BigInt, SqlUuid, Binary, Binary), Nullable<EntryColumns>);
    "SELECT l.seq, l.entry_id, l.prev_hash, l.hash, e.id, e.at, e.actor_user_id, e.actor_role, e.subject_user_id, \
     e.action, e.resource, e.resource_id, e.company_id, e.ip, e.request_id, e.outcome \
     FROM audit_links l LEFT JOIN audit_entries e ON e.id = l.entry_id WHERE l.chain = ", chain as SqlUuid;
    " AND l.seq >= ", from as BigInt;
    " ORDER BY l.seq LIMIT ", limit as BigInt;
}

statement! {
    /// The first entry, or waiting id, that the chains do not account for.
    FindStray { since: Option<StoredTimestamp> } -> (SmallInt, SqlUuid);
    "WITH moment AS (SELECT coalesce(", since as Nullable<Timestamptz>;
    ", '-infinity') AS since), \
     waiting AS (SELECT e.id, e.at, coalesce(e.company_id, '00000000-0000-0000-0000-000000000000') AS chain \
         FROM audit_unlinked u JOIN audit_entries e ON e.id = u.entry_id), \
     heads AS (SELECT c.chain, h.at FROM (SELECT DISTINCT chain FROM waiting) c CROSS JOIN LATERAL \
         (SELECT e.at FROM audit_links l JOIN audit_entries e ON e.id = l.entry_id \
          WHERE l.chain = c.chain ORDER BY l.seq DESC LIMIT 1) h) \
     SELECT kind, id FROM ( \
     SELECT 1::smallint AS kind, e.id FROM audit_entries e, moment t WHERE e.at >= t.since \
         AND NOT EXISTS (SELECT FROM audit_links l WHERE l.entry_id = e.id) \
         AND NOT EXISTS (SELECT FROM audit_unlinked u WHERE u.entry_id = e.id) \
     UNION ALL SELECT 2::smallint, u.entry_id FROM audit_unlinked u \
         WHERE NOT EXISTS (SELECT FROM audit_entries e WHERE e.id = u.entry_id) \
         OR EXISTS (SELECT FROM audit_links l WHERE l.entry_id = u.entry_id) \
     UNION ALL SELECT 3::smallint, w.id FROM waiting w JOIN heads h ON h.chain = w.chain \
         WHERE w.at < h.at - interval '10 minutes' \
     ) found ORDER BY kind, id LIMIT 1"
}

/// A link's number, entry and hashes, and what its entry holds.
type LinkedRow = ((i64, Uuid, Vec<u8>, Vec<u8>), Option<RecordRow>);

fn head((chain, seq, hash): (Uuid, i64, Vec<u8>)) -> Head {
    Head { chain: ChainId(chain), seq, hash }
}

impl AuditChains for PgTx {
    fn unlinked(&mut self, limit: u32) -> Result<Option<Vec<EntryRecord>>, StoreError> {
        let held: bool = self.run(|connection| HoldLinking {}.get_result(connection))?;
        if !held {
            return Ok(None);
        }
        let query = entries::table
            .inner_join(audit_unlinked::table.on(audit_unlinked::entry_id.eq(entries::id)))
            .select(RecordRow::as_select())
            .order((entries::at, entries::id))
            .limit(limit.into());
        let rows: Vec<RecordRow> = self.run(|connection| query.load(connection))?;
        Ok(Some(rows.into_iter().map(EntryRecord::from).collect()))
    }

    fn count_unlinked(&mut self) -> Result<u64, StoreError> {
        let count: i64 = self.run(|connection| audit_unlinked::table.count().get_result(connection))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    fn heads_of(&mut self, chains: &[ChainId]) -> Result<Vec<Head>, StoreError> {
        let statement = HeadsOf { chains: chains.iter().map(|chain| chain.0).collect() };
        let rows: Vec<(Uuid, i64, Vec<u8>)> = self.run(|connection| statement.load(connection))?;
        Ok(rows.into_iter().map(head).collect())
    }

    fn add_links(&mut self, links: &[Link]) -> Result<(), StoreError> {
        let statement = AddLinks {
            chains: links.iter().map(|link| link.chain.0).collect(),
            seqs: links.iter().map(|link| link.seq).collect(),
            entries: links.iter().map(|link| link.entry).collect(),
            before: links.iter().map(|link| link.previous.clone()).collect(),
            hashes: links.iter().map(|link| link.hash.clone()).collect(),
        };
        self.run(|connection| statement.execute(connection)).map(drop)
    }

    fn heads_from(&mut self, from: ChainId, limit: u32) -> Result<Vec<Head>, StoreError> {
        let statement = HeadsFrom { from: from.0, limit: limit.into() };
        let rows: Vec<(Uuid, i64, Vec<u8>)> = self.run(|connection| statement.load(connection))?;
        Ok(rows.into_iter().map(head).collect())
    }

    fn links_from(&mut self, chain: ChainId, from: i64, limit: u32) -> Result<Vec<LinkedRecord>, StoreError> {
        let statement = LinksFrom { chain: chain.0, from, limit: limit.into() };
        let rows: Vec<LinkedRow> = self.run(|connection| statement.load(connection))?;
        let linked = rows.into_iter().map(|((seq, entry, previous, hash), record)| {
            (Link { chain, seq, entry, previous, hash }, record.map(EntryRecord::from))
        });
        Ok(linked.collect())
    }

    fn stray(&mut self, since: Option<Timestamp>) -> Result<Option<Stray>, StoreError> {
        let statement = FindStray { since: since.map(ToDiesel::to_diesel) };
        let found: Option<(i16, Uuid)> = self.run(|connection| statement.get_result(connection).optional())?;
        let stray = found.map(|(kind, id)| match kind {
            1 => Some(Stray::Unlinked(id)),
            2 => Some(Stray::WaitsInVain(id)),
            3 => Some(Stray::Overdue(id)),
            _ => None,
        });
        stray.map(|known| readable(known, "audit_entries.id")).transpose()
    }
}
