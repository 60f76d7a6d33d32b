//! Sockets (RFC 6455): everything that a protocol on one of them does not have to think about.
//!
//! A protocol is one type that implements [`Protocol`] and one line in `http::operations`
//! (`ops.socket(path, permission, Type::new)`). Opening, frames, closing, pings, limits, queues and
//! revocation are done here, the same for all.
pub mod closing;
pub mod frames;
pub mod handle;
pub mod hub;
pub mod inbox;
pub mod nodes;
pub mod opening;
pub mod peer;
pub mod presence;
pub mod rate;
pub mod seats;
pub mod socket;
pub mod told;
pub mod watch;
pub mod wire;

use std::{future::Future, rc::Rc, sync::Arc};

use actix_web::web::Data;
use huntzen_tenancy::{live::Signal, words::Words};

pub use closing::Closing;
pub use frames::{ClientEvent, Reply, frame};
pub use handle::SocketHandle;
pub use hub::Hub;

use crate::{
    chat::MessageQueue,
    http::problem::Problem,
    offload::{Lane, Patience, offload},
    services::Services,
    state::Edge,
};

/// What a client and the server say to each other on one kind of socket. One value a socket, on
/// one worker; the methods are never run twice at once each, but a `deliver` may run while a
/// `receive` waits.
pub trait Protocol: 'static {
    /// What clients say.
    type Asked: Words;
    /// What clients are told, beside `ack` and `error`.
    type Told: Words;

    /// Answers an event: with the acknowledgement's data and further frames after it, or with a
    /// problem, which becomes an `error` frame. The socket stays open either way. The next event
    /// is read when this one is answered.
    fn receive(self: Rc<Self>, asked: Self::Asked, event: ClientEvent) -> impl Future<Output = Result<Reply, Problem>>;

    /// What of a signal on one of the socket's topics the client gets. An error closes the socket.
    fn deliver(self: Rc<Self>, signal: Arc<Signal>) -> impl Future<Output = Result<Delivery, Closing>>;

    /// The socket has ended, for whatever reason; it has left all topics.
    fn closed(self: Rc<Self>) -> impl Future<Output = ()>;
}

/// What a client gets of a signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Nothing.
    Nothing,
    /// The signal's own text.
    AsItIs,
    /// These frames instead, in this order.
    Instead(Vec<Arc<str>>),
}

/// What a protocol is given when its socket opens.
pub struct Connected {
    /// The socket.
    pub socket: SocketHandle,
    services: Data<Services>,
    edge: Data<Edge>,
}

impl Connected {
    /// Of this socket.
    pub(crate) fn new(socket: SocketHandle, services: Data<Services>, edge: Data<Edge>) -> Self {
        Self { socket, services, edge }
    }

    /// Runs a use case that does not hash, with a request's patience of its own.
    ///
    /// # Errors
    /// The use case's refusal as a problem; `overloaded`, `internal`.
    pub async fn run<T, E, F>(&self, use_case: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        E: Send + 'static,
        Problem: From<E>,
        F: FnOnce(&Services) -> Result<T, E> + Send + 'static,
    {
        let services = self.services.clone();
        offload(&self.edge.lanes, Lane::General, &Patience::default(), move || use_case(services.as_ref())).await
    }

    /// The use cases, for what neither waits nor computes.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// Where messages are written.
    pub fn messages(&self) -> &MessageQueue {
        &self.edge.messages
    }

    /// Where topics are joined and signals published.
    pub fn hub(&self) -> &Arc<Hub> {
        &self.edge.hub
    }
}
