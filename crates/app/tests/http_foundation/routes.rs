//! The routes under test: books on a shelf.
use std::{sync::Mutex, time::Duration};

use actix_web::{Responder, http::Method};
use huntzen_app::{
    http::{
        Access, Code, Created, Json, NoContent, Operations, OptionalJson, PageBody, PageNumber, Patch, Path, PerPage,
        Problem, Query, Signed, context::Context, openapi::words_schema, paging::page_request, patch,
    },
    state::App,
};
use huntzen_tenancy::{
    Page, StoreError,
    policy::{Permission, Role},
    words::Words,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};
use uuid::Uuid;
use validator::Validate;

/// What stands behind the routes.
#[derive(Default)]
pub struct Shelf {
    notes: Mutex<Vec<String>>,
}

impl Shelf {
    fn add(&self, text: String) -> Result<usize, StoreError> {
        if text.is_empty() {
            return Err(StoreError::Refused("shelf_text_check".to_owned()));
        }
        let mut notes = self.notes.lock().unwrap();
        notes.push(text);
        Ok(notes.len())
    }

    fn lost(&self, message: &'static str) -> Result<(), StoreError> {
        self.add(message.to_owned())?;
        Err(if message == "defect" {
            StoreError::Defect(message.into())
        } else {
            StoreError::Unavailable(message.into())
        })
    }
}

/// A page within a book.
#[derive(Deserialize, Serialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Leaf {
    #[validate(length(min = 2, max = 10))]
    #[schema(min_length = 2, max_length = 10)]
    first_line: String,
}

/// A book to add.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewBook {
    #[validate(length(min = 1, max = 20))]
    #[schema(min_length = 1, max_length = 20)]
    title: String,
    #[validate(range(min = 1, max = 5000))]
    #[schema(minimum = 1, maximum = 5000)]
    page_count: u32,
    #[schema(schema_with = words_schema::<Role>)]
    reader: Role,
    #[validate(email)]
    #[schema(format = Email, max_length = 254)]
    author_email: Option<String>,
    #[serde(default)]
    #[validate(nested, length(max = 2))]
    #[schema(max_items = 2)]
    leaves: Vec<Leaf>,
}

/// A book.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BookBody {
    id: Uuid,
    #[schema(max_length = 20)]
    title: String,
    #[schema(minimum = 1, maximum = 5000)]
    page_count: u32,
}

/// What may change about a book.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BookPatch {
    #[serde(default, deserialize_with = "patch::required")]
    #[validate(length(min = 1, max = 20))]
    #[schema(min_length = 1, max_length = 20)]
    title: Option<String>,
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(value_type = Option<String>, max_length = 20)]
    subtitle: Patch<String>,
}

/// What was understood.
#[derive(Serialize, ToSchema)]
pub struct Said {
    #[schema(max_length = 20000)]
    said: String,
}

fn said(text: impl Into<String>) -> Json<Said> {
    Json(Said { said: text.into() })
}

/// Which books a list holds.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct BookQuery {
    #[validate(length(max = 10))]
    #[param(max_length = 10)]
    title_like: Option<String>,
    #[param(schema_with = words_schema::<Role>)]
    reader: Option<Role>,
    #[serde(default)]
    #[param(inline)]
    page: PageNumber,
    #[serde(default)]
    #[param(inline)]
    per_page: PerPage,
}

/// Lists books.
#[utoipa::path(get, path = "/books", tag = "content", params(BookQuery), responses((status = 200, description = "Books", body = PageBody<BookBody>)))]
async fn list_books(Query(query): Query<BookQuery>) -> impl Responder {
    let title = format!("{:?} {:?}", query.title_like, query.reader.map(Words::as_str));
    let book = BookBody { id: Uuid::nil(), title, page_count: 1 };
    let request = page_request(query.page, query.per_page);
    Json(PageBody::<BookBody>::present(Page { items: vec![book], total: 1 }, request))
}

/// Adds a book.
#[utoipa::path(post, path = "/books", tag = "content", request_body = NewBook, responses((status = 201, description = "Added", body = BookBody)))]
async fn add_book(app: App<Shelf>, _: Signed, Json(new): Json<NewBook>) -> Result<impl Responder, Problem> {
    let lines: usize = new.leaves.iter().map(|leaf| leaf.first_line.len()).sum();
    let note = format!("{} {lines} {:?} {}", new.title, new.author_email, new.reader);
    app.run(move |shelf| shelf.add(note)).await?;
    let body = BookBody { id: Uuid::from_u128(9), title: new.title, page_count: new.page_count };
    Ok(Created::at(format!("/books/{}", body.id), body))
}

