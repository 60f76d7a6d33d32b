//! Letters rendered from templates, discreetly: whoever sees one learns of an account, at most of
//! an appointment, and of nothing else.
mod instants;
mod templates;
#[cfg(test)]
mod tests;

use handlebars::{RenderError, TemplateError};
use huntzen_tenancy::{
    company::HrReporting,
    email::Email,
    mail::{Letters, Mail, MailError},
    outbox::{DueLetter, Letter},
    words::Words,
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::{Value, json};

use crate::sender::Sender;
use templates::{Edition, Language};

/// The zone of letters to people who have none: the service is sold in France.
const HOME_ZONE: &str = "Europe/Paris";

/// A template that was compiled in cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("a letter's template cannot be read")]
pub struct BrokenTemplate(#[from] TemplateError);

/// Why a letter cannot be rendered; the values are not shown, tokens are among them.
#[derive(Debug, thiserror::Error)]
enum Unrenderable {
    #[error("the argument {0} is missing")]
    Missing(&'static str),
    #[error("the argument {0} is not what it should be")]
    Malformed(&'static str),
    #[error("the template asks for what the letter does not have")]
    Template(#[from] RenderError),
}

/// Renders every letter in French and English.
pub struct HandlebarsLetters {
    french: Edition,
    english: Edition,
    front_end: String,
    sender: Sender,
}

impl HandlebarsLetters {
    /// Letters that `sender` signs, with links into the front end at `front_end_url`.
    ///
    /// # Errors
    /// [`BrokenTemplate`] when a template cannot be read.
    pub fn new(front_end_url: &str, sender: Sender) -> Result<Self, BrokenTemplate> {
        Ok(Self {
            french: Edition::read(Language::French)?,
            english: Edition::read(Language::English)?,
            front_end: front_end_url.trim_end_matches('/').to_owned(),
            sender,
        })
    }

    fn fill(&self, letter: &DueLetter, arguments: &Value) -> Result<(String, String, String), Unrenderable> {
        let language = Language::preferred(&letter.language);
        let values = self.values(letter, arguments, language)?;
        let edition = match language {
            Language::French => &self.french,
            Language::English => &self.english,
        };
        Ok(edition.fill(letter.message.letter, &values)?)
    }

    /// What the templates may ask for.
    fn values(&self, letter: &DueLetter, arguments: &Value, language: Language) -> Result<Value, Unrenderable> {
        let front_end = &self.front_end;
        let mut values = json!({ "firstName": letter.first_name, "sender": self.sender.name() });
        let link = match letter.message.letter {
            Letter::VerifyEmail => format!("{front_end}/verify-email?token={}", word(arguments, "token")?),
            Letter::Invitation | Letter::PractitionerInvitation => {
                format!("{front_end}/activate?token={}", word(arguments, "token")?)
            }
            Letter::PasswordReset => format!("{front_end}/reset-password?token={}", word(arguments, "token")?),
            Letter::ConfirmEmail => {
                text(arguments, "to")?;
                // Whoever asked has not proved to own the address: no word of theirs goes there.
                set(&mut values, "firstName", "");
                format!("{front_end}/confirm-email?token={}", word(arguments, "token")?)
            }
            Letter::EmailChanged => {
                text(arguments, "to")?;
                format!("{front_end}/security")
            }
            Letter::EmailTaken => format!("{front_end}/security"),
            Letter::PasswordChanged | Letter::CompanyValidated => format!("{front_end}/"),
            Letter::ConsultationScheduled
            | Letter::ConsultationConfirmed
            | Letter::ConsultationCancelled
            | Letter::ConsultationRescheduled
            | Letter::ConsultationReminder
            | Letter::ConsultationFollowUp => {
                set(&mut values, "when", appointment(arguments, language)?);
                format!("{front_end}/appointments/{}", word(arguments, "consultationId")?)
            }
            Letter::NewSignIn => {
                set(&mut values, "when", instant(arguments, "at", HOME_ZONE, language)?);
                for name in ["device", "ip"] {
                    set(&mut values, name, known(arguments, name)?.unwrap_or("?"));
                }
                format!("{front_end}/security")
            }
            Letter::ReportingChanged => {
                set(&mut values, "from", day(arguments, "from", language)?);
                let mode = HrReporting::parse(text(arguments, "mode")?).ok_or(Unrenderable::Malformed("mode"))?;
                set(&mut values, "named", mode == HrReporting::Named);
                format!("{front_end}/preferences")
            }
            Letter::DeletionRequested => {
                set(&mut values, "date", day(arguments, "date", language)?);
                format!("{front_end}/privacy")
            }
            Letter::DeletionDone => {
                text(arguments, "to")?;
                // Nobody has a name any more.
                set(&mut values, "firstName", "");
                set(&mut values, "certificate", word(arguments, "certificate")?);
                set(&mut values, "keysGoneOn", day(arguments, "keysGoneOn", language)?);
                format!("{front_end}/")
            }
            Letter::MessageUnread => format!("{front_end}/appointments/{}", word(arguments, "consultationId")?),
        };
        set(&mut values, "link", link);
        Ok(values)
    }
}

fn set(values: &mut Value, name: &str, value: impl Into<Value>) {
    if let Value::Object(values) = values {
        values.insert(name.to_owned(), value.into());
    }
}

fn text<'a>(arguments: &'a Value, name: &'static str) -> Result<&'a str, Unrenderable> {
    match arguments.get(name) {
        None | Some(Value::Null) => Err(Unrenderable::Missing(name)),
        Some(value) => value.as_str().ok_or(Unrenderable::Malformed(name)),
    }
}

/// An argument that must be there and may be null.
fn known<'a>(arguments: &'a Value, name: &'static str) -> Result<Option<&'a str>, Unrenderable> {
    match arguments.get(name) {
        None => Err(Unrenderable::Missing(name)),
        Some(value) => Ok(value.as_str()),
    }
}

/// An argument that goes into a link as it is: letters, digits, `-` and `_` (RFC 3986 §2.3).
fn word<'a>(arguments: &'a Value, name: &'static str) -> Result<&'a str, Unrenderable> {
    let word = text(arguments, name)?;
    let plain =
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if plain { Ok(word) } else { Err(Unrenderable::Malformed(name)) }
}

/// A civil day.
fn day(arguments: &Value, name: &'static str, language: Language) -> Result<String, Unrenderable> {
    let day: Date = text(arguments, name)?.parse().ok().ok_or(Unrenderable::Malformed(name))?;
    Ok(instants::written_day(day, language))
}

/// When the appointment is, in the recipient's zone.
fn appointment(arguments: &Value, language: Language) -> Result<String, Unrenderable> {
    instant(arguments, "scheduledAt", text(arguments, "timezone")?, language)
}

/// An instant as it is read in `zone`.
fn instant(arguments: &Value, name: &'static str, zone: &str, language: Language) -> Result<String, Unrenderable> {
    let instant: Timestamp = text(arguments, name)?.parse().ok().ok_or(Unrenderable::Malformed(name))?;
    let zone = TimeZone::get(zone).ok().ok_or(Unrenderable::Malformed("timezone"))?;
    Ok(instants::written(&instant.to_zoned(zone), language))
}

impl Letters for HandlebarsLetters {
    fn render(&self, letter: &DueLetter, arguments: &Value, to: &Email) -> Result<Mail, MailError> {
        let (subject, text, html) = self.fill(letter, arguments).map_err(|error| MailError::Never(Box::new(error)))?;
        Ok(Mail {
            message_id: format!("{}@{}", letter.message.id, self.sender.domain()),
            to: to.clone(),
            subject,
            text,
            html,
        })
    }
}
