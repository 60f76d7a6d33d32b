//! The registry of operations: each states its method, path, access and handler once, and the
//! router, the document and the authorization matrix are all made from it.
use std::collections::{BTreeMap, BTreeSet};

use actix_web::{
    Error, FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder, Route, Scope,
    body::{BodySize, BoxBody, MessageBody},
    dev::Payload,
    guard,
    http::{
        Method,
        header::{CONTENT_ENCODING, HeaderValue},
    },
    web,
};
use huntzen_tenancy::{policy::Permission, words::Words};

use super::{
    access::{Access, admit, stranger_refused},
    extract::{refuse_unread_body, refuse_unread_query},
    headers,
    limits::{self, Counted},
    problem::Problem,
};
use crate::{
    realtime::{Connected, Protocol, opening},
    telemetry::meters::RouteMeter,
};

/// Answers shorter than this, in bytes, are not worth compressing.
const WORTH_COMPRESSING: u64 = 1024;

/// One operation of the API as the matrix and the document see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Its method.
    pub method: Method,
    /// Its path template.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// The operation that this is another name of.
    pub alias_of: Option<(Method, &'static str)>,
    /// Whether it takes an `Idempotency-Key`.
    pub repeatable: bool,
}

struct Registered {
    operation: Operation,
    bind: Box<dyn Fn() -> Route>,
}

/// A socket as the matrix sees it. It is no operation: it is described by a document of its own,
/// which speaks of events instead of requests and answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketRoute {
    /// Its path.
    pub path: &'static str,
    /// Who may open it.
    pub permission: Permission,
    /// What clients say on it.
    pub asked: Vec<&'static str>,
    /// What they are told on it, beside `ack` and `error`.
    pub told: Vec<&'static str>,
}

struct RegisteredSocket {
    route: SocketRoute,
    bind: Box<dyn Fn() -> Route>,
}

/// Every operation of the API, and every socket.
#[derive(Default)]
pub struct Operations {
    registered: Vec<Registered>,
    sockets: Vec<RegisteredSocket>,
    documents: Vec<fn() -> utoipa::openapi::OpenApi>,
}

impl Operations {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the documentation (`#[derive(OpenApi)] #[openapi(paths(…))]`) of a resource's operations.
    pub fn document<D: utoipa::OpenApi>(&mut self) -> &mut Self {
        self.documents.push(D::openapi);
        self
    }

    /// Adds an operation. The path is the one in its `#[utoipa::path]`.
    pub fn route<F, Args>(
        &mut self,
        method: Method,
        path: &'static str,
        access: impl Into<Access>,
        handler: F,
    ) -> Aliases<'_, F, Args>
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let operation = Operation { method, path, access: access.into(), alias_of: None, repeatable: false };
        self.add(operation.clone(), handler.clone());
        Aliases { operations: self, operation, handler, args: std::marker::PhantomData }
    }

    fn add<F, Args>(&mut self, operation: Operation, handler: F)
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let (method, access) = (operation.method.clone(), operation.access);
        let compressed = !headers::is_sign_in(operation.path);
        let counted = limits::counted(operation.path);
        let bind = move || bind(method.clone(), (access, counted), compressed, handler.clone());
        self.registered.push(Registered { operation, bind: Box::new(bind) });
    }

    /// Adds a socket that speaks the protocol which `connect` makes, to whoever holds `permission`.
    pub fn socket<P: Protocol>(&mut self, path: &'static str, permission: Permission, connect: fn(Connected) -> P) {
        let bind = move || {
            web::get().to(move |request: HttpRequest, payload: web::Payload| async move {
                opening::open(&request, payload.into_inner(), (path, permission), connect).await
            })
        };
        let (asked, told) = (words::<P::Asked>(), words::<P::Told>());
        let route = SocketRoute { path, permission, asked, told };
        self.sockets.push(RegisteredSocket { route, bind: Box::new(bind) });
    }

    /// Every socket, in the order of registration.
    pub fn sockets(&self) -> Vec<SocketRoute> {
        self.sockets.iter().map(|socket| socket.route.clone()).collect()
    }

    /// Every operation, aliases included, in the order of registration.
    pub fn operations(&self) -> Vec<Operation> {
        self.registered.iter().map(|registered| registered.operation.clone()).collect()
    }

    /// The documentation of every resource.
    pub fn documents(&self) -> impl Iterator<Item = utoipa::openapi::OpenApi> {
        self.documents.iter().map(|document| document())
    }

    /// Puts every operation into the router: one resource a path, 405 with `Allow` for other methods.
    ///
    /// The router tries one after the other, and a path with a parameter costs it a regular expression each
    /// time: so fixed paths come first, and the others in a scope of their first segment, which is compared
    /// as it is. Within a scope too, what is fixed comes before what is a parameter.
    pub fn mount(&self, config: &mut web::ServiceConfig) {
        for socket in &self.sockets {
            config.service(socket.resource());
        }
        let mut paths: BTreeMap<Vec<Segment>, (&'static str, Vec<&Registered>)> = BTreeMap::new();
        for registered in &self.registered {
            let path = registered.operation.path;
            paths.entry(segments(path)).or_insert((path, Vec::new())).1.push(registered);
        }
        let mut scopes: BTreeMap<&'static str, Scope> = BTreeMap::new();
        for (segments, (path, registered)) in paths {
            if !segments.contains(&Segment::Parameter) {
                config.service(resource(path, path, &registered));
                continue;
            }
            let (first, rest) = first_segment(path);
            let scope = scopes.remove(first).unwrap_or_else(|| web::scope(first));
            scopes.insert(first, scope.service(resource(path, rest, &registered)));
        }
        for scope in scopes.into_values() {
            config.service(scope);
        }
    }
}

