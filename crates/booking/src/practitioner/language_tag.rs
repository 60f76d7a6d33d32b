//! Language tags (BCP 47, RFC 5646) as practitioners give them: well-formed, in one spelling.

/// The tag in the spelling that RFC 5646 §2.1.1 recommends (`zh-Hant-TW`); `None` when it is not
/// a language of two or three letters, then at most a script, a region and variants. Extensions
/// and private use say nothing about what somebody speaks.
pub(super) fn parse(raw: &str) -> Option<String> {
    let mut subtags = raw.trim().split('-');
    let language = subtags.next()?;
    if !(2..=3).contains(&language.len()) || !is_letters(language) {
        return None;
    }
    let mut tag = language.to_ascii_lowercase();
    // 0: a script may come, 1: a region, 2: variants.
    let mut place = 0;
    for subtag in subtags {
        let (next, spelled) = match subtag.len() {
            4 if place < 1 && is_letters(subtag) => (1, capitalised(subtag)),
            2 if place < 2 && is_letters(subtag) => (2, subtag.to_ascii_uppercase()),
            3 if place < 2 && subtag.bytes().all(|byte| byte.is_ascii_digit()) => (2, subtag.to_owned()),
            4 if is_alphanumeric(subtag) && subtag.starts_with(|c: char| c.is_ascii_digit()) => {
                (2, subtag.to_ascii_lowercase())
            }
            5..=8 if is_alphanumeric(subtag) => (2, subtag.to_ascii_lowercase()),
            _ => return None,
        };
        place = next;
        tag.push('-');
        tag.push_str(&spelled);
    }
    (tag.len() <= LONGEST).then_some(tag)
}

/// RFC 5646 §4.4.1.
const LONGEST: usize = 35;

fn is_letters(subtag: &str) -> bool {
    subtag.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn is_alphanumeric(subtag: &str) -> bool {
    subtag.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn capitalised(subtag: &str) -> String {
    let mut letters = subtag.chars();
    letters
        .next()
        .map(|first| first.to_ascii_uppercase())
        .into_iter()
        .chain(letters.map(|letter| letter.to_ascii_lowercase()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_spelled_one_way() {
        for (raw, tag) in [
            ("FR", "fr"),
            (" en-us ", "en-US"),
            ("zh-HANT-tw", "zh-Hant-TW"),
            ("es-419", "es-419"),
            ("de-1996", "de-1996"),
            ("ca-ES-Valencia", "ca-ES-valencia"),
            ("gsw", "gsw"),
        ] {
            assert_eq!(parse(raw).as_deref(), Some(tag), "{raw}");
        }
    }

    #[test]
    fn what_is_no_tag_is_refused() {
        for raw in [
            "",
            "f",
            "français",
            "french",
            "fr_FR",
            "fr-",
            "-fr",
            "fr--FR",
            "f1",
            "fr-FR-Latn",
            "en-US-GB",
            "en-x-secret",
            "en-a1",
            "en-toolongsubtag",
        ] {
            assert_eq!(parse(raw), None, "{raw}");
        }
    }
}
