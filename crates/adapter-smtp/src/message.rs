//! A mail as it travels: RFC 5322 with a plain and an HTML alternative (RFC 2046 §5.1.4).
use std::{error::Error, time::SystemTime};

use huntzen_tenancy::mail::{Mail, MailError};
use jiff::Timestamp;
use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{Header, HeaderName, HeaderValue},
    },
};

use crate::sender::Sender;

/// Says that no person wrote this, so that no absence notice answers it (RFC 3834 §5).
#[derive(Clone, Copy)]
struct AutoSubmitted;

const GENERATED: &str = "auto-generated";

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(value: &str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        if value == GENERATED { Ok(Self) } else { Err("not a value that is ever written".into()) }
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), GENERATED.to_owned())
    }
}

/// The Message-ID holds what no header or file name should.
#[derive(Debug, thiserror::Error)]
#[error("the Message-ID is not of the form id@domain")]
struct MalformedMessageId;

/// What stands before the `@` of a Message-ID of ours.
///
/// # Errors
/// `Never` when the Message-ID is not made of letters, digits, hyphens and dots around one `@`.
pub fn local_id(message_id: &str) -> Result<&str, MailError> {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
    };
    match message_id.split_once('@') {
        Some((local, domain)) if plain(local) && plain(domain) => Ok(local),
        Some(_) | None => Err(MailError::Never(Box::new(MalformedMessageId))),
    }
}

/// The message; the same bytes for the same mail, sender and date.
///
/// # Errors
/// `Never` when a header cannot be written.
pub fn compose(mail: &Mail, sender: &Sender, date: Timestamp) -> Result<Message, MailError> {
    let to: Address =
        mail.to.as_str().parse().map_err(|error: lettre::address::AddressError| MailError::Never(error.into()))?;
    let boundary = format!("part-{}", local_id(&mail.message_id)?);
    let body = MultiPart::alternative()
        .boundary(boundary)
        .singlepart(SinglePart::plain(mail.text.clone()))
        .singlepart(SinglePart::html(mail.html.clone()));
    Message::builder()
        .from(sender.mailbox())
        .to(Mailbox::new(None, to))
        .subject(mail.subject.clone())
        .date(SystemTime::from(date))
        .message_id(Some(format!("<{}>", mail.message_id)))
        .header(AutoSubmitted)
        .multipart(body)
        .map_err(|error| MailError::Never(error.into()))
}

#[cfg(test)]
pub mod fixture {
    //! A mail, a sender and a stopped clock for the tests of this crate.
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use huntzen_tenancy::{clock::Clock, email::Email, mail::Mail};
    use jiff::Timestamp;

    use crate::sender::Sender;

    pub const ID: &str = "01980000-0000-7000-8000-000000000001@huntzen.care";

    pub struct StoppedClock;

    impl Clock for StoppedClock {
        fn now(&self) -> Timestamp {
            "2027-03-08T08:55:00Z".parse().unwrap()
        }
    }

    pub fn sender() -> Sender {
        Sender::parse("HuntZen Care <no-reply@huntzen.care>").unwrap()
    }

    pub fn mail() -> Mail {
        Mail {
            message_id: ID.to_owned(),
            to: Email::parse("lea.morel@lumiere.example").unwrap(),
            subject: "Rendez-vous déplacé".to_owned(),
            text: "Bonjour Léa,\n\nÀ bientôt.\n.\n".to_owned(),
            html: "<p>Bonjour Léa,</p>\n".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use huntzen_tenancy::clock::Clock;

    use super::{
        fixture::{ID, StoppedClock, mail, sender},
        *,
    };

    #[test]
    fn a_message_is_the_same_at_every_try() {
        let message = compose(&mail(), &sender(), StoppedClock.now()).unwrap().formatted();
        assert_eq!(message, compose(&mail(), &sender(), StoppedClock.now()).unwrap().formatted());
        assert_eq!(
            String::from_utf8(message).unwrap(),
            [
                "From: \"HuntZen Care\" <no-reply@huntzen.care>",
                "To: lea.morel@lumiere.example",
                "Subject: Rendez-vous =?utf-8?b?ZMOpcGxhY8Op?=",
                "Date: Mon, 08 Mar 2027 08:55:00 +0000",
                "Message-ID: <01980000-0000-7000-8000-000000000001@huntzen.care>",
                "Auto-Submitted: auto-generated",
                "MIME-Version: 1.0",
                "Content-Type: multipart/alternative;",
                " boundary=\"part-01980000-0000-7000-8000-000000000001\"",
                "",
                "--part-01980000-0000-7000-8000-000000000001",
                "Content-Type: text/plain; charset=utf-8",
                "Content-Transfer-Encoding: quoted-printable",
                "",
                "Bonjour L=C3=A9a,",
                "",
                "=C3=80 bient=C3=B4t.",
                ".",
                "",
                "--part-01980000-0000-7000-8000-000000000001",
                "Content-Type: text/html; charset=utf-8",
                "Content-Transfer-Encoding: quoted-printable",
                "",
                "<p>Bonjour L=C3=A9a,</p>",
                "",
                "--part-01980000-0000-7000-8000-000000000001--",
                "",
            ]
            .join("\r\n")
        );
    }

    #[test]
    fn no_header_can_be_slipped_in() {
        let subject = "Bonjour\r\nBcc: other@example.org".to_owned();
        let message = compose(&Mail { subject, ..mail() }, &sender(), StoppedClock.now()).unwrap();
        assert!(!String::from_utf8(message.formatted()).unwrap().contains("\nBcc:"));
        assert_eq!(message.envelope().to().len(), 1);
    }

    #[test]
    fn a_message_id_is_an_id_and_a_domain() {
        assert_eq!(local_id(ID).unwrap(), "01980000-0000-7000-8000-000000000001");
        for wrong in
            ["", "id", "@domain", "id@", "../id@domain", "id@../../domain", "i d@domain", "id@a@b", "id@a\r\nB"]
        {
            assert!(matches!(local_id(wrong), Err(MailError::Never(_))), "{wrong:?}");
        }
    }
}
