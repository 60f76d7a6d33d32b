//! Which passwords are guessed early, whatever their length (NIST SP 800-63B, 5.1.1.2): walks over the
//! keyboard or the alphabet, numbers, and frequent words with decorations.
//!
//! Whoever must take twelve characters takes a short word and adds to it, so a list of whole passwords
//! says little. What is compared is the root of a password: lower case, without accents, without what
//! is no letter at either end, with letters for the signs that stand for them, without the signs
//! between, and once if it is repeated. `P@ssw0rd-2027!`, `motdepasse 1234` and `SoleilSoleil` have
//! roots that everybody chooses; a few words in a row have none of these.
use std::collections::BTreeSet;

use zeroize::Zeroizing;

/// What people choose, in French and English: words for secrets and greetings, endearments, given names,
/// seasons and months, towns, clubs, heroes, and what they call this product. Roots of at least four
/// letters, sorted, one a line.
const FREQUENT: &str = include_str!("../../../data/frequent-words.txt");

/// Letters of a root at least: what is shorter is no word.
const SHORTEST_ROOT: usize = 4;
/// A password of digits and signs is a number with decorations, such as a date or a telephone's, when it
/// has fewer different characters than these, all digits being one.
const VARIED: usize = 6;
/// When the parts of a password that follow such a row are this long on average, it is a walk.
const STEPS: usize = 3;

/// What fingers and memory follow: the alphabet, the digits, the rows and columns of both keyboards,
/// and those by turns.
const ROWS: &[&str] = &[
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "1aqw2zsx3edc",
    "1q2w3e4r5t6y7u8i9o0p",
    "1a2z3e4r5t6y7u8i9o0p",
    "147258369",
];

/// Whether `password` is among the first guesses.
pub(super) fn is_guessed_early(password: &str) -> bool {
    let lower = lower(password);
    is_walk(&lower) || is_number(&lower) || repeats_little(&lower) || roots(&lower).iter().any(|root| is_frequent(root))
}

/// Whether `password` is `word`, in whatever case and with whatever decorations.
pub(super) fn is_decorated(password: &str, word: &str) -> bool {
    let [word, ..] = roots(&lower(word));
    word.chars().count() >= SHORTEST_ROOT && roots(&lower(password)).contains(&word)
}

/// `text` in lower case; wiped when it goes.
pub(super) fn lower(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_lowercase())
}

/// Whether the text consists of few pieces that each stay where they are or follow a row, forwards or
/// backwards.
fn is_walk(text: &str) -> bool {
    let letters: Zeroizing<Vec<char>> = Zeroizing::new(text.chars().collect());
    let leaps = letters.windows(2).filter(|pair| !matches!(pair, [one, next] if are_neighbours(*one, *next))).count();
    (leaps + 1) * STEPS <= letters.len()
}

fn are_neighbours(one: char, next: char) -> bool {
    let follow = |row: &&str, first: char, second: char| {
        row.chars().zip(row.chars().skip(1)).any(|pair| pair == (first, second))
    };
    one == next || ROWS.iter().any(|row| follow(row, one, next) || follow(row, next, one))
}

/// Whether the text is digits and signs of few kinds, with hardly a letter. Letters of any script count:
/// what is written in them is not to look like an empty word.
fn is_number(text: &str) -> bool {
    let is_plain = text.chars().all(|letter| letter.is_ascii() || letter.is_alphanumeric());
    let others: BTreeSet<char> = text.chars().filter(|letter| !letter.is_numeric()).collect();
    let letters = text.chars().filter(|letter| letter.is_alphabetic()).count();
    let has_digits = text.chars().any(char::is_numeric);
    is_plain && letters < SHORTEST_ROOT && others.len() + usize::from(has_digits) < VARIED
}

/// Whether the letters say something short over and over.
fn repeats_little(text: &str) -> bool {
    let whole = unrepeated(text.trim_matches(is_decoration), false);
    let part = whole.get(..once(&whole)).unwrap_or_default();
    part.len() < whole.len() && part.chars().count() < SHORTEST_ROOT
}

/// The roots that a lower-case text may have: a sign between may stand for a letter or for nothing, and
/// one in front for a letter.
fn roots(text: &str) -> [Zeroizing<String>; 3] {
    let inner = text.trim_matches(is_decoration);
    let headed = text.trim_end_matches(is_decoration);
    [(inner, false), (inner, true), (headed, true)].map(|(part, signs_mean)| {
        let mut root = unrepeated(part, signs_mean);
        let length = once(&root);
        root.truncate(length);
        root
    })
}

/// What is no letter of any script.
fn is_decoration(letter: char) -> bool {
    !folded(letter).is_alphabetic()
}

/// The letters and digits of `part`, and the letters that its signs mean if they mean any.
fn unrepeated(part: &str, signs_mean: bool) -> Zeroizing<String> {
    let kept = part.chars().map(folded).filter(|letter| signs_mean || letter.is_alphanumeric());
    let mut root = Zeroizing::new(String::with_capacity(part.len()));
    root.extend(kept.map(meant).filter(|letter| letter.is_alphanumeric()));
    root
}

