//! Sending what waits in the outbox: at least once each, with the same Message-ID at every try.
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};

use serde_json::Value;

use super::{Arguments, DueLetter};
use crate::{
    TenancyError, TenancyStore,
    clock::Clock,
    email::Email,
    mail::{Letters, MailError, Mailer},
    scope::{Job, Scope},
    sealing::{DataKey, KeySubject, Sealer, key_of},
};

type Keys = BTreeMap<KeySubject, DataKey>;

/// How long a worker keeps a letter to itself: a worker that dies delays it by no more.
const LEASE: SignedDuration = SignedDuration::from_mins(2);
/// How long a round goes on: well within the lease, so that no other worker takes what waits in it.
const ROUND: SignedDuration = SignedDuration::from_secs(60);
/// How long after it was written a letter is still worth sending.
const WORTH: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The first pause after a failed try; it doubles each time.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(15);
/// The longest pause.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(1);

/// What a round of sending did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dispatched {
    /// Letters that the mail server took.
    pub sent: usize,
    /// Letters that were tried in vain and will be again.
    pub postponed: usize,
    /// Letters that wait for the end of their recipient's quiet hours.
    pub held: usize,
    /// Letters that will not: refused for good, without an address, or too old.
    pub given_up: usize,
}

/// Sends letters. Several may run at once, on one node or many: none takes what another holds.
#[derive(Clone)]
pub struct LetterDispatch {
    store: Arc<dyn TenancyStore>,
    clock: Arc<dyn Clock>,
    letters: Arc<dyn Letters>,
    mailer: Arc<dyn Mailer>,
    sealer: Sealer,
}

impl LetterDispatch {
    /// Over these ports.
    pub fn new(
        store: Arc<dyn TenancyStore>,
        clock: Arc<dyn Clock>,
        letters: Arc<dyn Letters>,
        mailer: Arc<dyn Mailer>,
        sealer: Sealer,
    ) -> Self {
        Self { store, clock, letters, mailer, sealer }
    }

    /// Sends up to `limit` due letters, one after the other; no unit of work is open meanwhile.
    ///
    /// # Errors
    /// `StoreError` when the outbox cannot be read or written; letters in hand come back when
    /// their lease ends.
    pub fn run(&self, limit: u32) -> Result<Dispatched, TenancyError> {
        let scope = Scope::worker(Job::Outbox);
        let now = self.clock.now();
        let (given_up, due, keys) = self.store.run(&scope, |tx| {
            let given_up = tx.give_up_older(now - WORTH)?;
            let due = tx.take_due(now, now + LEASE, limit)?;
            let sealed = due.iter().filter(|letter| matches!(letter.message.arguments, Arguments::Sealed(_)));
            let mut subjects: Vec<KeySubject> = sealed.map(|letter| KeySubject::Letter(letter.message.id)).collect();
            if !subjects.is_empty() {
                // Under which older releases sealed letters.
                subjects.push(KeySubject::Platform);
            }
            Ok((given_up, due, self.sealer.known_keys(tx, &subjects)?))
        })?;
        let given_up = usize::try_from(given_up).unwrap_or(usize::MAX);
        let mut done = Dispatched { given_up, ..Dispatched::default() };
        for letter in &due {
            if now.duration_until(self.clock.now()) > ROUND {
                // The rest come back when their lease ends.
                break;
            }
            if let Some(until) = letter.waits_until(now) {
                self.store.run(&scope, |tx| Ok(tx.postpone(letter.message.id, until)?))?;
                done.held += 1;
                continue;
            }
            // A letter that brings out a defect must not come first for ever, and keep the others waiting.
            let outcome = catch_unwind(AssertUnwindSafe(|| self.deliver(letter, &keys)));
            let outcome = outcome.unwrap_or_else(|_| Err(MailError::Later("delivering it panicked".into())));
            let next = match outcome {
                Ok(()) | Err(MailError::Never(_)) => None,
                Err(MailError::Later(_)) => next_attempt(letter, now),
            };
            let at = self.clock.now();
            self.store.run(&scope, |tx| {
                if outcome.is_ok() {
                    tx.mark_sent(letter.message.id, at)?;
                } else {
                    tx.mark_failed(letter.message.id, next)?;
                }
                Ok(())
            })?;
            match (outcome.is_ok(), next) {
                (true, _) => done.sent += 1,
                (false, Some(_)) => done.postponed += 1,
                (false, None) => done.given_up += 1,
            }
        }
        Ok(done)
    }

