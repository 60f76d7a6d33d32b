//! One spelling for text that is searched: lower case, no accents, words joined by hyphens.

/// The key under which `parts` are found: ASCII, lower case, accents folded.
pub fn search_key(parts: &[&str]) -> String {
    slug::slugify(parts.join(" "))
}

/// The key that `text` is looked for with. A text without a letter or a digit is in no entry, so
/// what is looked for then is a character that no key has.
pub fn searched_key(text: &str) -> String {
    let key = search_key(&[text]);
    if key.is_empty() { "/".to_owned() } else { key }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_and_case_do_not_matter() {
        assert_eq!(search_key(&["Léa", "MOREL", "lea.morel@lumiere.example"]), "lea-morel-lea-morel-lumiere-example");
        assert!(search_key(&["Éloïse d’Été"]).contains(&searched_key("eloise")));
    }

    #[test]
    fn signs_alone_are_found_nowhere() {
        for signs in ["%", "_", "/", "--", "…"] {
            assert!(!search_key(&["100 % Léa_Morel / RH -- …"]).contains(&searched_key(signs)), "{signs}");
        }
    }
}
