//! Usage counters: exact figures for practitioners, read from daily sums and never from a scan.
pub mod counters;
pub mod error;
pub mod period;
pub mod practitioner_usage;

pub use counters::{Counters, DailyTotals, MetricsStore, MetricsTx};
pub use error::MetricsError;
pub use period::Period;
pub use practitioner_usage::{PractitionerUsage, UsageMetrics};
