//! Schemas of the closed vocabularies, from the vocabularies themselves.
use huntzen_tenancy::words::Words;
use utoipa::openapi::{
    ObjectBuilder,
    schema::{Object, SchemaType, Type},
};

/// The schema of a word of `W`, for `#[schema(schema_with = words_schema::<W>)]`.
pub fn words_schema<W: Words>() -> Object {
    let words = W::ALL.iter().map(|word| word.as_str());
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).enum_values(Some(words)).build()
}

/// The same, or null.
pub fn optional_words_schema<W: Words>() -> Object {
    let words = W::ALL.iter().map(|word| Some(word.as_str())).chain([None]);
    ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::String, Type::Null])).enum_values(Some(words)).build()
}
