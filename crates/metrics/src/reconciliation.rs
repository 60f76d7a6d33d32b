//! Whether the counters still are what the consultations say.
use huntzen_tenancy::{Job, Scope, StoreError, words};
use jiff::Timestamp;

use crate::{MetricsError, MetricsPorts};

/// Days of each kind of counter, and consultations, that are drawn each time.
const SAMPLE: u32 = 1_000;

words! {
    /// Whose days are counted.
    CounterKind {
        /// A practitioner's.
        Practitioner = "PRACTITIONER",
        /// An employee's.
        Employee = "EMPLOYEE",
        /// A company's.
        Company = "COMPANY",
    }
}

/// How the counters of one kind compare with a recount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Which counters.
    pub kind: CounterKind,
    /// How many days were compared.
    pub checked: u64,
    /// On how many of them the two differ.
    pub differing: u64,
}

/// What came of the last comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconciliation {
    /// When it was made.
    pub at: Timestamp,
    /// How many days of all kinds were compared.
    pub checked: u64,
    /// On how many of them counter and recount differ.
    pub differing: u64,
}

/// Comparisons of counters with consultations. `Job::Reconcile` alone; nobody else sees any.
pub trait Reconciliations {
    /// Compares days of each kind, drawn by chance: those of up to twice `sample` completed
    /// consultations, and up to `sample` that have a counter.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn compare_counters(&mut self, sample: u32) -> Result<Vec<Comparison>, StoreError>;

    /// Keeps what came of a comparison in place of the last.
    ///
    /// # Errors
    /// `Refused` for any other scope.
    fn keep_reconciliation(&mut self, made: &Reconciliation) -> Result<(), StoreError>;

    /// What came of the last one; none before the first.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn last_reconciliation(&mut self) -> Result<Option<Reconciliation>, StoreError>;
}

/// Compares counters with consultations, time and again.
#[derive(Clone)]
pub struct Reconciling(MetricsPorts);

impl Reconciling {
    /// Over these ports.
    pub fn new(ports: MetricsPorts) -> Self {
        Self(ports)
    }

    /// Compares a sample and keeps what comes of it.
    ///
    /// # Errors
    /// `StoreError` alone.
    pub fn run(&self) -> Result<Vec<Comparison>, MetricsError> {
        let at = self.0.clock.now();
        self.0.store.run(&Scope::worker(Job::Reconcile), |tx| {
            let compared = tx.compare_counters(SAMPLE)?;
            let checked = compared.iter().map(|one| one.checked).sum();
            let differing = compared.iter().map(|one| one.differing).sum();
            tx.keep_reconciliation(&Reconciliation { at, checked, differing })?;
            Ok(compared)
        })
    }
}