    fn deliver(&self, letter: &DueLetter, keys: &Keys) -> Result<(), MailError> {
        let arguments = self.arguments(letter, keys)?;
        // A letter about an address goes there, all others to the account's own.
        let named = arguments.get("to").and_then(Value::as_str).and_then(Email::parse);
        let Some(address) = named.as_ref().or(letter.address.as_ref()) else {
            return Err(MailError::Never("the recipient has no address".into()));
        };
        self.mailer.send(&self.letters.render(letter, &arguments, address)?)
    }

    /// The letter's arguments, opened. Those that were changed, or whose key is gone, never open.
    fn arguments(&self, letter: &DueLetter, keys: &Keys) -> Result<Value, MailError> {
        let sealed = match &letter.message.arguments {
            Arguments::About(arguments) => return Ok(arguments.clone()),
            Arguments::Sealed(sealed) => sealed,
        };
        let key = key_of(keys, sealed).ok_or_else(|| MailError::Never("the letter's key is gone".into()))?;
        let place = Arguments::place(letter.message.id);
        let text = self.sealer.open(key, &place, sealed).map_err(|error| MailError::Never(Box::new(error)))?;
        serde_json::from_str(text.expose()).map_err(|error| MailError::Never(Box::new(error)))
    }
}

fn next_attempt(letter: &DueLetter, now: Timestamp) -> Option<Timestamp> {
    let doublings = letter.attempts.min(16);
    let pause = FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
    let next = now + pause;
    (letter.message.created_at.duration_until(next) <= WORTH).then_some(next)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use jiff::civil::time;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::{
        ids::UserId,
        outbox::{Letter, OutboxMessage},
        preferences::QuietHours,
    };

    #[test]
    fn quiet_hours_hold_a_letter_for_an_hour_at_most() {
        let written: Timestamp = "2027-01-04T20:00:00Z".parse().unwrap();
        let held = |letter, now: &str| {
            let message = OutboxMessage {
                id: Uuid::nil(),
                recipient: UserId(Uuid::nil()),
                letter,
                arguments: Arguments::About(json!({})),
                created_at: written,
            };
            let quiet_hours = QuietHours::new(time(22, 0, 0, 0), time(7, 0, 0, 0), "Europe/Paris");
            let (first_name, language) = (String::new(), "fr".to_owned());
            let due = DueLetter { message, attempts: 0, address: None, first_name, language, quiet_hours };
            due.waits_until(now.parse().unwrap()).map(|until| until.to_string())
        };
        let until = |text: &str| Some(text.to_owned());
        assert_eq!(held(Letter::MessageUnread, "2027-01-04T20:59:59Z"), None);
        assert_eq!(held(Letter::MessageUnread, "2027-01-04T21:00:00Z"), until("2027-01-04T22:00:00Z"));
        assert_eq!(held(Letter::MessageUnread, "2027-01-05T05:30:00Z"), until("2027-01-05T06:00:00Z"));
        assert_eq!(held(Letter::PasswordReset, "2027-01-04T22:00:00Z"), None);
    }

    #[test]
    fn pauses_double_up_to_an_hour_and_end_after_a_week() {
        let written: Timestamp = "2027-01-04T08:00:00Z".parse().unwrap();
        let next = |attempts, now: Timestamp| {
            let message = OutboxMessage {
                id: Uuid::nil(),
                recipient: UserId(Uuid::nil()),
                letter: Letter::PasswordChanged,
                arguments: Arguments::About(json!({})),
                created_at: written,
            };
            let (first_name, language) = (String::new(), "fr".to_owned());
            let letter = DueLetter { message, attempts, address: None, first_name, language, quiet_hours: None };
            next_attempt(&letter, now).map(|next| now.duration_until(next).as_secs())
        };
        assert_eq!((next(0, written), next(1, written), next(3, written)), (Some(15), Some(30), Some(120)));
        assert_eq!((next(8, written), next(u32::MAX, written)), (Some(3_600), Some(3_600)));
        assert_eq!(next(40, written + SignedDuration::from_hours(7 * 24)), None);
    }
}
