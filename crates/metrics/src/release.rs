//! What HR is told of a month: figures of groups of people, none of them small. Pure.
//!
//! That a person consulted is health data (GDPR, article 4(15)). So a department is a cell of its own
//! only when many of its people consulted and several did not; all others are merged until the rest
//! is as large, and every figure is rounded.
use std::collections::BTreeMap;

/// The cell of the departments that are too small for one of their own. People without a department
/// belong to it, and so do those of one that HR gave this very name.
pub const OTHERS: &str = "Autres";

/// How careful a release is. [`ReleaseRules::with_k`] gives the rules of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReleaseRules {
    /// The fewest users of a published cell.
    pub users: u64,
    /// The fewest eligible people of it that did not use the service.
    pub others: u64,
    /// The most consultations of one person that count in a month.
    pub counted: usize,
    /// What users and consultations are rounded to.
    pub people_step: u64,
    /// What minutes are rounded to.
    pub minutes_step: u64,
}

impl ReleaseRules {
    /// The fewest users that a published cell can be allowed to have.
    pub const LOWEST_K: u64 = 10;

    /// The rules with at least `k` users a cell, and never fewer than [`Self::LOWEST_K`].
    pub fn with_k(k: u64) -> Self {
        Self { users: k.max(Self::LOWEST_K), others: 5, counted: 8, people_step: 5, minutes_step: 30 }
    }
}

/// The operator's choices about what is reported, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportingRules {
    /// A month closes when this day of the next begins, 1 to 28.
    pub close_day: i8,
    /// How careful releases are.
    pub release: ReleaseRules,
    /// Whether a company's usage may be reported by name, for those who agree.
    pub allow_named: bool,
}

/// A person who was eligible in a month, and what they used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EligiblePerson {
    /// Where they worked on the month's first day, or on their own first day in it.
    pub department: Option<String>,
    /// What each of their consultations lasted, in whole minutes, the oldest first.
    pub minutes: Vec<u32>,
}

/// The exact figures of a group of people. They never leave the use case that computes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Its name; none for the company as a whole.
    pub department: Option<String>,
    /// How many people were eligible.
    pub eligible: u64,
    /// How many of them used the service.
    pub users: u64,
    /// How often.
    pub consultations: u64,
    /// For how many whole minutes together.
    pub minutes: u64,
}

impl Cell {
    fn is_safe(&self, rules: ReleaseRules) -> bool {
        self.users >= rules.users && self.eligible.saturating_sub(self.users) >= rules.others
    }

    fn count(&mut self, person: &EligiblePerson, rules: ReleaseRules) {
        self.eligible += 1;
        self.users += u64::from(!person.minutes.is_empty());
        for minutes in person.minutes.iter().take(rules.counted) {
            self.consultations += 1;
            self.minutes += u64::from(*minutes);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.eligible += other.eligible;
        self.users += other.users;
        self.consultations += other.consultations;
        self.minutes += other.minutes;
    }

    fn publish(self, rules: ReleaseRules) -> PublishedCell {
        PublishedCell {
            department: self.department,
            users: rounded(self.users, rules.people_step),
            consultations: rounded(self.consultations, rules.people_step),
            minutes: rounded(self.minutes, rules.minutes_step),
        }
    }
}

/// To the nearest multiple of `step`, a half upwards.
fn rounded(figure: u64, step: u64) -> u64 {
    (figure + step / 2) / step * step
}

/// A cell as HR sees it: every figure is rounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedCell {
    /// Its name; none for the company as a whole.
    pub department: Option<String>,
    /// How many people used the service, to the nearest five.
    pub users: u64,
    /// How often, to the nearest five.
    pub consultations: u64,
    /// For how many minutes together, to the nearest thirty.
    pub minutes: u64,
}

/// A company's people in a month, divided into what is safe to publish and the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    rules: ReleaseRules,
    /// By name.
    safe: Vec<Cell>,
    others: Cell,
}

