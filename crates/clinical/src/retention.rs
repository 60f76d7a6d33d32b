//! How long clinical notes are kept, by the profession of who wrote them.
use jiff::{ToSpan, civil::Date};

/// Years for which notes are kept, from the last consultation on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionYears {
    /// Of psychiatrists and physicians (Code de la santé publique R1112-7: 20 years).
    pub physicians: u8,
    /// Of every other profession.
    pub others: u8,
}

impl Default for RetentionYears {
    fn default() -> Self {
        Self { physicians: 20, others: 5 }
    }
}

impl RetentionYears {
    /// The first day on which notes last touched by a consultation on `last` are kept no longer.
    pub fn ends(&self, last: Date, by_physician: bool) -> Date {
        let years = if by_physician { self.physicians } else { self.others };
        last.saturating_add(i16::from(years).years().days(1))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn physicians_keep_longer() {
        let rules = RetentionYears::default();
        assert_eq!(rules.ends(date(2027, 3, 1), true), date(2047, 3, 2));
        assert_eq!(rules.ends(date(2024, 2, 29), false), date(2029, 3, 1));
    }
}
