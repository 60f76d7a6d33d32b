//! What the text fields of commands may hold: trimmed, bounded, without control characters.
use crate::{email::Email, error::Checks};

/// The most characters of a person's given or family name.
const NAME: usize = 100;

/// The text, trimmed; refused when nothing is left, or more than `most` characters.
pub fn required(checks: &mut Checks, raw: &str, field: &'static str, most: usize) -> String {
    let text = raw.trim();
    checks.require(!text.is_empty(), field, "required");
    check(checks, text, field, most);
    text.to_owned()
}

/// A person's given or family name, trimmed: one line, since it stands in letters and lists.
pub fn name(checks: &mut Checks, raw: &str, field: &'static str) -> String {
    let text = raw.trim();
    checks.require(!text.is_empty(), field, "required");
    checks.require(text.chars().count() <= NAME, field, "too_long");
    // Line and paragraph separator break lines as well, and are no control characters.
    let is_one_line = !text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'));
    checks.require(is_one_line, field, "invalid_characters");
    text.to_owned()
}

/// The text, trimmed; `None` when it is absent or nothing is left.
pub fn optional(checks: &mut Checks, raw: Option<&str>, field: &'static str, most: usize) -> Option<String> {
    let text = raw.map(str::trim).filter(|text| !text.is_empty())?;
    check(checks, text, field, most);
    Some(text.to_owned())
}

/// The address, normalised; refused when it is none.
pub fn email(checks: &mut Checks, raw: &str, field: &'static str) -> Option<Email> {
    checks.parsed(Email::parse(raw), field, "invalid_email")
}

/// Refuses a search text that no stored text can contain.
pub fn searched(checks: &mut Checks, text: Option<&str>, field: &'static str) {
    check(checks, text.unwrap_or_default(), field, 200);
}

fn check(checks: &mut Checks, text: &str, field: &'static str, most: usize) {
    checks.require(text.chars().count() <= most, field, "too_long");
    // Line breaks are left in: postal addresses have them.
    checks.require(!text.chars().any(|c| c.is_control() && c != '\n' && c != '\r'), field, "invalid_characters");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::FieldError;

    #[test]
    fn texts_are_trimmed_and_bounded() {
        let mut checks = Checks::default();
        assert_eq!(required(&mut checks, "  Camille ", "title", 20), "Camille");
        assert_eq!(optional(&mut checks, Some("   "), "phone", 20), None);
        assert_eq!(optional(&mut checks, Some(" RH "), "department", 2), Some("RH".to_owned()));
        assert!(checks.into_errors().is_empty());
    }

    #[test]
    fn a_name_is_one_line() {
        for (raw, code) in [
            ("  ", Some("required")),
            ("Camille\nCliquez ici", Some("invalid_characters")),
            ("Camille\r", None),
            ("a\rb", Some("invalid_characters")),
            ("a\u{2028}b", Some("invalid_characters")),
            ("a\u{85}b", Some("invalid_characters")),
            ("a\tb", Some("invalid_characters")),
            ("é".repeat(NAME).as_str(), None),
            ("é".repeat(NAME + 1).as_str(), Some("too_long")),
            ("Jean-Élie O'Neil d’Été", None),
        ] {
            let mut checks = Checks::default();
            assert_eq!(name(&mut checks, raw, "firstName"), raw.trim());
            let told: Vec<_> = checks.into_errors().into_iter().map(|error| error.code).collect();
            assert_eq!(told, Vec::from_iter(code), "{raw:?}");
        }
    }

    #[test]
    fn what_no_column_can_hold_is_refused() {
        let mut checks = Checks::default();
        required(&mut checks, " ", "firstName", 20);
        required(&mut checks, "a\0b", "lastName", 20);
        optional(&mut checks, Some("éàü"), "department", 2);
        let wanted = [("firstName", "required"), ("lastName", "invalid_characters"), ("department", "too_long")];
        assert_eq!(checks.into_errors(), wanted.map(|(field, code)| FieldError::new(field, code)));
    }
}
