//! Letters to send: written with the change that causes them, sent later by a worker.
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    email::Email,
    ids::UserId,
    preferences::QuietHours,
    sealing::{DataKey, DataKeys, KeySubject, Place, Sealed, Sealer, SecretText},
    store::StoreError,
    words,
};

/// For how long quiet hours hold a letter before they are looked up again.
const LONGEST_HOLD: SignedDuration = SignedDuration::from_hours(1);

mod dispatch;
pub use dispatch::{Dispatched, LetterDispatch};

words! {
    /// Which letter.
    Letter {
        /// Confirm your address. Arguments: `token`.
        VerifyEmail = "VERIFY_EMAIL",
        /// Join as an employee or HR. Arguments: `token`.
        Invitation = "INVITATION",
        /// Join as a practitioner. Arguments: `token`.
        PractitionerInvitation = "PRACTITIONER_INVITATION",
        /// Choose a new password. Arguments: `token`.
        PasswordReset = "PASSWORD_RESET",
        /// Your password has changed.
        PasswordChanged = "PASSWORD_CHANGED",
        /// Confirm your new address; it goes there. Arguments: `token`, `to` (that address).
        ConfirmEmail = "CONFIRM_EMAIL",
        /// Your address has changed; it goes to the old one. Arguments: `to` (that address).
        EmailChanged = "EMAIL_CHANGED",
        /// Somebody wanted your address for another account.
        EmailTaken = "EMAIL_TAKEN",
        /// Somebody signed in from a device that was not known. Arguments: `at` (RFC 3339), `device` (what
        /// it calls itself, or null), `ip` (truncated, or null).
        NewSignIn = "NEW_SIGN_IN",
        /// Your company was validated.
        CompanyValidated = "COMPANY_VALIDATED",
        /// An appointment was made. Arguments of this and the next six: `consultationId`,
        /// `scheduledAt` (RFC 3339), `timezone` (the recipient's, IANA).
        ConsultationScheduled = "CONSULTATION_SCHEDULED",
        /// It was confirmed.
        ConsultationConfirmed = "CONSULTATION_CONFIRMED",
        /// It was cancelled.
        ConsultationCancelled = "CONSULTATION_CANCELLED",
        /// It was moved.
        ConsultationRescheduled = "CONSULTATION_RESCHEDULED",
        /// It is near.
        ConsultationReminder = "CONSULTATION_REMINDER",
        /// It has ended; tell us how it was.
        ConsultationFollowUp = "CONSULTATION_FOLLOW_UP",
        /// A message has been waiting. Arguments: `consultationId`.
        MessageUnread = "MESSAGE_UNREAD",
        /// Your data will be erased. Arguments: `date` (a civil date, UTC).
        DeletionRequested = "DELETION_REQUESTED",
        /// Your data was erased; it goes to the address that the account had. Arguments: `to` (that
        /// address), `certificate`, `keysGoneOn` (a civil date).
        DeletionDone = "DELETION_DONE",
        /// What the employer sees is about to change. Arguments: `mode` (`HrReporting`), `from` (a
        /// civil date).
        ReportingChanged = "REPORTING_CHANGED",
    }
}

impl Letter {
    /// Whether it keeps until the recipient's quiet hours are over. What somebody waits for, what
    /// concerns the account's safety, and what moves an appointment does not.
    pub fn can_wait(self) -> bool {
        match self {
            Self::CompanyValidated | Self::ConsultationFollowUp | Self::MessageUnread | Self::ReportingChanged => true,
            Self::VerifyEmail
            | Self::DeletionRequested
            | Self::DeletionDone
            | Self::Invitation
            | Self::PractitionerInvitation
            | Self::PasswordReset
            | Self::PasswordChanged
            | Self::ConfirmEmail
            | Self::EmailChanged
            | Self::EmailTaken
            | Self::NewSignIn
            | Self::ConsultationScheduled
            | Self::ConsultationConfirmed
            | Self::ConsultationCancelled
            | Self::ConsultationRescheduled
            | Self::ConsultationReminder => false,
        }
    }
}

/// What a letter's text needs: a JSON object.
#[derive(Clone, Debug, PartialEq)]
pub enum Arguments {
    /// Sealed under a key of the letter's own: tokens and addresses are among them.
    Sealed(Sealed),
    /// Ids, instants and zones alone: what the store itself writes, which can seal nothing.
    About(Value),
}

impl Arguments {
    /// Where they stand, sealed, in the letter with this id.
    pub fn place(letter: Uuid) -> Place {
        Place::new("outbox", "arguments", letter)
    }
}

/// A letter to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxMessage {
    /// Its id, also its Message-ID: the same at each try.
    pub id: Uuid,
    /// To whom; the address and language are looked up when it is sent.
    pub recipient: UserId,
    /// Which letter.
    pub letter: Letter,
    /// What the letter's text needs.
    pub arguments: Arguments,
    /// When it was written.
    pub created_at: Timestamp,
}

