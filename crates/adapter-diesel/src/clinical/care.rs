//! What clinical asks about consultations.
use diesel::prelude::*;
use huntzen_booking::{availability::ConsultationType, consultation::ConsultationStatus};
use huntzen_clinical::{
    care::{Care, CareRelations},
    ids::ConsultationId,
};
use huntzen_tenancy::{
    StoreError,
    ids::{CompanyId, UserId},
};
use uuid::Uuid;

use crate::{
    schema::consultations,
    stored::{StoredTimestamp, one, word},
    unit_of_work::PgTx,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = consultations)]
struct CareRow {
    id: Uuid,
    company_id: Uuid,
    employee_user_id: Uuid,
    practitioner_user_id: Uuid,
    kind: String,
    status: String,
    scheduled_at: StoredTimestamp,
    ends_at: StoredTimestamp,
}

impl TryFrom<CareRow> for Care {
    type Error = StoreError;

    fn try_from(row: CareRow) -> Result<Self, StoreError> {
        let kind: ConsultationType = word(&row.kind, "consultations.type")?;
        let status: ConsultationStatus = word(&row.status, "consultations.status")?;
        Ok(Self {
            consultation: ConsultationId(row.id),
            company: CompanyId(row.company_id),
            employee_user: UserId(row.employee_user_id),
            practitioner_user: UserId(row.practitioner_user_id),
            scheduled_at: row.scheduled_at.to_jiff(),
            ends_at: row.ends_at.to_jiff(),
            has_room: kind.has_room(),
            is_cancelled: status == ConsultationStatus::Cancelled,
            is_live: status.is_live(),
        })
    }
}

impl CareRelations for PgTx {
    fn care(&mut self, consultation: ConsultationId) -> Result<Option<Care>, StoreError> {
        let Some(actor) = self.actor else { return Ok(None) };
        let query = consultations::table
            .find(consultation.0)
            .filter(
                consultations::employee_user_id
                    .eq(actor.user.0)
                    .or(consultations::practitioner_user_id.eq(actor.user.0)),
            )
            .select(CareRow::as_select());
        one(self.run(|connection| query.first(connection).optional())?)
    }
}
