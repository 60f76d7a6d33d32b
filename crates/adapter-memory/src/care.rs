//! What clinical asks about consultations.
use huntzen_booking::consultation::ConsultationStatus;
use huntzen_clinical::{
    care::{Care, CareRelations},
    ids::ConsultationId,
};
use huntzen_tenancy::StoreError;

use crate::{state::ConsultationRow, store::MemoryTx};

impl CareRelations for MemoryTx {
    fn care(&mut self, consultation: ConsultationId) -> Result<Option<Care>, StoreError> {
        self.read(|viewer, state| {
            let row = state.consultations.get(&consultation.0.into())?;
            let takes_part = viewer.user().is_some_and(|user| row.care().has_participant(user));
            (takes_part && viewer.sees_consultation(row)).then(|| row.care())
        })
    }
}

impl ConsultationRow {
    /// What clinical knows of it.
    pub(crate) fn care(&self) -> Care {
        let one = &self.consultation;
        Care {
            consultation: ConsultationId(one.id.0),
            company: one.company,
            employee_user: self.employee_user,
            practitioner_user: one.practitioner_user,
            scheduled_at: one.scheduled_at,
            ends_at: one.ends_at,
            has_room: one.kind.has_room(),
            is_cancelled: one.status == ConsultationStatus::Cancelled,
            is_live: one.is_live(),
        }
    }
}
