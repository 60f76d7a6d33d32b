//! The API's documents, for requests and for sockets, and the browser for the first, outside production or where they are enabled.
use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse, Resource,
    http::header,
    web::{self, Data, ServiceConfig},
};
use utoipa_swagger_ui::Config;

use super::{
    limits::count_stray,
    openapi,
    problem::{Code, Problem},
    route::Operations,
};
use crate::state::Edge;

/// Where the document is.
pub const DOCUMENT_PATH: &str = "/api/openapi.json";
/// Where the sockets' document (`AsyncAPI` 3.0) is.
pub const LIVE_DOCUMENT_PATH: &str = "/api/asyncapi.yaml";
/// The sockets' document. The tests hold every event of every socket against it.
pub const LIVE_DOCUMENT: &str = include_str!("asyncapi.yaml");
const BROWSER_PATH: &str = "/api/docs";

/// The browser runs its own scripts and styles its own elements; nothing comes from elsewhere.
const BROWSER_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

/// Adds the document of `operations`, its browser, and the sockets' document.
pub fn mount(config: &mut ServiceConfig, operations: Arc<fn() -> Operations>) {
    config
        .service(resource(DOCUMENT_PATH).app_data(Data::from(operations)).route(web::get().to(document)))
        .service(resource(LIVE_DOCUMENT_PATH).route(web::get().to(live_document)))
        .service(resource(BROWSER_PATH).route(web::get().to(to_browser)))
        .service(
            resource(&format!("{BROWSER_PATH}/{{file:.*}}"))
                .app_data(Data::new(Config::from(DOCUMENT_PATH)))
                .route(web::get().to(browser)),
        );
}

/// A resource that answers `GET` alone, and counts whatever else is asked of it.
fn resource(path: &str) -> Resource {
    let refuse = |request: HttpRequest| async move {
        count_stray(&request).await?;
        Err::<HttpResponse, Problem>(Problem::method_not_allowed("GET".to_owned()))
    };
    web::resource(path).default_service(web::route().to(refuse))
}

// Documents are no operations, but long, and compressed each time: they are counted as what is none.

async fn document(
    request: HttpRequest,
    edge: Data<Edge>,
    operations: Data<fn() -> Operations>,
) -> Result<HttpResponse, Problem> {
    count_stray(&request).await?;
    let build = || openapi::assemble(&operations()).to_string().into();
    let bytes = edge.document.get_or_init(build).clone();
    Ok(HttpResponse::Ok().content_type("application/json").body(bytes))
}

/// RFC 9512.
async fn live_document(request: HttpRequest) -> Result<HttpResponse, Problem> {
    count_stray(&request).await?;
    Ok(HttpResponse::Ok().content_type("application/yaml").body(LIVE_DOCUMENT))
}

async fn to_browser(request: HttpRequest) -> Result<HttpResponse, Problem> {
    count_stray(&request).await?;
    Ok(HttpResponse::PermanentRedirect().insert_header((header::LOCATION, format!("{BROWSER_PATH}/"))).finish())
}

async fn browser(request: HttpRequest, config: Data<Config<'static>>) -> Result<HttpResponse, Problem> {
    count_stray(&request).await?;
    let path = request.match_info().query("file");
    let file = utoipa_swagger_ui::serve(path, config.into_inner())
        .map_err(|error| Problem::internal(error.to_string()))?
        .ok_or_else(|| Problem::new(Code::NotFound))?;
    let mut answer = HttpResponse::Ok();
    if file.gzpipped {
        answer.insert_header(header::ContentEncoding::Gzip);
    }
    answer.insert_header((header::CONTENT_SECURITY_POLICY, BROWSER_POLICY));
    Ok(answer.content_type(file.content_type).body(file.bytes.into_owned()))
}
