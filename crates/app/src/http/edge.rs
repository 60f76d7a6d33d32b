//! The outermost layer: gives each request its id and context, renders problems, sets the headers
//! that every answer has, and writes the one log line.
use std::{borrow::Cow, error::Error as _, rc::Rc, time::Instant};

use actix_web::{
    Error, HttpMessage, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    middleware::Next,
    web::Data,
};
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use huntzen_tenancy::{Origin, limits::Share, policy::Permission};
use sha2::Sha256;

use super::{
    access::Signed,
    context::RequestContext,
    headers,
    health::SpeaksForItself,
    language::Language,
    limits,
    origin::{client_address, truncated},
    problem::{Code, MEDIA_TYPE, Problem},
};
use crate::{
    offload::Patience,
    state::Edge,
    telemetry::meters::{self, Refusal, RouteMeter},
};

/// Whoever asks for emergency numbers leaves no line anywhere.
const UNLOGGED: &str = "/crisis";

/// The layer itself, for `actix_web::middleware::from_fn`.
///
/// # Errors
/// None of its own.
pub async fn edge(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let begun = Instant::now();
    let Some(edge) = request.app_data::<Data<Edge>>().cloned() else {
        return Err(Problem::internal("the edge has no state").into());
    };
    // Not even that somebody is asking.
    let _counted = (request.path() != UNLOGGED).then(|| edge.meters.begin());
    let context = Rc::new(context(&request, &edge));
    request.extensions_mut().insert(Rc::clone(&context));
    let private = request.headers().contains_key(header::AUTHORIZATION) || headers::is_sign_in(request.path());
    let reads = request.method().is_safe();
    let response = next.call(request).await?;
    if !reads && response.status().is_success() {
        // Most writes leave a letter.
        edge.bell.ring();
    }
    let refusal = refusal(&response);
    if let Some(reason) = refusal {
        edge.meters.refuse(reason);
    }
    let (response, failure) = rendered(response, &context);
    let response = finished(response, &context, private);
    log(&edge, &response, &context, begun, (refusal, failure.as_deref()));
    Ok(response)
}

/// Why a request was refused unheard, if it was.
fn refusal(response: &ServiceResponse<impl MessageBody>) -> Option<Refusal> {
    let problem = response.response().error().and_then(|error| error.as_error::<Problem>())?;
    let request = response.request();
    let by_general_limit = || request.extensions().get::<Share>().is_some_and(|share| share.is_exceeded);
    let by_seats = || request.app_data::<RouteMeter>().is_some_and(RouteMeter::is_socket);
    Some(match problem.code().status() {
        StatusCode::SERVICE_UNAVAILABLE if problem.code() == Code::Overloaded => Refusal::Overloaded,
        StatusCode::SERVICE_UNAVAILABLE => Refusal::Unavailable,
        StatusCode::TOO_MANY_REQUESTS if by_general_limit() => Refusal::Requests,
        StatusCode::TOO_MANY_REQUESTS if by_seats() => Refusal::Sockets,
        StatusCode::TOO_MANY_REQUESTS => Refusal::Attempts,
        _ => return None,
    })
}

fn context(request: &ServiceRequest, edge: &Edge) -> RequestContext {
    let client = client_address(request.peer_addr().map(|peer| peer.ip()), request.headers(), &edge.trusted_proxies);
    let request_id = match headers::request_id(request.headers()) {
        Some(id) => id.to_owned(),
        None => edge.randomness.uuid_v4().to_string(),
    };
    RequestContext {
        origin: Origin { request_id, ip: client.map(truncated) },
        client,
        language: Language::of(request.headers()),
        patience: Patience::default(),
    }
}

/// Gives a refused request its problem details, whoever refused it; and says what to log.
fn rendered(
    response: ServiceResponse<impl MessageBody + 'static>,
    context: &RequestContext,
) -> (ServiceResponse<BoxBody>, Option<String>) {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return (response.map_into_boxed_body(), None);
    }
    let own = response.response().error().and_then(|error| error.as_error::<Problem>());
    let speaks = response.response().extensions().contains::<SpeaksForItself>();
    if own.is_none() && (speaks || is_problem(response.headers().get(header::CONTENT_TYPE))) {
        return (response.map_into_boxed_body(), None);
    }
    let render = |problem: &Problem| problem.render(context.language, &context.origin.request_id);
    let (answer, causes) = match own {
        Some(problem) => (render(problem), problem.source().map(|_| problem.causes())),
        None => (render(&Problem::for_status(status)), response.response().error().map(ToString::to_string)),
    };
    let (request, refused) = response.into_parts();
    (ServiceResponse::new(request, with_headers_of(answer, &refused)), causes)
}

