//! Releases: what a company's month comes to, decided once when it closes and kept for good.
use huntzen_tenancy::{
    Job, Scope, StoreError,
    company::{HrReporting, Reporting},
    ids::UserId,
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    EligiblePerson, MetricsError, MetricsPorts, Month, PublishedCell, ReleaseRules, ReportingRules, release::release,
};

/// Sums over consultations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageTotals {
    /// How many.
    pub consultations: u64,
    /// What they lasted, in seconds.
    pub seconds: u64,
    /// The sum of their whole minutes, each floored by itself.
    pub minutes: u64,
}

impl UsageTotals {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            consultations: self.consultations + other.consultations,
            seconds: self.seconds + other.seconds,
            minutes: self.minutes + other.minutes,
        }
    }
}

/// A person who was eligible in a month, as closing sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EligibleEmployee {
    /// The employee.
    pub employee: Uuid,
    /// The account.
    pub user: UserId,
    /// Whether they agree to be named.
    pub agrees: bool,
    /// Where they worked on the month's first day, or on their own first day in it.
    pub department: Option<String>,
    /// What each of their consultations lasted, in seconds, the oldest first.
    pub seconds: Vec<u32>,
    /// The same in whole minutes.
    pub minutes: Vec<u32>,
}

impl EligibleEmployee {
    /// The sums of the first consultations, as many as count.
    fn totals(&self, counted: usize) -> UsageTotals {
        let sum = |figures: &[u32]| figures.iter().take(counted).copied().map(u64::from).sum();
        UsageTotals {
            consultations: self.seconds.len().min(counted) as u64,
            seconds: sum(&self.seconds),
            minutes: sum(&self.minutes),
        }
    }
}

/// Everything that counts in a month of a company, whoever used it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MonthTotal {
    /// How many people.
    pub users: u64,
    /// What they used.
    pub totals: UsageTotals,
}

/// The usage of a person who agreed to be named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedUsage {
    /// The employee.
    pub employee: Uuid,
    /// The account.
    pub user: UserId,
    /// Their department in that month.
    pub department: Option<String>,
    /// What they used.
    pub totals: UsageTotals,
}

/// What a company's month comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Whose month.
    pub company: Uuid,
    /// Which month.
    pub month: Month,
    /// When it was closed.
    pub closed_at: Timestamp,
    /// What is published; empty when nothing is, ever.
    pub cells: Vec<PublishedCell>,
    /// Who is named besides; none of them is in a cell.
    pub people: Vec<NamedUsage>,
    /// The exact total to invoice; none when too few people are in it.
    pub invoice: Option<UsageTotals>,
}

/// A named person in a month, as HR sees them now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedRow {
    /// Which month.
    pub month: Month,
    /// Their name.
    pub name: String,
    /// What they used.
    pub usage: NamedUsage,
}

/// Releases and what they are made of. `Job::Closing` makes them. The members of a company see its
/// cells; HR sees the people who are named, an employee itself among them; administrators see cells
/// and invoices. Nobody sees whether a month is closed.
pub trait Releases {
    /// Up to `limit` months of companies that are over at `now` and not closed, the oldest first: a
    /// month is over when `close_day` of the next begins where the company is. `Job::Closing` alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn missing_releases(&mut self, now: Timestamp, close_day: i8, limit: u32)
    -> Result<Vec<(Uuid, Month)>, StoreError>;

    /// From now until the end of the unit of work no consultation of this company becomes part of any
    /// month.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn hold_releases(&mut self, company: Uuid) -> Result<(), StoreError>;

    /// The people of a company with an employment period in `month`, by id. Only completed
    /// consultations count; one that ended after its month was closed counts in the next that was open.
    /// `Job::Closing` alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn release_people(&mut self, company: Uuid, month: Month) -> Result<Vec<EligibleEmployee>, StoreError>;

    /// Everything that counts in `month`, of people who were not eligible too. `Job::Closing` alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn release_total(&mut self, company: Uuid, month: Month) -> Result<MonthTotal, StoreError>;

