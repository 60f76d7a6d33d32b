//! Clinical notes: for the practitioner who wrote them, and for nobody else.
use actix_web::{Responder, http::Method};
use huntzen_clinical::{
    ids::{ConsultationId, NoteId},
    note::{NewNote, Note, NoteChange, NoteKind, NoteVersion},
};
use huntzen_tenancy::{policy::Permission, sealing::SecretText};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::{
    Created, Items, Json, NoContent, Operations, Path, Problem, Signed,
    openapi::{optional_words_schema, words_schema},
    patch,
};
use crate::state::App;

/// A new note.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewNoteBody {
    /// One of one's own, in whatever state it is.
    consultation_id: Uuid,
    /// At most 64 KiB in UTF-8.
    #[schema(min_length = 1, max_length = 65536)]
    content: String,
    /// `RECORD` belongs to the patient's record, `PERSONAL` never leaves its author; `RECORD` when
    /// absent.
    #[schema(schema_with = optional_words_schema::<NoteKind>)]
    kind: Option<NoteKind>,
}

/// What may change about a note.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NotePatch {
    /// A further version; from 72 hours after the first on, an amendment.
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 65536)]
    content: Option<String>,
    /// Until the note is locked.
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(schema_with = words_schema::<NoteKind>)]
    kind: Option<NoteKind>,
}

/// A note.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NoteBody {
    id: Uuid,
    consultation_id: Uuid,
    #[schema(schema_with = words_schema::<NoteKind>)]
    kind: NoteKind,
    /// Null once its key was destroyed.
    #[schema(max_length = 65536)]
    content: Option<String>,
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    version: u32,
    /// 72 hours after it was first written; null before.
    #[schema(value_type = Option<String>, format = DateTime)]
    locked_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<Note> for NoteBody {
    fn from(note: Note) -> Self {
        Self {
            id: note.id.into(),
            consultation_id: note.consultation.into(),
            kind: note.kind,
            content: note.content.map(|text| text.expose().to_owned()),
            version: note.version,
            locked_at: note.locked_at,
            created_at: note.created_at,
            updated_at: note.updated_at,
        }
    }
}

/// What a note said at one time.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NoteVersionBody {
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    version: u32,
    /// Null once its key was destroyed.
    #[schema(max_length = 65536)]
    content: Option<String>,
    /// Whether it was written after the note was locked.
    is_amendment: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<NoteVersion> for NoteVersionBody {
    fn from(version: NoteVersion) -> Self {
        Self {
            version: version.version,
            content: version.content.map(|text| text.expose().to_owned()),
            is_amendment: version.is_amendment,
            created_at: version.created_at,
        }
    }
}

/// Writes a note about one of one's own consultations.
#[utoipa::path(post, path = "/medical/clinical-notes", tag = "medical", request_body = NewNoteBody,
    responses((status = 201, body = NoteBody), (status = 404, description = "No such consultation of one's own")))]
async fn write_note(app: App, signed: Signed, Json(body): Json<NewNoteBody>) -> Result<impl Responder, Problem> {
    let note = NewNote {
        consultation: body.consultation_id.into(),
        kind: body.kind.unwrap_or(NoteKind::Record),
        content: SecretText::new(body.content),
    };
    let note = app.run(move |s| s.notes.write(&signed.caller, &note)).await?;
    let location = format!("/medical/clinical-notes/consultation/{}", note.consultation);
    Ok(Created::at(location, NoteBody::from(note)))
}

/// Lists one's own notes about a consultation, oldest first.
#[utoipa::path(get, path = "/medical/clinical-notes/consultation/{id}", tag = "medical", params(("id" = Uuid, Path)),
    responses((status = 200, body = Items<NoteBody>)))]
async fn list_notes(app: App, signed: Signed, Path(id): Path<ConsultationId>) -> Result<impl Responder, Problem> {
    let notes = app.run(move |s| s.notes.of_consultation(&signed.caller, id)).await?;
    Ok(Json(Items::<NoteBody>::present(notes)))
}

/// Rewrites a note, or amends it once it is locked.
#[utoipa::path(patch, path = "/medical/clinical-notes/{id}", tag = "medical", params(("id" = Uuid, Path)),
    request_body = NotePatch, responses((status = 200, body = NoteBody)))]
async fn change_note(
    app: App,
    signed: Signed,
    Path(id): Path<NoteId>,
    Json(body): Json<NotePatch>,
) -> Result<impl Responder, Problem> {
    let change = NoteChange { content: body.content.map(SecretText::new), kind: body.kind };
    let note = app.run(move |s| s.notes.change(&signed.caller, id, &change)).await?;
    Ok(Json(NoteBody::from(note)))
}

/// Deletes a note with all its versions, until it is locked.
#[utoipa::path(delete, path = "/medical/clinical-notes/{id}", tag = "medical", params(("id" = Uuid, Path)),
    responses((status = 204)))]
async fn delete_note(app: App, signed: Signed, Path(id): Path<NoteId>) -> Result<impl Responder, Problem> {
    app.run(move |s| s.notes.delete(&signed.caller, id)).await?;
    Ok(NoContent)
}

/// Lists all that a note ever said, oldest first.
#[utoipa::path(get, path = "/medical/clinical-notes/{id}/versions", tag = "medical", params(("id" = Uuid, Path)),
    responses((status = 200, body = Items<NoteVersionBody>)))]
async fn list_note_versions(app: App, signed: Signed, Path(id): Path<NoteId>) -> Result<impl Responder, Problem> {
    let versions = app.run(move |s| s.notes.versions(&signed.caller, id)).await?;
    Ok(Json(Items::<NoteVersionBody>::present(versions)))
}

#[derive(OpenApi)]
#[openapi(paths(write_note, list_notes, change_note, delete_note, list_note_versions))]
struct Document;

/// Adds the operations on clinical notes.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    let (write, read) = (Permission::ClinicalNotesOwnWrite, Permission::ClinicalNotesOwnRead);
    drop(ops.route(Method::POST, "/medical/clinical-notes", write, write_note).alias(Method::POST, "/clinical-notes"));
    drop(
        ops.route(Method::GET, "/medical/clinical-notes/consultation/{id}", read, list_notes)
            .alias(Method::GET, "/medical/clinical-notes/{id}")
            .alias(Method::GET, "/clinical-notes/consultation/{id}"),
    );
    ops.route(Method::PATCH, "/medical/clinical-notes/{id}", write, change_note)
        .alias(Method::PATCH, "/clinical-notes/{id}")
        .alias(Method::PUT, "/clinical-notes/{id}")
        .or_put();
    drop(
        ops.route(Method::DELETE, "/medical/clinical-notes/{id}", write, delete_note)
            .alias(Method::DELETE, "/clinical-notes/{id}"),
    );
    drop(
        ops.route(Method::GET, "/medical/clinical-notes/{id}/versions", read, list_note_versions)
            .alias(Method::GET, "/clinical-notes/{id}/versions"),
    );
}
