//! Twin companies: the same people on the same roster, of whom others use the service. Whatever HR asks,
//! the twins must answer alike: then no answer depends on who it was.
use huntzen_adapter_crypto::BcryptHasher;
use huntzen_tenancy::{
    clock::Clock,
    company::HrReporting,
    employee::{Employee, EmployeeStatus},
    identity::PasswordHasher,
    policy::Role,
};
use jiff::civil::{Date, date};
use secrecy::SecretString;

use super::roster::{MONTHS, Member, Roster, department};
use crate::{
    api::{ApiWorld, PASSWORD},
    cast::{Person, added, company, member, operator, siret},
    clock::at,
    contracts::preferences,
    sequence::Sequence,
    usage::Usage,
};

/// The first days of the months of a roster.
pub const FIRSTS: [Date; MONTHS] = [date(2027, 1, 1), date(2027, 2, 1), date(2027, 3, 1), date(2027, 4, 1)];

/// HR's address in every twin.
pub const HR: &str = "rh@twin.example";

/// A company that was played, its months closed.
pub struct Twin {
    /// The application.
    pub api: ApiWorld,
    /// The company's id.
    pub company: String,
    /// The employees' ids, in the order of the roster; whoever was never there has none.
    pub employees: Vec<Option<String>>,
}

impl Twin {
    /// Plays a roster: people are listed, move and leave on the first day of a month, and use the service
    /// in it; then all months close, reported in this mode. All ids are the same for the same `seed`.
    pub async fn play(roster: &Roster, (seed, reported_in): (u64, HrReporting)) -> Self {
        let api = ApiWorld::memory_seeded(seed).await;
        let world = &api.world;
        world.clock.set(at("2026-12-15T08:00:00Z"));
        let administrator = added(world, &operator(world), "admin@huntzen.example", Role::AdminHuntzen, None);
        let made = company(world, &administrator, "Twin", "twin.example", &siret(1));
        let mut reported = made.clone();
        reported.reporting = [(FIRSTS[0], reported_in)].into_iter().collect();
        world.tenancy.run(&administrator.scope(), |tx| tx.update_company(&reported)).unwrap();
        let hr = signs_in(&api, added(world, &administrator, HR, Role::AdminRh, Some(made.id)));
        let usage = Usage::new(world, &administrator);
        let mut listed: Vec<Option<(Person, Employee)>> = vec![None; roster.members.len()];
        for (month, first) in FIRSTS.into_iter().enumerate() {
            // At noon in Paris: on that very day.
            world.clock.set(at(&format!("{first}T11:00:00Z")));
            for (one, entry) in roster.members.iter().zip(&mut listed) {
                place(&api, &hr, entry, (one.departments[month], one.agrees));
            }
            let there = roster.members.iter().zip(&listed).filter(|(one, _)| one.departments[month].is_some());
            for (one, entry) in there {
                for minutes in &one.used[month] {
                    usage.took_place(entry.as_ref().unwrap(), first, i64::from(*minutes));
                }
            }
        }
        world.clock.set(at("2027-05-10T08:00:00Z"));
        while api.services.releases.close(100).unwrap() > 0 {}
        let employees = listed.into_iter().map(|entry| entry.map(|(_, entry)| entry.id.to_string())).collect();
        Self { company: made.id.to_string(), employees, api }
    }
}

/// Puts a person where they are from now on.
fn place(api: &ApiWorld, hr: &Person, entry: &mut Option<(Person, Employee)>, (now, agrees): (Option<usize>, bool)) {
    let world = &api.world;
    let wanted = now.map(department);
    match entry {
        None => {
            if let Some(name) = &wanted {
                let address = format!("{}@twin.example", world.randomness.uuid_v4());
                let listed = member(world, hr, &address, ("Camille", Some(name.as_str())));
                preferences::agrees(world, &listed.0, agrees);
                *entry = Some(listed);
            }
        }
        Some((_, entry)) => {
            let status = if wanted.is_some() { EmployeeStatus::Eligible } else { EmployeeStatus::Ended };
            let moved = wanted.is_some() && entry.department != wanted;
            if moved || entry.status != status {
                entry.department = wanted.or_else(|| entry.department.clone());
                entry.status = status;
                entry.updated_at = world.clock.now();
                world.tenancy.run(&hr.scope(), |tx| tx.update_employee(entry)).unwrap();
            }
        }
    }
}

/// The account, once it can sign in with the password of all.
fn signs_in(api: &ApiWorld, mut person: Person) -> Person {
    let hash = BcryptHasher::new(api.config.auth.bcrypt_cost).hash(&SecretString::from(PASSWORD)).unwrap();
    person.user.password = Some(hash);
    person.user.is_active = true;
    person.user.email_verified = true;
    api.world.tenancy.run(&person.scope(), |tx| tx.update_user(&person.user)).unwrap();
    person
}

/// The same roster with each department's usage of a month dealt out anew among its people who do not agree
/// to be named.
pub fn dealt_anew(roster: &Roster, chance: &mut Sequence) -> Roster {
    let mut dealt = roster.clone();
    for month in 0..MONTHS {
        for number in 0..6 {
            let place = Some(number);
            let is_dealt_to = |one: &Member| one.departments[month] == place && !one.agrees;
            let theirs: Vec<usize> = (0..dealt.members.len()).filter(|at| is_dealt_to(&dealt.members[*at])).collect();
            let mut hands: Vec<Vec<u32>> =
                theirs.iter().map(|one| std::mem::take(&mut dealt.members[*one].used[month])).collect();
            for at in (1..hands.len()).rev() {
                hands.swap(at, chance.below(at + 1));
            }
            for (one, hand) in theirs.into_iter().zip(hands) {
                dealt.members[one].used[month] = hand;
            }
        }
    }
    dealt
}

/// The same roster when those who never used anything decide the other way about being named.
pub fn decided_otherwise(roster: &Roster) -> Roster {
    let mut decided = roster.clone();
    for one in decided.members.iter_mut().filter(|one| one.used.iter().all(Vec::is_empty)) {
        one.agrees = !one.agrees;
    }
    decided
}

/// The same roster when nobody used anything.
pub fn unused(roster: &Roster) -> Roster {
    let mut unused = roster.clone();
    for one in &mut unused.members {
        one.used = std::array::from_fn(|_| Vec::new());
    }
    unused
}