/// Keeps what inner layers said beside the body: CORS, `Vary`, `Allow`.
fn with_headers_of(mut answer: HttpResponse, refused: &HttpResponse<impl MessageBody>) -> HttpResponse {
    const OF_THE_BODY: [header::HeaderName; 3] =
        [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING];
    for (name, value) in refused.headers() {
        if *name == header::VARY {
            answer.headers_mut().append(name.clone(), value.clone());
        } else if !OF_THE_BODY.contains(name) && !answer.headers().contains_key(name) {
            answer.headers_mut().insert(name.clone(), value.clone());
        }
    }
    answer
}

fn is_problem(media_type: Option<&HeaderValue>) -> bool {
    media_type.is_some_and(|value| value.as_bytes() == MEDIA_TYPE.as_bytes())
}

fn finished(
    mut response: ServiceResponse<BoxBody>,
    context: &RequestContext,
    private: bool,
) -> ServiceResponse<BoxBody> {
    let share = response.request().extensions().get::<Share>().copied();
    let headers = response.headers_mut();
    if let Some(share) = share {
        limits::tell(headers, share);
    }
    if headers.get(header::CONTENT_ENCODING).is_some_and(|value| value == "identity") {
        headers.remove(header::CONTENT_ENCODING);
    }
    if let Ok(id) = HeaderValue::from_str(&context.origin.request_id) {
        headers.insert(headers::REQUEST_ID, id);
    }
    headers::secure(headers);
    if private {
        headers::forbid_storing(headers);
    }
    response
}

/// One count and one line a request, with nothing in it that tells who asked for what: the pattern of the
/// route instead of the path, a keyed digest instead of the user, and no user where it is about care.
fn log(
    edge: &Edge,
    response: &ServiceResponse<BoxBody>,
    context: &RequestContext,
    begun: Instant,
    (refusal, causes): (Option<Refusal>, Option<&str>),
) {
    let request = response.request();
    let meter = request.app_data::<RouteMeter>();
    let route = match meter.and_then(RouteMeter::pattern) {
        Some(pattern) => Some(Cow::Borrowed(pattern)),
        // The documentation is no operation.
        None => request.match_pattern().map(Cow::Owned),
    };
    if route.as_deref() == Some(UNLOGGED) {
        return;
    }
    let duration = begun.elapsed();
    if let Some(meter) = meter {
        meter.observe(&edge.meters, request.method(), response.status(), duration);
    }
    #[cfg(feature = "otlp")]
    crate::telemetry::spans::record(
        meters::method_word(request.method()),
        meter.and_then(RouteMeter::pattern).unwrap_or(meters::UNMATCHED),
        response.status().as_u16(),
        edge.clock.now().into(),
        duration,
    );
    let about_care = request.extensions().get::<Permission>().is_some_and(|permission| permission.is_about_care());
    // The trail shows operators who signed in or asked for a ticket, in which request: a line about care
    // that named the same user, or the same id, would tell them who consults.
    let user = request.extensions().get::<Signed>().map(|signed| signed.caller.actor.user.0).filter(|_| !about_care);
    let user = user.map(|user| digest(edge, user.as_bytes()));
    let given = about_care.then(|| headers::request_id(request.headers())).flatten();
    let hidden = given.map(|id| digest(edge, id.as_bytes()));
    let request_id = hidden.as_deref().unwrap_or(context.origin.request_id.as_str());
    let method = meters::method_word(request.method());
    let route = route.as_deref().unwrap_or("-");
    let status = response.status();
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    // What was not begun because there is too much of it is no defect, and comes by the thousand: an error leaves at
    // once, and takes time that is lacking then. What was begun and stood still has a cause.
    let is_shed = refusal == Some(Refusal::Overloaded) && causes.is_none();
    if status.is_server_error() && !is_shed {
        tracing::error!(request_id, method, route, status = status.as_u16(), micros, user, causes, "request");
    } else {
        tracing::info!(request_id, method, route, status = status.as_u16(), micros, user, causes, "request");
    }
}

/// The same for the same value under the same key, and worth nothing without the key.
fn digest(edge: &Edge, value: &[u8]) -> String {
    let Ok(mut digest) = Hmac::<Sha256>::new_from_slice(&edge.log_key) else { return String::new() };
    digest.update(value);
    let digest = digest.finalize().into_bytes();
    digest.first_chunk::<8>().map(|start| HEXLOWER.encode(start)).unwrap_or_default()
}
