//! Reminders of consultations.
use huntzen_booking::reminders::{DueReminder, ReminderKind, Reminders};
use huntzen_tenancy::{Job, StoreError};
use jiff::Timestamp;

use crate::{refusal::allow, state::ConsultationRow, store::MemoryTx, telling, time::micros};

impl Reminders for MemoryTx {
    fn due_reminders(
        &mut self,
        kind: ReminderKind,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<DueReminder>, StoreError> {
        let now = micros(now);
        self.read(|viewer, state| {
            let is_due = |row: &&ConsultationRow| {
                let starts_at = row.consultation.scheduled_at;
                let due_at = starts_at.checked_sub(kind.lead()).unwrap_or(Timestamp::MIN);
                viewer.is_job(Job::Reminders)
                    && row.is_awaited()
                    && starts_at > now
                    && due_at <= now
                    && row.consultation.planned_at < due_at
                    && !state.reminders.contains(&(row.consultation.id, kind, starts_at))
            };
            let mut rows: Vec<&ConsultationRow> = state.consultations.rows().filter(is_due).collect();
            rows.sort_by_key(|row| row.place());
            let due = |row: &ConsultationRow| {
                let (starts_at, consultation) = row.place();
                DueReminder { consultation, kind, starts_at }
            };
            rows.into_iter().take(limit as usize).map(due).collect()
        })
    }

    fn send_reminder(&mut self, reminder: &DueReminder, at: Timestamp) -> Result<bool, StoreError> {
        let reminder = DueReminder { starts_at: micros(reminder.starts_at), ..*reminder };
        let at = micros(at);
        self.write(|viewer, state| {
            allow(viewer.is_job(Job::Reminders))?;
            let key = (reminder.consultation, reminder.kind, reminder.starts_at);
            if state.reminders.contains(&key) {
                return Ok(false);
            }
            // It may have been called off or moved since it was found to be due.
            let announced =
                |row: &ConsultationRow| row.is_awaited() && row.consultation.scheduled_at == reminder.starts_at;
            if !state.consultations.get(&reminder.consultation).is_some_and(announced) {
                return Ok(false);
            }
            state.reminders.put(key, at);
            telling::reminder(state, &reminder, at)?;
            Ok(true)
        })
    }
}
