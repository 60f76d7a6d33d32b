//! Whom every letter comes from.
use lettre::{address::AddressError, message::Mailbox};

/// The text names no sender.
#[derive(Debug, thiserror::Error)]
#[error("the sender is not a mailbox such as \"Name <name@example.org>\"")]
pub struct InvalidSender(#[from] AddressError);

/// The name and address that every letter comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender(Mailbox);

impl Sender {
    /// Reads a mailbox such as `Name <name@example.org>` (RFC 5322 §3.4).
    ///
    /// # Errors
    /// [`InvalidSender`] when it is none.
    pub fn parse(mailbox: &str) -> Result<Self, InvalidSender> {
        Ok(Self(mailbox.parse()?))
    }

    /// The name that signs the letters; without one, the domain.
    pub fn name(&self) -> &str {
        self.0.name.as_deref().unwrap_or_else(|| self.domain())
    }

    /// What stands after the `@` of the address.
    pub fn domain(&self) -> &str {
        self.0.email.domain()
    }

    pub(crate) fn mailbox(&self) -> Mailbox {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn name_and_domain_are_read() {
        let sender = Sender::parse("HuntZen Care <no-reply@huntzen.care>").unwrap();
        assert_eq!((sender.name(), sender.domain()), ("HuntZen Care", "huntzen.care"));
        let bare = Sender::parse("no-reply@huntzen.care").unwrap();
        assert_eq!((bare.name(), bare.domain()), ("huntzen.care", "huntzen.care"));
    }

    #[test]
    fn what_is_no_mailbox_is_refused() {
        for text in ["", "HuntZen Care", "HuntZen Care <>", "a@b@c", "name@example.org\r\nBcc: x@example.org"] {
            assert!(Sender::parse(text).is_err(), "{text:?}");
        }
    }
}
