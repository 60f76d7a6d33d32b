//! Usage: exact figures for practitioners, read from daily sums and never from a scan; the statements
//! that they are paid by; and what HR is told, in which no person can be found.
pub mod company_usage;
pub mod counters;
pub mod csv;
pub mod employee_usage;
pub mod error;
pub mod hr_reports;
pub mod month;
pub mod period;
pub mod ports;
pub mod practitioner_usage;
pub mod reconciliation;
pub mod release;
pub mod releases;
pub mod statement;
pub mod statements;

pub use company_usage::{CompanyUsage, Invoice, PublishedUsage};
pub use counters::{Counters, DailyTotals, PractitionerDay};
pub use employee_usage::{PersonUsage, UsageReport, UsageRow};
pub use error::MetricsError;
pub use hr_reports::{HrReports, WhatHrSees};
pub use month::Month;
pub use period::Period;
pub use ports::{MetricsPorts, MetricsStore, MetricsTx};
pub use practitioner_usage::{PractitionerUsage, UsageMetrics};
pub use release::{EligiblePerson, PublishedCell, ReleaseRules, ReportingRules};
pub use releases::{
    EligibleEmployee, MonthTotal, NamedRow, NamedUsage, Release, ReleaseClosing, Releases, UsageTotals,
};
pub use statement::{ClosedStatement, CompanyTotals, LineTotals, Payee, Statement, StatementLine};
pub use statements::{StatementKeeping, Statements};
