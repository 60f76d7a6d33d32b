//! Removing what lies below the cut of each chain, as the owner: no other role can.
use diesel::{
    connection::SimpleConnection,
    prelude::*,
    sql_query,
    sql_types::{Array, BigInt, Uuid as SqlUuid},
};
use huntzen_tenancy::audit::Head;

use super::{ALONE, MigrateError, connect, failed};

/// Takes away, within the transaction alone, what forbids the owner too to change the trail.
const OPEN: &str = "
    ALTER TABLE audit_links DISABLE TRIGGER audit_links_append_only;
    ALTER TABLE audit_entries DISABLE TRIGGER audit_entries_append_only;
    ALTER TABLE audit_links NO FORCE ROW LEVEL SECURITY;
    ALTER TABLE audit_entries NO FORCE ROW LEVEL SECURITY";

/// Puts it back.
const CLOSE: &str = "
    ALTER TABLE audit_entries FORCE ROW LEVEL SECURITY;
    ALTER TABLE audit_links FORCE ROW LEVEL SECURITY;
    ALTER TABLE audit_entries ENABLE TRIGGER audit_entries_append_only;
    ALTER TABLE audit_links ENABLE TRIGGER audit_links_append_only";

const REMOVE: &str = "
    WITH cut AS (SELECT * FROM unnest($1, $2) AS n (chain, seq)),
    gone AS (DELETE FROM audit_links l USING cut c WHERE l.chain = c.chain AND l.seq < c.seq RETURNING l.entry_id)
    DELETE FROM audit_entries e USING gone g WHERE e.id = g.entry_id";

/// Removes every link below these heads, with its entry, at once or not at all; answers how many
/// entries went. Again removes nothing more.
///
/// # Errors
/// `Unreachable`, or `Failed` when this role does not own the trail.
pub fn prune_audit(owner_url: &str, cut: &[Head]) -> Result<usize, MigrateError> {
    let mut connection = connect(owner_url)?;
    connection.batch_execute(ALONE).map_err(failed)?;
    connection
        .transaction::<_, diesel::result::Error, _>(|connection| {
            connection.batch_execute(OPEN)?;
            let removed = sql_query(REMOVE)
                .bind::<Array<SqlUuid>, _>(cut.iter().map(|head| head.chain.0).collect::<Vec<_>>())
                .bind::<Array<BigInt>, _>(cut.iter().map(|head| head.seq).collect::<Vec<_>>())
                .execute(connection)?;
            connection.batch_execute(CLOSE)?;
            Ok(removed)
        })
        .map_err(failed)
}
