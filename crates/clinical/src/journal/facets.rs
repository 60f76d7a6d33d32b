//! An entry's mood and tags, and how they look once opened: they are sealed like its text.
use std::fmt;

use huntzen_tenancy::{error::Checks, sealing::SecretText};

/// The most tags of an entry.
pub const TAGS: usize = 20;
/// The most characters of a tag.
pub const TAG: usize = 40;

/// How somebody felt, from 1 to 10.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Mood(u8);

impl Mood {
    /// The mood of this figure.
    pub fn new(figure: u8) -> Option<Self> {
        (1..=10).contains(&figure).then_some(Self(figure))
    }

    /// Its figure.
    pub fn figure(self) -> u8 {
        self.0
    }

    /// Two digits; `00` when nothing was said, so that the length tells nothing.
    pub(super) fn write(mood: Option<Self>) -> SecretText {
        SecretText::new(format!("{:02}", mood.map_or(0, Self::figure)))
    }

    /// Reads what `write` made.
    pub(super) fn read(text: &SecretText) -> Option<Self> {
        text.expose().parse().ok().and_then(Self::new)
    }
}

impl fmt::Debug for Mood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mood(…)")
    }
}

/// What an entry is about, in the order in which its owner said it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(Vec<SecretText>);

/// Between two tags; no tag holds one (ASCII unit separator).
const SEPARATOR: char = '\u{1f}';

impl Tags {
    /// These tags, trimmed.
    ///
    /// Refused are more than 20, a blank one, one of more than 40 characters, one with control
    /// characters, and the same one twice, however it is spelt.
    pub fn checked(checks: &mut Checks, raw: &[SecretText]) -> Self {
        let tags: Vec<SecretText> = raw.iter().map(|tag| SecretText::new(tag.expose().trim())).collect();
        checks.require(tags.len() <= TAGS, "tags", "too_many");
        for (place, tag) in tags.iter().enumerate().take(TAGS) {
            let text = tag.expose();
            checks.require(!text.is_empty(), "tags", "required");
            checks.require(text.chars().count() <= TAG, "tags", "too_long");
            checks.require(!text.chars().any(char::is_control), "tags", "invalid_characters");
            let is_new = tags.iter().take(place).all(|other| folded(other.expose()) != folded(text));
            checks.require(is_new, "tags", "duplicate");
        }
        Self(tags)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(SecretText::expose)
    }

    /// Whether this tag is among them, however it is spelt.
    pub fn contain(&self, tag: &SecretText) -> bool {
        let wanted = folded(tag.expose());
        self.iter().any(|one| folded(one) == wanted)
    }

    /// One text that holds them all, with a mark at its end, so that no tags are a text too.
    pub(super) fn write(&self) -> SecretText {
        let mut text = String::with_capacity(self.iter().map(|tag| tag.len() + 1).sum::<usize>() + 2);
        for tag in self.iter() {
            text.push_str(tag);
            text.push(SEPARATOR);
        }
        // Two bytes at the least: a list without tags is not told by being empty.
        text.push(SEPARATOR);
        text.push(SEPARATOR);
        SecretText::new(text)
    }

    /// Reads what `write` made.
    pub(super) fn read(text: &SecretText) -> Self {
        Self(text.expose().split(SEPARATOR).filter(|tag| !tag.is_empty()).map(SecretText::new).collect())
    }
}

/// A tag as it is compared.
fn folded(tag: &str) -> String {
    tag.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use huntzen_tenancy::FieldError;

    use super::*;

    fn tags(texts: &[&str]) -> (Tags, Vec<FieldError>) {
        let mut checks = Checks::default();
        let raw: Vec<SecretText> = texts.iter().map(|text| SecretText::new(*text)).collect();
        let tags = Tags::checked(&mut checks, &raw);
        (tags, checks.into_errors())
    }

    #[test]
    fn a_mood_is_one_to_ten_and_always_as_long() {
        let moods: Vec<Option<Mood>> = (0..=255).map(Mood::new).collect();
        assert_eq!(moods.iter().flatten().count(), 10);
        for mood in moods {
            let written = Mood::write(mood);
            assert_eq!(written.expose().len(), 2);
            assert_eq!(Mood::read(&written), mood);
        }
        assert!(!format!("{:?}", Mood::new(7).unwrap()).contains('7'));
    }

    #[test]
    fn tags_come_back_as_they_went() {
        for texts in [&[][..], &["sommeil"], &[" travail ", "Été", "a b", "😴"], &["x"; 1]] {
            let (tags, refused) = tags(texts);
            assert_eq!(refused, []);
            let trimmed: Vec<&str> = texts.iter().map(|text| text.trim()).collect();
            assert_eq!(tags.iter().collect::<Vec<_>>(), trimmed);
            assert_eq!(Tags::read(&tags.write()), tags);
        }
    }

    #[test]
    fn tags_have_bounds() {
        let long = "é".repeat(TAG);
        let many: Vec<String> = (0..=TAGS).map(|number| format!("t{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(tags(&[long.as_str()]).1, []);
        assert_eq!(tags(many.get(..TAGS).unwrap()).1, []);
        for (texts, code) in [
            (many, "too_many"),
            (vec!["  "], "required"),
            (vec![&format!("{long}é")], "too_long"),
            (vec!["a\u{1f}b"], "invalid_characters"),
            (vec!["Été", "ÉTÉ "], "duplicate"),
        ] {
            assert_eq!(tags(&texts).1, [FieldError::new("tags", code)], "{texts:?}");
        }
    }

    #[test]
    fn a_tag_is_found_however_it_is_spelt() {
        let (tags, _) = tags(&["Été", "travail"]);
        assert!(tags.contain(&SecretText::new("été ")));
        assert!(!tags.contain(&SecretText::new("trav")));
    }
}
