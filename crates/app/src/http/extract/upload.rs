//! A file of separated values that a client sends: as the one field of a form, or as the body itself.
use std::time::Duration;

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    web::{Bytes, BytesMut},
};
use futures_util::future::LocalBoxFuture;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{AdditionalProperties, Schema, SchemaType, Type},
    },
};

use super::{
    body::{collect, declared_length, in_time},
    form::Form,
};
use crate::http::problem::{Code, Problem};

/// The largest file, in bytes.
pub const UPLOAD_LIMIT: usize = 10 * 1024 * 1024;
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
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            match request.content_type().to_ascii_lowercase().as_str() {
                "multipart/form-data" => {
                    let form = Form::with_a_file(&request, &mut payload, UPLOAD_LIMIT)?;
                    let expected = declared_length(&request, usize::MAX)?.min(UPLOAD_LIMIT);
                    in_time(UPLOAD_TIME, only_file(form, expected)).await.map(Self)
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

async fn only_file(mut form: Form, expected: usize) -> Result<Bytes, Problem> {
    let mut file = None;
    while let Some(mut part) = form.next().await? {
        if part.name() != Some(FIELD) {
            return Err(Form::unknown(&part));
        }
        if file.is_some() {
            return Err(Problem::invalid_field(FIELD, "duplicate_field"));
        }
        let mut bytes = BytesMut::with_capacity(expected);
        while let Some(more) = form.bytes_of(&mut part).await? {
            if bytes.len().saturating_add(more.len()) > UPLOAD_LIMIT {
                return Err(Problem::new(Code::PayloadTooLarge));
            }
            bytes.extend_from_slice(&more);
        }
        file = Some(bytes.freeze());
    }
    file.ok_or_else(|| Problem::invalid_field(FIELD, "required"))
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
