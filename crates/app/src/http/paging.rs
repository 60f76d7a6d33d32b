//! Pages of catalogue lists and cursors of lists that grow for ever.
use data_encoding::BASE64URL_NOPAD;
use huntzen_tenancy::{Cursor, Page, PageRequest, Slice};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{Schema, SchemaType, Type},
    },
};
use uuid::Uuid;
use validator::Validate;

/// The most items of a page.
pub const MOST_ITEMS: u32 = 100;
const USUAL_ITEMS: u32 = 20;
/// Further pages than this are nobody's honest question.
const LAST_PAGE: u32 = 1_000_000;

/// Declares a query parameter that is a number with bounds and a default.
macro_rules! bounded_number {
    ($(#[$about:meta])* $name:ident, $most:expr, $default:expr) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name(pub u32);

        impl Default for $name {
            fn default() -> Self {
                Self($default)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                match u32::deserialize(from)? {
                    number if (1..=$most).contains(&number) => Ok(Self(number)),
                    _ => Err(D::Error::custom("out_of_range")),
                }
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(SchemaType::Type(Type::Integer))
                    .minimum(Some(1_u32))
                    .maximum(Some($most))
                    .default(Some($default.into()))
                    .into()
            }
        }

        impl ToSchema for $name {}
    };
}

bounded_number!(
    /// `page`: from 1. In a query type: `#[serde(default)] #[param(inline)]`.
    PageNumber, LAST_PAGE, 1
);
bounded_number!(
    /// `perPage`: from 1 to 100, 20 by default.
    PerPage, MOST_ITEMS, USUAL_ITEMS
);
bounded_number!(
    /// `limit`: from 1 to 100, 20 by default.
    Limit, MOST_ITEMS, USUAL_ITEMS
);

/// The page that `page` and `perPage` ask for.
pub fn page_request(page: PageNumber, per_page: PerPage) -> PageRequest {
    PageRequest { page: page.0, per_page: per_page.0 }
}

/// `cursor`: where a list goes on, opaque to clients. 32 characters of base64url (RFC 4648 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CursorMark(pub Cursor);

impl CursorMark {
    /// The text that clients send back.
    pub fn encode(&self) -> String {
        let mut bytes = [0; 24];
        let (at, id) = bytes.split_at_mut(8);
        at.copy_from_slice(&self.0.at.as_microsecond().to_be_bytes());
        id.copy_from_slice(self.0.id.as_bytes());
        BASE64URL_NOPAD.encode(&bytes)
    }

    /// Reads a text made by `encode`.
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let (at, id) = bytes.split_first_chunk::<8>()?;
        // Nothing in a list is older than this; a store may not even know such instants.
        let at = Timestamp::from_microsecond(i64::from_be_bytes(*at)).ok().filter(|at| *at >= Timestamp::UNIX_EPOCH)?;
        let id = Uuid::from_slice(id).ok()?;
        Some(Self(Cursor { at, id }))
    }
}

impl<'de> Deserialize<'de> for CursorMark {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::decode(&text).ok_or_else(|| D::Error::custom("invalid_cursor"))
    }
}

impl PartialSchema for CursorMark {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::String))
            .pattern(Some("^[A-Za-z0-9_-]{32}$"))
            .min_length(Some(32))
            .max_length(Some(32))
            .into()
    }
}

impl ToSchema for CursorMark {}

/// Which part of a list that grows for ever is asked for, where nothing else can be said of it.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct PartQuery {
    /// How many items at most.
    #[serde(default)]
    #[param(inline)]
    pub limit: Limit,
    #[param(inline)]
    cursor: Option<CursorMark>,
}

impl PartQuery {
    /// Where the list goes on.
    pub fn cursor(&self) -> Option<Cursor> {
        self.cursor.map(|mark| mark.0)
    }
}

/// A page of a catalogue list.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PageBody<T> {
    /// The items of this page.
    #[schema(max_items = 100)]
    pub items: Vec<T>,
    /// Which page this is, from 1.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub page: u32,
    /// How many items a page holds.
    #[schema(minimum = 1, maximum = 100)]
    pub per_page: u32,
    /// How many items all pages hold together.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub total: u64,
}

impl<T> PageBody<T> {
    /// Presents a page that was asked for with `request`.
    pub fn present<U: Into<T>>(page: Page<U>, request: PageRequest) -> Self {
        Self {
            items: page.items.into_iter().map(Into::into).collect(),
            page: request.page,
            per_page: request.per_page,
            total: page.total,
        }
    }
}

/// A part of a list that grows for ever.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SliceBody<T> {
    /// The items, in the list's order.
    #[schema(max_items = 100)]
    pub items: Vec<T>,
    /// What to send as `cursor` to go on; null at the end.
    #[schema(max_length = 32)]
    pub next_cursor: Option<String>,
}

impl<T> SliceBody<T> {
    /// Presents a slice.
    pub fn present<U: Into<T>>(slice: Slice<U>) -> Self {
        Self {
            items: slice.items.into_iter().map(Into::into).collect(),
            next_cursor: slice.next.map(|next| CursorMark(next).encode()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_went() {
        let cursor = Cursor { at: "2027-01-15T08:30:00.123456Z".parse().unwrap(), id: Uuid::from_u128(7) };
        let text = CursorMark(cursor).encode();
        assert_eq!(text.len(), 32);
        assert_eq!(CursorMark::decode(&text), Some(CursorMark(cursor)));
    }

    #[test]
    fn nonsense_is_no_cursor() {
        for text in [
            "",
            "abc",
            &"A".repeat(31),
            &"A".repeat(33),
            &"/".repeat(32),
            &format!("f{}", "_".repeat(31)),
            &"_".repeat(32),
        ] {
            assert_eq!(CursorMark::decode(text), None, "{text}");
        }
    }
}
