//! Reads request bodies within their limits.
use std::{fmt::Display, time::Duration};

use actix_web::{
    HttpMessage, HttpRequest,
    dev::Payload,
    http::{Method, header},
    web::{Bytes, BytesMut, Data},
};
use futures_util::{Stream, StreamExt};
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
    let expected = declared_length(request, limit)?;
    in_time(BODY_TIME, collect(payload, limit, expected)).await
}

/// The length that the request declares, nothing when it declares none.
///
/// # Errors
/// `payload_too_large` when it is more than `limit`.
pub(super) fn declared_length(request: &HttpRequest, limit: usize) -> Result<usize, Problem> {
    let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let declared = declared.and_then(|length| length.parse::<usize>().ok()).unwrap_or(0);
    if declared > limit { Err(Problem::new(Code::PayloadTooLarge)) } else { Ok(declared) }
}

/// What `reading` reads, unless that takes longer than `time`.
///
/// # Errors
/// `request_timeout`, or those of `reading`.
pub(super) async fn in_time<T>(
    time: Duration,
    reading: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    timeout(time, reading).await.unwrap_or_else(|_| Err(Problem::new(Code::RequestTimeout)))
}

/// Puts what comes together, up to `limit` bytes.
///
/// # Errors
/// `payload_too_large`; `bad_request` when the body is cut.
pub(super) async fn collect<E: Display>(
    mut payload: impl Stream<Item = Result<Bytes, E>> + Unpin,
    limit: usize,
    expected: usize,
) -> Result<Bytes, Problem> {
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
