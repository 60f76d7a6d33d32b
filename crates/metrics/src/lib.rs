//! Usage: exact figures for practitioners, read from daily sums and never from a scan, and the
//! statements that they are paid by.
pub mod counters;
pub mod csv;
pub mod error;
pub mod month;
pub mod period;
pub mod practitioner_usage;
pub mod statement;
pub mod statements;

pub use counters::{Counters, DailyTotals, MetricsStore, MetricsTx, PractitionerDay};
pub use error::MetricsError;
pub use month::Month;
pub use period::Period;
pub use practitioner_usage::{PractitionerUsage, UsageMetrics};
pub use statement::{ClosedStatement, CompanyTotals, LineTotals, Payee, Statement, StatementLine};
pub use statements::{StatementKeeping, Statements};
