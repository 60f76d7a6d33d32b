//! The journal: for the employee who writes it, and for nobody else.
use actix_web::{Responder, http::Method};
use huntzen_clinical::{
    ids::JournalEntryId,
    journal::{Days, EntryChange, JournalEntry, Mood, NewEntry, TAG},
};
use huntzen_tenancy::{policy::Permission, sealing::SecretText};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::{
    Created, CursorMark, Json, Limit, NoContent, Operations, Patch, Path, Problem, Query, Signed, SliceBody, patch,
    times::CivilDate,
};
use crate::state::App;

/// A new entry.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewEntryBody {
    /// At most 64 KiB in UTF-8.
    #[schema(min_length = 1, max_length = 65536)]
    content: String,
    #[validate(range(min = 1, max = 10))]
    #[schema(minimum = 1, maximum = 10)]
    mood: Option<u8>,
    #[serde(default)]
    #[validate(length(max = 20))]
    #[schema(max_items = 20)]
    tags: Vec<Tag>,
}

/// A tag: not blank, without control characters, and none twice in one entry, however it is spelt.
#[derive(Deserialize, Serialize, ToSchema)]
#[schema(min_length = 1, max_length = 40)]
struct Tag(String);

/// What may change about an entry.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EntryPatch {
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 65536)]
    content: Option<String>,
    #[serde(default, deserialize_with = "patch::present")]
    #[validate(range(min = 1, max = 10))]
    #[schema(value_type = Option<u8>, minimum = 1, maximum = 10)]
    mood: Patch<u8>,
    #[serde(default, deserialize_with = "patch::required")]
    #[validate(length(max = 20))]
    #[schema(value_type = Vec<Tag>, required = false, max_items = 20)]
    tags: Option<Vec<Tag>>,
}

/// An entry.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EntryBody {
    id: Uuid,
    /// Null once its key was destroyed.
    #[schema(max_length = 65536)]
    content: Option<String>,
    #[schema(minimum = 1, maximum = 10)]
    mood: Option<u8>,
    #[schema(max_items = 20, value_type = Vec<Tag>)]
    tags: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<JournalEntry> for EntryBody {
    fn from(entry: JournalEntry) -> Self {
        Self {
            id: entry.id.into(),
            content: entry.content.map(|text| text.expose().to_owned()),
            mood: entry.mood.map(Mood::figure),
            tags: entry.tags.iter().map(str::to_owned).collect(),
            created_at: entry.created_at,
            updated_at: entry.updated_at,
        }
    }
}

/// Which part of the journal is asked for.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct JournalQuery {
    /// What was written on this day or later, in the company's zone.
    #[param(inline)]
    from: Option<CivilDate>,
    /// What was written on this day or earlier.
    #[param(inline)]
    to: Option<CivilDate>,
    /// What has this tag, however it is spelt. A part may then be short, or empty, before the end.
    #[param(min_length = 1, max_length = 40)]
    tag: Option<String>,
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    #[param(inline)]
    cursor: Option<CursorMark>,
}

fn secret_tags(tags: Vec<Tag>) -> Vec<SecretText> {
    tags.into_iter().map(|Tag(text)| SecretText::new(text)).collect()
}

/// The mood that a body names; its bounds were checked.
fn mood(figure: Option<u8>) -> Option<Mood> {
    figure.and_then(Mood::new)
}

/// Writes an entry.
#[utoipa::path(post, path = "/medical/journal", tag = "medical", request_body = NewEntryBody,
    responses((status = 201, body = EntryBody)))]
async fn write_entry(app: App, signed: Signed, Json(body): Json<NewEntryBody>) -> Result<impl Responder, Problem> {
    let NewEntryBody { content, mood: figure, tags } = body;
    let new = NewEntry { content: SecretText::new(content), mood: mood(figure), tags: secret_tags(tags) };
    let entry = app.run(move |s| s.journal.write(&signed.caller, &new)).await?;
    Ok(Created::at(format!("/medical/journal/{}", entry.id), EntryBody::from(entry)))
}

