//! The general limit at the edge: whose request it is, and what its answer says about the limit.
use actix_web::{
    HttpMessage, HttpRequest, HttpResponseBuilder,
    http::header::{HeaderMap, HeaderName, HeaderValue},
    web::Data,
};
use huntzen_tenancy::limits::{Requester, Share};

use super::{
    access::named,
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

/// Where a secret is tried that somebody may be guessing. There only what fails is limited, by a limit of its own:
/// an office of thousands behind one address signs in within minutes. Making an account is no guess, and asking for
/// a letter neither: those have a limit for each address that a letter goes to, beside this one.
const GUESSED_AT: [&str; 9] = [
    "/auth/2fa/disable",
    "/auth/2fa/verify",
    "/auth/login",
    "/auth/refresh",
    "/auth/reset-password",
    "/auth/step-up",
    "/auth/verify-email",
    "/employees/activate",
    "/users/me/email/confirm",
];

/// The names of [`FIELDS`].
const NAMES: [HeaderName; 3] = [
    HeaderName::from_static("ratelimit-limit"),
    HeaderName::from_static("ratelimit-remaining"),
    HeaderName::from_static("ratelimit-reset"),
];

/// Which requests for a path the general limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Every one.
    Every,
    /// Those that get nowhere: of whoever has to sign in first, and by a method that nothing takes.
    Strays,
    /// None.
    None,
}

/// The header fields of every answer that was counted, and what each says.
pub const FIELDS: [(&str, &str); 3] = [
    ("RateLimit-Limit", "The most in a window: requests, or attempts that may fail."),
    ("RateLimit-Remaining", "How many more there may be in this one."),
    ("RateLimit-Reset", "Seconds until the next one."),
];

/// Which requests for this path template are counted.
pub fn counted(path: &str) -> Counted {
    if UNLIMITED.contains(&path) {
        Counted::None
    } else if GUESSED_AT.contains(&path) {
        Counted::Strays
    } else {
        Counted::Every
    }
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
    } else if let Some(excess) = edge.requests.known_excess(requester) {
        // Whoever floods costs no place in a lane, and no question to another machine.
        Some(excess)
    } else {
        let requests = edge.requests.clone();
        let counting = move || Ok::<_, Problem>(requests.count(requester));
        // A lane without room is no reason to refuse, nor one to let everybody pass: what comes next asks it for
        // room itself.
        let counted = offload(&edge.lanes, Lane::General, &context.0.patience, counting);
        counted.await.unwrap_or_else(|_| edge.requests.count_here(requester))
    };
    let Some(share) = share else { return Ok(()) };
    request.extensions_mut().insert(share);
    if share.is_exceeded {
        return Err(Problem::new(Code::TooManyRequests).retry_after(share.resets_in));
    }
    Ok(())
}

/// The same for a request that no operation takes: that of whomever its token names, if only by its signature.
///
/// # Errors
/// The same.
pub async fn count_stray(request: &HttpRequest) -> Result<(), Problem> {
    let edge = request.app_data::<Data<Edge>>().ok_or_else(|| Problem::internal("the edge has no state"))?;
    let context = Context::of(request)?;
    let account = named(request, edge);
    let requester = account.map_or_else(|| Requester::Stranger(context.network()), Requester::Account);
    count(request, edge, &context, requester).await
}

/// Puts what is left of the limit on an answer, unless another limit has refused it.
pub fn tell(headers: &mut HeaderMap, share: Share) {
    let values = [share.most, share.left, share.resets_in];
    if !headers.contains_key(&NAMES[0]) {
        for (name, value) in NAMES.into_iter().zip(values) {
            headers.insert(name, HeaderValue::from(value));
        }
    }
}

/// Puts on an answer that a limit of its own has refused it, of which nothing is left for so many seconds.
pub fn refused_by(answer: &mut HttpResponseBuilder, most: u32, seconds: u32) {
    for (name, value) in NAMES.into_iter().zip([most, 0, seconds]) {
        answer.insert_header((name, value));
    }
}
