//! Names of files: what a client calls a file, made safe to show, to store and to save under.
use std::fmt;

use super::MediaType;

/// The most bytes of a name: what file systems take.
const MOST: usize = 255;

/// A name without a path, without characters that steer a terminal, a file system or the direction of
/// the text, of at most 255 bytes, with an ending that says what the file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName(String);

impl FileName {
    /// What remains of `raw` for a file that holds `media`; `file` when nothing does.
    pub fn of(raw: &str, media: MediaType) -> Self {
        let last = raw.rsplit(['/', '\\']).next().unwrap_or_default();
        let kept: String = last.chars().filter(|one| !is_unseen(*one)).map(harmless).collect();
        // Windows drops what a name ends with of these, and would show another ending than it opens.
        let kept = kept.trim_matches(|one: char| one == '.' || one.is_whitespace());
        let (stem, ending) = match kept.rsplit_once('.') {
            Some((stem, ending)) if fits(ending, media) => (stem.trim_end_matches(['.', ' ']), ending),
            _ => (kept, media.endings().first().copied().unwrap_or_default()),
        };
        let stem = if stem.is_empty() || fits(stem, media) { "file" } else { stem };
        let stem = if is_device(stem) { format!("_{stem}") } else { stem.to_owned() };
        let stem = cut(&stem, MOST - 1 - ending.len());
        Self(format!("{stem}.{ending}"))
    }

    /// A name that was made safe before.
    pub fn from_stored(name: String) -> Self {
        Self(name)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn fits(ending: &str, media: MediaType) -> bool {
    media.endings().iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// Control characters, and those that turn or hide what stands beside them: marks of direction and
/// overrides (UAX #9), joiners, separators of lines, tags, the byte order mark, private use.
fn is_unseen(one: char) -> bool {
    one.is_control()
        || matches!(one,
            '\u{00ad}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{ffff}'
            | '\u{e0000}'..='\u{10ffff}')
}

/// What no file system or shell takes for anything else.
fn harmless(one: char) -> char {
    match one {
        '<' | '>' | ':' | '"' | '|' | '?' | '*' | '%' | '`' | '$' | ';' | '&' => '_',
        other => other,
    }
}

/// The names of devices that Windows knows in every folder, whatever their ending.
fn is_device(stem: &str) -> bool {
    let first = stem.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = ["COM", "LPT"].iter().any(|port| {
        first.strip_prefix(port).is_some_and(|rest| rest.chars().count() == 1 && rest.chars().all(char::is_numeric))
    });
    numbered || matches!(first.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$")
}

/// The beginning of `text` in at most so many bytes.
fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pdf(raw: &str) -> String {
        FileName::of(raw, MediaType::Pdf).0
    }

    #[test]
    fn honest_names_stay() {
        for name in ["Diplôme 2019.pdf", "ordonnance.PDF", "a.b.c.pdf", "検査.pdf", "-rf.pdf"] {
            assert_eq!(pdf(name), name);
        }
        assert_eq!(FileName::of("moi.JPEG", MediaType::Jpeg).as_str(), "moi.JPEG");
    }

    #[test]
    fn hostile_names_are_made_safe() {
        for (raw, wanted) in [
            ("../../etc/passwd", "passwd.pdf"),
            ("C:\\Windows\\system32\\cmd.exe", "cmd.exe.pdf"),
            ("/", "file.pdf"),
            ("..", "file.pdf"),
            (".pdf", "file.pdf"),
            ("", "file.pdf"),
            ("a\0b\r\nSet-Cookie: x.pdf", "abSet-Cookie_ x.pdf"),
            ("photo\u{202e}fdp.exe", "photofdp.exe.pdf"),
            ("\u{feff}a\u{200b}b.pdf", "ab.pdf"),
            ("con.pdf", "_con.pdf"),
            ("LPT1.x.pdf", "_LPT1.x.pdf"),
            ("a.pdf. . .", "a.pdf"),
            ("a.pdf::$DATA", "a.pdf___DATA.pdf"),
            ("\"quoted\".pdf", "_quoted_.pdf"),
            ("%2e%2e%2fa.pdf", "_2e_2e_2fa.pdf"),
        ] {
            assert_eq!(pdf(raw), wanted, "{raw:?}");
        }
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        let name = pdf(&format!("{}.pdf", "é".repeat(300)));
        assert!(name.len() <= MOST, "{}", name.len());
        assert_eq!(name.strip_suffix("é.pdf").map(|rest| rest.chars().all(|c| c == 'é')), Some(true));
    }
}
