//! Letters to send.
use huntzen_tenancy::{
    Job, StoreError,
    identity::User,
    outbox::{Backlog, DueLetter, Outbox, OutboxMessage, OutboxQueue},
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    refusal::{allow, require},
    state::{OutboxRow, State},
    store::MemoryTx,
    time::micros,
};

impl Outbox for MemoryTx {
    fn enqueue(&mut self, message: &OutboxMessage) -> Result<(), StoreError> {
        self.write(|viewer, state| {
            allow(viewer.writes_letters())?;
            state.add_letter(message.clone())
        })
    }
}

impl State {
    /// Adds a letter, whoever writes it.
    pub(crate) fn add_letter(&mut self, mut message: OutboxMessage) -> Result<(), StoreError> {
        require(!self.outbox.contains(&message.id), "outbox_pkey")?;
        require(self.users.contains(&message.recipient), "outbox_recipient_user_id_fkey")?;
        message.created_at = micros(message.created_at);
        let next_attempt_at = message.created_at;
        let row = OutboxRow { next_attempt_at, attempts: 0, sent_at: None, given_up: false, message };
        self.outbox.put(row.message.id, row);
        Ok(())
    }
}

impl OutboxQueue for MemoryTx {
    fn take_due(&mut self, now: Timestamp, leased_until: Timestamp, limit: u32) -> Result<Vec<DueLetter>, StoreError> {
        let (now, leased_until) = (micros(now), micros(leased_until));
        self.write(|viewer, state| {
            if !viewer.is_job(Job::Outbox) {
                return Ok(Vec::new());
            }
            let mut due: Vec<OutboxRow> =
                state.outbox.rows().filter(|row| row.waits() && row.next_attempt_at <= now).cloned().collect();
            due.sort_by_key(|row| (row.next_attempt_at, row.message.id));
            due.truncate(limit as usize);
            for row in &due {
                state.outbox.put(row.message.id, OutboxRow { next_attempt_at: leased_until, ..row.clone() });
            }
            Ok(due.into_iter().map(|row| addressed(state, row)).collect())
        })
    }

    fn mark_sent(&mut self, id: Uuid, at: Timestamp) -> Result<(), StoreError> {
        let at = micros(at);
        self.write(|viewer, state| {
            let is_meant = |row: &OutboxRow| row.message.id == id && viewer.is_job(Job::Outbox);
            state.outbox.change(is_meant, |row| row.sent_at = Some(at));
            Ok(())
        })
    }

    fn mark_failed(&mut self, id: Uuid, next_attempt_at: Option<Timestamp>) -> Result<(), StoreError> {
        let next_attempt_at = next_attempt_at.map(micros);
        self.write(|viewer, state| {
            let is_meant = |row: &OutboxRow| row.message.id == id && viewer.is_job(Job::Outbox);
            state.outbox.change(is_meant, |row| {
                row.attempts += 1;
                row.given_up |= next_attempt_at.is_none();
                row.next_attempt_at = next_attempt_at.unwrap_or(row.next_attempt_at);
            });
            Ok(())
        })
    }

    fn postpone(&mut self, id: Uuid, until: Timestamp) -> Result<(), StoreError> {
        let until = micros(until);
        self.write(|viewer, state| {
            let is_meant = |row: &OutboxRow| row.message.id == id && viewer.is_job(Job::Outbox);
            state.outbox.change(is_meant, |row| row.next_attempt_at = until);
            Ok(())
        })
    }

    fn give_up_older(&mut self, written_before: Timestamp) -> Result<u64, StoreError> {
        self.write(|viewer, state| {
            let is_old =
                |row: &OutboxRow| row.waits() && row.message.created_at < written_before && viewer.is_job(Job::Outbox);
            Ok(state.outbox.change(is_old, |row| row.given_up = true))
        })
    }

    fn backlog(&mut self, now: Timestamp) -> Result<Backlog, StoreError> {
        let now = micros(now);
        self.read(|viewer, state| {
            let waiting = || state.outbox.rows().filter(|row| row.waits() && viewer.is_job(Job::Outbox));
            let in_vain_since = |row: &OutboxRow| match row.attempts {
                0 => Some(row.next_attempt_at).filter(|due| *due <= now),
                _ => Some(row.message.created_at),
            };
            Backlog { waiting: waiting().count() as u64, oldest: waiting().filter_map(in_vain_since).min() }
        })
    }
}

impl OutboxRow {
    fn waits(&self) -> bool {
        self.sent_at.is_none() && !self.given_up
    }
}

fn addressed(state: &State, row: OutboxRow) -> DueLetter {
    let recipient: Option<&User> = state.users.get(&row.message.recipient);
    DueLetter {
        attempts: row.attempts,
        address: recipient.filter(|user| !state.erased.contains(&user.id)).map(|user| user.email.clone()),
        first_name: recipient.map(|user| user.first_name.clone()).unwrap_or_default(),
        quiet_hours: state.quiet_hours.get(&row.message.recipient).cloned(),
        language: recipient.map_or_else(|| "fr".to_owned(), |user| user.language.clone()),
        message: row.message,
    }
}
