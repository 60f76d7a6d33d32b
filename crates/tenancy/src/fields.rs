//! What the text fields of commands may hold: trimmed, bounded, without control characters.
use crate::{email::Email, error::Checks};

/// The most characters of a person's given or family name.
pub const NAME: usize = 100;

/// The text, trimmed; refused when nothing is left, or more than `most` characters.
pub fn required(checks: &mut Checks, raw: &str, field: &'static str, most: usize) -> String {
    let text = raw.trim();
    checks.require(!text.is_empty(), field, "required");
    check(checks, text, field, most);
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
        assert_eq!(required(&mut checks, "  Camille ", "firstName", NAME), "Camille");
        assert_eq!(optional(&mut checks, Some("   "), "phone", 20), None);
        assert_eq!(optional(&mut checks, Some(" RH "), "department", 2), Some("RH".to_owned()));
        assert!(checks.into_errors().is_empty());
    }

    #[test]
    fn what_no_column_can_hold_is_refused() {
        let mut checks = Checks::default();
        required(&mut checks, " ", "firstName", NAME);
        required(&mut checks, "a\0b", "lastName", NAME);
        optional(&mut checks, Some("éàü"), "department", 2);
        let wanted = [("firstName", "required"), ("lastName", "invalid_characters"), ("department", "too_long")];
        assert_eq!(checks.into_errors(), wanted.map(|(field, code)| FieldError::new(field, code)));
    }
}
