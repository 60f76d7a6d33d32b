//! Answers that are files for spreadsheets.
use actix_web::{HttpRequest, HttpResponse, Responder, body::BoxBody, http::header};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{Schema, SchemaType, Type},
    },
};

/// Comma-separated values (RFC 4180) in UTF-8 with its mark, to be saved as a file.
pub struct CsvFile {
    bytes: Vec<u8>,
    name: String,
}

impl CsvFile {
    /// The file with this name, which has letters, digits and hyphens alone and gets its ending here.
    pub fn new(bytes: Vec<u8>, name: &str) -> Self {
        Self { bytes, name: format!("{name}.csv") }
    }
}

impl Responder for CsvFile {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let disposition = format!("attachment; filename=\"{}\"", self.name);
        HttpResponse::Ok()
            .content_type("text/csv; charset=utf-8")
            .insert_header((header::CONTENT_DISPOSITION, disposition))
            .body(self.bytes)
    }
}

impl PartialSchema for CsvFile {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).max_length(Some(16 * 1024 * 1024)).into()
    }
}

impl ToSchema for CsvFile {}