impl Partition {
    /// Divides `people` into their departments; those that are not safe are merged.
    pub fn of(people: &[EligiblePerson], rules: ReleaseRules) -> Self {
        let mut departments: BTreeMap<Option<&str>, Cell> = BTreeMap::new();
        for person in people {
            let name = person.department.as_deref().filter(|name| *name != OTHERS);
            departments.entry(name).or_default().count(person, rules);
        }
        let mut partition = Self { rules, safe: Vec::new(), others: Cell::default() };
        for (name, cell) in departments {
            match name {
                Some(name) if cell.is_safe(rules) => {
                    partition.safe.push(Cell { department: Some(name.to_owned()), ..cell });
                }
                _ => partition.others.merge(&cell),
            }
        }
        partition
    }

    /// Adds safe cells to the rest, the smallest first (ties by name), until the rest is empty or
    /// safe: whoever knows the figures of all and of the safe ones would know those of the rest.
    #[must_use]
    pub fn complemented(mut self) -> Self {
        while self.others.eligible > 0 && !self.others.is_safe(self.rules) {
            let smallest = self.safe.iter().enumerate().min_by_key(|(_, cell)| cell.eligible).map(|(at, _)| at);
            let Some(smallest) = smallest else { break };
            let cell = self.safe.remove(smallest);
            self.others.merge(&cell);
        }
        self
    }

    /// What is published: the safe cells and the rest, or the company as one cell when no
    /// department is safe, or nothing when that is not safe either.
    pub fn published(self) -> Vec<PublishedCell> {
        let Self { rules, mut safe, mut others } = self;
        if safe.is_empty() {
            let company = Some(others).filter(|company| company.is_safe(rules));
            return company.into_iter().map(|company| company.publish(rules)).collect();
        }
        if others.eligible > 0 {
            others.department = Some(OTHERS.to_owned());
            safe.push(others);
        }
        safe.into_iter().map(|cell| cell.publish(rules)).collect()
    }
}

