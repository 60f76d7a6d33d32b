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
use crate::http::problem::{FieldProblem, Problem};

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
    let from = serde_urlencoded::Deserializer::new(form_pairs(query));
    let parameters: T = serde_path_to_error::deserialize(from)
        .map_err(|error| Problem::invalid(vec![errors::from_serde(error.path(), &error.inner().to_string())]))?;
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
    match refused.is_empty() {
        true => Ok(()),
        false => Err(Problem::invalid(
            refused.iter().map(|(name, _)| FieldProblem::new(shown(name), "unknown_parameter")).collect(),
        )),
    }
}