    /// How a company is reported, month by month: its members, administrators, `Job::Closing`.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn reporting(&mut self, company: Uuid) -> Result<Reporting, StoreError>;

    /// Keeps a release; `false` when the month has one already. `Job::Closing` alone.
    ///
    /// # Errors
    /// `Refused` for any other scope.
    fn add_release(&mut self, release: &Release) -> Result<bool, StoreError>;

    /// The published cells of `from` to `to`, by month, each in the order of its release.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn released_cells(
        &mut self,
        company: Uuid,
        from: Month,
        to: Month,
    ) -> Result<Vec<(Month, PublishedCell)>, StoreError>;

    /// Who is named in `from` to `to`, by month, then family name, given name, id.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn released_people(&mut self, company: Uuid, from: Month, to: Month) -> Result<Vec<NamedRow>, StoreError>;

    /// The exact total of a month, where there is one to invoice: administrators alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn invoice(&mut self, company: Uuid, month: Month) -> Result<Option<UsageTotals>, StoreError>;

    /// What a company is called: its members, administrators.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn company_name(&mut self, company: Uuid) -> Result<Option<String>, StoreError>;
}

/// What a month comes to under these rules.
fn decide(
    (company, month): (Uuid, Month),
    people: Vec<EligibleEmployee>,
    (mode, rules): (HrReporting, ReleaseRules),
    total: MonthTotal,
    closed_at: Timestamp,
) -> Release {
    let by_name = mode == HrReporting::Named && people.len() as u64 >= rules.users;
    let (named, others): (Vec<_>, Vec<_>) =
        people.into_iter().partition(|person| by_name && person.agrees && !person.seconds.is_empty());
    let others: Vec<EligiblePerson> = others
        .into_iter()
        .map(|person| EligiblePerson { department: person.department, minutes: person.minutes })
        .collect();
    let named = named.into_iter().map(|person| NamedUsage {
        totals: person.totals(rules.counted),
        employee: person.employee,
        user: person.user,
        department: person.department,
    });
    Release {
        company,
        month,
        closed_at,
        cells: release(&others, rules),
        people: named.collect(),
        invoice: Some(total.totals).filter(|_| total.users >= ReleaseRules::LOWEST_K),
    }
}

/// Closes the months of companies.
#[derive(Clone)]
pub struct ReleaseClosing {
    ports: MetricsPorts,
    rules: ReportingRules,
}

impl ReleaseClosing {
    /// Over these ports.
    pub fn new(ports: MetricsPorts, rules: ReportingRules) -> Self {
        Self { ports, rules }
    }

    /// Closes up to `limit` months that are over, the oldest first. Answers how many. A company whose month
    /// cannot be closed stops no other.
    ///
    /// # Errors
    /// The first `StoreError` that there was.
    pub fn close(&self, limit: u32) -> Result<usize, MetricsError> {
        let scope = Scope::worker(Job::Closing);
        let (now, close_day) = (self.ports.clock.now(), self.rules.close_day);
        let missing = self.ports.store.run(&scope, |tx| Ok(tx.missing_releases(now, close_day, limit)?))?;
        let mut first_error = None;
        for (company, month) in &missing {
            let closed = self.ports.store.run(&scope, |tx| {
                tx.hold_releases(*company)?;
                let people = tx.release_people(*company, *month)?;
                let total = tx.release_total(*company, *month)?;
                let mode = self.rules.mode(&tx.reporting(*company)?, *month);
                let rules = (mode, self.rules.release);
                let release = decide((*company, *month), people, rules, total, self.ports.clock.now());
                // Another node may have been faster; then that one's is the release.
                tx.add_release(&release)?;
                Ok(())
            });
            first_error = first_error.or(closed.err());
        }
        first_error.map_or(Ok(missing.len()), Err)
    }
}

