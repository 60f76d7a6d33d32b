//! Company news over HTTP.
use actix_web::{Responder, http::Method};
use huntzen_tenancy::{
    content::{NewNews, News, NewsChange},
    ids::NewsId,
    policy::Permission,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{
    IntoParams, OpenApi, ToSchema,
    openapi::{
        ObjectBuilder,
        schema::{Array, ArrayBuilder, SchemaType, Type},
    },
};
use uuid::Uuid;
use validator::Validate;

use super::{
    Created, Json, NoContent, Operations, PageBody, PageNumber, Path, PerPage, Problem, Query, Signed,
    paging::page_request, patch,
};
use crate::state::App;

/// What news are made from. The use case trims and checks every text.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewNewsBody {
    #[schema(min_length = 1, max_length = 200)]
    title: String,
    /// Markdown (`CommonMark` with strikethrough); at most 64 KiB in UTF-8.
    #[schema(min_length = 1, max_length = 65_536)]
    content: String,
    /// For whom, by the exact names of departments; empty for everybody.
    #[serde(default)]
    #[schema(schema_with = departments_schema, required = false)]
    target_departments: Vec<String>,
}

impl From<NewNewsBody> for NewNews {
    fn from(body: NewNewsBody) -> Self {
        let NewNewsBody { title, content, target_departments } = body;
        Self { title, content, target_departments }
    }
}

/// What changes about news; absent fields stay.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewsPatch {
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200)]
    title: Option<String>,
    /// Markdown (`CommonMark` with strikethrough); at most 64 KiB in UTF-8.
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 65_536)]
    content: Option<String>,
    /// All of them; empty for everybody.
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(schema_with = departments_schema, required = false)]
    target_departments: Option<Vec<String>>,
}

impl From<NewsPatch> for NewsChange {
    fn from(patch: NewsPatch) -> Self {
        let NewsPatch { title, content, target_departments } = patch;
        Self { title, content, target_departments }
    }
}

/// Which page of the news.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct NewsQuery {
    #[serde(default)]
    #[param(inline)]
    page: PageNumber,
    #[serde(default)]
    #[param(inline)]
    per_page: PerPage,
}

/// One piece of news. Nothing tells who has read it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewsBody {
    id: Uuid,
    #[schema(max_length = 200)]
    title: String,
    /// As it was written, in Markdown.
    #[schema(max_length = 65_536)]
    content: String,
    /// The same as HTML that runs nothing and fetches nothing.
    #[schema(max_length = 524_288)]
    content_html: String,
    /// For whom; empty for everybody.
    #[schema(schema_with = departments_schema)]
    target_departments: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    published_at: Timestamp,
}

impl From<News> for NewsBody {
    fn from(news: News) -> Self {
        Self {
            id: news.id.into(),
            title: news.title,
            content: news.text.content,
            content_html: news.text.html,
            target_departments: news.target_departments,
            published_at: news.published_at,
        }
    }
}

/// At most 50 departments.
fn departments_schema() -> Array {
    let name = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
    ArrayBuilder::new().items(name.min_length(Some(1)).max_length(Some(120))).max_items(Some(50)).build()
}

/// Publishes news to the people of one's own company, or to some departments, and tells them in the app.
#[utoipa::path(post, path = "/news", tag = "content", request_body = NewNewsBody,
    responses((status = 201, body = NewsBody)))]
async fn publish_news(app: App, signed: Signed, Json(body): Json<NewNewsBody>) -> Result<impl Responder, Problem> {
    let news = app.run(move |s| s.newsroom.publish(&signed.caller, &body.into())).await?;
    Ok(Created::at(format!("/news/{}", news.id), NewsBody::from(news)))
}

/// Lists the news of one's own company, the latest first, for those who publish them.
#[utoipa::path(get, path = "/news", tag = "content", params(NewsQuery),
    responses((status = 200, body = PageBody<NewsBody>)))]
async fn list_news(app: App, signed: Signed, Query(query): Query<NewsQuery>) -> Result<impl Responder, Problem> {
    let request = page_request(query.page, query.per_page);
    let page = app.run(move |s| s.newsroom.list(&signed.caller, request)).await?;
    Ok(Json(PageBody::<NewsBody>::present(page, request)))
}

/// Lists the news that are meant for oneself, the latest first.
#[utoipa::path(get, path = "/news/company", tag = "content", params(NewsQuery),
    responses((status = 200, body = PageBody<NewsBody>)))]
async fn list_own_news(app: App, signed: Signed, Query(query): Query<NewsQuery>) -> Result<impl Responder, Problem> {
    let request = page_request(query.page, query.per_page);
    let page = app.run(move |s| s.newsroom.own(&signed.caller, request)).await?;
    Ok(Json(PageBody::<NewsBody>::present(page, request)))
}

/// Changes news; nobody is told again.
#[utoipa::path(patch, path = "/news/{id}", tag = "content", params(("id" = Uuid, Path)), request_body = NewsPatch,
    responses((status = 200, body = NewsBody)))]
async fn update_news(
    app: App,
    signed: Signed,
    Path(id): Path<NewsId>,
    Json(patch): Json<NewsPatch>,
) -> Result<impl Responder, Problem> {
    let news = app.run(move |s| s.newsroom.change(&signed.caller, id, &patch.into())).await?;
    Ok(Json(NewsBody::from(news)))
}

/// Deletes news.
#[utoipa::path(delete, path = "/news/{id}", tag = "content", params(("id" = Uuid, Path)), responses((status = 204)))]
async fn delete_news(app: App, signed: Signed, Path(id): Path<NewsId>) -> Result<impl Responder, Problem> {
    app.run(move |s| s.newsroom.delete(&signed.caller, id)).await?;
    Ok(NoContent)
}

#[derive(OpenApi)]
#[openapi(paths(publish_news, list_news, list_own_news, update_news, delete_news))]
struct Document;

/// Adds the operations on company news.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    let write = Permission::NewsWrite;
    ops.route(Method::POST, "/news", write, publish_news);
    ops.route(Method::GET, "/news", write, list_news);
    ops.route(Method::GET, "/news/company", Permission::NewsRead, list_own_news);
    ops.route(Method::PATCH, "/news/{id}", write, update_news).or_put();
    ops.route(Method::DELETE, "/news/{id}", write, delete_news);
}
