//! What a practitioner is paid for in a month, line by line, and the file that says so.
use std::{collections::BTreeMap, fmt::Write as _};

use huntzen_tenancy::ids::UserId;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{Month, csv::Sheet};

/// Billing statuses of what a statement lists: one.
pub const VALIDATED: &str = "VALIDATED";

/// A practitioner as statements name them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payee {
    /// Whose statement.
    pub practitioner: Uuid,
    /// Their account.
    pub user: UserId,
    /// Their name with their title, as the directory shows it.
    pub name: String,
}

impl Payee {
    /// A practitioner with the parts of the name as they are stored.
    pub fn new(practitioner: Uuid, user: UserId, title: Option<&str>, first_name: &str, last_name: &str) -> Self {
        let parts = [title.unwrap_or_default(), first_name, last_name];
        let name = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        Self { practitioner, user, name }
    }
}

/// A consultation that took place and is paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementLine {
    /// Its civil day in the company's zone.
    pub day: Date,
    /// For whose employees.
    pub company: Uuid,
    /// What the company is called.
    pub company_name: String,
    /// Its whole minutes.
    pub minutes: u32,
}

/// A practitioner's lines of a month, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Whose.
    pub payee: Payee,
    /// Of which month.
    pub month: Month,
    /// The lines: of this month, and of earlier ones what ended after their statement was closed.
    pub lines: Vec<StatementLine>,
}

/// A statement that was closed: the same bytes whenever they are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedStatement {
    /// Whose.
    pub practitioner: Uuid,
    /// The account.
    pub user: UserId,
    /// Of which month.
    pub month: Month,
    /// The file.
    pub bytes: Vec<u8>,
    /// SHA-256 (FIPS 180-4) of what stands above the file's last line, which names it.
    pub sha256: [u8; 32],
    /// When.
    pub closed_at: Timestamp,
}

/// What the lines of one company, or of all, sum up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineTotals {
    /// How many.
    pub consultations: u64,
    /// The sum of their whole minutes.
    pub minutes: u64,
}

impl LineTotals {
    /// Whole minutes a consultation, rounded down; 0 without any.
    pub fn average_minutes(self) -> u64 {
        self.minutes.checked_div(self.consultations).unwrap_or(0)
    }

    fn add(&mut self, line: &StatementLine) {
        self.consultations += 1;
        self.minutes += u64::from(line.minutes);
    }
}

/// A company's part of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompanyTotals {
    /// The company.
    pub company: Uuid,
    /// What it is called.
    pub name: String,
    /// Its lines.
    pub totals: LineTotals,
}

impl Statement {
    /// The sum of all lines.
    pub fn totals(&self) -> LineTotals {
        let mut totals = LineTotals::default();
        self.lines.iter().for_each(|line| totals.add(line));
        totals
    }

    /// The sums of each company, by name.
    pub fn by_company(&self) -> Vec<CompanyTotals> {
        let mut sums: BTreeMap<(&str, Uuid), LineTotals> = BTreeMap::new();
        for line in &self.lines {
            sums.entry((&line.company_name, line.company)).or_default().add(line);
        }
        let sums = sums.into_iter();
        sums.map(|((name, company), totals)| CompanyTotals { company, name: name.to_owned(), totals }).collect()
    }

    /// The file, made at `now`; its last line is the SHA-256 of all bytes above it.
    pub fn closed(&self, now: Timestamp, zone: &TimeZone) -> ClosedStatement {
        let mut sheet = Sheet::default();
        sheet.record(&["# RAPPORT FACTURATION PRATICIEN"]);
        sheet.record(&[&format!("# Période: {}", self.month)]);
        sheet.record(&[&format!("# Praticien: {}", self.payee.name)]);
        sheet.record(&[&format!("# Généré le: {}", now.to_zoned(zone.clone()).date())]);
        sheet.blank();
        sheet.record(&["Date", "Entreprise", "Durée (min)", "Statut"]);
        for line in &self.lines {
            let (day, minutes) = (line.day.to_string(), line.minutes.to_string());
            sheet.record(&[&day, &line.company_name, &minutes, VALIDATED]);
        }
        sheet.blank();
        let LineTotals { consultations, minutes } = self.totals();
        sheet.record(&["TOTAL", &format!("{consultations} consultations"), &format!("{minutes} minutes")]);
        let sha256 = Sha256::digest(sheet.bytes()).into();
        sheet.record(&[&format!("# SHA-256: {}", hexadecimal(&sha256))]);
        ClosedStatement {
            practitioner: self.payee.practitioner,
            user: self.payee.user,
            month: self.month,
            bytes: sheet.into_bytes(),
            sha256,
            closed_at: now,
        }
    }
}

fn hexadecimal(digest: &[u8; 32]) -> String {
    digest.iter().fold(String::with_capacity(64), |mut digits, byte| {
        // Writing to a string does not fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use jiff::civil::date;

    use super::*;

    fn line(day: Date, company: u128, name: &str, minutes: u32) -> StatementLine {
        StatementLine { day, company: Uuid::from_u128(company), company_name: name.to_owned(), minutes }
    }

    fn statement(lines: Vec<StatementLine>) -> Statement {
        let payee = Payee {
            practitioner: Uuid::from_u128(1),
            user: UserId(Uuid::from_u128(2)),
            name: "Dr. Sophie Martin, dite \"So\"".to_owned(),
        };
        Statement { payee, month: "2027-01".parse().unwrap(), lines }
    }

    #[test]
    fn the_file_is_what_the_contract_says() {
        let lines =
            vec![line(date(2027, 1, 5), 1, "TechCorp France", 45), line(date(2027, 1, 6), 2, "=Atelier, SARL", 50)];
        let now = "2027-02-09T23:00:00Z".parse().unwrap();
        let closed = statement(lines).closed(now, &TimeZone::get("Europe/Paris").unwrap());
        let text = String::from_utf8(closed.bytes.clone()).unwrap();
        let (above, last) = text.split_at(text.rfind("# SHA-256: ").unwrap());
        assert_eq!(
            above,
            "\u{feff}# RAPPORT FACTURATION PRATICIEN\r\n# Période: 2027-01\r\n\
             \"# Praticien: Dr. Sophie Martin, dite \"\"So\"\"\"\r\n# Généré le: 2027-02-10\r\n\r\n\
             Date,Entreprise,Durée (min),Statut\r\n2027-01-05,TechCorp France,45,VALIDATED\r\n\
             2027-01-06,\"'=Atelier, SARL\",50,VALIDATED\r\n\r\nTOTAL,2 consultations,95 minutes\r\n"
        );
        let digest = Sha256::digest(above.as_bytes()).into();
        assert_eq!(last, format!("# SHA-256: {}\r\n", hexadecimal(&digest)));
        assert_eq!(digest, closed.sha256);
    }

    #[test]
    fn companies_are_summed_each_by_itself() {
        let day = date(2027, 1, 5);
        let one =
            statement(vec![line(day, 2, "B", 45), line(day, 1, "A", 50), line(day, 2, "B", 46), line(day, 3, "A", 0)]);
        let sums: Vec<_> = one
            .by_company()
            .into_iter()
            .map(|sum| (sum.name, sum.totals.consultations, sum.totals.minutes, sum.totals.average_minutes()))
            .collect();
        assert_eq!(sums, [("A".to_owned(), 1, 50, 50), ("A".to_owned(), 1, 0, 0), ("B".to_owned(), 2, 91, 45)]);
        assert_eq!(one.totals(), LineTotals { consultations: 4, minutes: 141 });
        assert_eq!(statement(vec![]).totals().average_minutes(), 0);
    }
}
