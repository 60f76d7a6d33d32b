//! What weekly rules and extra hours are written with: wall times and sets of types.
use huntzen_booking::availability::{ConsultationType, TypeSet, format_wall_time, parse_wall_time};
use huntzen_tenancy::words::Words;
use jiff::civil::Time;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ArrayBuilder, ObjectBuilder, RefOr,
        schema::{Schema, SchemaType, Type},
    },
};

use super::openapi::words_schema;

/// A wall time, `HH:MM`, 00:00 to 23:59. In schemas: `#[schema(inline)]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WallTime(pub Time);

impl Serialize for WallTime {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format_wall_time(self.0))
    }
}

impl<'de> Deserialize<'de> for WallTime {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        parse_wall_time(&String::deserialize(from)?).map(Self).ok_or_else(|| D::Error::custom("invalid_time"))
    }
}

impl PartialSchema for WallTime {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::String))
            .pattern(Some("^([01][0-9]|2[0-3]):[0-5][0-9]$"))
            .min_length(Some(5))
            .max_length(Some(5))
            .into()
    }
}

impl ToSchema for WallTime {}

/// Types of consultation, as an array of their words. In schemas: `#[schema(inline)]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Types(pub TypeSet);

impl<'de> Deserialize<'de> for Types {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let types = Vec::<ConsultationType>::deserialize(from)?;
        if types.len() > ConsultationType::ALL.len() {
            return Err(D::Error::custom("too_many"));
        }
        Ok(Self(types.into_iter().collect()))
    }
}

impl PartialSchema for Types {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new()
            .items(words_schema::<ConsultationType>())
            .min_items(Some(1))
            .max_items(Some(ConsultationType::ALL.len()))
            .into()
    }
}

impl ToSchema for Types {}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use jiff::civil::time;

    use super::*;

    #[test]
    fn wall_times_are_written_as_they_are_read() {
        let half_past: WallTime = serde_json::from_str(r#""09:30""#).unwrap();
        assert_eq!(half_past, WallTime(time(9, 30, 0, 0)));
        assert_eq!(serde_json::to_string(&half_past).unwrap(), r#""09:30""#);
        for wrong in [r#""24:00""#, r#""9:30""#, r#""09:30:00""#, r#""""#, "930"] {
            assert!(serde_json::from_str::<WallTime>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn types_are_a_set_of_known_words() {
        let types: Types = serde_json::from_str(r#"["chat", "VIDEO", "CHAT"]"#).unwrap();
        assert_eq!(serde_json::to_string(&types).unwrap(), r#"["VIDEO","CHAT"]"#);
        for wrong in [r#"["FAX"]"#, r#"["CHAT","CHAT","CHAT","CHAT","CHAT"]"#, r#""VIDEO""#] {
            assert!(serde_json::from_str::<Types>(wrong).is_err(), "{wrong}");
        }
    }
}
