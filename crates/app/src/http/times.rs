//! Instants and civil dates as clients send them: one strict form each, within what every store
//! can keep.
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Deserializer, de::Error};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{KnownFormat, Schema, SchemaFormat, SchemaType, Type},
    },
};

/// The years that anything in this product can lie in.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2199;

/// A civil date, `YYYY-MM-DD` (RFC 3339 §5.6 `full-date`). In schemas: `inline`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CivilDate(pub Date);

/// An instant, `YYYY-MM-DDTHH:MM:SS[.fraction](Z|±HH:MM)` (RFC 3339 §5.6 `date-time`), to the
/// microsecond. In schemas: `inline`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant(pub Timestamp);

impl CivilDate {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let date: Option<Date> = has_form(text, b"0000-00-00").then(|| text.parse().ok()).flatten();
        let date = date.ok_or("invalid_date")?;
        if YEARS.contains(&date.year()) { Ok(Self(date)) } else { Err("out_of_range") }
    }
}

impl Instant {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let at: Option<Timestamp> = is_date_time(text).then(|| text.parse().ok()).flatten();
        let at = at.ok_or("invalid_instant")?;
        if !YEARS.contains(&at.to_zoned(TimeZone::UTC).year()) {
            return Err("out_of_range");
        }
        // No store keeps more: the answer to a write must not say what a later read cannot.
        Timestamp::from_microsecond(at.as_microsecond()).map(Self).ok().ok_or("out_of_range")
    }
}

/// Whether `text` has the form of RFC 3339: what parses instants also takes names of zones, years
/// of six digits and more.
fn is_date_time(text: &str) -> bool {
    let Some((start, rest)) = text.split_at_checked(19) else { return false };
    let fraction = rest.strip_prefix('.').map_or(0, |rest| 1 + rest.bytes().take_while(u8::is_ascii_digit).count());
    let zoned = rest
        .get(fraction..)
        .is_some_and(|zone| zone.eq_ignore_ascii_case("z") || has_form(zone, b"+00:00") || has_form(zone, b"-00:00"));
    has_form(&start.to_ascii_uppercase(), b"0000-00-00T00:00:00") && zoned && fraction != 1 && fraction <= 10
}

/// Whether `text` is written as `form` is, where a 0 stands for any digit.
fn has_form(text: &str, form: &[u8]) -> bool {
    let fits = |(byte, form): (u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == *form };
    text.len() == form.len() && text.bytes().zip(form).all(fits)
}

impl<'de> Deserialize<'de> for CivilDate {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

fn schema(format: KnownFormat) -> RefOr<Schema> {
    let text = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
    text.format(Some(SchemaFormat::KnownFormat(format))).into()
}

impl PartialSchema for CivilDate {
    fn schema() -> RefOr<Schema> {
        schema(KnownFormat::Date)
    }
}

impl PartialSchema for Instant {
    fn schema() -> RefOr<Schema> {
        schema(KnownFormat::DateTime)
    }
}

impl ToSchema for CivilDate {}
impl ToSchema for Instant {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_one_form() {
        assert!(CivilDate::parse("2028-02-29").is_ok());
        for wrong in ["2027-02-29", "20270101", "2027-1-1", "2027-01-01T00:00", "-009999-01-01", "-027-01-01", ""] {
            assert_eq!(CivilDate::parse(wrong), Err("invalid_date"), "{wrong}");
        }
        for far in ["1899-12-31", "2200-01-01"] {
            assert_eq!(CivilDate::parse(far), Err("out_of_range"), "{far}");
        }
    }

    #[test]
    fn instants_name_their_offset() {
        let nine = Instant::parse("2027-03-08T09:00:00Z");
        assert!(nine.is_ok());
        for same in [
            "2027-03-08T10:00:00+01:00",
            "2027-03-08t09:00:00.000z",
            "2027-03-08T03:30:00-05:30",
            "2027-03-08T09:00:00.000000999Z",
        ] {
            assert_eq!(Instant::parse(same), nine, "{same}");
        }
        for wrong in [
            "",
            "é",
            "2027-03-08",
            "2027-03-08T09:00:00",
            "2027-03-08 09:00:00Z",
            "2027-03-08T09:00Z",
            "2027-03-08T09:00:00.Z",
            "2027-03-08T09:00:00+0100",
            "2027-03-08T09:00:00+01:00[Europe/Paris]",
            "+002027-03-08T09:00:00Z",
            "2027-03-08T25:00:00Z",
            "2027-03-08T09:00:00é",
        ] {
            assert_eq!(Instant::parse(wrong), Err("invalid_instant"), "{wrong}");
        }
        for far in ["1850-03-08T09:00:00Z", "2200-01-01T00:00:00Z"] {
            assert_eq!(Instant::parse(far), Err("out_of_range"), "{far}");
        }
    }
}
