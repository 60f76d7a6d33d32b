//! The language of an answer's texts, chosen by `Accept-Language` (RFC 9110 §12.5.4).
use actix_web::http::header::{ACCEPT_LANGUAGE, HeaderMap};

/// A language that texts for people exist in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// French, unless the client prefers English.
    #[default]
    French,
    /// English.
    English,
}

impl Language {
    /// The language that the request prefers; French when it says nothing usable.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut french = Wish::default();
        let mut english = Wish::default();
        let lines = headers.get_all(ACCEPT_LANGUAGE).filter_map(|line| line.to_str().ok());
        for range in lines.flat_map(|line| line.split(',')) {
            let (tag, quality) = parse(range);
            match primary(tag).as_str() {
                "fr" => french.named(quality),
                "en" => english.named(quality),
                "*" => {
                    french.any(quality);
                    english.any(quality);
                }
                _ => {}
            }
        }
        if english.quality() > french.quality() { Self::English } else { Self::French }
    }

    /// The language's tag (BCP 47).
    pub const fn tag(self) -> &'static str {
        match self {
            Self::French => "fr",
            Self::English => "en",
        }
    }
}

/// How much a language is wanted, in thousandths: by its name, else by `*`.
#[derive(Default)]
struct Wish {
    named: Option<u16>,
    any: Option<u16>,
}

impl Wish {
    fn named(&mut self, quality: u16) {
        self.named = self.named.max(Some(quality));
    }

    fn any(&mut self, quality: u16) {
        self.any = self.any.max(Some(quality));
    }

    fn quality(&self) -> u16 {
        self.named.or(self.any).unwrap_or(0)
    }
}

fn primary(tag: &str) -> String {
    tag.split('-').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// A language range and its weight in thousandths; a weight that cannot be read is 0.
fn parse(range: &str) -> (&str, u16) {
    let Some((tag, weight)) = range.split_once(';') else { return (range, 1000) };
    let value = weight.trim().strip_prefix("q=").or_else(|| weight.trim().strip_prefix("Q="));
    (tag, value.and_then(thousandths).unwrap_or(0))
}

/// Reads `0.xyz` or `1.000` without floating point.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    if decimals.len() > 3 || !decimals.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let decimals: u16 = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(decimals),
        "1" if decimals == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn chosen(line: &str) -> Language {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, line.parse().unwrap());
        Language::of(&headers)
    }

    #[test]
    fn weights_decide_and_french_wins_ties() {
        assert_eq!(Language::of(&HeaderMap::new()), Language::French);
        for french in ["fr", "fr-CA,en;q=0.9", "en;q=0.5,fr;q=0.51", "de", "*", "en;q=0", "en;q=x", "fr,en", "en;q=2"] {
            assert_eq!(chosen(french), Language::French, "{french}");
        }
        for english in ["en", "EN-gb", "fr;q=0.8,en-US", "de, en;q=0.001", "fr;q=0,*", "fr;q=0.1, *;q=0.5"] {
            assert_eq!(chosen(english), Language::English, "{english}");
        }
    }
}
