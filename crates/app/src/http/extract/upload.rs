//! A file of separated values that a client sends: as the one field of a form, or as the body itself.
use std::time::Duration;

use actix_multipart::{Multipart, MultipartError};
use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    error::PayloadError,
    web::{Bytes, BytesMut},
};
use futures_util::{Stream, StreamExt, future::LocalBoxFuture};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{AdditionalProperties, Schema, SchemaType, Type},
    },
};

use super::body::{collect, declared_length, in_time};
use crate::http::problem::{Code, FieldProblem, Problem};

/// The largest file, in bytes.
pub const UPLOAD_LIMIT: usize = 10 * 1024 * 1024;
/// What a form may take beside its file: boundaries and headers.
const FRAME: usize = 16 * 1024;
/// A client that takes longer to send a file is not served.
const UPLOAD_TIME: Duration = Duration::from_mins(2);
/// The one field of the form.
const FIELD: &str = "file";

/// The bytes of the file, whatever they are.
pub struct CsvUpload(pub Bytes);

impl FromRequest for CsvUpload {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            match request.content_type().to_ascii_lowercase().as_str() {
                "multipart/form-data" => {
                    let expected = declared_length(&request, UPLOAD_LIMIT + FRAME)?;
                    let form = Multipart::new(request.headers(), limited(payload, UPLOAD_LIMIT + FRAME));
                    in_time(UPLOAD_TIME, only_file(form, expected.min(UPLOAD_LIMIT))).await.map(Self)
                }
                "text/csv" => {
                    let expected = declared_length(&request, UPLOAD_LIMIT)?;
                    in_time(UPLOAD_TIME, collect(payload, UPLOAD_LIMIT, expected)).await.map(Self)
                }
                _ => Err(Problem::new(Code::UnsupportedMediaType)),
            }
        })
    }
}

/// What comes, up to `limit` bytes in all.
fn limited(payload: Payload, limit: usize) -> impl Stream<Item = Result<Bytes, PayloadError>> + 'static {
    let mut seen = 0_usize;
    payload.map(move |chunk| {
        let chunk = chunk?;
        seen = seen.saturating_add(chunk.len());
        if seen > limit { Err(PayloadError::Overflow) } else { Ok(chunk) }
    })
}

async fn only_file(mut form: Multipart, expected: usize) -> Result<Bytes, Problem> {
    let mut file = None;
    while let Some(field) = form.next().await {
        let mut field = field.map_err(|error| refusal(&error))?;
        let name = field.name().unwrap_or_default();
        if name != FIELD {
            let shown: String = name.chars().filter(|letter| !letter.is_control()).take(64).collect();
            return Err(Problem::invalid(vec![FieldProblem::new(shown, "unknown_field")]));
        }
        if file.is_some() {
            return Err(Problem::invalid_field(FIELD, "duplicate_field"));
        }
        let mut bytes = BytesMut::with_capacity(expected);
        while let Some(chunk) = field.next().await {
            let chunk = chunk.map_err(|error| refusal(&error))?;
            if bytes.len().saturating_add(chunk.len()) > UPLOAD_LIMIT {
                return Err(Problem::new(Code::PayloadTooLarge));
            }
            bytes.extend_from_slice(&chunk);
        }
        file = Some(bytes.freeze());
    }
    file.ok_or_else(|| Problem::invalid_field(FIELD, "required"))
}

fn refusal(error: &MultipartError) -> Problem {
    let is_overflow = matches!(error, MultipartError::Payload(PayloadError::Overflow));
    let code = if is_overflow { Code::PayloadTooLarge } else { Code::BadRequest };
    Problem::new(code).because(error.to_string())
}

/// A form with the file, for the document.
pub struct CsvForm;

impl PartialSchema for CsvForm {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .property(FIELD, CsvText::schema())
            .required(FIELD)
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
            .into()
    }
}

impl ToSchema for CsvForm {}

/// The file itself, for the document.
pub struct CsvText;

impl PartialSchema for CsvText {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::String))
            .content_media_type("text/csv")
            .max_length(Some(UPLOAD_LIMIT))
            .into()
    }
}

impl ToSchema for CsvText {}
