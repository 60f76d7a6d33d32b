//! Articles over HTTP.
use actix_web::{
    Responder,
    http::{Method, header::USER_AGENT},
};
use huntzen_tenancy::{
    content::{Article, ArticleChange, ArticleFilter, ArticleName, ArticleStatus, NewArticle, Visitor},
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
    Access, Created, Json, NoContent, Operations, PageBody, PageNumber, Patch, PathText, PerPage, Problem, Query,
    Reader, Signed, openapi::words_schema, paging::page_request, patch,
};
use crate::state::App;

/// What an article is made from. The use case trims and checks every text.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewArticleBody {
    #[schema(min_length = 1, max_length = 200)]
    title: String,
    #[schema(max_length = 500)]
    excerpt: Option<String>,
    /// Markdown (`CommonMark` with strikethrough); at most 64 KiB in UTF-8.
    #[schema(min_length = 1, max_length = 65_536)]
    content: String,
    #[schema(max_length = 80)]
    category: Option<String>,
    /// Kept in lower case.
    #[serde(default)]
    #[schema(schema_with = tags_schema, required = false)]
    tags: Vec<String>,
}

impl From<NewArticleBody> for NewArticle {
    fn from(body: NewArticleBody) -> Self {
        let NewArticleBody { title, excerpt, content, category, tags } = body;
        Self { title, excerpt, content, category, tags }
    }
}

/// What changes about an article: absent fields stay, null clears.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ArticlePatch {
    /// The slug of a draft follows; that of a published article stays.
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200)]
    title: Option<String>,
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(value_type = Option<String>, max_length = 500)]
    excerpt: Patch<String>,
    /// Markdown (`CommonMark` with strikethrough); at most 64 KiB in UTF-8.
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 65_536)]
    content: Option<String>,
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(value_type = Option<String>, max_length = 80)]
    category: Patch<String>,
    /// All of them.
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(schema_with = tags_schema, required = false)]
    tags: Option<Vec<String>>,
}

impl From<ArticlePatch> for ArticleChange {
    fn from(patch: ArticlePatch) -> Self {
        let ArticlePatch { title, excerpt, content, category, tags } = patch;
        Self { title, excerpt, content, category, tags }
    }
}

/// Which articles are asked for.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct ArticleQuery {
    /// Only those filed under this, exactly.
    #[validate(length(max = 80))]
    #[param(max_length = 80)]
    category: Option<String>,
    /// Only those with this tag, in any case.
    #[validate(length(max = 40))]
    #[param(max_length = 40)]
    tag: Option<String>,
    /// Only those with this status. Whoever is no administrator gets no drafts.
    #[param(schema_with = words_schema::<ArticleStatus>)]
    status: Option<ArticleStatus>,
    #[serde(default)]
    #[param(inline)]
    page: PageNumber,
    #[serde(default)]
    #[param(inline)]
    per_page: PerPage,
}

/// An article.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ArticleBody {
    id: Uuid,
    /// The word in its address; the same for ever once it is published.
    #[schema(max_length = 100, pattern = "^[a-z0-9-]+$")]
    slug: String,
    #[schema(max_length = 200)]
    title: String,
    #[schema(max_length = 500)]
    excerpt: Option<String>,
    /// As it was written, in Markdown.
    #[schema(max_length = 65_536)]
    content: String,
    /// The same as HTML that runs nothing and fetches nothing.
    #[schema(max_length = 524_288)]
    content_html: String,
    #[schema(max_length = 80)]
    category: Option<String>,
    #[schema(schema_with = tags_schema)]
    tags: Vec<String>,
    #[schema(schema_with = words_schema::<ArticleStatus>)]
    status: ArticleStatus,
    #[schema(value_type = Option<String>, format = DateTime)]
    published_at: Option<Timestamp>,
    /// Its visitors, each counted once a day.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    view_count: u64,
}

impl From<Article> for ArticleBody {
    fn from(article: Article) -> Self {
        Self {
            id: article.id.into(),
            slug: article.slug,
            title: article.title,
            excerpt: article.excerpt,
            content: article.text.content,
            content_html: article.text.html,
            category: article.category,
            tags: article.tags,
            status: article.status,
            published_at: article.published_at,
            view_count: article.view_count,
        }
    }
}

/// How many visitors an article has had.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ViewsBody {
    /// Each counted once a day.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    view_count: u64,
}

/// At most 20 tags.
fn tags_schema() -> Array {
    let tag = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).min_length(Some(1)).max_length(Some(40));
    ArrayBuilder::new().items(tag).max_items(Some(20)).build()
}

/// Begins an article: a draft.
#[utoipa::path(post, path = "/articles", tag = "content", request_body = NewArticleBody,
    responses((status = 201, body = ArticleBody)))]
