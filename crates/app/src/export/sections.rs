//! The lists of an export, and who has which.
use huntzen_tenancy::{own_data::OwnPart, policy::Role};

use crate::http::language::Language;

/// A list of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// A practitioner's own profile.
    Practitioner,
    /// What is kept beside.
    Part(OwnPart),
    /// Consultations: an employee's with both names and reasons; a practitioner's without whom.
    Consultations,
    /// Messages: an employee's conversations; what a practitioner wrote.
    Messages,
    /// The journal.
    Journal,
    /// Feedback.
    Reviews,
    /// Weekly rules.
    Availability,
    /// Leave and extra hours.
    Exceptions,
    /// Who touched the data.
    AccessLog,
}

use Section::{AccessLog, Availability, Consultations, Exceptions, Journal, Messages, Part, Practitioner, Reviews};

/// What every role has.
const OF_ALL: [Section; 7] = [
    Part(OwnPart::Sessions),
    Part(OwnPart::SecondFactor),
    Part(OwnPart::Tokens),
    Part(OwnPart::Invitations),
    Part(OwnPart::Letters),
    Part(OwnPart::Notifications),
    Part(OwnPart::Files),
];

impl Section {
    /// The sections of a person in this role.
    pub fn of(role: Role) -> Vec<Self> {
        let own: &[Self] = match role {
            Role::Employee => &[
                Part(OwnPart::Employment),
                Consultations,
                Part(OwnPart::Events),
                Messages,
                Journal,
                Reviews,
                Part(OwnPart::Activity),
                Part(OwnPart::NamedUsage),
            ],
            Role::Practitioner => &[
                Practitioner,
                Availability,
                Exceptions,
                Consultations,
                Part(OwnPart::Events),
                Messages,
                Part(OwnPart::Activity),
                Part(OwnPart::Statements),
            ],
            Role::AdminRh | Role::AdminHuntzen | Role::SuperAdmin => &[],
        };
        OF_ALL.iter().chain(own).chain(&[AccessLog]).copied().collect()
    }

    /// Its name in the JSON.
    pub fn key(self) -> &'static str {
        match self {
            Practitioner => "practitioner",
            Part(OwnPart::Sessions) => "sessions",
            Part(OwnPart::Tokens) => "tokens",
            Part(OwnPart::Invitations) => "invitations",
            Part(OwnPart::SecondFactor) => "secondFactor",
            Part(OwnPart::Letters) => "letters",
            Part(OwnPart::Notifications) => "notifications",
            Part(OwnPart::Files) => "files",
            Part(OwnPart::Employment) => "employment",
            Part(OwnPart::Events) => "consultationEvents",
            Part(OwnPart::Activity) => "activity",
            Part(OwnPart::NamedUsage) => "namedUsage",
            Part(OwnPart::Statements) => "statements",
            Consultations => "consultations",
            Messages => "messages",
            Journal => "journal",
            Reviews => "reviews",
            Availability => "availability",
            Exceptions => "exceptions",
            AccessLog => "accessLog",
        }
    }

    /// Its heading.
    pub fn title(self, language: Language) -> &'static str {
        let (french, english) = match self {
            Practitioner => ("Profil de praticien", "Practitioner profile"),
            Part(OwnPart::Sessions) => ("Sessions", "Sessions"),
            Part(OwnPart::Tokens) => ("Liens envoyés par courriel", "Mailed links"),
            Part(OwnPart::Invitations) => ("Invitations reçues", "Invitations received"),
            Part(OwnPart::SecondFactor) => ("Double authentification", "Second factor"),
            Part(OwnPart::Letters) => ("Courriels envoyés", "Letters sent"),
            Part(OwnPart::Notifications) => ("Notifications", "Notifications"),
            Part(OwnPart::Files) => ("Fichiers", "Files"),
            Part(OwnPart::Employment) => ("Périodes de prise en charge", "Periods of eligibility"),
            Part(OwnPart::Events) => ("Événements des rendez-vous", "Events of appointments"),
            Part(OwnPart::Activity) => ("Compteurs par jour", "Counters by day"),
            Part(OwnPart::NamedUsage) => ("Usage montré à l'employeur", "Usage shown to the employer"),
            Part(OwnPart::Statements) => ("Relevés", "Statements"),
            Consultations => ("Rendez-vous", "Appointments"),
            Messages => ("Messages", "Messages"),
            Journal => ("Journal", "Journal"),
            Reviews => ("Avis donnés", "Feedback given"),
            Availability => ("Disponibilités", "Availability"),
            Exceptions => ("Congés et heures supplémentaires", "Leave and extra hours"),
            AccessLog => ("Accès à vos données", "Access to your data"),
        };
        match language {
            Language::French => french,
            Language::English => english,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use huntzen_tenancy::words::Words;

    use super::*;

    #[test]
    fn every_part_is_somebody_s_and_every_section_has_a_name_of_its_own() {
        let had: BTreeMap<&str, Section> =
            Role::ALL.iter().flat_map(|role| Section::of(*role)).map(|section| (section.key(), section)).collect();
        for role in Role::ALL {
            assert!(Section::of(*role).iter().all(|section| had.get(section.key()) == Some(section)), "{role}");
        }
        for part in OwnPart::ALL {
            assert!(had.values().any(|section| *section == Section::Part(*part)), "{part}");
        }
    }
}