/// The letter without its accent.
fn folded(letter: char) -> char {
    match letter {
        'à' | 'â' | 'ä' | 'á' | 'ã' | 'å' => 'a',
        'ç' => 'c',
        'è' | 'é' | 'ê' | 'ë' => 'e',
        'î' | 'ï' | 'í' | 'ì' => 'i',
        'ñ' => 'n',
        'ô' | 'ö' | 'ó' | 'ò' | 'õ' => 'o',
        'û' | 'ü' | 'ù' | 'ú' => 'u',
        'ÿ' => 'y',
        other => other,
    }
}

/// The letter that a sign is put for.
fn meant(sign: char) -> char {
    match sign {
        '@' | '4' => 'a',
        '3' | '€' => 'e',
        '1' | '!' => 'i',
        '0' => 'o',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    }
}

/// The length in bytes of what `text` repeats; its own when it repeats nothing.
fn once(text: &str) -> usize {
    let whole = text.len();
    let repeats = |length: &usize| {
        whole.is_multiple_of(*length)
            && text
                .split_at_checked(*length)
                .is_some_and(|(first, rest)| rest.as_bytes().chunks(*length).all(|part| part == first.as_bytes()))
    };
    (1..=whole / 2).find(repeats).unwrap_or(whole)
}

/// Whether the list has this root: a binary search over its lines as they are.
fn is_frequent(root: &str) -> bool {
    let mut lines = FREQUENT;
    while !lines.is_empty() {
        let Some((before, after)) = lines.split_at_checked(lines.len() / 2) else { return false };
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let end = after.find('\n').map_or(lines.len(), |at| before.len() + at);
        let line = lines.get(start..end).unwrap_or_default();
        lines = match root.cmp(line) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => lines.get(..start).unwrap_or_default(),
            std::cmp::Ordering::Greater => lines.get(end + 1..).unwrap_or_default(),
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_long_sorted_and_made_of_roots() {
        let lines: Vec<&str> = FREQUENT.lines().collect();
        assert!(lines.len() > 1_000, "{} lines", lines.len());
        assert!(lines.is_sorted_by(|one, next| one < next));
        for line in lines {
            assert!(
                line.chars().count() >= SHORTEST_ROOT && roots(line).iter().all(|root| **root == line),
                "{line} is no root"
            );
            assert!(is_frequent(line), "{line} is not found");
        }
        for absent in ["", "a", "zzzzzzzz", "demohuntzen", "password1"] {
            assert!(!is_frequent(absent), "{absent}");
        }
    }

    #[test]
    fn what_everybody_chooses_is_guessed() {
        for password in [
            // Words with decorations, French ones among them.
            "password1234",
            "P@ssw0rd-2027!",
            "passwordpassword",
            "MotDePasse2027",
            "mot-de-passe 12",
            "M0tdep@sse2027",
            "Soleil!Soleil!",
            "Été2027!!!!!!",
            "bienvenue1234",
            "Bienvenue-2027",
            "@zerty!2027!!",
            "doudoudoudou",
            "jetaime123456",
            "Février-2027-",
            "Marseille13000",
            "administrateur",
            "Camille-19870312",
            "huntzen-2027!",
            "HuntZenCare2027",
            "iloveyou!!!!",
            "letmein12345",
            // Walks.
            "123456789012",
            "098765432109",
            "abcdefghijkl",
            "abcd12345678",
            "aaaaaaaaaaaa",
            "abababababab",
            "112233445566",
            "qwertyuiop12",
            "azertyuiop123",
            "AZERTYqsdfgh",
            "1qaz2wsx3edc",
            "1q2w3e4r5t6y",
            "1a2z3e4r5t6y",
            "123qweasdzxc",
            "azeqsdwxc123",
            // Numbers.
            "06 12 34 56 78 90",
            "19870312-75013",
            "!!2027/03/12!!",
            "abc!24681357",
            "+33 6 12 34 56 78",
            "#!#!!##!#!!#",
            "٣١٤١٥٩٢٦٥٣٥٨",
            // Little, over and over.
            "xk-xk-xk-xk-xk",
            "да-да-да-да-да",
        ] {
            assert!(is_guessed_early(password), "{password}");
        }
    }

    #[test]
    fn words_in_a_row_and_random_characters_are_not() {
        for password in [
            "demo-huntzen-2027",
            "quatre mots pour entrer",
            "un tout autre mot",
            "quite another word",
            "luc va au marché",
            "douze signes",
            "correct horse battery staple",
            "cheval agrafe batterie",
            "Xk7!mPq2vR9z",
            "f3a9c1e07b5d",
            "vélo-tartine-47",
            // Any characters do, also without a Latin letter.
            "правильная лошадь",
            "σωστό άλογο μπαταρία",
            "حصان بطارية صحيح",
            "正しい馬の電池ホチキス留め",
            "올바른 말 배터리 스테이플",
            "7#9$2k!4@8^1",
            "#$7^&*(2)_+{}",
        ] {
            assert!(!is_guessed_early(password), "{password}");
        }
    }

    #[test]
    fn a_company_is_known_in_any_decoration() {
        for password in ["techcorp2027!", "TechCorp-Tech-Corp", "T3chC0rp 2027"] {
            assert!(is_decorated(password, "techcorp"), "{password}");
        }
        assert!(!is_decorated("demo-techcorp-2027", "techcorp"));
        assert!(is_decorated("Atelier Lumière 13", "atelier-lumiere"));
        assert!(!is_decorated("abc 4 fois 12", "abc"));
    }
}
