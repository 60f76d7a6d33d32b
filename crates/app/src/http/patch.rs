//! What a partial update says about a field: nothing, null, or a value.
use serde::{Deserialize, Deserializer};

/// A field of a `PATCH` body: `None` when absent (unchanged), `Some(None)` for null (cleared),
/// `Some(Some(value))` for a new value. Needs `#[serde(default, deserialize_with = "patch::present")]`.
pub type Patch<T> = Option<Option<T>>;

/// Tells null from absent: an absent field never comes here.
///
/// # Errors
/// Those of the value itself.
pub fn present<'de, T, D>(from: D) -> Result<Patch<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(from).map(Some)
}

/// A field of a `PATCH` body that may be absent but not null. Needs
/// `#[serde(default, deserialize_with = "patch::required")]`.
///
/// # Errors
/// Those of the value itself; null is one.
pub fn required<'de, T, D>(from: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(from).map(Some)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Body {
        #[serde(default, deserialize_with = "present")]
        phone: Patch<String>,
        #[serde(default, deserialize_with = "required")]
        name: Option<String>,
    }

    #[test]
    fn absent_null_and_value_differ() {
        let read = |text: &str| serde_json::from_str::<Body>(text);
        assert_eq!(read("{}").unwrap(), Body { phone: None, name: None });
        assert_eq!(read(r#"{"phone":null}"#).unwrap().phone, Some(None));
        assert_eq!(read(r#"{"phone":"1"}"#).unwrap().phone, Some(Some("1".to_owned())));
        assert!(read(r#"{"name":null}"#).is_err());
    }
}
