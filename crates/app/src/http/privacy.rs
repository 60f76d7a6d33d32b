//! What everybody may ask about their own data: to take it away, and to have it erased.
use actix_web::{
    HttpRequest, HttpResponse, Responder,
    http::{
        Method,
        header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_ENCODING, HeaderMap, VARY},
    },
    web::Bytes,
};
use futures_util::stream;
use huntzen_tenancy::{
    erasure::{DeletionStatus, OpenDeletionRequest},
    policy::Permission,
    sealing::SecretText,
};
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use utoipa::{
    OpenApi, PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{Schema, SchemaType, Type},
    },
};
use uuid::Uuid;
use validator::Validate;

use super::{Created, Json, Operations, OptionalJson, Problem, Signed, openapi::words_schema};
use crate::{
    export::{Export, Form},
    state::App,
};

/// Why one wants to be erased.
#[derive(Default, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DeletionBody {
    /// For nobody's eyes: it is sealed like the journal, and goes with the account.
    #[validate(length(max = 2000))]
    #[schema(max_length = 2000)]
    reason: Option<String>,
}

/// A request to be erased.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DeletionRequestBody {
    id: Uuid,
    #[schema(schema_with = words_schema::<DeletionStatus>)]
    status: DeletionStatus,
    /// From when on the account is erased.
    #[schema(value_type = String, format = DateTime)]
    deletion_date: Timestamp,
    /// Until when the request can be taken back; null once it was.
    #[schema(value_type = Option<String>, format = DateTime)]
    cancellable_until: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<OpenDeletionRequest> for DeletionRequestBody {
    fn from(request: OpenDeletionRequest) -> Self {
        let is_pending = request.status == DeletionStatus::Pending;
        Self {
            id: request.id,
            status: request.status,
            deletion_date: request.deletion_date,
            cancellable_until: is_pending.then_some(request.deletion_date),
            created_at: request.created_at,
        }
    }
}

/// An archive with the JSON, the same to be read, and the checksums of both.
struct ExportArchive;

impl PartialSchema for ExportArchive {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).max_length(Some(1 << 32)).into()
    }
}

impl ToSchema for ExportArchive {}

/// Everything that is kept about the caller: what stands in few rows, then a list a kind.
struct ExportDocument;

impl PartialSchema for ExportDocument {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(SchemaType::Type(Type::Object)).into()
    }
}

impl ToSchema for ExportDocument {}

/// Takes one's own data away, soon after a step-up: as a zip archive, or as JSON for whoever asks for
/// that alone. A practitioner's notes are not in it.
#[utoipa::path(get, path = "/users/me/export", tag = "users",
    responses((status = 200, content((ExportArchive = "application/zip"), (ExportDocument = "application/json"))),
              (status = 401, description = "A step-up is required")))]
async fn export_own_data(request: HttpRequest, app: App, signed: Signed) -> Result<HttpResponse, Problem> {
    let form = wanted(request.headers());
    let caller = signed.caller.clone();
    let account = app.run(move |s| s.own_data.open(&signed.caller)).await?;
    let day = account.at.to_zoned(TimeZone::UTC).date();
    let export = Export::new(caller, &account, app.context().0.language, form);
    let mut answer = HttpResponse::Ok();
    let ending = match form {
        Form::Json => {
            answer.content_type("application/json");
            "json"
        }
        Form::Archive => {
            // It is compressed already.
            answer.content_type("application/zip").insert_header((CONTENT_ENCODING, "identity"));
            "zip"
        }
    };
    answer.insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"huntzen-export-{day}.{ending}\"")));
    answer.append_header((VARY, "accept"));
    // What goes wrong from here on cuts the answer off: the client sees that it is not whole.
    Ok(answer.streaming(stream::unfold((app, Some(export)), |(app, export)| async move {
        let mut export = export?;
        let step = app.run_beside(move |s| {
            let bytes = export.step(s)?;
            Ok::<_, Problem>(bytes.map(|bytes| (bytes, export)))
        });
        match step.await {
            Ok(Some((bytes, export))) => Some((Ok(Bytes::from(bytes)), (app, Some(export)))),
            Ok(None) => None,
            Err(problem) => {
                tracing::error!(causes = problem.causes(), "an export was cut off");
                Some((Err(problem), (app, None)))
            }
        }
    })))
}

