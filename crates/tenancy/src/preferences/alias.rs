//! What a person wants to be called where their name is not told.
use crate::{error::Checks, fields};

/// The most characters of an alias.
const MOST: usize = 40;

/// A name of the person's choosing, for the room of a consultation: 1 to 40 characters, trimmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias(String);

impl Alias {
    /// The alias; `None` when nothing is left, or what is left is too long or cannot be shown as one line.
    pub fn parse(raw: &str) -> Option<Self> {
        let mut checks = Checks::default();
        let alias = Self::checked(&mut checks, raw);
        checks.finish().ok().and(Some(alias))
    }

    /// The same, with what is wrong told to `checks`.
    pub(super) fn checked(checks: &mut Checks, raw: &str) -> Self {
        let alias = fields::required(checks, raw, "alias", MOST);
        // Line breaks and what turns the direction of writing around let a name pass for another.
        let is_plain = |c: char| {
            !c.is_control() && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        checks.require(alias.chars().all(is_plain), "alias", "invalid_characters");
        Self(alias)
    }

    /// As it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_is_a_short_line() {
        assert_eq!(Alias::parse(" Camille ").as_ref().map(Alias::as_str), Some("Camille"));
        assert!(Alias::parse(&"é".repeat(MOST)).is_some());
        let too_long = "é".repeat(MOST + 1);
        for wrong in ["", "  ", "a\nb", "a\0b", "a\u{202e}b", "a\u{2066}b", too_long.as_str()] {
            assert_eq!(Alias::parse(wrong), None, "{wrong:?}");
        }
    }
}
