//! One socket from the upgrade to the end of its TCP connection: a reader that answers events one
//! after the other, and a writer that empties the queue.
use std::{pin::pin, rc::Rc, sync::Arc, time::Instant};

use actix_web::{
    dev::Payload,
    rt::time::{Instant as Moment, interval_at, timeout},
    web::Bytes,
};
use actix_ws::{Closed, MessageStream, Session};
use futures_util::{
    StreamExt,
    future::{Either, join, select},
};
use tokio::sync::mpsc;

use super::{
    Closing, Delivery, Hub, Protocol, SocketHandle,
    frames::{ClientEvent, Unreadable, error_frame},
    handle::Item,
    peer::Peer,
    rate::Allowance,
    seats::Seat,
    wire::{Decoder, Incoming},
};
use crate::{
    http::problem::Problem,
    telemetry::meters::{Counted, Meters},
};

/// The parts of an open socket.
pub(super) struct Socket {
    pub(super) handle: SocketHandle,
    pub(super) queue: mpsc::Receiver<Item>,
    /// Where its frames go.
    pub(super) session: Session,
    /// Ends with the answer's body, which the close frame or the end of the connection ends.
    pub(super) body: MessageStream,
    /// Where the peer's bytes come from.
    pub(super) payload: Payload,
    pub(super) peer: Peer,
    pub(super) hub: Arc<Hub>,
    pub(super) seat: Seat,
    pub(super) counts: SocketCounts,
}

/// Counts a socket among those that are open, and then among those that were closed.
pub(super) struct SocketCounts {
    meters: Meters,
    _open: Counted,
}

impl SocketCounts {
    /// From now on a socket is open at this path.
    pub(super) fn begin(meters: &Meters, path: &'static str) -> Self {
        Self { meters: meters.clone(), _open: meters.open_socket(path) }
    }
}

impl Socket {
    /// Speaks `protocol` until either side closes.
    pub(super) async fn run<P: Protocol>(self, protocol: Rc<P>) {
        let Self { handle, queue, session, mut body, payload, peer, hub, seat, counts } = self;
        let reading = read(&handle, payload, &protocol, &hub);
        let writing = async {
            write(&handle, queue, session, &protocol, &hub).await;
            // Nobody else hears of what this socket says from here on.
            hub.leave_all(&handle);
            let ended = async {
                while body.recv().await.is_some() {}
                peer.written().await;
            };
            match timeout(hub.pace().stalled, ended).await {
                Ok(()) => {
                    // Whoever sees the end of the connection may open another.
                    drop(seat);
                    peer.finish();
                }
                Err(_) => peer.reset(),
            }
        };
        join(reading, writing).await;
        counts.meters.close_socket(handle.closing().await.word());
        drop(counts);
        protocol.closed().await;
    }
}

/// Reads until there is a reason to close.
async fn read<P: Protocol>(handle: &SocketHandle, mut payload: Payload, protocol: &Rc<P>, hub: &Hub) {
    let mut decoder = Decoder::default();
    let mut allowances = Allowances::full();
    loop {
        let arrived = timeout(hub.pace().silence, payload.next());
        let bytes = match select(pin!(handle.closing()), pin!(arrived)).await {
            Either::Left(_) => return,
            Either::Right((Ok(Some(Ok(bytes))), _)) => bytes,
            Either::Right((Ok(Some(Err(_)) | None), _)) => return handle.close(Closing::Lost),
            Either::Right((Err(_), _)) => return handle.close(Closing::GoingAway),
        };
        decoder.feed(bytes);
        // Who may not act any more is not heard any more, whatever has come already.
        while !handle.is_closing() {
            match decoder.next() {
                Ok(None) => break,
                Ok(Some(incoming)) => {
                    if let Err(closing) = take(incoming, handle, protocol, &mut allowances).await {
                        return handle.close(closing);
                    }
                }
                Err(closing) => return handle.close(closing),
            }
        }
    }
}

/// What a peer may still send. Control frames and fragments without content have an allowance of
/// their own: pings do not use up events, and neither keeps the server busy for nothing.
struct Allowances {
    events: Allowance,
    idle: Allowance,
}

impl Allowances {
    fn full() -> Self {
        let now = Instant::now();
        Self { events: Allowance::full(now), idle: Allowance::full(now) }
    }
}

