//! One spelling for text that is searched: lower case, no accents, words joined by hyphens.

/// The key under which `parts` are found: ASCII, lower case, accents folded.
pub fn search_key(parts: &[&str]) -> String {
    slug::slugify(parts.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_and_case_do_not_matter() {
        assert_eq!(search_key(&["Léa", "MOREL", "lea.morel@lumiere.example"]), "lea-morel-lea-morel-lumiere-example");
        assert!(search_key(&["Éloïse d’Été"]).contains(&search_key(&["eloise"])));
    }
}
