//! Parts of the path: ids and slugs. What is no id is absent, not invalid.
use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use uuid::Uuid;

use crate::http::problem::{Code, Problem};

/// The id in the path (the first one when there are several).
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<T: From<Uuid> + 'static> FromRequest for Path<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = first_part(request).and_then(parse).map(|id| Self(id.into()));
        ready(id.ok_or_else(|| Problem::new(Code::NotFound)))
    }
}

/// A text in the path, of at most 200 characters.
#[derive(Clone, Debug)]
pub struct PathText(pub String);

impl FromRequest for PathText {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let usable = |text: &&str| text.len() <= 200 && !text.contains(char::is_control);
        let text = first_part(request).filter(usable).map(|text| Self(text.to_owned()));
        ready(text.ok_or_else(|| Problem::new(Code::NotFound)))
    }
}

fn first_part(request: &HttpRequest) -> Option<&str> {
    request.match_info().iter().next().map(|(_, part)| part)
}

/// Only the hyphenated form (RFC 9562 §4): one thing has one address.
fn parse(text: &str) -> Option<Uuid> {
    (text.len() == 36).then(|| Uuid::try_parse(text).ok()).flatten()
}