/// Changes a book.
#[utoipa::path(patch, path = "/books/{id}", tag = "content", params(("id" = Uuid, Path)), request_body = BookPatch, responses((status = 200, description = "Changed", body = Said)))]
async fn change_book(_: Signed, Path(id): Path<Uuid>, Json(patch): Json<BookPatch>) -> impl Responder {
    said(format!("{id} {:?} {:?}", patch.title, patch.subtitle))
}

/// Takes a book away.
#[utoipa::path(delete, path = "/books/{id}", tag = "content", params(("id" = Uuid, Path)), responses((status = 204, description = "Gone")))]
async fn remove_book(_: Signed, Path(_id): Path<Uuid>) -> NoContent {
    NoContent
}

/// Reads a book.
#[utoipa::path(get, path = "/books/{id}", tag = "content", params(("id" = Uuid, Path)), responses((status = 200, description = "The book", body = Said)))]
async fn read_book(signed: Signed, Path(id): Path<Uuid>) -> impl Responder {
    said(format!("{id} for {}", signed.account().first_name))
}

/// Reads the newest book.
#[utoipa::path(get, path = "/books/newest", tag = "content", responses((status = 200, description = "The book", body = Said)))]
async fn newest_book(context: Context) -> impl Responder {
    said(format!("newest {}", context.origin().request_id))
}

/// Lends a book.
#[utoipa::path(post, path = "/books/{id}/lend", tag = "content", params(("id" = Uuid, Path)), responses((status = 200, description = "Lent", body = Said)))]
async fn lend_book(_: Signed, Path(id): Path<Uuid>) -> impl Responder {
    said(format!("lent {id}"))
}

/// Says something long.
#[utoipa::path(get, path = "/books/long", tag = "content", responses((status = 200, description = "Long", body = Said)))]
async fn read_long() -> impl Responder {
    said("long ".repeat(1000))
}

/// Says something long where secrets travel.
#[utoipa::path(post, path = "/auth/long", tag = "auth", request_body = Option<Leaf>, responses((status = 200, description = "Long", body = Said)))]
async fn sign_in_long(OptionalJson(leaf): OptionalJson<Leaf>) -> impl Responder {
    said(leaf.map_or_else(|| "long ".repeat(1000), |leaf| leaf.first_line))
}

/// Fails for a reason of its own.
#[utoipa::path(get, path = "/books/defect", tag = "content", responses((status = 200, description = "Never")))]
async fn defect(app: App<Shelf>) -> Result<NoContent, Problem> {
    app.run(|shelf| shelf.lost("defect")).await?;
    Ok(NoContent)
}

/// Fails because something else does.
#[utoipa::path(get, path = "/books/unavailable", tag = "content", responses((status = 200, description = "Never")))]
async fn unavailable(app: App<Shelf>) -> Result<NoContent, Problem> {
    app.run_hashing(|shelf| shelf.lost("the wire to db.internal is cut")).await?;
    Ok(NoContent)
}

/// Has too much to do.
#[utoipa::path(get, path = "/books/busy", tag = "content", responses((status = 200, description = "Never")))]
async fn busy() -> Result<NoContent, Problem> {
    Err(Problem::new(Code::Overloaded))
}

/// Takes its time.
#[utoipa::path(get, path = "/books/slow", tag = "content", responses((status = 200, description = "At last", body = Said)))]
async fn slow() -> impl Responder {
    tokio::time::sleep(Duration::from_millis(400)).await;
    said("at last")
}

#[derive(OpenApi)]
#[openapi(paths(
    list_books,
    add_book,
    change_book,
    remove_book,
    read_book,
    newest_book,
    lend_book,
    read_long,
    sign_in_long,
    defect,
    unavailable,
    busy,
    slow
))]
struct Document;

/// All of them.
pub fn operations() -> Operations {
    let mut ops = Operations::new();
    ops.document::<Document>();
    // One that tells of care, and one that does not.
    let (read, write) = (Permission::ConsultationsMyRead, Permission::AvailabilityOwn);
    ops.route(Method::GET, "/books/{id}", read, read_book);
    ops.route(Method::PATCH, "/books/{id}", write, change_book).or_put();
    ops.route(Method::DELETE, "/books/{id}", write, remove_book);
    ops.route(Method::GET, "/books", Access::Public, list_books);
    ops.route(Method::POST, "/books", write, add_book);
    ops.route(Method::POST, "/books/{id}/lend", write, lend_book).alias(Method::POST, "/shelf/{bookId}/lend").or_put();
    ops.route(Method::GET, "/books/newest", Access::Public, newest_book);
    ops.route(Method::GET, "/books/long", Access::Public, read_long);
    ops.route(Method::POST, "/auth/long", Access::Public, sign_in_long);
    ops.route(Method::GET, "/books/defect", Access::Public, defect);
    ops.route(Method::GET, "/books/unavailable", Access::Public, unavailable);
    ops.route(Method::GET, "/books/busy", Access::Public, busy);
    ops.route(Method::GET, "/books/slow", Access::Public, slow);
    ops
}