async fn take<P: Protocol>(
    incoming: Incoming,
    handle: &SocketHandle,
    protocol: &Rc<P>,
    allowances: &mut Allowances,
) -> Result<(), Closing> {
    let allowance = match &incoming {
        Incoming::Text(_) => Some(&mut allowances.events),
        Incoming::Ping(_) | Incoming::Pong | Incoming::Fragment(0) => Some(&mut allowances.idle),
        Incoming::Fragment(_) | Incoming::Close(_) => None,
    };
    if allowance.is_some_and(|allowance| !allowance.draw(Instant::now())) {
        return Err(Closing::TooManyEvents);
    }
    match incoming {
        Incoming::Text(text) => {
            let items = answer(text, handle, protocol).await.map_err(|defect| {
                tracing::error!(causes = defect.causes(), "an event could not be answered");
                Closing::Defect
            })?;
            for item in items {
                handle.put(item);
            }
        }
        Incoming::Ping(content) => handle.put(Item::Pong(content)),
        Incoming::Pong | Incoming::Fragment(_) => {}
        Incoming::Close(code) => return Err(Closing::ByPeer(code)),
    }
    Ok(())
}

/// What answers an event.
async fn answer<P: Protocol>(text: String, handle: &SocketHandle, protocol: &Rc<P>) -> Result<Vec<Item>, Problem> {
    let (id, answered) = match ClientEvent::parse(text) {
        Ok(event) => {
            let id = event.id.clone();
            let answered = match event.name() {
                Ok(asked) => Rc::clone(protocol).receive(asked, event).await,
                Err(problem) => Err(problem),
            };
            (id, answered)
        }
        Err(Unreadable { id, problem }) => (id, Err(problem)),
    };
    match answered {
        Ok(reply) => reply.items(id.as_deref()),
        Err(problem) => {
            if problem.code().status().is_server_error() {
                tracing::error!(code = problem.code().as_str(), causes = problem.causes(), "an event failed");
            }
            Ok(vec![Item::Text(error_frame(&problem, id.as_deref(), handle.language())?)])
        }
    }
}

/// Writes until there is a reason to close, then the close frame.
async fn write<P: Protocol>(
    handle: &SocketHandle,
    mut queue: mpsc::Receiver<Item>,
    mut session: Session,
    protocol: &Rc<P>,
    hub: &Hub,
) {
    let ping = hub.pace().ping;
    let mut pings = interval_at(Moment::now() + ping, ping);
    let closing = loop {
        let work = async {
            tokio::select! {
                Some(item) = queue.recv() => pass(item, &mut session, protocol).await,
                _ = pings.tick() => session.ping(b"").await.map_err(lost),
            }
        };
        match select(pin!(handle.closing()), pin!(work)).await {
            Either::Left((closing, _)) => break closing,
            Either::Right((Ok(()), _)) => {}
            Either::Right((Err(closing), _)) => {
                handle.close(closing);
                break handle.closing().await;
            }
        }
    };
    if closing == Closing::Lost {
        // The answer's body ends with its session, without a close frame.
        return;
    }
    let farewell = async {
        queue.close();
        while let Ok(item) = queue.try_recv() {
            if closing.empties_the_queue() && pass(item, &mut session, protocol).await.is_err() {
                return;
            }
        }
        // A connection that is gone is no news here.
        session.close(closing.reason()).await.unwrap_or_default();
    };
    // Who does not read in this time is cut off next.
    timeout(hub.pace().stalled, farewell).await.unwrap_or_default();
}

/// Sends one item, once the protocol has had its say.
async fn pass<P: Protocol>(item: Item, session: &mut Session, protocol: &Rc<P>) -> Result<(), Closing> {
    match item {
        Item::Text(text) => session.text(&*text).await.map_err(lost),
        Item::Pong(content) => pong(session, &content).await,
        Item::Signal(signal) => match Rc::clone(protocol).deliver(Arc::clone(&signal)).await? {
            Delivery::Nothing => Ok(()),
            Delivery::AsItIs => session.text(&*signal.text).await.map_err(lost),
            Delivery::Instead(frames) => {
                for frame in frames {
                    session.text(&*frame).await.map_err(lost)?;
                }
                Ok(())
            }
        },
    }
}

async fn pong(session: &mut Session, content: &Bytes) -> Result<(), Closing> {
    session.pong(content).await.map_err(lost)
}

fn lost(_: Closed) -> Closing {
    Closing::Lost
}
