//! An answer as it left, and how it is written down to be sealed.
use super::RequestDigest;
use crate::{error::TenancyError, sealing::SecretText};

/// What a client was told: a status and what came with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status of HTTP.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: String,
    /// `Content-Language`, of texts.
    pub language: Option<String>,
    /// `Location`, of what was made.
    pub location: Option<String>,
    /// The body.
    pub body: SecretText,
}

/// An answer, and whether it is told again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The answer.
    pub answer: Answer,
    /// Whether nothing was done for it this time.
    pub is_repeat: bool,
}

impl Answered {
    /// One that is told for the first time.
    pub fn first(answer: Answer) -> Self {
        Self { answer, is_repeat: false }
    }

    /// One that was told before.
    pub fn again(answer: Answer) -> Self {
        Self { answer, is_repeat: true }
    }
}

/// An answer that is kept, with what was asked for. What was asked for is sealed with it: the digest of a
/// short text gives the text away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    asked: String,
    answer: Answer,
}

impl KeptAnswer {
    /// `answer` to what `asked` stands for.
    pub(super) fn new(asked: &RequestDigest, answer: &Answer) -> Self {
        Self { asked: hexadecimal(asked), answer: answer.clone() }
    }

    /// The answer, to whoever asks for the same.
    ///
    /// # Errors
    /// `IdempotencyKeyReused`.
    pub fn to(self, asked: &RequestDigest) -> Result<Answer, TenancyError> {
        if self.asked == hexadecimal(asked) { Ok(self.answer) } else { Err(TenancyError::IdempotencyKeyReused) }
    }

    /// As it is sealed: five lines, then the body. No header's value has a line break in it.
    pub(super) fn write(&self) -> SecretText {
        let Answer { status, content_type, language, location, body } = &self.answer;
        let (language, location) = (language.as_deref().unwrap_or_default(), location.as_deref().unwrap_or_default());
        let lines = format!("{}\n{status}\n{content_type}\n{language}\n{location}\n", self.asked);
        SecretText::new(lines + body.expose())
    }

    /// What [`write`](Self::write) wrote.
    pub(super) fn read(text: &SecretText) -> Option<Self> {
        let mut lines = text.expose().splitn(6, '\n');
        let asked = lines.next()?.to_owned();
        let status = lines.next()?.parse().ok()?;
        let content_type = lines.next()?.to_owned();
        let mut optional = || Some(lines.next()?.to_owned()).map(|line| Some(line).filter(|line| !line.is_empty()));
        let (language, location) = (optional()?, optional()?);
        let body = SecretText::new(lines.next()?);
        Some(Self { asked, answer: Answer { status, content_type, language, location, body } })
    }
}

fn hexadecimal(digest: &RequestDigest) -> String {
    crate::token::TokenDigest(digest.0).to_hex()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(language: Option<&str>, location: Option<&str>, body: &str) -> Answer {
        Answer {
            status: 201,
            content_type: "application/json".to_owned(),
            language: language.map(str::to_owned),
            location: location.map(str::to_owned),
            body: SecretText::new(body),
        }
    }

    #[test]
    fn what_is_kept_comes_back_to_whoever_asks_for_the_same() {
        let (asked, other) = (RequestDigest::of(&[b"a"]), RequestDigest::of(&[b"b"]));
        for answer in [
            answer(None, Some("/consultations/1"), "{\"reason\":\"a\\nb\"}"),
            answer(Some("fr"), None, "first\n\nthird\n"),
            answer(None, None, ""),
        ] {
            let text = KeptAnswer::new(&asked, &answer).write();
            let kept = KeptAnswer::read(&text);
            assert_eq!(kept.clone().and_then(|kept| kept.to(&asked).ok()), Some(answer));
            let refused = kept.map(|kept| kept.to(&other));
            assert!(matches!(refused, Some(Err(TenancyError::IdempotencyKeyReused))));
        }
        assert_eq!(KeptAnswer::read(&SecretText::new("a\n200\nb\n")), None);
    }
}
