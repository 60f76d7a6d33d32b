//! A mailer that keeps every mail in memory, for tests that read what was sent.
use std::sync::{Mutex, MutexGuard, PoisonError};

use huntzen_tenancy::{
    email::Email,
    mail::{Mail, MailError, Mailer},
};

/// Takes every mail and sends none.
#[derive(Debug, Default)]
pub struct RecordingMailer {
    mails: Mutex<Vec<Mail>>,
}

impl RecordingMailer {
    /// A mailer that has taken nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every mail taken so far, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.lock().clone()
    }

    /// Every mail taken for this address so far, oldest first.
    pub fn mails_to(&self, address: &Email) -> Vec<Mail> {
        self.lock().iter().filter(|mail| mail.to == *address).cloned().collect()
    }

    /// Forgets what was taken.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// The list; a panic elsewhere cannot leave it half written.
    fn lock(&self) -> MutexGuard<'_, Vec<Mail>> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mailer for RecordingMailer {
    fn send(&self, mail: &Mail) -> Result<(), MailError> {
        self.lock().push(mail.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::message::fixture::mail;

    #[test]
    fn mails_are_kept_in_order_and_found_by_address() {
        let mailer = RecordingMailer::new();
        let other = Email::parse("marc.dupont@techcorp.example").unwrap();
        mailer.send(&mail()).unwrap();
        mailer.send(&Mail { to: other.clone(), ..mail() }).unwrap();
        mailer.send(&Mail { subject: "later".to_owned(), ..mail() }).unwrap();
        assert_eq!(mailer.mails().len(), 3);
        assert_eq!(mailer.mails_to(&other).len(), 1);
        let subjects: Vec<String> = mailer.mails_to(&mail().to).into_iter().map(|mail| mail.subject).collect();
        assert_eq!(subjects, [mail().subject, "later".to_owned()]);
        mailer.clear();
        assert!(mailer.mails().is_empty());
    }
}
