//! Requests to be erased, and the erasure of whoever asked.
use diesel::{
    dsl::{exists, insert_into, select, update},
    prelude::*,
    sql_types::{Array, BigInt, Date as SqlDate, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use huntzen_tenancy::{
    Job, StoreError, TenancyError,
    backups::PendingErasure,
    erasure::{DeletionRequest, DeletionRequests, DeletionStatus, DueErasure, Erased, Erasures},
    ids::{CompanyId, UserId},
    policy::Role,
    sealing::Sealed,
    words::Words,
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    error::tenancy_error,
    schema::{deletion_requests, scope_role, users},
    scope::role_of,
    statement::statement,
    stored::{StoredDate, StoredTimestamp, ToDiesel, all, email, instant, one, word},
    unit_of_work::PgTx,
};

/// The most requests of one account that are read.
const MOST: i64 = 100;

#[derive(Queryable, Selectable)]
#[diesel(table_name = deletion_requests)]
struct RequestRow {
    id: Uuid,
    user_id: Uuid,
    status: String,
    reason: Option<Vec<u8>>,
    created_at: StoredTimestamp,
    deletion_date: StoredTimestamp,
    cancelled_at: Option<StoredTimestamp>,
    completed_at: Option<StoredTimestamp>,
    certificate_id: Option<Uuid>,
    keys_gone_on: Option<StoredDate>,
}

/// That somebody was erased, of columns that are set together or not at all.
fn erased(at: Option<StoredTimestamp>, certificate: Option<Uuid>, gone: Option<StoredDate>) -> Option<Erased> {
    Some(Erased { at: at?.to_jiff(), certificate: certificate?, keys_gone_on: gone?.to_jiff() })
}

impl TryFrom<RequestRow> for DeletionRequest {
    type Error = StoreError;

    fn try_from(row: RequestRow) -> Result<Self, StoreError> {
        let erased = erased(row.completed_at, row.certificate_id, row.keys_gone_on);
        Ok(Self {
            id: row.id,
            user: UserId(row.user_id),
            status: word(&row.status, "deletion_requests.status")?,
            reason: row.reason.map(Sealed),
            created_at: row.created_at.to_jiff(),
            deletion_date: row.deletion_date.to_jiff(),
            cancelled_at: instant(row.cancelled_at),
            erased,
        })
    }
}

impl DeletionRequests for PgTx {
    fn add_deletion_request(&mut self, request: &DeletionRequest) -> Result<(), TenancyError> {
        let row = (
            deletion_requests::id.eq(request.id),
            deletion_requests::user_id.eq(request.user.0),
            deletion_requests::status.eq(DeletionStatus::Pending.as_str()),
            deletion_requests::reason.eq(request.reason.as_ref().map(|sealed| sealed.0.as_slice())),
            deletion_requests::created_at.eq(request.created_at.to_diesel()),
            deletion_requests::deletion_date.eq(request.deletion_date.to_diesel()),
        );
        self.run(|connection| insert_into(deletion_requests::table).values(row).execute(connection))
            .map(drop)
            .map_err(tenancy_error)
    }

    fn pending_deletion(&mut self, user: UserId) -> Result<Option<DeletionRequest>, StoreError> {
        if self.actor.is_none() {
            return Ok(None);
        }
        let query = deletion_requests::table
            .filter(deletion_requests::user_id.eq(user.0))
            .filter(deletion_requests::status.eq(DeletionStatus::Pending.as_str()))
            .select(RequestRow::as_select());
        one(self.run(|connection| query.first(connection).optional())?)
    }

    fn deletion_requests(&mut self, user: UserId) -> Result<Vec<DeletionRequest>, StoreError> {
        if self.actor.is_none() {
            return Ok(Vec::new());
        }
        let query = deletion_requests::table
            .filter(deletion_requests::user_id.eq(user.0))
            .select(RequestRow::as_select())
            .order((deletion_requests::created_at.desc(), deletion_requests::id.desc()))
            .limit(MOST);
        all(self.run(|connection| query.load(connection))?)
    }

    fn cancel_deletion(&mut self, id: Uuid, at: Timestamp) -> Result<bool, StoreError> {
        let pending = deletion_requests::table
            .filter(deletion_requests::id.eq(id))
            .filter(deletion_requests::status.eq(DeletionStatus::Pending.as_str()));
        let change = update(pending).set((
            deletion_requests::status.eq(DeletionStatus::Cancelled.as_str()),
            deletion_requests::cancelled_at.eq(at.to_diesel()),
        ));
        self.run(|connection| change.execute(connection)).map(|changed| changed > 0)
    }

    fn has_other_operator(&mut self, user: UserId) -> Result<bool, StoreError> {
        let others = users::table
            .filter(users::role.eq(Role::SuperAdmin.as_str()))
            .filter(users::id.ne(user.0))
            .filter(users::is_active)
            .filter(users::blocked_at.is_null());
        self.run(|connection| select(exists(others)).get_result(connection))
    }
}

statement! {
    /// Holds the request that has been due for longest.
    TakeDue { now: StoredTimestamp, passed_over: Vec<Uuid> } -> (
        SqlUuid, SqlUuid, Text, Nullable<SqlUuid>, Nullable<Timestamptz>, Nullable<SqlUuid>, Nullable<SqlDate>);
    "SELECT request_id, user_id, email, company_id, erased_at, certificate_id, keys_gone_on FROM take_due_erasure(", now as Timestamptz;
    ", ", passed_over as Array<SqlUuid>;
    ")"
}

/// A row of it.
type DueRow = (Uuid, Uuid, String, Option<Uuid>, Option<StoredTimestamp>, Option<Uuid>, Option<StoredDate>);

statement! {
    /// Erases whom a request is about.
    Erase { request: Uuid, at: StoredTimestamp, certificate: Uuid, keys_gone_on: StoredDate } -> BigInt;
    "SELECT erase_person(", request as SqlUuid;
    ", ", at as Timestamptz;
    ", ", certificate as SqlUuid;
    ", ", keys_gone_on as SqlDate;
    ")"
}

impl Erasures for PgTx {
    fn take_due_erasure(&mut self, now: Timestamp, passed_over: &[Uuid]) -> Result<Option<DueErasure>, StoreError> {
        let statement = TakeDue { now: now.to_diesel(), passed_over: passed_over.to_vec() };
        let row = self.run(|connection| statement.get_result::<DueRow>(connection).optional())?;
        row.map(|(request, user, address, company, at, certificate, gone)| {
            let email = email(&address, "users.email")?;
            let erased_before = erased(at, certificate, gone);
            Ok(DueErasure { request, user: UserId(user), email, company: company.map(CompanyId), erased_before })
        })
        .transpose()
    }

    fn erase_person(&mut self, request: Uuid, erased: &Erased) -> Result<bool, StoreError> {
        let statement = Erase {
            request,
            at: erased.at.to_diesel(),
            certificate: erased.certificate,
            keys_gone_on: erased.keys_gone_on.to_diesel(),
        };
        self.run(|connection| statement.get_result::<i64>(connection)).map(|touched| touched > 0)
    }

    fn pending_erasures(&mut self) -> Result<Vec<PendingErasure>, StoreError> {
        let query = deletion_requests::table
            .filter(scope_role().eq(role_of(Job::Erasure)))
            .filter(deletion_requests::status.eq(DeletionStatus::Pending.as_str()))
            .select((deletion_requests::user_id, deletion_requests::deletion_date))
            .order((deletion_requests::deletion_date, deletion_requests::id));
        let rows = self.run(|connection| query.load::<(Uuid, StoredTimestamp)>(connection))?;
        let read =
            |(user, day): (Uuid, StoredTimestamp)| PendingErasure { user: UserId(user), deletion_date: day.to_jiff() };
        Ok(rows.into_iter().map(read).collect())
    }
}
