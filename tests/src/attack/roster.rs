//! Random companies whose people come, go and change departments, and what their HR is told.
use std::collections::BTreeSet;

use huntzen_metrics::{
    EligiblePerson, PublishedCell, ReleaseRules,
    release::{OTHERS, Partition},
};

use super::Answer;
use crate::sequence::Sequence;

/// How many months there are.
pub const MONTHS: usize = 4;

/// A person: in each month the department, unless they were not there, and what they used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The department's number in each month.
    pub departments: [Option<usize>; MONTHS],
    /// What their consultations of each month lasted, in minutes.
    pub used: [Vec<u32>; MONTHS],
    /// Whether they agree to be named, where that is asked.
    pub agrees: bool,
}

/// A company's people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roster {
    /// Everybody who was ever there.
    pub members: Vec<Member>,
}

/// What a department is called.
pub fn department(number: usize) -> String {
    format!("D{number}")
}

/// How cells come out of a month's people; the rules of the service, or those of a careless one.
pub type Publish = fn(&[EligiblePerson]) -> Vec<PublishedCell>;

impl Roster {
    /// A random company: one to six departments of all sizes, in each of which more or fewer use the
    /// service. In a `steady` one everybody does the same each month.
    pub fn random(chance: &mut Sequence, steady: bool) -> Self {
        let mut members = Vec::new();
        let departments = 1 + chance.below(6);
        for number in 0..departments {
            let (size, share) = (2 + chance.below(30), 20 + chance.below(60));
            for _ in 0..size {
                members.push(Member::random(chance, (number, departments), (share, steady)));
            }
        }
        Self { members }
    }

    /// The people who were there in a month.
    pub fn people(&self, month: usize) -> Vec<EligiblePerson> {
        let there = |member: &Member| {
            let department = Some(department(member.departments[month]?));
            Some(EligiblePerson { department, minutes: member.used[month].clone() })
        };
        self.members.iter().filter_map(there).collect()
    }

    /// Whether somebody used the service in a month in which they were there.
    pub fn is_user(&self, month: usize, member: usize) -> bool {
        let member = &self.members[member];
        member.departments[month].is_some() && !member.used[month].is_empty()
    }

    /// What HR is told over all months, as equations: cell by cell, a month's cells together, and
    /// months together. `unknown` numbers a member in a month.
    pub fn told(&self, publish: Publish, unknown: impl Fn(usize, usize) -> usize) -> Vec<Answer> {
        let mut told = Vec::new();
        let mut sums: Vec<Answer> = Vec::new();
        for month in 0..MONTHS {
            let cells = publish(&self.people(month));
            let told_apart: BTreeSet<&str> = cells.iter().filter_map(|cell| cell.department.as_deref()).collect();
            let mut all = Answer { group: BTreeSet::new(), users: 0.0 };
            for cell in &cells {
                let is_meant = |member: &Member| {
                    let own = member.departments[month].map(department);
                    match (cell.department.as_deref(), own.as_deref()) {
                        (_, None) => false,
                        (None, Some(_)) => true,
                        (Some(OTHERS), Some(own)) => !told_apart.contains(own),
                        (Some(name), Some(own)) => name == own,
                    }
                };
                let group = self.members.iter().enumerate().filter(|(_, member)| is_meant(member));
                let group: BTreeSet<usize> = group.map(|(at, _)| unknown(month, at)).collect();
                let users = f64::from(u32::try_from(cell.users).unwrap());
                all.group.extend(&group);
                all.users += users;
                told.push(Answer { group, users });
            }
            if !cells.is_empty() {
                sums.push(all);
            }
        }
        told.extend(sums);
        told
    }
}

impl Member {
    fn random(chance: &mut Sequence, (own, departments): (usize, usize), (share, steady): (usize, bool)) -> Self {
        // Most stay; some move, come or leave, once.
        let (turn, kind) = (1 + chance.below(MONTHS - 1), chance.below(20));
        let other = chance.below(departments);
        let in_month = |month: usize| match kind {
            0 if month >= turn => Some(other),
            1 if month >= turn => None,
            2 if month < turn => None,
            _ => Some(own),
        };
        let mut used: [Vec<u32>; MONTHS] = std::array::from_fn(|_| use_of_a_month(chance, share));
        if steady {
            used = std::array::from_fn(|_| used[0].clone());
        }
        Self { departments: std::array::from_fn(in_month), used, agrees: chance.below(5) == 0 }
    }
}

fn use_of_a_month(chance: &mut Sequence, share: usize) -> Vec<u32> {
    if chance.below(100) >= share {
        return Vec::new();
    }
    // A few come often, past what counts.
    let times = if chance.below(15) == 0 { 9 } else { 1 + chance.below(3) };
    (0..times).map(|_| u32::try_from(chance.below(70)).unwrap()).collect()
}

/// The rules of the service.
pub const RULES: ReleaseRules = ReleaseRules { users: 10, others: 5, counted: 8, people_step: 5, minutes_step: 30 };

/// As the service publishes.
pub fn as_it_is(people: &[EligiblePerson]) -> Vec<PublishedCell> {
    Partition::of(people, RULES).complemented().published()
}

/// Without the least number of users.
pub fn without_k(people: &[EligiblePerson]) -> Vec<PublishedCell> {
    Partition::of(people, ReleaseRules { users: 0, ..RULES }).complemented().published()
}

/// Without the least number of people who did not use the service.
pub fn without_others(people: &[EligiblePerson]) -> Vec<PublishedCell> {
    Partition::of(people, ReleaseRules { others: 0, ..RULES }).complemented().published()
}

/// Without adding safe cells to a rest that is not.
pub fn without_complement(people: &[EligiblePerson]) -> Vec<PublishedCell> {
    Partition::of(people, RULES).published()
}

/// Without rounding.
pub fn without_rounding(people: &[EligiblePerson]) -> Vec<PublishedCell> {
    let exact = ReleaseRules { people_step: 1, minutes_step: 1, ..RULES };
    Partition::of(people, exact).complemented().published()
}
