//! What the edge knows about a request before any route sees it.
use std::{
    future::{Ready, ready},
    net::IpAddr,
    rc::Rc,
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use huntzen_tenancy::{Origin, limits::Network};

use super::{language::Language, problem::Problem};
use crate::offload::Patience;

/// A request's id, language, origin and patience.
#[derive(Debug)]
pub struct RequestContext {
    /// Its id, its client's or a fresh one; and its truncated address, for the audit trail.
    pub origin: Origin,
    /// The client's whole address, for rate limits alone; never stored, never logged.
    pub client: Option<IpAddr>,
    /// The language of its texts.
    pub language: Language,
    /// What it has left of its waiting time.
    pub patience: Patience,
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