impl ReportingRules {
    /// How a company's month is reported.
    pub fn mode(&self, reporting: &Reporting, month: Month) -> HrReporting {
        if self.allow_named { reporting.on(month.first()) } else { HrReporting::Aggregated }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    /// So many people, of whom so many consulted once, and so many of these agree to be named.
    fn people(eligible: u128, users: u128, agreeing: u128) -> Vec<EligibleEmployee> {
        let person = |at: u128| EligibleEmployee {
            employee: Uuid::from_u128(at),
            user: UserId(Uuid::from_u128(1000 + at)),
            agrees: at < agreeing || at + 1 == eligible,
            department: Some("A".to_owned()),
            seconds: if at < users { vec![2_759] } else { Vec::new() },
            minutes: if at < users { vec![45] } else { Vec::new() },
        };
        (0..eligible).map(person).collect()
    }

    fn decided(mode: HrReporting, people: Vec<EligibleEmployee>) -> Release {
        let users = people.iter().filter(|person| !person.seconds.is_empty()).count() as u64;
        let total = MonthTotal { users, totals: UsageTotals { consultations: users, seconds: 1, minutes: 1 } };
        let rules = (mode, ReleaseRules::with_k(10));
        decide((Uuid::nil(), "2027-01".parse().unwrap()), people, rules, total, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn in_aggregates_nobody_is_named() {
        let release = decided(HrReporting::Aggregated, people(30, 14, 3));
        assert_eq!(release.people, []);
        assert_eq!(release.cells.iter().map(|cell| cell.users).collect::<Vec<_>>(), [15]);
    }

    #[test]
    fn who_agreed_and_consulted_is_named_and_in_no_cell() {
        let release = decided(HrReporting::Named, people(30, 14, 3));
        let named: Vec<_> = release.people.iter().map(|person| person.employee.as_u128()).collect();
        assert_eq!(named, [0, 1, 2], "the last agrees too, and did not consult");
        let totals = UsageTotals { consultations: 1, seconds: 2_759, minutes: 45 };
        assert!(release.people.iter().all(|person| person.totals == totals));
        assert_eq!(release.cells.iter().map(|cell| cell.users).collect::<Vec<_>>(), [10], "of eleven others");
    }

    #[test]
    fn one_person_counts_eight_times_by_name_too() {
        let mut people = people(30, 14, 1);
        if let Some(first) = people.first_mut() {
            first.seconds = vec![60; 12];
            first.minutes = vec![1; 12];
        }
        let named = decided(HrReporting::Named, people).people;
        let totals = UsageTotals { consultations: 8, seconds: 480, minutes: 8 };
        assert_eq!(named.iter().map(|person| person.totals).collect::<Vec<_>>(), [totals]);
    }

    #[test]
    fn others_are_told_of_only_where_they_are_many() {
        let release = decided(HrReporting::Named, people(30, 12, 3));
        assert_eq!((release.people.len(), release.cells.len()), (3, 0), "nine others are too few");
        let small = decided(HrReporting::Named, people(9, 5, 5));
        assert_eq!((small.people.len(), small.cells.len()), (0, 0));
    }

    #[test]
    fn an_invoice_is_of_ten_people_or_more() {
        assert_eq!(decided(HrReporting::Aggregated, people(12, 9, 0)).invoice, None);
        let invoice = decided(HrReporting::Aggregated, people(12, 10, 0)).invoice.unwrap();
        assert_eq!(invoice.consultations, 10, "although nothing is published");
    }

    #[test]
    fn names_need_the_operators_consent() {
        let january = "2027-01".parse().unwrap();
        let reporting = [(jiff::civil::date(2027, 1, 1), HrReporting::Named)].into_iter().collect();
        let rules = |allow_named| ReportingRules { close_day: 10, release: ReleaseRules::with_k(10), allow_named };
        assert_eq!(rules(true).mode(&reporting, january), HrReporting::Named);
        assert_eq!(rules(true).mode(&reporting, january.previous()), HrReporting::Aggregated);
        assert_eq!(rules(false).mode(&reporting, january), HrReporting::Aggregated);
    }
}
