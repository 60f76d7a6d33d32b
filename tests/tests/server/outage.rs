//! A database that stands still, and then is gone, while everybody goes on asking.
use std::{
    sync::atomic::{AtomicU8, AtomicUsize, Ordering},
    thread::{scope, sleep},
    time::{Duration, Instant},
};

use diesel::{Connection, PgConnection};
use huntzen_app::{
    demo,
    embedded::{Embedded, OWNER, Purpose},
};
use huntzen_tests::{
    api::forms::{Form, document},
    client::{Answer, Client},
    samples, scale,
    server::{DataFolder, Server, postmaster},
};
use serde_json::json;

use crate::{
    crowd::{book, free_slots, text},
    without_database::{AT_MOST, Frozen},
};

/// How long the database is away in `make test-full`; in `make test` long enough for every thread and
/// every place in the queue to be taken, and for patience to end twice.
const AWAY: Duration = Duration::from_secs(30);
const AWAY_SHORTLY: Duration = Duration::from_secs(8);
const EMPLOYEE: &str = "marc.dupont@techcorp.example";
const HR: &str = "rh@techcorp.example";

/// The database answers: nothing may be refused.
const CALM: u8 = 0;
/// It does not, or it has only just come back.
const STORM: u8 = 1;
/// Time to stop.
const OVER: u8 = 2;

/// What a client asks for over and over.
#[derive(Clone, Copy, Debug)]
enum Question {
    /// What the process answers by itself: never refused.
    Crisis,
    Live,
    /// What says how the database does.
    Health,
    /// The session cache knows the answer for a minute.
    Me,
    List,
    Slots,
    Book,
    SignIn,
    Confide,
    Upload,
    Import,
    /// The same two with a key that each of two requests has, and a message likewise.
    BookOnce,
    ImportOnce,
    SayOnce,
    Say,
}

const QUESTIONS: [Question; 15] = [
    Question::Crisis,
    Question::Live,
    Question::Health,
    Question::Me,
    Question::List,
    Question::Slots,
    Question::Book,
    Question::SignIn,
    Question::Confide,
    Question::Upload,
    Question::Import,
    Question::BookOnce,
    Question::ImportOnce,
    Question::SayOnce,
    Question::Say,
];

impl Question {
    /// The status of a good answer; a slot may have been taken by a request whose answer was a refusal.
    fn is_good(self, status: u16) -> bool {
        match self {
            // Or the first of its name is still under way.
            Self::Book | Self::BookOnce | Self::SayOnce => matches!(status, 201 | 409),
            Self::ImportOnce => matches!(status, 200 | 409),
            Self::Confide | Self::Upload | Self::Say => status == 201,
            Self::Crisis
            | Self::Live
            | Self::Health
            | Self::Me
            | Self::List
            | Self::Slots
            | Self::SignIn
            | Self::Import => status == 200,
        }
    }

    fn may_be_refused(self) -> bool {
        !matches!(self, Self::Crisis | Self::Live)
    }

    /// Between two requests of one client; nobody may keep more than a hundred files.
    fn pause(self) -> Duration {
        Duration::from_millis(if matches!(self, Self::Upload) { 1_000 } else { 50 })
    }
}

/// Whom everybody asks, and what they need to ask.
struct Scene<'a> {
    server: &'a Server<'a>,
    employee: String,
    hr: String,
    practitioner: String,
    /// One whose conversation is open.
    consultation: String,
    slots: Vec<String>,
    next_slot: AtomicUsize,
    weather: AtomicU8,
    /// Good answers to each question to requests that began after the last change of the weather.
    good: [AtomicUsize; QUESTIONS.len()],
}

