//! HR as an attacker: it knows its roster, asks everything that it may, and solves the answers as
//! linear equations over its people.
//!
//! An answer is the sum of something over a group that the attacker knows. Sums and differences of
//! answers are answers about other groups; a group is isolated when some combination of answers is
//! about it and nobody else.
pub mod roster;
pub mod twins;

use std::collections::{BTreeMap, BTreeSet};

/// What an answer says of a group: of how many people it is true that they used the service.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Who is meant: numbers of unknowns.
    pub group: BTreeSet<usize>,
    /// How many of them, as told.
    pub users: f64,
}

/// A linear combination of answers.
#[derive(Clone, Debug)]
struct Combination {
    /// A coefficient for each unknown.
    of: Vec<f64>,
    users: f64,
}

const TINY: f64 = 1e-9;

impl Combination {
    fn of(answer: &Answer, unknowns: usize) -> Self {
        let of = (0..unknowns).map(|unknown| f64::from(u8::from(answer.group.contains(&unknown)))).collect();
        Self { of, users: answer.users }
    }

    /// This and `factor` times the other.
    fn plus(&self, factor: f64, other: &Self) -> Self {
        Self {
            of: self.of.iter().zip(&other.of).map(|(one, two)| one + factor * two).collect(),
            users: self.users + factor * other.users,
        }
    }

    fn scaled(&self, factor: f64) -> Self {
        Self { of: self.of.iter().map(|one| one * factor).collect(), users: self.users * factor }
    }

    /// What it says of one group, when every coefficient is 0 or 1, or 0 or -1.
    fn answer(&self) -> Option<Answer> {
        let sign = self.of.iter().find(|one| one.abs() > TINY)?.signum();
        let is_member = |one: f64| (one * sign - 1.0).abs() < TINY;
        if self.of.iter().any(|one| one.abs() > TINY && !is_member(*one)) {
            return None;
        }
        let group = self.of.iter().enumerate().filter(|(_, one)| one.abs() > TINY).map(|(at, _)| at).collect();
        Some(Answer { group, users: self.users * sign })
    }
}

/// Everything that the attacker learns of groups: from each answer, from each two, and from the
/// elimination of all (Gauss and Jordan).
pub fn solve(answers: &[Answer]) -> Vec<Answer> {
    // People whom every answer means together, or none does, cannot be told apart: they are solved as one.
    let mut classes: BTreeMap<Vec<usize>, BTreeSet<usize>> = BTreeMap::new();
    for person in answers.iter().flat_map(|answer| &answer.group).copied().collect::<BTreeSet<_>>() {
        let meant = answers.iter().enumerate().filter(|(_, answer)| answer.group.contains(&person));
        classes.entry(meant.map(|(at, _)| at).collect()).or_default().insert(person);
    }
    let of_classes = |(at, answer): (usize, &Answer)| {
        let meant = classes.keys().enumerate().filter(|(_, answers)| answers.contains(&at));
        Answer { group: meant.map(|(class, _)| class).collect(), ..answer.clone() }
    };
    let answers: Vec<Answer> = answers.iter().enumerate().map(of_classes).collect();
    let members: Vec<&BTreeSet<usize>> = classes.values().collect();
    let expand = |answer: Answer| {
        let group = answer.group.iter().flat_map(|class| members[*class].iter().copied()).collect();
        Answer { group, ..answer }
    };
    solved(&answers, classes.len()).into_iter().map(expand).collect()
}

fn solved(answers: &[Answer], unknowns: usize) -> Vec<Answer> {
    let given: Vec<Combination> = answers.iter().map(|answer| Combination::of(answer, unknowns)).collect();
    let mut learnt: Vec<Answer> = given.iter().filter_map(Combination::answer).collect();
    for (at, one) in given.iter().enumerate() {
        for other in given.iter().skip(at + 1) {
            learnt.extend([one.plus(-1.0, other), one.plus(1.0, other)].iter().filter_map(Combination::answer));
        }
    }
    learnt.extend(eliminated(given, unknowns).iter().filter_map(Combination::answer));
    learnt
}

fn eliminated(mut rows: Vec<Combination>, unknowns: usize) -> Vec<Combination> {
    let mut done = 0;
    for unknown in 0..unknowns {
        let pivot = (done..rows.len()).find(|at| rows[*at].of[unknown].abs() > TINY);
        let Some(pivot) = pivot else { continue };
        rows.swap(done, pivot);
        let row = rows[done].scaled(1.0 / rows[done].of[unknown]);
        for (at, other) in rows.iter_mut().enumerate() {
            let factor = other.of[unknown];
            if at != done && factor.abs() > TINY {
                *other = other.plus(-factor, &row);
            }
        }
        rows[done] = row;
        done += 1;
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(group: &[usize], users: f64) -> Answer {
        Answer { group: group.iter().copied().collect(), users }
    }

    #[test]
    fn a_difference_is_found() {
        let learnt = solve(&[answer(&[0, 1, 2], 2.0), answer(&[0, 1], 1.0)]);
        assert!(learnt.contains(&answer(&[2], 1.0)), "{learnt:?}");
    }

    #[test]
    fn three_answers_are_eliminated() {
        let answers = [answer(&[0, 1], 1.0), answer(&[1, 2], 1.0), answer(&[0, 2], 2.0)];
        let learnt = solve(&answers);
        for (person, users) in [(0, 1.0), (1, 0.0), (2, 1.0)] {
            assert!(learnt.contains(&answer(&[person], users)), "{learnt:?}");
        }
    }
}
