//! Query parameters: each known, each at most once.
use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error, Visitor, value},
    forward_to_deserialize_any,
};
use validator::Validate;

use super::errors;
use crate::http::problem::{Code, FieldProblem, Problem};

/// The query. Its type derives `Deserialize` (`rename_all = "camelCase"`), `Validate` and
/// `IntoParams`; unknown and repeated parameters are refused without further attributes.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

/// Marks a request whose query was read by its route.
struct QueryRead;

impl<T: DeserializeOwned + Validate + 'static> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        request.extensions_mut().insert(QueryRead);
        ready(parse(request.query_string()).map(Self))
    }
}

fn parse<T: DeserializeOwned + Validate>(query: &str) -> Result<T, Problem> {
    let pairs: Vec<(String, String)> = pairs(query);
    let mut refused = Vec::new();
    let known = field_names::<T>();
    for (at, (name, text)) in pairs.iter().enumerate() {
        if !known.contains(&name.as_str()) {
            refused.push(FieldProblem::new(shown(name), "unknown_parameter"));
        } else if pairs.iter().take(at).any(|(earlier, _)| earlier == name) {
            refused.push(FieldProblem::new(shown(name), "repeated"));
        } else if text.contains('\0') {
            refused.push(FieldProblem::new(shown(name), "invalid_characters"));
        }
    }
    if !refused.is_empty() {
        return Err(Problem::invalid(refused));
    }
    let parameters: T = match serde_urlencoded::from_str(query) {
        Ok(Tracked(Ok(parameters))) => parameters,
        Ok(Tracked(Err(refusal))) => return Err(Problem::invalid(vec![refusal])),
        Err(error) => return Err(Problem::new(Code::BadRequest).because(error)),
    };
    parameters.validate().map_err(|error| Problem::invalid(errors::from_validator(&error)))?;
    Ok(parameters)
}

/// Refuses any parameter on a route that reads none.
///
/// # Errors
/// `validation_failed`, naming each.
pub fn refuse_unread_query(request: &HttpRequest) -> Result<(), Problem> {
    if request.query_string().is_empty() || request.extensions().contains::<QueryRead>() {
        return Ok(());
    }
    let refused = pairs(request.query_string());
    let refused: Vec<FieldProblem> =
        refused.iter().map(|(name, _)| FieldProblem::new(shown(name), "unknown_parameter")).collect();
    if refused.is_empty() { Ok(()) } else { Err(Problem::invalid(refused)) }
}

fn pairs(query: &str) -> Vec<(String, String)> {
    serde_urlencoded::from_str(query).unwrap_or_default()
}

/// A parameter's name as an answer may repeat it.
fn shown(name: &str) -> String {
    name.chars().filter(|letter| !letter.is_control()).take(64).collect()
}

/// What was read, or the parameter that could not be.
struct Tracked<T>(Result<T, FieldProblem>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Tracked<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut track = serde_path_to_error::Track::new();
        let read = T::deserialize(serde_path_to_error::Deserializer::new(from, &mut track));
        Ok(Self(read.map_err(|error| errors::from_serde(&track.path(), &error.to_string()))))
    }
}

/// The parameters that `T` knows, aliases included, as its derived `Deserialize` declares them.
fn field_names<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut names: &'static [&'static str] = &[];
    // The probe always answers with an error: the names are all that is wanted.
    drop(T::deserialize(FieldNames(&mut names)));
    names
}

/// A deserializer that reads nothing and notes which fields are asked for.
struct FieldNames<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for FieldNames<'_> {
    type Error = value::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = fields;
        Err(value::Error::custom("nothing is read"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(value::Error::custom("nothing is read"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
