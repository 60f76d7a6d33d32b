//! Statements, their lines, and which of them are missing.
use diesel::{
    insert_into,
    prelude::*,
    sql_types::{BigInt, Bool, Date, Integer, Nullable, Text, Uuid as SqlUuid},
};
use huntzen_metrics::{ClosedStatement, Month, Payee, StatementLine, Statements};
use huntzen_tenancy::{StoreError, ids::UserId};
use uuid::Uuid;

use crate::{
    schema::{practitioner_statements, practitioners},
    statement::statement,
    stored::{StoredDate, StoredTimestamp, ToDiesel, all, number, one},
    unit_of_work::PgTx,
};

statement! {
    /// Waits for whoever closes a statement of this practitioner or ends a consultation of theirs.
    HoldStatements { practitioner: Uuid } -> Bool;
    "SELECT hold_statements(", practitioner as SqlUuid; ")"
}

statement! {
    /// A practitioner's lines of a month.
    Lines { practitioner: Uuid, month: StoredDate } -> (Date, SqlUuid, Text, Integer);
    "SELECT service_day, company_id, company_name, minutes FROM statement_lines(", practitioner as SqlUuid;
    ", ", month as Date;
    ")"
}

statement! {
    /// Statements that are to be closed.
    Missing { last: StoredDate, limit: i64 } -> (SqlUuid, SqlUuid, Text, Text, Nullable<Text>, Date);
    "SELECT practitioner_id, user_id, first_name, last_name, title, month FROM missing_statements(", last as Date;
    ", ", limit as BigInt;
    ")"
}

type PayeeRow = (Uuid, Uuid, String, String, Option<String>);

fn payee((practitioner, user, first_name, last_name, title): PayeeRow) -> Payee {
    Payee::new(practitioner, UserId(user), title.as_deref(), &first_name, &last_name)
}

#[derive(Queryable)]
struct LineRow {
    service_day: StoredDate,
    company_id: Uuid,
    company_name: String,
    minutes: i32,
}

impl TryFrom<LineRow> for StatementLine {
    type Error = StoreError;

    fn try_from(row: LineRow) -> Result<Self, StoreError> {
        Ok(Self {
            day: row.service_day.to_jiff(),
            company: row.company_id,
            company_name: row.company_name,
            minutes: number(row.minutes, "actual_duration")?,
        })
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = practitioner_statements)]
struct StatementRow {
    practitioner_id: Uuid,
    practitioner_user_id: Uuid,
    month: StoredDate,
    bytes: Vec<u8>,
    sha256: Vec<u8>,
    closed_at: StoredTimestamp,
}

impl TryFrom<StatementRow> for ClosedStatement {
    type Error = StoreError;

    fn try_from(row: StatementRow) -> Result<Self, StoreError> {
        let sha256 = row.sha256.try_into().map_err(|_other: Vec<u8>| StoreError::Refused("sha256".to_owned()))?;
        Ok(Self {
            practitioner: row.practitioner_id,
            user: UserId(row.practitioner_user_id),
            month: Month::of(row.month.to_jiff()),
            bytes: row.bytes,
            sha256,
            closed_at: row.closed_at.to_jiff(),
        })
    }
}

impl Statements for PgTx {
    fn payee(&mut self) -> Result<Option<Payee>, StoreError> {
        use practitioners::{first_name, id, last_name, table, title, user_id};
        let Some(actor) = self.actor else { return Ok(None) };
        let query = table.filter(user_id.eq(actor.user.0)).select((id, user_id, first_name, last_name, title));
        Ok(self.run(|connection| query.first::<PayeeRow>(connection).optional())?.map(payee))
    }

    fn missing_statements(&mut self, last: Month, limit: u32) -> Result<Vec<(Payee, Month)>, StoreError> {
        type Row = (Uuid, Uuid, String, String, Option<String>, StoredDate);
        let query = Missing { last: last.first().to_diesel(), limit: limit.into() };
        let rows = self.run(|connection| query.load::<Row>(connection))?;
        let missing = rows.into_iter().map(|(practitioner, user, first_name, last_name, title, month)| {
            (payee((practitioner, user, first_name, last_name, title)), Month::of(month.to_jiff()))
        });
        Ok(missing.collect())
    }

    fn hold_statements(&mut self, practitioner: Uuid) -> Result<(), StoreError> {
        let query = HoldStatements { practitioner };
        self.run(|connection| query.get_result::<bool>(connection)).map(drop)
    }

    fn statement_lines(&mut self, practitioner: Uuid, month: Month) -> Result<Vec<StatementLine>, StoreError> {
        let query = Lines { practitioner, month: month.first().to_diesel() };
        all(self.run(|connection| query.load::<LineRow>(connection))?)
    }

    fn closed_statement(&mut self, practitioner: Uuid, month: Month) -> Result<Option<ClosedStatement>, StoreError> {
        let query = practitioner_statements::table
            .find((practitioner, month.first().to_diesel()))
            .select(StatementRow::as_select());
        one(self.run(|connection| query.first(connection).optional())?)
    }

    fn add_statement(&mut self, statement: &ClosedStatement) -> Result<bool, StoreError> {
        let row = StatementRow {
            practitioner_id: statement.practitioner,
            practitioner_user_id: statement.user.0,
            month: statement.month.first().to_diesel(),
            bytes: statement.bytes.clone(),
            sha256: statement.sha256.to_vec(),
            closed_at: statement.closed_at.to_diesel(),
        };
        let query = insert_into(practitioner_statements::table).values(row).on_conflict_do_nothing();
        Ok(self.run(|connection| query.execute(connection))? > 0)
    }
}