/// A letter as the worker takes it, with what it needs to render and send it.
#[derive(Clone, Debug, PartialEq)]
pub struct DueLetter {
    /// The letter.
    pub message: OutboxMessage,
    /// How often it was tried before.
    pub attempts: u32,
    /// The recipient's address now; `None` when the account is gone.
    pub address: Option<Email>,
    /// The recipient's first name.
    pub first_name: String,
    /// The recipient's language: `fr` or `en`.
    pub language: String,
    /// When the recipient wants no letter that can wait.
    pub quiet_hours: Option<QuietHours>,
}

impl DueLetter {
    /// Until when it waits, if it can and its recipient wants no such letter at `now`: at most for an hour,
    /// after which it is asked again, since they may have changed their hours meanwhile.
    pub fn waits_until(&self, now: Timestamp) -> Option<Timestamp> {
        let over = self.quiet_hours.as_ref().filter(|_| self.message.letter.can_wait())?.over(now)?;
        Some(over.min(now + LONGEST_HOLD))
    }
}

/// Writes a letter with these arguments, sealed. Without arguments there is nothing to seal.
///
/// # Errors
/// `StoreError` alone.
pub fn write_letter(
    sealer: &Sealer,
    tx: &mut (impl Outbox + DataKeys + ?Sized),
    (id, now): (Uuid, Timestamp),
    (recipient, letter): (UserId, Letter),
    arguments: &Value,
) -> Result<(), StoreError> {
    if arguments.as_object().is_some_and(serde_json::Map::is_empty) {
        let arguments = Arguments::About(arguments.clone());
        return tx.enqueue(&OutboxMessage { id, recipient, letter, arguments, created_at: now });
    }
    let (message, key) = sealed_letter(sealer, (id, now), (recipient, letter), arguments)?;
    tx.add_data_keys(&[key])?;
    tx.enqueue(&message)
}

/// A letter with these arguments, sealed under a key of its own; whoever writes many adds all of both.
///
/// # Errors
/// `Defect` when the cipher refuses.
pub fn sealed_letter(
    sealer: &Sealer,
    (id, now): (Uuid, Timestamp),
    (recipient, letter): (UserId, Letter),
    arguments: &Value,
) -> Result<(OutboxMessage, DataKey), StoreError> {
    let key = sealer.fresh(KeySubject::Letter(id), now)?;
    let text = SecretText::new(arguments.to_string());
    let arguments = Arguments::Sealed(sealer.seal(&key, &Arguments::place(id), &text)?);
    Ok((OutboxMessage { id, recipient, letter, arguments, created_at: now }, key))
}

/// Letters, written by any scope and taken by the worker.
pub trait Outbox {
    /// Adds a letter, to be sent at once.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn enqueue(&mut self, message: &OutboxMessage) -> Result<(), StoreError>;

    /// Adds letters, to be sent at once. A store behind a network does it in few round trips.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn enqueue_all(&mut self, messages: &[OutboxMessage]) -> Result<(), StoreError> {
        messages.iter().try_for_each(|message| self.enqueue(message))
    }
}

/// The worker's side of the outbox: `Job::Outbox` alone.
pub trait OutboxQueue {
    /// Takes up to `limit` unsent letters that are due at `now`, oldest first, skipping those
    /// that another node has taken, and holds each until `leased_until`: a worker that dies
    /// lets them become due again then.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn take_due(&mut self, now: Timestamp, leased_until: Timestamp, limit: u32) -> Result<Vec<DueLetter>, StoreError>;

    /// Marks a letter as sent at `at`.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn mark_sent(&mut self, id: Uuid, at: Timestamp) -> Result<(), StoreError>;

    /// Counts a failed try; the letter is due again at `next_attempt_at`, or never when `None`.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn mark_failed(&mut self, id: Uuid, next_attempt_at: Option<Timestamp>) -> Result<(), StoreError>;

    /// Lets a letter be due again at `until`; that is no failed try.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn postpone(&mut self, id: Uuid, until: Timestamp) -> Result<(), StoreError>;

    /// Gives up every waiting letter that was written before `written_before`; answers how many.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn give_up_older(&mut self, written_before: Timestamp) -> Result<u64, StoreError>;

    /// How many letters wait, and since when the oldest of those that should have left has waited. One that
    /// is put off without having been tried, as quiet hours do, is in no delay.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn backlog(&mut self, now: Timestamp) -> Result<Backlog, StoreError>;
}

/// What waits in the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// How many letters are unsent and not given up.
    pub waiting: u64,
    /// Since when the oldest has waited in vain: when it was written if it was tried, else when it became
    /// due; `None` when every one of them is to wait.
    pub oldest: Option<Timestamp>,
}