impl RegisteredSocket {
    fn resource(&self) -> Resource {
        let refuse = |request: HttpRequest| async move {
            limits::count_stray(&request).await?;
            Err::<HttpResponse, Problem>(Problem::method_not_allowed("GET".to_owned()))
        };
        let path = self.route.path;
        let resource = web::resource(path).app_data(RouteMeter::of_socket(path)).route((self.bind)());
        resource.default_service(web::route().to(refuse))
    }
}

/// What is done at `path`, for the router at `within` its scope.
fn resource(path: &'static str, within: &'static str, registered: &[&Registered]) -> Resource {
    let methods: BTreeSet<&str> = registered.iter().flat_map(|one| taken(&one.operation.method)).collect();
    let allow = methods.into_iter().collect::<Vec<_>>().join(", ");
    let limited = limits::counted(path) != Counted::None;
    let mut resource = web::resource(within).app_data(RouteMeter::of(path));
    for one in registered {
        resource = resource.route((one.bind)());
    }
    let refuse = move |request: HttpRequest| {
        let allow = allow.clone();
        async move {
            if limited {
                limits::count_stray(&request).await?;
            }
            Err::<HttpResponse, Problem>(Problem::method_not_allowed(allow))
        }
    };
    resource.default_service(web::route().to(refuse))
}

/// A path's first segment and the rest, each with its slash.
fn first_segment(path: &'static str) -> (&'static str, &'static str) {
    let end = path.char_indices().skip(1).find_map(|(at, letter)| (letter == '/').then_some(at));
    path.split_at(end.unwrap_or(path.len()))
}

fn words<W: Words>() -> Vec<&'static str> {
    W::ALL.iter().map(|word| word.as_str()).collect()
}

/// Gives an operation further names.
pub struct Aliases<'a, F, Args> {
    operations: &'a mut Operations,
    operation: Operation,
    handler: F,
    args: std::marker::PhantomData<Args>,
}

impl<F, Args> Aliases<'_, F, Args>
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    /// The same handler at another method and path.
    #[must_use]
    pub fn alias(self, method: Method, path: &'static str) -> Self {
        let alias_of = Some((self.operation.method.clone(), self.operation.path));
        let operation = Operation { method, path, alias_of, ..self.operation.clone() };
        self.operations.add(operation, self.handler.clone());
        self
    }

    /// Its handler does what is asked for with an `Idempotency-Key` once. Before its aliases.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.operation.repeatable = true;
        if let Some(registered) = self.operations.registered.last_mut() {
            registered.operation.repeatable = true;
        }
        self
    }

    /// The same handler for `PUT` on the same path.
    pub fn or_put(self) {
        let path = self.operation.path;
        drop(self.alias(Method::PUT, path));
    }

    /// The same handler for `POST` on the same path.
    pub fn or_post(self) {
        let path = self.operation.path;
        drop(self.alias(Method::POST, path));
    }
}

/// A part of a path; fixed ones sort, and so match, before parameters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Fixed(&'static str),
    Parameter,
}

fn segments(path: &'static str) -> Vec<Segment> {
    let part = |part: &'static str| if part.starts_with('{') { Segment::Parameter } else { Segment::Fixed(part) };
    path.split('/').map(part).collect()
}

/// What a registered method answers to: `GET` answers `HEAD` as well (RFC 9110 §9.3.2).
fn taken(method: &Method) -> Vec<&str> {
    if method == Method::GET { vec!["GET", "HEAD"] } else { vec![method.as_str()] }
}

fn bind<F, Args>(method: Method, admission: (Access, Counted), compressed: bool, handler: F) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    let matches = guard::fn_guard(move |context| {
        let asked = &context.head().method;
        *asked == method || (*asked == Method::HEAD && method == Method::GET)
    });
    web::route().guard(matches).to(move |request: HttpRequest, payload: web::Payload| {
        let handler = handler.clone();
        async move {
            let mut payload = payload.into_inner();
            let answer = answer(&request, &mut payload, admission, handler).await;
            let mut answer = answer.unwrap_or_else(HttpResponse::from_error);
            if let Some(problem) = stranger_refused(&request, admission.0, answer.status()) {
                answer = HttpResponse::from_error(problem);
            }
            let short = matches!(answer.body().size(), BodySize::Sized(length) if length < WORTH_COMPRESSING);
            if short || !compressed {
                // Tells the compression to leave the answer alone; the edge takes it off again.
                answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("identity"));
            }
            answer
        }
    })
}

/// 429, 401, 403, then 400 and 404, then the handler.
async fn answer<F, Args>(
    request: &HttpRequest,
    payload: &mut Payload,
    (access, counted): (Access, Counted),
    handler: F,
) -> Result<HttpResponse<BoxBody>, Error>
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    admit(request, access, counted).await?;
    let args = Args::from_request(request, payload).await.map_err(Into::into)?;
    refuse_unread_query(request)?;
    refuse_unread_body(request, payload).await?;
    Ok(handler.call(args).await.respond_to(request).map_into_boxed_body())
}
