//! What practitioners' entries may hold, and what their owners may change of them.
use huntzen_tenancy::{TenancyError, company::known_zone, error::Checks, fields};
use jiff::Timestamp;

use super::{Practitioner, language_tag};

/// The most characters of a title or a specialty.
pub(super) const TITLE: usize = 120;
const BIO: usize = 4000;
const SPECIALTIES: usize = 20;
const LANGUAGES: usize = 10;
const YEARS: u32 = 80;

/// What changes about a practitioner; texts as typed.
/// In doubled options the outer `None` leaves the field and the inner one clears it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileChange {
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// How they are addressed.
    pub title: Option<Option<String>>,
    /// A few lines about themselves.
    pub bio: Option<Option<String>>,
    /// What they know best; at most 20.
    pub specialties: Option<Vec<String>>,
    /// Languages of consultation (BCP 47); at most 10.
    pub languages: Option<Vec<String>>,
    /// Years of practice, at most 80.
    pub years_of_experience: Option<Option<u32>>,
    /// Whether they offer video.
    pub offers_video: Option<bool>,
    /// Whether they offer audio.
    pub offers_audio: Option<bool>,
    /// Whether they offer the telephone.
    pub offers_phone: Option<bool>,
    /// Whether they offer chat.
    pub offers_chat: Option<bool>,
    /// Whether people who never completed a consultation with them may book.
    pub accepting_new_clients: Option<bool>,
    /// Their IANA zone.
    pub timezone: Option<String>,
}

/// A change whose every value is valid.
#[derive(Debug)]
pub(super) struct AcceptedChange(ProfileChange);

impl ProfileChange {
    /// Cleans the change and refuses what an entry cannot hold.
    pub(super) fn accept(&self) -> Result<AcceptedChange, TenancyError> {
        let to = &mut Checks::default();
        let change = Self {
            first_name: (self.first_name.as_deref()).map(|raw| fields::name(to, raw, "firstName")),
            last_name: (self.last_name.as_deref()).map(|raw| fields::name(to, raw, "lastName")),
            title: (self.title.as_ref()).map(|raw| fields::optional(to, raw.as_deref(), "title", TITLE)),
            bio: (self.bio.as_ref()).map(|raw| fields::optional(to, raw.as_deref(), "bio", BIO)),
            specialties: self.specialties.as_ref().map(|raw| specialties(to, raw)),
            languages: self.languages.as_ref().map(|raw| languages(to, raw)),
            timezone: (self.timezone.as_deref()).map(|raw| timezone(to, raw)),
            ..self.clone()
        };
        let years = self.years_of_experience.flatten().unwrap_or_default();
        to.require(years <= YEARS, "yearsOfExperience", "out_of_range");
        std::mem::take(to).pass(Some(AcceptedChange(change)))
    }
}

impl AcceptedChange {
    /// Writes the change into `practitioner`.
    pub(super) fn apply(self, practitioner: &mut Practitioner, now: Timestamp) {
        let Self(change) = self;
        set(&mut practitioner.first_name, change.first_name);
        set(&mut practitioner.last_name, change.last_name);
        set(&mut practitioner.title, change.title);
        set(&mut practitioner.bio, change.bio);
        set(&mut practitioner.specialties, change.specialties);
        set(&mut practitioner.languages, change.languages);
        set(&mut practitioner.years_of_experience, change.years_of_experience);
        set(&mut practitioner.offers_video, change.offers_video);
        set(&mut practitioner.offers_audio, change.offers_audio);
        set(&mut practitioner.offers_phone, change.offers_phone);
        set(&mut practitioner.offers_chat, change.offers_chat);
        set(&mut practitioner.accepting_new_clients, change.accepting_new_clients);
        set(&mut practitioner.timezone, change.timezone);
        practitioner.updated_at = now;
    }
}

/// The specialties, each once, trimmed.
pub(super) fn specialties(checks: &mut Checks, raw: &[String]) -> Vec<String> {
    checks.require(raw.len() <= SPECIALTIES, "specialties", "too_many");
    let cleaned = raw.iter().take(SPECIALTIES).map(|text| fields::required(checks, text, "specialties", TITLE));
    each_once(cleaned)
}

/// The languages, each once, in the recommended spelling.
pub(super) fn languages(checks: &mut Checks, raw: &[String]) -> Vec<String> {
    checks.require(raw.len() <= LANGUAGES, "languages", "too_many");
    let parsed = raw
        .iter()
        .take(LANGUAGES)
        .filter_map(|text| checks.parsed(language_tag::parse(text), "languages", "invalid_language"));
    each_once(parsed)
}

/// The zone by its canonical name.
pub(super) fn timezone(checks: &mut Checks, raw: &str) -> String {
    let zone = known_zone(raw.trim()).filter(|zone| zone.len() <= 64);
    (checks.parsed(zone, "timezone", "unknown_timezone")).unwrap_or_default()
}

fn each_once(values: impl Iterator<Item = String>) -> Vec<String> {
    values.fold(Vec::new(), |mut kept, value| {
        if !kept.contains(&value) {
            kept.push(value);
        }
        kept
    })
}

fn set<T>(field: &mut T, change: Option<T>) {
    if let Some(value) = change {
        *field = value;
    }
}

#[cfg(test)]
mod tests {
    use huntzen_tenancy::FieldError;

    use super::*;

    fn refusals(change: &ProfileChange) -> Vec<FieldError> {
        match change.accept() {
            Err(TenancyError::Invalid(refusals)) => refusals,
            Err(_) | Ok(_) => Vec::new(),
        }
    }

    #[test]
    fn every_field_that_no_entry_can_hold_is_named() {
        let change = ProfileChange {
            first_name: Some(" ".to_owned()),
            bio: Some(Some("é".repeat(BIO + 1))),
            specialties: Some(vec!["stress".to_owned(); SPECIALTIES + 1]),
            languages: Some(vec!["fr".to_owned(), "klingon!".to_owned()]),
            years_of_experience: Some(Some(YEARS + 1)),
            timezone: Some("Europe/Atlantis".to_owned()),
            ..ProfileChange::default()
        };
        let wanted = [
            ("firstName", "required"),
            ("bio", "too_long"),
            ("specialties", "too_many"),
            ("languages", "invalid_language"),
            ("timezone", "unknown_timezone"),
            ("yearsOfExperience", "out_of_range"),
        ];
        assert_eq!(refusals(&change), wanted.map(|(field, code)| FieldError::new(field, code)));
    }

    #[test]
    fn lists_hold_each_value_once() {
        let mut checks = Checks::default();
        let raw = ["Stress ", "Stress", "Deuil"].map(str::to_owned);
        assert_eq!(specialties(&mut checks, &raw), ["Stress", "Deuil"]);
        let raw = ["fr", "FR", "en-gb"].map(str::to_owned);
        assert_eq!(languages(&mut checks, &raw), ["fr", "en-GB"]);
        assert_eq!(timezone(&mut checks, "europe/paris"), "Europe/Paris");
        assert_eq!(checks.into_errors(), []);
    }

    #[test]
    fn an_empty_change_is_accepted_and_so_is_clearing() {
        assert_eq!(refusals(&ProfileChange::default()), []);
        let clearing = ProfileChange { title: Some(None), years_of_experience: Some(None), ..ProfileChange::default() };
        assert_eq!(refusals(&clearing), []);
    }
}
