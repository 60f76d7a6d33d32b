//! The general limit at the edge: whose request it is, and what its answer says about the limit.
use actix_web::{
    HttpMessage, HttpRequest,
    http::header::{HeaderMap, HeaderName, HeaderValue},
    web::Data,
};
use huntzen_tenancy::limits::{Requester, Share};

use super::{
    context::Context,
    problem::{Code, Problem},
};
use crate::{
    offload::{Lane, offload},
    state::Edge,
};

/// What somebody in need, or whoever watches over the service, must always reach. Sockets stand outside
/// as well: an upgrade is no operation.
const UNLIMITED: [&str; 3] = ["/crisis", "/health", "/health/live"];

/// The header fields of every answer that was counted, and what each says.
pub const FIELDS: [(&str, &str); 3] = [
    ("RateLimit-Limit", "Requests in a window."),
    ("RateLimit-Remaining", "How many more are answered in this one."),
    ("RateLimit-Reset", "Seconds until the next one."),
];

/// Whether requests for this path template are counted.
pub fn is_limited(path: &str) -> bool {
    !UNLIMITED.contains(&path)
}

/// Counts a request, and has its answer say what is left.
///
/// # Errors
/// `too_many_requests`.
pub async fn count(
    request: &HttpRequest,
    edge: &Data<Edge>,
    context: &Context,
    requester: Requester,
) -> Result<(), Problem> {
    let share = if edge.requests.is_at_hand() {
        edge.requests.count(requester)
    } else {
        let requests = edge.requests.clone();
        let counting = move || Ok::<_, Problem>(requests.count(requester));
        // A lane without room is no reason to refuse: what comes next asks it for room itself.
        offload(&edge.lanes, Lane::General, &context.0.patience, counting).await.unwrap_or_default()
    };
    let Some(share) = share else { return Ok(()) };
    request.extensions_mut().insert(share);
    if share.is_exceeded {
        return Err(Problem::new(Code::TooManyRequests).retry_after(share.resets_in));
    }
    Ok(())
}

/// The same for a request that no operation takes.
///
/// # Errors
/// The same.
pub async fn count_stray(request: &HttpRequest) -> Result<(), Problem> {
    let edge = request.app_data::<Data<Edge>>().ok_or_else(|| Problem::internal("the edge has no state"))?;
    let context = Context::of(request)?;
    count(request, edge, &context, Requester::Stranger(context.network())).await
}

/// Puts what is left of the limit on an answer.
pub fn tell(headers: &mut HeaderMap, share: Share) {
    let [limit, remaining, reset] =
        ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"].map(HeaderName::from_static);
    for (name, value) in [(limit, share.most), (remaining, share.left), (reset, share.resets_in)] {
        headers.insert(name, HeaderValue::from(value));
    }
}
