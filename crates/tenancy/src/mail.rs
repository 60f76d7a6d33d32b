//! Sending a rendered letter: the port that a mail transport implements.
use serde_json::Value;

use crate::{email::Email, outbox::DueLetter};

/// A letter ready to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Stable over retries, without the angle brackets (RFC 5322 §3.6.4).
    pub message_id: String,
    /// To whom.
    pub to: Email,
    /// A neutral subject: no word of health.
    pub subject: String,
    /// The body as plain text.
    pub text: String,
    /// The body as HTML.
    pub html: String,
}

/// Why a mail did not leave.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// Trying again later may help.
    #[error("the mail server cannot take the mail now")]
    Later(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server refused this mail for good.
    #[error("the mail server refuses the mail")]
    Never(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A way for mail to leave.
pub trait Mailer: Send + Sync {
    /// Hands `mail` over; once this returns, the server has taken it.
    ///
    /// # Errors
    /// `Later` when a new try makes sense, `Never` when it does not.
    fn send(&self, mail: &Mail) -> Result<(), MailError>;
}

/// Turns a letter into text, in the recipient's language.
pub trait Letters: Send + Sync {
    /// Renders the letter with its arguments, opened.
    ///
    /// # Errors
    /// `Never` when an argument is missing: no later try would find it.
    fn render(&self, letter: &DueLetter, arguments: &Value, to: &Email) -> Result<Mail, MailError>;
}
