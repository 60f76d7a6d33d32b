//! What the mailer says on the wire, and what it makes of each answer.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
use std::{
    error::Error as _,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc::{self, Receiver, Sender as Channel},
    thread,
};

use super::*;
use crate::message::fixture::{ID, StoppedClock, mail, sender};

/// What the server in this file does.
#[derive(Clone, Copy)]
enum Manner {
    /// Takes everything.
    Accept,
    /// Greets with this line and hangs up.
    Greet(&'static str),
    /// Answers a recipient so.
    Recipient(&'static str),
    /// Answers a sign-in so.
    SignIn(&'static str),
    /// Answers the end of a message so.
    EndOfMessage(&'static str),
    /// Hangs up in the middle of a message.
    Cut,
}

/// A mail server of one test; what it hears can be read.
struct TestServer {
    port: u16,
    heard: Receiver<String>,
}

impl TestServer {
    fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, heard) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let _ = converse(&stream.unwrap(), manner, &tell);
            }
        });
        Self { port, heard }
    }

    fn settings(&self) -> SmtpServer {
        SmtpServer {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            security: SmtpSecurity::None,
            credentials: None,
            timeout: Duration::from_secs(20),
        }
    }

    fn mailer(&self) -> SmtpMailer {
        mailer(&self.settings())
    }

    /// The lines heard so far, without the tests of idle connections.
    fn lines(&self) -> Vec<String> {
        self.heard.try_iter().filter(|line| line != "NOOP").collect()
    }
}

fn mailer(server: &SmtpServer) -> SmtpMailer {
    SmtpMailer::new(server, sender(), Arc::new(StoppedClock)).unwrap()
}

/// Talks SMTP with one client until either hangs up.
fn converse(stream: &TcpStream, manner: Manner, tell: &Channel<String>) -> std::io::Result<()> {
    let mut answers = stream;
    let mut answer = |text: &str| answers.write_all(format!("{text}\r\n").as_bytes());
    if let Manner::Greet(line) = manner {
        return answer(line);
    }
    answer("220 mail.example ESMTP")?;
    let mut in_message = false;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        tell.send(line.clone()).unwrap();
        if in_message {
            in_message = line != ".";
            if matches!(manner, Manner::Cut) {
                return Ok(());
            }
            if !in_message {
                answer(if let Manner::EndOfMessage(refusal) = manner { refusal } else { "250 taken" })?;
            }
            continue;
        }
        match (line.split([' ', ':']).next().unwrap_or_default(), manner) {
            ("EHLO", _) => answer("250-mail.example\r\n250-8BITMIME\r\n250 AUTH PLAIN")?,
            ("AUTH", Manner::SignIn(refusal)) | ("RCPT", Manner::Recipient(refusal)) => answer(refusal)?,
            ("AUTH", _) => answer("235 welcome")?,
            ("DATA", _) => {
                in_message = true;
                answer("354 go on")?;
            }
            ("QUIT", _) => return answer("221 bye"),
            _ => answer("250 fine")?,
        }
    }
    Ok(())
}

/// Everything that a log of the error would show.
fn shown(error: &MailError) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text} {error}");
        source = error.source();
    }
    text
}

#[test]
fn a_mail_that_is_taken_arrives_whole() {
    let server = TestServer::start(Manner::Accept);
    server.mailer().send(&mail()).unwrap();
    let lines = server.lines();
    let (greeting, rest) = lines.split_first().unwrap();
    assert!(greeting.starts_with("EHLO "), "{greeting}");
    assert_eq!(
        rest.get(..3).unwrap(),
        ["MAIL FROM:<no-reply@huntzen.care>", "RCPT TO:<lea.morel@lumiere.example>", "DATA"]
    );
    let message = compose(&mail(), &sender(), StoppedClock.now()).unwrap().formatted();
    let expected: Vec<String> = String::from_utf8(message)
        .unwrap()
        .split("\r\n")
        // A dot at the start of a line is doubled on the wire (RFC 5321 §4.5.2).
        .map(|line| if line.starts_with('.') { format!(".{line}") } else { line.to_owned() })
        .collect();
    let heard = rest.get(3..).unwrap();
    let end = heard.iter().position(|line| line == ".").unwrap();
    assert_eq!(heard.get(..end).unwrap(), expected);
    assert!(heard.contains(&format!("Message-ID: <{ID}>")));
    assert!(heard.contains(&"Date: Mon, 08 Mar 2027 08:55:00 +0000".to_owned()));
}

