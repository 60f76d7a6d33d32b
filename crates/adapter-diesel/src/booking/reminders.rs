//! Reminders.
use diesel::{
    dsl::{exists, not},
    pg::data_types::PgInterval,
    prelude::*,
    sql_types::{Interval, Text, Timestamptz},
};
use huntzen_booking::{
    ids::ConsultationId,
    reminders::{DueReminder, ReminderKind, Reminders},
};
use huntzen_tenancy::{Job, StoreError, words::Words};
use jiff::Timestamp;
use uuid::Uuid;

use super::consultations::AWAITED;
use crate::{
    schema::{consultations, reminders, scope_role},
    scope::role_of,
    stored::{StoredTimestamp, ToDiesel},
    unit_of_work::PgTx,
};

impl Reminders for PgTx {
    fn due_reminders(
        &mut self,
        kind: ReminderKind,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<DueReminder>, StoreError> {
        let lead = kind.lead();
        let last_start = now.checked_add(lead).unwrap_or(Timestamp::MAX);
        let microseconds = i64::try_from(lead.as_micros()).unwrap_or(i64::MAX);
        let interval = PgInterval::from_microseconds(microseconds).into_sql::<Interval>();
        let sent = reminders::table
            .filter(reminders::consultation_id.eq(consultations::id))
            .filter(reminders::kind.eq(kind.as_str()))
            .filter(reminders::starts_at.eq(consultations::scheduled_at));
        let query = consultations::table
            .filter(scope_role().eq(role_of(Job::Reminders)))
            .filter(consultations::status.eq_any(AWAITED))
            .filter(consultations::scheduled_at.gt(now.to_diesel()))
            .filter(consultations::scheduled_at.le(last_start.to_diesel()))
            .filter((consultations::planned_at + interval).lt(consultations::scheduled_at))
            .filter(not(exists(sent)))
            .select((consultations::id, consultations::scheduled_at))
            .order((consultations::scheduled_at, consultations::id))
            .limit(limit.into());
        let rows = self.run(|connection| query.load::<(Uuid, StoredTimestamp)>(connection))?;
        let due = |(id, starts_at): (Uuid, StoredTimestamp)| DueReminder {
            consultation: ConsultationId(id),
            kind,
            starts_at: starts_at.to_jiff(),
        };
        Ok(rows.into_iter().map(due).collect())
    }

    fn send_reminder(&mut self, reminder: &DueReminder, at: Timestamp) -> Result<bool, StoreError> {
        // It may have been called off or moved since it was found to be due.
        let announced = consultations::table
            .filter(consultations::id.eq(reminder.consultation.0))
            .filter(consultations::status.eq_any(AWAITED))
            .filter(consultations::scheduled_at.eq(reminder.starts_at.to_diesel()))
            .select((
                consultations::id,
                reminder.kind.as_str().into_sql::<Text>(),
                consultations::scheduled_at,
                at.to_diesel().into_sql::<Timestamptz>(),
            ));
        let statement = announced
            .insert_into(reminders::table)
            .into_columns((reminders::consultation_id, reminders::kind, reminders::starts_at, reminders::sent_at))
            .on_conflict_do_nothing();
        self.run(|connection| statement.execute(connection)).map(|sent| sent == 1)
    }
}
