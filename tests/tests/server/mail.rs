//! A mail server that refuses, cuts and is gone, while people book.
use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    thread::{self, sleep},
    time::{Duration, Instant},
};

use diesel::{Connection, PgConnection, RunQueryDsl, sql_query};
use huntzen_app::embedded::OWNER;
use huntzen_tests::{scale, server::DataFolder};

use crate::crowd::{book, count, employees, free_slots, practitioners};

/// How long the mail server does each of its mischiefs in `make test-full`; in `make test` a few seconds.
const MISCHIEF: Duration = Duration::from_secs(20);
const SHORT_MISCHIEF: Duration = Duration::from_secs(2);

/// Takes every letter.
const WELL: u8 = 0;
/// Says that it is busy (RFC 5321, 421) and hangs up.
const BUSY: u8 = 1;
/// Hangs up in the middle of a letter.
const CUTS: u8 = 2;
/// Refuses connections.
const GONE: u8 = 3;

/// A mail server whose manners change.
struct MailServer {
    port: u16,
    manner: Arc<AtomicU8>,
    /// How many letters it broke off.
    cut: Arc<AtomicUsize>,
    /// How often it took each `Message-ID` (RFC 5322).
    taken: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl MailServer {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = Self {
            port: listener.local_addr().unwrap().port(),
            manner: Arc::default(),
            cut: Arc::default(),
            taken: Arc::default(),
        };
        let (port, manner, cut, taken) = (own.port, own.manner.clone(), own.cut.clone(), own.taken.clone());
        thread::spawn(move || {
            let mut listening = Some(listener);
            loop {
                match (&listening, manner.load(Ordering::SeqCst)) {
                    (Some(_), GONE) => listening = None,
                    (None, GONE) => sleep(Duration::from_millis(10)),
                    (None, _) => listening = TcpListener::bind(("127.0.0.1", port)).ok(),
                    (Some(listener), _) => {
                        listener.set_nonblocking(true).unwrap();
                        match listener.accept() {
                            Ok((stream, _)) => {
                                stream.set_nonblocking(false).unwrap();
                                let (manner, cut, taken) = (manner.clone(), cut.clone(), taken.clone());
                                // Whoever hangs up is of no interest.
                                thread::spawn(move || converse(&stream, &manner, &cut, &taken));
                            }
                            Err(_) => sleep(Duration::from_millis(2)),
                        }
                    }
                }
            }
        });
        own
    }

    fn becomes(&self, manner: u8) {
        self.manner.store(manner, Ordering::SeqCst);
    }
}

/// Talks SMTP (RFC 5321) with one client until either hangs up.
fn converse(
    stream: &TcpStream,
    manner: &AtomicU8,
    cut: &AtomicUsize,
    taken: &Mutex<BTreeMap<String, usize>>,
) -> io::Result<()> {
    let mut answers = stream;
    let mut answer = |text: &str| answers.write_all(format!("{text}\r\n").as_bytes());
    answer("220 mail.example ESMTP")?;
    let (mut in_letter, mut id) = (false, String::new());
    for line in BufReader::new(stream).lines() {
        let line = line?;
        match (in_letter, manner.load(Ordering::SeqCst)) {
            (_, GONE) => return Ok(()),
            (false, BUSY) => return answer("421 mail.example is busy"),
            (true, CUTS) => {
                cut.fetch_add(1, Ordering::SeqCst);
                return Ok(());
            }
            _ => {}
        }
        if in_letter {
            if line.to_ascii_lowercase().starts_with("message-id:") {
                id.clone_from(&line);
            }
            if line == "." {
                in_letter = false;
                *taken.lock().unwrap().entry(std::mem::take(&mut id)).or_default() += 1;
                answer("250 taken")?;
            }
            continue;
        }
        match line.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" => answer("250-mail.example\r\n250 8BITMIME")?,
            "DATA" => {
                in_letter = true;
                answer("354 go on")?;
            }
            "QUIT" => return answer("221 bye"),
            _ => answer("250 fine")?,
        }
    }
    Ok(())
}

/// Letters that were not given up.
fn letters(folder: &DataFolder, which: &str) -> usize {
    usize::try_from(count(folder, &format!("outbox WHERE NOT given_up AND {which}"))).unwrap()
}

#[test]
fn no_letter_is_lost_or_sent_twice_while_the_mail_server_fails() {
    let mail = MailServer::start();
    let folder = DataFolder::seeded()
        .with("SMTP_HOST", "127.0.0.1")
        .with("SMTP_PORT", mail.port.to_string())
        .with("HUNTZEN__SMTP__TLS", "none");
    // What the demonstration wrote is out of the way before the start.
    let cluster = folder.cluster();
    let mut owner = PgConnection::establish(&cluster.url(OWNER)).unwrap();
    sql_query("UPDATE outbox SET given_up = true").execute(&mut owner).unwrap();
    drop((owner, cluster));
    let server = folder.serve();
    let people = employees(&folder, &server, 6).into_iter().zip(practitioners(&folder, &server, 6));
    let mut people: Vec<_> = people
        .map(|(token, practitioner)| {
            let mut client = server.client().with_token(token);
            let free = free_slots(&mut client, &practitioner.id, 89).into_iter();
            (client, practitioner.id, free)
        })
        .collect();
    let mischief = if scale::is_full() { MISCHIEF } else { SHORT_MISCHIEF };
    for manner in [WELL, BUSY, CUTS, GONE] {
        mail.becomes(manner);
        let begun = Instant::now();
        while begun.elapsed() < mischief {
            for (client, practitioner, free) in &mut people {
                // Long mischief outlasts the calendar.
                let Some(start) = free.next() else { continue };
                let answer = book(client, practitioner, &start).unwrap();
                assert_eq!(answer.status, 201, "{}", answer.json());
            }
            sleep(Duration::from_millis(100));
        }
    }
    assert!(mail.cut.load(Ordering::SeqCst) > 0, "no letter was broken off");
    assert!(letters(&folder, "sent_at IS NULL") > 0, "nothing waits");
    mail.becomes(WELL);
    let begun = Instant::now();
    while letters(&folder, "sent_at IS NULL") > 0 {
        assert!(begun.elapsed() < Duration::from_mins(5), "letters stay: {}", server.log());
        sleep(Duration::from_millis(100));
    }
    let taken = mail.taken.lock().unwrap();
    assert_eq!(taken.len(), letters(&folder, "true"), "every letter left, each with an id of its own");
    assert!(taken.values().all(|times| *times == 1), "a letter left twice: {taken:?}");
    drop(taken);
    assert!(server.stop().success());
}