/// JSON for whoever prefers it by its name; an archive for everybody else (RFC 9110 §12.5.1).
fn wanted(headers: &HeaderMap) -> Form {
    let (mut json, mut zip) = (0.0_f32, 0.0_f32);
    let lines = headers.get_all(ACCEPT).filter_map(|line| line.to_str().ok());
    for range in lines.flat_map(|line| line.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |weight| weight.parse().ok());
        let quality = quality.unwrap_or(0.0);
        match name.as_str() {
            "application/json" => json = json.max(quality),
            "application/zip" => zip = zip.max(quality),
            _ => {}
        }
    }
    if json > zip { Form::Json } else { Form::Archive }
}

/// Asks for one's own erasure in thirty days, soon after a step-up. One goes on as before until then.
#[utoipa::path(post, path = "/users/me/delete-request", tag = "users", request_body = DeletionBody,
    responses((status = 201, body = DeletionRequestBody), (status = 401, description = "A step-up is required"),
              (status = 409, description = "One is pending, or nobody else operates the platform")))]
async fn request_deletion(
    app: App,
    signed: Signed,
    OptionalJson(body): OptionalJson<DeletionBody>,
) -> Result<impl Responder, Problem> {
    let reason = body.unwrap_or_default().reason.map(SecretText::new);
    let request = app.run(move |s| s.deletion.request(&signed.caller, reason.as_ref())).await?;
    Ok(Created::at("/users/me/delete-request", DeletionRequestBody::from(request)))
}

/// Shows one's last request, whatever became of it.
#[utoipa::path(get, path = "/users/me/delete-request", tag = "users",
    responses((status = 200, body = DeletionRequestBody), (status = 404, description = "One never asked")))]
async fn read_deletion(app: App, signed: Signed) -> Result<impl Responder, Problem> {
    let request = app.run(move |s| s.deletion.last(&signed.caller)).await?;
    Ok(Json(DeletionRequestBody::from(request)))
}

/// Takes one's request back, soon after a step-up: nothing was destroyed.
#[utoipa::path(post, path = "/users/me/delete-request/cancel", tag = "users",
    responses((status = 200, body = DeletionRequestBody), (status = 401, description = "A step-up is required"),
              (status = 409, description = "None is pending")))]
async fn cancel_deletion(app: App, signed: Signed) -> Result<impl Responder, Problem> {
    let request = app.run(move |s| s.deletion.cancel(&signed.caller)).await?;
    Ok(Json(DeletionRequestBody::from(request)))
}

#[derive(OpenApi)]
#[openapi(paths(export_own_data, request_deletion, read_deletion, cancel_deletion))]
struct Document;

/// Adds the operations on one's own data.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    ops.route(Method::GET, "/users/me/export", Permission::DataOwnExport, export_own_data);
    let erase = Permission::DataOwnErase;
    ops.route(Method::POST, "/users/me/delete-request", erase, request_deletion);
    ops.route(Method::GET, "/users/me/delete-request", erase, read_deletion);
    ops.route(Method::POST, "/users/me/delete-request/cancel", erase, cancel_deletion).or_put();
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn whoever_names_json_alone_gets_it() {
        for (accept, form) in [
            ("application/json", Form::Json),
            ("text/html, application/json;q=0.5", Form::Json),
            ("application/json;q=0.5, application/zip", Form::Archive),
            ("application/zip;q=0.1, application/json", Form::Json),
            ("application/json;q=0", Form::Archive),
            ("*/*", Form::Archive),
            ("text/html", Form::Archive),
            ("", Form::Archive),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            assert_eq!(wanted(&headers), form, "{accept}");
        }
    }
}
