//! Instants as people read them: day and wall time in their own zone and language.
use jiff::{
    Zoned,
    civil::{Date, Weekday},
};

use super::templates::Language;

/// Such as `8 mars 2027`.
pub fn written_day(day: Date, language: Language) -> String {
    match language {
        Language::French => {
            let number = if day.day() == 1 { "1er".to_owned() } else { day.day().to_string() };
            format!("{number} {} {}", french_month(day.month()), day.year())
        }
        Language::English => day.strftime("%-d %B %Y").to_string(),
    }
}

/// Such as `lundi 8 mars 2027 à 10:00 (Europe/Paris)`.
pub fn written(instant: &Zoned, language: Language) -> String {
    let zone = instant.time_zone().iana_name().unwrap_or("UTC");
    let time = instant.strftime("%H:%M");
    match language {
        Language::French => {
            let (weekday, day) = (french_weekday(instant.weekday()), written_day(instant.date(), language));
            format!("{weekday} {day} à {time} ({zone})")
        }
        Language::English => {
            let (weekday, day) = (instant.strftime("%A"), written_day(instant.date(), language));
            format!("{weekday} {day} at {time} ({zone})")
        }
    }
}

fn french_weekday(weekday: Weekday) -> &'static str {
    match weekday {
        Weekday::Monday => "lundi",
        Weekday::Tuesday => "mardi",
        Weekday::Wednesday => "mercredi",
        Weekday::Thursday => "jeudi",
        Weekday::Friday => "vendredi",
        Weekday::Saturday => "samedi",
        Weekday::Sunday => "dimanche",
    }
}

fn french_month(month: i8) -> &'static str {
    match month {
        1 => "janvier",
        2 => "février",
        3 => "mars",
        4 => "avril",
        5 => "mai",
        6 => "juin",
        7 => "juillet",
        8 => "août",
        9 => "septembre",
        10 => "octobre",
        11 => "novembre",
        // A civil date has no other month.
        _ => "décembre",
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use jiff::Timestamp;

    use super::*;

    fn at(instant: &str, zone: &str, language: Language) -> String {
        written(&instant.parse::<Timestamp>().unwrap().in_tz(zone).unwrap(), language)
    }

    #[test]
    fn the_zone_decides_the_day_and_the_hour() {
        for (zone, french, english) in [
            (
                "Europe/Paris",
                "vendredi 1er janvier 2027 à 00:30 (Europe/Paris)",
                "Friday 1 January 2027 at 00:30 (Europe/Paris)",
            ),
            (
                "America/Martinique",
                "jeudi 31 décembre 2026 à 19:30 (America/Martinique)",
                "Thursday 31 December 2026 at 19:30 (America/Martinique)",
            ),
            (
                "Indian/Reunion",
                "vendredi 1er janvier 2027 à 03:30 (Indian/Reunion)",
                "Friday 1 January 2027 at 03:30 (Indian/Reunion)",
            ),
        ] {
            assert_eq!(at("2026-12-31T23:30:00Z", zone, Language::French), french);
            assert_eq!(at("2026-12-31T23:30:00Z", zone, Language::English), english);
        }
    }

    #[test]
    fn summer_time_is_kept() {
        assert_eq!(
            at("2027-08-03T14:05:00Z", "Europe/Paris", Language::French),
            "mardi 3 août 2027 à 16:05 (Europe/Paris)"
        );
    }

    #[test]
    fn every_day_and_month_has_its_french_name() {
        let names: Vec<String> = (0..12)
            .map(|month| at(&format!("2027-{:02}-{:02}T12:00:00Z", month + 1, month + 2), "UTC", Language::French))
            .map(|text| text.split(' ').take(3).collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(
            names,
            [
                "samedi 2 janvier",
                "mercredi 3 février",
                "jeudi 4 mars",
                "lundi 5 avril",
                "jeudi 6 mai",
                "lundi 7 juin",
                "jeudi 8 juillet",
                "lundi 9 août",
                "vendredi 10 septembre",
                "lundi 11 octobre",
                "vendredi 12 novembre",
                "lundi 13 décembre",
            ]
        );
    }
}