/// Lists one's own entries, newest first.
#[utoipa::path(get, path = "/medical/journal", tag = "medical", params(JournalQuery),
    responses((status = 200, body = SliceBody<EntryBody>)))]
async fn list_entries(app: App, signed: Signed, Query(query): Query<JournalQuery>) -> Result<impl Responder, Problem> {
    let JournalQuery { from, to, tag, limit, cursor } = query;
    if tag.as_ref().is_some_and(|tag| tag.trim().is_empty()) {
        return Err(Problem::invalid_field("tag", "required"));
    }
    if tag.as_ref().is_some_and(|tag| tag.chars().count() > TAG) {
        return Err(Problem::invalid_field("tag", "too_long"));
    }
    let days = Days { from: from.map(|day| day.0), to: to.map(|day| day.0) };
    let (tag, cursor) = (tag.map(SecretText::new), cursor.map(|mark| mark.0));
    let part = app.run(move |s| s.journal.list(&signed.caller, days, tag.as_ref(), cursor, limit.0)).await?;
    Ok(Json(SliceBody::<EntryBody>::present(part)))
}

/// One entry.
#[utoipa::path(get, path = "/medical/journal/{id}", tag = "medical", params(("id" = Uuid, Path)),
    responses((status = 200, body = EntryBody)))]
async fn read_entry(app: App, signed: Signed, Path(id): Path<JournalEntryId>) -> Result<impl Responder, Problem> {
    let entry = app.run(move |s| s.journal.one(&signed.caller, id)).await?;
    Ok(Json(EntryBody::from(entry)))
}

/// Changes an entry.
#[utoipa::path(patch, path = "/medical/journal/{id}", tag = "medical", params(("id" = Uuid, Path)),
    request_body = EntryPatch, responses((status = 200, body = EntryBody)))]
async fn change_entry(
    app: App,
    signed: Signed,
    Path(id): Path<JournalEntryId>,
    Json(body): Json<EntryPatch>,
) -> Result<impl Responder, Problem> {
    let change = EntryChange {
        content: body.content.map(SecretText::new),
        mood: body.mood.map(mood),
        tags: body.tags.map(secret_tags),
    };
    let entry = app.run(move |s| s.journal.change(&signed.caller, id, &change)).await?;
    Ok(Json(EntryBody::from(entry)))
}

/// Deletes an entry for good.
#[utoipa::path(delete, path = "/medical/journal/{id}", tag = "medical", params(("id" = Uuid, Path)),
    responses((status = 204)))]
async fn delete_entry(app: App, signed: Signed, Path(id): Path<JournalEntryId>) -> Result<impl Responder, Problem> {
    app.run(move |s| s.journal.delete(&signed.caller, id)).await?;
    Ok(NoContent)
}

#[derive(OpenApi)]
#[openapi(paths(write_entry, list_entries, read_entry, change_entry, delete_entry))]
struct Document;

/// Adds the operations on journals.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    let (write, read) = (Permission::JournalOwnWrite, Permission::JournalOwnRead);
    drop(ops.route(Method::POST, "/medical/journal", write, write_entry).alias(Method::POST, "/journal"));
    drop(ops.route(Method::GET, "/medical/journal", read, list_entries).alias(Method::GET, "/journal"));
    drop(ops.route(Method::GET, "/medical/journal/{id}", read, read_entry).alias(Method::GET, "/journal/{id}"));
    ops.route(Method::PATCH, "/medical/journal/{id}", write, change_entry)
        .alias(Method::PATCH, "/journal/{id}")
        .alias(Method::PUT, "/journal/{id}")
        .or_put();
    drop(
        ops.route(Method::DELETE, "/medical/journal/{id}", write, delete_entry).alias(Method::DELETE, "/journal/{id}"),
    );
}
