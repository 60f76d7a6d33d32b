//! A mailer that hands mails to an SMTP server (RFC 5321).
use std::{sync::Arc, time::Duration};

use huntzen_tenancy::{
    clock::Clock,
    mail::{Mail, MailError, Mailer},
};
use lettre::{
    SmtpTransport, Transport,
    transport::smtp::{
        Error, PoolConfig,
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};
use secrecy::{ExposeSecret, SecretString};

use crate::{message::compose, sender::Sender};

/// Connections kept open between mails: the outbox has few senders.
const KEPT_CONNECTIONS: u32 = 2;

/// Codes that speak of the session (sign-in, RFC 4954 §6; a host that takes no mail, RFC 7504)
/// and not of the mail, though they look permanent: the operator can mend the cause.
const OF_THE_SESSION: &[u16] = &[521, 530, 534, 535, 538];

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// Plain first, then upgraded; nothing is sent to a server that does not upgrade (RFC 3207).
    StartTls,
    /// TLS from the first byte (RFC 8314 §3.3).
    Implicit,
    /// Unprotected: for a server on the same machine.
    None,
}

/// Who signs in at the mail server.
#[derive(Clone, Debug)]
pub struct SmtpCredentials {
    /// The user.
    pub user: String,
    /// Its password.
    pub password: SecretString,
}

/// Where mails are handed over.
#[derive(Clone, Debug)]
pub struct SmtpServer {
    /// Its name or address; the name that its certificate must bear.
    pub host: String,
    /// Its TCP port.
    pub port: u16,
    /// How the connection is protected.
    pub security: SmtpSecurity,
    /// Who signs in, where the server asks for it.
    pub credentials: Option<SmtpCredentials>,
    /// How long to wait for the connection and for each answer.
    pub timeout: Duration,
}

/// The server cannot be talked to as it is described.
#[derive(Debug, thiserror::Error)]
#[error("the protection of the connection to the mail server cannot be set up")]
pub struct UnusableServer(#[source] Error);

/// Why a mail was not taken, without the server's words: they often repeat the address.
#[derive(Debug, thiserror::Error)]
enum NotTaken {
    #[error("the mail server answered {0}")]
    Answer(u16),
    #[error("the connection to the mail server failed")]
    Connection(#[source] Error),
}

impl From<Error> for NotTaken {
    fn from(error: Error) -> Self {
        match error.status() {
            Some(code) => Self::Answer(code.into()),
            None => Self::Connection(error),
        }
    }
}

/// Hands mails to one SMTP server, over a few connections that are kept open.
pub struct SmtpMailer {
    transport: SmtpTransport,
    sender: Sender,
    clock: Arc<dyn Clock>,
}

impl SmtpMailer {
    /// Prepares for `server`; connects when the first mail leaves.
    ///
    /// # Errors
    /// [`UnusableServer`] when TLS cannot be set up.
    pub fn new(server: &SmtpServer, sender: Sender, clock: Arc<dyn Clock>) -> Result<Self, UnusableServer> {
        let parameters = || TlsParameters::new(server.host.clone()).map_err(UnusableServer);
        let tls = match server.security {
            SmtpSecurity::StartTls => Tls::Required(parameters()?),
            SmtpSecurity::Implicit => Tls::Wrapper(parameters()?),
            SmtpSecurity::None => Tls::None,
        };
        let mut builder = SmtpTransport::builder_dangerous(&server.host)
            .port(server.port)
            .tls(tls)
            .timeout(Some(server.timeout))
            .pool_config(PoolConfig::new().max_size(KEPT_CONNECTIONS));
        if let Some(SmtpCredentials { user, password }) = &server.credentials {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()));
        }
        Ok(Self { transport: builder.build(), sender, clock })
    }
}

impl Mailer for SmtpMailer {
    fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = compose(mail, &self.sender, self.clock.now())?;
        // Connects, protects and signs in first: a refusal there says nothing about this mail.
        self.transport.test_connection().map_err(|error| MailError::Later(Box::new(NotTaken::from(error))))?;
        match self.transport.send(&message) {
            Ok(_) => Ok(()),
            Err(error) => {
                let permanent =
                    error.is_permanent() && error.status().is_some_and(|code| !OF_THE_SESSION.contains(&code.into()));
                let reason = Box::new(NotTaken::from(error));
                Err(if permanent { MailError::Never(reason) } else { MailError::Later(reason) })
            }
        }
    }
}

#[cfg(test)]
mod tests;