async fn create_article(app: App, signed: Signed, Json(body): Json<NewArticleBody>) -> Result<impl Responder, Problem> {
    let article = app.run(move |s| s.article_editing.create(&signed.caller, &body.into())).await?;
    Ok(Created::at(format!("/articles/{}", article.id), ArticleBody::from(article)))
}

/// Lists articles, the latest first: published ones, and drafts too for administrators.
#[utoipa::path(get, path = "/articles", tag = "content", params(ArticleQuery),
    responses((status = 200, body = PageBody<ArticleBody>)))]
async fn list_articles(
    app: App,
    Reader(reader): Reader,
    Query(query): Query<ArticleQuery>,
) -> Result<impl Responder, Problem> {
    let request = page_request(query.page, query.per_page);
    let asked = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let filter = ArticleFilter { category: asked(query.category), tag: asked(query.tag), status: query.status };
    let page = app.run(move |s| s.articles.list(&reader, &filter, request)).await?;
    Ok(Json(PageBody::<ArticleBody>::present(page, request)))
}

/// Shows an article, by its slug or its id: a published one, and a draft too to administrators. Reading
/// counts nothing.
#[utoipa::path(get, path = "/articles/{slugOrId}", tag = "content",
    params(("slugOrId" = String, Path, min_length = 1, max_length = 200)),
    responses((status = 200, body = ArticleBody)))]
async fn get_article(app: App, Reader(reader): Reader, PathText(name): PathText) -> Result<impl Responder, Problem> {
    let article = app.run(move |s| s.articles.get(&reader, &ArticleName::of(&name))).await?;
    Ok(Json(ArticleBody::from(article)))
}

/// Changes an article.
#[utoipa::path(patch, path = "/articles/{slugOrId}", tag = "content",
    params(("slugOrId" = String, Path, min_length = 1, max_length = 200)), request_body = ArticlePatch,
    responses((status = 200, body = ArticleBody)))]
async fn update_article(
    app: App,
    signed: Signed,
    PathText(name): PathText,
    Json(patch): Json<ArticlePatch>,
) -> Result<impl Responder, Problem> {
    let name = ArticleName::of(&name);
    let article = app.run(move |s| s.article_editing.change(&signed.caller, &name, &patch.into())).await?;
    Ok(Json(ArticleBody::from(article)))
}

/// Deletes an article.
#[utoipa::path(delete, path = "/articles/{slugOrId}", tag = "content",
    params(("slugOrId" = String, Path, min_length = 1, max_length = 200)), responses((status = 204)))]
async fn delete_article(app: App, signed: Signed, PathText(name): PathText) -> Result<impl Responder, Problem> {
    app.run(move |s| s.article_editing.delete(&signed.caller, &ArticleName::of(&name))).await?;
    Ok(NoContent)
}

/// Shows an article to everybody. Repeating changes nothing.
#[utoipa::path(post, path = "/articles/{slugOrId}/publish", tag = "content",
    params(("slugOrId" = String, Path, min_length = 1, max_length = 200)),
    responses((status = 200, body = ArticleBody)))]
async fn publish_article(app: App, signed: Signed, PathText(name): PathText) -> Result<impl Responder, Problem> {
    let article = app.run(move |s| s.article_editing.publish(&signed.caller, &ArticleName::of(&name))).await?;
    Ok(Json(ArticleBody::from(article)))
}

/// Counts a visitor of a published article, once a day. Who that is, nobody can tell the day after.
#[utoipa::path(put, path = "/articles/{slugOrId}/view", tag = "content",
    params(("slugOrId" = String, Path, min_length = 1, max_length = 200)),
    responses((status = 200, body = ViewsBody)))]
async fn view_article(
    app: App,
    request: actix_web::HttpRequest,
    PathText(name): PathText,
) -> Result<impl Responder, Problem> {
    let client = request.headers().get(USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let context = app.context();
    let visitor = Visitor { address: context.0.client, client: client.unwrap_or_default() };
    let origin = context.origin();
    let view_count = app.run(move |s| s.visits.count(&origin, &ArticleName::of(&name), &visitor)).await?;
    Ok(Json(ViewsBody { view_count }))
}

#[derive(OpenApi)]
#[openapi(paths(
    create_article,
    list_articles,
    get_article,
    update_article,
    delete_article,
    publish_article,
    view_article
))]
struct Document;

/// Adds the operations on articles.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    let (write, one) = (Permission::ArticlesWrite, "/articles/{slugOrId}");
    ops.route(Method::POST, "/articles", write, create_article);
    ops.route(Method::GET, "/articles", Access::PublicKnowing, list_articles);
    ops.route(Method::GET, one, Access::PublicKnowing, get_article);
    ops.route(Method::PATCH, one, write, update_article).or_put();
    ops.route(Method::DELETE, one, write, delete_article);
    ops.route(Method::POST, "/articles/{slugOrId}/publish", write, publish_article).or_put();
    ops.route(Method::PUT, "/articles/{slugOrId}/view", Access::Public, view_article).or_post();
}
