//! What HR is told about the usage of a company's people in a month: published cells, and by name
//! those who agreed.
use huntzen_tenancy::{company::HrReporting, ids::UserId};
use jiff::civil::Date;
use uuid::Uuid;

use crate::{Month, NamedRow, Period, PublishedCell, ReleaseRules, UsageTotals, csv::Sheet};

/// A line of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsageRow {
    /// A person who agreed to be named.
    Named(NamedRow),
    /// A group of people.
    Cell(PublishedCell),
}

impl UsageRow {
    /// Where they worked; none for the company as a whole, and for a person without a department.
    pub fn department(&self) -> Option<&str> {
        match self {
            Self::Named(row) => row.usage.department.as_deref(),
            Self::Cell(cell) => cell.department.as_deref(),
        }
    }
}

/// What HR is told about a month. Without rows nothing is published, whatever the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageReport {
    /// Which month.
    pub month: Month,
    /// Named people first, then groups.
    pub rows: Vec<UsageRow>,
}

impl UsageReport {
    /// The accounts of those who are named.
    pub(crate) fn people(&self) -> Vec<UserId> {
        let named = self.rows.iter().filter_map(|row| match row {
            UsageRow::Named(row) => Some(row.usage.user),
            UsageRow::Cell(_) => None,
        });
        named.collect()
    }

    /// The report of these rows, or of those of one department.
    pub fn of(month: Month, named: Vec<NamedRow>, cells: Vec<PublishedCell>, department: Option<&str>) -> Self {
        let rows = named.into_iter().map(UsageRow::Named).chain(cells.into_iter().map(UsageRow::Cell));
        let is_wanted = |row: &UsageRow| department.is_none_or(|wanted| row.department() == Some(wanted));
        Self { month, rows: rows.filter(is_wanted).collect() }
    }
}

/// The usage of one person who agreed to be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PersonUsage {
    /// Who.
    pub employee: Uuid,
    /// The months' days.
    pub period: Period,
    /// What they used.
    pub totals: UsageTotals,
}

/// What a file says about itself.
#[derive(Clone, Copy, Debug)]
pub struct Heading<'a> {
    /// How the month is reported.
    pub mode: HrReporting,
    /// The fewest people in a group.
    pub rules: ReleaseRules,
    /// What the company is called.
    pub company: &'a str,
    /// The day on which the file is made.
    pub made_on: Date,
}

/// The report as a file.
pub fn file(report: &UsageReport, heading: Heading<'_>) -> Vec<u8> {
    let k = heading.rules.users;
    let (title, law) = match heading.mode {
        HrReporting::Aggregated => (
            "# RAPPORT UTILISATION EMPLOYÉS - ANONYMISÉ",
            format!("# Conformité RGPD : Données agrégées uniquement, seuil min. {k} employés"),
        ),
        HrReporting::Named => (
            "# RAPPORT UTILISATION EMPLOYÉS",
            format!("# Conformité RGPD : Lignes nominatives avec l'accord de chacun, agrégats dès {k} employés"),
        ),
    };
    let mut sheet = Sheet::default();
    sheet.record(&[title]);
    sheet.record(&[&law]);
    sheet.record(&[&format!("# Période: {}", report.month)]);
    sheet.record(&[&format!("# Entreprise: {}", heading.company)]);
    sheet.record(&[&format!("# Généré le: {}", heading.made_on)]);
    sheet.blank();
    sheet.record(&["Employé", "Département", "Consultations", "Durée (min)"]);
    for row in &report.rows {
        let (who, consultations, minutes) = match row {
            UsageRow::Named(row) => (row.name.clone(), row.usage.totals.consultations, row.usage.totals.minutes),
            UsageRow::Cell(cell) => (format!("Ensemble ({})", cell.users), cell.consultations, cell.minutes),
        };
        let department = row.department().unwrap_or_default();
        sheet.record(&[&who, department, &consultations.to_string(), &minutes.to_string()]);
    }
    sheet.into_bytes()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use jiff::civil::date;

    use super::*;
    use crate::NamedUsage;

    fn january() -> Month {
        "2027-01".parse().unwrap()
    }

    fn cell(department: Option<&str>) -> PublishedCell {
        PublishedCell { department: department.map(str::to_owned), users: 25, consultations: 40, minutes: 1_980 }
    }

    fn named(name: &str) -> NamedRow {
        let totals = UsageTotals { consultations: 2, seconds: 5_520, minutes: 92 };
        let user = UserId(Uuid::from_u128(2));
        let usage = NamedUsage { employee: Uuid::from_u128(1), user, department: Some("Ventes".to_owned()), totals };
        NamedRow { month: january(), name: name.to_owned(), usage }
    }

    fn text(report: &UsageReport, mode: HrReporting) -> String {
        let rules = ReleaseRules::with_k(10);
        let heading = Heading { mode, rules, company: "TechCorp, SAS", made_on: date(2027, 2, 10) };
        String::from_utf8(file(report, heading)).unwrap()
    }

    #[test]
    fn a_file_of_aggregates_is_what_the_contract_says() {
        let report = UsageReport::of(january(), vec![], vec![cell(Some("Développement")), cell(Some("Autres"))], None);
        assert_eq!(
            text(&report, HrReporting::Aggregated),
            "\u{feff}# RAPPORT UTILISATION EMPLOYÉS - ANONYMISÉ\r\n\
             \"# Conformité RGPD : Données agrégées uniquement, seuil min. 10 employés\"\r\n\
             # Période: 2027-01\r\n\"# Entreprise: TechCorp, SAS\"\r\n# Généré le: 2027-02-10\r\n\r\n\
             Employé,Département,Consultations,Durée (min)\r\n\
             Ensemble (25),Développement,40,1980\r\nEnsemble (25),Autres,40,1980\r\n"
        );
    }

    #[test]
    fn a_file_with_names_does_not_call_itself_anonymous() {
        let report = UsageReport::of(january(), vec![named("=Camille Petit")], vec![cell(None)], None);
        let text = text(&report, HrReporting::Named);
        assert!(!text.contains("ANONYM"), "{text}");
        assert!(text.ends_with("\r\n'=Camille Petit,Ventes,2,92\r\nEnsemble (25),,40,1980\r\n"), "{text}");
    }

    #[test]
    fn a_department_is_a_filter_and_not_a_question() {
        let cells = || vec![cell(Some("Développement")), cell(Some("Autres")), cell(None)];
        let of = |department| UsageReport::of(january(), vec![named("Camille")], cells(), Some(department)).rows;
        assert_eq!(of("Autres"), [UsageRow::Cell(cell(Some("Autres")))]);
        assert_eq!(of("Ventes"), [UsageRow::Named(named("Camille"))]);
        assert_eq!(of(""), []);
        assert_eq!(of("Support"), []);
    }
}
