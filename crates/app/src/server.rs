//! The HTTP server: the application that each worker runs, and the sockets in front of it.
use std::{future::Future, io, net::SocketAddr, sync::Arc, thread::available_parallelism, time::Duration};

use actix_web::{
    App, Error, HttpRequest, HttpResponse, HttpServer,
    body::MessageBody,
    dev::{Server, ServiceFactory, ServiceRequest, ServiceResponse},
    middleware::{Compress, from_fn},
    web::{self, Data, PayloadConfig},
};

use crate::{
    config::Config,
    http::{
        dev_mail, docs,
        edge::edge as edge_layer,
        headers, limits,
        problem::{Code, Problem},
        route::Operations,
    },
    offload::LaneSizes,
    realtime::peer,
    state::Edge,
    telemetry::meters::{RouteMeter, UNMATCHED},
};

/// How the server meets the network.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// The address to listen on.
    pub host: String,
    /// The port; 0 takes any free one.
    pub port: u16,
    /// Event loops.
    pub workers: usize,
    /// Connections of the database pool: the use cases that run at once.
    pub pool_size: usize,
}

impl ServerSettings {
    /// The settings of `config`; 0 workers means one for each core.
    pub fn of(config: &Config) -> Self {
        let workers = match config.http.workers {
            0 => available_parallelism().map_or(1, usize::from),
            workers => workers,
        };
        let pool_size = usize::try_from(config.database.pool_size).unwrap_or(usize::MAX);
        Self { host: config.http.host.clone(), port: config.http.port, workers, pool_size }
    }

    /// Threads for use cases in each worker: the pool's connections and two more, shared out, and
    /// room for every password that may be hashed at once, so that hashing takes nobody's thread.
    fn threads_per_worker(&self) -> usize {
        let hashing = LaneSizes::of(self.pool_size, available_parallelism().map_or(1, usize::from)).password_running;
        self.pool_size.saturating_add(2).div_ceil(self.workers.max(1)).saturating_add(hashing)
    }
}

/// A server that listens, and where.
pub struct Listening {
    /// Resolves when the server has stopped.
    pub server: Server,
    /// The addresses that it is bound to.
    pub addresses: Vec<SocketAddr>,
}

/// The application that one worker runs: `operations` behind the edge, over `services`.
pub fn application<S: Send + Sync + 'static>(
    edge: Data<Edge>,
    services: Data<S>,
    operations: fn() -> Operations,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let docs_enabled = edge.docs_enabled;
    let letters_listed = edge.letter_folder.is_some();
    let cors = headers::cors(&edge.front_ends);
    App::new()
        .app_data(PayloadConfig::new(edge.body_limit))
        .app_data(edge)
        .app_data(services)
        // Of what no operation takes; each resource has its own.
        .app_data(RouteMeter::of(UNMATCHED))
        .configure(move |config| {
            operations().mount(config);
            if docs_enabled {
                docs::mount(config, Arc::new(operations));
            }
            if letters_listed {
                dev_mail::mount(config);
            }
        })
        .default_service(web::to(unknown_path))
        .wrap(Compress::default())
        .wrap(cors)
        .wrap(from_fn(edge_layer))
}

async fn unknown_path(request: HttpRequest) -> Result<HttpResponse, Problem> {
    limits::count_stray(&request).await?;
    Err(Problem::new(Code::NotFound))
}

/// Binds the sockets and starts the workers. Signals are left to the caller.
///
/// # Errors
/// When the address cannot be bound.
pub fn listen<S: Send + Sync + 'static>(
    settings: &ServerSettings,
    edge: Data<Edge>,
    services: Data<S>,
    operations: fn() -> Operations,
) -> io::Result<Listening> {
    let server = HttpServer::new(move || application(edge.clone(), services.clone(), operations))
        .workers(settings.workers)
        .worker_max_blocking_threads(settings.threads_per_worker())
        .backlog(1024)
        .max_connections(10_000)
        .keep_alive(Duration::from_secs(75))
        .client_request_timeout(Duration::from_secs(10))
        .client_disconnect_timeout(Duration::from_secs(2))
        .on_connect(peer::remember)
        .shutdown_timeout(30)
        .disable_signals()
        .bind((settings.host.as_str(), settings.port))?;
    let addresses = server.addrs();
    Ok(Listening { server: server.run(), addresses })
}

/// Serves until `stop` resolves, then finishes what was accepted (for at most 30 s).
///
/// # Errors
/// When the server itself fails.
pub async fn serve_until(listening: Listening, stop: impl Future<Output = ()>) -> io::Result<()> {
    let handle = listening.server.handle();
    let stopping = async {
        stop.await;
        handle.stop(true).await;
    };
    let (served, ()) = futures_util::future::join(listening.server, stopping).await;
    served
}
