//! What the edge knows about a request before any route sees it.
use std::{
    cell::Cell,
    future::{Ready, ready},
    net::IpAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use huntzen_tenancy::{Origin, limits::Network};

use super::{language::Language, problem::Problem};
use crate::offload::{PATIENCE, Patience};

/// A request's id, language, origin, patience and how long it has waited.
#[derive(Debug)]
pub struct RequestContext {
    /// Its id, its client's or a fresh one; and its truncated address, for the audit trail.
    pub origin: Origin,
    /// The client's whole address, for rate limits alone; never stored, never logged.
    pub client: Option<IpAddr>,
    /// The language of its texts.
    pub language: Language,
    /// What it has left of its waiting time for use cases.
    pub patience: Patience,
    /// How long it has waited for anything so far, beside its body.
    pub waited: Cell<Duration>,
}

impl RequestContext {
    /// Waits, and counts for how long.
    pub async fn wait_for<F: Future>(&self, what: F) -> F::Output {
        let begun = Instant::now();
        let outcome = what.await;
        self.waited.set(self.waited.get().saturating_add(begun.elapsed()));
        outcome
    }

    /// What is left of the time in which the request is answered, one way or the other.
    pub fn left(&self) -> Duration {
        PATIENCE.saturating_sub(self.waited.get())
    }

    /// Begins anew: the request has come further.
    pub fn renew(&self) {
        self.patience.renew();
        self.waited.set(Duration::ZERO);
    }
}

/// Hands the request's context to a handler or another extractor.
#[derive(Clone, Debug)]
pub struct Context(pub Rc<RequestContext>);

impl Context {
    /// The context of `request`.
    ///
    /// # Errors
    /// `internal` when the request did not come through the edge.
    pub fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let context = request.extensions().get::<Rc<RequestContext>>().cloned();
        context.map(Self).ok_or_else(|| Problem::internal("the request did not come through the edge"))
    }

    /// The network that the request is counted for.
    pub fn network(&self) -> Network {
        Network::of(self.0.client)
    }

    /// Where the request came from, for public use cases.
    pub fn origin(&self) -> Origin {
        self.0.origin.clone()
    }
}

impl FromRequest for Context {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}
