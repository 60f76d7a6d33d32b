//! Opening a socket: who may, in the order 401, 403, 400, 426, 429, and the upgrade itself.
use std::{rc::Rc, sync::Arc};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    dev::Payload,
    http::{StatusCode, Version, header},
    rt,
    web::{self, Data},
};
use actix_ws::{MessageStream, Session, handle_with_protocols};
use futures_util::stream;
use huntzen_tenancy::policy::Permission;
use serde::Deserialize;
use validator::Validate;

use super::{
    Connected, Protocol, SocketHandle,
    peer::Peer,
    seats::{NoSeat, Seat},
    socket::{Socket, SocketCounts},
};
use crate::{
    http::{
        Code, Problem, Query, Signed,
        access::{admit_socket, trace_refusal},
        context::Context,
        limits::count_stray,
    },
    services::Services,
    state::Edge,
};

/// The subprotocol, repeated when it is offered; nobody needs it.
const SUBPROTOCOLS: &[&str] = &["huntzen.v1"];

/// What may stand in the query of an upgrade.
#[derive(Deserialize, Validate)]
struct OpeningQuery {
    /// A ticket of `POST /auth/ws-ticket`, for browsers, which can send no `Authorization`. It was
    /// used before the query is read.
    #[serde(rename = "ticket")]
    _ticket: Option<String>,
}

/// Opens a socket at `path` that speaks the protocol that `connect` makes, to whoever holds `permission`.
///
/// # Errors
/// `unauthenticated`, `invalid_token`, `session_ended`; `forbidden`, also for a browser that shows
/// the page of somebody else; `validation_failed`; `upgrade_required`, `bad_request`;
/// `too_many_requests` for the eleventh socket of a person; `unavailable` while the server stops.
pub(crate) async fn open<P: Protocol>(
    request: &HttpRequest,
    payload: Payload,
    (path, permission): (&'static str, Permission),
    connect: impl FnOnce(Connected) -> P,
) -> Result<HttpResponse, Problem> {
    let missing = || Problem::internal("the application state was not given to the server");
    let edge = request.app_data::<Data<Edge>>().cloned().ok_or_else(missing)?;
    let services = request.app_data::<Data<Services>>().cloned().ok_or_else(missing)?;
    let context = Context::of(request)?;

    if !asks_for_upgrade(request) {
        // A request as any other, and one that gets nowhere.
        count_stray(request).await?;
    }
    let signed = admit_socket(request, permission, ticket(request)).await?;
    if !is_welcome(request, &edge.front_ends) {
        trace_refusal(&edge, &signed);
        return Err(Problem::new(Code::Forbidden));
    }
    Query::<OpeningQuery>::from_request(request, &mut Payload::None).await?;
    let peer = Peer::of(request);
    let (response, session, body) = shake_hands(request).await?;
    let seat = seat(&edge, &signed)?;
    let peer = peer.ok_or_else(|| Problem::new(Code::Unavailable).because("the connection has no second handle"))?;

    let session_id = signed.session.session.id;
    let (handle, queue) = SocketHandle::new(edge.randomness.uuid_v4(), signed.caller, session_id, context.0.language);
    edge.hub.enter(&handle);
    let hub = Arc::clone(&edge.hub);
    let protocol = Rc::new(connect(Connected::new(handle.clone(), services, edge.clone())));
    let counts = SocketCounts::begin(&edge.meters, path);
    let socket = Socket { handle, queue, session, body, payload, peer, hub, seat, counts };
    rt::spawn(socket.run(protocol));
    Ok(response)
}

/// The ticket in the query, whatever else is there.
fn ticket(request: &HttpRequest) -> Option<String> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(request.query_string()).unwrap_or_default();
    pairs.into_iter().find(|(name, _)| name == "ticket").map(|(_, ticket)| ticket)
}

/// Whether a browser, if it is one, shows one of our front ends (RFC 6455 §10.2): cookies are not
/// used, but a page that stole a ticket could use it.
fn is_welcome(request: &HttpRequest, front_ends: &[String]) -> bool {
    request.headers().get_all(header::ORIGIN).all(|origin| front_ends.iter().any(|known| origin == known.as_str()))
}

fn asks_for_upgrade(request: &HttpRequest) -> bool {
    let protocols = request.headers().get(header::UPGRADE).and_then(|value| value.to_str().ok());
    protocols.is_some_and(|value| value.split(',').any(|one| one.trim().eq_ignore_ascii_case("websocket")))
}

/// The answer to the opening handshake (§4.2), the way out, and what ends with the answer's body.
async fn shake_hands(request: &HttpRequest) -> Result<(HttpResponse, Session, MessageStream), Problem> {
    if request.version() < Version::HTTP_11 {
        return Err(Problem::new(Code::BadRequest));
    }
    if !asks_for_upgrade(request) {
        return Err(Problem::new(Code::UpgradeRequired));
    }
    handle_with_protocols(request, silence(request).await?, SUBPROTOCOLS).map_err(|error| {
        let code = match error.as_response_error().status_code() {
            StatusCode::UPGRADE_REQUIRED => Code::UpgradeRequired,
            _ => Code::BadRequest,
        };
        Problem::new(code).because(error.to_string())
    })
}

/// A body on which nothing ever comes. actix-ws would wait for the whole of a frame however long
/// it says it is, so the peer's bytes are read by [`super::wire`] instead.
async fn silence(request: &HttpRequest) -> Result<web::Payload, Problem> {
    let mut silent: Payload = Payload::Stream { payload: Box::pin(stream::pending()) };
    web::Payload::from_request(request, &mut silent).await.map_err(|error| Problem::internal(error.to_string()))
}

/// A place for the socket.
fn seat(edge: &Edge, signed: &Signed) -> Result<Seat, Problem> {
    edge.hub.seat(signed.caller.actor.user).map_err(|refusal| match refusal {
        NoSeat::TooMany => Problem::new(Code::TooManyRequests).retry_after(30),
        NoSeat::Closing => Problem::new(Code::Unavailable),
    })
}
