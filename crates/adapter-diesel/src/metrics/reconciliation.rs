//! Comparisons of counters with consultations.
use diesel::{
    dsl::insert_into,
    prelude::*,
    sql_types::{BigInt, Text},
};
use huntzen_metrics::reconciliation::{Comparison, Reconciliation, Reconciliations};
use huntzen_tenancy::StoreError;

use crate::{
    schema::reconciliation,
    statement::statement,
    stored::{StoredTimestamp, ToDiesel, number, word},
    unit_of_work::PgTx,
};

statement! {
    /// Compares days drawn by chance.
    Compare { sample: i64 } -> (Text, BigInt, BigInt);
    "SELECT kind, checked, differing FROM compare_counters(", sample as BigInt; ")"
}

impl Reconciliations for PgTx {
    fn compare_counters(&mut self, sample: u32) -> Result<Vec<Comparison>, StoreError> {
        let query = Compare { sample: sample.into() };
        let rows = self.run(|connection| query.load::<(String, i64, i64)>(connection))?;
        let read = |(kind, checked, differing): (String, i64, i64)| {
            Ok(Comparison {
                kind: word(&kind, "compare_counters.kind")?,
                checked: number(checked, "compare_counters.checked")?,
                differing: number(differing, "compare_counters.differing")?,
            })
        };
        rows.into_iter().map(read).collect()
    }

    fn keep_reconciliation(&mut self, made: &Reconciliation) -> Result<(), StoreError> {
        let row = (
            reconciliation::single.eq(true),
            reconciliation::at.eq(made.at.to_diesel()),
            reconciliation::checked.eq(number::<_, i64>(made.checked, "reconciliation.checked")?),
            reconciliation::differing.eq(number::<_, i64>(made.differing, "reconciliation.differing")?),
        );
        let upsert =
            insert_into(reconciliation::table).values(row).on_conflict(reconciliation::single).do_update().set(row);
        self.run(|connection| upsert.execute(connection)).map(drop)
    }

    fn last_reconciliation(&mut self) -> Result<Option<Reconciliation>, StoreError> {
        let query =
            reconciliation::table.select((reconciliation::at, reconciliation::checked, reconciliation::differing));
        let row = self.run(|connection| query.first::<(StoredTimestamp, i64, i64)>(connection).optional())?;
        let read = |(at, checked, differing): (StoredTimestamp, i64, i64)| {
            Ok(Reconciliation {
                at: at.to_jiff(),
                checked: number(checked, "reconciliation.checked")?,
                differing: number(differing, "reconciliation.differing")?,
            })
        };
        row.map(read).transpose()
    }
}