/// What is published of a month of a company with these eligible people.
pub fn release(people: &[EligiblePerson], rules: ReleaseRules) -> Vec<PublishedCell> {
    Partition::of(people, rules).complemented().published()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULES: ReleaseRules = ReleaseRules { users: 10, others: 5, counted: 8, people_step: 5, minutes_step: 30 };

    /// A department of so many people, of whom so many had one consultation of 45 minutes.
    fn department(name: &str, eligible: usize, users: usize) -> Vec<EligiblePerson> {
        let person = |at| EligiblePerson {
            department: Some(name.to_owned()).filter(|name| !name.is_empty()),
            minutes: if at < users { vec![45] } else { Vec::new() },
        };
        (0..eligible).map(person).collect()
    }

    fn cells(departments: &[(&str, usize, usize)]) -> Vec<(Option<String>, u64)> {
        let people: Vec<EligiblePerson> =
            departments.iter().flat_map(|(name, eligible, users)| department(name, *eligible, *users)).collect();
        release(&people, RULES).into_iter().map(|cell| (cell.department, cell.users)).collect()
    }

    fn named(name: &str, users: u64) -> (Option<String>, u64) {
        (Some(name.to_owned()), users)
    }

    #[test]
    fn k_is_never_lower_than_ten() {
        assert_eq!(ReleaseRules::with_k(3), RULES);
        assert_eq!(ReleaseRules::with_k(10), RULES);
        assert_eq!(ReleaseRules::with_k(25).users, 25);
    }

    #[test]
    fn a_cell_has_ten_users_and_five_others() {
        assert_eq!(cells(&[("A", 15, 10)]), [named("A", 10)]);
        assert_eq!(cells(&[("A", 15, 9)]), []);
        assert_eq!(cells(&[("A", 14, 10)]), []);
        assert_eq!(cells(&[("A", 30, 0)]), []);
        assert_eq!(cells(&[]), []);
    }

    #[test]
    fn small_departments_are_one_cell_together() {
        let all = [("A", 24, 14), ("B", 14, 6), ("C", 11, 5), ("D", 4, 1)];
        assert_eq!(cells(&all), [named("A", 15), named(OTHERS, 10)]);
    }

    #[test]
    fn what_is_left_takes_the_smallest_safe_cell() {
        assert_eq!(
            cells(&[("A", 40, 12), ("B", 20, 12), ("C", 20, 12), ("D", 4, 1)]),
            [named("A", 10), named("C", 10), named(OTHERS, 15)],
            "B and C are as small; B comes first"
        );
        // One is not enough: together 16 of 16 people used the service.
        let crowded = [("A", 40, 12), ("B", 15, 10), ("C", 11, 11)];
        assert_eq!(cells(&crowded), [named("A", 10), named(OTHERS, 20)]);
    }

    #[test]
    fn a_company_without_a_safe_department_is_one_cell() {
        assert_eq!(cells(&[("A", 10, 6), ("B", 10, 6)]), [(None, 10)]);
        // Nor does a company whose one safe department is needed by the rest.
        assert_eq!(cells(&[("A", 20, 12), ("B", 3, 3)]), [(None, 15)]);
        assert_eq!(cells(&[("A", 5, 4), ("B", 4, 3)]), []);
    }

    #[test]
    fn nobody_is_named_like_the_rest() {
        assert_eq!(cells(&[(OTHERS, 20, 12), ("A", 20, 12)]), [named("A", 10), named(OTHERS, 10)]);
        assert_eq!(cells(&[("", 20, 12), ("A", 20, 12)]), [named("A", 10), named(OTHERS, 10)]);
    }

    #[test]
    fn figures_are_rounded_and_one_person_counts_eight_times() {
        let mut people = department("A", 17, 12);
        if let Some(first) = people.first_mut() {
            first.minutes = vec![50; 9];
        }
        let cell = PublishedCell { department: Some("A".to_owned()), users: 10, consultations: 20, minutes: 900 };
        // 8 × 50 + 11 × 45 = 895 minutes in 19 consultations.
        assert_eq!(release(&people, RULES), [cell]);
        assert_eq!([2, 3, 7, 8].map(|figure| rounded(figure, 5)), [0, 5, 5, 10]);
        assert_eq!([14, 15, 44, 45].map(|figure| rounded(figure, 30)), [0, 30, 30, 60]);
    }

    fn people() -> impl Strategy<Value = Vec<EligiblePerson>> {
        let person = (prop::option::weighted(0.9, 0..6_usize), prop::collection::vec(0..90_u32, 0..10), any::<bool>());
        let person = person.prop_map(|(department, minutes, uses)| EligiblePerson {
            department: department.map(|at| format!("D{at}")),
            minutes: if uses { minutes } else { Vec::new() },
        });
        prop::collection::vec(person, 0..120)
    }

    proptest! {
        #[test]
        fn everybody_is_in_one_safe_cell_or_nobody_in_any(people in people()) {
            let partition = Partition::of(&people, RULES).complemented();
            let all: Vec<&Cell> = partition.safe.iter().chain([&partition.others]).collect();
            prop_assert_eq!(all.iter().map(|cell| cell.eligible).sum::<u64>(), people.len() as u64);
            let is_told = !partition.clone().published().is_empty();
            for cell in all.iter().filter(|cell| cell.eligible > 0 && is_told) {
                prop_assert!(cell.is_safe(RULES), "{:?}", cell);
            }
        }

        #[test]
        fn the_order_of_people_says_nothing(people in people(), seed in any::<u64>()) {
            let mut shuffled = people.clone();
            let mut state = seed;
            for at in (1..shuffled.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                shuffled.swap(at, usize::try_from(state >> 33).unwrap_or(0) % (at + 1));
            }
            prop_assert_eq!(release(&people, RULES), release(&shuffled, RULES));
        }

        #[test]
        fn every_figure_is_a_multiple_of_its_step(people in people()) {
            for cell in release(&people, RULES) {
                prop_assert!(cell.users >= 10 && cell.users % 5 == 0, "{:?}", cell);
                prop_assert!(cell.consultations >= cell.users && cell.consultations % 5 == 0, "{:?}", cell);
                prop_assert_eq!(cell.minutes % 30, 0);
            }
        }
    }
}
