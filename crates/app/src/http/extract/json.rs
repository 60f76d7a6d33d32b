//! JSON bodies: parsed strictly, checked for shape, answered as they are.
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder, body::BoxBody, dev::Payload, web::Bytes};
use futures_util::future::LocalBoxFuture;
use huntzen_tenancy::idempotency::RequestDigest;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use validator::Validate;

use super::{body, errors};
use crate::http::{
    idempotency::Asked,
    problem::{Code, Problem},
};

/// A JSON body: as an argument a request's, as an answer a response's.
///
/// Request types derive `Deserialize` (`rename_all = "camelCase", deny_unknown_fields`),
/// `Validate` and `ToSchema`.
#[derive(Clone, Debug)]
pub struct Json<T>(pub T);

/// A JSON body that may be left out altogether.
#[derive(Clone, Debug)]
pub struct OptionalJson<T>(pub Option<T>);

impl<T: DeserializeOwned + Validate + 'static> FromRequest for Json<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let reading = read(request, payload);
        Box::pin(async move { parse(&reading.await?.ok_or_else(|| Problem::new(Code::BodyRequired))?).map(Self) })
    }
}

/// A JSON body of a request that its client may send again: with its key and what it asks for, when it
/// has a key.
pub struct OnceJson<T> {
    /// The body.
    pub body: T,
    /// The key, and what stands for the whole request.
    pub asked: Option<(Asked, RequestDigest)>,
}

impl<T: DeserializeOwned + Validate + 'static> FromRequest for OnceJson<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let asked = Asked::of(request);
        let reading = read(request, payload);
        Box::pin(async move {
            let asked = asked?;
            let bytes = reading.await?.ok_or_else(|| Problem::new(Code::BodyRequired))?;
            let body = parse(&bytes)?;
            let digest = |asked: Asked| Ok::<_, Problem>((asked.digest(&canonical(&bytes)?), asked));
            let asked = asked.map(digest).transpose()?.map(|(digest, asked)| (asked, digest));
            Ok(Self { body, asked })
        })
    }
}

/// The same document without what does not matter: space, the order of fields, how characters are written.
fn canonical(bytes: &Bytes) -> Result<Vec<u8>, Problem> {
    // A `Value` keeps its fields in their order of sorting.
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| Problem::new(Code::MalformedJson).because(error))?;
    serde_json::to_vec(&value).map_err(Problem::internal)
}

impl<T: DeserializeOwned + Validate + 'static> FromRequest for OptionalJson<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let reading = read(request, payload);
        Box::pin(async move {
            let bytes = reading.await?.filter(|bytes| bytes.trim_ascii() != b"null");
            Ok(Self(bytes.map(|bytes| parse(&bytes)).transpose()?))
        })
    }
}

/// The body as it came; `None` when there is none.
fn read(request: &HttpRequest, payload: &mut Payload) -> impl Future<Output = Result<Option<Bytes>, Problem>> + use<> {
    let request = request.clone();
    let payload = payload.take();
    async move {
        let declared = body::is_json(&request);
        if declared == Some(false) {
            return Err(Problem::new(Code::UnsupportedMediaType));
        }
        let bytes = body::read(&request, payload).await?;
        match (bytes.is_empty(), declared) {
            (true, _) => Ok(None),
            (false, None) => Err(Problem::new(Code::UnsupportedMediaType)),
            (false, Some(_)) => Ok(Some(bytes)),
        }
    }
}

fn parse<T: DeserializeOwned + Validate>(bytes: &Bytes) -> Result<T, Problem> {
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        // serde would take an array for a struct; the document does not.
        return Err(Problem::invalid_field("", "wrong_type"));
    }
    let mut from = serde_json::Deserializer::from_slice(bytes);
    let body: T = serde_path_to_error::deserialize(&mut from).map_err(|error| refusal(&error))?;
    from.end().map_err(|error| Problem::new(Code::MalformedJson).because(error))?;
    if let Some(field) = nul_within(bytes) {
        return Err(Problem::invalid_field(field, "invalid_characters"));
    }
    body.validate().map_err(|error| Problem::invalid(errors::from_validator(&error)))?;
    Ok(body)
}

fn refusal(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    match error.inner().classify() {
        serde_json::error::Category::Data => {
            Problem::invalid(vec![errors::from_serde(error.path(), &error.inner().to_string())])
        }
        serde_json::error::Category::Syntax | serde_json::error::Category::Eof | serde_json::error::Category::Io => {
            Problem::new(Code::MalformedJson)
        }
    }
}

/// The first string that holds U+0000, which no text column can keep.
pub fn nul_within(bytes: &[u8]) -> Option<String> {
    // It can only be written as an escape, which hardly any document has.
    bytes.windows(6).any(|window| window == br"\u0000").then(|| field_with_nul(bytes)).flatten()
}

fn field_with_nul(bytes: &[u8]) -> Option<String> {
    fn search(path: &str, value: &Value) -> Option<String> {
        match value {
            Value::String(text) => text.contains('\0').then(|| path.to_owned()),
            Value::Array(items) => {
                items.iter().enumerate().find_map(|(index, item)| search(&format!("{path}[{index}]"), item))
            }
            Value::Object(fields) => fields.iter().find_map(|(name, field)| {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                search(&path, field)
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) => None,
        }
    }
    search("", &serde_json::from_slice(bytes).ok()?)
}

impl<T: Serialize> Responder for Json<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok().json(self.0)
    }
}