#[test]
fn mails_in_a_row_share_a_connection() {
    let server = TestServer::start(Manner::Accept);
    let mailer = server.mailer();
    for _ in 0..3 {
        mailer.send(&mail()).unwrap();
    }
    let lines = server.lines();
    assert_eq!(lines.iter().filter(|line| line.starts_with("EHLO")).count(), 1);
    assert_eq!(lines.iter().filter(|line| line.as_str() == "DATA").count(), 3);
}

#[test]
fn a_temporary_refusal_is_for_later() {
    for manner in [
        Manner::Recipient("451 4.3.0 not now"),
        Manner::Recipient("450 4.2.0 greylisted"),
        Manner::EndOfMessage("452 4.3.1 full"),
        Manner::Greet("421 4.3.2 closing"),
    ] {
        let failed = TestServer::start(manner).mailer().send(&mail()).unwrap_err();
        assert!(matches!(failed, MailError::Later(_)), "{failed:?}");
    }
}

#[test]
fn a_permanent_refusal_of_the_mail_is_for_ever() {
    for manner in [Manner::Recipient("550 5.1.1 unknown"), Manner::EndOfMessage("554 5.7.1 unwanted")] {
        let failed = TestServer::start(manner).mailer().send(&mail()).unwrap_err();
        assert!(matches!(failed, MailError::Never(_)), "{failed:?}");
    }
}

#[test]
fn a_refused_recipient_does_not_spoil_the_next_mail() {
    let server = TestServer::start(Manner::Recipient("451 4.3.0 not now"));
    let mailer = server.mailer();
    for _ in 0..2 {
        assert!(matches!(mailer.send(&mail()), Err(MailError::Later(_))));
    }
    let lines = server.lines();
    assert_eq!(lines.iter().filter(|line| line.starts_with("RCPT")).count(), 2);
}

#[test]
fn a_refused_session_loses_no_mail() {
    let credentials = Some(SmtpCredentials { user: "huntzen".to_owned(), password: SecretString::from("wrong") });
    for manner in [Manner::SignIn("535 5.7.8 wrong password"), Manner::Greet("554 5.3.2 no service here")] {
        let server = TestServer::start(manner);
        let failed =
            mailer(&SmtpServer { credentials: credentials.clone(), ..server.settings() }).send(&mail()).unwrap_err();
        assert!(matches!(failed, MailError::Later(_)), "{failed:?}");
        assert!(!server.lines().iter().any(|line| line.starts_with("MAIL")));
    }
    let failed = TestServer::start(Manner::Recipient("530 5.7.0 sign in first")).mailer().send(&mail()).unwrap_err();
    assert!(matches!(failed, MailError::Later(_)), "{failed:?}");
}

#[test]
fn the_user_signs_in() {
    let server = TestServer::start(Manner::Accept);
    let credentials = Some(SmtpCredentials { user: "huntzen".to_owned(), password: SecretString::from("open sesame") });
    mailer(&SmtpServer { credentials, ..server.settings() }).send(&mail()).unwrap();
    // Base64 of NUL, user, NUL, password (RFC 4616 §2).
    assert!(server.lines().contains(&"AUTH PLAIN AGh1bnR6ZW4Ab3BlbiBzZXNhbWU=".to_owned()));
}

#[test]
fn a_connection_that_breaks_is_for_later() {
    let failed = TestServer::start(Manner::Cut).mailer().send(&mail()).unwrap_err();
    assert!(matches!(failed, MailError::Later(_)), "{failed:?}");

    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let server = TestServer::start(Manner::Accept);
    let failed = mailer(&SmtpServer { port, ..server.settings() }).send(&mail()).unwrap_err();
    assert!(matches!(failed, MailError::Later(_)), "{failed:?}");
}

#[test]
fn a_server_without_tls_hears_no_mail() {
    for security in [SmtpSecurity::StartTls, SmtpSecurity::Implicit] {
        let server = TestServer::start(Manner::Accept);
        let settings = SmtpServer { security, timeout: Duration::from_millis(500), ..server.settings() };
        let failed = mailer(&settings).send(&mail()).unwrap_err();
        assert!(matches!(failed, MailError::Later(_)), "{failed:?}");
        assert!(!server.lines().iter().any(|line| line.starts_with("MAIL") || line.starts_with("AUTH")));
    }
}

#[test]
fn no_address_is_shown_with_an_error() {
    let server = TestServer::start(Manner::Recipient("550 5.1.1 <lea.morel@lumiere.example> unknown"));
    let failed = server.mailer().send(&mail()).unwrap_err();
    assert!(shown(&failed).contains("550"), "{}", shown(&failed));
    assert!(!shown(&failed).contains("lea.morel"), "{}", shown(&failed));
}
