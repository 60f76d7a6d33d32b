//! The demonstration data: two companies, six practitioners, six closed months of consultations,
//! articles and news, played through the real use cases on a clock of the past.
//!
//! Seeding again adds nothing, and finishes what a seeding that was cut short left undone.
mod cast;
mod history;
mod people;
mod reading;
mod stage;

use std::fmt;

use huntzen_tenancy::{Job, Origin, Scope, TenancyError, email::Email};
use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date, tz::TimeZone};

use crate::{
    cli::Failure,
    services::{Ports, Rules},
};

/// The password of every account of the demonstration.
pub const PASSWORD: &str = "demo-huntzen-2027";

/// One account of each role to sign in with.
pub const SIGN_INS: [(&str, &str); 5] = [
    ("SUPER_ADMIN", "super@huntzen.example"),
    ("ADMIN_HUNTZEN", "admin@huntzen.example"),
    ("ADMIN_RH", "rh@techcorp.example"),
    ("PRACTITIONER", "sophie.martin@huntzen.example"),
    ("EMPLOYEE", "marc.dupont@techcorp.example"),
];

/// How many closed months there are.
const MONTHS: i32 = 6;
/// Months that are closed in one go.
const BATCH: u32 = 100;

/// What a seeding added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// Accounts that can sign in.
    pub accounts: usize,
    /// Consultations, all ended.
    pub consultations: usize,
    /// Articles.
    pub articles: usize,
    /// News of companies.
    pub news: usize,
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accounts, consultations, articles, news } = self;
        if *self == Self::default() {
            return f.write_str("The demonstration data are all there.");
        }
        write!(
            f,
            "Added {accounts} accounts, {consultations} ended consultations, {articles} articles and {news} pieces of news."
        )
    }
}

/// Plays the demonstration into the store behind `ports`.
///
/// # Errors
/// When a use case refuses, which it does not on a store that only the demonstration has used.
pub fn seed(ports: &Ports, rules: &Rules) -> Result<Made, Failure> {
    let closing_day = rules.reporting.close_day;
    let first_month = first_month(ports, closing_day)?;
    let opening = morning(first_month.saturating_sub(20.days()));
    let stage = stage::Stage::new(ports, rules, opening);
    let mut made = Made::default();
    let cast = cast::assemble(&stage, ports, &mut made)?;
    for month in 0..MONTHS {
        history::play_month(&stage, &cast, first_month.saturating_add(month.months()), &mut made)?;
    }
    close_months(&stage, first_month, closing_day)?;
    reading::publish(&stage, &cast, first_month, &mut made)?;
    // The letters of those months are nobody's to read any more.
    let week = SignedDuration::from_hours(7 * 24);
    let outbox = Scope::worker(Job::Outbox);
    ports.tenancy.run(&outbox, |tx| Ok(tx.give_up_older(ports.clock.now() - week)?))?;
    Ok(made)
}

/// Has each month closed by the jobs, on the day on which it was over.
fn close_months(stage: &stage::Stage, first_month: Date, closing_day: i8) -> Result<(), Failure> {
    // What comes before the first month, and then each of them.
    for month in 0..=MONTHS {
        let following = first_month.saturating_add(month.months());
        stage.set(morning(following.saturating_add((closing_day - 1).days())));
        while stage.services.statements.close(BATCH)? > 0 {}
        while stage.services.releases.close(BATCH)? > 0 {}
    }
    Ok(())
}

/// The first day of the first of the closed months. It follows from when the operator of an
/// earlier seeding was made, so that seeding in a later month adds nothing.
fn first_month(ports: &Ports, closing_day: i8) -> Result<Date, Failure> {
    if let Some(since) = created_at(ports, "super@huntzen.example")? {
        return Ok(paris().to_datetime(since).date().saturating_add(20.days()).first_of_month());
    }
    let today = paris().to_datetime(ports.clock.now()).date();
    let closed = if today.day() >= closing_day { 1 } else { 2 };
    Ok(today.first_of_month().saturating_sub((closed + MONTHS - 1).months()))
}

/// When the account with this address was made.
fn created_at(ports: &Ports, address: &str) -> Result<Option<Timestamp>, Failure> {
    Ok(account(ports, address)?.map(|user| user.created_at))
}

/// The account with this address.
fn account(ports: &Ports, address: &str) -> Result<Option<huntzen_tenancy::identity::User>, TenancyError> {
    let email = Email::parse(address).ok_or(TenancyError::NotFound)?;
    let scope = Scope::sign_in(email.clone(), Origin::default());
    ports.tenancy.run(&scope, |tx| Ok(tx.user_by_email(&email)?))
}

fn paris() -> TimeZone {
    TimeZone::get("Europe/Paris").unwrap_or(TimeZone::UTC)
}

/// Nine o'clock in Paris.
fn morning(day: Date) -> Timestamp {
    paris().to_timestamp(day.at(9, 0, 0, 0)).unwrap_or(Timestamp::UNIX_EPOCH)
}