impl Scene<'_> {
    fn client(&self, question: Question) -> Client {
        let client = self.server.client();
        match question {
            Question::Crisis | Question::Live | Question::Health | Question::SignIn => client,
            Question::Import | Question::ImportOnce => client.with_token(self.hr.clone()),
            Question::Me
            | Question::List
            | Question::Slots
            | Question::Book
            | Question::BookOnce
            | Question::Say
            | Question::SayOnce
            | Question::Confide
            | Question::Upload => client.with_token(self.employee.clone()),
        }
    }

    fn ask(&self, client: &mut Client, question: Question) -> Answer {
        let answer = match question {
            Question::Crisis => client.send("GET", "/crisis", None),
            Question::Live => client.send("GET", "/health/live", None),
            Question::Health => client.send("GET", "/health", None),
            Question::Me => client.send("GET", "/auth/me", None),
            Question::List => client.send("GET", "/notifications", None),
            Question::Slots => {
                let day = self.slots[0].split('T').next().unwrap();
                let of = &self.practitioner;
                let path = format!("/availability/slots?practitionerId={of}&startDate={day}&endDate={day}");
                client.send("GET", &path, None)
            }
            Question::Book | Question::BookOnce => {
                let number = self.next_slot.fetch_add(1, Ordering::SeqCst);
                book(client, &self.practitioner, &self.slots[number % self.slots.len()])
            }
            Question::SignIn => {
                let credentials = json!({ "email": EMPLOYEE, "password": demo::PASSWORD });
                client.send("POST", "/auth/login", Some(&credentials))
            }
            Question::Confide => client.send("POST", "/medical/journal", Some(&json!({ "content": "calm" }))),
            Question::Upload => {
                let form = document("DOCUMENT", &samples::pdf());
                client.send_bytes("POST", "/files/upload", (&Form::media(), &form.bytes()))
            }
            Question::Say | Question::SayOnce => {
                let path = format!("/chat/{}/messages", self.consultation);
                client.send("POST", &path, Some(&json!({ "content": "calm" })))
            }
            Question::Import | Question::ImportOnce => {
                let file = "email,firstName,lastName\nzoe@techcorp.example,Zoé,Petit\n";
                client.send_bytes("POST", "/employees/import", ("text/csv", file.as_bytes()))
            }
        };
        answer.unwrap_or_else(|error| panic!("{question:?} got no answer: {error}"))
    }

    /// Asks until it is over; every answer is in time, and a refusal says when to come back.
    fn go_on_asking(&self, number: usize) {
        let _stops_all = StopsAll(self);
        let question = QUESTIONS[number];
        let mut client = self.client(question);
        for asked in 0.. {
            if matches!(question, Question::BookOnce | Question::ImportOnce | Question::SayOnce) {
                client.set_key(Some(&format!("{question:?} {}", asked / 2)));
            }
            let before = self.weather.load(Ordering::SeqCst);
            if before == OVER {
                return;
            }
            let begun = Instant::now();
            let answer = self.ask(&mut client, question);
            let took = begun.elapsed();
            assert!(took < AT_MOST, "{question:?} was answered {} after {took:?}", answer.status);
            let after = self.weather.load(Ordering::SeqCst);
            if question.is_good(answer.status) {
                if before == after {
                    self.good[number].fetch_add(1, Ordering::SeqCst);
                }
            } else {
                assert_eq!(answer.status, 503, "{question:?}: {}", answer.json());
                assert!(answer.header("retry-after").is_some(), "{question:?} does not say when to come back");
                let stormy = before == STORM || after == STORM;
                assert!(question.may_be_refused() && stormy, "{question:?} was refused: {}", answer.json());
            }
            sleep(question.pause());
        }
    }

    fn change(&self, weather: u8) {
        self.weather.store(weather, Ordering::SeqCst);
        for good in &self.good {
            good.store(0, Ordering::SeqCst);
        }
    }

    /// Waits until everybody has had so many good answers since the weather changed.
    fn everybody_is_answered(&self, times: usize) {
        let begun = Instant::now();
        while self.good.iter().any(|good| good.load(Ordering::SeqCst) < times) {
            assert!(self.weather.load(Ordering::SeqCst) != OVER, "a client gave up");
            assert!(begun.elapsed() < Duration::from_mins(1), "{:?} {}", self.good, self.server.log());
            sleep(Duration::from_millis(5));
        }
    }
}

/// Ends the others when one panics, so that the test ends.
struct StopsAll<'a>(&'a Scene<'a>);

impl Drop for StopsAll<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.weather.store(OVER, Ordering::SeqCst);
        }
    }
}

/// A server's own cluster, which can stand still and be gone.
struct Away {
    folder: DataFolder,
    cluster: Option<Embedded>,
}

impl Away {
    fn start() -> Self {
        let folder = DataFolder::new();
        let cluster = Embedded::start(folder.path(), Purpose::Command).unwrap();
        Self { folder, cluster: Some(cluster) }
    }

    fn url(&self) -> String {
        let folder = self.cluster.as_ref().unwrap().socket_folder();
        format!("postgresql:///huntzen?host={}&user={OWNER}", folder.display())
    }

    fn postmaster(&self) -> i32 {
        postmaster(&mut PgConnection::establish(&self.url()).unwrap())
    }

    fn stop(&mut self) {
        self.cluster = None;
    }

    fn start_again(&mut self) {
        self.cluster = Some(Embedded::start(self.folder.path(), Purpose::Command).unwrap());
    }
}

#[test]
fn everybody_is_answered_in_time_while_the_database_stands_still_or_is_gone() {
    let away = if scale::is_full() { AWAY } else { AWAY_SHORTLY };
    let mut database = Away::start();
    let folder =
        DataFolder::new().with("DATABASE_URL", database.url()).with("HUNTZEN__CHAT__OPEN_HOURS_BEFORE", "2160");
    let migrated = folder.run(&["migrate"]);
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    folder.seed();
    let server = folder.serve();
    let employee = server.sign_in(EMPLOYEE);
    let mut client = server.client().with_token(employee.clone());
    let found = client.send("GET", "/practitioners/search", None).unwrap().json();
    let practitioner = text(&found["items"][0], "id");
    let slots = free_slots(&mut client, &practitioner, 89);
    let hr = server.sign_in(HR);
    let booked = book(&mut client, &practitioner, &slots[0]).unwrap();
    assert_eq!(booked.status, 201, "{}", booked.json());
    let consultation = text(&booked.json(), "id");
    let scene = Scene {
        server: &server,
        employee,
        hr,
        practitioner,
        consultation,
        slots,
        next_slot: AtomicUsize::new(1),
        weather: AtomicU8::new(CALM),
        good: std::array::from_fn(|_| AtomicUsize::new(0)),
    };
    scope(|scope| {
        for number in 0..QUESTIONS.len() {
            let scene = &scene;
            scope.spawn(move || scene.go_on_asking(number));
        }
        // Whatever goes wrong here, the clients stop.
        let _stops_all = StopsAll(&scene);
        scene.everybody_is_answered(3);
        let postmaster = database.postmaster();
        scene.change(STORM);
        let frozen = Frozen::of(postmaster);
        sleep(away);
        drop(frozen);
        scene.change(STORM);
        scene.everybody_is_answered(3);
        scene.change(CALM);
        scene.everybody_is_answered(3);
        scene.change(STORM);
        database.stop();
        sleep(away);
        database.start_again();
        scene.change(STORM);
        scene.everybody_is_answered(3);
        scene.change(CALM);
        scene.everybody_is_answered(3);
        scene.change(OVER);
    });
    assert!(server.stop().success());
}
