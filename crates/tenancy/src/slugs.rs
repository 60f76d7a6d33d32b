//! The word that a thing's address carries: made from its name, one for each thing.

/// The most characters of a slug before its number.
const LONGEST: usize = 80;

/// The slug of a name, before it is told apart from others; `otherwise` where a name has no letter.
pub(crate) fn stem(name: &str, otherwise: &str) -> String {
    let slug = slug::slugify(name);
    let cut: String = slug.chars().take(LONGEST).collect();
    let cut = cut.trim_matches('-');
    if cut.is_empty() { otherwise.to_owned() } else { cut.to_owned() }
}

/// `stem`, or the first of `stem-2`, `stem-3` … that nobody has.
pub(crate) fn free(stem: &str, taken: &[String]) -> String {
    let mut slug = stem.to_owned();
    let mut number = 1_usize;
    while taken.contains(&slug) {
        number += 1;
        slug = format!("{stem}-{number}");
    }
    slug
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stem_is_plain_and_bounded() {
        assert_eq!(stem("Éditions d'Été & Cie", "company"), "editions-d-ete-cie");
        assert_eq!(stem("!!!", "company"), "company");
        assert_eq!(stem(&"a".repeat(200), "company").len(), LONGEST);
    }

    #[test]
    fn the_first_free_number_is_taken() {
        let taken = ["techcorp", "techcorp-2", "techcorp-industries"].map(str::to_owned);
        assert_eq!(free("techcorp", &taken), "techcorp-3");
        assert_eq!(free("techcor", &taken), "techcor");
    }
}
