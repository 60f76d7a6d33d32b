//! Erasing those whose day has come, one person a unit of work: all of it happens, or nothing.
use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde_json::json;
use uuid::Uuid;

use super::Erased;
use crate::{
    audit::{Action, AuditEntry, Resource},
    error::TenancyError,
    identity::IdentityPorts,
    ids::UserId,
    outbox::Letter,
    scope::{Job, Scope},
    store::StoreError,
};

/// The job of erasure. It may run on several nodes at once, be cut at any moment and be run again.
#[derive(Clone)]
pub struct Erasing {
    ports: IdentityPorts,
    key_backup_days: u16,
}

/// What a run came to.
#[derive(Debug, Default)]
pub struct ErasureRun {
    /// Who was erased, and what was certified of it.
    pub erased: Vec<(UserId, Erased)>,
    /// Why others were not.
    pub failures: Vec<TenancyError>,
}

impl Erasing {
    /// Over these ports; backups of keys are kept for so many days.
    pub fn new(ports: IdentityPorts, key_backup_days: u16) -> Self {
        Self { ports, key_backup_days }
    }

    /// Erases up to `limit` people. Each is mailed a certificate, at the address that the account had;
    /// not again whoever was erased before and came back with a restored backup.
    /// Whom it fails for is passed over, and waits for the next run.
    pub fn run(&self, limit: u32) -> ErasureRun {
        let mut run = ErasureRun::default();
        let mut passed_over = Vec::new();
        for _ in 0..limit {
            let mut taken = None;
            // One whose data bring out a defect keeps nobody else from being erased.
            let outcome = catch_unwind(AssertUnwindSafe(|| self.erase_next(&passed_over, &mut taken)));
            match outcome.unwrap_or_else(|_| Err(StoreError::Defect("erasing panicked".into()).into())) {
                Ok(Some(erased)) => run.erased.push(erased),
                Ok(None) => break,
                Err(error) => {
                    run.failures.push(error);
                    // Without a request it is the store that fails.
                    let Some(request) = taken else { break };
                    passed_over.push(request);
                }
            }
        }
        run
    }

    /// Erases whoever has been due for longest, and notes the request that was taken.
    fn erase_next(
        &self,
        passed_over: &[Uuid],
        taken: &mut Option<Uuid>,
    ) -> Result<Option<(UserId, Erased)>, TenancyError> {
        let (scope, now) = (Scope::worker(Job::Erasure), self.ports.clock.now());
        self.ports.store.run(&scope, |tx| {
            let Some(due) = tx.take_due_erasure(now, passed_over)? else { return Ok(None) };
            *taken = Some(due.request);
            let erased = match due.erased_before {
                // A restored backup had brought the person back: what they were mailed stays true.
                Some(before) => Erased { at: now, ..before },
                None => Erased {
                    at: now,
                    certificate: self.ports.randomness.uuid_v4(),
                    keys_gone_on: self.keys_gone_on(now),
                },
            };
            if !tx.erase_person(due.request, &erased)? {
                return Ok(None);
            }
            if due.erased_before.is_none() {
                // Written after all other letters to the person have gone, with their keys.
                let arguments = json!({
                    "to": due.email.as_str(),
                    "certificate": erased.certificate.to_string(),
                    "keysGoneOn": erased.keys_gone_on.to_string(),
                });
                self.ports.write(tx, now, due.user, Letter::DeletionDone, &arguments)?;
            }
            let entry = AuditEntry::new(&scope, self.ports.randomness.as_ref(), now, Action::Erase, Resource::User);
            tx.record(&entry.on(due.user).about(due.user).within(due.company))?;
            Ok(Some((due.user, erased)))
        })
    }

    fn keys_gone_on(&self, now: Timestamp) -> Date {
        now.to_zoned(TimeZone::UTC).date().saturating_add(i64::from(self.key_backup_days).days())
    }
}
