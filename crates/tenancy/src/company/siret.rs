//! SIRET: the number of a French establishment.

/// A SIRET of 14 digits whose Luhn sum is right (INSEE; the establishments of La Poste, whose
/// digits sum to a multiple of five instead, are accepted as well).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Siret(String);

impl Siret {
    /// Parses, ignoring spaces; `None` when it is no SIRET.
    pub fn parse(raw: &str) -> Option<Self> {
        let digits: String = raw.chars().filter(|c| !c.is_whitespace()).collect();
        let values: Vec<u32> = digits.chars().map(|c| c.to_digit(10)).collect::<Option<_>>()?;
        if values.len() != 14 || values.iter().all(|value| *value == 0) {
            return None;
        }
        let luhn: u32 = values
            .iter()
            .rev()
            .enumerate()
            .map(|(at, value)| if at % 2 == 1 { value * 2 / 10 + value * 2 % 10 } else { *value })
            .sum();
        let la_poste = digits.starts_with("356000000") && values.iter().sum::<u32>().is_multiple_of(5);
        (luhn.is_multiple_of(10) || la_poste).then_some(Self(digits))
    }

    /// The 14 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luhn_decides() {
        assert!(Siret::parse("73282932000074").is_some());
        assert!(Siret::parse("732 829 320 00074").is_some());
        assert_eq!(Siret::parse("73282932000075"), None);
        assert_eq!(Siret::parse("7328293200007"), None);
        assert_eq!(Siret::parse("7328293200007a"), None);
        assert_eq!(Siret::parse("00000000000000"), None);
    }

    #[test]
    fn la_poste_has_its_own_sum() {
        assert!(Siret::parse("35600000049837").is_some());
    }
}
