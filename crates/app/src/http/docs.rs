//! The API's document and its browser, outside production or where they are enabled.
use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{self, Data, ServiceConfig},
};
use utoipa_swagger_ui::Config;

use super::{
    openapi,
    problem::{Code, Problem},
    route::Operations,
};
use crate::state::Edge;

/// Where the document is.
pub const DOCUMENT_PATH: &str = "/api/openapi.json";
const BROWSER_PATH: &str = "/api/docs";

/// The browser runs its own scripts and styles its own elements; nothing comes from elsewhere.
const BROWSER_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

/// Adds the document of `operations` and its browser.
pub fn mount(config: &mut ServiceConfig, operations: Arc<fn() -> Operations>) {
    config
        .service(web::resource(DOCUMENT_PATH).app_data(Data::from(operations)).route(web::get().to(document)))
        .service(web::resource(BROWSER_PATH).route(web::get().to(to_browser)))
        .service(
            web::resource(format!("{BROWSER_PATH}/{{file:.*}}"))
                .app_data(Data::new(Config::from(DOCUMENT_PATH)))
                .route(web::get().to(browser)),
        );
}

async fn document(edge: Data<Edge>, operations: Data<fn() -> Operations>) -> HttpResponse {
    let build = || openapi::assemble(&operations()).to_string().into();
    let bytes = edge.document.get_or_init(build).clone();
    HttpResponse::Ok().content_type("application/json").body(bytes)
}

async fn to_browser() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, format!("{BROWSER_PATH}/"))).finish()
}

async fn browser(request: HttpRequest, config: Data<Config<'static>>) -> Result<HttpResponse, Problem> {
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
