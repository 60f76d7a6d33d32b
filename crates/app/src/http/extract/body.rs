//! Reads request bodies within their limits.
use std::time::Duration;

use actix_web::{
    HttpMessage, HttpRequest,
    dev::Payload,
    http::{Method, header},
    web::{Bytes, BytesMut, Data},
};
use futures_util::StreamExt;
use tokio::time::timeout;

use crate::{
    http::problem::{Code, Problem},
    state::Edge,
};

/// The largest body of an ordinary request, in bytes, unless configured.
pub const BODY_LIMIT: usize = 256 * 1024;

/// A client that takes longer to send a body is not served.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Takes the whole body out of `payload`.
pub(super) async fn read(request: &HttpRequest, payload: Payload) -> Result<Bytes, Problem> {
    let limit = request.app_data::<Data<Edge>>().map_or(BODY_LIMIT, |edge| edge.body_limit);
    let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let declared = declared.and_then(|length| length.parse::<usize>().ok());
    if declared.is_some_and(|length| length > limit) {
        return Err(Problem::new(Code::PayloadTooLarge));
    }
    match timeout(BODY_TIME, collect(payload, limit, declared.unwrap_or(0))).await {
        Ok(body) => body,
        Err(_) => Err(Problem::new(Code::RequestTimeout)),
    }
}

async fn collect(mut payload: Payload, limit: usize, expected: usize) -> Result<Bytes, Problem> {
    let mut body = BytesMut::with_capacity(expected);
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| Problem::new(Code::BadRequest).because(error.to_string()))?;
        if body.len().saturating_add(chunk.len()) > limit {
            return Err(Problem::new(Code::PayloadTooLarge));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Whether the body is declared as JSON; `None` when it is not declared at all.
pub(super) fn is_json(request: &HttpRequest) -> Option<bool> {
    request.headers().get(header::CONTENT_TYPE)?;
    Some(request.content_type().eq_ignore_ascii_case("application/json"))
}

/// Refuses a body that no extractor of the route has taken: what is sent for nothing is a mistake
/// that its sender should hear of. An empty object says nothing and passes.
///
/// # Errors
/// `unexpected_body`, `payload_too_large`, `request_timeout`.
pub async fn refuse_unread_body(request: &HttpRequest, payload: &mut Payload) -> Result<(), Problem> {
    let meaningful = [Method::POST, Method::PUT, Method::PATCH].contains(request.method());
    if !meaningful || matches!(payload, Payload::None) {
        return Ok(());
    }
    let body = read(request, payload.take()).await?;
    match body.trim_ascii() {
        b"" | b"{}" => Ok(()),
        _ => Err(Problem::new(Code::UnexpectedBody)),
    }
}
