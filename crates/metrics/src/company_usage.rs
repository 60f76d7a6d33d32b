//! What a company is told about its own usage: sums of published cells, and nothing else.
use crate::{Month, Period, PublishedCell, UsageTotals, csv::Sheet};
use uuid::Uuid;

/// The published figures of some months, summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishedUsage {
    /// How often people used the service.
    pub consultations: u64,
    /// For how many minutes together.
    pub minutes: u64,
    /// How many people used it in a month, on average over the published months, rounded.
    pub average_users: u64,
}

/// A company's usage over whole months.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompanyUsage {
    /// Which company.
    pub company: Uuid,
    /// The months' days.
    pub period: Period,
    /// What is published of them; none when nothing is, whatever the reason.
    pub published: Option<PublishedUsage>,
}

/// An exact total to invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// Which company.
    pub company: Uuid,
    /// Which month.
    pub month: Month,
    /// What to invoice; none for a month that is not closed, or has too few people in it.
    pub totals: Option<UsageTotals>,
}

/// The published figures of one month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct MonthSum {
    month: Month,
    users: u64,
    consultations: u64,
    minutes: u64,
}

/// The sums of each month that has cells; they come by month.
fn by_month(cells: &[(Month, PublishedCell)]) -> Vec<MonthSum> {
    let of_one = cells.chunk_by(|(one, _), (next, _)| one == next);
    let sum = |cells: &[(Month, PublishedCell)]| {
        let (month, _) = cells.first()?;
        let figures = || cells.iter().map(|(_, cell)| cell);
        Some(MonthSum {
            month: *month,
            users: figures().map(|cell| cell.users).sum(),
            consultations: figures().map(|cell| cell.consultations).sum(),
            minutes: figures().map(|cell| cell.minutes).sum(),
        })
    };
    of_one.filter_map(sum).collect()
}

impl PublishedUsage {
    /// What these cells, which come by month, sum up to; none without any.
    pub fn of(cells: &[(Month, PublishedCell)]) -> Option<Self> {
        let months = by_month(cells);
        let count = u64::try_from(months.len()).ok().filter(|count| *count > 0)?;
        let users: u64 = months.iter().map(|sum| sum.users).sum();
        Some(Self {
            consultations: months.iter().map(|sum| sum.consultations).sum(),
            minutes: months.iter().map(|sum| sum.minutes).sum(),
            average_users: (users + count / 2) / count,
        })
    }

    /// The same duration in seconds.
    pub fn seconds(self) -> u64 {
        self.minutes * 60
    }

    /// The same duration in whole hours, rounded down.
    pub fn hours(self) -> u64 {
        self.minutes / 60
    }
}

/// A line for each published month, and the sums over all.
pub fn file(cells: &[(Month, PublishedCell)]) -> Vec<u8> {
    let months = by_month(cells);
    let mut sheet = Sheet::default();
    sheet.record(&["Mois", "Utilisateurs", "Consultations", "Durée (minutes)"]);
    for sum in &months {
        let figures = [sum.users, sum.consultations, sum.minutes].map(|figure| figure.to_string());
        let [users, consultations, minutes] = figures.each_ref().map(String::as_str);
        sheet.record(&[&sum.month.to_string(), users, consultations, minutes]);
    }
    sheet.blank();
    let consultations: u64 = months.iter().map(|sum| sum.consultations).sum();
    let minutes: u64 = months.iter().map(|sum| sum.minutes).sum();
    sheet.record(&["TOTAL", "", &consultations.to_string(), &minutes.to_string()]);
    sheet.into_bytes()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn cell(month: &str, users: u64, consultations: u64, minutes: u64) -> (Month, PublishedCell) {
        (month.parse().unwrap(), PublishedCell { department: None, users, consultations, minutes })
    }

    #[test]
    fn months_are_summed_and_users_averaged() {
        let cells = [cell("2027-01", 15, 20, 930), cell("2027-01", 10, 10, 480), cell("2027-03", 10, 15, 720)];
        let usage = PublishedUsage::of(&cells).unwrap();
        // 25 people in January and 10 in March.
        assert_eq!(usage, PublishedUsage { consultations: 45, minutes: 2_130, average_users: 18 });
        assert_eq!((usage.seconds(), usage.hours()), (127_800, 35));
        assert_eq!(PublishedUsage::of(&[]), None);
    }

    #[test]
    fn a_file_has_a_line_a_month() {
        let cells = [cell("2027-01", 15, 20, 930), cell("2027-01", 10, 10, 480), cell("2027-03", 10, 15, 720)];
        assert_eq!(
            String::from_utf8(file(&cells)).unwrap(),
            "\u{feff}Mois,Utilisateurs,Consultations,Durée (minutes)\r\n2027-01,25,30,1410\r\n2027-03,10,15,720\r\n\
             \r\nTOTAL,,45,2130\r\n"
        );
        assert!(String::from_utf8(file(&[])).unwrap().ends_with("\r\n\r\nTOTAL,,0,0\r\n"));
    }
}
