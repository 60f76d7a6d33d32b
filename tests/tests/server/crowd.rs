//! The people of the demonstration, signed in, and the times that they can book.
use diesel::{
    PgConnection, RunQueryDsl, sql_query,
    sql_types::{BigInt, Integer, Text},
};
use huntzen_tests::{
    client::{Answer, Client},
    scale,
    server::{DataFolder, Server},
};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use serde_json::{Value, json};

/// How many rounds a race has.
pub fn rounds() -> usize {
    scale::rounds(200)
}

#[derive(diesel::QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

fn names(owner: &mut PgConnection, query: &str, count: usize) -> Vec<String> {
    let limit = i32::try_from(count).unwrap();
    let found: Vec<Name> = sql_query(query).bind::<Integer, _>(limit).load(owner).unwrap();
    assert_eq!(found.len(), count, "the demonstration has not enough people");
    found.into_iter().map(|one| one.name).collect()
}

/// The access tokens of so many employees.
pub fn employees(folder: &DataFolder, server: &Server<'_>, count: usize) -> Vec<String> {
    employees_in(&mut folder.owner(), server, count)
}

/// The same of a database whose owner this is.
pub fn employees_in(owner: &mut PgConnection, server: &Server<'_>, count: usize) -> Vec<String> {
    let query = "SELECT u.email AS name FROM users u JOIN employees e ON e.user_id = u.id \
                 WHERE u.is_active AND e.status = 'ELIGIBLE' ORDER BY u.email LIMIT $1";
    names(owner, query, count).iter().map(|email| server.sign_in(email)).collect()
}

/// A practitioner.
pub struct Practitioner {
    /// Their entry in the directory.
    pub id: String,
    /// Their access token.
    pub token: String,
}

/// So many practitioners.
pub fn practitioners(folder: &DataFolder, server: &Server<'_>, count: usize) -> Vec<Practitioner> {
    practitioners_in(&mut folder.owner(), server, count)
}

/// The same of a database whose owner this is.
pub fn practitioners_in(owner: &mut PgConnection, server: &Server<'_>, count: usize) -> Vec<Practitioner> {
    let query = "SELECT p.id || ' ' || u.email AS name FROM practitioners p JOIN users u ON u.id = p.user_id \
                 ORDER BY u.email LIMIT $1";
    let found = names(owner, query, count);
    let signed_in = found.iter().map(|both| {
        let (id, email) = both.split_once(' ').unwrap();
        Practitioner { id: id.to_owned(), token: server.sign_in(email) }
    });
    signed_in.collect()
}

/// The starts that can be booked with a practitioner in the coming days, soonest first.
pub fn free_slots(client: &mut Client, practitioner: &str, days: i32) -> Vec<String> {
    let today = now().to_zoned(TimeZone::UTC).date();
    let path = format!(
        "/availability/slots?practitionerId={practitioner}&startDate={today}&endDate={}",
        today.saturating_add(days.days()),
    );
    let answer = client.send("GET", &path, None).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.json());
    let slots = answer.json();
    let free = slots.as_array().unwrap().iter().filter(|slot| slot["available"] == true);
    free.map(|slot| slot["startTime"].as_str().unwrap().to_owned()).collect()
}

/// Asks for a consultation.
pub fn book(client: &mut Client, practitioner: &str, start: &str) -> std::io::Result<Answer> {
    let booking = json!({ "practitionerId": practitioner, "type": "VIDEO", "scheduledAt": start });
    client.send("POST", "/consultations", Some(&booking))
}

/// The stable word of a problem.
pub fn code(answer: &Answer) -> String {
    answer.json()["code"].as_str().unwrap_or_default().to_owned()
}

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// How many rows there are of a table, or of what stands behind `FROM`.
pub fn count(folder: &DataFolder, what: &str) -> i64 {
    let query = format!("SELECT count(*) AS count FROM {what}");
    sql_query(query).get_result::<Number>(&mut folder.owner()).unwrap().count
}

/// A text of an answer.
pub fn text(answer: &Value, key: &str) -> String {
    answer[key].as_str().unwrap().to_owned()
}

#[expect(clippy::disallowed_methods, reason = "the server under test lives by the real clock")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// The same numbers in every run (`SplitMix64`).
pub struct Dice(u64);

impl Dice {
    /// Other numbers for each seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) >> 33).unwrap() % bound
    }
}
