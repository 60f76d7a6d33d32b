//! Uploaded files, over HTTP: what is told of them, downloads and deletion.
use actix_web::{
    HttpResponse, Responder,
    body::SizedStream,
    http::{Method, header},
};
use data_encoding::HEXLOWER;
use huntzen_tenancy::{
    files::{FileId, FileType, MediaType, RelatedResource, StoredFile},
    policy::Permission,
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};
use uuid::Uuid;

use super::{
    Json, NoContent, Operations, Path, Problem, Signed,
    access::Access,
    context::Context,
    openapi::{optional_words_schema, words_schema},
    uploads,
};
use crate::{
    files::{Body, outgoing},
    state::App,
};

/// What no browser runs, whatever a file holds.
const INERT: &str = "sandbox; default-src 'none'";

/// An uploaded file.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileBody {
    id: Uuid,
    /// Where it is downloaded.
    #[schema(max_length = 2048)]
    url: String,
    #[schema(max_length = 255)]
    file_name: String,
    #[schema(schema_with = words_schema::<MediaType>)]
    content_type: MediaType,
    /// In bytes, as it is downloaded: of pictures without what was taken out of them.
    #[schema(minimum = 1, maximum = 10_485_760)]
    size: u64,
    #[schema(schema_with = words_schema::<FileType>)]
    file_type: FileType,
    /// Of the bytes as they are downloaded.
    #[schema(min_length = 64, max_length = 64, pattern = "^[0-9a-f]{64}$")]
    sha256: String,
    #[schema(schema_with = optional_words_schema::<RelatedResource>)]
    related_resource: Option<RelatedResource>,
    related_id: Option<Uuid>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<StoredFile> for FileBody {
    fn from(file: StoredFile) -> Self {
        Self {
            id: file.id.into(),
            url: file.id.url(),
            file_name: file.name.as_str().to_owned(),
            content_type: file.media,
            size: file.size,
            file_type: file.kind,
            sha256: HEXLOWER.encode(&file.sha256),
            related_resource: file.related.map(|related| related.resource),
            related_id: file.related.map(|related| related.id),
            created_at: file.created_at,
        }
    }
}

/// The bytes of a file.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary, max_length = 10_485_760)]
#[expect(dead_code, reason = "it stands for a body in the document")]
struct Bytes(Vec<u8>);

/// Downloads a file, whole. A stranger may have the picture of a practitioner whom everybody sees.
#[utoipa::path(get, path = "/files/{id}", tag = "files", params(("id" = Uuid, Path)),
    responses((status = 200, content(
        (Bytes = "image/jpeg"), (Bytes = "image/png"), (Bytes = "application/pdf")))))]
async fn download_file(
    app: App,
    context: Context,
    signed: Option<Signed>,
    Path(id): Path<FileId>,
) -> Result<impl Responder, Problem> {
    let origin = context.origin();
    let caller = signed.map(|signed| signed.caller);
    let asking = caller.clone();
    let opened = app.run(move |s| s.files.open(asking.as_ref(), &origin, id)).await?;
    let file = opened.file;
    let Some(reader) = app.storage().read(file.object).await? else {
        // Deleted since: then it is not found any more.
        let origin = context.origin();
        app.run(move |s| s.files.open(caller.as_ref(), &origin, id)).await?;
        return Err(Problem::internal("the bytes of a file are not in the storage"));
    };
    let mut body = Body::new(reader, opened.opening, (file.size, file.sha256));
    // What cannot even begin is said so, and not with half an answer.
    let first = body.next().await?;
    let disposition = attachment(file.name.as_str());
    Ok(HttpResponse::Ok()
        .content_type(file.media.to_string())
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .insert_header((header::CONTENT_SECURITY_POLICY, INERT))
        .insert_header((header::ACCEPT_RANGES, "none"))
        // Tells the compression to leave it alone.
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .body(SizedStream::new(file.size, outgoing(first, body))))
}

/// Tells what is known of a file.
#[utoipa::path(get, path = "/files/{id}/meta", tag = "files", params(("id" = Uuid, Path)),
    responses((status = 200, body = FileBody)))]
async fn describe_file(app: App, signed: Signed, Path(id): Path<FileId>) -> Result<impl Responder, Problem> {
    let file = app.run(move |s| s.files.describe(&signed.caller, id)).await?;
    Ok(Json(FileBody::from(file)))
}

/// Deletes a file of one's own.
#[utoipa::path(delete, path = "/files/{id}", tag = "files", params(("id" = Uuid, Path)),
    responses((status = 204)))]
async fn delete_file(app: App, signed: Signed, Path(id): Path<FileId>) -> Result<impl Responder, Problem> {
    let user = signed.caller.actor.user;
    let file = app.run(move |s| s.files.delete(&signed.caller, id)).await?;
    if file.kind == FileType::Avatar {
        // The account shows where its picture is.
        app.sessions().forget_user(user);
    }
    Ok(NoContent)
}

/// `Content-Disposition` (RFC 6266): to be saved, under this name; in ASCII for those who know no better.
fn attachment(name: &str) -> String {
    let plain: String =
        name.chars().map(|one| if one.is_ascii_graphic() && !"\"\\%".contains(one) { one } else { '_' }).collect();
    // What RFC 8187 §3.2.1 lets stand unencoded.
    let stays = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte);
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if stays(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push_str(&data_encoding::HEXUPPER.encode(&[byte]));
        }
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[derive(OpenApi)]
#[openapi(paths(uploads::upload_file, download_file, describe_file, delete_file))]
struct Document;

/// Adds the operations on files.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    let own = Permission::FilesOwn;
    drop(ops.route(Method::POST, "/files/upload", own, uploads::upload_file).repeatable());
    ops.route(Method::GET, "/files/{id}", Access::Optional(own), download_file);
    ops.route(Method::GET, "/files/{id}/meta", own, describe_file);
    ops.route(Method::DELETE, "/files/{id}", own, delete_file);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_travel_safely() {
        for (name, wanted) in [
            ("a.pdf", "attachment; filename=\"a.pdf\"; filename*=UTF-8''a.pdf"),
            ("Diplôme 1.pdf", "attachment; filename=\"Dipl_me_1.pdf\"; filename*=UTF-8''Dipl%C3%B4me%201.pdf"),
            ("a\"b\\;\r\n.pdf", "attachment; filename=\"a_b_;__.pdf\"; filename*=UTF-8''a%22b%5C%3B%0D%0A.pdf"),
        ] {
            assert_eq!(attachment(name), wanted);
        }
    }
}
